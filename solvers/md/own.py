"""Contributions of one's own to the potential energy of atoms: a pair potential by kernels, anything by torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.own import EnergyTerm
from scenegrad.scenes.pair_potentials import PairPotential
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter
from scenegrad.solvers.md.families import Assembly, Interaction
from scenegrad.solvers.md.force_field import Term
from scenegrad.solvers.md.pairs import potentials
from scenegrad.solvers.md.torch_term import TorchTerm
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["OWN", "register_energy", "register_pair_potential"]

ENERGIES: dict[str, Callable[..., Tensor]] = {}  # by the kind of the entity


def register_pair_potential(kind: type[Entity], functions: Callable[[Any, Any], Any]) -> None:
    """Makes a pair potential of the scene known to molecular dynamics; one of the same kind is replaced.

    kind: a class that derives from (PairPotential, Entity). Its own fields, in their order, are the parameters of the
    potential: each may be a Parameter. functions: (real, theta) -> five Warp functions of r^2 and the vector of those
    parameters, (energy, radial, slope, energy_by, radial_by): u, s = -u'(r)/r, ds/d(r^2), du/dp, ds/dp.
    """
    if not (isinstance(kind, type) and issubclass(kind, PairPotential) and issubclass(kind, Entity)):
        raise EngineError(
            f"register_pair_potential got {kind!r:.80}; a class that derives from (PairPotential, Entity) is needed."
        )
    shared = {"kind", *PairPotential.model_fields}
    names = tuple(name for name in kind.model_fields if name not in shared)
    if not names:
        raise EngineError(
            f"register_pair_potential({kind.__name__}): it has no parameters; give it at least one field."
        )

    def made(real: Any, theta: Any) -> potentials.PairFunctions:
        return potentials.PairFunctions(*functions(real, theta))

    potentials.register_pair(potentials.PairPotential(kind.model_fields["kind"].default, names, made))


def register_energy(kind: type[Entity], energy: Callable[..., Tensor]) -> None:
    """Makes a term of the potential energy known to molecular dynamics; one of the same kind is replaced.

    kind: a class that derives from (EnergyTerm, Entity). energy: (x, edges, **numbers) -> U [batch], of positions x
    [batch, atom, dim], unwrapped; the edges of the box as rows of a matrix [batch, dim, dim]; and every field of the
    class that is a number [batch] or a vector [batch, n] in the scene, each of which may be a Parameter. Made of torch
    operations that can be differentiated twice; forces, virials, bounds on the step and adjoints follow from it.
    """
    if not (isinstance(kind, type) and issubclass(kind, EnergyTerm) and issubclass(kind, Entity)):
        raise EngineError(
            f"register_energy got {kind!r:.80}; a class that derives from (EnergyTerm, Entity) is needed."
        )
    ENERGIES[kind.model_fields["kind"].default] = energy


def parts_of(scene: Scene) -> dict[str, Any]:
    return {name: part for name, part in scene.entities.items() if isinstance(part, EnergyTerm)}


def numbers_of(part: Entity) -> list[str]:
    """Fields that hold a number or a vector."""
    values = {name: getattr(part, name) for name in type(part).model_fields if name != "kind"}
    return [name for name, value in values.items() if is_number(value)]


def is_number(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(is_number(entry) for entry in value)
    return isinstance(value, Parameter | float)


def terms(assembly: Assembly) -> list[Term]:
    found: list[Term] = []
    for name, part in parts_of(assembly.scenes[0]).items():
        names = numbers_of(part)
        energy = partial(potential, ENERGIES[part.kind], {field: f"{name}.{field}" for field in names})
        found.append(TorchTerm(energy, [f"{name}.{field}" for field in names]))
    return found


def potential(
    energy: Callable[..., Tensor], addresses: dict[str, str], x: Tensor, edges: Tensor, params: Params
) -> Tensor:
    return energy(x, edges, **{field: params[address] for field, address in addresses.items()})


def check(scene: Scene, reasons: Reasons) -> None:
    for name, part in parts_of(scene).items():
        if part.kind not in ENERGIES:
            reasons.add(name, f"is a {part.kind} that nobody gave an energy; call register_energy(...) first.")


def learnable(scene: Scene) -> list[str]:
    return [f"{name}.{field}" for name, part in parts_of(scene).items() for field in numbers_of(part)]


def alike(scene: Scene) -> dict[str, object]:
    return {
        f"{name}.{field}": getattr(part, field)
        for name, part in parts_of(scene).items()
        for field in type(part).model_fields
        if field not in numbers_of(part)
    }


OWN = Interaction((EnergyTerm,), terms, check, learnable, alike=alike, tilts=True)  # type: ignore[arg-type]  # a mixin
