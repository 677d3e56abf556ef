"""Every family of solvers goes on from a checkpoint to the same bytes as if nothing had happened."""

import os
import signal

import numpy as np
import pytest

import scenegrad as sg
from scenegrad.engine.progress import Quiet

SCENES = {
    "fluid": lambda: sg.library.kolmogorov(cells=32, end=2.0),
    "atoms": lambda: sg.library.lj_fluid(cells=4).replace({"time.warmup": 0.0, "time.end": 1.0}),
    "particles": lambda: sg.library.colliding_disks(cells=20).replace({"time.end": 0.05}),
}


class StopAt(Quiet):
    """Presses Ctrl-C when a time has come."""

    def __init__(self, time):
        self.time = time

    def update(self, done, steps):
        if done >= self.time:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("family", SCENES)
def test_an_interrupted_run_ends_with_the_same_numbers(tmp_path, family):
    scene = SCENES[family]()
    for name, output in scene.outputs.items():
        scene = scene.replace({f"outputs.{name}.every": scene.time.end / (10 if hasattr(output, "quantities") else 40)})
    whole = sg.run(scene, tmp_path / "whole", device="cpu", progress=False)
    for share in (0.2, 0.43, 0.7):
        with pytest.raises(KeyboardInterrupt):
            sg.run(scene, tmp_path / "parts", device="cpu", progress=StopAt(share * scene.time.end))
    parts = sg.run(scene, tmp_path / "parts", device="cpu", progress=False)
    assert parts.record["steps"] == whole.record["steps"]
    for name, output in whole.outputs.items():
        assert len(output) > 5
        for key, quantity in output.quantities.items():
            assert np.array_equal(np.asarray(quantity), np.asarray(parts[name][key])), f"{name}.{key}"
