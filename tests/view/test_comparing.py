"""Two runs side by side: the difference is that of the numbers, and what does not fit together is refused in words."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scenegrad import view
from scenegrad.view.choices import Choices
from scenegrad.view.comparing import draw_comparison, open_pair
from scenegrad.view.errors import ViewError

SIZE = (240, 180)


def fields(samples: ModuleType, folder: Path, scale: float, many: int = 3, cells: int = 16, every: float = 0.1) -> Path:
    """Frames whose vorticity is `scale` on the right and its opposite on the left, growing frame by frame."""
    sign = np.where(np.arange(cells)[:, None] < cells // 2, -1.0, 1.0) * np.ones((cells, cells // 2))
    layout = samples.Grid((cells, cells // 2), (2 / cells,) * 2, (1 / cells,) * 2, (True, True))
    frames = [{"vorticity": scale * (1 + k) * sign} for k in range(many)]
    table = samples.flat_scene()
    written: Path = samples.write(folder, "fields", layout, frames, table, every, {"vorticity": "1/s"})
    return written


def test_the_difference_is_the_second_less_the_first(tmp_path: Path, samples: ModuleType) -> None:
    fields(samples, tmp_path / "a", 1.0)
    fields(samples, tmp_path / "b", 1.5, many=5)
    pair = open_pair(tmp_path / "a", tmp_path / "b", Choices(), None)
    assert pair.pairs == [(0, 0), (1, 1), (2, 2)], "as far as both go"
    apart = pair.apart.values("difference", 2)
    np.testing.assert_allclose(np.abs(apart), 1.5)
    assert np.all(np.sign(apart) == np.sign(pair.first.values("vorticity", 2)))
    pair.close()


def test_frames_at_equal_times_are_compared_whatever_their_numbers(tmp_path: Path, samples: ModuleType) -> None:
    fields(samples, tmp_path / "a", 1.0, many=3, every=0.2)
    fields(samples, tmp_path / "b", 1.0, many=5, every=0.1)
    pair = open_pair(tmp_path / "a", tmp_path / "b", Choices(), None)
    assert pair.pairs == [(0, 0), (1, 2), (2, 4)]
    pair.close()


def test_particles_are_followed_one_by_one_and_over_the_ends_of_the_box(tmp_path: Path, samples: ModuleType) -> None:
    """All atoms of the second run stand 0.2 further; those that have left the box came in on the other side."""
    samples.write_atoms(tmp_path / "a", frames=2)
    samples.write_atoms(tmp_path / "b", frames=1)
    pair = open_pair(tmp_path / "a", tmp_path / "b", Choices(), 1.0)
    moved = pair.apart.values("displacement", 1)
    assert pair.pairs == [(0, 0), (1, 0)]
    np.testing.assert_allclose(moved, 0.8, atol=1e-5)
    np.testing.assert_allclose(pair.apart.values("displacement", 0), 0.0, atol=1e-5)
    pair.close()


@pytest.mark.usefixtures("rendering")
def test_both_have_the_colours_of_the_first(tmp_path: Path, samples: ModuleType, pixels: Any) -> None:
    """Half of its values are half as strong; the difference has the other sign, in other colours."""
    fields(samples, tmp_path / "a", 1.0, many=1)
    fields(samples, tmp_path / "b", 0.5, many=1)
    draw_comparison(tmp_path / "a", tmp_path / "b", tmp_path / "c.png", size=SIZE)
    seen = pixels(tmp_path / "c.png")
    assert seen.shape == (SIZE[1], 3 * SIZE[0], 3)
    first, second, apart = (seen[:, k * SIZE[0] : (k + 1) * SIZE[0]] for k in range(3))
    right = (80, 150)
    assert second[right][1] > first[right][1] + 60, "red, and a paler red"
    assert min(one[right][0] - one[right][2] for one in (first, second)) > 60
    assert apart[right][2] > apart[right][1] + 20, "of less than the first: purple"
    assert apart[80, 70][0] > apart[80, 70][2] + 40, "orange on the left"


@pytest.mark.usefixtures("rendering")
def test_a_film_has_a_frame_for_each_pair(tmp_path: Path, samples: ModuleType) -> None:
    fields(samples, tmp_path / "a", 1.0)
    fields(samples, tmp_path / "b", 1.1)
    draw_comparison(tmp_path / "a", tmp_path / "b", tmp_path / "c.gif", size=(160, 120))
    with Image.open(tmp_path / "c.gif") as film:
        assert film.n_frames == 3
        assert film.size == (480, 120)


def test_what_does_not_fit_is_refused(tmp_path: Path, samples: ModuleType) -> None:
    fields(samples, tmp_path / "a", 1.0)
    fields(samples, tmp_path / "coarse", 1.0, cells=8)
    fields(samples, tmp_path / "late", 1.0, many=2, every=0.137)
    samples.write_block(tmp_path / "block", side=2)
    samples.write_block(tmp_path / "bigger", side=3)
    cases = [
        ("a", "coarse", {}, "16 x 8 samples and .* 8 x 4; fields are compared on one grid"),
        ("a", "block", {"field": "speed"}, "has no field|has a field"),
        ("block", "bigger", {}, "8 particles and .* 27"),
        ("a", "late", {"labels": ("one",)}, "give two"),
    ]
    for first, second, how, message in cases:
        with pytest.raises(ViewError, match=message):
            view.compare(tmp_path / first, tmp_path / second, tmp_path / "c.png", **how)  # type: ignore[arg-type]
    with pytest.raises(ViewError, match=r"one of \.png"):
        view.compare(tmp_path / "a", tmp_path / "a", tmp_path / "c.txt")
    from scenegrad.view.differences import pairs_of
    from scenegrad.view.files import open_frames

    one, other = open_frames(tmp_path / "a"), open_frames(tmp_path / "late")
    other.times[:] += 0.05
    with pytest.raises(ViewError, match=r"no frames at equal times.*The nearest two are 0\.0[0-9]+ s apart"):
        pairs_of(one, other, None)
    one.close()
    other.close()
