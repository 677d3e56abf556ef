"""The kernels are one code path for CPU and CUDA: every one of them must also compile for a GPU, present or not."""

import gc
import importlib.util
import sys
from pathlib import Path

import pytest
import torch
import warp as wp

import scenegrad.scenes as sc
from scenegrad.engine.state import tensors
from scenegrad.scenes import library
from scenegrad.solvers.compile import compile_scene

ARCH = 80  # Ampere; any later one takes its PTX
ALSO = {  # what the conformance tests do without
    "tree": lambda: library.star_cluster(bodies=200).replace(
        {"pull.tree": sc.Tree(), "star.mass": sc.Parameter(0.005), "dynamics": sc.NVE(), "outputs": {}}
    ),
    "silicon": lambda: sc.Scene(
        name="silicon",
        units="metal",
        domain=sc.Domain.periodic(size=(10.862,) * 3),
        entities={
            "Si": sc.Atoms(lattice=sc.Diamond(cells=(2, 2, 2)), mass=28.085, temperature=600.0),
            "law": sc.StillingerWeber(epsilon=sc.Parameter(2.1683)),
        },
        time=sc.Time(end=0.1, dt=0.001),
    ),
}
compiled: set[str] = set()  # modules that an earlier test here has compiled


def conformance():
    """The scenes of the conformance tests: between them they use every solver in two and three dimensions."""
    path = Path(__file__).with_name("conformance_scenes.py")
    spec = importlib.util.spec_from_file_location("conformance", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["conformance"] = module
    spec.loader.exec_module(module)
    return module.SCENES


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    [
        "mpm-2d",
        "mpm-3d",
        "mpm-implicit-2d",
        "mpm-sparse-2d",
        "mpm-rigid-2d",
        "springs-2d",
        "springs-3d",
        "gas-2d",
        "gas-3d",
        "water-2d",
        "walls-2d",
        "body-3d",
        "md-nve-2d",
        "md-langevin-3d",
        "md-targets-2d",
        "tree",
        "silicon",
    ],
)
def test_every_kernel_of_a_solver_compiles_for_cuda(name, dtype, tmp_path):
    solver, state, params = compile_scene({**conformance(), **ALSO}[name](), device="cpu", dtype=dtype)
    dt, time = 0.3 * solver.max_dt(state, params), torch.zeros(1, dtype=torch.float64)
    after = solver.step(state, params.detach(), time, dt).state
    bars = {key: torch.ones_like(value) for key, value in tensors(after).items() if value.is_floating_point()}
    solver.vjp(state, params, time, dt, bars)
    solver.observe(after, params.detach())
    if name == "md-nve-2d":
        twin, first = solver.undoable(state, params.detach())
        twin.undo(twin.step(first, params.detach(), time, dt).state, params, time, dt)
    new = [module for module in modules() if module.name not in compiled]
    assert modules(), "the solver launched no kernel"
    for index, module in enumerate(new):
        folder = tmp_path / str(index)
        folder.mkdir()
        wp.compile_aot_module(module, arch=ARCH, module_dir=str(folder), use_ptx=True)
        assert list(folder.glob("*.ptx")), f"{module.name} left no PTX"
        compiled.add(module.name)


def modules():
    """Every module of ours that holds a kernel, those made for one kernel too; generic kernels once they are called."""
    kernels = [thing for thing in gc.get_objects() if isinstance(thing, wp.Kernel)]
    ours = [kernel for kernel in kernels if kernel.func.__module__.startswith("scenegrad.")]
    return list({id(k.module): k.module for k in ours if not k.is_generic or k.overloads}.values())
