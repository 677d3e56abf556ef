"""Bodies under gravity: orbits that close, that are known in words of Kepler's, or that somebody followed before."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from scenegrad.engine.loop import march
from scenegrad.engine.rollout import rollout
from scenegrad.scenes import library
from scenegrad.scenes.atoms import Sites
from scenegrad.scenes.gravity import Tree
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.verification.case import Case, Finding, Setting, absolute, at_least, at_most, relative

__all__ = ["CASES"]


def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files("scenegrad.assets") / "reference" / "md" / "nbody.json").read_text())
    return found


def bare(scene: Scene, **changes: Any) -> Scene:
    return scene.replace({"outputs": {}, **{address.replace("__", "."): value for address, value in changes.items()}})


def figure_eight(setting: Setting) -> Iterator[Finding]:
    """Once around, in steps of Aarseth's; and a third of the way, where the bodies have changed places."""
    known = table()["figure8"]["refined_ic"]
    scene = bare(library.figure_eight(accuracy=8e-5), time__end=known["period"])
    solver, state, params = compile_scene(scene, device=setting.device, dtype="float64")
    with torch.no_grad():
        third = rollout(solver, state, params, known["period"] / 3).state
        end = rollout(solver, state, params).state
        seen, last = solver.observe(state, params), solver.observe(end, params)
    yield at_most("distance from the start after one period", float((end.position - state.position).abs().max()), 1e-10)
    apart = [float((third.position[0, 0] - state.position[0, n]).norm()) for n in (1, 2)]
    yield at_most("distance from another body's start after a third", min(apart), 1e-10)
    yield relative("energy", known["energy"], float(seen["total_energy"]), 1e-13)
    yield relative("energy after one period", known["energy"], float(last["total_energy"]), 1e-11)
    turn = end.position[0, :, 0] * end.velocity[0, :, 1] - end.position[0, :, 1] * end.velocity[0, :, 0]
    yield absolute("angular momentum", 0.0, float(turn.sum()), 1e-12)


def pythagorean(until: float, accuracy: float, setting: Setting) -> Iterator[Finding]:
    """Positions at the tabulated times; limits: a hundred times what the table is uncertain by, and the error of
    Hermite's scheme, which falls with the square of eta."""
    known = table()["pythagorean"]
    solver, state, params = compile_scene(
        bare(library.pythagorean(accuracy=accuracy)), device=setting.device, dtype="float64"
    )
    with torch.no_grad():
        yield relative("energy", known["energy"], float(solver.observe(state, params)["total_energy"]), 1e-14)
    states = {float(one["t"]): one for one in known["states"] if one["t"] <= until}
    closest = known["closest_approach"]
    pauses = sorted({*states, *([closest["t"]] if closest["t"] <= until else [])})
    nearest, when = math.inf, 0.0
    with torch.no_grad():
        for moment in march(solver, state, params, solver.program.controller, pauses):
            x, now = moment.state.position[0], float(moment.clock.time[0])
            apart = float((x[1] - x[2]).norm())
            nearest, when = (apart, now) if apart < nearest else (nearest, when)
            if moment.pause is None:
                continue
            if now == closest["t"]:
                yield relative(f"distance of 4 and 5 at t = {now:g}", closest["distance"], apart, 1e-2)
            if now in states:
                miss = np.abs(x.numpy() - np.array(states[now]["x"])).max()
                limit = 100 * states[now]["uncertainty_x"] + (0.5 if now < 15.5 else 30.0) * accuracy**2
                yield at_most(f"error of positions at t = {now:g}", float(miss), limit)
        if closest["t"] <= until:
            yield absolute("time of the closest approach", closest["t"], when, 1e-5)
            yield relative("closest approach", closest["distance"], nearest, 1e-2)
        last = float(solver.observe(moment.state, params)["total_energy"])
        yield relative("energy at the end", known["energy"], last, 1e-6)


def on_ellipse(time: float, e: float) -> np.ndarray:
    """Position at unit half axis and mass, from Kepler's equation t = E - e sin E."""
    angle = time if e < 0.8 else math.pi
    for _ in range(100):
        angle -= (angle - e * math.sin(angle) - time) / (1 - e * math.cos(angle))
    return np.array([math.cos(angle) - e, math.sqrt(1 - e * e) * math.sin(angle)])


def miss(scene: Scene, end: float, e: float, setting: Setting) -> float:
    solver, state, params = compile_scene(scene, device=setting.device, dtype="float64")
    with torch.no_grad():
        x = rollout(solver, state, params, end).state.position[0].cpu().numpy()
    return float(np.abs(x[1] - x[0] - on_ellipse(end, e)).max())


