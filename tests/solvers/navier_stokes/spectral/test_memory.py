"""How much a gradient may cost."""

import subprocess
import sys
import weakref
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from scenegrad.engine import keeping
from scenegrad.engine.rollout import rollout
from scenegrad.scenes import Parameter, Time

LONG = '''
import sys, time
import torch
from scenegrad.engine.rollout import rollout
from scenegrad.scenes import Parameter, Time
from scenegrad.scenes.library import kolmogorov
from scenegrad.solvers.compile import compile_scene


def peak() -> float:
    """GiB at most so far; `ru_maxrss` would begin with what the parent had."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**20


torch.set_num_threads(1)
imported = peak()
scene = kolmogorov(256, viscosity=Parameter(1e-3)).replace({"time": Time(end=2.0, dt=1e-3).model_dump(), "outputs": {}})
solver, state, params = compile_scene(scene, "cpu", "float64")
w = state.vorticity.clone().requires_grad_()
start = time.perf_counter()
roll = rollout(solver, type(state)(w), params)
there = time.perf_counter() - start
roll.state.vorticity.square().mean().backward()
back = time.perf_counter() - start - there
grown = peak() - imported
assert int(roll.steps) == 2000 and bool(w.grad.isfinite().all()) and bool(params["fluid.viscosity"].grad.isfinite())
print(f"{grown:.3f} GiB above the imported process, forward {there:.1f} s, backward {back:.1f} s")
sys.exit(grown >= 2.0)
'''


@pytest.mark.slow
def test_a_gradient_through_two_thousand_steps_of_256_squared_fits_in_two_gibibytes(measure):
    child = subprocess.run([sys.executable, "-c", LONG], capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stdout + child.stderr
    measure("memory of 2,000 steps of 256^2 points, float64 [GiB]", float(child.stdout.split()[0]), "2")


class Counting:
    """A solver that counts how many of the states and ways back that it made are alive at once."""

    def __init__(self, solver: Any):
        self.solver, self.alive, self.most = solver, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.solver, name)

    def step(self, *inputs: Any) -> Any:
        made = self.solver.step(*inputs)
        self.watch(made.state)
        return made

    def linearize(self, *inputs: Any) -> Any:
        after, pull = self.solver.linearize(*inputs)
        self.watch(after)
        self.watch(pull)
        return after, pull

    def watch(self, made: Any) -> None:
        self.alive += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(getattr(made, "vorticity", made), self.gone)

    def gone(self) -> None:
        self.alive -= 1


def test_states_held_for_a_gradient_grow_like_the_root_of_the_steps(flow, compiled, monkeypatch):
    monkeypatch.setattr(keeping, "POCKET", 0)  # no room for what all transposes need
    solver, state, params = compiled(flow(16, viscosity=Parameter(0.02), time=Time(end=4.0, dt=0.01)))
    counting = Counting(solver)
    roll = rollout(counting, state, params)
    assert int(roll.steps) == 400
    roll.state.vorticity.square().mean().backward()
    assert params["fluid.viscosity"].grad is not None
    assert 20 < counting.most < 80, f"{counting.most} states of 400 were alive at once"


class Work(TorchDispatchMode):
    """Counts Fourier transforms, and the numbers that all operations write."""

    def __init__(self) -> None:
        super().__init__()
        self.transforms = self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        made = func(*args, **(kwargs or {}))
        self.transforms += "_fft_" in func._schema.name
        if not func.is_view:
            self.numbers += sum(one.numel() for one in tree_leaves(made) if isinstance(one, torch.Tensor))
        return made


def test_a_gradient_costs_a_few_forward_steps(flow, compiled):
    """A transposed step, which takes the step itself once more, against a step: in what is done, not in seconds."""
    solver, state, params = compiled(flow(64, viscosity=Parameter(1e-3)))
    zero, dt = torch.zeros(1, dtype=torch.float64), torch.full((1,), 1e-3, dtype=torch.float64)
    bar = torch.ones_like(state.vorticity)
    for _ in range(2):  # the second time all tables are there
        with Work() as step:
            solver.step(state, params.detach(), zero, dt)
        with Work() as back:
            solver.vjp(state, params, zero, dt, {"vorticity": bar})
    assert 0 < back.transforms <= 2 * step.transforms
    assert back.numbers < 3.0 * step.numbers, f"a transposed step writes {back.numbers / step.numbers:.2f} steps"
