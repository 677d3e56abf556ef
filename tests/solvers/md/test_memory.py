"""A gradient through thousands of steps needs memory for few of them."""

import json
import subprocess
import sys

import pytest

FLIGHT = '''
import json, time
import torch
import warp as wp
import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def peak() -> float:
    """GiB at most so far; `ru_maxrss` would begin with what the parent had."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**20


torch.set_num_threads(1)
wp.init()
imported = peak()
scene = sc.Scene(
    name="crystal", units="lj", domain=sc.Domain.periodic(density=1.05), time=sc.Time(end=10.0, dt=0.005),
    entities={
        "Ar": sc.Atoms(lattice=sc.FCC(cells=(10, 10, 10)), temperature=sc.Parameter(value=0.01)),
        "pair": sc.LennardJones(sigma=sc.Parameter(value=1.0), epsilon=sc.Parameter(value=1.0)),
    },
)
solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
start = time.perf_counter()
end = rollout(solver, state, params, STEPS * 0.005, probes=()).state
forward = time.perf_counter() - start
solver.observe(end, params)["kinetic_energy"].sum().backward()
print(json.dumps({
    "grown": peak() - imported, "forward": forward, "both": time.perf_counter() - start,
    "gradients": {a: float(params[a].grad) for a in scene.parameters()},
}))
'''


@pytest.mark.slow
def test_two_thousand_steps_of_four_thousand_atoms_stay_below_two_gibibytes(measure) -> None:
    """Above the process right after its imports: building kernels and lists, compiling the scene and both ways."""
    child = subprocess.run(
        [sys.executable, "-c", FLIGHT.replace("STEPS", "2000")], capture_output=True, text=True, check=True
    )
    found = json.loads(child.stdout.splitlines()[-1])
    measure("memory of 2,000 steps of 4,000 atoms, float64 [GiB]", found["grown"], "2")
    assert found["grown"] < 2.0, found
    assert all(1e-6 < abs(value) < 1e9 for value in found["gradients"].values()), found
