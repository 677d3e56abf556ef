"""Which output of a scene is meant."""

from __future__ import annotations

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.data.trajectories import Trajectories

__all__ = ["probe_on"]


def probe_on(grid: tuple[int, ...], data: Trajectories, asked: str | None) -> str:
    """The output that was asked for, or the only one, or the only one whose fields lie on this grid."""
    probes = list(data.probes)
    if asked in probes or (asked is None and len(probes) == 1):
        return asked or probes[0]
    member = data.members[0]

    def shape(probe: str, quantity: str) -> tuple[int, ...]:
        return data.read(member, probe, quantity, slice(0, 1)).shape[1 : 1 + len(grid)]

    fitting = [p for p in probes if all(shape(p, quantity) == grid for quantity in data.quantities(p))]
    if asked is None and len(fitting) == 1:
        return fitting[0]
    listed = "; ".join(f"{p}: {', '.join(data.quantities(p))}" for p in probes)
    raise EngineError(
        f"probe={asked!r} does not tell one output; on {grid} points lie the fields of {', '.join(fitting) or 'none'}. "
        f"What was recorded: {listed}."
    )
