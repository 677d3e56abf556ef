"""Charges in boxes that lean: the same crystal, and forces and virials that are slopes of the energy."""

import json
from importlib.resources import files

import numpy as np
import pytest
import torch

import scenegrad as sg
import scenegrad.scenes as sc
from scenegrad.engine.state import Params
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.md.box import Box
from scenegrad.verification.md.charges import CRYSTALS

KNOWN = json.loads((files("scenegrad.assets") / "reference" / "md" / "madelung.json").read_text())
METHODS = [sc.Ewald(tolerance=1e-12), sc.PME(tolerance=1e-8, order=8)]


def leaning(name, method, cells=2, shake=0.0, tilt=(1.0, -1.0, 1.0), batch=1):
    """Edges (2, 0, 0), (1, 2, 0), (-1, 1, 2) in cells of edge 1: the same crystal as in a cube of 2 x 2 x 2."""
    basis, shift, _ = CRYSTALS[name]
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    rng, ions = np.random.default_rng(0), {}
    for ion, by, charge in (("plus", (0.0, 0.0, 0.0), 1.0), ("minus", shift, -1.0)):
        points = (corners + np.array(basis) + np.array(by)).reshape(-1, 3)
        points = points + shake * rng.standard_normal(points.shape)
        ions[ion] = sc.Atoms(lattice=sc.Sites(tuple(map(tuple, points.tolist()))), charge=sg.Parameter(charge))
    scene = sc.Scene(
        name=name,
        units="lj",
        domain=sc.Domain.periodic(size=(float(cells),) * 3, tilt=tilt),
        entities={**ions, "charges": sc.Electrostatics(method=method)},
        time=sc.Time(end=1.0),
    )
    return sg.compile([scene] * batch, device="cpu", dtype="float64")


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.kind)
@pytest.mark.parametrize("name", list(CRYSTALS))
def test_madelung_constants_do_not_depend_on_the_cell(name, method):
    solver, state, params = leaning(name, method)
    sums = solver.system.forces.sums(state.position, solver.system.box, params)[0]
    scale = CRYSTALS[name][2] / (state.position.shape[1] / 2)
    assert -float(sums[0]) * scale == pytest.approx(KNOWN[name], rel=1e-9)
    virial = sums[1:].reshape(3, 3)
    assert -float(virial.trace()) * scale == pytest.approx(KNOWN[name], rel=1e-8)
    torch.testing.assert_close(virial, virial.trace() / 3.0 * torch.eye(3).double(), rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.kind)
def test_forces_virial_and_products_are_slopes(method):
    solver, state, params = leaning("NaCl", method, shake=0.05)
    forces, box, x = solver.system.forces, solver.system.box, state.position.detach()
    g = torch.Generator().manual_seed(1)
    v, w = (torch.randn(x.shape, generator=g, dtype=torch.float64) for _ in range(2))

    def slope(function, h=3e-4):
        near, far = (float(function(k * h) - function(-k * h)) for k in (1, 2))
        return (8.0 * near - far) / (12.0 * h)

    def energy(h):
        return forces.sums(x + h * v, box, params)[0, 0]

    force = forces.force(x, box, params)
    assert slope(energy) == pytest.approx(-float((force * v).sum()), rel=1e-7)
    x_bar, bars = forces.product(x, box, params, w)
    bent = slope(lambda h: (forces.force(x + h * v, box, params) * w).sum())
    assert bent == pytest.approx(float((x_bar * v).sum()), rel=1e-5)

    def charged(h):
        return Params({a: p.detach() + (h if a == "plus.charge" else 0.0) for a, p in params.items()})

    by_charge = slope(lambda h: (forces.force(x, box, charged(h)) * w).sum())
    assert by_charge == pytest.approx(float(bars["plus.charge"].sum()), rel=1e-5)

    virial = forces.sums(x, box, params)[0, 1:].reshape(3, 3)
    stretch = torch.tensor([0.7, -0.4, 0.5], dtype=torch.float64)  # along the axes, where a box that leans stays so

    def strained(h):
        return forces.sums(x * (1.0 + h * stretch), cell(h), params)[0, 0]

    def cell(h):
        """Edge vectors scaled along the axes; the tilt is counted in edges of the axis along which it leans."""
        return Box(box.edges * (1.0 + h * stretch), box.lean)

    assert slope(strained, 1e-4) == pytest.approx(-float((virial.diagonal() * stretch).sum()), rel=1e-5)

    bar = torch.randn(1, 10, generator=g, dtype=torch.float64)
    x_bar, bars = forces.sums_adjoint(x, box, params, bar)
    whole = slope(lambda h: (forces.sums(x + h * v, box, params) * bar).sum())
    assert whole == pytest.approx(float((x_bar * v).sum()), rel=1e-5)


def test_a_mesh_agrees_with_waves_in_a_box_that_leans(measure):
    found = []
    for method in (sc.Ewald(tolerance=1e-10), sc.PME()):
        solver, state, params = leaning("NaCl", method, cells=3, shake=0.05)
        found.append(solver.system.forces.sums(state.position, solver.system.box, params)[0, 0].item())
    measure("energy of the mesh beside that of waves", abs(found[1] / found[0] - 1.0), "1e-5")
    assert found[1] == pytest.approx(found[0], rel=1e-5)


def test_members_of_a_batch_lean_by_themselves():
    solver, state, params = leaning("CsCl", sc.PME(tolerance=1e-6), shake=0.02, batch=2)
    alone, first, own = leaning("CsCl", sc.PME(tolerance=1e-6), shake=0.02)
    both = solver.system.forces.force(state.position, solver.system.box, params)
    single = alone.system.forces.force(first.position, alone.system.box, own)
    torch.testing.assert_close(both[1:], single, rtol=0.0, atol=1e-12)  # but for the rounding of transforms


def test_a_cutoff_beyond_half_of_a_box_that_leans_is_refused():
    with pytest.raises(SceneError, match="half"):
        leaning("NaCl", sc.Ewald(cutoff=1.01))
