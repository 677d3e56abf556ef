"""Steps paced by the closest pair

Three bodies fall past each other: steps that a policy paces beside constant ones, at equal error. The Pythagorean
problem [Burrau 1913; Szebehely & Peters 1967] up to t = 2.5, past its first close passage: at t = 1.88 two bodies are
0.0098 apart, 500 times closer than they began. The policy makes a step a share of the time in which the two closest
bodies would fall together; all shares, and all constant steps, are members of a batch.
"""

import torch

import scenegrad as sg
from scenegrad.view.plots import Curve, Panel, plot_panels

END = 2.5
FIRST, SECOND = torch.tensor([0, 0, 1]), torch.tensor([1, 2, 2])  # the three pairs
TOGETHER = torch.tensor([7.0, 8.0, 9.0], dtype=torch.float64)  # their masses


def falling(state) -> torch.Tensor:
    """Shortest time in which two bodies would fall together, to a factor: sqrt(r^3 / M) [member]."""
    r = (state.position[:, FIRST] - state.position[:, SECOND]).norm(dim=2)
    return (r**3 / TOGETHER).sqrt().amin(dim=1)


def went(policy, members: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Steps taken [member], and where the bodies are at the end."""
    scene = sg.library.pythagorean(end=END).replace({"outputs": {}})
    solver, state, params = sg.compile([scene] * members, device="cpu", dtype="float64")
    with torch.no_grad():
        run = sg.rollout(sg.paced(solver, policy), state, params)
    return run.steps, run.state.position


def main(most: int = 24_000, finest: float = 0.005, out: str = "pace_three_bodies.png") -> float:
    """How many times as many steps constant ones take as the policy does for no larger an error."""
    dt = END * 2.0 ** torch.arange(5, dtype=torch.float64) / most
    share = finest * 2.0 ** torch.arange(6, dtype=torch.float64)
    steps, ends = went(lambda state, params: share * falling(state), len(share))
    truth, found = ends[0], {"paced": (steps[1:], ends[1:]), "constant": went(lambda state, params: dt, len(dt))}
    table = {name: (n, (x - truth).norm(dim=2).amax(dim=1)) for name, (n, x) in found.items()}
    for name, rows in table.items():
        print(name, ", ".join(f"{n} steps: {error:.1e}" for n, error in zip(*rows, strict=True)))
    (own, errors), (given, best) = table["paced"], table["constant"]
    ratio = float(given[best.argmin()] / own[errors <= best.min()].min())
    print(f"For an error of {best.min():.1e}, constant steps are {ratio:.0f} times as many.")
    curves = [Curve(*rows, f"{name} steps", "o-", n) for n, (name, rows) in enumerate(table.items())]
    plot_panels([Panel(curves, x="steps", y=f"error of positions at t = {END}", log="xy")], out)
    return ratio


if __name__ == "__main__":
    main()
