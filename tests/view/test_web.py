"""A page of a run in a real browser: its slider, its choices, what it grows by, and who may see it."""

import base64
import io
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image

from scenegrad.engine.files.formats import format_of
from scenegrad.engine.files.frames import FrameFile
from scenegrad.engine.solver import Grid, Probe
from scenegrad.view import ViewError, serve
from scenegrad.view.choices import Choices
from scenegrad.view.rendering import probe_rendering, render_in_child
from scenegrad.view.showing import DEPTH
from scenegrad.view.viewing import Viewing
from scenegrad.view.web import needs
from scenegrad.view.web.address import USUAL_PORT, free_port, is_loopback, may_ask

SIZE = (320, 240)
CELLS = (8, 4)
PATIENCE = 120_000  # ms: on a machine that others use too
DRAWN = "document.querySelector('#picture')?.naturalWidth > 0"
SERVE = f"""
import sys
from scenegrad.view.front import serve
serve(sys.argv[1], size={SIZE}, port=0, live=len(sys.argv) > 2)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are ended in another way on Windows")


@contextmanager
def served(run: Path, *words: str) -> Iterator[str]:
    """The address of a page."""
    command = [sys.executable, "-c", SERVE, str(run), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        address = server.stdout.readline().strip()
        try:
            assert address, server.stderr.read()
            yield address
        finally:
            server.terminate()


class Growing:
    """A field that grows by a frame when it is told to; its values tell the number of the frame."""

    def __init__(self, folder: Path):
        layout = Grid(CELLS, (0.25, 0.25), (0.125, 0.125), (True, True))
        self.probe: Probe[Any] = Probe("fields", 0.5, lambda state, params: {}, layout, {"vorticity": "1/s"})
        self.format, self.count = format_of(self.probe), 0
        folder.mkdir(parents=True, exist_ok=True)
        scene = {"name": "flat", "units": "SI", "domain": {"size": [2.0, 1.0], "wrap": True}, "entities": {}}
        self.file = FrameFile.create(folder / self.format.file_name, {"scene": scene})

    def grow(self, frames: int = 1) -> None:
        for _ in range(frames):
            x, y = np.meshgrid(*map(np.arange, CELLS), indexing="ij")
            values = np.sin(2 * np.pi * x / 8 + self.count).astype(np.float32)
            speed = np.cos(2 * np.pi * y / 4 + self.count).astype(np.float32)
            self.file.append(
                self.format, "fields", 0.5 * self.count, self.count, {"vorticity": values, "pressure": speed}
            )
            self.count += 1
        self.file.commit()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four frames that is done."""
    folder = tmp_path_factory.mktemp("done") / "run"
    run = Growing(folder)
    run.grow(4)
    run.file.seal()
    return folder


@pytest.fixture(scope="module")
def address(done: Path) -> Iterator[str]:
    """Of its page."""
    if trouble := probe_rendering():
        pytest.skip(trouble)
    with served(done) as found:
        yield found


@pytest.fixture
def page(browser: Any) -> Iterator[Callable[[str], Any]]:
    """Opens an address; what the page complains about fails the test."""
    context = browser.new_context(viewport={"width": 900, "height": 700})
    context.set_default_timeout(PATIENCE)
    said: list[str] = []

    def opened(address: str) -> Any:
        made = context.new_page()
        made.on("console", lambda message: said.append(message.text))
        made.on("pageerror", lambda error: said.append(str(error)))
        allowed = (address, "data:")
        made.on("request", lambda request: request.url.startswith(allowed) or said.append(f"asks for {request.url}"))
        made.goto(address)
        made.wait_for_function(DRAWN)
        return made

    yield opened
    context.close()
    assert not said, said


def pixels(page: Any) -> np.ndarray:
    """The picture that stands on the page [row, column, colour]."""
    source = page.get_attribute("#picture", "src")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGB")).astype(int)


