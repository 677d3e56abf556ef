"""The systems that a sampler moves: members of one batch, with temperatures that it may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.controllers import Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.scenes.active import ActiveBrownian
from scenegrad.scenes.atoms import Atoms
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.motions import ConstantPressure
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState

__all__ = ["TEMPERATURE", "Members", "System", "held", "members"]

System = Scene | tuple[AtomSolver, AtomState, Params]

TEMPERATURE = "dynamics.temperature"
STABLE = 0.2  # of the largest stable step


@dataclass(frozen=True)
class Members:
    """A batch of systems on one device. dt: of every step [time]; seed: of decisions, of each member [batch] int64."""

    solver: AtomSolver
    state: AtomState
    params: Params
    dt: float

    @property
    def batch(self) -> int:
        return len(self.state.position)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the species, in the order of their numbers."""
        return tuple(address.removesuffix(".mass") for address in self.solver.system.masses.addresses)

    @property
    def temperature(self) -> Tensor:
        """Of each member [batch], float64."""
        return self.params[TEMPERATURE].detach().double()

    def at(self, temperature: Tensor) -> Members:
        """The same at other temperatures [batch]; velocities are rescaled so that they stay canonical [Sugita & Okamoto
        1999]."""
        before = self.params[TEMPERATURE].detach()
        after = temperature.to(before)
        scale = (after.double() / before.double()).sqrt().to(self.state.velocity.dtype)
        hot = replace(self.state, velocity=self.state.velocity * scale[:, None, None])
        return replace(self, state=hot, params=self.params.replace({TEMPERATURE: after}))

    def moved(self, steps: int) -> Members:
        """After some steps, all members at once."""
        state, dt = self.state, torch.full((self.batch,), self.dt, dtype=torch.float64)
        time = torch.zeros_like(dt)
        with torch.no_grad():
            for _ in range(steps):
                state = self.solver.step(state, self.params, time, dt).state
        return replace(self, state=state)

    def energy(self, position: Tensor | None = None) -> Tensor:
        """Potential energies [batch], float64, in the unit of temperatures: kelvins, where the scene counts in them."""
        system = self.solver.system
        x = self.state.position if position is None else position
        return system.forces.sums(x, system.box_of(self.state), self.params)[:, 0] / self.solver.boltzmann

    def refuse_what_is_not_finite(self, energy: Tensor) -> None:
        if not bool(torch.isfinite(energy).all()):
            lost = int((~torch.isfinite(energy)).flatten().nonzero()[0])
            raise EngineError(
                f"The energy of member {lost % self.batch} is no longer finite, at dt={self.dt:.4g}. Take a smaller dt."
            )


def members(
    system: System,
    temperatures: Sequence[float],
    seed: int,
    dt: float | None,
    device: str,
    dtype: str,
    changes: Sequence[Mapping[str, Any]] = (),
) -> Members:
    """One member for each temperature. A scene is compiled so often, each with noise of its own; a solver with its
    state and params is taken as it is, with as many members as there are temperatures.

    changes: what else differs between the scenes of the members, by address.
    """
    heat = [float(t) for t in temperatures]
    if not heat or min(heat) <= 0.0:
        raise EngineError(f"Temperatures are positive; got {heat}.")
    if isinstance(system, Scene):
        solver, state, params = compile_scene(scenes(system, heat, seed, changes), device, dtype)
    else:
        solver, state, params = system
        if len(state.position) != len(heat):
            raise EngineError(
                f"The batch has {len(state.position)} members, and {len(heat)} temperatures ask for one each. Compile "
                f"a list of {len(heat)} scenes, or give the scene itself."
            )
        if TEMPERATURE not in params:
            raise EngineError(
                "The params hold no dynamics.temperature, which sampling changes. Give the scene dynamics with a "
                "temperature that is a number, such as Langevin(temperature=1.0)."
            )
    given = solver.program.controller
    if dt is None:
        # All members take one step: the smallest that any asks for.
        dt = given.dt if isinstance(given, Fixed) else STABLE * float(solver.max_dt(state, params).min())
    assert isinstance(solver, AtomSolver)
    made = Members(solver, state, params.detach(), float(dt))
    return made if isinstance(system, Scene) else made.at(torch.tensor(heat))


def scenes(scene: Scene, temperatures: Sequence[float], seed: int, changes: Sequence[Mapping[str, Any]]) -> list[Scene]:
    if not hasattr(scene.dynamics, "temperature"):
        raise SceneError(
            f"Scene {scene.name!r} has no temperature that sampling could change: dynamics={scene.dynamics!r:.80}. "
            "Give it dynamics that hold one, such as Langevin(temperature=1.0, friction=1.0)."
        )
    if isinstance(scene.dynamics, ActiveBrownian | ConstantPressure):
        raise SceneError(
            f"Scene {scene.name!r} has dynamics {type(scene.dynamics).__name__}, whose states are not those of "
            "exp(-U / T), which sampling weighs. Give it dynamics at constant volume, such as "
            "Langevin(temperature=1.0, friction=1.0)."
        )
    atoms = [name for name, part in scene.entities.items() if isinstance(part, Atoms)]
    own = changes or [{}] * len(temperatures)
    return [
        scene.replace(
            {TEMPERATURE: t, "seed": seed * 1_000_003 + place}
            | {f"{name}.temperature": t for name in atoms}
            | dict(more)
        )
        for place, (t, more) in enumerate(zip(temperatures, own, strict=True))
    ]


def held(system: System, temperature: float | None, count: int) -> list[float]:
    """The temperatures of members that all have one: what is given, or else what the system's own dynamics hold."""
    if temperature is not None:
        return [temperature] * count
    if isinstance(system, Scene):
        given = getattr(system.dynamics, "temperature", 1.0)  # without one, it is refused later
        return [number(system.at(given) if isinstance(given, str) else given)] * count
    params = system[2]
    return params[TEMPERATURE].tolist() if TEMPERATURE in params else [1.0] * count
