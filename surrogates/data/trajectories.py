"""Ensembles of simulations, and what they must be to be learnt from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from scenegrad.engine.errors import EngineError
from scenegrad.engine.files.open_files import OpenFiles
from scenegrad.surrogates.data.split import fingerprint
from scenegrad.surrogates.operators.names import Names

__all__ = [
    "Trajectories", "grid_of", "identities", "once", "parameter_table", "probe_of", "refuse_unfinished",
    "uniform_interval",
]  # fmt: skip


class Trajectories(Protocol):
    """An ensemble of simulations, as `generate` leaves it."""

    @property
    def members(self) -> Sequence[int]: ...

    @property
    def probes(self) -> Sequence[str]: ...

    @property
    def parameters(self) -> dict[str, np.ndarray]: ...  # by address, one row for each of `members`

    @property
    def hash(self) -> str: ...

    def read(
        self, member: int, probe: str, quantity: str, frames: slice = slice(None)
    ) -> np.ndarray: ...  # [frame, ...]

    def times(self, probe: str) -> np.ndarray: ...  # [frame]

    def quantities(self, probe: str) -> Iterable[str]: ...


def identities(data: Trajectories) -> list[str]:
    """What each trajectory is, whatever its place and whichever of its fields a network names: a hash of its parameters
    and of the first frame of every field and particle that was recorded. Networks of one dataset so share a split."""
    if (told := getattr(data, "identities", None)) is not None:
        return list(told)
    return list(once(data, "identities", lambda: found_in(data)))


def found_in(data: Trajectories) -> list[str]:
    kind = getattr(data, "kind", lambda probe: "grid")
    recorded = [probe for probe in data.probes if kind(probe) != "series"] or list(data.probes)
    parameters = {address: np.asarray(values) for address, values in data.parameters.items()}

    def identity(place: int, member: int) -> str:
        told = {address: values[place] for address, values in parameters.items()}
        for probe in recorded:
            for name in data.quantities(probe):
                first = data.read(member, probe, name, slice(0, 1))
                told[f"{probe}.{name}" if name in told else name] = np.ascontiguousarray(first, dtype=np.float32)
        return fingerprint(told)

    return [identity(place, member) for place, member in enumerate(data.members)]


Found = TypeVar("Found")
KNOWN: WeakKeyDictionary[Trajectories, dict[Hashable, Any]] = WeakKeyDictionary()


def once(data: Trajectories, what: Hashable, find: Callable[[], Found]) -> Found:
    """What `find` says, which is asked but once where it reads files that stay open: those stay as they are. Arrays in
    memory may change, and are looked at each time."""
    if not isinstance(getattr(data, "handles", None), OpenFiles):
        return find()
    known: dict[Hashable, Any] = KNOWN.setdefault(data, {})
    if what not in known:
        known[what] = find()
    return known[what]


def refuse_unfinished(data: Trajectories) -> None:
    """An ensemble of which members are still to come: what is trained on it could not be made again."""
    if missing := list(getattr(data, "missing", ())):
        listed = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        raise EngineError(
            f"{getattr(data, 'path', 'This dataset')} is not finished: {len(missing)} members are missing ({listed}). "
            f"Run generate again with the same arguments: it makes those, and only those."
        )


def probe_of(data: Trajectories, asked: str | None, wanted: Sequence[str]) -> str:
    """The output that was asked for, or the only one that recorded all the fields."""
    recorded = {probe: list(data.quantities(probe)) for probe in data.probes}
    fitting = [probe for probe, quantities in recorded.items() if set(wanted) <= set(quantities)]
    if asked in fitting or (asked is None and len(fitting) == 1):
        return asked or fitting[0]
    listed = "; ".join(f"{probe}: {', '.join(quantities)}" for probe, quantities in recorded.items())
    where = f"of probe={asked!r}" if asked else "and no probe" if fitting else "of these trajectories"
    raise EngineError(
        f"Windows got the fields {', '.join(wanted)} {where}. What was recorded: {listed}. Let the network name fields "
        f"of one output, or the scene record what it names."
    )


def parameter_table(data: Trajectories, addresses: Sequence[str]) -> dict[str, np.ndarray]:
    known = data.parameters
    if missing := [address for address in addresses if address not in known]:
        raise EngineError(
            f"The network conditions on {', '.join(missing)}, which these trajectories do not record; they record "
            f"{', '.join(known) or 'none'}. Let the scene vary it, or leave it out of the network's parameters."
        )
    return {address: np.asarray(known[address], dtype=np.float64) for address in addresses}


def uniform_interval(times: np.ndarray, probe: str) -> float:
    steps = np.diff(times)
    if len(steps) == 0 or np.ptp(steps) > 1e-6 * steps.mean():
        raise EngineError(f"The frames of {probe} are not evenly spaced in time: {times[:4].tolist()} ...")
    return float((times[-1] - times[0]) / len(steps))


def grid_of(shapes: Mapping[str, tuple[int, ...]], names: Names) -> tuple[int, ...]:
    """Points along each axis, the same for every field. shapes: [frame, *grid] or [frame, *grid, component] of each."""
    grids = {name: shape[1:-1] if name in names.components else shape[1:] for name, shape in shapes.items()}
    if len(set(grids.values())) != 1:
        raise EngineError(
            f"The fields do not share a grid: {grids}. A vector [*grid, component] needs components={{name: dim}}."
        )
    for name, size in names.components.items():
        if name in shapes and shapes[name][-1] != size:
            raise EngineError(
                f"The network takes {name} to have {size} components; in the data it has {shapes[name][-1]}. "
                f"Build it with components={{{name!r}: {shapes[name][-1]}}}."
            )
    return next(iter(grids.values()))
