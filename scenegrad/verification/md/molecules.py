"""Bonds and chains: a spring that swings as it must, and a melt as it was published."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from scenegrad.engine.rollout import rollout
from scenegrad.engine.state import map_tensors
from scenegrad.scenes import library
from scenegrad.scenes.atoms import NVE, Atoms, Sites
from scenegrad.scenes.bonded import HarmonicBond
from scenegrad.scenes.domain import Domain
from scenegrad.scenes.outputs import Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.time import Time
from scenegrad.solvers.compile import compile_scene
from scenegrad.verification.case import Case, Finding, Setting, absolute, relative

__all__ = ["CASES"]


def dumbbell(setting: Setting) -> Iterator[Finding]:
    """Verlet's method turns a spring of omega^2 = k/mu by exactly arccos(1 - omega^2 dt^2 / 2) a step."""
    stiffness, length, mass, dt, steps, stretch = 50.0, 1.0, 2.0, 0.02, 100, 0.1
    start = Sites(((0.0, 0.0, 0.0), (length + stretch, 0.0, 0.0)), velocities=((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    scene = Scene(
        name="dumbbell",
        units="lj",
        domain=Domain.unbounded(dim=3),
        entities={
            "A": Atoms(lattice=start, mass=mass),
            "bond": HarmonicBond(of="A", stiffness=stiffness, length=length, groups=((0, 1),)),
        },
        dynamics=NVE(),
        outputs={"traj": Particles("position", every=dt * steps)},
        time=Time(end=dt * steps, dt=dt),
    )
    solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    end = rollout(solver, state, params).state.position[0]
    found = float((end[1] - end[0]).norm()) - length
    turn = math.acos(1.0 - 0.5 * stiffness / (0.5 * mass) * dt**2)
    yield absolute("stretch after 100 steps", stretch * math.cos(steps * turn), found, 1e4 * setting.rounding, "sigma")


def melt(setting: Setting) -> Iterator[Finding]:
    """Chains of 16 beads, after 600 tau, over 600 more."""
    count, length = 40, 16
    scene = library.polymer_melt(chains=count, length=length, end=20.0)
    solver, state, params = compile_scene(scene, device=setting.device, dtype=setting.dtype)
    state, params = map_tensors(torch.Tensor.detach, state), params.detach()
    bonds, ends, radii = [], [], []
    for stretch in range(60):
        state = rollout(solver, state, params).state
        if stretch < 30:
            continue
        x = state.position.double().reshape(count, length, 3)
        bonds.append((x[:, 1:] - x[:, :-1]).norm(dim=2).mean())
        ends.append((x[:, -1] - x[:, 0]).square().sum(1).mean())
        radii.append((x - x.mean(1, keepdim=True)).square().sum(2).mean())
    bond, end, radius = (torch.stack(kept).mean() for kept in (bonds, ends, radii))
    yield relative("mean length of a bond", 0.97, float(bond), 0.01, "sigma")
    # A freely jointed chain of n bonds has 6 (n + 1) / (n + 2), and 6 in the limit.
    yield relative("<R^2> / <R_g^2>", 6.0 * length / (length + 1.0), float(end / radius), 0.08)


KREMER = "Kremer & Grest 1990, J. Chem. Phys. 92, 5057"
CASES = (
    Case("dumbbell", "md", "a spring swings as Verlet's method has it", "exact solution of the scheme", dumbbell),
    Case("polymer_melt", "md", "chains of a melt", KREMER, melt, quick=False),
)
