"""Frames of a movie into one file: GIF through Pillow, MP4 through ffmpeg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenegrad.engine.files.atomic import appearing
from scenegrad.view.errors import ViewError

__all__ = ["PAGES", "can_write_mp4", "check_movie_name", "write_movie"]

Image = NDArray[np.uint8]  # [height, width, 3]

PAGES = (".html", ".htm")
SHORTEST = 20  # ms; browsers slow down GIFs that ask for less


def can_write_mp4() -> bool:
    """Whether there is an ffmpeg."""
    return find_spec("imageio_ffmpeg") is not None


def check_movie_name(out: str | Path) -> Path:
    """Refuse a movie that could not be written, before anything is drawn."""
    path = Path(out)
    if path.suffix.lower() not in (".gif", ".mp4", *PAGES):
        raise ViewError(f"A movie is a .gif, a .mp4 or a page, .html, not {path.name!r}.")
    if path.suffix.lower() == ".mp4" and not can_write_mp4():
        raise ViewError(
            f"{path.name} needs ffmpeg, which comes with the extra [movie]: pip install 'scenegrad[movie]'. Without "
            f"it, {path.with_suffix('.gif').name} works."
        )
    return path


def write_movie(out: str | Path, images: Iterable[Image], fps: float) -> Path:
    """The file appears when it is complete."""
    if not fps > 0:
        raise ViewError(f"fps={fps} is not a number of frames a second; it must be positive.")
    path = check_movie_name(out)
    with appearing(path) as part:
        (write_mp4 if path.suffix.lower() == ".mp4" else write_gif)(part, iter(images), fps)
    return path


def write_gif(path: Path, images: Iterator[Image], fps: float) -> None:
    """One palette for all frames, so that nothing that stands still flickers."""
    from PIL import Image as pillow

    raw = [pillow.fromarray(image) for image in images]
    palette = shared_palette(raw[:: max(1, len(raw) // 8)])
    frames = [image.quantize(palette=palette, dither=pillow.Dither.NONE) for image in raw]
    duration = max(SHORTEST, round(1000 / fps))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=duration, loop=0, disposal=1)


def shared_palette(images: Sequence[Any]) -> Any:
    """White, and 255 colours for the rest: each counts by the root of its area, lest the ground take them all."""
    from PIL import Image as pillow

    pixels = np.concatenate([np.asarray(image).reshape(-1, 3) for image in images])
    coarse = pixels >> 3
    keys = coarse[:, 0].astype(np.int64) << 10 | coarse[:, 1].astype(np.int64) << 5 | coarse[:, 2]
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    weights = np.ceil(32 * np.sqrt(counts / counts.max())).astype(int)
    swatch = pillow.fromarray(np.repeat(pixels[first], weights, axis=0)[None])
    chosen = swatch.quantize(255, method=pillow.Quantize.MEDIANCUT, kmeans=2).getpalette()
    palette = pillow.new("P", (1, 1))
    palette.putpalette([255, 255, 255, *(chosen or [])[: 3 * 255]])
    return palette


def write_mp4(path: Path, images: Iterator[Image], fps: float) -> None:
    """H.264 that plays everywhere; an odd last row or column of pixels is left out, as the format wants."""
    import imageio_ffmpeg

    first = next(images)
    height, width = (n - n % 2 for n in first.shape[:2])
    writer: Any = imageio_ffmpeg.write_frames(
        str(path), (width, height), fps=fps, codec="libx264", quality=8, macro_block_size=2, ffmpeg_log_level="error"
    )
    writer.send(None)
    writer.send(np.ascontiguousarray(first[:height, :width]))
    for image in images:
        writer.send(np.ascontiguousarray(image[:height, :width]))
    writer.close()
