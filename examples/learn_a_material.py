"""A neural law of elasticity, learnt from one thrown block, and a graph network taught as long by the same block."""

import time

import matplotlib.pyplot as plt
import torch

import scenegrad as sg
from scenegrad.surrogates.graph_network import GraphNetwork, GraphSimulator, train_graph_network
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


def main(out: str = "material", frames: int = 30, steps: int = 40) -> float:
    torch.manual_seed(0)
    sg.register_law("net", InvariantEnergy(dim=2, scale=1e4))
    data, true = (sg.rollout(*thrown(TRUTH, *case, frames)).outputs["seen"] for case in (BLOCK, CROSS))
    begun = time.perf_counter()
    solver, state, params = thrown(LEARNED, *BLOCK, frames)
    for part, share in ((frames // 3, 0.3), (frames, 1.0)):  # the beginning first: it is easier to understand

        def miss(roll, part=part):
            return (roll.outputs["seen"] - data[:, : part + 1]).square().sum(-1).mean()

        params = sg.optimise(solver, state, params, miss, until=part * DT, steps=round(share * steps)).params
    spent = time.perf_counter() - begun
    solver, state, known = thrown(LEARNED, *CROSS, frames)
    law = sg.rollout(solver, state, known.replace({a: v for a, v in params.items() if "weights" in a})).outputs["seen"]

    network = GraphNetwork(2, radius=0.04, dt=DT, box=((0, 0), (1, 1)), width=32, rounds=3)
    train_graph_network(network, [data[0].float()], seconds=spent, noise=2.0)
    simulator = GraphSimulator(network, end=(frames - network.past) * DT)
    start = simulator.start(true[:, : network.past + 1].float())  # without these frames of the answer it cannot begin
    graph = sg.rollout(simulator, start, sg.Params({})).outputs["particles"]["position"]
    errors = [float((x - true[:, -x.shape[1] :]).detach().square().sum(-1).mean().sqrt()) for x in (law, graph)]
    print(f"taught for {spent:.0f} s each, the law is off by {errors[0]:.2g} m, the network by {errors[1]:.2g} m")
    for number, (name, x) in enumerate({"neural law": law, "graph network": graph}.items()):
        axes = plt.subplot(1, 2, number + 1, aspect="equal", xlim=(0, 1), ylim=(0, 0.5), title=name)
        axes.plot(*true.detach()[0, -1].T, "k.", *x.detach()[0, -1].T, "r.", markersize=2)  # the truth in black
    plt.savefig(f"{out}.png", bbox_inches="tight", dpi=150)
    return errors[1] / errors[0]


if __name__ == "__main__":
    main()
