"""A network moves a soft arm

Told where to put the hand, it learns to reach, by gradients through the simulation.
"""

import torch

import scenegrad as sg
from scenegrad.view.plots import Curve, Panel, plot_panels

AREA = ((0.25, 0.38), (0.55, 0.44))  # corners of where targets lie [m]


def main(cells: int = 16, targets: int = 8, rounds: int = 40, end: float = 0.5, out: str = "reach_with_an_arm.png"):
    scene = sg.library.soft_arm(cells=cells, end=end)
    muscles = {f"{name}.material.activation": (0.0, 1.0) for name in scene.entities if name != "hand"}
    torch.manual_seed(0)
    low, high = torch.tensor(AREA)

    def world(count: int):
        solver, state, params = sg.compile([scene] * count, device="cpu")
        return solver, state, params.detach(), low + (high - low) * torch.rand(count, 2)

    network = torch.nn.Sequential(torch.nn.Linear(6, 32), torch.nn.Tanh(), torch.nn.Linear(32, len(muscles)))

    def paths(solver, state, params, target) -> torch.Tensor:
        """Where each hand goes [arm, frame, 2]; the network sees it, its target, and the clock."""

        def policy(solver, state, params, time):
            hand = sg.control.Outputs("hand")(solver, state, params, time)
            clock = sg.control.Phases(frequency=0.25 / end, count=2)(solver, state, params, time)
            seen = torch.cat([4 * (hand - low), 4 * (target - low), clock], dim=1)
            return actions.values(actions.squash(network(seen) - 1))

        actions = sg.control.Actions.of(params, muscles)
        return sg.control.episode(solver, state, params, policy, every=end / 10).outputs["hand"]

    def miss(*world) -> torch.Tensor:
        """Distance of each hand from its target at the end [m]."""
        return (paths(*world)[:, -3:] - world[-1][:, None]).norm(dim=-1).mean(1)

    practice, examination = world(targets), world(targets)
    before = miss(*examination).mean().item()
    adam = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(rounds):
        adam.zero_grad()
        miss(*practice).mean().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        adam.step()
    with torch.no_grad():
        after = miss(*examination).mean().item()
        hands = [Curve(*path.T, colour=n) for n, path in enumerate(paths(*examination))]
    aims = [Curve(*target[:, None], style="x", colour=n) for n, target in enumerate(examination[-1])]
    plot_panels([Panel([*hands, *aims], "paths of hands, and their targets", "x [m]", "y [m]")], out)
    print(f"hands miss targets never seen by {after:.3f} m on average, {before:.3f} m before training")
    return before, after


if __name__ == "__main__":
    main()
