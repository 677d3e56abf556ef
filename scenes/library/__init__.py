"""Ready scenes, each a function of a few numbers."""

from scenegrad.scenes.library.fluids import decaying_turbulence, kolmogorov, taylor_green

__all__ = ["decaying_turbulence", "kolmogorov", "taylor_green"]
