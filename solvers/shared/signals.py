"""The value of a signal at a time, as a differentiable function of the numbers in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.signals import Signal, Sine, Table

__all__ = ["addresses", "peak", "peaks", "span", "value_at", "values_at"]

FIELDS: dict[type[Signal], tuple[str, ...]] = {
    Table: ("values",),
    Sine: ("amplitude", "frequency", "phase", "offset"),
}


def addresses(address: str, signal: Any) -> tuple[str, ...]:
    """Where the numbers of a signal that can learn are found; a plain number is found at `address` itself."""
    if not isinstance(signal, Signal):
        return (address,)
    return tuple(f"{address}.{field}" for field in FIELDS[type(signal)])


def value_at(params: Params, address: str, signal: Any, time: Tensor) -> Tensor:
    """The value at `time` [batch], float64 on the device of the params [batch].

    signal: of any member of the batch; members share its kind and, for a table, `every` and the number of values.
    """
    numbers = [params[a].double() for a in addresses(address, signal)]
    if not isinstance(signal, Signal):
        return numbers[0]
    t = time.to(numbers[0].device, torch.float64)
    if isinstance(signal, Table):
        return interpolate(numbers[0], t / signal.every)
    amplitude, frequency, phase, offset = numbers
    return offset + amplitude * torch.sin(2.0 * math.pi * frequency * t + phase)


def peak(params: Params, address: str, signal: Any) -> Tensor:
    """The value that is largest in size, float64 [batch]; of a plain number, the number."""
    numbers = [params[a].double() for a in addresses(address, signal)]
    if not isinstance(signal, Signal):
        return numbers[0]
    if isinstance(signal, Table):
        return strongest(numbers[0])
    amplitude, _, _, offset = numbers
    return torch.where(offset < 0, offset - amplitude.abs(), offset + amplitude.abs())


def span(params: Params, address: str, signal: Any) -> tuple[Tensor, Tensor]:
    """The least and the largest value at any time, float64 [batch]; of a plain number, the number twice."""
    numbers = [params[a].double() for a in addresses(address, signal)]
    if not isinstance(signal, Signal):
        return numbers[0], numbers[0]
    if isinstance(signal, Table):
        return numbers[0].amin(-1), numbers[0].amax(-1)
    amplitude, _, _, offset = numbers
    return offset - amplitude.abs(), offset + amplitude.abs()


def values_at(params: Params, signals: Sequence[tuple[str, Any]], time: Tensor) -> Tensor:
    """`value_at` of several signals, (address, signal) each [batch, signal].

    Plain numbers, and tables of one spacing and length, are looked up together: many muscles cost little more than one.
    """

    def looked_up(values: Tensor, every: float) -> Tensor:
        return interpolate(values, time.to(values.device, torch.float64) / every)

    return together(params, signals, lambda a, signal: value_at(params, a, signal, time), looked_up)


def peaks(params: Params, signals: Sequence[tuple[str, Any]]) -> Tensor:
    """`peak` of several signals, (address, signal) each [batch, signal]."""
    return together(params, signals, lambda a, signal: peak(params, a, signal), lambda values, every: strongest(values))


def together(
    params: Params,
    signals: Sequence[tuple[str, Any]],
    alone: Callable[[str, Any], Tensor],
    tables: Callable[[Tensor, float], Tensor],
) -> Tensor:
    """[batch, signal]: those of a kind at once by `tables` of (values [batch, n, knot], every), the others `alone`."""
    columns: dict[int, Tensor] = {}
    alike: dict[tuple[float, int] | None, list[int]] = {}
    for number, (address, signal) in enumerate(signals):
        if isinstance(signal, Table):
            alike.setdefault((signal.every, params[f"{address}.values"].shape[1]), []).append(number)
        elif not isinstance(signal, Signal):
            alike.setdefault(None, []).append(number)
        else:
            columns[number] = alone(address, signal)
    for key, numbers in alike.items():
        values = torch.stack([params[addresses(*signals[n])[0]] for n in numbers], dim=1).double()
        found = values if key is None else tables(values, key[0])
        if len(numbers) == len(signals):
            return found
        columns.update(zip(numbers, found.unbind(1), strict=True))
    return torch.stack([columns[n] for n in range(len(signals))], dim=1)


def strongest(values: Tensor) -> Tensor:
    """That of each row which is largest in size [..., knot] -> [...]."""
    return values.gather(-1, values.abs().argmax(dim=-1, keepdim=True)).squeeze(-1)


def interpolate(values: Tensor, place: Tensor) -> Tensor:
    """values [batch, ..., knot] at `place` [batch], counted in knots: linear between them, held before and after."""
    last = values.shape[-1] - 1
    place = place.clamp(0.0, float(last)).view(-1, *[1] * (values.ndim - 1))
    left = place.floor().long().clamp(max=max(last - 1, 0))
    right = (left + 1).clamp(max=last)
    shape = (*values.shape[:-1], 1)
    ends = values.gather(-1, left.expand(shape)), values.gather(-1, right.expand(shape))
    return torch.lerp(*ends, place - left).squeeze(-1)
