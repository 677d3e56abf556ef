"""Gradients of long runs fit into little memory."""

import subprocess
import sys

import pytest

CHILD = '''
import torch
import warp as wp
import scenegrad.scenes as sc
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene


def peak() -> float:
    """GiB at most so far; `ru_maxrss` would begin with what the parent had."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**20


wp.init()
imported = peak()
block = sc.Body(
    shape=sc.Box(center=(0.5, 0.5, 0.35), size=(0.22,) * 3),
    velocity=(0.3, 0.0, -1.0),
    material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e5)),
)
floor = sc.Wall(normal=(0, 0, 1), offset=0.2, contact=sc.Coulomb(0.3))
scene = sc.Scene(
    name="long", domain=sc.Domain(size=(1, 1, 1), cells=(64, 64, 64)), gravity=(0, 0, -9.81),
    entities={"block": block, "floor": floor}, time=sc.Time(end=1.0),
)
solver, state, params = compile_scene(scene, "cpu", "float64")
assert state.position.shape[1] >= 20_000
dt = 0.3 * float(solver.max_dt(state, params))
run = rollout(solver, state, params, until=2000 * dt, controller=Fixed(dt))
assert int(run.steps) >= 2000
run.state.position[..., 0].mean().backward()
gradient = float(params["block.material.youngs_modulus"].grad)
assert gradient != 0.0 and gradient == gradient
print("GiB above the import:", peak() - imported)
'''


@pytest.mark.slow
def test_two_thousand_steps_are_differentiated_in_two_gibibytes(measure):
    """20,000 particles on 64^3 cells in double precision; the peak is that of the process less what importing took."""
    child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=False, timeout=1500)
    assert child.returncode == 0, child.stderr[-2000:]
    grown = float(child.stdout.rsplit(":", 1)[1])
    measure("memory of 2,000 steps, 20k particles on 64^3, float64 [GiB]", grown, "2")
    assert grown < 2.0
