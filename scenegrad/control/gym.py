"""Tasks as Gymnasium environments. Gymnasium is an extra of its own, and imported when an environment is asked for."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scenegrad.control.task import Task
from scenegrad.control.world import World
from scenegrad.engine.errors import EngineError

if TYPE_CHECKING:
    import gymnasium

__all__ = ["scene_env", "scene_vector_env"]

Row = NDArray[np.float32]


def require() -> None:
    if find_spec("gymnasium") is None:
        raise EngineError("Environments need Gymnasium; install it with: pip install 'scenegrad[control]'")


def spaces(world: World, seen: Tensor) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
    """Of the observation and of the action of one member."""
    import gymnasium as gym

    low, high = (end.cpu().numpy().astype(np.float32) for end in (world.actions.low, world.actions.high))
    return (
        gym.spaces.Box(-np.inf, np.inf, (seen.shape[1],), np.float32),
        gym.spaces.Box(low, high, dtype=np.float32),
    )


def plain(value: Tensor) -> Any:
    return value.detach().cpu().numpy()


@cache
def scene_env() -> Any:
    """The class of environments of one member."""
    require()
    import gymnasium as gym

    class SceneEnv(gym.Env[Row, Row]):
        """One member of a task."""

        metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  # as Gymnasium declares it

        @torch.no_grad()
        def __init__(self, task: Task, device: str, dtype: str):
            self.world = World(task, 1, device, dtype)
            self.observation_space, self.action_space = spaces(self.world, self.world.observation())

        @torch.no_grad()
        def reset(
            self, *, seed: int | None = None, options: dict[str, Any] | None = None
        ) -> tuple[Row, dict[str, Any]]:
            super().reset(seed=seed)
            return plain(self.world.reset(seeds=[seed]))[0].astype(np.float32), {}

        @torch.no_grad()
        def step(self, action: Row) -> tuple[Row, float, bool, bool, dict[str, Any]]:
            found = self.world.step(torch.as_tensor(np.asarray(action))[None])
            return (
                plain(found.observation)[0].astype(np.float32),
                float(found.reward[0]),
                bool(found.over[0]),
                bool(found.late[0]),
                {"diverged": bool(found.diverged[0])},
            )

    return SceneEnv


@cache
def scene_vector_env() -> Any:
    """The class of environments that step together."""
    require()
    import gymnasium as gym

    class SceneVectorEnv(gym.vector.VectorEnv[Row, Row, NDArray[Any]]):
        """Members of a task as one batch; one whose episode is over begins anew at the next step."""

        metadata: dict[str, Any] = {  # noqa: RUF012
            "render_modes": [],
            "autoreset_mode": gym.vector.AutoresetMode.NEXT_STEP,
        }

        @torch.no_grad()
        def __init__(self, task: Task, count: int, device: str, dtype: str):
            self.num_envs, self.world = count, World(task, count, device, dtype)
            self.single_observation_space, self.single_action_space = spaces(self.world, self.world.observation())
            batch = gym.vector.utils.batch_space
            self.observation_space = batch(self.single_observation_space, count)
            self.action_space = batch(self.single_action_space, count)
            self.done = np.zeros(count, dtype=bool)

        @torch.no_grad()
        def reset(
            self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
        ) -> tuple[Row, dict[str, Any]]:
            super().reset(seed=seed if isinstance(seed, int) else None)
            seeds = [seed + b for b in range(self.num_envs)] if isinstance(seed, int) else seed
            self.done[:] = False
            return plain(self.world.reset(seeds=seeds)).astype(np.float32), {}

        @torch.no_grad()
        def step(self, actions: Row) -> tuple[Row, NDArray[np.float64], NDArray[Any], NDArray[Any], dict[str, Any]]:
            begun = self.done
            found = self.world.step(torch.as_tensor(np.asarray(actions)))
            seen = found.observation
            if begun.any():
                seen = self.world.reset(members=[int(b) for b in np.flatnonzero(begun)])
            reward = np.where(begun, 0.0, plain(found.reward).astype(np.float64))
            over, late, diverged = (plain(flag) & ~begun for flag in (found.over, found.late, found.diverged))
            self.done = over | late
            return plain(seen).astype(np.float32), reward, over, late, {"diverged": diverged}

    return SceneVectorEnv
