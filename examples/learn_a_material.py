"""A neural law of elasticity

Learnt from one thrown block through the simulation, and held against a graph network taught as long by the same block.
"""

import time
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import torch

import scenegrad as sg
from scenegrad.surrogates import GNS, ParticleTrajectories, RandomWalk, Split, Windows, train
from scenegrad.surrogates.evaluation.rollouts import carry
from scenegrad.surrogates.materials import InvariantEnergy

BLOCK = (sg.Box(center=(0.35, 0.25), size=(0.25, 0.3)), (1.0, -1.5))  # what both have seen, and how it was thrown
CROSS = (sg.Box(center=(0.6, 0.3), size=(0.36, 0.14)) | sg.Box(center=(0.6, 0.3), size=(0.14, 0.36)), (-1.2, -1.0))
TRUTH, LEARNED = sg.FixedCorotated(youngs_modulus=5e4), sg.Learned(law="net", stiffness=7e4, headroom=4)
DT = 0.016  # between frames [s]


def thrown(material, shape, velocity, frames):
    """Solver, state and params of a soft body that is thrown at a sticky floor."""
    scene = sg.Scene(
        name="thrown", domain=sg.Domain(size=(1, 1), cells=(24, 24)), gravity=(0, -9.81),
        entities={"body": sg.Body(shape=shape, velocity=velocity, material=material)},
        boundary=sg.Boundary(default=sg.Stick()), outputs={"seen": sg.Particles("position", every=DT)},
        time=sg.Time(end=frames * DT, dt=DT / 10),
    )  # fmt: skip
    return sg.compile(scene, device="cpu", dtype="float64")


def of_positions(x):
    frames = x.detach()[0].float().numpy()  # one trajectory [frame, particle, dim]
    return ParticleTrajectories((frames,), (np.zeros(frames.shape[1], dtype=np.int64),), DT)


def network_taught_for(seconds, data, true):
    """What a graph network makes of the rest of `true` [1, frame, particle, dim] when it has learnt from `data`."""
    network = GNS(32, 0.04, ["position"], rounds=3, walls=((0, 0), (1, 1)), components={"position": 2}, history=6)
    seen, shown = (Windows(of_positions(x), split=Split(0.0, 0.0)) for x in (data, true))
    taught = {"batch_size": 2, "learning_rate": 1e-3, "target": RandomWalk(2.0), "progress": False, "device": "cpu"}
    with TemporaryDirectory() as out:
        begun = time.process_time()
        train(network, seen, out=f"{out}/first", epochs=4, **taught)  # to see how many passes take as long
        passes = max(1, round(4 * seconds / (time.process_time() - begun)))
        fit = train(network, seen, out=f"{out}/network", epochs=passes, **taught)
    window = shown.bind(network.names, 1).rollout("train", 0)  # without six frames of the answer it cannot begin
    return torch.stack([window.inputs["position"], *(after["position"] for after in carry(fit.model, window))], dim=1)


def main(out: str = "learn_a_material", frames: int = 30, steps: int = 40) -> float:
    torch.manual_seed(0)
    sg.register_law("net", InvariantEnergy(dim=2, scale=1e4))
    data, true = (sg.rollout(*thrown(TRUTH, *case, frames)).outputs["seen"] for case in (BLOCK, CROSS))
    begun, (solver, state, params) = time.process_time(), thrown(LEARNED, *BLOCK, frames)
    for part, share in ((frames // 3, 0.3), (frames, 1.0)):  # the beginning first: it is easier to understand

        def miss(roll, part=part):
            return (roll.outputs["seen"] - data[:, : part + 1]).square().sum(-1).mean()

        params = sg.optimise(solver, state, params, miss, until=part * DT, steps=round(share * steps)).params
    spent = time.process_time() - begun
    solver, state, known = thrown(LEARNED, *CROSS, frames)
    law = sg.rollout(solver, state, known.replace({a: v for a, v in params.items() if "weights" in a})).outputs["seen"]

    both = {"neural law": law, "graph network": network_taught_for(spent, data, true)}
    errors = [float((x - true[:, -x.shape[1] :]).detach().square().sum(-1).mean().sqrt()) for x in both.values()]
    print(f"taught for {spent:.0f} s each, the law is off by {errors[0]:.2g} m, the network by {errors[1]:.2g} m")
    for number, (name, x) in enumerate(both.items()):
        axes = plt.subplot(1, 2, number + 1, aspect="equal", xlim=(0, 1), ylim=(0, 0.5), title=name)
        axes.plot(*true.detach()[0, -1].T, "k.", *x.detach()[0, -1].T, "r.", markersize=2)  # the truth in black
    plt.savefig(f"{out}.png", bbox_inches="tight", dpi=150)
    return errors[1] / errors[0]


if __name__ == "__main__":
    main()
