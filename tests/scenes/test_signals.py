"""Signals as part of the scene language."""

import pydantic
import pytest

import scenegrad.scenes as sc
from scenegrad.scenes.kinds import Kind
from scenegrad.scenes.model import Model
from scenegrad.scenes.signals import ScalarOrSignal, Sine, Table


class Motor(Model):
    power: ScalarOrSignal = 0.0


@pytest.mark.parametrize(
    "power",
    [
        2.0,
        sc.Parameter(2.0, bounds=(0.0, 3.0)),
        sc.Uniform(1.0, 2.0),
        Table(0.1, (0.0, 1.0, 0.5)),
        Table(0.1, sc.Parameter((0.0, 1.0))),
        Sine(amplitude=sc.Parameter(1.0), frequency=2.0, phase=sc.Uniform(0.0, 6.0)),
    ],
)
def test_a_number_or_a_signal_round_trips_through_plain_tables(power):
    motor = Motor(power=power)
    assert motor.power == power
    assert Motor.model_validate(motor.model_dump(mode="json")) == motor


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kind": "table", "every": 0.0, "values": [1.0]}, "every"),
        ({"kind": "table", "every": 0.1, "values": []}, "no values"),
        ({"kind": "sin", "amplitude": 1.0, "frequency": 1.0}, "did you mean|sine"),
        ({"kind": "sine", "amplitude": 1.0}, "frequency"),
    ],
)
def test_a_wrong_signal_is_refused_in_words(wrong, told):
    with pytest.raises(pydantic.ValidationError, match=told):
        Motor.model_validate({"power": wrong})


def test_signals_are_a_family_that_others_can_join():
    assert set(Kind.__subclasses__()) >= {sc.Signal}
    assert {"table", "sine"} <= set(sc.Signal.members)
