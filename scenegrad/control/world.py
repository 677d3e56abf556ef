"""A batch of worlds in which agents act: each begins anew when its episode is over, and all step together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.control.actions import Actions
from scenegrad.control.later import Later
from scenegrad.control.task import Task, Transition
from scenegrad.engine.errors import Diverged
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import Params, map_tensors, select
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.vary import Ensemble
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.shared.leaves import leaf

__all__ = ["Outcome", "World"]

EPISODES = 2**31  # that one seed can draw


@dataclass(frozen=True)
class Outcome:
    """observation [batch, n], reward [batch]; over: the episode ended in itself; late: it was cut off at its end;
    diverged: its motion ran away, which ends it without reward [batch] bool."""

    observation: Tensor
    reward: Tensor
    over: Tensor
    late: Tensor
    diverged: Tensor


class World:
    """`count` members of a task, each with a clock and draws of its own: it does what it would do alone."""

    def __init__(self, task: Task, count: int, device: str = "cpu", dtype: str = "float32"):
        self.task, self.count, self.device, self.dtype = task, count, device, dtype
        self.scenes = [task.scene.median() for _ in range(count)]
        self.compile()
        self.actions = Actions.of(self.params, task.action)
        self.drawn = set(task.scene.distributions())
        # Draws of what params hold only change params; others change the scene itself, which is then compiled anew.
        self.owners = {d: next((a for a in self.params if d == a or d.startswith(f"{a}.")), None) for d in self.drawn}
        self.seeds: list[int | None] = [None] * count
        self.episodes = [0] * count
        self.time = torch.zeros(count, dtype=torch.float64)

    def compile(self) -> None:
        self.solver, state, params = compile_scene(self.scenes, self.device, self.dtype)
        self.state, self.params = map_tensors(torch.Tensor.detach, state), params.detach()

    def reset(self, members: Sequence[int] | None = None, seeds: Sequence[int | None] | None = None) -> Tensor:
        """Begins new episodes of some members, or of all; returns what every member sees [batch, n].

        seeds: of the draws, one for each of these members; without one, the draws of its last seed go on.
        """
        members = list(range(self.count)) if members is None else list(members)
        for member, seed in zip(members, seeds or [None] * len(members), strict=True):
            if seed is not None or self.seeds[member] is None:
                fresh = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else seed
                self.seeds[member], self.episodes[member] = fresh, 0
            else:
                self.episodes[member] += 1
            self.scenes[member] = self.draw(member)
        before = self.state
        if all(self.owners.values()):
            self.params = self.redrawn(members)
            self.state = self.first_state(self.params)
        else:
            self.compile()
        mask = torch.zeros(self.count, dtype=torch.bool)
        mask[members] = True
        self.state = select(mask, self.state, before)
        self.time = torch.where(mask, 0.0, self.time)
        return self.observation()

    def draw(self, member: int) -> Scene:
        seed = self.seeds[member]
        assert seed is not None
        if not self.drawn:
            return self.scenes[member]
        return Ensemble(self.task.scene, EPISODES, seed, "random")[self.episodes[member]]

    def redrawn(self, members: Sequence[int]) -> Params:
        changed = {}
        for address in sorted({owner for owner in self.owners.values() if owner is not None}):
            value = self.params[address].clone()
            for member in members:
                value[member] = leaf([self.scenes[member]], address, self.device, value.dtype)[0].detach()
            changed[address] = value
        return self.params.replace(changed)

    def first_state(self, params: Params) -> Any:
        initial = self.solver.program.initial
        assert initial is not None, "every compiled scene says how it begins"
        return map_tensors(torch.Tensor.detach, initial(params))

    def observation(self) -> Tensor:
        return self.task.observe(self.solver, self.state, self.params, self.time)

    def step(self, action: Tensor) -> Outcome:
        """Lets every member act once. action [batch, n] is clipped to its bounds; gradients flow from one step to the
        next through the state, until that is detached."""
        row = self.actions.clip(action.to(self.actions.low))
        params = self.params.replace(self.actions.values(row))
        after, diverged = self.advanced(params)
        seen = Transition(self.state, after, row, params, self.time)
        self.state, self.time = after, self.time + self.task.every
        reward = torch.where(diverged.to(row.device), 0.0, self.task.reward(seen))
        over = torch.zeros(self.count, dtype=torch.bool) if self.task.over is None else self.task.over(seen).cpu()
        late = self.time > self.task.end * (1.0 - 1e-9)
        return Outcome(self.observation(), reward, over | diverged, late, diverged)

    def advanced(self, params: Params) -> tuple[Any, Tensor]:
        """The state after one decision, and which members ran away [batch]; those stand where they would begin."""
        diverged, state = torch.zeros(self.count, dtype=torch.bool), self.state
        solver = Later(self.solver, self.time)
        while True:
            try:
                after = rollout(solver, state, params, self.task.every, probes=()).state
            except Diverged as error:
                found = [b for b in error.members if not bool(diverged[b])]
                if not found:
                    raise
                diverged[found] = True
                state = select(diverged, self.first_state(self.params), self.state)
            else:
                return select(diverged, state, after) if bool(diverged.any()) else after, diverged
