"""How a flow on a mesh keeps its laws, term by term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.signals import Signal
from scenegrad.solvers.navier_stokes.finite_element.convection import lifted
from scenegrad.solvers.navier_stokes.finite_element.flow import Moment
from scenegrad.solvers.navier_stokes.finite_element.solver import FlowSolver
from scenegrad.solvers.navier_stokes.finite_element.space import Shape
from scenegrad.solvers.navier_stokes.finite_element.state import FlowState
from scenegrad.solvers.shared.roots import root

__all__ = ["Budget"]


@dataclass(frozen=True)
class Budget:
    """Of the last step, with the velocity v amid it and its rate of change a: the equations, tested with v itself.

        d/dt density/2 integral |u|^2 = forcing + buoyancy - viscosity - drag + inflow + pressure + walls + numerical

    `walls` is the work of what holds the nodes on the sides, `inflow` - integral v . (v . grad) v, `pressure` that of
    the pressures outside, and `numerical` what the equations leave over at the nodes that are free: the error of a
    step, or of the solution where all is steady. The left side is the change of the energy over the step. `residual`
    is what is left over in units of an acceleration; it falls with dt, for the pressure is that at the step's end. In
    the first frame of a flow that marches there is no step yet, and its rates are zero.
    """

    solver: FlowSolver

    @property
    def steady(self) -> bool:
        """Whether what pulls on the sides says the same at all times."""
        return not any(isinstance(pull.given, Signal) for pull in self.solver.sides.pulls)

    @property
    def units(self) -> Mapping[str, str]:
        dim = self.solver.space.dim
        depth = "/m" if dim == 2 else ""
        found = {"divergence_max": "1/s", "divergence_rms": "1/s", "residual": "m/s^2", "kinetic_energy": f"J{depth}"}
        found |= {"enstrophy": f"m^{dim}/s^2", "palinstrophy": "m/s^2" if dim == 3 else "1/s^2"}
        causes = ("rate", "forcing", "buoyancy", "drag", "viscosity", "walls", "pressure", "inflow", "numerical")
        for cause in (*causes, "stretching", "other"):
            found |= {f"energy_{cause}": f"W{depth}", f"enstrophy_{cause}": f"m^{dim}/s^3"}
        return found

    def __call__(self, state: FlowState, params: Params) -> dict[str, Tensor]:
        solver = self.solver
        u, before = state.velocity.double(), state.before.double()
        v, rate = 0.5 * (u + before), (u - before) * state.pace.double()[..., None]
        density = params[f"{solver.fluid}.density"].double()
        now, calm = self.moments(state, v, rate, params)
        shape = now.shape
        grad = self.gradient(u, shape)
        gap = grad.diagonal(dim1=-2, dim2=-1).sum(-1)
        volume = shape.measure[:, :, None] * solver.space.element.weights
        found = {
            "divergence_max": gap.flatten(1).abs().amax(1),
            "divergence_rms": root((gap.square() * volume).flatten(1).sum(1) / volume.flatten(1).sum(1)),
            "kinetic_energy": 0.5 * density * self.inner(u, u, shape),
        }
        left, _ = self.left(state, v, now, density)
        powers = self.powers(v, rate, left, now, calm)
        found |= {f"energy_{cause}": density * power for cause, power in powers.items()}
        found |= self.spins(u, v, rate, now)
        found["residual"] = self.residual(left, shape)
        if not self.steady:
            lost = ("energy_pressure", "energy_walls", "energy_numerical", "residual")
            found = {name: value for name, value in found.items() if name not in lost}
        return found

    def moments(self, state: FlowState, v: Tensor, rate: Tensor, params: Params) -> tuple[Moment, Moment]:
        """The equations amid the last step, and the same without what lifts the fluid."""
        solver, vertices = self.solver, state.vertices.double()
        nought = vertices.new_zeros(len(vertices))
        density = params[f"{solver.fluid}.density"].double()
        force = vertices.new_zeros(len(vertices), solver.space.dim)
        calm = Moment(
            solver.space.shape(vertices),
            params[f"{solver.fluid}.viscosity"].double(),
            params[f"{solver.fluid}.drag"].double(),
            nought,
            force if solver.force is None else params[solver.force].double(),
            solver.sides.load(params, nought, vertices) / density.view(-1, 1, 1),
            rate,
            v if solver.inertia else None,
        )
        lift = [None if one.buoyancy is None else params[one.buoyancy].double() for one in solver.tracers]
        tracers = 0.5 * (state.tracers.double() + state.tracers_before.double())
        return lifted(calm, list(tracers.unbind(1)), lift), calm

    def left(self, state: FlowState, v: Tensor, now: Moment, density: Tensor) -> tuple[Tensor, Tensor]:
        """What is left of momentum [batch, node, dim], and of continuity, per density."""
        flow = replace(self.solver.equations.flow, advected=False)
        return flow.split(flow.left(flow.join(v, state.pressure.double() / density[:, None]), now))

    # ---- integrals over the mesh

    def gradient(self, u: Tensor, shape: Shape) -> Tensor:
        """du_i / dx_j at the points of the quadrature [batch, element, q, i, j]."""
        space = self.solver.space
        return torch.einsum("xeqaj,xeai->xeqij", shape.gradient(space.element.slope), space.gather(u))

    def at_points(self, field: Tensor) -> Tensor:
        return torch.einsum("qa,xea...->xeq...", self.solver.space.element.value, self.solver.space.gather(field))

    def inner(self, a: Tensor, b: Tensor, shape: Shape) -> Tensor:
        """Integral of a . b, of fields at the nodes [batch, node, dim] -> [batch]"""
        return self.whole((self.at_points(a) * self.at_points(b)).sum(-1), shape)

    def whole(self, field: Tensor, shape: Shape) -> Tensor:
        """Integral of what is given at the points of the quadrature [batch, element, q] -> [batch]"""
        volume = shape.measure[:, :, None] * self.solver.space.element.weights
        return (field * volume).flatten(1).sum(1)

    # ---- budgets

    def powers(self, v: Tensor, rate: Tensor, left: Tensor, now: Moment, calm: Moment) -> dict[str, Tensor]:
        """Per density [batch]"""
        solver, shape = self.solver, now.shape
        held = solver.sides.held
        grad = self.gradient(v, shape)
        found = {
            "rate": self.inner(v, rate, shape),
            "viscosity": -now.viscosity * self.whole(grad.square().sum((-1, -2)), shape),
            "drag": -now.drag * self.inner(v, v, shape),
            "walls": (v * left * held).flatten(1).sum(1),
            "numerical": (v * left * ~held).flatten(1).sum(1),
        }
        if solver.force is not None:
            found["forcing"] = self.whole((self.at_points(v) * now.force[:, None, None]).sum(-1), shape)
        if any(one.buoyancy is not None for one in solver.tracers):
            assert now.memory is not None
            found["buoyancy"] = self.inner(v, rate - now.memory, shape)
        if solver.inertia:
            wind = self.at_points(v)
            found["inflow"] = -self.whole(torch.einsum("xeqj,xeqij,xeqi->xeq", wind, grad, wind), shape)
        if solver.sides.pulls:
            found["pressure"] = -(v * calm.load).flatten(1).sum(1)
        return found

    def spins(self, u: Tensor, v: Tensor, rate: Tensor, now: Moment) -> dict[str, Tensor]:
        """Enstrophy, and what viscosity, drag and in three dimensions stretching do to it; `other` is the rest, most of
        it from the walls."""
        shape = now.shape
        w, at = self.curl(self.gradient(u, shape)), self.gradient(v, shape)
        spin = self.curl(at)
        slopes = self.slopes_squared(u, shape)
        found = {
            "enstrophy": 0.5 * self.whole(w.square().sum(-1), shape),
            "palinstrophy": 0.5 * slopes,
            "enstrophy_rate": self.whole((spin * self.curl(self.gradient(rate, shape))).sum(-1), shape),
            "enstrophy_viscosity": -now.viscosity * self.slopes_squared(v, shape),
            "enstrophy_drag": -now.drag * self.whole(spin.square().sum(-1), shape),
        }
        if self.solver.space.dim == 3:
            stretched = torch.einsum("xeqi,xeqij,xeqj->xeq", spin, at, spin)
            found["enstrophy_stretching"] = self.whole(stretched, shape)
        terms = [value for name, value in found.items() if name.startswith("enstrophy_") and name != "enstrophy_rate"]
        found["enstrophy_other"] = found["enstrophy_rate"] - torch.stack(terms).sum(0)
        return found

    def curl(self, grad: Tensor) -> Tensor:
        """[..., i, j] of du_i / dx_j -> [..., 1 or 3]"""
        planes = ((1, 0),) if grad.shape[-1] == 2 else ((2, 1), (0, 2), (1, 0))
        return torch.stack([grad[..., i, j] - grad[..., j, i] for i, j in planes], dim=-1)

    def slopes_squared(self, u: Tensor, shape: Shape) -> Tensor:
        """Integral of |grad w|^2 within the elements, where w is linear [batch]"""
        space = self.solver.space
        grad = torch.einsum("xeqaj,xeai->xeqij", shape.gradient(space.nodal.slope), space.gather(u))
        corners = self.curl(grad[:, :, : space.dim + 1])  # the first nodes of an element are its corners
        slopes = torch.einsum("xekc,xekj->xecj", corners, shape.slopes)
        return (slopes.square().sum((-1, -2)) * shape.measure).sum(1)

    def residual(self, left: Tensor, shape: Shape) -> Tensor:
        """What the equations leave over at the free nodes, by the integral of each function's size: the root of the
        mean square [batch] [m/s^2]."""
        space = self.solver.space
        share = torch.einsum("q,qa,xe->xea", space.element.weights, space.element.value.abs(), shape.measure)
        mass = space.scatter(share[..., None]) * ~self.solver.sides.held
        square = torch.where(mass > 0, left.square() / torch.where(mass > 0, mass, 1.0), 0.0)
        return root(square.flatten(1).sum(1) / mass.flatten(1).sum(1).clamp(min=torch.finfo(mass.dtype).tiny))
