"""Error bars of means of correlated series, and how long a series remembers."""

from scenegrad.engine.statistics import Blocked, autocorrelation_time, blocking

__all__ = ["Blocked", "autocorrelation_time", "blocking"]
