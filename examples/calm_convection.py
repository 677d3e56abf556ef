"""Calm convection

Air turns over above a warm floor: which temperatures of the floor, of the same mean, let less heat through, by
gradient through the flow? Units: the height, its difference of temperatures, and the time of free fall.
"""

import torch

import scenegrad as sg
from scenegrad.view.plots import Row, plot_tiles

RAYLEIGH, PRANDTL, CONDUCTIVITY, CONTRAST = 1e4, 0.71, (1e4 * 0.71) ** -0.5, 0.4
# contrast: how unevenly the floor may be heated; from 0.6 on the air turns the other way, and Nu is 3.3


def floor(form: torch.Tensor) -> torch.Tensor:
    bounded = CONTRAST * torch.tanh(form)
    return 1.0 + bounded - torch.trapezoid(bounded) / (len(form) - 1)  # of mean 1, linear between places


def nusselt(roll: sg.Rollout) -> torch.Tensor:
    return -roll.outputs["passed"][0, -5:].mean() / (2 * CONDUCTIVITY)  # what leaves counts as negative


def convection(cells: int, places: int, wait: float):
    """The flow over an even floor, and that which comes after it over another one."""
    begun, even = sg.Conduction(1.0, 0.0, disturbance=0.1), sg.Samples(sg.Parameter((1.0,) * places))
    heat = sg.Tracer(diffusivity=CONDUCTIVITY, initial=begun, buoyancy=(0.0, 1.0))
    scene = sg.Scene(
        name="calm", domain=sg.Domain(size=(2, 1), cells=(2 * cells, cells)), time=sg.Time(end=3 * wait, cfl=0.9),
        entities={"air": sg.Fluid(viscosity=(PRANDTL / RAYLEIGH) ** 0.5), "heat": heat},
        boundary=sg.Boundary(x=sg.NoSlip(), y_lo=sg.NoSlip(heat=even), y_hi=sg.NoSlip(heat=0.0)),
        method=sg.Staggered(advection="central", integrator="rk3"),
        outputs={"passed": sg.Exchange(of="heat", through="boundary.y_hi", every=wait / 15)},
    )  # fmt: skip
    solver, rest, params = sg.compile(scene, device="cpu", dtype="float64")
    before = sg.rollout(solver, rest, params.detach())  # the floor is warm all over

    def heated(form: torch.Tensor, until: float = wait) -> sg.Rollout:
        known = params.detach().replace({"boundary.y_lo.carried.heat.values": floor(form)[None]})
        return sg.rollout(solver, before.state, known, until=until)

    return before, heated


def main(cells: int = 24, places: int = 12, wait: float = 15.0, steps: int = 8, out: str = "calm_convection.png"):
    before, heated = convection(cells, places, wait)
    search = torch.optim.Adam([form := torch.zeros(places, dtype=torch.float64, requires_grad=True)], lr=0.4)
    for _ in range(steps):
        (form.grad,) = torch.autograd.grad(nusselt(heated(form)), [form])
        search.step()
    after = heated(form.detach(), until=6 * wait)  # long after, it is still so
    print(titles := [f"Nu = {nusselt(roll):.3f}" for roll in (before, after)], floor(form).tolist())
    air = [roll.state.tracers[0, 0].detach().numpy() for roll in (before, after)]
    plot_tiles([Row("", air, titles, "temperature", cmap="inferno")], out, size=(2, 1))
    return float(nusselt(after) / nusselt(before))


if __name__ == "__main__":
    main()
