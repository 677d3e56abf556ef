"""Derivatives through a hundred steps against central differences: of fields, numbers, sides, and bodies in a flow."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import meshio
import torch
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import tensors, with_tensors
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Case, Finding, Setting, at_least, at_most
from scenegrad.verification.navier_stokes.boxes import FAMILY
from scenegrad.verification.navier_stokes.finite_element import rectangle

__all__ = ["CASES"]

P = sc.Parameter
STEPS = 100
CHANGES = (1e-4, 1e-5, 1e-6)  # of the differences, relative to what is changed
REMAINDERS = (2e-4, 1e-4)


@dataclass(frozen=True)
class Trial:
    """begin: fields of the state at the start, by which derivatives are taken beside those by every Parameter. seen:
    fields of the state at the end, of which one number is made. bent: what the remainder of Taylor is told of."""

    scene: sc.Scene
    begin: tuple[str, ...]
    seen: tuple[str, ...]
    bent: str


# ---- flows


def periodic() -> Trial:
    scene = sc.Scene(
        name="periodic",
        domain=sc.Domain.periodic(size=(2 * math.pi,) * 2, cells=(24, 24)),
        entities={
            "water": sc.Fluid(
                viscosity=P(0.03),
                drag=P(0.1),
                forcing=sc.KolmogorovForcing(amplitude=P(0.7), wavenumber=2),
                vorticity=sc.GaussianField(peak=2, width=1, rms=2.0, seed=3),
            )
        },
        time=sc.Time(end=2.0, dt=2.0 / STEPS),
    )
    return Trial(scene, ("vorticity",), ("vorticity",), "vorticity")


def walls() -> Trial:
    """An inflow between a wall that gives off heat and one that moves and is warm, with buoyancy and a force."""
    scene = sc.Scene(
        name="walls",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)),
        method=sc.Staggered(advection="central"),
        entities={
            "water": sc.Fluid(
                viscosity=P(0.02), vorticity=sc.TaylorGreen(amplitude=0.3), forcing=sc.UniformForcing(P((0.1, 0.2)))
            ),
            "heat": sc.Tracer(diffusivity=P(0.02), initial=sc.PlaneWave((1, 1), amplitude=0.5), buoyancy=(0.1, 1.0)),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow(sc.Parabolic(P(0.5)), heat=P(0.3)),
            x_hi=sc.Outflow(),
            y_lo=sc.NoSlip(carried={"heat": sc.Through(value=P(0.1))}),
            y_hi=sc.NoSlip(velocity=(P(0.5), 0.0), carried={"heat": sc.Samples(P((0.5, 1.0, 0.2)))}),
        ),
        time=sc.Time(end=0.4, dt=0.4 / STEPS),
    )
    return Trial(scene, ("u", "tracers"), ("u", "v", "tracers", "pressure"), "u")


def body() -> Trial:
    """A warm disk that drifts and turns in a channel, and the force that it feels."""
    scene = sc.Scene(
        name="body",
        domain=sc.Domain(size=(1.6, 0.8), cells=(24, 12)),
        method=sc.Staggered(advection="central", tolerance=1e-14),
        entities={
            "water": sc.Fluid(viscosity=P(2e-2), velocity=(0.5, 0.1)),
            "heat": sc.Tracer(diffusivity=0.01, initial=0.2),
            "disk": sc.Obstacle(
                shape=sc.Sphere(center=P((0.4, 0.45)), radius=P(0.15)),
                carried={"heat": P(1.0)},
                motion=sc.Moving(velocity=(P(0.1), 0.05), angular_velocity=P(0.5)),
            ),
        },
        boundary=sc.Boundary(y=sc.NoSlip(), x_lo=sc.Inflow(sc.Parabolic(P(1.0))), x_hi=sc.Outflow()),
        outputs={"force": sc.Force("disk", every=0.4)},
        time=sc.Time(end=0.4, dt=0.4 / STEPS),
    )
    return Trial(scene, (), ("u", "v", "tracers"), "disk.shape.center")


def gas() -> Trial:
    """Fluxes have kinks where a gas nearly stands still; on these cells it never does."""
    scene = sc.Scene(
        name="gas",
        domain=sc.Domain(size=(2.0, 1.0), cells=(20, 10)),
        entities={
            "gas": sc.Gas(
                gamma=P(1.4),
                density=1.2,
                pressure=1.1,
                velocity=(0.6, 0.1),
                viscosity=P(0.01),
                gas_constant=1.0,
                patches=(sc.GasPatch(sc.Sphere(center=(0.63, 0.52), radius=0.21), density=P(1.4)),),
            ),
            "ball": sc.Obstacle(shape=sc.Sphere(center=P((1.23, 0.46)), radius=P(0.22))),
        },
        boundary=sc.Boundary(
            x_lo=sc.Inflow((P(0.6), 0.1), density=1.2, pressure=1.1),
            x_hi=sc.Outflow(pressure=1.05),
            y_lo=sc.NoSlip(velocity=(P(0.2), 0.0), carried={"temperature": P(0.95)}),
            y_hi=sc.Slip(),
        ),
        time=sc.Time(end=0.4, dt=0.4 / STEPS),
    )
    return Trial(scene, ("conserved",), ("conserved",), "ball.shape.center")


def porous() -> Trial:
    scene = sc.Scene(
        name="porous",
        domain=sc.Domain(size=(1.0, 1.0), cells=(12, 12)),
        entities={
            "rock": sc.Darcy(permeability=sc.LogNormalField(sc.MaternField(alpha=2.0, tau=3.0, seed=3)), source=P(1.0))
        },
        boundary=sc.Boundary(x_lo=sc.Outflow(pressure=P(0.4)), x_hi=sc.Inflow(P(0.2)), y=sc.NoSlip()),
        method=sc.Elliptic(tolerance=1e-13),
        time=sc.Time(end=1.0),
    )
    return Trial(scene, ("permeability",), ("pressure",), "permeability")


def mesh(path: str) -> Trial:
    tags = {
        "x_lo": sc.Inflow(sc.Parabolic(P(0.8))),
        "x_hi": sc.Outflow(),
        "y_hi": sc.NoSlip(velocity=(P(0.5), 0.0)),
    }
    scene = sc.Scene(
        name="mesh",
        domain=sc.Domain.meshed(path),
        entities={"water": sc.Fluid(viscosity=P(0.03), forcing=sc.UniformForcing(P((0.3, -0.5))))},
        boundary=sc.Boundary(tags=tags, default=sc.NoSlip()),
        time=sc.Time(end=1.0, dt=1.0 / STEPS),
    )
    return Trial(scene, ("velocity",), ("velocity", "pressure"), "velocity")


# ---- how they are differentiated


class Number:
    """One number of what becomes of each member of a batch, by its params and by what is added to its first state."""

    def __init__(self, trial: Trial, members: int, device: str):
        self.trial = trial
        self.solver: Any
        self.solver, self.state, params = compile_scene([trial.scene] * members, device, "float64")
        self.params = params

    def __call__(self, params: Any, added: dict[str, Tensor]) -> Tensor:
        """[batch]"""
        start = self.solver.program.initial(params)
        now = tensors(start)
        end = rollout(
            self.solver, with_tensors(start, {name: now[name] + more for name, more in added.items()}), params
        )
        after = tensors(end.state)
        total = torch.stack([weighed(after[name]) for name in self.trial.seen]).sum(0)
        for force in end.outputs.values():
            for push in (force["force"], force["torque"]):
                total = total + 30 * push[:, -1].reshape(len(total), -1).sum(1)
        return total


def weighed(field: Tensor) -> Tensor:
    """A sum that no symmetry makes vanish [batch]."""
    flat = field.flatten(1)
    weights = torch.sin(torch.arange(flat.shape[1], dtype=flat.dtype, device=flat.device))
    return (flat * weights + (flat - flat.mean(1, keepdim=True)).square()).sum(1)


def derivatives(make: Callable[[], Trial], setting: Setting) -> Iterator[Finding]:
    """By everything one by one, in a direction of the size of the thing itself."""
    trial = make()
    one = Number(trial, 1, setting.device)
    learnt = [name for name in one.params if one.params[name].requires_grad]
    start = {name: value.detach() for name, value in tensors(one.solver.program.initial(one.params)).items()}
    added = {name: torch.zeros_like(start[name], requires_grad=True) for name in trial.begin}
    value = one(one.params, added).sum()
    leaves = {name: one.params[name] for name in learnt} | added
    slopes = dict(zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True))
    first = float(value.detach())
    at = {name: start.get(name, leaf.detach())[0] for name, leaf in leaves.items()}
    ways = {name: way(point) for name, point in at.items()}
    expected = {name: float((slopes[name][0] * ways[name]).sum()) for name in leaves}

    steps = [sign * size for size in CHANGES for sign in (1.0, -1.0)]
    tried = [(name, h) for name in leaves for h in steps] + [(trial.bent, h) for h in REMAINDERS]
    found = moved(trial, tried, ways, setting.device)
    for number, name in enumerate(leaves):
        up, down = found[6 * number : 6 * number + 6].view(3, 2).unbind(1)
        differences = (up - down) / (2 * torch.tensor(CHANGES, dtype=torch.float64))
        error = float((differences / expected[name] - 1).abs().min())
        yield at_most(f"derivative by {name}, relative error", error, 1e-6)
    weakest = min(abs(slope) for slope in expected.values()) / abs(first)
    yield at_least("least change of the number over the number, for one of the same share", 1e-3, weakest)
    rests = [
        abs(float(found[6 * len(leaves) + n]) - first - h * expected[trial.bent]) for n, h in enumerate(REMAINDERS)
    ]
    yield at_least(f"order of the remainder of Taylor by {trial.bent}", 1.9, math.log2(rests[0] / rests[1]))


def way(point: Tensor) -> Tensor:
    """Of the size of the largest entry; smooth, so that limiters and upwind fluxes turn nowhere."""
    wave = torch.ones_like(point)
    for axis, count in enumerate(point.shape):
        x = (torch.arange(count, dtype=point.dtype, device=point.device) + 0.3) / count
        wave = wave * torch.cos(2 * x).view([-1 if other == axis else 1 for other in range(point.ndim)])
    return wave * point.abs().max()


def moved(trial: Trial, tried: Sequence[tuple[str, float]], ways: dict[str, Tensor], device: str) -> Tensor:
    """The number after one thing was changed, all changes side by side in one batch [change]."""
    many = Number(trial, len(tried), device)
    params = many.params.detach()
    added: dict[str, Tensor] = {}
    for member, (name, h) in enumerate(tried):
        if name in trial.begin:
            rows = added.setdefault(name, torch.zeros(len(tried), *ways[name].shape).to(ways[name]))
            rows[member] = h * ways[name]
        else:
            table = params[name].clone()
            table[member] += h * ways[name]
            params = params.replace({name: table})
    with torch.no_grad():
        return many(params, added).double().cpu()


def on_a_mesh(setting: Setting) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.msh"
        meshio.write(path, rectangle((1.0, 1.0), (3, 3)), file_format="gmsh22", binary=True)
        yield from derivatives(partial(mesh, str(path)), setting)


def case(name: str, measure: Callable[[Setting], Iterator[Finding]], quick: bool = True) -> Case:
    return Case(f"gradients_{name}", FAMILY, "central differences", f"{STEPS} steps, float64", measure, quick)


CASES = (
    case("periodic", partial(derivatives, periodic)),
    case("walls", partial(derivatives, walls)),
    case("body", partial(derivatives, body), quick=False),
    case("gas", partial(derivatives, gas), quick=False),
    case("mesh", on_a_mesh, quick=False),
    Case("gradients_porous", FAMILY, "central differences", "implicit, float64", partial(derivatives, porous)),
)
