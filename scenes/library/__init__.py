"""Ready scenes, each a function of a few numbers."""

from scenegrad.scenes.library.fluids import decaying_turbulence, kolmogorov, taylor_green
from scenegrad.scenes.library.solids import bar_vibration, colliding_disks, dam_break, elastic_drop

__all__ = [
    "bar_vibration", "colliding_disks", "dam_break", "decaying_turbulence", "elastic_drop",
    "kolmogorov", "taylor_green",
]  # fmt: skip
