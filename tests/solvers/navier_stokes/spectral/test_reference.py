"""Agreement with other implementations of the same equations."""

import json
from pathlib import Path

import pytest

import scenegrad.assets
from scenegrad.engine.rollout import rollout
from scenegrad.scenes import FieldFile, KolmogorovForcing, Time

CFD = Path(scenegrad.assets.__file__).parent / "reference" / "cfd"


def test_kolmogorov_flow_agrees_with_four_implementations_to_eight_digits(flow, compiled, measure):
    published = json.loads((CFD / "kolmogorov_flow.json").read_text())["regression"]
    scene = flow(
        256,
        viscosity=1e-3,
        drag=0.1,
        forcing=KolmogorovForcing(amplitude=1.0, wavenumber=4),
        vorticity=FieldFile(str(CFD / "kolmogorov_initial_modes.csv")),
        time=Time(end=0.1, dt=1e-3),
    )
    solver, state, params = compiled(scene)
    assert float(state.vorticity.square().mean()) == pytest.approx(published["mean_w2_initial"], rel=1e-14)
    end = rollout(solver, state, params)
    assert int(end.steps) == 100
    miss = abs(float(end.state.vorticity.square().mean()) - published["mean_w2_after_100"])
    measure("distance of the Kolmogorov flow's mean squared vorticity from 30.177789", miss, "5e-7")
    assert round(float(end.state.vorticity.square().mean()), 6) == published["mean_w2_after_100"]
