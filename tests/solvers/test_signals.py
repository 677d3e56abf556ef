"""The value of a signal at a time."""

import math

import pytest
import torch

from scenegrad.engine.state import Params
from scenegrad.scenes.signals import Sine, Table
from scenegrad.solvers.shared.signals import addresses, peak, peaks, value_at, values_at

TABLE = Table(0.5, (1.0, 3.0, -1.0))


def at(*times: float) -> torch.Tensor:
    return torch.tensor(times, dtype=torch.float64)


def tables(*rows: tuple[float, ...], learn: bool = False) -> Params:
    return Params({"m.activation.values": torch.tensor(rows, dtype=torch.float64, requires_grad=learn)})


@pytest.mark.parametrize(
    ("time", "value"),
    [(-1.0, 1.0), (0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.625, 2.0), (1.0, -1.0), (7.0, -1.0)],
)
def test_a_table_is_linear_between_its_values_and_holds_the_last(time, value):
    found = value_at(tables((1.0, 3.0, -1.0)), "m.activation", TABLE, at(time))
    assert found.tolist() == pytest.approx([value], abs=1e-15)


def test_members_read_their_own_table_at_their_own_time():
    params = tables((1.0, 3.0, -1.0), (0.0, 10.0, 20.0))
    assert value_at(params, "m.activation", TABLE, at(0.25, 0.75)).tolist() == pytest.approx([2.0, 15.0])


def test_one_value_is_a_constant_and_a_number_stands_for_itself():
    assert value_at(tables((4.0,)), "m.activation", Table(0.1, (4.0,)), at(3.0)).tolist() == [4.0]
    assert value_at(Params({"m.activation": at(2.0)}), "m.activation", 2.0, at(3.0)).tolist() == [2.0]


def test_a_sine_has_its_amplitude_frequency_phase_and_offset():
    signal = Sine(amplitude=2.0, frequency=0.5, phase=0.1, offset=1.0)
    params = Params({a: at(getattr(signal, a.rpartition(".")[2])) for a in addresses("m.activation", signal)})
    found = value_at(params, "m.activation", signal, at(0.3))
    assert found.tolist() == pytest.approx([1.0 + 2.0 * math.sin(2 * math.pi * 0.5 * 0.3 + 0.1)], rel=1e-15)


@pytest.mark.parametrize("signal", [TABLE, Sine(amplitude=2.0, frequency=0.5, phase=0.1, offset=1.0)])
def test_gradients_reach_every_number_of_a_signal(signal):
    names = addresses("m.activation", signal)
    values = [torch.tensor(v, dtype=torch.float64) for v in ([[1.0, 3.0, -1.0]], [0.5], [0.1], [1.0])]
    values = values[:1] if len(names) == 1 else [torch.tensor([2.0], dtype=torch.float64), *values[1:]]

    def function(*numbers: torch.Tensor) -> torch.Tensor:
        return value_at(Params(dict(zip(names, numbers, strict=True))), "m.activation", signal, at(0.6))

    assert torch.autograd.gradcheck(function, [v.requires_grad_() for v in values])


def test_many_signals_are_looked_up_as_one_by_one():
    signals = [
        ("a", Table(0.5, (1.0, 3.0, -1.0))),
        ("b", Sine(amplitude=2.0, frequency=0.5)),
        ("c", Table(0.5, (0.0, 1.0, 2.0))),
        ("d", 4.0),
        ("e", Table(0.2, (0.0, 1.0, 2.0))),
    ]
    generator = torch.Generator().manual_seed(0)
    params = Params(
        {
            address: torch.randn((2, 3) if address.endswith("values") else (2,), generator=generator).double()
            for name, signal in signals
            for address in addresses(name, signal)
        }
    )
    together = values_at(params, signals, at(0.3, 0.8))
    apart = torch.stack([value_at(params, name, signal, at(0.3, 0.8)) for name, signal in signals], dim=1)
    assert torch.equal(together, apart)
    highest = torch.stack([peak(params, name, signal) for name, signal in signals], dim=1)
    assert torch.equal(peaks(params, signals), highest)
