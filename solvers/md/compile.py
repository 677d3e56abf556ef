"""From a scene with atoms to a solver, its state and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.controllers import CFL
from scenegrad.engine.solver import Atoms as AtomLayout
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.atoms import Langevin
from scenegrad.scenes.methods import MolecularDynamics
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import number
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.checks import atoms_of, check_batch, check_scene, learnable, pairs_of, temperature_address
from scenegrad.solvers.md.force_field import ForceField, Term
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.lattice import box_of, counts, place
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.thermostat import Thermostat
from scenegrad.solvers.md.motions.verlet import Verlet
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.solvers.md.observables.probes import probe
from scenegrad.solvers.md.pairs.term import PairTable, PairTerm
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import Masses, System
from scenegrad.solvers.md.velocities import maxwell
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["compile_md"]

# A fifth of the stability bound: dt = 0.005 tau for the Lennard-Jones liquid at its triple point, where the energy of
# an atom wavers by 6e-5 epsilon (2.5 dt^2).
DEFAULT = CFL(0.2, steps=32)
SKIN = 0.3  # of the largest sigma, or of 0.4 cutoffs where a potential has no sigma


def compile_md(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[AtomSolver, AtomState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    reasons = Reasons(scenes[0].name)
    for scene in scenes:
        check_scene(scene, reasons)
    check_batch(scenes, reasons)
    reasons.refuse()
    scene, species = scenes[0], atoms_of(scenes[0])
    values = params(scenes, learnable(scene), device, dtype, "atoms have no such derivative.")

    boxes = [box_of(one, atoms_of(one)) for one in scenes]
    box = Box(torch.from_numpy(np.stack(boxes)).to(device))
    kind = torch.repeat_interleave(torch.arange(len(species)), torch.tensor(list(counts(species).values()))).to(device)
    masses = Masses(Joined([f"{name}.mass" for name in species], (len(species),)), kind)
    system = System(ForceField(terms(scenes, kind, box, dtype)), masses, kind.to(torch.int32), box)
    move = motion(scene)
    bare: Program[AtomState] = Program(scene.time.end, DEFAULT)
    solver = AtomSolver(system, move, bare)
    layout = AtomLayout(kind, masses(values)[0].detach(), box.edges, tuple(species))
    probes = [probe(name, o, scene.time.warmup, solver, layout, scene.units) for name, o in scene.outputs.items()]
    initial = start(scenes, boxes, system, move, torch.empty(0, dtype=dtype, device=device))
    return solver.with_program(program(scene, probes, DEFAULT, initial)), initial(values), values


def motion(scene: Scene) -> Motion:
    """How the atoms of a scene move."""
    if isinstance(scene.dynamics, Langevin):
        return Verlet(Thermostat(temperature_address(scene), "dynamics.friction"))
    return Verlet()


def terms(scenes: Sequence[Scene], kind: Tensor, box: Box, dtype: torch.dtype) -> list[Term]:
    """What the potential energy is made of. kind: species of every atom [atom]."""
    table = pair_table(scenes, str(kind.device))
    neighbours = Neighbours(box, table.cutoff.max(dim=1).values, skin(scenes), len(kind), dtype)
    return [PairTerm(table, kind, neighbours, dtype)]


def start(
    scenes: Sequence[Scene], boxes: list[np.ndarray], system: System, move: Motion, like: Tensor
) -> Callable[[Params], AtomState]:
    """The initial state; its velocities depend on params."""
    species = list(atoms_of(scenes[0]))
    points = [place(scene, atoms_of(scene), box) for scene, box in zip(scenes, boxes, strict=True)]
    position = torch.from_numpy(np.stack(points)).to(like)
    words = [np.random.SeedSequence(scene.seed, spawn_key=(2,)).generate_state(1, np.uint64)[0] for scene in scenes]
    seed = torch.from_numpy(np.array(words, dtype=np.uint64).view(np.int64)).to(like.device)

    def initial(values: Params) -> AtomState:
        masses = system.masses.by_species.differentiable(values)
        heat = torch.stack([values[f"{name}.temperature"] for name in species], dim=1)
        velocity = maxwell([scene.seed for scene in scenes], system.species.long(), position.shape[2], masses, heat)
        return move.begin(system, AtomState(position, velocity, torch.zeros_like(seed), seed), values)

    return initial


def pair_table(scenes: Sequence[Scene], device: str) -> PairTable:
    """Rows of the potential's parameters, and which of them serves each two species."""
    species, pairs = list(atoms_of(scenes[0])), pairs_of(scenes[0])
    names = list(pairs)
    rows = torch.full((len(species), len(species)), -1, dtype=torch.int32)
    for row, pair in enumerate(pairs.values()):
        if pair.between is not None:
            a, b = (species.index(s) for s in pair.between)
            rows[a, b] = rows[b, a] = row
        else:
            rows[rows < 0] = row
    first = next(iter(pairs.values()))
    cutoff = [[number(scene.at(f"{name}.cutoff")) for name in names] for scene in scenes]
    return PairTable(
        first.kind, first.cut, tuple(names), rows.to(device), torch.tensor(cutoff, dtype=torch.float64, device=device)
    )


def skin(scenes: Sequence[Scene]) -> float:
    """How far a neighbour list reaches beyond the cutoff [length]."""
    scene = scenes[0]
    if isinstance(scene.method, MolecularDynamics) and scene.method.skin is not None:
        return scene.method.skin
    return SKIN * max(number(getattr(pair, "sigma", 0.4 * pair.cutoff)) for pair in pairs_of(scene).values())
