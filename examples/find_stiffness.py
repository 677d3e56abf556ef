"""A thousand stiffnesses from one motion

How stiff is each particle of a block? Found from how it was seen to shake, by gradient through the simulation.
"""

from dataclasses import replace

import torch

import scenegrad as sg
from scenegrad.view.plots import Row, plot_tiles

START, NOISE, SMOOTH = 3e4, 1e-4, 3e-3  # [Pa]; of the places seen [m]; weight of the square of slopes
# how the block is set going [m/s]: stretched, sheared, bent along each axis; x, y in [-1, 1]
MODES = (lambda x, y: (x, -y), lambda x, y: (y, x), lambda x, y: (2 * x * y, -x * x), lambda x, y: (-y * y, 2 * x * y))


def hidden(x, y):
    """The truth: stiffer from left to right, with a hard core and a soft spot [Pa]."""
    core = 1.2 * torch.exp(-((x - 0.3) ** 2 + (y + 0.2) ** 2) / 0.1)
    spot = 0.8 * torch.exp(-((x + 0.4) ** 2 + (y - 0.4) ** 2) / 0.08)
    return 4e4 * torch.exp(0.3 * x + core - spot)


def main(side: int = 32, end: float = 0.16, steps: int = 30, out: str = "find_stiffness.png") -> float:
    material = sg.NeoHookean(youngs_modulus=sg.Parameter(START, each="particle"))
    scene = sg.Scene(
        name="stiffness", domain=sg.Domain(size=(0.75, 0.75), cells=(3 * side // 4, 3 * side // 4)),
        entities={"block": sg.Body(shape=sg.Box(center=(0.375, 0.375), size=(0.5, 0.5)), material=material)},
        outputs={"seen": sg.Particles("position", every=end / 8)}, time=sg.Time(end=end, dt=0.04 / side),
    )  # fmt: skip
    solver, state, params = sg.compile([scene] * len(MODES), device="cpu", dtype="float64")
    x, y = ((state.position[0] - 0.375) / 0.25).unbind(-1)
    state = replace(state, velocity=0.6 * torch.stack([torch.stack(mode(x, y), -1) for mode in MODES]))

    def seen(stiffness):
        known = params.detach().replace({"block.material.youngs_modulus": stiffness.expand(len(MODES), -1)})
        return sg.rollout(solver, state, known).outputs["seen"]

    data = seen(truth := hidden(x, y))
    data = data + NOISE * torch.randn(data.shape, dtype=data.dtype, generator=torch.Generator().manual_seed(1))
    log = torch.full_like(truth, START).log().requires_grad_()
    search = torch.optim.LBFGS([log], max_iter=steps, history_size=30, line_search_fn="strong_wolfe")

    def objective():
        slopes = sum((log.view(side, side).diff(dim=axis) * side).square().mean() for axis in (0, 1))
        loss = ((seen(log.exp()) - data) / NOISE).square().mean() + SMOOTH * slopes
        (log.grad,) = torch.autograd.grad(loss, [log])
        return loss

    search.step(objective)
    error = (log.detach().exp() / truth - 1).abs()
    fields = [one.view(side, side).numpy() for one in (truth, log.detach().exp())]
    plot_tiles([Row("", fields, ("truth", "found"), "Young's modulus", "Pa")], out)
    print(f"{side**2} moduli, off by {error.median():.2%} in the median, {error.quantile(0.9):.2%} for nine in ten")
    return float(error.median())


if __name__ == "__main__":
    main()
