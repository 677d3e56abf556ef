"""Which families of solvers have cases, and where."""

from __future__ import annotations

from importlib import import_module

from scenegrad.scenes.errors import SceneError, nearest
from scenegrad.verification.case import Case

__all__ = ["FAMILIES", "cases_of"]

FAMILIES = {  # modules with a tuple CASES
    "md": "scenegrad.verification.md",
    "mpm": "scenegrad.verification.mpm",
    "navier-stokes": "scenegrad.verification.navier_stokes",
}


def cases_of(family: str, quick: bool = False, only: str | None = None, device: str = "cpu") -> tuple[Case, ...]:
    """Cases of a family that the device can bear, in their order. quick: the quick half. only: a part of the name."""
    if family not in FAMILIES:
        raise SceneError(
            f"There is nothing to verify under {family!r}.{nearest(family, FAMILIES)} There is: {', '.join(FAMILIES)}."
        )
    cases: tuple[Case, ...] = import_module(FAMILIES[family]).CASES
    chosen = tuple(case for case in cases if (case.quick or not quick) and (only is None or only in case.name))
    borne = tuple(case for case in chosen if device.startswith(case.needs))
    if chosen and not borne:
        raise SceneError(f"{chosen[0].name} takes --device {chosen[0].needs}, and this is {device}.")
    if not chosen:
        names = [case.name for case in cases]
        raise SceneError(
            f"No {'quick ' if quick else ''}case of {family} has {only!r} in its name.{nearest(only or '', names)} "
            f"There are: {', '.join(names)}."
        )
    return borne
