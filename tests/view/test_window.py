"""The window moves through time."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from scenegrad.engine.files.frames import part_name
from scenegrad.view import ViewError, show
from scenegrad.view.player import Player
from scenegrad.view.viewing import Viewing
from scenegrad.view.window import Controls, open_window


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
    viewing = Viewing(run_folder, size=(320, 240))
    plotter, player = viewing.plotter, viewing.player
    slider = Controls(viewing).slider
    before = np.array(plotter.screenshot(return_img=True)).astype(int)
    slider.GetRepresentation().SetValue(1.0)
    slider.InvokeEvent("InteractionEvent")
    slider.InvokeEvent("EndInteractionEvent")
    plotter.render()  # as a widget that is dragged does by itself
    after = np.array(plotter.screenshot(return_img=True)).astype(int)
    viewing.close()
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


@pytest.mark.skipif(sys.platform == "win32", reason="refused on Windows")
@pytest.mark.usefixtures("rendering")
def test_the_slider_of_the_window_grows_with_a_run_that_goes_on(run_folder: Path, samples: ModuleType) -> None:
    samples.write_block(run_folder, side=2, frames=2, finished=False)
    viewing = Viewing(run_folder, live=True, size=(200, 150))
    controls = Controls(viewing)
    longer = samples.write_block(run_folder.with_name("longer"), side=2, frames=4, finished=False)
    part_name(longer).replace(part_name(run_folder / longer.name))
    controls.tick()
    assert controls.slider.GetRepresentation().GetMaximumValue() == 3
    assert viewing.player.index == 3, "the newest frame is not followed"
    viewing.close()
