"""What an agent shall do in a scene: what it sees, what it sets, and what it is rewarded for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from scenegrad.control.sensing import Observation, Outputs
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.scene import Scene

if TYPE_CHECKING:
    import gymnasium

__all__ = ["Task", "Transition"]


@dataclass(frozen=True)
class Transition:
    """One decision and what came of it. action [batch, n]; time: before it [batch]."""

    before: Any
    after: Any
    action: Tensor
    params: Params
    time: Tensor


@dataclass(frozen=True)
class Task:
    """observation: what the agent sees, or the names of outputs of the scene. action: the bounds of the numbers that it
    sets, by address. reward: of a transition [batch]. every: time between decisions. until: where an episode is cut
    off; the end of the scene if left out. over: of a transition [batch] bool, whether the episode ends in itself.

    Distributions of the scene are drawn anew for every member at each reset.
    """

    scene: Scene
    observation: Observation | tuple[str, ...]
    action: Mapping[str, tuple[float, float]]
    reward: Callable[[Transition], Tensor]
    every: float
    until: float | None = None
    over: Callable[[Transition], Tensor] | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.every <= self.end:
            raise SceneError(f"A task got every={self.every:g}; it lies between 0 and its end, {self.end:g}.")

    @property
    def end(self) -> float:
        return self.scene.time.end if self.until is None else self.until

    @property
    def observe(self) -> Observation:
        return Outputs(*self.observation) if isinstance(self.observation, tuple) else self.observation

    def environment(self, device: str = "cpu", dtype: str = "float32") -> gymnasium.Env[Any, Any]:
        """As a Gymnasium environment."""
        from scenegrad.control.gym import scene_env

        return scene_env()(self, device, dtype)

    def environments(
        self, count: int, device: str = "cpu", dtype: str = "float32"
    ) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
        """As many Gymnasium environments that step together, as one batch of the solver."""
        from scenegrad.control.gym import scene_vector_env

        return scene_vector_env()(self, count, device, dtype)
