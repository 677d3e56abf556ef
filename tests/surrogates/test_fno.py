"""A Fourier neural operator is one function of fields, on every grid and wherever the origin is."""

import math

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.operators.fno import FNO, SpectralConv
from scenegrad.surrogates.operators.grids import Bounded, Torus


def smooth(points: int, dim: int, channels: int = 2, waves: int = 3) -> torch.Tensor:
    """A band-limited field of two members, the same function on every grid."""
    random = torch.Generator().manual_seed(1)
    axes = [2 * math.pi * torch.arange(points, dtype=torch.float64) / points for _ in range(dim)]
    grid = torch.meshgrid(*axes, indexing="ij")
    field = torch.zeros(2, channels, *[points] * dim, dtype=torch.float64)
    for _ in range(8):
        k = torch.randint(-waves, waves + 1, (dim,), generator=random)
        phase = sum(int(n) * x for n, x in zip(k, grid, strict=True))
        weight = torch.randn(2, 2, channels, generator=random, dtype=torch.float64).view(2, 2, channels, *[1] * dim)
        field += weight[0] * torch.cos(phase) + weight[1] * torch.sin(phase)
    return field / 3


def network(dim: int, modes: int = 6, surroundings=None, depth: int = 2) -> FNO:
    torch.manual_seed(0)
    model = FNO((modes,) * dim, 8, ["a", "b"], ["nu"], depth=depth, surroundings=surroundings)
    return model.double()


CONSTANTS = torch.tensor([[0.3, 1.0], [-0.4, 1.0]], dtype=torch.float64)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_spectral_convolution_multiplies_each_wave_by_its_matrix(dim):
    """A single wave exp(i k.x) of one channel comes out as R_k of it, and waves beyond the modes vanish."""
    torch.manual_seed(0)
    layer = SpectralConv(3, (4,) * dim).double()
    axes = [2 * math.pi * torch.arange(16, dtype=torch.float64) / 16 for _ in range(dim)]
    grid = torch.meshgrid(*axes, indexing="ij")
    k = (-3, 2, 1)[3 - dim :] if dim > 1 else (3,)
    phase = sum(n * x for n, x in zip(k, grid, strict=True))
    u = torch.zeros(1, 3, *[16] * dim, dtype=torch.float64)
    u[0, 1] = torch.cos(phase + 0.7)
    place = tuple(n if n >= 0 else n + 8 for n in k)
    matrix = torch.complex(*[layer.weight[part][place] for part in (0, 1)])
    expected = (matrix[1].view(3, *[1] * dim) * torch.exp(1j * (phase + 0.7))).real
    torch.testing.assert_close(layer(u)[0], expected)
    u[0, 1] = torch.cos(5 * grid[0])
    assert float(layer(u).detach().abs().max()) < 1e-12


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_network_is_the_same_function_on_a_finer_grid(dim):
    coarse, fine = (16, 32) if dim == 3 else (64, 128)
    model = network(dim)
    with torch.no_grad():
        on_coarse, on_fine = model(smooth(coarse, dim), CONSTANTS), model(smooth(fine, dim), CONSTANTS)
    every_other = on_fine[(slice(None), slice(None), *[slice(None, None, 2)] * dim)]
    spread = float(on_coarse.std())
    assert spread > 0.05
    torch.testing.assert_close(every_other, on_coarse, rtol=0, atol=2e-3 * spread)


def test_spectral_convolution_is_exactly_the_same_on_a_finer_grid():
    torch.manual_seed(0)
    layer = SpectralConv(2, (6, 5)).double()
    torch.testing.assert_close(layer(smooth(64, 2))[..., ::2, ::2], layer(smooth(32, 2)), rtol=0, atol=1e-12)


