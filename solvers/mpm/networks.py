"""The torch part of a step of the material point method: after . kernels . before.

`before` gives the particles of learned bodies their stress, which the kernels read; `after` returns their deformation
to what is elastic. Both are torch operations and are transposed by autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import StabilityError
from scenegrad.engine.solver import Variable
from scenegrad.engine.state import Params
from scenegrad.solvers.mpm.learned import LearnedBody
from scenegrad.solvers.mpm.state import ParticleState

__all__ = ["Networks"]

Bars = dict[str, Tensor]


@dataclass(frozen=True)
class Free:
    """A weight may take every value."""

    bounds: tuple[float, float] | None = None
    transform: str = "identity"


class Networks:
    """What the modules of learned bodies do in a step; nothing where there are none."""

    def __init__(self, bodies: Sequence[LearnedBody] = ()):
        self.bodies = tuple(bodies)
        self.returning = [body for body in self.bodies if body.law.return_map is not None]
        self.addresses = [address for body in self.bodies for address in body.weights]
        self.checked: list[Tensor] = []  # numbers for which the laws are known to keep to their stiffness

    def weights(self, batch: int) -> dict[str, Tensor]:
        """One set for each member; they ask for a gradient where those of the registered modules do."""
        return {
            address: value.detach().expand(batch, *value.shape).clone().requires_grad_(value.requires_grad)
            for body in self.bodies
            for address, value in body.weights.items()
        }

    def free(self) -> dict[str, Variable]:
        """The weights that learn, for an optimiser."""
        return {a: Free() for body in self.bodies for a, value in body.weights.items() if value.requires_grad}

    def before(self, state: ParticleState, params: Mapping[str, Tensor], energy: bool = False) -> ParticleState:
        """The stress of learned bodies, and if wanted their elastic energy, written into the history."""
        history = state.history
        for body in self.bodies:
            own = body.part.slice
            F = state.deformation[:, own]
            stored = body.energy(params, F) if energy else torch.zeros_like(F[..., 0, 0])
            told = torch.cat([body.stress(params, F).flatten(2), stored[..., None]], dim=-1)
            told = nn.functional.pad(told, (0, history.shape[-1] - told.shape[-1]))
            history = torch.cat([history[:, : own.start], told, history[:, own.stop :]], dim=1)
        return replace(state, history=history) if self.bodies else state

    def after(self, state: ParticleState, params: Mapping[str, Tensor]) -> ParticleState:
        """The deformation that the return maps leave."""
        F = state.deformation
        for body in self.returning:
            own = body.part.slice
            F = torch.cat([F[:, : own.start], body.returned(params, F[:, own]), F[:, own.stop :]], dim=1)
        return replace(state, deformation=F) if self.returning else state

    def vjp(
        self,
        state: ParticleState,
        params: Params,
        cotangent: Mapping[str, Tensor],
        move: Callable[[ParticleState], ParticleState],
        transposed: Callable[[ParticleState, Mapping[str, Tensor]], tuple[Bars, Bars]],
    ) -> tuple[Bars, Bars]:
        """Of after . move . before, where `transposed` is that of `move`."""
        values = {a: params[a].detach().requires_grad_(params[a].requires_grad) for a in self.addresses}
        learning = {address: value for address, value in values.items() if value.requires_grad}
        F, h = state.deformation.detach().requires_grad_(), state.history.detach().requires_grad_()
        with torch.enable_grad():
            told = self.before(replace(state, deformation=F, history=h), values)
        fixed = replace(state, history=told.history.detach())
        bars, gathered = dict(cotangent), Gathered()
        if self.returning and "deformation" in bars:
            trial = move(fixed).deformation.requires_grad_()
            with torch.enable_grad():
                left = self.after(replace(fixed, deformation=trial), values).deformation
            bars["deformation"], *found = torch.autograd.grad(
                left, [trial, *learning.values()], bars["deformation"], allow_unused=True
            )
            gathered.add(learning, found)
        fields, constants = transposed(fixed, bars)
        by_F, by_h, *found = torch.autograd.grad(
            told.history, [F, h, *learning.values()], fields["history"], allow_unused=True
        )
        gathered.add(learning, found)
        gathered.add(constants, list(constants.values()))
        fields["deformation"] = fields["deformation"] if by_F is None else fields["deformation"] + by_F
        fields["history"] = torch.zeros_like(h) if by_h is None else by_h
        return fields, gathered

    def refuse_stiffer(self, params: Params) -> None:
        """A step is as long as the scene's bound allows; with a law that has learnt more it would blow up."""
        bounds = [[params[body.part.address(name)] for name in ("stiffness", "headroom")] for body in self.bodies]
        now = [*(params[address] for address in self.addresses), *(value for pair in bounds for value in pair)]
        if len(now) == len(self.checked) and all(a is b for a, b in zip(now, self.checked, strict=True)):
            return
        for body, (stiffness, headroom) in zip(self.bodies, bounds, strict=True):
            promised = (stiffness * headroom).detach()
            for member, bound in enumerate(promised.flatten(1).amin(1) if promised.ndim > 1 else promised):
                own = {address: params[address][member : member + 1] for address in body.weights}
                found = body.resistance(own, promised)
                if not found <= float(bound) * (1 + 1e-6):
                    raise StabilityError(
                        f"The law of {body.part.name} resists a small compression with {found:.4g} Pa, but its scene "
                        f"promises no more than stiffness * headroom = {float(bound):.4g} Pa. Give a larger "
                        f"{body.part.address('headroom')}, for what the law may learn and for matter that stiffens "
                        f"under strain."
                    )
        self.checked = now


class Gathered(dict[str, Tensor]):
    """Sums of cotangents by address."""

    def add(self, named: Mapping[str, Tensor], bars: Sequence[Tensor | None]) -> None:
        for address, bar in zip(named, bars, strict=True):
            if bar is not None:
                self[address] = self[address] + bar if address in self else bar
