"""What networks and flows keep whatever they have learnt."""

import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import FNO, Bridge, Euler, Flow, FromNoise, FromPresent, Heun, Linear, Next
from scenegrad.surrogates.constraints import CONSTRAINTS, DivergenceFree, DivergenceFreeBox, Keeping, divergence
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.flows.couplings import Independent
from scenegrad.surrogates.flows.energy import EnergyConsistent, Frame
from scenegrad.surrogates.flows.objectives import between, passage
from scenegrad.surrogates.known import build_dressed
from scenegrad.surrogates.operators.names import Names


def solenoidal(batch: int = 3, grid: tuple[int, int] = (24, 16), seed: int = 0) -> torch.Tensor:
    """Curl of a random stream function, float64 [batch, nx, ny, 2]."""
    random = torch.Generator().manual_seed(seed)
    psi = torch.fft.rfft2(torch.randn(batch, *grid, generator=random, dtype=torch.float64))
    kx = torch.fft.fftfreq(grid[0], 0.25, dtype=torch.float64)[:, None]
    ky = torch.fft.rfftfreq(grid[1], 0.25, dtype=torch.float64)
    psi = psi * ((kx.abs() < 1) & (ky < 1))
    return torch.stack([torch.fft.irfft2(1j * ky * psi, s=grid), torch.fft.irfft2(-1j * kx * psi, s=grid)], dim=-1)


def relative_divergence(velocity: torch.Tensor) -> float:
    """Root mean square of the divergence over that of the vorticity."""
    velocity = velocity.detach()
    turned = torch.stack([velocity[..., 1], -velocity[..., 0]], dim=-1)
    spacing = (2 * torch.pi / velocity.shape[1],) * 2
    parts = [divergence(u, spacing).square().mean().sqrt() for u in (velocity, turned)]
    return float(parts[0] / parts[1])


@pytest.mark.parametrize("constraint", [DivergenceFree(), DivergenceFreeBox(), Keeping("velocity")], ids=repr)
def test_a_constraint_is_an_orthogonal_projection(constraint):
    a, b = torch.randn(2, 3, 12, 16, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(constraint.tangent(constraint.tangent(a)), constraint.tangent(a))
    torch.testing.assert_close((constraint.tangent(a) * b).sum(), (a * constraint.tangent(b)).sum())
    assert float((constraint.tangent(a) - a).norm() / a.norm()) > 1e-3
    single = constraint.tangent(a[:1])
    torch.testing.assert_close(single, constraint.tangent(a)[:1], rtol=0, atol=1e-14)


def test_the_leray_projection_leaves_flows_and_takes_gradients_away():
    u = solenoidal() + 0.3  # a mean flow belongs to it
    torch.testing.assert_close(DivergenceFree().tangent(u), u)
    gradient = torch.stack([u[..., 1], -u[..., 0]], dim=-1) - torch.tensor([0.3, -0.3], dtype=torch.float64)
    assert float(DivergenceFree().tangent(gradient).abs().max()) < 1e-12
    noise = torch.randn(2, 24, 16, 2, generator=torch.Generator().manual_seed(1))
    assert relative_divergence(noise) > 0.5
    assert relative_divergence(DivergenceFree(spacing=(1.0, 1.5)).tangent(noise)) > 1e-3, "for another spacing"
    assert relative_divergence(DivergenceFree(spacing=(1.0, 1.0)).tangent(noise)) < 1e-5
    cube = torch.randn(1, 8, 8, 6, 3, generator=torch.Generator().manual_seed(2))
    spacing = (1.0, 1.0, 2.0)
    held = DivergenceFree(spacing=spacing).tangent(cube)
    assert float(divergence(held, spacing).abs().max()) < 1e-5 < float(divergence(cube, spacing).abs().max())


def test_flows_of_the_staggered_solver_in_a_box_are_left_as_they_are():
    """Means of faces whose divergence is exactly zero."""
    random = torch.Generator().manual_seed(0)
    psi = torch.zeros(2, 17, 13, dtype=torch.float64)
    psi[:, 1:-1, 1:-1] = torch.randn(2, 15, 11, generator=random, dtype=torch.float64)
    u, v = psi.diff(dim=2), -psi.diff(dim=1)  # on faces, nothing through the walls
    centred = torch.stack([0.5 * (u[:, 1:] + u[:, :-1]), 0.5 * (v[:, :, 1:] + v[:, :, :-1])], dim=-1)
    torch.testing.assert_close(DivergenceFreeBox().tangent(centred), centred, atol=1e-9, rtol=0)
    broken = centred.clone()
    broken[:, 3, 4, 0] += 1.0
    assert float((DivergenceFreeBox().tangent(broken) - broken).abs().max()) > 0.1


def ones(names: Names, scale: tuple[float, float] = (1.0, 2.0)) -> Statistics:
    """Scales that differ between the components, as those of data do."""
    zero, spread = torch.zeros(2), torch.tensor(scale)
    return Statistics(zero, spread, zero, spread, 0.3 * spread, torch.zeros(0), torch.ones(0))


def network(constraints, **said) -> FNO:
    torch.manual_seed(0)
    return FNO((4, 4), 8, ["velocity"], depth=2, components={"velocity": 2}, constraints=constraints, **said)


def test_a_network_with_the_constraint_gives_flows_without_divergence():
    u, dt = {"velocity": solenoidal().float()}, torch.ones(3)
    bare = network([])
    free = network([DivergenceFree()])
    assert relative_divergence(bare.dressed(ones(bare.names), 1.0, (24, 16))(u, {}, dt)["velocity"]) > 1e-2
    model = free.dressed(ones(free.names), 1.0, (24, 16))
    assert relative_divergence(model(u, {}, dt)["velocity"]) < 1e-5
    again = build_dressed(model.config())
    assert again.operator.constraints == (DivergenceFree(),)
    with pytest.raises(EngineError, match=r"Keeping\('velocity'\), which is a vector"):
        network([Keeping("velocity")])  # its mean over points and components alike is nothing that is kept
    with pytest.raises(EngineError, match="constraints on smoke"):
        network([Keeping("smoke")])
    assert {kind.__name__ for kind in CONSTRAINTS} == {"DivergenceFree", "DivergenceFreeBox", "Keeping"}


def test_mass_is_kept_by_a_network_that_has_learnt_nothing():
    torch.manual_seed(0)
    net = FNO((4, 4), 8, ["smoke"], depth=2, constraints=[Keeping("smoke")])
    zero, one = torch.zeros(1), torch.ones(1)
    model = net.dressed(Statistics(zero, one, zero, one, one, torch.zeros(0), torch.ones(0)), 1.0, (16, 16))
    before = torch.rand(2, 16, 16)
    after = model({"smoke": before}, {}, torch.ones(2))["smoke"].detach()
    assert float((after - before).abs().max()) > 1e-2
    torch.testing.assert_close(after.mean(dim=(1, 2)), before.mean(dim=(1, 2)))


@pytest.mark.parametrize(
    "path", [Linear(), Bridge(0.3), EnergyConsistent(), EnergyConsistent(along=Bridge(0.3))], ids=repr
)
@pytest.mark.parametrize("start", [FromNoise(), FromPresent(0.2)], ids=repr)
@pytest.mark.parametrize("predicts", [None, Next()], ids=repr)
def test_a_flow_is_free_of_divergence_all_the_way(path, start, predicts):
    flow = Flow(network([DivergenceFree()], predicts=predicts), path=path, start=start, sampler=Heun(2))
    model = flow.dressed(ones(flow.names), 1.0, (24, 16))
    now, then = ({"velocity": solenoidal(seed=seed).float()} for seed in (0, 1))
    window = Window(now, (then,), {}, torch.ones(3))
    at = passage(model, window, Independent(), torch.Generator().manual_seed(0))
    unit = model.scales.unit(at.x)
    asked = model.velocity(at.x, at.s, at.inputs, at.constants)
    for raw in (at.velocity, asked):  # of the examples, and of the network
        assert relative_divergence((unit * raw).movedim(1, -1)) < 1e-5
    underway = (at.x * unit + model.frame(now, at.x, window.dt).offset).movedim(1, -1)
    assert relative_divergence(underway) < 1e-5
    assert relative_divergence(model(now, {}, torch.ones(3))["velocity"]) < 1e-5
    again = build_dressed(model.config())
    assert again.flow.path == path
    assert again.flow.constraints == (DivergenceFree(),)


def ends() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Frame]:
    """Raw channels of three flows with energies of their own, and what they are in physical units."""
    unit = torch.tensor([1.0, 2.0], dtype=torch.float64).view(1, 2, 1, 1)
    u0, u1, z = (solenoidal(seed=seed).movedim(-1, 1) for seed in range(3))
    u1 = u1 * torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64).view(3, 1, 1, 1)
    offset = 0.1 * u0
    frame = Frame(offset, unit, Names(("velocity",), ("velocity",), components={"velocity": 2}))
    return (u0 - offset) / unit, (u1 - offset) / unit, z / unit, frame


