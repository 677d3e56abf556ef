"""Ready scenes, each a function of a few numbers."""

from scenegrad.scenes.library.atoms import argon, kob_andersen, lj_fluid, melting_crystal
from scenegrad.scenes.library.fluids import decaying_turbulence, kolmogorov, taylor_green
from scenegrad.scenes.library.soft import soft_walker
from scenegrad.scenes.library.solids import bar_vibration, colliding_disks, dam_break, elastic_drop

__all__ = [
    "argon", "bar_vibration", "colliding_disks", "dam_break", "decaying_turbulence", "elastic_drop", "kob_andersen",
    "kolmogorov", "lj_fluid", "melting_crystal", "soft_walker", "taylor_green",
]  # fmt: skip
