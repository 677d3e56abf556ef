"""Swap Monte Carlo: atoms of two species trade places between stretches of dynamics, past what would hold them.

[Gazzillo & Pastore 1989; Grigera & Parisi 2001, Phys. Rev. E 63, 045102; Berthier, Flenner, Fullerton, Scalliet &
Singh 2019, J. Stat. Mech. 064004, with dynamics in between]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.errors import nearest
from scenegrad.solvers.md.sampling.draws import uniforms
from scenegrad.solvers.md.sampling.members import Members, System, held, members

__all__ = ["SwapMonteCarlo", "ergodic_measure", "swap_monte_carlo"]


@dataclass(frozen=True)
class SwapMonteCarlo:
    """What came of a run; given as `start`, the run goes on as if it had never stopped.

    energies: potential, after each round [round, member] float64. accepted [member] of tried swaps, since the start.
    positions: [round, member, atom, dim] where they were asked for.
    """

    energies: Tensor
    accepted: Tensor
    tried: int
    members: Members
    done: int  # rounds since the first start
    positions: Tensor | None = None

    @property
    def acceptance(self) -> Tensor:
        """[member]"""
        return self.accepted / max(self.tried, 1)


def swap_monte_carlo(
    system: System,
    between: tuple[str, str],
    *,
    rounds: int = 100,
    every: int = 20,
    swaps: int = 20,
    copies: int = 1,
    temperature: float | None = None,
    warmup: int = 0,
    dt: float | None = None,
    seed: int = 0,
    keep_positions: bool = False,
    start: SwapMonteCarlo | None = None,
    device: str = "auto",
    dtype: str = "float32",
) -> SwapMonteCarlo:
    """Rounds of `every` steps of dynamics, then `swaps` attempts in each of `copies` systems, all in one batch.

    between: names of two species. An attempt picks an atom of each at random and lets them trade their species, which
    is to trade their places: velocities stay with the species. It is accepted with probability min(1, exp(-dU / T)).
    swaps=0 is dynamics alone, to compare with.
    """
    if min(rounds, copies) < 1 or min(every, swaps) < 0 or every + swaps < 1:
        raise EngineError(f"rounds={rounds}, copies={copies}, every={every} and swaps={swaps} leave nothing to do.")
    run = start.members if start else members(system, held(system, temperature, copies), seed, dt, device, dtype)
    moving = run if start else run.moved(warmup)
    first, second = (atoms_of(moving, name) for name in between)
    done, batch = start.done if start else 0, torch.arange(moving.batch, device=moving.state.position.device)
    accepted = start.accepted if start else torch.zeros_like(batch)
    energies, frames = [], []
    for count in range(done, done + rounds):
        moving = moving.moved(every)
        energy, x = moving.energy(), moving.state.position
        drawn = uniforms(moving.state.seed, count, 3 * swaps)
        for pick_a, pick_b, chance in drawn.view(moving.batch, swaps, 3).permute(1, 2, 0):
            a = first[(pick_a * len(first)).long().clamp(max=len(first) - 1)]
            b = second[(pick_b * len(second)).long().clamp(max=len(second) - 1)]
            trial = x.clone()
            trial[batch, a], trial[batch, b] = x[batch, b], x[batch, a]
            after = moving.energy(trial)
            good = chance.log() < (energy - after) / moving.temperature
            x = torch.where(good[:, None, None], trial, x)
            energy = torch.where(good, after, energy)
            accepted = accepted + good
        moving = replace(moving, state=replace(moving.state, position=x))
        energies.append(energy)
        frames += [x] if keep_positions else []
    found = torch.stack(energies)
    moving.refuse_what_is_not_finite(found)
    tried = (start.tried if start else 0) + rounds * swaps
    return SwapMonteCarlo(
        found, accepted, tried, moving, done + rounds, torch.stack(frames) if keep_positions else None
    )


def atoms_of(moving: Members, name: str) -> Tensor:
    """Numbers of the atoms of a species."""
    known = moving.names
    if name not in known:
        raise EngineError(f"between names {name!r}; the atoms here are {', '.join(known)}.{nearest(name, known)}")
    return (moving.solver.system.species == known.index(name)).nonzero()[:, 0]


def ergodic_measure(energies: Tensor) -> Tensor:
    """Omega(t) / Omega(first): mean square difference between the running means of independent copies [frame].

    energies [frame, member]. It falls like 1/t once every copy has seen what the others have, and stays where they are
    each caught in a part of space [Mountain & Thirumalai 1989, J. Phys. Chem. 93, 6975].
    """
    if energies.ndim != 2 or energies.shape[1] < 2:
        raise EngineError(
            f"ergodic_measure got energies of shape {tuple(energies.shape)}; it takes [frame, 2 or more]."
        )
    frames = torch.arange(1, len(energies) + 1, dtype=torch.float64, device=energies.device)
    spread = (energies.double().cumsum(dim=0) / frames[:, None]).var(dim=1)
    return spread / spread[0]