@pytest.mark.parametrize("along", [Linear(), Bridge(0.5)], ids=repr)
def test_on_an_energy_consistent_path_the_energy_lies_between_those_of_the_ends(along):
    x0, x1, z, frame = ends()
    path = EnergyConsistent(along=along)

    def energies(x):
        return (frame.offset + frame.unit * x).square().flatten(1).sum(1)

    e0, e1 = energies(x0), energies(x1)
    for s in torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64):
        x, slope = between(path, x0, x1, z, s.expand(3), frame)
        torch.testing.assert_close(energies(x), (1 - s) * e0 + s * e1, rtol=1e-12, atol=0)
        power = 2 * ((frame.offset + frame.unit * x) * frame.unit * slope).flatten(1).sum(1)
        torch.testing.assert_close(power, e1 - e0, rtol=1e-9, atol=1e-9 * float(e1.max()))
        plain = between(along, x0, x1, z, s.expand(3), frame)[0]
        assert float((energies(plain) / energies(x) - 1).abs().min()) > 0.03, "which the other path does not do"
        nearby = [between(path, x0, x1, z, (s + h).expand(3), frame)[0] for h in (-1e-5, 1e-5)]
        torch.testing.assert_close((nearby[1] - nearby[0]) / 2e-5, slope, rtol=1e-6, atol=1e-6)
    if along == Linear():
        for s, end in ((0.0, x0), (1.0, x1)):
            torch.testing.assert_close(between(path, x0, x1, z, torch.full((3,), s).double(), frame)[0], end)


def test_an_energy_consistent_flow_knows_no_score():
    flow = Flow(network([]), path=EnergyConsistent(), start=FromNoise(), sampler=Euler(2))
    model = flow.dressed(ones(flow.names), 1.0, (24, 16))
    now = {"velocity": solenoidal().float()}
    inputs, constants = model.told(now, {}, torch.ones(3), now["velocity"])
    with pytest.raises(EngineError, match="velocity alone"):
        model.field(inputs, constants).score(torch.zeros(3, 2, 24, 16), torch.full((3,), 0.5))
