"""From a scene with a fluid in a periodic box to a spectral solver, its state and its parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from scenegrad.engine.controllers import CFL
from scenegrad.engine.solver import Program
from scenegrad.engine.state import Params
from scenegrad.scenes.fluids import Fluid
from scenegrad.scenes.methods import Spectral
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.navier_stokes.fields.checks import start_trouble
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces
from scenegrad.solvers.navier_stokes.fields.start import Start
from scenegrad.solvers.navier_stokes.spectral.advection import as_pairs
from scenegrad.solvers.navier_stokes.spectral.box import FEWEST_CELLS, box_troubles, frame_troubles
from scenegrad.solvers.navier_stokes.spectral.diagnostics import Diagnostics
from scenegrad.solvers.navier_stokes.spectral.forcing import acceleration, forcing_trouble
from scenegrad.solvers.navier_stokes.spectral.integrators import ETDRK4, ETDRK43, Integrator, integrator
from scenegrad.solvers.navier_stokes.spectral.modes import Modes
from scenegrad.solvers.navier_stokes.spectral.probes import output_trouble, probe
from scenegrad.solvers.navier_stokes.spectral.solver import Addresses, SpectralSolver
from scenegrad.solvers.navier_stokes.spectral.state import VorticityState
from scenegrad.solvers.navier_stokes.spectral.stepping import Stepper
from scenegrad.solvers.shared.leaves import params, program
from scenegrad.solvers.shared.reasons import refuse_unfit

__all__ = ["compile_vorticity"]

# A fraction 0.4 of the bound: the highest mode that is carried turns by 1.1 rad a step, those that hold the energy by a
# tenth of it. Measured on the Kolmogorov flow of the library at t = 2 on 64, 128 and 256 cells: relative errors in time
# of 6e-5, 1e-5 and 5e-7, where those in space are 0.2 and 0.06 on the first two grids.
DEFAULT = CFL(0.4)


def compile_vorticity(
    scenes: Sequence[Scene], device: str, dtype: torch.dtype
) -> tuple[SpectralSolver, VorticityState, Params]:
    """Solver, state and params; members of the batch are scenes that differ in numbers only.

    Raises SceneError with every reason for which the scenes cannot be run.
    """
    refuse_unfit(scenes, troubles, structure)
    scene = scenes[0]
    name, fluid = next((name, part) for name, part in scene.entities.items() if isinstance(part, Fluid))
    assert scene.domain.cells is not None
    assert scene.domain.size is not None
    (nx, ny), (length_x, length_y) = scene.domain.cells, scene.domain.size
    modes = Modes((nx, ny), (length_x, length_y), device, dtype)
    addresses = Addresses(name, fluid.forcing is not None)
    values = params(scenes, learnable(name, fluid), device, dtype, BECAUSE)

    push = pushes(scenes, name, modes) if fluid.forcing is not None else None
    stepper = Stepper(modes, method(scene), None if push is None else curl(push, modes))
    unplanned: Program[VorticityState] = Program(scene.time.end, DEFAULT)
    solver = SpectralSolver(
        modes, stepper, Diagnostics(modes, None if push is None else push.to(device, dtype)), addresses, unplanned
    )
    probes = [probe(key, output, scene.time.warmup, solver) for key, output in scene.outputs.items()]
    initial = start(scenes, name, modes)
    plan = program(scenes, probes, DEFAULT, initial, stepper.method.estimate_order)
    return replace(solver, program=plan), initial(values), values


BECAUSE = (
    "a spectral fluid can be differentiated by its viscosity, drag and density, the amplitude of its forcing, the "
    "numbers of the field that it starts from, and by its initial state."
)


def learnable(name: str, fluid: Fluid) -> list[str]:
    addresses = [f"{name}.viscosity", f"{name}.drag", f"{name}.density"]
    if fluid.forcing is not None:
        addresses.append(f"{name}.forcing.amplitude")
    return addresses + Start(f"{name}.vorticity", (fluid.vorticity,)).learnable


def method(scene: Scene) -> Integrator:
    asked = scene.method.integrator if isinstance(scene.method, Spectral) else None
    if asked is not None:
        return integrator(asked)
    return ETDRK4 if scene.time.tolerance is None else ETDRK43


def pushes(scenes: Sequence[Scene], name: str, modes: Modes) -> torch.Tensor:
    """Forces at amplitude 1 in float64 on the host [batch, 2, nx, ny]."""
    return torch.from_numpy(
        np.stack([acceleration(scene.at(f"{name}.forcing"), modes.cells, modes.size) for scene in scenes])
    )


def curl(push: torch.Tensor, modes: Modes) -> torch.Tensor:
    """Spectrum of d f_y / dx - d f_x / dy, as pairs."""
    exact = replace(modes, device="cpu", dtype=torch.float64)
    f_x, f_y = (exact.spectrum(push[:, axis]) for axis in (0, 1))
    d_x, d_y = exact.gradient
    return as_pairs(modes.table(d_x * f_y - d_y * f_x)).contiguous()


def start(scenes: Sequence[Scene], name: str, modes: Modes) -> Callable[[Params], VorticityState]:
    """The initial vorticity as a function of params."""
    exact = replace(modes, device="cpu", dtype=torch.float64)
    field, places = Start.of(scenes, f"{name}.vorticity"), GridPlaces.lattice(modes.cells, modes.size)

    def initial(values: Params) -> VorticityState:
        return VorticityState(exact.project(field.whirl(values, places)).to(modes.device, modes.dtype))

    return initial


# ---- what cannot be run


def troubles(scene: Scene) -> Iterator[tuple[str, str]]:
    """(address, what is wrong and how to mend it) of everything that keeps a scene from being run."""
    yield from box_troubles(scene, dims=(2,))
    fluids = {name: part for name, part in scene.entities.items() if isinstance(part, Fluid)}
    for name, part in scene.entities.items():
        if name not in fluids:
            yield name, f"is a {part.kind}; the spectral solver knows fluids only. Leave it out"
    if len(fluids) != 1:
        given = ", ".join(fluids) or "none"
        yield "entities", f"hold {len(fluids)} fluids ({given}); the box is filled by exactly one"
    for name, fluid in fluids.items():
        yield from fluid_troubles(name, fluid, scene)
        allowed = learnable(name, fluid)
        for address in scene.parameters():
            if address.split(".")[0] == name and address not in allowed:
                yield address, f"no gradient reaches it: {BECAUSE} Write a plain number"
    for address in scene.parameters():
        if address.split(".")[0] not in scene.entities:
            yield address, f"no gradient reaches it: {BECAUSE} Write a plain number"
    yield from frame_troubles(scene, method(scene))
    for key, output in scene.outputs.items():
        if (trouble := output_trouble(output, scene.domain.cells, scene.domain.size)) is not None:
            yield f"outputs.{key}", trouble


def fluid_troubles(name: str, fluid: Fluid, scene: Scene) -> Iterator[tuple[str, str]]:
    if fluid.velocity is not None:
        yield (
            f"{name}.velocity",
            "a uniform velocity in a periodic box only carries the flow along; leave it out and give a vorticity",
        )
    if fluid.turbulence is not None:
        yield f"{name}.turbulence", "models of unresolved eddies belong to method=Staggered(); leave it out"
    cells, size = scene.domain.cells, scene.domain.size
    if cells is None or size is None or len(cells) != 2 or min(cells) < FEWEST_CELLS:
        return
    if (
        fluid.vorticity is not None
        and (trouble := start_trouble(fluid.vorticity, cells, size, "vorticity")) is not None
    ):
        yield f"{name}.vorticity", trouble
    if fluid.forcing is not None and (trouble := forcing_trouble(fluid.forcing, cells, size)) is not None:
        yield f"{name}.forcing", trouble


def structure(scene: Scene) -> dict[str, object]:
    """(address, value) of what members of a batch have in common: everything but numbers and random fields."""
    kinds: dict[str, object] = {}
    for name, part in scene.entities.items():
        kinds[name] = part.kind
        for field in ("forcing", "vorticity"):
            inner = getattr(part, field, None)
            kinds[f"{name}.{field}"] = None if inner is None else inner.kind
    common = ("domain", "boundary", "time", "outputs", "method", "units")
    return {**kinds, **{field: getattr(scene, field) for field in common}}
