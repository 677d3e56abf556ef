"""A material of one's own: how its law joins, and an elastic law made of its energy and one kernel function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.solids import Material
from scenegrad.solvers.mpm.learned import compass
from scenegrad.solvers.mpm.materials import LAWS
from scenegrad.solvers.mpm.materials.elastic import carried, largest_square, no_diffusivity
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.numbers import Numbers

__all__ = ["elastic_law", "register_material"]

Of = Callable[[Tensor, Tensor], Tensor]


def register_material(kind: type[Material], law: Law) -> None:
    """Makes a material of the scene known to the material point method; one of the same class is replaced.

    kind: a class that derives from `Material` and gives its `kind` a default. law: see `Law`; its constants are fields
    of the class, each of which may then be a Parameter, differ from particle to particle, or be drawn by an ensemble.
    """
    if not (isinstance(kind, type) and issubclass(kind, Material) and kind is not Material):
        raise EngineError(f"register_material got {kind!r:.80}; a class that derives from Material is needed.")
    if not isinstance(law, Law):
        raise EngineError(f"register_material({kind.__name__}) got {law!r:.80}; a Law is needed, see elastic_law.")
    if strangers := [name for name in law.constants if name not in kind.model_fields]:
        raise EngineError(
            f"register_material({kind.__name__}) got a law of {', '.join(strangers)}; the fields of {kind.__name__} "
            f"are {', '.join(name for name in kind.model_fields if name != 'kind')}."
        )
    if "density" not in law.constants:
        raise EngineError(f"register_material({kind.__name__}) got a law without density; every body has a mass.")
    LAWS[kind] = law


def elastic_law(
    row: Callable[..., Tensor], kirchhoff: Callable[[Numbers], Any], energy: Of, wave_speed: Of | None = None
) -> Law:
    """The law of an elastic solid: what is measured comes from its energy, what moves particles from a kernel.

    row: of fields of the material, by the names of its arguments, to (density, stiffness against compression from rest,
    numbers of the law) [..., width]. kirchhoff: Numbers -> wp.func (row, F, h, C) -> tau = dW/dF F' [Pa]. energy:
    (row, F) -> W per undeformed volume [Pa], in torch, for F of two dimensions and of three alike; two are plane
    strain, so that W of F in the plane is that of F with a third stretch of 1. wave_speed: (row, F) -> a bound on that
    of the fastest small wave [m/s], on which the step rests; without it, `speed_limit`.
    """

    def stress(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
        return stress_of(energy, row, F)

    def out_of_plane(row: Tensor, F: Tensor, h: Tensor, C: Tensor) -> Tensor:
        third = torch.diag(F.new_tensor([0.0, 0.0, 1.0]))
        return stress_of(energy, row, torch.nn.functional.pad(F, (0, 1, 0, 1)) + third)[..., 2, 2]

    def speed(row: Tensor, F: Tensor, h: Tensor) -> Tensor:
        return speed_limit(energy, row, F) if wave_speed is None else wave_speed(row, F)

    constants = tuple(inspect.signature(row).parameters)
    return Law(
        constants, row, cache(kirchhoff), carried, stress, lambda row, F, h: energy(row, F), speed, no_diffusivity,
        out_of_plane=out_of_plane,
    )  # fmt: skip


def stress_of(energy: Of, row: Tensor, F: Tensor) -> Tensor:
    """tau = dW/dF F' [..., dim, dim], which autograd can differentiate once more."""
    wanted = torch.is_grad_enabled() and (F.requires_grad or row.requires_grad)
    with torch.enable_grad():
        place = F if F.requires_grad else F.detach().requires_grad_()
        (slope,) = torch.autograd.grad(energy(row, place).sum(), place, create_graph=wanted)
    return slope @ F.mT


def speed_limit(energy: Of, row: Tensor, F: Tensor) -> Tensor:
    """c^2 = max over n of the largest eigenvalue of Q / rho, Q_ik = d2W/dF_ij dF_kl m_j m_l, m = F' n: a wave along n.

    Over a set of directions, with a twentieth to spare for those between them. dim^2 derivatives of the slope of the
    energy; a bound that is written out costs less.
    """
    dim = F.shape[-1]
    with torch.enable_grad():
        place = F.detach().requires_grad_()
        (slope,) = torch.autograd.grad(energy(row.detach(), place).sum(), place, create_graph=True)
        parts = slope.flatten(-2).unbind(-1)
        rows = [torch.autograd.grad(part.sum(), place, retain_graph=True)[0] for part in parts]
    tangent = torch.stack(rows, dim=-3).unflatten(-3, (dim, dim))  # [..., i, j, k, l]
    along = F.new_tensor(compass(dim)) @ F  # m of every direction [..., direction, dim]
    acoustic = torch.einsum("...ijkl,...nj,...nl->...nik", tangent, along, along)
    fastest = largest_square(acoustic).amax(-1).clamp(min=0.0)
    return 1.05 * (fastest / row[..., 0]).sqrt()