def changes(page: Any, act: Callable[[], object]) -> np.ndarray:
    """The picture after an act that must change it."""
    before = page.get_attribute("#picture", "src")
    act()
    page.wait_for_function("before => document.querySelector('#picture').src != before", arg=before)
    return pixels(page)


def drawn(run: Path, index: int, **chosen: Any) -> np.ndarray:
    """The picture that the same code draws without a browser."""
    viewing = Viewing(run, size=SIZE, **chosen)
    viewing.player.go(index)
    picture = np.asarray(Image.open(io.BytesIO(viewing.picture())).convert("RGB")).astype(int)
    viewing.close()
    return picture


def test_the_slider_and_the_choices_of_the_page_change_its_picture(
    done: Path, address: str, page: Callable[[str], Any]
) -> None:
    opened = page(address)
    assert opened.inner_text("#now") == "t = 0.0 s · 1 of 4"
    assert np.array_equal(pixels(opened), drawn(done, 0)), "the page shows other pixels than a picture"

    later = changes(opened, lambda: opened.fill("#time", "2"))
    assert opened.inner_text("#now") == "t = 1.0 s · 3 of 4"
    assert np.array_equal(later, drawn(done, 2))

    other = changes(opened, lambda: opened.select_option("#field", "pressure"))
    assert np.array_equal(other, drawn(done, 2, field="pressure"))
    mapped = changes(opened, lambda: opened.select_option("#cmap", "magma"))
    assert np.array_equal(mapped, drawn(done, 2, field="pressure", cmap="magma"))
    cut = changes(opened, lambda: opened.select_option("#cut", "x"))
    assert np.abs(cut - mapped).mean() > 5, "nothing was cut away"
    assert opened.inner_text("#said") == ""

    opened.click("#play")
    opened.wait_for_function("document.querySelector('#now').textContent.includes('2 of 4')")
    opened.click("#play")
    opened.wait_for_function("document.querySelector('#play').textContent.includes('Play')")