def kepler(setting: Setting) -> Iterator[Finding]:
    """From the pericentre past the apocentre, at every eccentricity; the order of Hermite's scheme in dt."""
    for e in table()["kepler"]["eccentricities"]:
        scene = bare(library.kepler(eccentricity=e, accuracy=1e-3))
        yield at_most(f"error of the position at t = 4, e = {e:g}", miss(scene, 4.0, e, setting), 1e-6)
    errors = []
    for dt in (0.04, 0.02, 0.01):
        scene = bare(library.kepler(eccentricity=0.3, accuracy=1.0), time__dt=dt, dynamics__corrections=3)
        errors.append(miss(scene, 2.0, 0.3, setting))
    for coarse, fine in pairwise(errors):
        yield at_least("order of Hermite's scheme", 3.8, math.log2(coarse / fine))


def cluster(bodies: int, end: float, setting: Setting) -> Iterator[Finding]:
    """Plummer's sphere stays in balance: 2 K = -U, up to what so few stars swing by; energy and momentum stay."""
    scene = bare(library.star_cluster(bodies=bodies))
    solver, state, params = compile_scene(scene, device=setting.device, dtype="float64")
    with torch.no_grad():
        first = solver.observe(state, params)
        last = solver.observe(rollout(solver, state, params, end).state, params)
    yield relative("energy", float(first["total_energy"]), float(last["total_energy"]), 2e-4)
    yield at_most("momentum", float(last["momentum"].abs().max()), 1e-13)
    ratio = -float(last["kinetic_energy"]) / float(last["potential_energy"])
    yield absolute("-K / U", 0.5, ratio, 2.0 / math.sqrt(bodies))


def tree(bodies: int, tolerances: tuple[float, ...], setting: Setting) -> Iterator[Finding]:
    """The force of a tree beside that of every pair: Plummer's sphere, an even ball, two clusters a long way apart."""
    rng = np.random.default_rng(5)
    aims = rng.standard_normal((bodies, 3))
    aims /= np.linalg.norm(aims, axis=1, keepdims=True)
    plummer = aims / np.sqrt(rng.uniform(0.0, 0.97, bodies) ** (-2.0 / 3.0) - 1.0)[:, None]
    first = np.arange(bodies)[:, None] < bodies // 2
    crowds = {
        "Plummer's sphere": plummer,
        "even ball": aims * rng.uniform(size=(bodies, 1)) ** (1.0 / 3.0),
        "two clusters": np.where(first, 0.3 * plummer, 0.1 * plummer + 5.0),
    }
    for name, x in crowds.items():
        scene = bare(library.star_cluster(bodies=bodies), star__lattice=Sites(tuple(map(tuple, x.tolist()))))
        exact = None
        for one in (None, *(Tree(tolerance=tolerance) for tolerance in tolerances)):
            solver, state, params = compile_scene(
                scene.replace({"pull.tree": one}), device=setting.device, dtype="float64"
            )
            assert isinstance(solver, AtomSolver)
            with torch.no_grad():
                force = solver.system.force(state, params)[0]
            if one is None:
                exact = force
                continue
            assert exact is not None
            off = ((force - exact).norm(dim=1) / exact.norm(dim=1)).sort().values
            yield at_most(f"{name}: error of 99 bodies of 100", float(off[int(0.99 * bodies)]), one.tolerance)
            yield at_most(f"{name}: total force", float(force.sum(dim=0).norm() / exact.norm(dim=1).sum()), 1e-13)


SOURCE = "Szebehely & Peters 1967, Astron. J. 72, 876; states by DOP853 to 3e-14"
CASES = (
    Case("figure_eight", "md", "three bodies that chase each other", "Chenciner & Montgomery 2000", figure_eight),
    Case("kepler", "md", "ellipses", "Kepler's equation", kepler),
    Case("pythagorean_start", "md", "states to t = 5", SOURCE, partial(pythagorean, 5.0, 1e-3)),
    Case("pythagorean", "md", "states to t = 30", SOURCE, partial(pythagorean, 30.0, 3e-4), quick=False),
    Case("star_cluster", "md", "the virial theorem", "Plummer 1911", partial(cluster, 1000, 1.0), quick=False),
    Case("large_tree", "md", "the sum over all pairs", "", partial(tree, 20000, (1e-3, 1e-4, 1e-5, 1e-6)), quick=False),
    Case("tree", "md", "the sum over all pairs", "", partial(tree, 2500, (1e-3, 1e-6))),
    Case("small_star_cluster", "md", "the virial theorem", "Plummer 1911", partial(cluster, 128, 0.5)),
)
