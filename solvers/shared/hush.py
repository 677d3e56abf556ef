"""Warp starts without a word where all is well."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache

__all__ = ["hush_warp"]

EXPECTED = "NVIDIA CUDA driver"  # that a machine without a GPU has no driver for one is no news


@cache
def hush_warp() -> None:
    """Initialises Warp. It reports what it finds and loads on standard output, where programs read our answers, and
    its library writes past Python to standard error; of that, only what nobody expects is passed on."""
    import warp

    if warp.config.log_level == warp.LOG_INFO:
        warp.config.log_level = warp.LOG_WARNING
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile("w+") as said:
        os.dup2(said.fileno(), 2)
        try:
            warp.init()
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
        said.seek(0)
        for line in said:
            if EXPECTED not in line:
                print(line, end="", file=sys.stderr)