def test_nothing_that_the_page_fetches_late_takes_the_place_of_the_run(address: str, browser: Any) -> None:
    """On a busy machine an answer can come when the picture has long been there."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    opened, held = context.new_page(), []

    def hold(route: Any) -> None:
        if route.request.resource_type == "fetch":
            held.append(route)
        else:
            route.continue_()

    opened.route("**/*", hold)
    opened.goto(address)
    opened.wait_for_function(DRAWN)
    for route in held:
        route.fulfill(body="late")
    opened.wait_for_timeout(300)
    assert opened.evaluate(DRAWN), f"the page is gone: {opened.inner_text('body')}"
    context.close()


def test_the_page_of_a_run_that_goes_on_grows_with_it(
    run_folder: Path, page: Callable[[str], Any], rendering: None
) -> None:
    """The newest frame is followed until somebody goes back; the run itself is left alone."""
    run = Growing(run_folder)
    run.grow(2)
    with served(run_folder, "live") as address:
        opened = page(address)
        assert opened.inner_text("#now").endswith("2 of 2")
        assert opened.inner_text("#live") == "● live"
        run.grow(3)
        opened.wait_for_function("document.querySelector('#time').max == 4")
        assert opened.inner_text("#now").endswith("5 of 5"), "the newest frame is not followed"
        changes(opened, lambda: opened.fill("#time", "1"))
        run.grow(1)
        opened.wait_for_function("document.querySelector('#time').max == 5")
        assert opened.inner_text("#now").endswith("2 of 6"), "the frame that somebody went back to is gone"
        run.file.seal()
        opened.wait_for_function("document.querySelector('#live').textContent.includes('complete')")
        assert np.array_equal(changes(opened, lambda: opened.fill("#time", "5")), drawn(run_folder, 5))
        opened.close()
    assert [path.name for path in run_folder.iterdir()] == ["fields.vtkhdf"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is listened to on Linux only")
def test_a_page_is_served_to_this_machine_alone_and_not_to_pages_of_strangers(address: str) -> None:
    port = int(address.rstrip("/").rsplit(":", 1)[1])
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1] for row in sockets if row[3] == "0A" and row[1].endswith(f":{port:04X}")]
    assert listening == [f"0100007F:{port:04X}"], "it listens to more than 127.0.0.1"
    with urlopen(address) as answer:
        assert b"trame" in answer.read()
    for header in ({"Origin": "http://evil.example"}, {"Host": f"evil.example:{port}"}):
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(address, headers=header))


def test_a_page_is_there_for_its_own_address_alone() -> None:
    assert may_ask("127.0.0.1", "127.0.0.1:8642", None)
    assert may_ask("127.0.0.1", "localhost:8642", "http://localhost:8642")
    assert not may_ask("127.0.0.1", "localhost:8642", "http://localhost:9999")
    assert not may_ask("127.0.0.1", "rebound.example:8642", "http://rebound.example:8642")
    assert may_ask("0.0.0.0", "host.example:8642", "http://host.example:8642")
    assert not may_ask("0.0.0.0", "host.example:8642", "http://evil.example")
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.1.2.3")] == [True] * 3 + [
        False
    ] * 2


def test_a_port_that_is_taken_is_passed_by_unless_it_was_asked_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ViewError, match=f"Port {port} of 127.0.0.1 cannot be used"):
            free_port("127.0.0.1", port)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("scenegrad.view.web.address.USUAL_PORT", port)
            assert free_port("127.0.0.1", None) not in (port, USUAL_PORT)
    with pytest.raises(ViewError, match="from 1 to 65535"):
        free_port("127.0.0.1", 70_000)
    with pytest.raises(ViewError, match=r"host='nonsense.invalid' cannot be used: .*an address of this machine"):
        free_port("nonsense.invalid", None)


def test_what_is_missing_for_a_page_is_named(
    run_folder: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples.write_block(run_folder, side=2)
    monkeypatch.setattr(needs, "find_spec", lambda name: None if name == "trame" else True)
    with pytest.raises(ViewError, match=r"pip install 'scenegrad\[web\]'"):
        serve(run_folder)


@pytest.mark.slow  # 3 s: the same as of any picture, see test_child
def test_missing_graphics_libraries_are_named_before_anything_is_served(
    run_folder: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenegrad.view.web.server import serve_here

    samples.write_block(run_folder, side=2)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    monkeypatch.setenv("LIBGL_DRIVERS_PATH", "/nowhere")
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_DIRS", "/nowhere")
    with pytest.raises(ViewError, match="apt-get install libegl1 libgl1-mesa-dri"):
        render_in_child(serve_here, str(run_folder), port=0)


def test_what_cannot_be_drawn_leaves_the_picture_as_it_was(
    run_folder: Path, samples: ModuleType, rendering: None
) -> None:
    samples.write_flat_field(run_folder, [np.eye(8), 2 * np.eye(8)])
    viewing = Viewing(run_folder, size=(160, 120))
    before = viewing.picture()
    with pytest.raises(ViewError, match="no field"):
        viewing.showing.choose(field="nonsense")
    assert viewing.picture() == before
    assert viewing.showing.choices == Choices()
    viewing.close()


def test_the_eye_stays_where_it_was_moved_and_comes_back(
    run_folder: Path, samples: ModuleType, rendering: None
) -> None:
    samples.write_block(run_folder, side=3)
    viewing = Viewing(run_folder, size=(160, 120))
    eye = viewing.showing.eye
    first = viewing.picture()
    viewing.turn(0.2, 0.1)
    viewing.shift(0.1, 0.0)
    viewing.zoom(1.3)
    moved = viewing.showing.eye
    assert viewing.picture() != first
    viewing.showing.choose(field="velocity_z")
    assert np.allclose(viewing.showing.eye[:DEPTH], moved[:DEPTH])
    viewing.showing.choose(field=None)
    viewing.reset()
    assert viewing.showing.eye[:DEPTH] == eye[:DEPTH]
    assert viewing.picture() == first
    viewing.close()
