"""The window moves through time."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from scenegrad.view import ViewError, show
from scenegrad.view.files import open_frames
from scenegrad.view.looks import look
from scenegrad.view.stage import stage
from scenegrad.view.window import Player, add_controls, open_window


class Film:
    """Remembers what it was asked to show."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def show(self, index: int) -> None:
        self.seen.append(index)


def test_time_runs_only_while_it_plays_and_starts_again_at_the_end() -> None:
    film = Film()
    player = Player(film, 3)
    assert not player.tick()
    player.toggle()
    assert [player.tick() for _ in range(4)] == [True] * 4
    player.toggle()
    assert not player.tick()
    assert film.seen == [1, 2, 0, 1]


def test_the_slider_stays_within_the_frames() -> None:
    film = Film()
    player = Player(film, 3)
    for place in (-1.0, 0.6, 7.0):
        player.go(place)
    assert film.seen == [0, 1, 2]


@pytest.mark.usefixtures("rendering")
def test_moving_the_slider_changes_the_picture(run_folder: Path, samples: ModuleType) -> None:
    samples.write_flat_field(run_folder, [np.full((8, 4), k % 2 * 2.0 - 1.0) for k in range(3)])
    frames = open_frames(run_folder)
    plotter = stage((320, 240))
    player = Player(look(plotter, frames, None, range(3), None), 3)
    player.go(0)
    slider: Any = add_controls(plotter, player)
    before = np.array(plotter.screenshot(return_img=True)).astype(int)
    slider.GetRepresentation().SetValue(1.0)
    slider.InvokeEvent("InteractionEvent")
    slider.InvokeEvent("EndInteractionEvent")
    plotter.render()  # as a widget that is dragged does by itself
    after = np.array(plotter.screenshot(return_img=True)).astype(int)
    plotter.close()
    frames.close()
    assert player.index == 1
    assert np.abs(before - after).mean() > 10


@pytest.mark.usefixtures("rendering")
def test_a_window_opens_on_every_kind_of_frames(tmp_path: Path, samples: ModuleType) -> None:
    samples.write_block(tmp_path / "block", side=2)
    samples.write_atoms(tmp_path / "atoms", cells=2)
    for folder in ("block", "atoms"):
        open_window(tmp_path / folder, size=(200, 150), off_screen=True)


@pytest.mark.skipif(sys.platform != "linux", reason="displays are named by DISPLAY on Linux only")
@pytest.mark.usefixtures("rendering")
def test_a_display_that_does_not_answer_is_said_to_be_so(
    run_folder: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.write_block(run_folder, side=2)
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.delenv("VTK_DEFAULT_OPENGL_WINDOW", raising=False)
    with pytest.raises(ViewError, match=r"':4711' does not answer"):
        show(run_folder)
