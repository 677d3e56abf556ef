"""Torch modules as constitutive laws and return maps: how they join, and how a body calls them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.functional import jacobian
from torch.func import functional_call, vmap

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.scenes.learned import Learned
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.mpm.tables import BodyPart

__all__ = ["LearnedBody", "learned_bodies", "read_weights", "register_law", "with_modules"]


@dataclass(frozen=True)
class LearnedLaw:
    """module: F [..., dim, dim] -> tau = J sigma [Pa]; where it has `energy`, that is F -> W [Pa]. return_map: trial
    F -> elastic F."""

    module: nn.Module
    return_map: nn.Module | None


REGISTERED: dict[str, LearnedLaw] = {}


def register_law(name: str, module: nn.Module, return_map: nn.Module | None = None) -> None:
    """Makes a torch module known to scenes as `Learned(law=name, ...)`; one of the same name is replaced.

    module: deformation gradients F [..., dim, dim] to Kirchhoff stresses tau = J sigma [Pa] of the same shape. It
    should turn with the observer, tau(Q F) = Q tau(F) Q', be symmetric and vanish at rest: those in
    `scenegrad.surrogates.materials` do so whatever their weights. A method `energy` of it, F -> W [...] in Pa, gives
    the elastic energy of outputs. return_map: trial F to the elastic F that is left after yielding.

    Compiling a scene copies the weights into its params, under `<body>.material.weights.<name>` and
    `<body>.material.return_map.<name>`, one set for each member of the batch [batch, ...].
    """
    for given in (module, return_map):
        if given is not None and not isinstance(given, nn.Module):
            raise EngineError(f"register_law({name!r}) got {given!r:.60}; a torch.nn.Module is needed.")
    REGISTERED[name] = LearnedLaw(module, return_map)


@dataclass(frozen=True)
class LearnedBody:
    """A body with its modules, which are copies on the device and in the precision of the particles."""

    part: BodyPart
    law: LearnedLaw
    dim: int

    @property
    def modules(self) -> dict[str, nn.Module]:
        """By what comes before the names of their weights in an address."""
        found = {f"{self.part.name}.material.weights": self.law.module}
        if self.law.return_map is not None:
            found[f"{self.part.name}.material.return_map"] = self.law.return_map
        return found

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """Those of the modules, by address."""
        return {f"{a}.{name}": value for a, module in self.modules.items() for name, value in module.named_parameters()}

    def stress(self, params: Mapping[str, Tensor], F: Tensor) -> Tensor:
        """tau [batch, particle, dim, dim]"""
        return called(self.law.module, f"{self.part.name}.material.weights", params, F)

    def energy(self, params: Mapping[str, Tensor], F: Tensor) -> Tensor:
        """W [batch, particle]; zero where the law has none."""
        if not hasattr(self.law.module, "energy"):
            return torch.zeros_like(F[..., 0, 0])
        return called(Energy(self.law.module), f"{self.part.name}.material.weights", params, F, "law.")

    def returned(self, params: Mapping[str, Tensor], F: Tensor) -> Tensor:
        """F after the return map [batch, particle, dim, dim]"""
        if self.law.return_map is None:
            return F
        return called(self.law.return_map, f"{self.part.name}.material.return_map", params, F)

    def resistance(self, params: Mapping[str, Tensor], like: Tensor) -> float:
        """The largest of the moduli of plane waves at rest [Pa], of one member: eigenvalues of Q_ik = A_ijkl n_j n_l,
        A = dP/dF, P = tau F^-T, over a set of directions n."""
        one = torch.eye(self.dim, dtype=like.dtype, device=like.device)[None, None]
        known = {address: value.detach() for address, value in params.items()}

        def piola(F: Tensor) -> Tensor:
            return self.stress(known, F) @ torch.linalg.inv(F).mT

        tangent = jacobian(piola, one)[0, 0, :, :, 0, 0]
        directions = torch.tensor(compass(self.dim), dtype=like.dtype, device=like.device)
        acoustic = torch.einsum("ijkl,nj,nl->nik", tangent, directions, directions)
        return float(torch.linalg.eigvalsh((acoustic + acoustic.mT) / 2).amax())


def compass(dim: int) -> list[list[float]]:
    """Unit vectors in every direction, opposite ones once."""
    if dim == 2:
        return [[math.cos(math.pi * k / 12), math.sin(math.pi * k / 12)] for k in range(12)]
    corners = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if (x, y, z) > (0, 0, 0)]
    return [[c / math.hypot(*corner) for c in corner] for corner in corners]


class Energy(nn.Module):
    """The energy of a law in the place of its stress."""

    def __init__(self, law: nn.Module):
        super().__init__()
        self.law = law

    def forward(self, F: Tensor) -> Tensor:
        energy: Callable[[Tensor], Tensor] = self.law.energy  # type: ignore[assignment]  # of nn.Module it is unknown
        return energy(F)


def called(module: nn.Module, address: str, params: Mapping[str, Tensor], F: Tensor, within: str = "") -> Tensor:
    """module(F), every member of the batch by its own weights. within: where in the module the weights stand."""
    stem = len(within)
    weights = {name: params[f"{address}.{name[stem:]}"] for name, _ in module.named_parameters()}
    if all(len(value) == 1 or value.stride(0) == 0 for value in weights.values()):  # one set for all
        return functional_call(module, {name: value[0] for name, value in weights.items()}, (F,))
    return vmap(lambda own, seen: functional_call(module, own, (seen,)))(weights, F)


def learned_bodies(scene: Scene, parts: Sequence[BodyPart], like: Tensor) -> list[LearnedBody]:
    """Those of the bodies whose material is Learned, with modules on the device and in the precision of `like`."""
    found = []
    for part in parts:
        material = scene.at(f"{part.name}.material")
        if not isinstance(material, Learned):
            continue
        if material.law not in REGISTERED:
            known = ", ".join(REGISTERED) or "none"
            raise SceneError(
                f"{part.name}.material.law is {material.law!r}, which nobody registered; there are: {known}."
                f"{nearest(material.law, REGISTERED)} Call register_law({material.law!r}, module) first."
            )
        law = REGISTERED[material.law]
        modules = copy.deepcopy(law)
        for module in (modules.module, modules.return_map):
            if module is not None:
                module.to(like.device, like.dtype)
        body = LearnedBody(part, modules, scene.dim)
        refuse_unfit(body, material.law, like)
        found.append(body)
    return found


def refuse_unfit(body: LearnedBody, law: str, like: Tensor) -> None:
    """A module that gives no stress for a deformation is refused before it is built into kernels' data."""
    F = torch.eye(body.dim, dtype=like.dtype, device=like.device).expand(1, 2, -1, -1)
    weights = {address: value.detach()[None] for address, value in body.weights.items()}
    for what, function in (("stress", body.stress), ("return map", body.returned)):
        try:
            out = function(weights, F)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise SceneError(
                f"The {what} of law {law!r} fails on deformation gradients {tuple(F.shape)}: {error}. It maps "
                f"[..., {body.dim}, {body.dim}] to the same shape."
            ) from error
        if not isinstance(out, Tensor) or out.shape != F.shape or not bool(out.isfinite().all()):
            made = f"a tensor {tuple(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
            raise SceneError(
                f"The {what} of law {law!r} makes {made} of undeformed matter {tuple(F.shape)}; it must be finite, and "
                f"as large as what it is given."
            )


def with_modules(params: Params, body: str, module: nn.Module, return_map: nn.Module | None = None) -> Params:
    """Params in which a body's weights are those of live modules, so that a backward pass reaches `module.parameters()`
    and any torch optimiser can train them. All members of the batch share them."""
    batch = len(next(iter(params.values())))
    values = {}
    for kind, given in (("weights", module), ("return_map", return_map)):
        for name, weight in given.named_parameters() if given is not None else ():
            known = params[f"{body}.material.{kind}.{name}"]
            values[f"{body}.material.{kind}.{name}"] = weight.to(known).expand(batch, *weight.shape)
    return params.replace(values)


@torch.no_grad()
def read_weights(params: Params, body: str, module: nn.Module, kind: str = "weights") -> None:
    """Copies the weights of a body, of its first member, into a module. kind: "weights" or "return_map"."""
    for name, weight in module.named_parameters():
        weight.copy_(params[f"{body}.material.{kind}.{name}"][0])
