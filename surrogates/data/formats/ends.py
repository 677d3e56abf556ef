"""A few values out of data too large to be read whole."""

from __future__ import annotations

import numpy as np

from scenegrad.surrogates.data.trajectories import Trajectories

__all__ = ["ends"]


def ends(data: Trajectories) -> dict[str, np.ndarray]:
    """First and last frame of the first and the last trajectory, by a name for each."""
    last = slice(-1, None)
    return {
        f"{probe} {name} of {member} from {frames.start}": data.read(member, probe, name, frames)
        for probe in data.probes
        for name in data.quantities(probe)
        for member in (data.members[0], data.members[-1])
        for frames in (slice(0, 1), last)
    }
