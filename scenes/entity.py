"""Whatever a scene holds under a name."""

from scenegrad.scenes.kinds import Kind

__all__ = ["Entity"]


class Entity(Kind):
    """A body, a fluid, atoms, a wall, a potential, ..."""

    family = "entity"

    def dim(self) -> int | None:
        """Number of space dimensions where the entity fixes it."""
        return None
