"""A body in a channel is made to give way to the water: its outline found by gradient, its area kept."""

import matplotlib.pyplot as plt
import torch

import scenegrad as sg
from scenegrad.scenes.shapes import Union

PLACE, GAP = (0.8, 0.5), 0.03  # middle of the body, and distance between its discs at first [m]
RADII = (0.07, 0.09, 0.1, 0.09, 0.07)  # at first, of the discs in a row whose union it is [m]
ORDER = torch.arange(len(RADII)).double() - (len(RADII) - 1) / 2


def area(along: torch.Tensor, radii: torch.Tensor, h: float = 0.005) -> torch.Tensor:
    """Of a union of discs with centres on the x axis [m^2], from the share of small squares that is inside."""
    x, y = torch.meshgrid(torch.arange(-0.4, 0.4, h).double(), torch.arange(-0.2, 0.2, h).double(), indexing="ij")
    depth = (radii - torch.hypot(x[..., None] - along, y[..., None])).amax(-1)
    return h * h * (depth / h + 0.5).clamp(0, 1).sum()


def discs(form: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Centres and radii, scaled to the area of the first body. form: logarithms of the gap and of the radii."""
    along, radii = form[0].exp() * ORDER, form[1:].exp()
    scale = (area(GAP * ORDER, torch.tensor(RADII).double()) / area(along, radii)).sqrt()
    return torch.stack([PLACE[0] + scale * along, torch.full_like(along, PLACE[1])], dim=1), scale * radii


def channel(cells: int, window: float):
    """A flow past a body, as a function of the body's form, the state before it and the time."""
    parts = tuple(sg.Sphere(center=sg.Parameter(PLACE), radius=sg.Parameter(radius)) for radius in RADII)
    scene = sg.Scene(
        name="drag", domain=sg.Domain(size=(3, 1), cells=(3 * cells, cells)), time=sg.Time(end=4 * window),
        entities={"water": sg.Fluid(viscosity=0.005, velocity=(1.0, 0.0)), "body": sg.Obstacle(Union(parts=parts))},
        boundary=sg.Boundary(y=sg.NoSlip(), x_lo=sg.Inflow(sg.Parabolic(1.5)), x_hi=sg.Outflow()),
        outputs={"force": sg.Force("body", every=window / 4), "speed": sg.Fields("velocity", every=window)},
    )  # fmt: skip
    solver, rest, params = sg.compile(scene, device="cpu", dtype="float64")

    def past(form: torch.Tensor, state=rest, until: float = 4 * window) -> sg.Rollout:
        outline = {}
        for n, (centre, radius) in enumerate(zip(*discs(form), strict=True)):
            outline |= {f"body.shape.parts.{n}.center": centre[None], f"body.shape.parts.{n}.radius": radius[None]}
        return sg.rollout(solver, state, params.detach().replace(outline), until=until, gradient=sg.Stored(memory=1e9))

    return past


def drag(flow: sg.Rollout) -> torch.Tensor:
    return flow.outputs["force"]["force"][0, -1, 0]  # at the end, per depth [N/m]


def main(cells: int = 32, window: float = 1.5, steps: int = 6, out: str | None = None) -> float:
    past = channel(cells, window)
    form = torch.tensor([GAP, *RADII]).double().log().requires_grad_()
    with torch.no_grad():
        before, first = past(form), discs(form)
    search = torch.optim.LBFGS([form], max_iter=steps, max_eval=steps + 2, line_search_fn="strong_wolfe")

    def objective() -> torch.Tensor:
        search.zero_grad()
        (loss := drag(past(form, before.state, window)) / drag(before)).backward()
        return loss

    search.step(objective)
    with torch.no_grad():
        after, last = past(form), discs(form)  # from the beginning, and for longer than it was looked at
    print(f"drag {drag(before):.4f} -> {drag(after):.4f} N/m, radii [m]:", [round(r, 4) for r in last[1].tolist()])
    if out:
        figure, rows = plt.subplots(2, layout="constrained")
        for axes, roll, body in zip(rows, (before, after), (first, last), strict=True):
            axes.set(title=f"{drag(roll):.3f} N/m")
            axes.imshow(roll.outputs["speed"][0, -1].norm(dim=-1).T, origin="lower", extent=(0, 3, 0, 1))
            for centre, radius in zip(*(part.tolist() for part in body), strict=True):
                axes.add_patch(plt.Circle(centre, radius, color="white"))
        figure.savefig(out, dpi=90)
    return float(drag(after) / drag(before))


if __name__ == "__main__":
    main(out="lower_drag.png")
