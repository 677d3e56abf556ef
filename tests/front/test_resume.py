"""Every family of solvers goes on from a checkpoint to the same bytes as if nothing had happened."""

import os
import signal
import subprocess
import sys

import h5py
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
    assert_same(whole, parts)


def crystal(dynamics, dt=0.004, **also):
    """A few atoms in the plane, warm."""
    return sg.Scene(
        name="crystal",
        units="lj",
        domain=sg.Domain.periodic(density=0.7),
        entities={
            "A": sg.Atoms(lattice=sg.Square(cells=(6, 6)), temperature=1.0),
            "pair": sg.LennardJones(cutoff=2.0),
            **also,
        },
        dynamics=dynamics,
        outputs={"traj": sg.Particles("position", "velocity", every=0.02)},
        time=sg.Time(end=0.2, dt=dt),
    )


def orbits(dynamics):
    return sg.library.pythagorean(end=0.2).replace(
        {"dynamics": dynamics, "outputs.traj.every": 0.02, "outputs.energy.every": 0.02}
    )


MOTIONS = {
    "newton": lambda: crystal(sg.NVE()),
    "langevin": lambda: crystal(sg.Langevin(temperature=1.0)),
    "brownian": lambda: crystal(sg.Brownian(temperature=1.0), dt="auto"),
    "nose-hoover": lambda: crystal(sg.NoseHoover(temperature=1.0)),
    "rescaling": lambda: crystal(sg.CSVR(temperature=1.0)),
    "pressure": lambda: crystal(sg.ConstantPressure(temperature=1.0, pressure=1.0)),
    "active": lambda: crystal(sg.ActiveBrownian(temperature=1.0, speed=2.0, rotation=1.0), dt="auto"),
    "two-steps": lambda: crystal(
        sg.RESPA(slow="pairs"), bonds=sg.HarmonicBond(stiffness=100.0, length=1.2, groups=((0, 1),))
    ),
    "rigid": lambda: crystal(sg.NVE(), rod=sg.RigidBond(groups=((0, 1),))),
    "hermite": lambda: orbits(sg.Hermite(accuracy=1e-3)),
    "symmetric": lambda: orbits(sg.SymmetricLeapfrog(accuracy=1e-2)),
}


@pytest.mark.parametrize("motion", MOTIONS)
def test_every_motion_goes_on_with_the_same_bits(tmp_path, motion):
    """And ends with the same state to the last bit: heat baths, boxes, directions, steps and random numbers too."""
    scene = MOTIONS[motion]()
    whole = sg.run(scene, tmp_path / "whole", device="cpu", dtype="float64", progress=False)
    with pytest.raises(KeyboardInterrupt):
        sg.run(scene, tmp_path / "parts", device="cpu", dtype="float64", progress=StopAt(0.45 * scene.time.end))
    parts = sg.run(scene, tmp_path / "parts", device="cpu", dtype="float64", progress=False)
    assert_same(whole, parts)
    end, other = (state_of(tmp_path / name / "checkpoint.h5") for name in ("whole", "parts"))
    assert end == other


KILLED = {
    "atoms": lambda: sg.library.lj_fluid(cells=4).replace({"time.warmup": 0.0, "time.end": 3.0}),
    "particles": lambda: sg.library.colliding_disks(cells=20).replace({"time.end": 1.0}),
}

# Of a process that has saved a checkpoint after a given time, and has gone on for two frames.
END = """
import math, os, signal, sys
import scenegrad.engine.simulate as simulate
from scenegrad.cli import main
from scenegrad.engine.files.recorder import Recorder

late, *words = sys.argv[1:]
record, write, commit, frames = simulate.Simulation.record, simulate.write_checkpoint, Recorder.commit, []

def record_and_be_due(self, pause, state, step):
    record(self, pause, state, step)
    if self.due[pause][0] >= float(late):
        self.saved = -math.inf  # where disks are slow, checkpoints are rare

def write_and_note(path, checkpoint):
    write(path, checkpoint)
    if float(checkpoint.clock.time[0]) >= float(late):
        frames.append(0)

def commit_and_die(self):
    commit(self)
    if frames:
        frames.append(1)
        if sum(frames) == 2:
            os.kill(os.getpid(), signal.SIGKILL)

simulate.Simulation.record, simulate.write_checkpoint = record_and_be_due, write_and_note
Recorder.commit = commit_and_die
sys.exit(main(words))
"""


@pytest.mark.parametrize("family", KILLED)
def test_a_run_that_is_killed_twice_ends_with_the_same_numbers(tmp_path, family):
    """By SIGKILL, which gives it no time to save anything."""
    file = KILLED[family]().save(tmp_path / "scene.toml")
    scene = sg.read_scene(file)
    whole = sg.run(scene, tmp_path / "whole", device="cpu", progress=False)
    checkpoint = tmp_path / "parts" / "checkpoint.h5"
    words = ["run", file, "--out", tmp_path / "parts", "--device", "cpu", "--checkpoint-every", 0.0, "--quiet"]
    for share in (0.2, 0.5):
        late = share * scene.time.end
        child = subprocess.run([sys.executable, "-P", "-c", END, *map(str, (late, *words))], check=False, timeout=600)
        assert child.returncode == -signal.SIGKILL
        assert late <= reached(checkpoint) < scene.time.end
    parts = sg.run(scene, tmp_path / "parts", device="cpu", progress=False)
    assert_same(whole, parts)
    end, other = (state_of(tmp_path / name / "checkpoint.h5") for name in ("whole", "parts"))
    assert end == other
    assert {"position", "velocity"} <= set(end)


def state_of(checkpoint):
    """The bytes of every array of a state."""
    with h5py.File(checkpoint) as file:
        return {name: array[()].tobytes() for name, array in file["state"].items()}


def reached(checkpoint):
    """The time of a checkpoint; 0 before there is one."""
    if not checkpoint.exists():
        return 0.0
    with h5py.File(checkpoint, locking=False) as file:
        return float(file["clock/time"][0])


def assert_same(whole, parts):
    assert parts.record["steps"] == whole.record["steps"]
    for name, output in whole.outputs.items():
        assert len(output) > 5
        for key, quantity in output.quantities.items():
            assert np.array_equal(np.asarray(quantity), np.asarray(parts[name][key])), f"{name}.{key}"
