"""What is asked of the operating system. Imports nothing of ours, so that every folder may import it."""

from scenegrad.system.memory import bounded_memory
from scenegrad.system.naming import appearing, publish, sweep

__all__ = ["appearing", "bounded_memory", "publish", "sweep"]
