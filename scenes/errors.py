"""What can be wrong with a scene: each message says what was given, what is allowed and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["SceneError", "nearest"]


class SceneError(Exception):
    """A scene, or a file of one, that cannot be run as it stands."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """' Did you mean ...?' where one of the allowed names is close, else nothing."""
    close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
