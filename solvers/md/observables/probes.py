"""What a scene of atoms asks to have written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from scenegrad.engine.solver import Atoms, Layout, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.active import EntropyProduction
from scenegrad.scenes.atom_outputs import MSD, DihedralAngles, Stress, StructureFactor, VelocityCorrelation
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import RDF, Energy, Momentum, Output, Particles, Thermo
from scenegrad.solvers.md.observables.correlations import CORRELATIONS, correlated, lags_of
from scenegrad.solvers.md.observables.dihedrals import dihedral_angles
from scenegrad.solvers.md.observables.histogram import radial_distribution, radii
from scenegrad.solvers.md.observables.structure import structure_factor, wave_vectors
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.units import UNITS

__all__ = ["output_trouble", "probe"]

Measure = Callable[[AtomState, Params], dict[str, Tensor]]

QUANTITIES = ("position", "velocity", "force")
ENERGIES = ("kinetic", "potential", "total")
SERVED = (
    Particles,
    Thermo,
    RDF,
    Energy,
    Momentum,
    MSD,
    VelocityCorrelation,
    Stress,
    StructureFactor,
    EntropyProduction,
    DihedralAngles,
)


def output_trouble(output: Output, shortest: float, species: Sequence[str]) -> str | None:
    """Why atoms cannot serve this output; None where they can. shortest: edge of the smallest box."""
    if isinstance(output, RDF | StructureFactor):
        for given in output.of if isinstance(output.of, tuple) else ():
            if given not in species:
                return (
                    f"of={output.of} names {given!r}; the atoms here are {', '.join(species)}.{nearest(given, species)}"
                )
    if isinstance(output, Particles):
        unknown = [name for name in output.quantities if name not in QUANTITIES]
        if unknown:
            return f"atoms have no {unknown[0]!r}, but {', '.join(QUANTITIES)}.{nearest(unknown[0], QUANTITIES)}"
        return None
    if isinstance(output, RDF):
        if output.r_max > 0.5 * shortest:
            return (
                f"r_max={output.r_max:g} is beyond half of the box, {0.5 * shortest:.6g}, where an atom would meet "
                f"its own images; take r_max <= {0.5 * shortest:.4g}, or more atoms."
            )
        return None
    if isinstance(output, StructureFactor) and not math.isfinite(shortest):
        return "wave vectors are those of a box that repeats itself; leave it out, or give the domain a size."
    if isinstance(output, StructureFactor) and output.q_max * shortest < 2.0 * math.pi:
        return (
            f"q_max={output.q_max:g} is below the smallest wave vector of the box; "
            f"take q_max >= {2.0 * math.pi / shortest:.4g}."
        )
    if not isinstance(output, SERVED):
        kinds = ", ".join(one.model_fields["kind"].default for one in SERVED)
        return f"{output.kind} is nothing that atoms have; they serve {kinds}."
    return None


def probe(name: str, output: Output, start: float, solver: AtomSolver, atoms: Atoms, units: str) -> Probe[AtomState]:
    names = UNITS[units].names
    if solver.system.box.dim == 2:
        names = {**names, "pressure": names["pressure in the plane"]}
    measure, layout, of = serving(name, output, solver, atoms, names)
    return Probe(name, output.every, measure, layout, of, start)


def serving(
    name: str, output: Output, solver: AtomSolver, atoms: Atoms, unit: Mapping[str, str]
) -> tuple[Measure, Layout, Mapping[str, str]]:
    count, energy_units = solver.system.atoms, dict.fromkeys(ENERGIES, unit["energy"])

    def energies(state: AtomState, params: Params) -> dict[str, Tensor]:
        seen = solver.observe(state, params)
        return {name: seen[f"{name}_energy"] for name in ENERGIES}

    def thermo(state: AtomState, params: Params) -> dict[str, Tensor]:
        seen = solver.observe(state, params)
        per_atom = {name: seen[f"{name}_energy"] / count for name in ENERGIES}
        return {"temperature": seen["temperature"], "pressure": seen["pressure"], **per_atom}

    def momentum(state: AtomState, params: Params) -> dict[str, Tensor]:
        return {"momentum": solver.observe(state, params)["momentum"]}

    def entropy(state: AtomState, params: Params) -> dict[str, Tensor]:
        made = solver.observe(state, params)["entropy_production"]
        return {"entropy_production": made, "per_particle": made / count}

    def stress(state: AtomState, params: Params) -> dict[str, Tensor]:
        return {"stress": solver.observe(state, params)["stress"]}

    if isinstance(output, Thermo):
        return thermo, Series(), {"temperature": unit["temperature"], "pressure": unit["pressure"], **energy_units}
    if isinstance(output, Energy):
        return energies, Series(), energy_units
    if isinstance(output, Momentum):
        return momentum, Series(), {"momentum": unit["momentum"]}
    if isinstance(output, EntropyProduction):
        rate = f"1/{unit['time']}"
        return entropy, Series(), {"entropy_production": rate, "per_particle": rate}
    if isinstance(output, Stress):
        return stress, Series(), {"stress": unit["pressure"]}
    if isinstance(output, DihedralAngles):
        return twists(output, solver), Series(), dict.fromkeys(output.groups, "rad")
    if isinstance(output, RDF):
        shells = Series({"radius": radii(output.r_max, output.bins)})
        groups = about_each_other(output, atoms)
        named = {**dict.fromkeys(groups, unit["rdf"]), "radius": unit["position"]}
        return rdf(output, solver, groups), shells, named
    if isinstance(output, MSD | VelocityCorrelation):
        lag = Series({"lag": lags_of(output)})
        measure, names = correlation(name, output, solver, atoms)
        return measure, lag, {"lag": unit["time"], **dict.fromkeys(names, unit[output.kind])}
    if isinstance(output, StructureFactor):
        return scattering(output, solver, atoms), Series(), {"s": "1", "q": unit["wavenumber"]}
    assert isinstance(output, Particles)
    quantities = tuple(dict.fromkeys(("position", *output.quantities)))
    units = {"box": unit["position"], **{name: unit[name] for name in quantities}}
    return particles(quantities, solver), atoms, units


def of_species(name: str | None, atoms: Atoms) -> Tensor:
    """Indices of the atoms of a species, or of all."""
    species = atoms.species
    every = torch.arange(len(species), device=species.device)
    return every if name is None else every[species == atoms.names.index(name)]


def about_each_other(output: RDF, atoms: Atoms) -> dict[str, tuple[Tensor, Tensor]]:
    """Indices of the atoms a, and of the atoms b about them, by the name of the quantity."""
    pairs: dict[str, tuple[str | None, str | None]] = {"rdf": (None, None)}
    if output.of == "pairs":
        pairs = {f"rdf_{a}_{b}": (a, b) for a, b in combinations_with_replacement(atoms.names, 2)}
    elif output.of is not None:
        pairs = {"rdf": output.of}
    return {name: (of_species(a, atoms), of_species(b, atoms)) for name, (a, b) in pairs.items()}


def rdf(output: RDF, solver: AtomSolver, groups: Mapping[str, tuple[Tensor, Tensor]]) -> Measure:
    def measure(state: AtomState, params: Params) -> dict[str, Tensor]:
        box, reach = solver.system.box_of(state), (output.r_max, output.bins)
        return {name: radial_distribution(state.position, box, *reach, two) for name, two in groups.items()}

    return measure


def correlation(
    name: str, output: MSD | VelocityCorrelation, solver: AtomSolver, atoms: Atoms
) -> tuple[Measure, list[str]]:
    compare, recall = CORRELATIONS[output.kind][2], solver.recall
    groups: dict[str, Tensor] = {output.kind: of_species(None, atoms)}
    if len(atoms.names) > 1:
        groups |= {f"{output.kind}_{of}": of_species(of, atoms) for of in atoms.names}
    return lambda state, params: correlated(state, recall, name, compare, groups), list(groups)


def twists(output: DihedralAngles, solver: AtomSolver) -> Measure:
    groups = torch.tensor(list(output.groups.values()), device=solver.system.species.device)

    def measure(state: AtomState, params: Params) -> dict[str, Tensor]:
        found = dihedral_angles(state.position, solver.system.box_of(state), groups)
        return dict(zip(output.groups, found.unbind(dim=1), strict=True))

    return measure


def scattering(output: StructureFactor, solver: AtomSolver, atoms: Atoms) -> Measure:
    waves = wave_vectors(solver.system.box, output.q_max, output.shells, output.vectors)
    first, second = output.of or (None, None)
    groups = of_species(first, atoms), of_species(second, atoms)

    def measure(state: AtomState, params: Params) -> dict[str, Tensor]:
        box = solver.system.box_of(state)
        return {"s": structure_factor(state.position, box, waves, groups), "q": waves.mean(waves.q(box).norm(dim=2))}

    return measure


def particles(quantities: tuple[str, ...], solver: AtomSolver) -> Measure:
    def force(state: AtomState, params: Params) -> Tensor:
        system = solver.system
        if torch.is_grad_enabled() and (state.position.requires_grad or system.forces.learning(params)):
            return system.forces.differentiable_force(state.position, system.box_of(state), params)
        return system.force(state, params).clone()

    known: dict[str, Callable[[AtomState, Params], Tensor]] = {
        "position": lambda state, params: state.position,
        "velocity": lambda state, params: state.velocity,
        "force": force,
    }

    def measure(state: AtomState, params: Params) -> dict[str, Tensor]:
        found = {quantity: known[quantity](state, params) for quantity in quantities}
        if state.edges is None:
            return found
        box = solver.system.box_of(state)
        return {**found, "box": box.edges if box.lean is None else box.matrix}

    return measure
