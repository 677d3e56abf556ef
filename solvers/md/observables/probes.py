"""What a scene of atoms asks to have written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from scenegrad.engine.solver import Atoms, Layout, Probe, Series
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import RDF, Energy, Momentum, Output, Particles, Thermo
from scenegrad.solvers.md.observables.histogram import radial_distribution, radii
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState

__all__ = ["output_trouble", "probe"]

Measure = Callable[[AtomState, Params], dict[str, Tensor]]

UNITS: dict[str, dict[str, str]] = {
    "lj": {
        "position": "sigma", "velocity": "sigma/tau", "force": "epsilon/sigma", "energy": "epsilon",
        "temperature": "epsilon/k_B", "pressure": "epsilon/sigma^3", "momentum": "m sigma/tau", "rdf": "1",
    },
    "SI": {
        "position": "m", "velocity": "m/s", "force": "N", "energy": "J", "temperature": "J", "pressure": "Pa",
        "momentum": "kg m/s", "rdf": "1",
    },
}  # fmt: skip
QUANTITIES = ("position", "velocity", "force")
ENERGIES = ("kinetic", "potential", "total")


def output_trouble(output: Output, shortest: float) -> str | None:
    """Why atoms cannot serve this output; None where they can. shortest: edge of the smallest box."""
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
    if not isinstance(output, Thermo | Energy | Momentum):
        return f"{output.kind} is nothing that atoms have; they serve particles, thermo, rdf, energy and momentum."
    return None


def probe(name: str, output: Output, start: float, solver: AtomSolver, atoms: Atoms, units: str) -> Probe[AtomState]:
    measure, layout, of = serving(output, solver, atoms, UNITS[units])
    return Probe(name, output.every, measure, layout, of, start)


def serving(
    output: Output, solver: AtomSolver, atoms: Atoms, unit: Mapping[str, str]
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

    if isinstance(output, Thermo):
        return thermo, Series(), {"temperature": unit["temperature"], "pressure": unit["pressure"], **energy_units}
    if isinstance(output, Energy):
        return energies, Series(), energy_units
    if isinstance(output, Momentum):
        return momentum, Series(), {"momentum": unit["momentum"]}
    if isinstance(output, RDF):
        r_max, bins = output.r_max, output.bins

        def rdf(state: AtomState, params: Params) -> dict[str, Tensor]:
            return {"rdf": radial_distribution(state.position, solver.system.box_of(state).edges, r_max, bins)}

        return rdf, Series({"radius": radii(r_max, bins)}), {"rdf": unit["rdf"], "radius": unit["position"]}
    assert isinstance(output, Particles)
    quantities = tuple(dict.fromkeys(("position", *output.quantities)))
    return particles(quantities, solver), atoms, {name: unit[name] for name in quantities}


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
    return lambda state, params: {quantity: known[quantity](state, params) for quantity in quantities}
