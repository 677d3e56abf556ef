"""Spectra are those of known waves, orders those of known errors, and each output gets the plot that suits it."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from scenegrad.view import ViewError, plot_convergence, plot_output, plot_spectrum
from scenegrad.view.plots.convergence import measured_order
from scenegrad.view.plots.spectra import energy_spectrum


@pytest.mark.parametrize("dim", [2, 3])
def test_the_spectrum_of_a_wave_is_one_line_with_its_energy(dim: int) -> None:
    """u = A sin(m 2 pi x / L) has the energy A^2 / 4, all of it at k = m 2 pi / L."""
    cells, edge, wave = 16, 3.0, 3
    x = np.moveaxis(np.broadcast_to(np.arange(cells) / cells, (cells,) * dim), -1, -1)
    velocity = np.stack([0 * x, 2.0 * np.sin(2 * np.pi * wave * x), *[0 * x] * (dim - 2)], axis=-1)
    k, energy = energy_spectrum(velocity, (edge,) * dim)
    assert k[np.argmax(energy)] == pytest.approx(2 * np.pi * wave / edge)
    assert np.sum(energy) * (k[1] - k[0]) == pytest.approx(0.5 * np.mean(np.sum(velocity**2, axis=-1)))
    assert energy[wave] == pytest.approx(energy.sum())


def test_the_integral_of_a_spectrum_is_the_energy_of_any_flow() -> None:
    velocity = np.random.default_rng(1).normal(size=(12, 8, 2))  # [y, x]
    k, energy = energy_spectrum(velocity, (1.0, 1.5))
    assert np.sum(energy) * (k[1] - k[0]) == pytest.approx(0.5 * np.mean(np.sum(velocity**2, axis=-1)))


def test_a_spectrum_is_drawn_of_the_frames_of_a_flow(run_folder: Path, samples: ModuleType) -> None:
    rng = np.random.default_rng(0)
    layout = samples.Grid((16, 8), (2 / 16, 1 / 8), (1 / 16, 1 / 16), (True, True))
    frames = [{"velocity": rng.normal(size=(16, 8, 2))} for _ in range(2)]
    samples.write(run_folder, "fields", layout, frames, samples.flat_scene(), units={"velocity": "m/s"})
    path = plot_output(run_folder, "spectrum")
    assert path == run_folder / "spectrum.png"
    with Image.open(path) as picture:
        assert np.asarray(picture.convert("L")).std() > 5
    walls = run_folder / "walls"
    samples.write(walls, "fields", layout, frames, samples.flat_scene(wrap=False))
    with pytest.raises(ViewError, match="periodic along all axes"):
        plot_spectrum(walls)


def test_the_order_is_that_of_the_errors(tmp_path: Path) -> None:
    cells = np.array([16, 32, 64])
    assert measured_order(cells, 5.0 / cells**2.0) == pytest.approx(-2.0)
    assert plot_convergence(cells, {"central": 5.0 / cells**2.0}, tmp_path / "c.png").is_file()
    assert plot_convergence(1 / cells, {"RK4": 5.0 / cells**4.0}, tmp_path / "d.svg", orders=(4,)).is_file()
    with pytest.raises(ViewError, match="as many"):
        plot_convergence(cells, {"central": [1.0, 2.0]}, tmp_path / "c.png")
    with pytest.raises(ViewError, match="positive"):
        plot_convergence(cells, {"central": [1.0, 0.5, 0.0]}, tmp_path / "c.png")


def test_what_tells_most_is_plotted_unless_said(run_folder: Path, samples: ModuleType) -> None:
    radius = np.linspace(0.1, 2.0, 20)
    samples.write_series(
        run_folder, "structure", {"rdf": np.ones((3, 20))}, {"radius": "sigma"}, coordinates={"radius": radius}
    )
    assert plot_output(run_folder) == run_folder / "structure.png"
    with pytest.raises(ViewError, match="Did you mean 'structure'"):
        plot_output(run_folder, "strukture")
    empty = run_folder / "empty"
    samples.write_block(empty, side=2)
    with pytest.raises(ViewError, match=r"asks for no series.*plot RUN steps"):
        plot_output(empty)
