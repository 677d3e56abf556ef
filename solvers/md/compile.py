"""From a scene with atoms to a solver, its state and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from scenegrad.engine.solver import Atoms as AtomLayout
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.methods import MolecularDynamics
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.bonded.topology import excluded_pairs
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.checks import atoms_of, check_batch, check_scene, learnable
from scenegrad.solvers.md.families import Assembly
from scenegrad.solvers.md.force_field import ForceField
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.known import INTERACTIONS, movement_of
from scenegrad.solvers.md.lattice import box_of, counts, given_velocities, lean_of, place
from scenegrad.solvers.md.observables.correlations import recall_of
from scenegrad.solvers.md.observables.probes import probe
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import PerAtom, System
from scenegrad.solvers.md.units import UNITS
from scenegrad.solvers.md.velocities import maxwell
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["compile_md"]

SKIN = 0.3  # of the largest reach of an interaction, such as sigma


def compile_md(scenes: Sequence[Scene], device: str, dtype: torch.dtype) -> tuple[AtomSolver, AtomState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    reasons = Reasons(scenes[0].name)
    different = list({id(scene): scene for scene in scenes}.values())  # the same scene may be there many times
    for scene in different:
        check_scene(scene, reasons)
    check_batch(different, reasons)
    reasons.refuse()
    scene, species = scenes[0], atoms_of(scenes[0])
    values = params(scenes, learnable(scene), device, dtype, "atoms have no such derivative.")
    like = torch.empty(0, dtype=dtype, device=device)
    values = Params({**values, **{a: w for one in INTERACTIONS for a, w in one.weights(scenes, like).items()}})

    boxes = [box_of(one, atoms_of(one)) for one in scenes]
    leans = [slant for one in scenes if (slant := lean_of(one)) is not None]
    lean = torch.from_numpy(np.stack(leans)).to(device) if leans else None
    box = Box(torch.from_numpy(np.stack(boxes)).to(device), lean)
    kind = torch.repeat_interleave(torch.arange(len(species)), torch.tensor(list(counts(species).values()))).to(device)
    units = UNITS[scene.units]
    masses = PerAtom(Joined([f"{name}.mass" for name in species], (len(species),)), kind, units.mass)
    assembly = Assembly(scenes, tuple(species), kind, box, dtype, skin(scenes), excluded_pairs(scene, len(kind)))
    terms = [term for one in INTERACTIONS for term in one.terms(assembly)]
    system = System(ForceField(terms), masses, kind.to(torch.int32), box)
    movement = movement_of(scene)
    assert movement is not None, "dynamics that nothing serves have been refused"
    move = movement.motion(assembly)
    bare: Program[AtomState] = Program(scene.time.end, movement.steps)
    solver = AtomSolver(system, move, bare, recall_of(scene.outputs, scene.time.warmup), units.boltzmann)
    layout = AtomLayout(
        kind, masses(values)[0].detach() / units.mass, box.edges if lean is None else box.matrix, tuple(species)
    )
    probes = [probe(name, o, scene.time.warmup, solver, layout, scene.units) for name, o in scene.outputs.items()]
    initial = start(scenes, boxes, solver, like)
    return solver.with_program(program(scenes, probes, movement.steps, initial)), initial(values), values


def start(
    scenes: Sequence[Scene], boxes: list[np.ndarray], solver: AtomSolver, like: Tensor
) -> Callable[[Params], AtomState]:
    """The initial state; its velocities depend on params."""
    system = solver.system
    species = list(atoms_of(scenes[0]))
    points = [place(scene, atoms_of(scene), box) for scene, box in zip(scenes, boxes, strict=True)]
    position = torch.from_numpy(np.stack(points)).to(like)
    rows = [given_velocities(atoms_of(scene), position.shape[2]) for scene in scenes]
    written = torch.from_numpy(np.stack(rows)).to(like)
    words = [np.random.SeedSequence(scene.seed, spawn_key=(2,)).generate_state(1, np.uint64)[0] for scene in scenes]
    seed = torch.from_numpy(np.array(words, dtype=np.uint64).view(np.int64)).to(like.device)

    def initial(values: Params) -> AtomState:
        values = solver.in_energies(values)
        masses = system.masses.scale * system.masses.by_species.differentiable(values)
        heat = torch.stack([values[f"{name}.temperature"] for name in species], dim=1)
        drawn = maxwell([scene.seed for scene in scenes], system.species.long(), position.shape[2], masses, heat)
        velocity = torch.where(written.isnan(), drawn, written)
        first = AtomState(position, velocity, torch.zeros_like(seed), seed)
        return solver.recall.begin(solver.motion.begin(system, first, values))

    return initial


def skin(scenes: Sequence[Scene]) -> float:
    """How far a neighbour list reaches beyond the cutoff [length]."""
    scene = scenes[0]
    if isinstance(scene.method, MolecularDynamics) and scene.method.skin is not None:
        return scene.method.skin
    return SKIN * max((reach for one in INTERACTIONS if (reach := one.reach(scene)) is not None), default=1.0)
