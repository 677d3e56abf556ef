"""Averages of an equilibrium as functions of the potential's parameters, from frames that were drawn with others.

Frames x_i of the distribution exp(-u_0), u = U / (k_B T), stand for that of other parameters p by the weights

    w_i = exp(u_0(x_i) - u_p(x_i)) / sum_j exp(u_0(x_j) - u_p(x_j)),    <O>_p = sum_i w_i O(x_i),

whose derivative needs the energies of frames alone and no trajectory, however chaotic that was:
d<O>/dp = <dO/dp> - <O du/dp> + <O> <du/dp>. It holds while many frames have a weight: their effective share is
exp(-sum_i w_i ln w_i) / N, and where that is small, new frames are drawn.
[Zwanzig 1954, J. Chem. Phys. 22, 1420; Thaler & Zavadlav 2021, Nat. Commun. 12, 6884]
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.state import Params, tensors, with_tensors
from scenegrad.scenes.atom_outputs import MSD, VelocityCorrelation
from scenegrad.scenes.scene import Scene
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.md.sampling.members import TEMPERATURE, Members, System, held, members
from scenegrad.solvers.md.solver import AtomSolver
from scenegrad.solvers.md.state import AtomState

__all__ = ["Reweighting", "reweighting"]

BLOCKS = 10  # that frames of a single copy are parted into for error bars


@dataclass(frozen=True)
class Source:
    """Where frames come from: moving systems, the steps before the first frame and between frames, and how many."""

    moving: Members
    settle: int
    every: int
    frames: int

    def drawn(self, steps: int) -> tuple[Source, AtomState]:
        """Frames of all copies, frame by frame, after some steps that are not looked at."""
        moving = self.moving.moved(steps)
        seen = []
        for _ in range(self.frames):
            moving = moving.moved(self.every)
            seen.append(tensors(moving.state))
        joined = {name: torch.cat([one[name] for one in seen]) for name in seen[0]}
        return replace(self, moving=moving), with_tensors(moving.state, joined)

    def at(self, params: Params) -> Source:
        """The same systems with other params [1, ...]."""
        moving = self.moving.at(params[TEMPERATURE].expand(self.moving.batch))
        return replace(self, moving=replace(moving, params=spread(params, self.moving.batch)))


@dataclass(frozen=True)
class Reweighting:
    """Frames [frame], copy by copy within each, and what is known of them. Params that methods take are of one system,
    [1, ...], as `params` has them: the ones that frames were drawn with.

    solver holds all frames as members of one batch. reduced: their u_0 [frame]. threshold: share of frames that has to
    have a weight. copies: independent systems that frames were drawn from.
    """

    solver: AtomSolver
    frames: AtomState
    params: Params
    reduced: Tensor
    copies: int
    threshold: float
    source: Source | None = None

    def energies(self, params: Params) -> Tensor:
        """u = U / (k_B T) of each frame, float64 [frame], differentiable by params [1, ...]."""
        return reduced(self.solver, self.frames, spread(params, len(self.reduced)))

    def weights(self, params: Params) -> Tensor:
        """w [frame], which add up to 1; differentiable by params."""
        found = torch.softmax(self.reduced - self.energies(params), dim=0)
        if not bool(torch.isfinite(found).all()):
            raise EngineError("The energies of frames are not finite at these params; take smaller steps of them.")
        return found

    def effective(self, params: Params) -> float:
        """Share of the frames that has a weight, exp(-sum w ln w) / N: 1 at the params they were drawn with."""
        with torch.no_grad():
            w = self.weights(params)
            return float(torch.exp(-torch.special.xlogy(w, w).sum())) / len(w)

    def average(self, values: Tensor, params: Params) -> Tensor:
        """<O> of values [frame, ...], which may depend on params themselves."""
        return torch.tensordot(self.weights(params), values.double(), dims=1)

    def error(self, values: Tensor, params: Params) -> Tensor:
        """Standard error of `average` from the independent copies, by the jackknife; of blocks of a single one."""
        with torch.no_grad():
            w, values = self.weights(params), values.detach().double()
            count = self.copies if self.copies > 1 else min(BLOCKS, len(w))
            number = torch.arange(len(w), device=w.device)
            part = number % count if self.copies > 1 else number * count // len(w)
            weighted = w.view(-1, *[1] * (values.ndim - 1)) * values
            sums = values.new_zeros(count, *values.shape[1:]).index_add_(0, part, weighted)
            share = w.new_zeros(count).index_add_(0, part, w).view(-1, *[1] * (values.ndim - 1))
            without = (sums.sum(dim=0) - sums) / (1.0 - share)
            return ((count - 1) * (without - without.mean(dim=0)).square().mean(dim=0)).sqrt()

    def slopes(self, values: Tensor, params: Params) -> dict[str, Tensor]:
        """d<O>/dp of values [frame, ...] that do not depend on params themselves, by the address of each that asks for
        a gradient [..., *shape of p]: all of them at once, from one derivative of the energies."""
        apart = spread(params.detach(), len(self.reduced))
        wanted = {a: apart[a].clone().requires_grad_() for a, value in params.items() if value.requires_grad}
        with torch.enable_grad():
            u = reduced(self.solver, self.frames, apart.replace(wanted))
            felt = torch.autograd.grad(u.sum(), list(wanted.values()), allow_unused=True, materialize_grads=True)
        w, values = self.weights(params).detach(), values.detach().double()
        from_mean = (values - torch.tensordot(w, values, dims=1)) * w.view(-1, *[1] * (values.ndim - 1))
        return {
            a: -torch.tensordot(from_mean.movedim(0, -1), g.double(), dims=1) for a, g in zip(wanted, felt, strict=True)
        }

    def measured(self, params: Params) -> dict[str, Any]:
        """What the outputs of the scene see in every frame [frame, ...], by their names; a dict of them where an output
        has several quantities. Velocities are those that were drawn."""
        apart = spread(params, len(self.reduced))
        found = {probe.name: probe.measure(self.frames, apart) for probe in self.solver.program.probes}
        return {name: next(iter(one.values())) if len(one) == 1 else one for name, one in found.items()}

    def renewed(self, params: Params) -> Reweighting:
        """Itself while enough frames have a weight at these params; otherwise frames drawn with them."""
        if (share := self.effective(params)) >= self.threshold:
            return self
        if self.source is None:
            raise EngineError(
                f"At these params {share:.1%} of the frames have a weight, less than the threshold of "
                f"{self.threshold:.1%}, and the frames were given. Give the scene instead, from which new ones are "
                "drawn, or more frames."
            )
        source, frames = self.source.at(params.detach()).drawn(self.source.settle)
        return framed(self.solver, frames, leaves(params), self.copies, self.threshold, source)


def reweighting(
    system: System,
    *,
    frames: int = 100,
    every: int = 50,
    copies: int = 8,
    warmup: int = 1000,
    settle: int = 200,
    threshold: float = 0.5,
    temperature: float | None = None,
    dt: float | None = None,
    seed: int = 0,
    device: str = "auto",
    dtype: str = "float32",
) -> Reweighting:
    """Draws frames * copies configurations of a scene, of which averages follow as functions of its parameters.

    system: a scene whose dynamics hold a temperature; or (solver, state, params) whose members are frames that have
    been drawn already, from a batch of one potential. every: steps between frames. warmup: steps before the first;
    settle: before the first of new ones. threshold: the effective share of frames below which `renewed` draws new ones.

    Outputs of the scene that compare a frame with earlier ones have no such average and are left out.
    """
    if not 0.0 < threshold <= 1.0:
        raise EngineError(f"threshold={threshold} is a share of frames: above 0, at most 1.")
    if not isinstance(system, Scene):
        solver, state, params = system
        one = Params({address: value[:1] for address, value in params.items()})
        unlike = [a for a, value in params.items() if not bool((value == value[:1]).all())]
        if unlike:
            raise EngineError(f"Frames of one potential have the same params; {', '.join(unlike)} differ in the batch.")
        return framed(solver, state, leaves(one), 1, threshold, None)
    if min(frames, every, copies) < 1 or frames * copies < 2:
        raise EngineError(f"frames={frames}, every={every} and copies={copies} must each be 1 or more.")
    past = {name for name, output in system.outputs.items() if isinstance(output, MSD | VelocityCorrelation)}
    scene = system.model_copy(update={"outputs": {n: o for n, o in system.outputs.items() if n not in past}})
    moving = members(scene, held(scene, temperature, copies), seed, dt, device, dtype)
    source, drawn = Source(moving, settle, every, frames).drawn(warmup)
    holder, _, known = compile_scene([scene] * (frames * copies), device, dtype)
    assert isinstance(holder, AtomSolver)
    asks = [a for a, value in known.items() if value.requires_grad]
    one = Params({a: value[:1] for a, value in moving.params.items()})
    return framed(holder, drawn, leaves(one, asks), copies, threshold, source)


def framed(
    solver: AtomSolver, frames: AtomState, params: Params, copies: int, threshold: float, source: Source | None
) -> Reweighting:
    with torch.no_grad():
        energies = reduced(solver, frames, spread(params, len(frames.position)))
    if not bool(torch.isfinite(energies).all()):
        raise EngineError("The energies of frames that were drawn are not finite. Take a smaller dt.")
    return Reweighting(solver, frames, params, energies, copies, threshold, source)


def reduced(solver: AtomSolver, frames: AtomState, params: Params) -> Tensor:
    """U / (k_B T) of each frame [frame] with params of its own [frame, ...]."""
    if TEMPERATURE not in params:
        raise EngineError(
            "The params hold no dynamics.temperature, at which frames are drawn. Give the scene dynamics with a "
            "temperature that is a number, such as Langevin(temperature=1.0)."
        )
    system = solver.system
    energy = system.forces.differentiable_sums(frames.position, system.box_of(frames), params)[:, 0]
    return energy / (solver.boltzmann * params[TEMPERATURE].double())


def spread(params: Params, count: int) -> Params:
    """Params [1, ...] for each of many members."""
    return Params({a: value.expand(count, *value.shape[1:]).contiguous() for a, value in params.items()})


def leaves(params: Params, asks: list[str] | None = None) -> Params:
    """Copies that remember no graph, and ask for a gradient where these do, or at the addresses given."""
    return Params(
        {
            a: value.detach().clone().requires_grad_(value.requires_grad if asks is None else a in asks)
            for a, value in params.items()
        }
    )
