"""Backward Euler on the nodes: the forces are those of the end of the step, so that no wave limits dt.

m (v - v^n) = dt f(v),   f = -dW(F')/dx + weight + walls that press at x + dt v,   F' = (I + dt C(v)) F

[Stomakhin et al. 2013; Jiang et al. 2016, section 10]. Of first order in dt; vibrations that a step does not resolve
are damped. What friction can bear is that of the beginning of the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from scenegrad.engine.errors import Diverged
from scenegrad.scenes.methods import Implicit
from scenegrad.solvers.mpm.implicit.balance import Balance
from scenegrad.solvers.mpm.implicit.passes import Passes
from scenegrad.solvers.mpm.passes import Pass
from scenegrad.solvers.mpm.state import ParticleState
from scenegrad.solvers.shared.newton import Root, newton

if TYPE_CHECKING:
    from scenegrad.solvers.mpm.workspace import Workspace

__all__ = ["BackwardEuler"]

SOON = 30  # Newton steps at most where a shorter step is easily tried


class BackwardEuler:
    """The passes from particles to node velocities as one: forward, and transposed by the implicit function theorem.

    error: local error of the last step in the places of the nodes, in units of dx [batch]. takes_back: whether who asks
    for steps takes those of infinite error back; a step that finds no balance is one, and else ends the run.
    """

    error: Tensor
    takes_back = False
    balance: Balance

    def __init__(self, work: Workspace, settings: Implicit, arrive: Sequence[Pass], walls: Sequence[Pass]):
        """arrive: the passes that bring matter to the nodes; walls: those that say what friction there can bear."""
        self.work, self.settings = work, settings
        self.passes = Passes(work, arrive, walls)
        self.before = work.colliders.before if work.colliders else ()

    def run(self, arrays: Mapping[str, Any]) -> None:
        for each in self.before:
            each.run(arrays)
        balance = self.balance = Balance(self.passes, arrays, self.settings)
        start = balance.begin()
        most = min(self.settings.newton, SOON) if self.takes_back else self.settings.newton
        root = newton(balance, start, balance.goal, steps=most, iterations=self.settings.krylov)
        if not self.takes_back:
            refuse_failed(root, balance.dt)
        self.work.nodes["velocity"].copy_(torch.where(root.found[:, None, None], root.x, start))
        balance.answer(self.work.nodes["velocity"])
        # x_trapezoid - x_euler = dt/2 (v^n - v), the root of its mean square over the mass
        error = 0.5 * balance.dt.double() / self.work.grid.dx * balance.mean(root.x - start)
        self.error = torch.where(root.found, error, torch.inf)

    def marked(self, state: ParticleState) -> ParticleState:
        """A state without balance is none: velocities that are no numbers stop whoever does not take it back."""
        lost = torch.isinf(self.error).to(state.velocity.device)
        if not bool(lost.any()):
            return state
        return replace(state, velocity=torch.where(lost[:, None, None], torch.nan, state.velocity))

    def run_transposed(self, arrays: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """r(v, s) = 0 stays true when s changes: where dr/dv' L is the cotangent of v, that of s is -dr/ds' L.

        Of the step that ran last."""
        self.balance.transpose(self.work.nodes["velocity"], self.work.room("velocity bar", self.work.grid.dim), found)
        for each in reversed(self.before):
            each.run_transposed(arrays, found)


def refuse_failed(root: Root, dt: Tensor) -> None:
    if bool(root.found.all()):
        return
    member = int(torch.nonzero(~root.found)[0])
    step = float(dt[member])
    raise Diverged(
        f"The implicit step of member {member} found no balance: after {int(root.steps[member])} Newton steps and "
        f"{int(root.iterations[member])} linear iterations an error of {float(root.error[member]):.3g} is left in "
        f"the velocities, {float(root.goal[member]):.3g} was asked for [kg^1/2 m/s]; dt = {step:.3g}. Take a smaller "
        f"dt or cfl, such as dt = {step / 2:.3g}; Implicit(newton=, krylov=) allow more work, tolerance= asks less.",
        tuple(int(i) for i in torch.nonzero(~root.found).flatten()),
    )
