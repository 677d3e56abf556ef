"""Active Brownian particles: each is pushed along a direction of its own, which turns at random."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.active import ActiveBrownian
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.md.families import Assembly, Movement
from scenegrad.solvers.md.joined import Joined
from scenegrad.solvers.md.motions.family import check_temperature, held_temperature, temperature_address
from scenegrad.solvers.md.motions.motion import Motion
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.pairs.family import reach
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import PerAtom, System
from scenegrad.solvers.md.units import UNITS

__all__ = ["ACTIVE", "ActiveMotion"]

WORK = 0.04  # of the push over the length of the potential, counted as a temperature: a contact bears some eight pushes
STRIDE = 0.2  # of that length at most goes a particle in one step
TURNS, STARTS = 0x2545F4914F6CDD1D, 0x1F83D9ABFB41BD6B  # so that directions draw other numbers than positions


@dataclass(frozen=True)
class ActiveMotion(TorchMotion):
    """x += v dt (e_n + e_{n+1}) / 2 + dt F / (m g) + sqrt(2 T dt / (m g)) xi; e turns by an angle sqrt(2 rotation dt)
    eta: in the plane exactly as its diffusion asks, in space about a random axis, to second order in dt.

    A free particle goes <dx^2> = 2 d D t + 2 v^2 tau^2 (t / tau - 1 + exp(-t / tau)), tau = 1 / ((d - 1) rotation).
    """

    target: str  # address of the temperature
    friction: str
    speed: str
    rotation: str
    masses: PerAtom
    length: Tensor  # of the potential, such as sigma, float64 [batch]
    order: int = 1

    def fixed(self, system: System) -> float:
        return 0

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        drawn = standard_normal(state.seed ^ STARTS, state.step, torch.empty_like(state.position.detach()))
        return replace(state, heading=drawn / drawn.norm(dim=2, keepdim=True))

    def temperature(self, params: Params) -> Tensor | None:
        """That of the bath, and what particles can bring up that push each other [batch], float64."""
        push = self.masses(params).double().amax(dim=1) * (params[self.friction] * params[self.speed]).detach().double()
        return params[self.target].detach().double() + WORK * push * self.length

    def unseen(self, params: Params) -> Tensor | None:
        return params[self.target].double()

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        assert state.heading is not None
        x, e = state.position, state.heading
        mass = system.masses.differentiable(params)[..., None]
        h, friction, heat, speed, rotation = (
            value.to(mass)[:, None, None]
            for value in (dt, *(params[a] for a in (self.friction, self.target, self.speed, self.rotation)))
        )
        mobility = h / (mass * friction)
        after = turned(e, (2.0 * rotation * h).sqrt() * self.drawn(state, TURNS))
        spread = (2.0 * heat * mobility).sqrt() * self.drawn(state, 0)
        drift = mobility * system.pull(x, system.box_of(state), params)
        return replace(state, position=x + 0.5 * h * speed * (e + after) + drift + spread, heading=after)

    def drawn(self, state: AtomState, other: int) -> Tensor:
        return standard_normal(state.seed ^ other, state.step, torch.empty_like(state.position.detach()))

    def longest(self, square: Tensor, params: Params) -> Tensor:
        """dt < 2 m friction / u'', a tenth of the time in which directions turn, and a fifth of that in which the drive
        carries a particle along the length of the potential."""
        friction, speed, rotation = (
            params[address].detach().double() for address in (self.friction, self.speed, self.rotation)
        )
        return torch.minimum(2.0 * friction / square, torch.minimum(0.1 / rotation, STRIDE * self.length / speed))

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        """entropy_production: m g v / T sum e . (v e + F / (m g)) [batch], float64."""
        assert state.heading is not None
        mass = system.masses.differentiable(params).double()
        push = system.pull(state.position, system.box_of(state), params).double()
        along = (push * state.heading.double()).sum(dim=2)
        speed, friction, heat = (params[a].double()[:, None] for a in (self.speed, self.friction, self.target))
        return {"entropy_production": (speed / heat * (mass * friction * speed + along)).sum(dim=1)}


def turned(e: Tensor, by: Tensor) -> Tensor:
    """Unit vectors e [batch, atom, dim] turned by angles `by`: in the plane its first column, in space the length of
    the part across e, towards that."""
    if e.shape[2] == 2:
        cosine, sine = torch.cos(by[..., :1]), torch.sin(by[..., :1])
        return cosine * e + sine * torch.stack([-e[..., 1], e[..., 0]], dim=2)
    across = by - (by * e).sum(dim=2, keepdim=True) * e
    angle = across.norm(dim=2, keepdim=True).clamp(min=1e-20)
    made = torch.cos(angle) * e + torch.sin(angle) * (across / angle)
    return made / made.norm(dim=2, keepdim=True)


def active(assembly: Assembly) -> Motion:
    scene, names = assembly.scenes[0], assembly.names
    unit = UNITS[scene.units].mass
    masses = PerAtom(Joined([f"{name}.mass" for name in names], (len(names),)), assembly.species, unit)
    addresses = ("dynamics.friction", "dynamics.speed", "dynamics.rotation")
    lengths = torch.tensor([reach(one) or 1.0 for one in assembly.scenes], dtype=torch.float64, device=assembly.device)
    return ActiveMotion(temperature_address(scene), *addresses, masses, lengths)


def learnable(scene: Scene) -> list[str]:
    return ["dynamics.friction", "dynamics.speed", "dynamics.rotation", *held_temperature(scene)]


def told(scene: Scene) -> dict[str, object]:
    given = scene.at("dynamics.temperature")
    return {"dynamics.temperature": given} if isinstance(given, str) else {}


ACTIVE = Movement((ActiveBrownian,), active, check_temperature, learnable, told)
