"""Torch modules as potentials, alone or beside others: how they join, and how atoms call them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.many_body import LearnedPotential
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.many_body.surroundings import Seen, SurroundingsTerm
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["LEARNED", "register_potential", "with_potential"]

REGISTERED: dict[str, nn.Module] = {}


def register_potential(name: str, module: nn.Module) -> None:
    """Makes a torch module known to scenes as `LearnedPotential(law=name, ...)`; one of the same name is replaced.

    module: (apart, there, mine, others) to the energy of each atom, see `scenegrad.surrogates.potentials`. It has two
    derivatives, ends smoothly at the cutoff, and does not change when atoms are turned, or neighbours are exchanged.

    Compiling a scene copies the weights into its params, under `<entity>.weights.<name>`, one set for each member of
    the batch [batch, ...].
    """
    if not isinstance(module, nn.Module):
        raise EngineError(f"register_potential({name!r}) got {module!r:.60}; a torch.nn.Module is needed.")
    REGISTERED[name] = module


def with_potential(params: Params, name: str, module: nn.Module) -> Params:
    """Params in which the weights of a potential are those of a live module, so that a backward pass reaches
    `module.parameters()` and any torch optimiser can train them. All members of the batch share them."""
    batch = len(next(iter(params.values())))
    values = {}
    for own, weight in module.named_parameters():
        values[f"{name}.weights.{own}"] = weight.to(params[f"{name}.weights.{own}"]).expand(batch, *weight.shape)
    return params.replace(values)


def weights(scenes: Sequence[Scene], like: Tensor) -> dict[str, Tensor]:
    """One set for each member; they ask for a gradient where those of the registered modules do."""
    return {
        f"{name}.weights.{own}": value.detach().to(like).expand(len(scenes), *value.shape).clone().requires_grad_(
            value.requires_grad
        )
        for name in LEARNED.entities(scenes[0])
        for own, value in REGISTERED[scenes[0].at(f"{name}.law")].named_parameters()
    }  # fmt: skip


def terms(assembly: Assembly) -> list[Term]:
    found: list[Term] = []
    for name in LEARNED.entities(assembly.scenes[0]):
        module = copy.deepcopy(REGISTERED[assembly.scenes[0].at(f"{name}.law")]).to(assembly.like)
        cutoff = assembly.scenes[0].at(f"{name}.cutoff")
        reach = torch.full((len(assembly.scenes),), cutoff, dtype=torch.float64, device=assembly.device)
        addresses = [f"{name}.weights.{own}" for own, _ in module.named_parameters()]
        local = energies(module, name, cutoff, assembly.species)
        found.append(SurroundingsTerm(local, addresses, assembly.neighbours(reach)))
    return found


def energies(module: nn.Module, name: str, cutoff: float, species: Tensor) -> Callable[[Seen, Params], Tensor]:
    """Energy of each atom [batch, atom]; neighbours beyond the cutoff are not there, however far lists reach."""
    species = species.long()
    names = [own for own, _ in module.named_parameters()]

    def local(seen: Seen, params: Params) -> Tensor:
        there = seen.there & (seen.apart.detach().square().sum(-1) < cutoff**2)
        given = (seen.apart, there, species.expand(len(there), -1), species[seen.who])
        own = {one: params[f"{name}.weights.{one}"] for one in names}
        if all(len(value) == 1 or value.stride(0) == 0 for value in own.values()):  # one set for all
            return functional_call(module, {one: value[0] for one, value in own.items()}, given)
        return vmap(lambda mine, *around: functional_call(module, mine, around))(own, *given)

    return local


def check(scene: Scene, reasons: Reasons) -> None:
    for name in LEARNED.entities(scene):
        law = scene.at(f"{name}.law")
        if law not in REGISTERED:
            reasons.add(
                f"{name}.law",
                f"is {law!r}, which nobody registered; there are: {', '.join(REGISTERED) or 'none'}."
                f"{nearest(law, REGISTERED)} Call register_potential({law!r}, module) first.",
            )


def room(scene: Scene, shortest: float, reasons: Reasons) -> None:
    for name in LEARNED.entities(scene):
        if (cutoff := scene.at(f"{name}.cutoff")) > 0.5 * shortest * (1 + 1e-12):
            reasons.add(
                f"{name}.cutoff",
                f"{cutoff:g} is beyond half of the shortest edge of the box, {0.5 * shortest:.6g}; take at most that.",
            )


def learnable(scene: Scene) -> list[str]:
    return []  # weights are no numbers of the scene


def reach(scene: Scene) -> float | None:
    return max((0.4 * float(scene.at(f"{name}.cutoff")) for name in LEARNED.entities(scene)), default=None)


def alike(scene: Scene) -> dict[str, object]:
    return {
        f"{name}.{field}": scene.at(f"{name}.{field}")
        for name in LEARNED.entities(scene)
        for field in ("law", "cutoff")
    }


LEARNED = Interaction((LearnedPotential,), terms, check, learnable, room, reach, alike, weights=weights)
