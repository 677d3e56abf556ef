"""Drawing happens in a process of its own; what goes wrong there becomes a message here."""

import faulthandler
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from scenegrad import view
from scenegrad.view import movies, rendering
from scenegrad.view.rendering import probe_rendering, watched


def test_importing_the_package_loads_no_graphics() -> None:
    code = "import sys, json; import scenegrad.view; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", code], text=True))
    heavy = {"numpy", "h5py", "vtk", "vtkmodules", "pyvista", "matplotlib", "torch", "warp", "scipy"} & set(loaded)
    assert not heavy, f"import scenegrad.view loads {sorted(heavy)}"


def test_a_picture_is_drawn_without_loading_vtk_here(run_folder: Path, samples: ModuleType, rendering: None) -> None:
    samples.write_flat_field(run_folder, [np.eye(8)])
    code = f"""
import sys
from scenegrad import view
path = view.screenshot({str(run_folder)!r}, {str(run_folder / "made" / "x.png")!r}, size=(200, 150))
assert "vtkmodules" not in sys.modules, "VTK is in the process of the caller"
print(path)
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    with Image.open(child.stdout.strip()) as picture:
        assert picture.size == (200, 150)
        assert np.asarray(picture).std() > 10, "the picture is blank"


def test_missing_graphics_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """VTK kills its process where it finds no driver: here none is to be found."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    monkeypatch.setenv("LIBGL_DRIVERS_PATH", "/nowhere")
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", "/nowhere")
    probe_rendering.cache_clear()
    trouble = view.probe_rendering()
    probe_rendering.cache_clear()
    assert trouble is not None
    assert "apt-get install libegl1 libgl1-mesa-dri" in trouble


def test_the_death_of_the_child_leaves_the_caller_alive() -> None:
    with pytest.raises(view.ViewError, match="VTK died of SIGSEGV"):
        view.render_in_child(faulthandler._sigsegv)  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", [139, -11])
def test_the_code_of_a_missing_driver_names_the_packages(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """VTK without EGL dies of SIGSEGV: 139 as shells say, -11 as Python does; here a process that does so."""
    end = f"sys.exit({code})" if code > 0 else "os.kill(os.getpid(), 11)"
    monkeypatch.setattr(rendering, "watched", lambda _: watched([sys.executable, "-c", f"import os, sys; {end}"]))
    with pytest.raises(view.ViewError, match=r"SIGSEGV.*apt-get install libegl1 libgl1-mesa-dri.*mesa-libEGL"):
        view.render_in_child(print)


def test_errors_of_the_child_arrive_as_they_were(run_folder: Path, samples: ModuleType) -> None:
    from scenegrad.view.pictures import draw_picture

    samples.write_block(run_folder, side=2)
    with pytest.raises(view.ViewError, match=r"a field 'sped'.*Did you mean 'speed'"):
        view.render_in_child(draw_picture, str(run_folder), "x.png", field="sped")


def test_probing_finds_what_the_tests_found(rendering: None) -> None:
    probe_rendering.cache_clear()
    assert view.probe_rendering() is None


def test_mp4_without_ffmpeg_names_the_extra_and_the_way_out(
    run_folder: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.write_block(run_folder, side=2)
    monkeypatch.setattr(movies, "can_write_mp4", lambda: False)
    with pytest.raises(view.ViewError, match=r"scenegrad\[movie\].*x\.gif works"):
        view.movie(run_folder, "x.mp4")


def test_a_window_without_a_display_says_what_else_there_is(
    run_folder: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.write_block(run_folder, side=2)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(view.ViewError, match=r"screenshot\(\)"):
        view.show(run_folder)
