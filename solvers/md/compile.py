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
from scenegrad.solvers.md.checks import atoms_of, check_batch, check_scene, learnable, pairs_of, temperature_address
from scenegrad.solvers.md.interactions import Interactions, PairTable
from scenegrad.solvers.md.lattice import box_of, counts, place
from scenegrad.solvers.md.potentials import potential
from scenegrad.solvers.md.probes import probe
from scenegrad.solvers.md.solver import AtomSolver, Joined
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.thermostat import Thermostat
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
    box = torch.from_numpy(np.stack(boxes)).to(device)
    kind = torch.repeat_interleave(torch.arange(len(species)), torch.tensor(list(counts(species).values())))
    mass = Joined([f"{name}.mass" for name in species], (len(species),))
    table = pair_table(scenes, device)
    names = potential(table.kind).parameters
    theta = Joined([address for row in table.addresses for address in row], (len(table.names), len(names)))
    forces = Interactions(table, kind.to(device), box, skin(scenes), dtype)

    thermostat = None
    if isinstance(scene.dynamics, Langevin):
        thermostat = Thermostat(temperature_address(scene), "dynamics.friction")
    bare: Program[AtomState] = Program(scene.time.end, DEFAULT)
    solver = AtomSolver(forces, box, theta, mass, thermostat, bare)
    layout = AtomLayout(kind.to(device), mass(values)[0].detach()[kind.to(device)], box, tuple(species))
    probes = [probe(name, o, scene.time.warmup, solver, layout, scene.units) for name, o in scene.outputs.items()]
    initial = start(scenes, boxes, kind, mass, torch.empty(0, dtype=dtype, device=device))
    return solver.with_program(program(scene, probes, DEFAULT, initial)), initial(values), values


def start(
    scenes: Sequence[Scene], boxes: list[np.ndarray], kind: Tensor, mass: Joined, like: Tensor
) -> Callable[[Params], AtomState]:
    """The initial state; its velocities depend on params."""
    species = list(atoms_of(scenes[0]))
    points = [place(scene, atoms_of(scene), box) for scene, box in zip(scenes, boxes, strict=True)]
    position = torch.from_numpy(np.stack(points)).to(like)
    words = [np.random.SeedSequence(scene.seed, spawn_key=(2,)).generate_state(1, np.uint64)[0] for scene in scenes]
    seed = torch.from_numpy(np.array(words, dtype=np.uint64).view(np.int64)).to(like.device)

    def initial(values: Params) -> AtomState:
        masses = mass.differentiable(values)
        heat = torch.stack([values[f"{name}.temperature"] for name in species], dim=1)
        velocity = maxwell([scene.seed for scene in scenes], kind.to(like.device), position.shape[2], masses, heat)
        return AtomState(position, velocity, torch.zeros_like(seed), seed)

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
