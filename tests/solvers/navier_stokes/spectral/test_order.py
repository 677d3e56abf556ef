"""Orders in dt, the functions that the orders rest on, and the stability bound."""

import math
from decimal import Decimal, getcontext
from itertools import pairwise
from pathlib import Path

import pytest
import torch

import scenegrad.assets
from scenegrad.engine.controllers import Fixed
from scenegrad.engine.rollout import rollout
from scenegrad.scenes import FieldFile, KolmogorovForcing, Spectral
from scenegrad.solvers.navier_stokes.spectral.integrators import ARS443, ETDRK2, ETDRK4, ETDRK43, IFDP5
from scenegrad.solvers.navier_stokes.spectral.phi import HIGHEST, Arguments, phi, phi_functions


def exact_phi(j: int, z: float) -> float:
    """From the Taylor series in 120 digits."""
    getcontext().prec = 120
    total, term = Decimal(0), Decimal(1) / math.factorial(j)
    for n in range(400):
        total += term
        term = term * Decimal(z) / (n + 1 + j)
    return float(total)


def test_phi_functions_keep_their_digits_everywhere():
    points = [-60.0, -9.0, -1.0000001, -1.0, -0.3, -1e-3, -1e-9, 0.0, 0.5, 1.0]
    values = phi_functions(torch.tensor(points, dtype=torch.float64))
    for j in range(HIGHEST + 1):
        for z, value in zip(points, values[j].tolist(), strict=True):
            assert value == pytest.approx(exact_phi(j, z), rel=1e-14, abs=1e-300), f"phi_{j}({z})"


def test_sums_of_phi_functions_know_their_derivative():
    total = 2.0 * phi(1) - 3.0 * phi(2, at=0.5) + phi(3)
    z = torch.linspace(-8.0, 0.0, 33, dtype=torch.float64)

    h = 1e-5
    slope = total.derivative().at(Arguments(z))
    difference = total.at(Arguments(z + h)) - total.at(Arguments(z - h))
    assert (difference / (2 * h) - slope).abs().max() < 1e-10
    assert slope.abs().min() > 1e-4


def test_phi_functions_of_complex_numbers_keep_their_digits():
    """phi_1(z) = (e^z - 1) / z and the rest from it, where the recurrence has digits to lose and where it has not."""
    z = torch.tensor([3.0j, -2.0 + 5.0j, -0.4 + 0.6j, 1e-4j, -0.2j], dtype=torch.complex128)
    values = phi_functions(z)
    for j in range(1, HIGHEST + 1):
        series = sum(z**n / float(math.factorial(n + j)) for n in range(60))
        assert (values[j] - series).abs().max() < 1e-13


def test_the_implicit_method_has_its_rational_functions():
    """On w' = L w alone it is the L-stable R(z) = 1 + growth, equal to e^z to third order; slopes are exact."""
    growth = ARS443.result.growth
    z = torch.tensor([-0.04, -0.02], dtype=torch.float64)
    error = (1.0 + growth.at(Arguments(z)) - torch.exp(z)).abs()
    assert 3.9 < math.log2(float(error[0] / error[1])) < 4.1
    assert abs(float(1.0 + growth.at(Arguments(torch.tensor([-1e9], dtype=torch.float64))))) < 1e-6
    z = torch.linspace(-8.0, 0.0, 33, dtype=torch.float64)
    h = 1e-5
    difference = growth.at(Arguments(z + h)) - growth.at(Arguments(z - h))
    assert (difference / (2 * h) - growth.derivative().at(Arguments(z))).abs().max() < 1e-9


MODES = Path(scenegrad.assets.__file__).parent / "reference" / "cfd" / "kolmogorov_initial_modes.csv"


@pytest.mark.parametrize("method", [ETDRK2, ETDRK4, ETDRK43, ARS443, IFDP5], ids=lambda m: m.name)
def test_errors_fall_with_the_order_of_the_method(flow, compiled, method, measure):
    """On the fixed Kolmogorov flow: its modes, forcing, viscosity and drag; 64 cells carry all modes it starts from."""
    scene = flow(
        64,
        viscosity=1e-3,
        drag=0.1,
        forcing=KolmogorovForcing(amplitude=1.0, wavenumber=4),
        vorticity=FieldFile(str(MODES)),
        method=Spectral(integrator=method.name),
    )
    solver, state, params = compiled(scene)

    def end(dt: float) -> torch.Tensor:
        return rollout(solver, state, params, 0.48, controller=Fixed(dt)).state.vorticity

    steps = (0.016, 0.008, 0.004) if method.order == 4 else (0.01, 0.005, 0.0025)
    fine = end(steps[-1] / 8)
    errors = [float((end(dt) - fine).norm() / fine.norm()) for dt in steps]
    orders = [math.log2(coarse / better) for coarse, better in pairwise(errors)]
    measure(f"order of {method.name} in time on the Kolmogorov flow", min(orders), f"at least {method.order - 0.2}")
    assert min(orders) > method.order - 0.2, f"expected {method.order}, measured {orders} from errors {errors}"
    assert errors[-1] < {2: 1e-3, 3: 1e-4, 4: 1e-6, 5: 1e-8}[method.order]


@pytest.mark.parametrize("method", [ETDRK43, IFDP5], ids=lambda m: m.name)
def test_the_error_estimate_has_its_order_and_bounds_the_local_error(flow, compiled, method):
    solver, state, params = compiled(flow(32, method=Spectral(integrator=method.name)))
    zero = torch.zeros(1, dtype=torch.float64)

    def estimate_and_error(dt: float) -> tuple[float, float]:
        whole = solver.step(state, params, zero, torch.tensor([dt], dtype=torch.float64))
        exact = rollout(solver, state, params, dt, controller=Fixed(dt / 16)).state.vorticity
        return float(whole.error), float((whole.state.vorticity - exact).norm() / exact.norm())

    steps = (0.08, 0.04, 0.02, 0.01)
    pairs = [estimate_and_error(dt) for dt in steps]
    orders = [math.log2(coarse[0] / fine[0]) for coarse, fine in pairwise(pairs)]
    order = method.estimate_order
    assert all(order - 0.3 < one < order + 0.6 for one in orders), f"expected {order}, measured {orders} from {pairs}"
    assert all(error < estimate for estimate, error in pairs), f"(estimate, error of the result): {pairs}"


@pytest.mark.parametrize("method", [ETDRK4, ARS443, IFDP5], ids=lambda m: m.name)
@pytest.mark.parametrize("damping", [0.0, -1e-2, -0.3, -2.0, -20.0])
def test_advection_is_stable_up_to_the_reach_of_the_method(damping, method):
    """w' = damping w + i frequency w, the first part by the functions of z and the second by the stages."""
    arguments = Arguments(torch.tensor(damping, dtype=torch.float64))

    def amplification(turn: float) -> float:
        rates = [1j * turn]
        for stage in (*method.stages, method.result):
            after = 1 + float(stage.growth.at(arguments))
            after += sum(float(weight.at(arguments)) * rates[j] for j, weight in stage.weights)
            rates.append(1j * turn * after)
        return abs(after)

    assert all(amplification(method.reach * n / 50) <= 1.0 + 1e-12 for n in range(51))
    if damping == 0.0 and method in (ETDRK4, IFDP5):
        assert amplification(1.02 * method.reach) > 1.0
