"""Samples for the tests of pictures."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """The module beside this one that writes small result files."""
    path = Path(__file__).with_name("samples.py")
    spec = importlib.util.spec_from_file_location("view_samples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pixels() -> Callable[[Path], np.ndarray]:
    """A picture file as an array [row from the top, column, red green blue]."""
    return lambda path: np.asarray(Image.open(path).convert("RGB")).astype(int)


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real browser without a window; skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as player:
        opened = player.chromium.launch(executable_path=path, args=["--use-angle=swiftshader", "--no-sandbox"])
        yield opened
        opened.close()
