"""The potential energy of atoms and their forces, as functions of positions and params that torch differentiates."""

from __future__ import annotations

from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState

__all__ = ["forces", "potential_energy"]


def potential_energy(solver: AtomSolver, state: AtomState, params: Params) -> Tensor:
    """U(x, p) of each member [batch], float64 [energy], whatever it is made of: kernels, sums over waves, networks.

    It is differentiable twice: a gradient by `state.position` that is taken with create_graph=True is minus the force,
    and can be differentiated by positions and params once more.
    """
    refuse_others(solver)
    return solver.system.forces.differentiable_energy(state.position, solver.system.box_of(state), params)


def forces(solver: AtomSolver, state: AtomState, params: Params) -> Tensor:
    """F(x, p) = -dU/dx [batch, atom, dim], differentiable by `state.position` and params: for force matching."""
    refuse_others(solver)
    return solver.system.forces.differentiable_force(state.position, solver.system.box_of(state), params)


def refuse_others(solver: AtomSolver) -> None:
    if not isinstance(solver, AtomSolver):
        raise EngineError(
            f"{type(solver).__name__} has no potential energy; atoms have one: solver, state, params = "
            f"sg.compile(scene) of a scene with sg.Atoms."
        )
