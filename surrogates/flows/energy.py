"""A path on which every flow has the kinetic energy that lies between those of its ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.flows.paths import Coefficients, Linear, Path
from scenegrad.surrogates.operators.names import Names

__all__ = ["EnergyConsistent", "Frame"]


class Frame(NamedTuple):
    """Fields u = offset + unit x in physical units for the raw channels x of a flow, all [batch, channel, *grid]."""

    offset: Tensor
    unit: Tensor
    names: Names

    def place(self, name: str) -> slice:
        """The channels of an output."""
        outputs = self.names.outputs
        if name not in outputs:
            raise EngineError(f"EnergyConsistent({name!r}) got a flow of {', '.join(outputs)}; name one of these.")
        first = self.names.width(outputs[: outputs.index(name)])
        return slice(first, first + self.names.size(name))


@dataclass(frozen=True)
class EnergyConsistent:
    """u_s = r y_s with y_s = a u0 + b u1 + g z of another path and r such that |u_s|^2 = (1 - s) |u0|^2 + s |u1|^2.

    Halfway between two states that have drifted apart, y_s alone has lost up to half of their energy, which a flow has
    then to put back. Interpolants that keep it on the average, by coefficients of s, are those of [Muecke & Sanderse
    2025, arXiv:2504.05852]; here each pair keeps its own, with r a function of both ends, which an interpolant may be
    [Albergo, Boffi & Vanden-Eijnden 2023, arXiv:2303.08797, definition 1]. From |u_s|^2 = e and e' = |u1|^2 - |u0|^2:

        u' = r' y + r y',   r = sqrt(e) / |y|,   r' / r = e' / (2 e) - y . y' / |y|^2.

    of: the velocity, in physical units; other outputs go along the other path. It is a sum of three fields that obey
    linear constraints, so that it obeys them too.
    """

    of: str = "velocity"
    along: Path = field(default_factory=Linear)

    def __call__(self, s: Tensor) -> Coefficients:
        """Of the path before its rescaling."""
        return self.along(s)

    def between(self, x0: Tensor, x1: Tensor, z: Tensor, s: Tensor, frame: Frame | None) -> tuple[Tensor, Tensor]:
        """x_s and its slope in s."""
        a, b, g, a_slope, b_slope, g_slope = (wide(value, x0) for value in self.along(s))
        x, slope = a * x0 + b * x1 + g * z, a_slope * x0 + b_slope * x1 + g_slope * z
        if frame is None:
            raise EngineError(
                "EnergyConsistent() needs the state that the flow is given, to know what its channels are in physical "
                "units; pairs that a teacher made do not keep it. Straighten a flow with path=Linear()."
            )
        place = frame.place(self.of)
        offset, unit = frame.offset[:, place], frame.unit[:, place]
        u0, u1 = (offset + unit * end[:, place] for end in (x0, x1))
        y = a * u0 + b * u1 + g * unit * z[:, place]
        y_slope = a_slope * u0 + b_slope * u1 + g_slope * unit * z[:, place]
        e0, e1, e_y = energy(u0), energy(u1), energy(y).clamp(min=1e-30)
        e = torch.lerp(e0, e1, wide(s, x0)).clamp(min=1e-30)
        r = (e / e_y).sqrt()
        growth = 0.5 * (e1 - e0) / e - (y * y_slope).flatten(1).sum(1).view_as(e) / e_y
        x, slope = x.clone(), slope.clone()
        x[:, place] = (r * y - offset) / unit
        slope[:, place] = r * (growth * y + y_slope) / unit
        return x, slope


def wide(value: Tensor, like: Tensor) -> Tensor:
    return value.view(-1, *[1] * (like.ndim - 1))


def energy(u: Tensor) -> Tensor:
    """|u|^2, to go with [batch, channel, *grid]."""
    return wide(u.flatten(1).square().sum(1), u)
