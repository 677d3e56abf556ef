"""By single keys one goes through all that the frames offer, and the window shows it."""

from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from scenegrad.view.choosing import Choosing, after
from scenegrad.view.viewing import Viewing
from scenegrad.view.window import Choosers

pytestmark = pytest.mark.usefixtures("rendering")


def flow(samples: ModuleType, folder: Path) -> Path:
    x, y = np.meshgrid(*[(np.arange(12) + 0.5) / 12] * 2, indexing="ij")
    layout = samples.Grid((12, 12), (1 / 12,) * 2, (1 / 24,) * 2, (False, False))
    frames = [{"velocity": np.stack([(1 + k) * y**2, -(x**3)], axis=-1)} for k in range(3)]
    table = {"name": "turn", "domain": {"size": [1.0, 1.0]}, "entities": {"water": {"kind": "fluid"}}}
    written: Path = samples.write(folder, "fields", layout, frames, table)
    return written


def test_after_the_last_comes_the_first() -> None:
    assert [after("abc", one) for one in "abcx"] == ["b", "c", "a", "a"]


def test_each_key_takes_the_next_and_keeps_the_frame(run_folder: Path, samples: ModuleType) -> None:
    flow(samples, run_folder)
    viewing = Viewing(run_folder, size=(240, 180))
    viewing.player.go(2)
    choosing = Choosing(viewing.showing)
    seen = [choosing.next_field() for _ in range(4)]
    assert sorted(map(str, seen)) == ["speed", "velocity_x", "velocity_y", "vorticity"]
    styles = [choosing.next_style() for _ in range(4)]
    assert styles == ["isosurfaces", "streamlines", "arrows", "image"]
    assert choosing.next_map() == "viridis"
    assert viewing.showing.choices.cmap == "viridis"
    assert viewing.showing.index == 2
    choosing.cut((1, 0, 0), (0.5, 0.5, 0))
    assert viewing.showing.choices.clip is not None
    choosing.cut((1, 0, 0), (-9.0, 0.5, 0))  # the plane was drawn out of the box
    assert viewing.showing.choices.clip.through == (0.5, 0.5, 0.0)  # type: ignore[union-attr]
    choosing.whole()
    assert viewing.showing.choices.clip is None
    viewing.close()


def test_keys_of_the_window_change_the_picture(run_folder: Path, samples: ModuleType) -> None:
    flow(samples, run_folder)
    viewing = Viewing(run_folder, size=(240, 180))
    viewing.player.go(2)
    Choosers(viewing)
    pictures = [np.asarray(viewing.plotter.screenshot(return_img=True)).astype(int)]
    for key in "ntx":
        for act in viewing.plotter.iren._key_press_event_callbacks[key]:
            act()
        pictures.append(np.asarray(viewing.plotter.screenshot(return_img=True)).astype(int))
    viewing.close()
    changes = [float(np.abs(one - other).mean()) for one, other in pairwise(pictures)]
    assert min(changes) > 0.2, changes
