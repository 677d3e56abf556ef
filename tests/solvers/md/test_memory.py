"""A gradient through thousands of steps needs memory for few of them."""

import json
import subprocess
import sys

import pytest

FLIGHT = """
import json, resource, time
import torch
import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene

torch.set_num_threads(1)
scene = sc.Scene(
    name="crystal", units="lj", domain=sc.Domain.periodic(density=1.05), time=sc.Time(end=10.0, dt=0.005),
    entities={
        "Ar": sc.Atoms(lattice=sc.FCC(cells=(10, 10, 10)), temperature=sc.Parameter(value=0.01)),
        "pair": sc.LennardJones(sigma=sc.Parameter(value=1.0), epsilon=sc.Parameter(value=1.0)),
    },
)
solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
rollout(solver, state, params.detach(), 0.01, probes=())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
end = rollout(solver, state, params, STEPS * 0.005, probes=()).state
forward = time.perf_counter() - start
solver.observe(end, params)["kinetic_energy"].sum().backward()
print(json.dumps({
    "grown": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20,
    "forward": forward, "both": time.perf_counter() - start,
    "gradients": {a: float(params[a].grad) for a in scene.parameters()},
}))
"""


@pytest.mark.slow
def test_two_thousand_steps_of_four_thousand_atoms_stay_below_two_gibibytes(measure) -> None:
    child = subprocess.run(
        [sys.executable, "-c", FLIGHT.replace("STEPS", "2000")], capture_output=True, text=True, check=True
    )
    found = json.loads(child.stdout.splitlines()[-1])
    measure("memory of 2,000 steps of 4,000 atoms, float64 [GiB]", found["grown"], "2")
    assert found["grown"] < 2.0, found
    assert all(1e-6 < abs(value) < 1e9 for value in found["gradients"].values()), found
