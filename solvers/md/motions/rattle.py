"""Motion with bonds of fixed length."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.bonded.rigid import RigidBonds
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.motions.noise import standard_normal
from scenegrad.solvers.md.motions.thermostat import Thermostat
from scenegrad.solvers.md.motions.torch_motion import TorchMotion
from scenegrad.solvers.md.state import AtomState
from scenegrad.solvers.md.system import System

__all__ = ["Rattle"]


@dataclass(frozen=True)
class Rattle(TorchMotion):
    """Velocity Verlet, or BAOAB around a thermostat, where after each move positions are brought back to the lengths of
    the rigid bonds along the bonds as they were before, and velocities lose what they have along the bonds.

    [Andersen 1983, J. Comput. Phys. 52, 24; Leimkuhler & Matthews 2016, Proc. R. Soc. A 472, 20160138]
    """

    bonds: RigidBonds
    thermostat: Thermostat | None = None

    def fixed(self, system: System) -> float:
        """A bond takes its part of an axis."""
        return (super().fixed(system) if self.thermostat is None else 0) + self.bonds.count / self.bonds.dim

    def begin(self, system: System, state: AtomState, params: Params) -> AtomState:
        """Positions and velocities that fit the bonds."""
        mass = system.masses.differentiable(params)
        x = state.position
        if bool(((self.bonds.apart(x, system.box).norm(dim=3) - self.bonds.length).abs() * self.bonds.real > 0).any()):
            x = self.bonds.hold_position(x, self.bonds.apart(x, system.box), mass, system.box)
        v = self.bonds.hold_velocity(state.velocity, self.bonds.apart(x, system.box), mass)
        return replace(state, position=x, velocity=v)

    def temperature(self, params: Params) -> Tensor | None:
        return None if self.thermostat is None else self.thermostat.values(params)[0]

    def advance(self, system: System, state: AtomState, params: Params, time: Tensor, dt: Tensor) -> AtomState:
        mass, box = system.masses.differentiable(params), system.box
        h = dt.to(state.position)[:, None, None]
        x, v = state.position, state.velocity
        v = v + 0.5 * h * system.pull(x, box, params) / mass[..., None]
        if self.thermostat is None:
            x, v = self.glide(x, v, h, mass, box)
        else:
            x, v = self.glide(x, v, 0.5 * h, mass, box)
            v = self.shaken(state, params, dt, v, mass)
            v = self.bonds.hold_velocity(v, self.bonds.apart(x, box), mass)
            x, v = self.glide(x, v, 0.5 * h, mass, box)
        v = v + 0.5 * h * system.pull(x, box, params) / mass[..., None]
        return replace(state, position=x, velocity=self.bonds.hold_velocity(v, self.bonds.apart(x, box), mass))

    def glide(self, x: Tensor, v: Tensor, h: Tensor, mass: Tensor, box: Box) -> tuple[Tensor, Tensor]:
        after = self.bonds.hold_position(x + h * v, self.bonds.apart(x, box), mass, box)
        return after, self.bonds.hold_velocity((after - x) / h, self.bonds.apart(after, box), mass)

    def shaken(self, state: AtomState, params: Params, dt: Tensor, v: Tensor, mass: Tensor) -> Tensor:
        assert self.thermostat is not None
        heat, friction = params[self.thermostat.temperature].double(), params[self.thermostat.friction].double()
        keep, noise = self.thermostat.coefficients(heat, friction, dt.to(heat.device))
        xi = standard_normal(state.seed, state.step, torch.empty_like(v.detach()))
        return keep.to(v)[:, None, None] * v + noise.to(v)[:, None, None] * xi / mass.sqrt()[..., None]

    def observe(self, system: System, state: AtomState, params: Params) -> dict[str, Tensor]:
        """virial, stress and pressure with the forces of the rigid bonds, W_ab -= sum_k mu_k d_a d_b; float64."""
        box, mass = system.box_of(state), system.masses.differentiable(params).double()
        x, v = state.position.double(), state.velocity.double()
        d = self.bonds.apart(x, box)
        mu = self.bonds.tension(system.pull(state.position, box, params).double(), v, d, mass)
        held = torch.einsum("bck,bckx,bcky->bxy", mu * self.bonds.real, d, d)
        sums = system.forces.differentiable_sums(state.position, box, params)
        virial = sums[:, 1:].reshape(-1, box.dim, box.dim) - held
        carried = ((mass[..., None] * v)[..., None] * v[:, :, None]).sum(dim=1)
        stress = (carried + virial) / box.volume.view(-1, 1, 1)
        return {"virial": virial, "stress": stress, "pressure": stress.diagonal(dim1=1, dim2=2).mean(dim=1)}
