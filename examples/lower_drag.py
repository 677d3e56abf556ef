"""A body that gives way to the water

The outline of a body in a channel, Reynolds number 40, is found by gradient and its area kept: a union of discs in a
row, whose gap and radii are differentiated through the flow around them.
"""

import torch

import scenegrad as sg
from scenegrad.scenes.shapes import Union
from scenegrad.view.plots import Row, plot_tiles

PLACE, GAP, RADII = (0.8, 0.5), 0.03, (0.07, 0.09, 0.1, 0.09, 0.07)  # middle, distance of discs at first, radii [m]
FIRST = torch.tensor([GAP, *RADII]).double().log()
X, Y = torch.meshgrid(*(0.005 * torch.arange(0.5 - n, n).double() for n in (80, 40)), indexing="ij")


def discs(form: torch.Tensor) -> list[torch.Tensor]:
    """Places in the row and radii [m], scaled to the area of the first form, by the share of small squares inside."""
    both = [(one[0].exp() * torch.arange(-2, 3).double(), one[1:].exp()) for one in (FIRST, form)]
    depths = [(r - torch.hypot(X[..., None] - along, Y[..., None])).amax(-1) for along, r in both]
    first, area = ((depth / 0.005 + 0.5).clamp(0, 1).sum() for depth in depths)
    return [(first / area).sqrt() * one for one in both[1]]


def inside(form: torch.Tensor, cells: int) -> torch.Tensor:
    """Which cells have their middle in the body."""
    along, radii = discs(form)
    x, y = torch.meshgrid(*(torch.arange(0.5, n * cells).double() / cells for n in (3, 1)), indexing="ij")
    return (torch.hypot(x[..., None] - PLACE[0] - along, y[..., None] - PLACE[1]) < radii).any(-1)


def channel(cells: int, window: float):
    """Drag at the end and the flow, as functions of the form of the body, the state before it and the time."""
    parts = tuple(sg.Sphere(center=sg.Parameter(PLACE), radius=sg.Parameter(radius)) for radius in RADII)
    scene = sg.Scene(
        name="drag", domain=sg.Domain(size=(3, 1), cells=(3 * cells, cells)), time=sg.Time(end=4 * window),
        entities={"water": sg.Fluid(viscosity=0.005, velocity=(1.0, 0.0)), "body": sg.Obstacle(Union(parts=parts))},
        boundary=sg.Boundary(y=sg.NoSlip(), x_lo=sg.Inflow(sg.Parabolic(1.5)), x_hi=sg.Outflow()),
        outputs={"force": sg.Force("body", every=window / 4), "speed": sg.Fields("velocity", every=window)},
    )  # fmt: skip
    solver, rest, params = sg.compile(scene, device="cpu", dtype="float64")

    def past(form: torch.Tensor, state=rest, until: float = 4 * window) -> tuple[torch.Tensor, sg.Rollout]:
        along, radii = discs(form)
        places = torch.stack([PLACE[0] + along, torch.full_like(along, PLACE[1])], dim=1)
        outline = {f"body.shape.parts.{n}.center": place[None] for n, place in enumerate(places)}
        outline |= {f"body.shape.parts.{n}.radius": radius[None] for n, radius in enumerate(radii)}
        roll = sg.rollout(solver, state, params.detach().replace(outline), until=until, gradient=sg.Stored(memory=1e9))
        return roll.outputs["force"]["force"][0, -1, 0], roll  # [N/m]

    return past


def main(cells: int = 32, window: float = 1.5, steps: int = 6, out: str = "lower_drag.png") -> float:
    past, form = channel(cells, window), FIRST.clone().requires_grad_()
    with torch.no_grad():
        drag, before = past(FIRST)
    search = torch.optim.LBFGS([form], max_iter=steps, max_eval=steps + 2, line_search_fn="strong_wolfe")

    def objective() -> torch.Tensor:
        loss = past(form, before.state, window)[0] / drag
        (form.grad,) = torch.autograd.grad(loss, [form])
        return loss

    search.step(objective)
    with torch.no_grad():  # from the beginning, and for longer than it was looked at
        lower, after = past(form)
    print(f"drag {drag:.4f} -> {lower:.4f} N/m, radii [m]:", discs(form)[1].tolist())
    shown = [
        roll.outputs["speed"][0, -1].norm(dim=-1).masked_fill(inside(one, cells), torch.nan).numpy()
        for roll, one in ((before, FIRST), (after, form))
    ]
    titles = [f"{force:.3f} N/m" for force in (drag, lower)]
    plot_tiles([Row("", shown, titles, "speed", "m/s")], out, size=(3, 1))
    return float(lower / drag)


if __name__ == "__main__":
    main()
