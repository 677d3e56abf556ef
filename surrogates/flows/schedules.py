"""Times of the steps of a sampler that suit one flow, found by dynamic programming."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.choices import spell
from scenegrad.surrogates.flows.field import Field
from scenegrad.surrogates.flows.samplers import RK4, RungeKutta, evenly
from scenegrad.surrogates.flows.starts import white
from scenegrad.surrogates.flows.stepper import FlowStepper
from scenegrad.surrogates.training.checkpoint import load_model, read_checkpoint, write_checkpoint
from scenegrad.surrogates.training.fit import Fit

__all__ = ["best_times", "schedule"]


def schedule(fit: Fit, sampler: RungeKutta, *, among: int = 32, batch: int = 64, seed: int = 0) -> Fit:
    """The same trained flow with this sampler, whose steps are at the times that suit it best, and its checkpoint so.

    [Nguyen, Nguyen & Nguyen 2024, Bellman optimal step-size straightening of flow-matching models, ICLR,
    arXiv:2312.16414.] The flow is followed once in `among` fine steps of RK4, for a calibration batch of the training
    part; see `best_times`. Nothing is trained: the network is asked about among^2 / 2 times per stage of the sampler,
    and for some hundred draws.
    """
    if not isinstance(fit.model, FlowStepper):
        raise EngineError(f"schedule(...) is for trained flows; this is a {type(fit.model).__name__}.")
    if not isinstance(sampler, RungeKutta):
        raise EngineError(
            f"schedule(...) finds the times of Euler(n), Heun(n) or RK4(n); {sampler} chooses or needs no times."
        )
    model, window = fit.model, fit.samples.window("train", range(min(batch, fit.samples.count("train"))))
    window = window.to(str(model.scales.output_mean.device))
    like = model.scales.write(window.targets[0], window.inputs, window.dt)
    x0 = model.begin(white(like.shape, torch.Generator().manual_seed(seed), like), window.inputs, window.dt)
    field = model.field(*model.told(window.inputs, window.params, window.dt, x0))
    chosen = replace(sampler, times=best_times(field, x0, sampler, among))
    content = read_checkpoint(fit.path)
    content["model"]["network"]["sampler"] = spell(chosen)
    write_checkpoint(fit.path, content)
    return replace(fit, model=load_model(fit.path).to(like.device))


@torch.no_grad()
def best_times(field: Field, x: Tensor, sampler: RungeKutta, among: int = 32) -> tuple[float, ...]:
    """The times of sampler.steps steps, out of n / among, with the least sum of the errors of each, then settled.

    The error of a step from s to r is that of the sampler when it begins on the way, the root mean square over the
    batch at r; the least sum is the shortest path of so many edges [Bellman 1957]. It does not see that errors grow and
    cancel on the way to s = 1. So each time is moved by one, from there and from even times, as long as the whole comes
    closer to the true ends of the batch; the better of both is taken.
    """
    if not 1 <= sampler.steps <= among:
        raise EngineError(f"{sampler.steps} steps are to be found among {among}; take among={4 * sampler.steps}.")
    fine = followed(field, x, among)
    costs = errors(field, fine, sampler)
    best = torch.full((among + 1,), torch.inf, dtype=torch.float64)
    best[0], came = 0.0, []
    for _ in range(sampler.steps):
        best, before = (best[:, None] + costs).min(dim=0)
        came.append(before)
    place, places = among, [among]
    for before in reversed(came):
        place = int(before[place])
        places.append(place)
    even = [round(n * among / sampler.steps) for n in range(sampler.steps + 1)]

    def missed(places: Sequence[int]) -> float:
        times = tuple(evenly(among)[n] for n in places)
        return float((replace(sampler, times=times)(field, x) - fine[-1]).double().square().mean())

    found = min((settled(begin, missed) for begin in (places[::-1], even)), key=missed)
    return tuple(evenly(among)[n] for n in found)


def settled(places: Sequence[int], missed: Callable[[Sequence[int]], float]) -> list[int]:
    """Moved one by one, the ends apart, until no move makes less of what is missed."""
    best, least, moved = list(places), missed(places), True
    while moved:
        moved = False
        for number in range(1, len(best) - 1):
            for step in (-1, 1):
                tried = [*best[:number], best[number] + step, *best[number + 1 :]]
                if tried[number - 1] < tried[number] < tried[number + 1] and (value := missed(tried)) < least:
                    best, least, moved = tried, value, True
    return best


def followed(field: Field, x: Tensor, among: int) -> list[Tensor]:
    """Where the flow is at all the times."""
    fine = [x]
    for begin, end in pairwise(evenly(among)):
        fine.append(RK4().step(field.velocity, fine[-1], begin, end - begin))
    return fine


def errors(field: Field, fine: Sequence[Tensor], sampler: RungeKutta) -> Tensor:
    """Of one step between any two of the times [from, to]; infinite backwards."""
    x, among = fine[0], len(fine) - 1
    times = evenly(among)
    costs = torch.full((among + 1, among + 1), torch.inf, dtype=torch.float64)
    for i, begin in enumerate(times[:-1]):
        slope = field.velocity(fine[i], torch.full((len(x),), begin, dtype=x.dtype, device=x.device))
        for j in range(i + 1, among + 1):
            reached = sampler.step(field.velocity, fine[i], begin, times[j] - begin, slope)
            costs[i, j] = (reached - fine[j]).double().square().mean().sqrt()
    return costs
