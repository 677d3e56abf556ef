"""Newton's equations with two steps: a short one for forces that change fast, a long one for the others."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.coulomb import PME, Electrostatics, Ewald
from scenegrad.scenes.motions import RESPA
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.bonded.topology import bonded_of
from scenegrad.solvers.md.families import Assembly, Movement
from scenegrad.solvers.md.force_field import ForceField
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.speeds import Speed, speed_of
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["TWO_STEPS", "Respa"]


@dataclass(frozen=True)
class Respa(TorchMotion):
    """v += dt/2 F_slow/m; `inner` times velocity Verlet of dt/inner with F_fast; v += dt/2 F_slow/m.

    Symplectic and reversible, of second order; the slow forces cost one evaluation a step. [Tuckerman, Berne & Martyna
    1992, J. Chem. Phys. 97, 1990: r-RESPA]

    slow: which terms of the force field are so, and those that are slower.
    """

    inner: int
    slow: Speed
    halves: WeakKeyDictionary[ForceField, tuple[System, System]] = field(
        default_factory=WeakKeyDictionary, repr=False, compare=False
    )

    def split(self, system: System) -> tuple[System, System]:
        """The system with the fast forces alone, and with the slow ones."""
        if (found := self.halves.get(system.forces)) is None:
            late = [speed_of(term) >= self.slow for term in system.forces.terms]
            fast, slow = (
                ForceField([t for t, is_slow in zip(system.forces.terms, late, strict=True) if is_slow is wanted])
                for wanted in (False, True)
            )
            found = self.halves[system.forces] = replace(system, forces=fast), replace(system, forces=slow)
        return found

    def longest(self, square: Tensor, params: Params) -> Tensor:
        """pi/omega: kicks that come twice a period of the fastest motion are in resonance with it, however small the
        inner steps [Biesiadecki & Skeel 1993, J. Comput. Phys. 109, 318]."""
        return min(2.0 * self.inner, math.pi) / square.sqrt()

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        fast, slow = self.split(system)
        mass, box = system.masses.differentiable(params)[..., None], system.box
        h = dt.to(state.position)[:, None, None]
        s = h / self.inner
        x, v = state.position, state.velocity + 0.5 * h * slow.pull(state.position, box, params) / mass
        force = fast.pull(x, box, params)
        for _ in range(self.inner):
            v = v + 0.5 * s * force / mass
            x = x + s * v
            force = fast.pull(x, box, params)
            v = v + 0.5 * s * force / mass
        return replace(state, position=x, velocity=v + 0.5 * h * slow.pull(x, box, params) / mass)


def slow_of(scene: Scene) -> Speed:
    """What is asked for; or pairs where there are bonds, which are faster, and waves where there are none."""
    asked = scene.dynamics
    assert isinstance(asked, RESPA)
    if asked.slow is not None:
        return Speed[asked.slow.upper()]
    return Speed.PAIRS if bonded_of(scene) else Speed.WAVES


def motion(assembly: Assembly) -> Motion:
    asked = assembly.scenes[0].dynamics
    assert isinstance(asked, RESPA)
    return Respa(asked.inner, slow_of(assembly.scenes[0]))


def check(scene: Scene, reasons: Reasons) -> None:
    if slow_of(scene) is Speed.PAIRS and not bonded_of(scene):
        reasons.add(
            "dynamics.slow", "is 'pairs', which leaves nothing fast in a scene without bonds. Take 'waves', or NVE()."
        )
    waves = [
        name
        for name, part in scene.entities.items()
        if isinstance(part, Electrostatics) and isinstance(part.method, Ewald | PME)
    ]
    if slow_of(scene) is Speed.WAVES and not waves:
        reasons.add(
            "dynamics.slow",
            "are the waves of Ewald's sum, and this scene has none. Add Electrostatics(method=PME()), or bonds, which "
            "are faster than pairs, and slow='pairs'; or take NVE().",
        )


def told(scene: Scene) -> dict[str, object]:
    return {f"dynamics.{name}": getattr(scene.dynamics, name, None) for name in ("inner", "slow")}


TWO_STEPS = Movement((RESPA,), motion, check, lambda scene: [], told)
