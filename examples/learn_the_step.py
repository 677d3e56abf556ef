"""A model that chooses time steps

A small network learns from every attempt at a step of earlier runs how the error of the next follows from the last two,
and chooses dt for a gas that it has not seen; PI, the controller of the textbook, looks at the same.
"""

from itertools import pairwise

import numpy as np
import torch

import scenegrad as sg
from scenegrad.view.plots import Curve, Panel, plot_panels

TOLERANCE, ORDER = 1e-6, 3  # of the local error, and its order in dt


def waves(seed: int, cells: int = 64, end: float = 2.0) -> sg.Scene:
    """Three slabs of hot gas between walls; their waves meet and come back."""
    places, pressures = np.random.default_rng(seed).uniform((0.1, 1.2), (0.9, 2.5), (3, 2)).T.tolist()
    slabs = [sg.GasPatch(sg.Box(center=(x,), size=(0.1,)), pressure=p) for x, p in zip(places, pressures, strict=True)]
    return sg.Scene(
        name=f"waves-{seed}",
        domain=sg.Domain(size=(1.0,), cells=(cells,)),
        entities={"gas": sg.Gas(density=1.0, pressure=1.0, patches=tuple(slabs))},
        boundary=sg.Boundary(default=sg.Slip()),
        time=sg.Time(end=end, tolerance=TOLERANCE),
    )


def constants(error, dt):  # log of C in  error = C dt^ORDER
    return torch.log(error.clamp(min=1e-20)) - ORDER * torch.log(dt)


def lessons(steps) -> tuple[torch.Tensor, torch.Tensor]:
    """C of two successive steps that were kept and the bound, and C of the attempt that came next."""
    c = constants(torch.as_tensor(steps.error), torch.as_tensor(steps.dt))
    bound, kept = torch.log(torch.as_tensor(steps.bound)), np.flatnonzero(steps.accepted)
    pairs = [(a, b) for a, b in pairwise(kept) if b + 1 < len(steps)]
    known = torch.stack([torch.stack([c[b], c[b] - c[a], bound[b]]) for a, b in pairs])
    return known, torch.stack([c[b + 1] - c[b] for _, b in pairs])


def train(known: torch.Tensor, later: torch.Tensor, epochs: int) -> torch.nn.Module:
    torch.manual_seed(0)  # predicts by how much log C will have changed
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    adam = torch.optim.Adam(net.double().parameters(), lr=0.01)
    for _ in range(epochs):
        adam.zero_grad()
        misses = net(known).squeeze(-1) - later
        torch.maximum(-0.9 * misses, 0.1 * misses).mean().backward()  # the 0.9 quantile: a step too long is dearer
        adam.step()
    return net.eval()


def main(out: str = "runs/learn_the_step", seeds: int = 6, epochs: int = 600, cells: int = 64, end: float = 2.0):
    runs = [sg.run(waves(n, cells, end), f"{out}/{n}", dtype="float64", progress=False) for n in range(seeds)]
    model = train(*map(torch.cat, zip(*(lessons(run.steps) for run in runs), strict=True)), epochs)

    def rule(memory, max_dt):
        now = constants(memory.error * TOLERANCE, memory.taken.clamp(min=1e-12))
        before = constants(memory.error_before * TOLERANCE, memory.taken_before.clamp(min=1e-12))
        change = model(torch.stack([now, now - before, torch.log(max_dt)], dim=-1)).squeeze(-1)
        dt = torch.exp((np.log(0.95 * TOLERANCE) - now - change) / ORDER)
        return torch.where(memory.taken_before > 0.0, dt, 0.05 * max_dt)

    solver, state, params = sg.compile(waves(1000, cells, end), device="cpu", dtype="float64")
    controls, curves = {"PI": solver.program.controller, "learned": sg.StepRule(rule, TOLERANCE, ORDER)}, []
    for n, (name, control) in enumerate(controls.items()):
        trials = sg.Trials()
        sg.rollout(solver, state, params, controller=control, probes=(), tried=trials.append)
        table = trials.table()
        print(f"{name:8} {int(table['accepted'].sum())} steps, {int((~table['accepted']).sum())} attempts in vain")
        curves.append(Curve(table["time"], table["dt"], name, "-", n))
    plot_panels([Panel(curves, x="t [s]", y="dt [s]")], f"{out}/learn_the_step.png")
    return {curve.label: len(curve.x) for curve in curves}


if __name__ == "__main__":
    main()
