"""Several threads do the work of one, and always in the same way."""

from collections.abc import Callable, Iterator

import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.engine.errors import Diverged
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.mpm import threads


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets the number of threads, of which each may have few particles."""
    monkeypatch.setattr(threads, "LEAST", 16)
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def thrown(lab, dim, **fields):
    """A block and a drop, thrown at a floor."""
    down = (0.0,) * (dim - 1)
    entities = {
        "block": lab.box_of(
            (0.2,) * (dim - 1) + (0.15,), (0.25,) * dim,
            sc.NeoHookean(youngs_modulus=sc.Parameter(1e4), poisson_ratio=0.3, density=1000.0),
            velocity=(*down, -1.0),
        ),
        "drop": lab.box_of((0.6,) * (dim - 1) + (0.2,), (0.2,) * dim, lab.water),
        "floor": sc.Wall(normal=(*down, 1.0), offset=sc.Parameter(0.12), contact=sc.Coulomb(0.3)),
    }  # fmt: skip
    return lab.scene_of(dim, gravity=(*down, -9.81), entities=entities, **fields)


@pytest.mark.parametrize(
    "method",
    [
        sc.MaterialPoint(),
        sc.MaterialPoint(transfer=sc.FLIP(0.9)),
        sc.MaterialPoint(grid=sc.Sparse()),
        sc.MaterialPoint(grid=sc.Sparse(), contact=sc.Apart(0.3)),
    ],
    ids=["apic", "flip", "sparse", "apart"],
)
def test_threads_agree_to_rounding_and_repeat_each_other_to_the_last_bit(lab, on, method):
    solver, state, params = compile_scene([thrown(lab, 2, method=method)] * 2, "cpu", "float64")
    state = type(state)(*(field.detach() for field in vars(state).values()))
    time, dt = torch.zeros(2, dtype=torch.float64), torch.tensor([2e-3, 1e-3], dtype=torch.float64)

    def went(count):
        on(count)
        assert solver.work.to_particles.threads.count == count
        now = state
        for _ in range(40):
            now = solver.step(now, params.detach(), time, dt).state
        bars = {name: torch.ones_like(field) for name, field in vars(state).items()}
        found, learnt = solver.vjp(now if count == 1 else went.first, params, time, dt, bars)
        if count == 1:
            went.first = now
        return [*vars(now).values(), *found.values(), *learnt.values()]

    alone, shared, again = went(1), went(3), went(3)
    assert all(torch.equal(a, b) for a, b in zip(shared, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(alone, shared, strict=True))
    for a, b in zip(alone, shared, strict=True):
        scale = float(a.abs().max()) if a.numel() else 0.0
        assert not a.numel() or float((a - b).abs().max()) <= 1e-10 * scale


def test_threads_name_the_particle_that_is_lost(lab, on):
    solver, state, params = lab.compiled(thrown(lab, 2))
    on(3)
    last = state.position.shape[1] - 2
    state.position[0, last, 0] = 1.5
    with pytest.raises(Diverged, match=f"particle {last} of member 0"):
        solver.step(state, params, torch.zeros(1, dtype=torch.float64), torch.full((1,), 1e-3, dtype=torch.float64))
