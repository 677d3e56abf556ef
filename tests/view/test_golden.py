"""The picture of each family is the one that somebody has looked at.

Pictures are compared coarsely, so that another version of the drawing library, with other edges and letters, draws the
same picture; and closely enough that a wrong field, a turned axis or missing particles are another one.
"""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scenegrad.view.pictures import draw_picture

pytestmark = pytest.mark.usefixtures("rendering")

spec = importlib.util.spec_from_file_location("view_families", Path(__file__).with_name("families.py"))
assert spec is not None
assert spec.loader is not None
families = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = families
spec.loader.exec_module(families)

BLOCK = 8  # pixels that are taken together
COLOUR = 4.0  # of 255: mean distance of the blocks
STRUCTURE = 0.96  # correlation of the blocks with those of the picture that was looked at
COVERED = (0.01, 0.75)  # share of the picture, but its edge, that is not paper


def blocks(path: Path) -> np.ndarray:
    """Mean colours [row, column, 3]."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=float)
    height, width = (edge // BLOCK for edge in pixels.shape[:2])
    return pixels[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK, 3).mean(axis=(1, 3))


def distance(drawn: np.ndarray, kept: np.ndarray) -> tuple[float, float]:
    """Mean distance of colours, and how well the structure agrees."""
    colour = float(np.linalg.norm(drawn - kept, axis=-1).mean())
    away = [(255.0 - one).ravel() for one in (drawn, kept)]
    return colour, float(np.corrcoef(*away)[0, 1])


def agrees(drawn: Path, name: str) -> bool:
    colour, structure = distance(blocks(drawn), blocks(families.GOLDEN / f"{name}.png"))
    return colour < COLOUR and structure > STRUCTURE


@pytest.mark.parametrize("name", families.FAMILIES)
def test_each_family_looks_as_it_did_when_somebody_looked(tmp_path: Path, samples: ModuleType, name: str) -> None:
    families.FAMILIES[name](samples, tmp_path)
    draw_picture(tmp_path, tmp_path / "p.png", size=families.SIZE)
    colour, structure = distance(blocks(tmp_path / "p.png"), blocks(families.GOLDEN / f"{name}.png"))
    assert colour < COLOUR, f"the colours of {name} are {colour:.1f} away"
    assert structure > STRUCTURE, f"the structure of {name} agrees to {structure:.3f} only"
    with Image.open(tmp_path / "p.png") as picture:
        inside = np.asarray(picture.convert("RGB")).astype(int)[2:-2, 2:-2]
    covered = float((inside.min(axis=-1) < 235).mean())
    assert COVERED[0] < covered < COVERED[1], f"{covered:.1%} of the picture of {name} is not paper"


def changed(samples: ModuleType, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Any:
    """The module that writes, with other frames."""

    def write(folder: Path, name: str, layout: Any, frames: list[Any], *rest: Any, **more: Any) -> Path:
        written: Path = samples.write(folder, name, layout, [change(dict(frame)) for frame in frames], *rest, **more)
        return written

    return SimpleNamespace(write=write)


def upside_down(frame: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key: value[:, ::-1] for key, value in frame.items()}


def mirrored(frame: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key: value[::-1] for key, value in frame.items()}


@pytest.mark.parametrize(("name", "turn"), [("spectral_2d", upside_down), ("gas", upside_down), ("darcy", mirrored)])
def test_a_picture_upside_down_is_another_one(tmp_path: Path, samples: ModuleType, name: str, turn: Any) -> None:
    families.FAMILIES[name](changed(samples, turn), tmp_path)
    draw_picture(tmp_path, tmp_path / "p.png", size=families.SIZE)
    assert not agrees(tmp_path / "p.png", name)


@pytest.mark.parametrize(
    ("name", "field"), [("gas", "pressure"), ("staggered", "vorticity"), ("darcy", "permeability")]
)
def test_another_field_is_another_picture(tmp_path: Path, samples: ModuleType, name: str, field: str) -> None:
    families.FAMILIES[name](samples, tmp_path)
    draw_picture(tmp_path, tmp_path / "p.png", size=families.SIZE, field=field)
    assert not agrees(tmp_path / "p.png", name)


@pytest.mark.parametrize("name", ["material_point_2d", "material_point_3d", "mass_spring"])
def test_missing_particles_are_missed(tmp_path: Path, samples: ModuleType, name: str) -> None:
    """A quarter of them lies where others are, as if their rows had been lost."""

    def fewer(frame: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        place = frame["position"].copy()
        place[: len(place) // 4] = place[-1]
        return frame | {"position": place}

    families.FAMILIES[name](changed(samples, fewer), tmp_path)
    draw_picture(tmp_path, tmp_path / "p.png", size=families.SIZE)
    assert not agrees(tmp_path / "p.png", name)


def test_golden_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in families.GOLDEN.glob("*.png")}
    assert set(sizes) == {f"{name}.png" for name in families.FAMILIES}
    assert max(sizes.values()) < 30_000
