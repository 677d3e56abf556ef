"""Targets that ask a solver, not the data, what should have come next.

What they ask is a Physics: it carries named fields [batch, *grid] and parameters [batch] over a step dt [batch], and
gradients flow through it; `recipes.physics.solver_step` makes one of a scene.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.model import Dressed
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.scales import Scales
from scenegrad.surrogates.training.losses import Loss
from scenegrad.surrogates.training.targets import OneStep, Target

__all__ = ["Corrected", "Correcting", "MatchAdjoint", "Physics", "SolverInTheLoop"]

Physics = Callable[[Mapping[str, Tensor], Mapping[str, Tensor], Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True)
class SolverInTheLoop:
    """Every step of the network, from where it went by itself, against the solver's step from there.

    The network is taught on states that it makes, not on those of the data, as far as `steps` steps away from them [Um
    et al. 2020, arXiv:2007.00016; the diverted chain of Koehler et al. 2024, arXiv:2411.00180]. cut: no gradient flows
    from one step into those before it, nor through the solver: cheaper by the adjoint, and better at equal cost in
    [List, Chen, Bali & Thuerey 2024, arXiv:2402.12971].
    """

    physics: Physics = field(compare=False)
    steps: int = 2
    cut: bool = True

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise EngineError(f"SolverInTheLoop got steps={self.steps}; it is a positive number.")

    @property
    def horizon(self) -> int:
        return 1

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        state, losses = dict(window.inputs), []
        for _ in range(self.steps):
            outputs = model(state, window.params, window.dt)
            with torch.set_grad_enabled(not self.cut):
                reached = self.physics(state, window.params, window.dt)
            losses.append(loss(outputs, {name: reached[name] for name in model.names.outputs}).mean())
            handed = {name: value.detach() for name, value in outputs.items()} if self.cut else outputs
            state = model.names.follow(state, handed)
        return torch.stack(losses).mean()


class Corrected(nn.Module):
    """A coarse or simple solver whose every step a network mends: what the network is given, and adds its change to, is
    the state after the solver's step. Dressed, as any model."""

    def __init__(self, model: Dressed, physics: Physics):
        super().__init__()
        self.model: Any = model
        self.physics = physics

    def forward(
        self,
        state: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        dt: Tensor,
        geometry: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        state = {**(geometry or {}), **state}
        return self.model(self.names.follow(state, dict(self.physics(state, params, dt))), params, dt)

    def __deepcopy__(self, memo: dict[int, Any]) -> Corrected:
        return Corrected(copy.deepcopy(self.model, memo), self.physics)  # one solver serves all copies

    @property
    def names(self) -> Names:
        return self.model.names

    @property
    def scales(self) -> Scales:
        return self.model.scales

    @property
    def dt(self) -> float:
        return self.model.dt

    @property
    def grid(self) -> tuple[int, ...]:
        return self.model.grid

    @property
    def objective(self) -> Target | None:
        return self.model.objective

    def config(self) -> dict[str, Any]:
        raise EngineError("A corrected solver is made of a trained network and a solver's step: save the network.")


@dataclass(frozen=True)
class Correcting:
    """Trains the network as the correction of a solver, and validates both together; use and measure it as
    Corrected(fit.model, physics) afterwards."""

    physics: Physics = field(compare=False)
    then: Target = field(default_factory=OneStep)

    @property
    def horizon(self) -> int:
        return self.then.horizon

    def used(self, model: Dressed) -> Any:
        """As it is to be judged."""
        return Corrected(model, self.physics)

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        return self.then(self.used(model), window, loss, random)


@dataclass(frozen=True)
class MatchAdjoint:
    """`then`, and the network's transposed derivative against the solver's, in one random direction each time.

    For w white over the outputs, |J^T w - J_solver^T w|^2 / |J_solver^T w|^2, the mean over the examples; its mean over
    w is the relative square error of the whole Jacobian [Sobolev training: Czarnecki et al. 2017, arXiv:1706.04859].
    Fields and parameters are both asked for. A network that matches has gradients an optimiser can follow, and learns
    more from each solve.
    """

    physics: Physics = field(compare=False)
    weight: float = 0.1
    then: Target = field(default_factory=OneStep)

    @property
    def horizon(self) -> int:
        return self.then.horizon

    def __call__(self, model: Dressed, window: Window, loss: Loss, random: torch.Generator) -> Tensor:
        value = self.then(model, window, loss, random)
        directions = {
            name: torch.randn(true.shape, generator=random).to(true) for name, true in window.targets[0].items()
        }
        wanted = pulled(self.physics, window, directions, keep=False)
        found = pulled(model, window, directions, keep=True)
        apart = [relative_square(found.get(name, torch.zeros_like(bar)), bar).mean() for name, bar in wanted.items()]
        return value + self.weight * torch.stack(apart).mean()


def relative_square(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|^2 / |b|^2 of each member [batch]."""
    rows = len(b)
    return (a - b).reshape(rows, -1).square().sum(1) / b.reshape(rows, -1).square().sum(1).clamp(min=1e-30)


def pulled(step: Any, window: Window, directions: Mapping[str, Tensor], keep: bool) -> dict[str, Tensor]:
    """J^T w of a step at the inputs and parameters of a window. keep: the graph, to train through."""
    asked = {name: value.detach().requires_grad_() for name, value in {**window.inputs, **window.params}.items()}
    with torch.enable_grad():
        made = step(
            {name: asked[name] for name in window.inputs}, {name: asked[name] for name in window.params}, window.dt
        )
        along = sum((made[name] * w).sum() for name, w in directions.items())
        bars = torch.autograd.grad(along, list(asked.values()), create_graph=keep, allow_unused=True)
    return {name: bar for name, bar in zip(asked, bars, strict=True) if bar is not None}
