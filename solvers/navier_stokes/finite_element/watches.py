"""Forces on tagged parts of the boundary, and what passes through them, as means over the time since a frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.solvers.navier_stokes.finite_element.space import Space
from scenegrad.solvers.navier_stokes.finite_element.transport import Carriage, Transport

__all__ = ["Crossing", "Watch", "blown", "diffused", "mean", "pushed"]


@dataclass(frozen=True)
class Watch:
    """A tag of which somebody wants to know something, and when the frames are."""

    tag: str
    every: float  # [s]
    start: float

    def kept(self, time: Tensor, dt: Tensor) -> Tensor:
        """0 where a frame lies at the beginning of the step, 1 elsewhere [batch]."""
        frame = self.start + self.every * ((time - self.start) / self.every).round()
        return ((time - frame).abs() >= 0.5 * dt).double()

    def added(self, sum_before: Tensor, value: Tensor, time: Tensor, dt: Tensor) -> Tensor:
        """Sums of values times dt, and of dt, since the last frame [batch, entry + 1]."""
        taken = torch.cat([value * dt[:, None], dt[:, None]], dim=1)
        return self.kept(time, dt)[:, None] * sum_before + taken


@dataclass(frozen=True)
class Crossing:
    """Which tracer passes through a watched tag. held: whether the tag says its value, rather than what comes in."""

    tracer: int
    watch: Watch
    held: bool


def mean(sums: Tensor) -> Tensor:
    """Of what `Watch.added` has gathered [batch, entry]; 0 where no time has passed."""
    return sums[:, :-1] / torch.where(sums[:, -1:] > 0, sums[:, -1:], 1.0)


def pushed(force: Tensor, places: Tensor) -> Tensor:
    """Sum of forces at nodes and of their moments about the origin, from [batch, node, dim] each: [batch, 3] in the
    plane, [batch, 6] in space.

    The forces are what holds the nodes: what is left of their momentum, which is far more accurate than sums of
    stresses along the wall [Babuska & Miller 1984, Int. J. Numer. Methods Eng. 20, 1085-1109]; moments too, as turns
    are among the functions of the space.
    """
    if force.shape[-1] == 2:
        moment = (places[..., 0] * force[..., 1] - places[..., 1] * force[..., 0])[..., None]
    else:
        moment = torch.linalg.cross(places, force)
    return torch.cat([force, moment], dim=-1).sum(1)


def diffused(space: Space, tag: str, c: Tensor, told: Carriage) -> Tensor:
    """What comes in per time by diffusion where a value is held: what is left of the equations of the nodes [batch]."""
    nodes = space.tags[tag].every
    return Transport(space).left(c, told)[:, nodes].sum(1)


def blown(space: Space, tag: str, c: Tensor, told: Carriage, vertices: Tensor) -> Tensor:
    """What comes in per time with the flow [batch]."""
    facets, at = space.tags[tag], space.facet
    wind = torch.einsum("qa,xfai->xfqi", at.value, told.wind[:, facets.nodes])
    value = torch.einsum("qa,xfa->xfq", at.value, c[:, facets.nodes])
    out = torch.einsum("xfqi,xfi->xfq", wind, space.normals(facets, vertices))
    return -(out * value * at.weights).sum((1, 2))
