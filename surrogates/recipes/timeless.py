"""Scenes whose laws do not change with time: the only ones that can be entered at any moment by their fields alone."""

from __future__ import annotations

from scenegrad.engine.errors import EngineError
from scenegrad.scenes.address import leaves
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.signals import Signal

__all__ = ["refuse_clocks"]


def refuse_clocks(scene: Scene) -> None:
    """A window of data tells no time, so a solver that begins at it begins at t = 0; signals would be those of then."""
    told = ", ".join(address for address, _ in leaves(scene, (Signal,)))
    if told:
        raise EngineError(
            f"Scene {scene.name!r} has signals of time ({told}). A window of its data does not tell when it was, so "
            f"that its solver cannot be started there. Give numbers in their place, or compare with frames instead."
        )