def test_grid_too_coarse_for_some_modes_leaves_them_out():
    torch.manual_seed(0)
    layer = SpectralConv(2, (12, 12)).double()
    torch.testing.assert_close(layer(smooth(32, 2))[..., ::2, ::2], layer(smooth(16, 2)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", [(12,), (9, 14), (6, 8, 7)], ids=str)
def test_many_waves_are_found_by_transforms_and_few_by_matrices_alike(grid, monkeypatch):
    torch.manual_seed(0)
    layer = SpectralConv(2, (4,) * len(grid)).double()
    u = torch.randn(2, 2, *grid, dtype=torch.float64, requires_grad=True)
    few = layer(u)
    slopes = torch.autograd.grad(few.square().sum(), (u, layer.weight))
    monkeypatch.setattr("scenegrad.surrogates.operators.waves.MOST", 0)
    many = layer(u)
    torch.testing.assert_close(many, few, rtol=0, atol=1e-12)
    for one, other in zip(slopes, torch.autograd.grad(many.square().sum(), (u, layer.weight)), strict=True):
        torch.testing.assert_close(other, one, rtol=0, atol=1e-12)


def test_network_commutes_with_shifts_of_a_periodic_domain():
    model, u = network(2), smooth(32, 2)
    with torch.no_grad():
        shifted = model(u.roll((5, -9), dims=(2, 3)), CONSTANTS)
        torch.testing.assert_close(shifted, model(u, CONSTANTS).roll((5, -9), dims=(2, 3)), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("surroundings", "moved"), [(Torus((0, 2)), 3), (Bounded(), 2)], ids=str)
def test_position_is_felt_where_the_network_is_told_of_it(surroundings, moved):
    model, u = network(2, surroundings=surroundings), smooth(32, 2)
    with torch.no_grad():
        plain = model(u, CONSTANTS)
        miss = float((model(u.roll(8, dims=moved), CONSTANTS) - plain.roll(8, dims=moved)).abs().max())
        assert miss > 1e-3
        if isinstance(surroundings, Torus):
            torch.testing.assert_close(model(u.roll(8, 2), CONSTANTS), plain.roll(8, 2), rtol=0, atol=1e-12)


def test_network_within_walls_gives_the_same_function_on_a_finer_grid():
    model = network(1, surroundings=Bounded(0.25))
    errors = []
    for points in (64, 128, 256):
        x = (torch.arange(points, dtype=torch.float64) + 0.5) / points
        u = torch.stack([torch.sin(3 * x), x**2]).expand(2, 2, points)
        with torch.no_grad():
            errors.append(model(u, CONSTANTS).mean())
    assert abs(errors[2] - errors[1]) < 0.6 * abs(errors[1] - errors[0]) < 0.05


def test_every_parameter_is_real():
    model = network(3, surroundings=Torus((1, 1, 1)))
    assert all(not weight.is_complex() for weight in model.parameters())
    assert sum(weight.numel() for weight in model.parameters()) > 1000


def test_members_do_not_feel_each_other_and_constants_are_felt():
    model, u = network(2), smooth(32, 2)
    with torch.no_grad():
        both, alone = model(u, CONSTANTS), model(u[1:], CONSTANTS[1:])
        other = model(u[1:], CONSTANTS[:1])
    torch.testing.assert_close(both[1:], alone, rtol=0, atol=1e-13)
    assert float((other - alone).abs().max()) > 1e-3


def test_network_can_be_made_again_from_plain_data():
    model = FNO((4, 4), 6, ["w", "v"], ["nu"], components={"v": 2}, surroundings=Torus((0, 2)), depth=1)
    again = FNO.build(model.config())
    again.load_state_dict(model.state_dict())
    u = smooth(16, 2, channels=3).float()
    assert torch.equal(again(u, CONSTANTS.float()), model(u, CONSTANTS.float()))


def test_network_survives_export():
    model = network(2, depth=1).float()
    u, constants = smooth(32, 2).float(), CONSTANTS.float()
    exported = torch.export.export(model, (u, constants)).module()
    torch.testing.assert_close(exported(u, constants), model(u, constants))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modes": ()}, "one to three axes"),
        ({"width": 0}, "both are positive"),
        ({"fields": []}, "at least one name"),
        ({"surroundings": Torus((4,))}, "one entry for each of 2 axes"),
    ],
)
def test_shapes_that_make_no_network_are_refused(change, message):
    with pytest.raises(EngineError, match=message):
        FNO(**({"modes": (4, 4), "width": 8, "fields": ["w"]} | change))
