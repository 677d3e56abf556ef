"""What can be wrong with a scene: each message says what was given, what is allowed and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["SceneError", "closest", "nearest"]


class SceneError(Exception):
    """A scene, or a file of one, that cannot be run as it stands."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """' Did you mean ...?' where one of the allowed names is close, else nothing."""
    meant = closest(name, allowed)
    return "" if meant is None else f" Did you mean {meant!r}?"


def closest(name: str, allowed: Iterable[str]) -> str | None:
    """Of the allowed names the shortest that goes on where this one ends, else the most alike that is like it."""
    names = list(allowed)
    longer = [one for one in names if len(name) > 2 and one.startswith(name)]
    close = sorted(longer, key=len) or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return close[0] if close else None
