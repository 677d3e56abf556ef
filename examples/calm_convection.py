"""Air turns over above a warm floor: which temperatures of the floor, of the same mean, let less heat through?"""

from math import sqrt

import matplotlib.pyplot as plt
import torch

import scenegrad as sg

RAYLEIGH, PRANDTL = 1e4, 0.71  # units: the height, its difference of temperatures, and the time of free fall
CONDUCTIVITY = 1.0 / sqrt(RAYLEIGH * PRANDTL)
CONTRAST = 0.4  # how unevenly the floor may be heated; from 0.6 on the air turns the other way, and Nu is 3.3
VALUES = "boundary.y_lo.carried.heat.values"


def floor(form: torch.Tensor) -> torch.Tensor:
    """Temperatures of mean 1 at equal distances, linear between them."""
    bounded = CONTRAST * torch.tanh(form)
    return 1.0 + bounded - torch.trapezoid(bounded) / (len(form) - 1)


def nusselt(roll: sg.Rollout) -> torch.Tensor:
    """Heat through the ceiling over that of still air, at the end; what leaves counts as negative."""
    return -roll.outputs["passed"][0, -5:].mean() / (2 * CONDUCTIVITY)


def convection(cells: int, places: int, wait: float):
    """The flow over an even floor, and that which comes after it over another one."""
    start = sg.Conduction(1.0, 0.0, disturbance=0.1)
    even = sg.Samples(sg.Parameter((1.0,) * places))
    scene = sg.Scene(
        name="calm",
        domain=sg.Domain(size=(2, 1), cells=(2 * cells, cells)),
        entities={
            "air": sg.Fluid(viscosity=sqrt(PRANDTL / RAYLEIGH)),
            "heat": sg.Tracer(diffusivity=CONDUCTIVITY, initial=start, buoyancy=(0.0, 1.0)),
        },
        boundary=sg.Boundary(x=sg.NoSlip(), y_lo=sg.NoSlip(heat=even), y_hi=sg.NoSlip(heat=0.0)),
        method=sg.Staggered(advection="central", integrator="rk3"),
        outputs={"passed": sg.Exchange(of="heat", through="boundary.y_hi", every=wait / 15)},
        time=sg.Time(end=3 * wait, cfl=0.9),
    )
    solver, rest, params = sg.compile(scene, device="cpu", dtype="float64")
    with torch.no_grad():
        before = sg.rollout(solver, rest, params)  # the floor is warm all over

    def heated(form: torch.Tensor, until: float = wait) -> sg.Rollout:
        return sg.rollout(solver, before.state, params.detach().replace({VALUES: floor(form)[None]}), until=until)

    return before, heated


def main(cells: int = 24, places: int = 12, wait: float = 15.0, steps: int = 8, out: str | None = None) -> float:
    before, heated = convection(cells, places, wait)
    form = torch.zeros(places, dtype=torch.float64, requires_grad=True)
    search = torch.optim.Adam([form], lr=0.4)
    for _ in range(steps):
        search.zero_grad()
        nusselt(heated(form)).backward()
        search.step()
    with torch.no_grad():
        after = heated(form, until=6 * wait)  # long after, it is still so
    print(f"Nu {nusselt(before):.3f} -> {nusselt(after):.3f}, floor:", [round(t, 2) for t in floor(form).tolist()])
    if out:
        figure, rows = plt.subplots(2, layout="constrained")
        for axes, (title, roll) in zip(rows, {"even floor": before, "found": after}.items(), strict=True):
            axes.set(title=f"{title}: Nu = {nusselt(roll):.2f}")
            axes.imshow(roll.state.tracers[0, 0].T, origin="lower", extent=(0, 2, 0, 1), cmap="inferno", vmax=1.4)
        figure.savefig(out, dpi=90)
    return float(nusselt(after) / nusselt(before))


if __name__ == "__main__":
    main(out="calm_convection.png")
