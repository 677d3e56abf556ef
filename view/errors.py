"""What can go wrong while looking at results."""

from scenegrad.engine.errors import EngineError

__all__ = ["ViewError"]


class ViewError(EngineError):
    """A picture that cannot be drawn: nothing there to draw, or nothing here to draw it with."""
