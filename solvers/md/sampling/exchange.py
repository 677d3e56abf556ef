"""Replica exchange: copies of a system at a ladder of temperatures, which neighbours swap.

[Swendsen & Wang 1986, Phys. Rev. Lett. 57, 2607; Sugita & Okamoto 1999, Chem. Phys. Lett. 314, 141]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.engine.statistics import autocorrelation_time
from scenegrad.solvers.md.sampling.draws import uniforms
from scenegrad.solvers.md.sampling.mbar import MBAR, mbar
from scenegrad.solvers.md.sampling.members import Members, System, members

__all__ = ["ReplicaExchange", "replica_exchange"]


@dataclass(frozen=True)
class ReplicaExchange:
    """What came of a run; given as `start`, the run goes on as if it had never stopped.

    temperatures [rung], ascending. energies: potential, [exchange, ladder, rung] float64. at: which replica stood on
    which rung after each exchange [exchange, ladder, rung]. tried, accepted [rung - 1]: swaps of a rung with the next,
    since the first start. positions: [exchange, ladder, rung, atom, dim] where they were asked for. bound: to which end
    of the ladder each replica is on its way [ladder, replica]: 1 to the hot one, -1 back, 0 before it saw the cold one.
    round_trips: from the coldest rung to the hottest and back [ladder, replica].
    """

    temperatures: Tensor
    energies: Tensor
    at: Tensor
    tried: Tensor
    accepted: Tensor
    bound: Tensor
    round_trips: Tensor
    members: Members
    done: int  # exchanges since the first start
    positions: Tensor | None = None

    @property
    def acceptance(self) -> Tensor:
        """Share of swaps that were accepted, by pair of rungs [rung - 1]."""
        return self.accepted / self.tried.clamp(min=1)

    @property
    def samples(self) -> Tensor:
        """Energies rung by rung [sample], as `mbar` has them."""
        return self.energies.permute(2, 0, 1).flatten()

    @property
    def inefficiency(self) -> float:
        """How many frames are worth an independent one, on the rung that remembers longest; the mean over ladders."""
        return float(2.0 * autocorrelation_time(self.energies).mean(dim=0).max())

    def watched(self, frames: int, every: int) -> Tensor:
        """Positions while replicas stay where they stand at the end [frame, ladder, rung, atom, dim], `every` steps
        apart: for what follows one atom, such as `lindemann`. The run itself is as it was."""
        moving, at, seen = self.members, self.at[-1], []
        ladder = torch.arange(len(at), device=at.device)[:, None]
        for _ in range(frames):
            moving = moving.moved(every)
            x = moving.state.position
            seen.append(x.view(*at.shape, *x.shape[1:])[ladder, at])
        return torch.stack(seen)

    def mbar(self) -> MBAR:
        """Of the temperatures: free energies are ln Z_0 - ln Z_k, configurational."""
        frames, ladders, rungs = self.energies.shape
        reduced = self.samples / self.temperatures[:, None]
        return mbar(reduced, [frames * ladders] * rungs, inefficiency=self.inefficiency)


def replica_exchange(
    system: System,
    temperatures: Sequence[float],
    *,
    every: int = 100,
    exchanges: int = 100,
    ladders: int = 1,
    warmup: int = 0,
    dt: float | None = None,
    seed: int = 0,
    keep_positions: bool = False,
    start: ReplicaExchange | None = None,
    device: str = "auto",
    dtype: str = "float32",
) -> ReplicaExchange:
    """Moves `ladders` independent ladders of replicas, and lets neighbours swap their temperatures.

    system: a scene whose dynamics hold a temperature; or (solver, state, params) with ladders * len(temperatures)
    members, ladder by ladder. every: steps between exchanges. warmup: steps before the first. dt: of the scene, or a
    fifth of the stability bound.

    Rungs k and k + 1 swap with probability min(1, exp((1/T_k - 1/T_k+1)(U_k - U_k+1))); even and odd pairs take turns
    [Okabe et al. 2001]. Temperatures move, coordinates stay: a swap costs nothing. All replicas are members of one
    batch. The same seed gives the same run.
    """
    rungs = torch.tensor([float(t) for t in temperatures], dtype=torch.float64)
    if len(rungs) < 2 or bool((rungs.diff() <= 0.0).any()):
        raise EngineError(f"A ladder has two temperatures or more, ascending; got {rungs.tolist()}.")
    if min(every, exchanges, ladders) < 1:
        raise EngineError(f"every={every}, exchanges={exchanges} and ladders={ladders} must each be 1 or more.")
    if start is None:
        moving = members(system, rungs.tolist() * ladders, seed, dt, device, dtype).moved(warmup)
        place = moving.state.position.device
        rungs = rungs.to(place)
        at = torch.arange(len(rungs), device=place).repeat(ladders, 1)
        tried = torch.zeros(len(rungs) - 1, dtype=torch.int64, device=place)
        accepted, bound, trips, done = tried.clone(), torch.zeros_like(at), torch.zeros_like(at), 0
    else:
        if not torch.equal(start.temperatures.cpu(), rungs):
            raise EngineError(f"The run to go on with has temperatures {start.temperatures.tolist()}.")
        moving, rungs, at, done = start.members, start.temperatures, start.at[-1], start.done
        tried, accepted, bound, trips = start.tried, start.accepted, start.bound, start.round_trips

    seeds = moving.state.seed.view(at.shape)[:, 0]  # decisions of a ladder are drawn from its first replica's
    energies, places, frames = [], [], []
    for count in range(done, done + exchanges):
        moving = moving.moved(every)
        energy = moving.energy()
        here = energy.view(at.shape).gather(1, at)  # [ladder, rung]
        chosen = swaps(here, rungs, uniforms(seeds, count, len(rungs) - 1), count % 2)
        tried = tried + (torch.arange(len(rungs) - 1, device=at.device) % 2 == count % 2) * len(at)
        accepted = accepted + chosen.sum(dim=0)
        energies.append(here)
        if keep_positions:
            x = moving.state.position
            frames.append(x.view(*at.shape, *x.shape[1:])[torch.arange(len(at), device=at.device)[:, None], at])
        at = swapped(at, chosen)
        rung = torch.argsort(at, dim=1)  # of each replica
        moving = moving.at(rungs[rung].flatten())
        home = (bound == -1) & (rung == 0)
        trips = trips + home
        bound = torch.where(rung == 0, 1, torch.where((rung == len(rungs) - 1) & (bound == 1), -1, bound))
        places.append(at)
    found = torch.stack(energies)
    moving.refuse_what_is_not_finite(found)
    positions = torch.stack(frames) if keep_positions else None
    count = done + exchanges
    return ReplicaExchange(rungs, found, torch.stack(places), tried, accepted, bound, trips, moving, count, positions)


def swaps(energy: Tensor, temperatures: Tensor, drawn: Tensor, parity: int) -> Tensor:
    """Which rungs swap with the next [ladder, rung - 1], of energies [ladder, rung], by uniform numbers."""
    beta = 1.0 / temperatures
    gain = (beta[:-1] - beta[1:]) * (energy[:, :-1] - energy[:, 1:])
    turn = torch.arange(len(temperatures) - 1, device=energy.device) % 2 == parity
    return (drawn.log() < gain) & turn


def swapped(at: Tensor, chosen: Tensor) -> Tensor:
    """at [ladder, rung], with the entries of chosen neighbours [ladder, rung - 1] exchanged; no two of them touch."""
    nothing = chosen.new_zeros(len(chosen), 1)
    up, down = torch.cat([chosen, nothing], dim=1), torch.cat([nothing, chosen], dim=1)
    from_above, from_below = at.roll(-1, dims=1), at.roll(1, dims=1)
    return torch.where(up, from_above, torch.where(down, from_below, at))
