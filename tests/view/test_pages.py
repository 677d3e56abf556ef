"""A film as one page that opens from the disk, without a network; runs in notebooks."""

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from scenegrad.cli import main
from scenegrad.view import ViewError, movie
from scenegrad.view.web.player import MOST_FRAMES, Film, player_page, thinned, write_player

STRIPES = [np.full((12, 16, 3), 40 * k, dtype=np.uint8) for k in range(5)]
PATIENCE = 600_000  # [ms] with a machine that is busy with other things
LABELS = [f"t = {k}.0 s" for k in range(5)]


def test_the_page_of_a_film_works_from_the_disk_without_a_network(tmp_path: Path, browser: Any) -> None:
    path = write_player(tmp_path / "film.html", STRIPES, Film("stripes </script> & more", LABELS, fps=4.0))
    context = browser.new_context(offline=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    shade = """async () => {
        const picture = document.querySelector("#stage img"), canvas = document.createElement("canvas");
        await picture.decode();
        canvas.width = picture.naturalWidth; canvas.height = picture.naturalHeight;
        const paper = canvas.getContext("2d");
        paper.drawImage(picture, 0, 0);
        return paper.getImageData(8, 6, 1, 1).data[0];
    }"""

    def shows(index: int) -> None:
        page.wait_for_selector(f"#stage img[alt$='{LABELS[index]}']")
        assert abs(page.evaluate(shade) - 40 * index) < 4
        assert page.inner_text("#now") == f"{LABELS[index]} · {index + 1} of 5"

    shows(0)
    page.fill("#time", "3")
    shows(3)
    page.keyboard.press("ArrowRight")
    shows(4)
    page.keyboard.press("Home")
    shows(0)
    page.evaluate("""() => {
        window.shown = new Set();
        const stage = document.querySelector("#stage");
        new MutationObserver(() => shown.add(stage.querySelector("img").alt)).observe(stage, {childList: true});
    }""")
    page.click("#play")
    page.wait_for_function("() => shown.size > 2")
    assert page.title() == "stripes </script> & more"
    assert not said, said
    outside = [url for url in asked if not url.startswith(("file:", "data:"))]
    assert not outside, f"the page asks for {outside}"
    context.close()


def test_a_page_names_nothing_that_lies_outside_of_it() -> None:
    text = player_page(STRIPES, Film("film", LABELS))
    assert not re.search(r"(src|href)=[\"']?(?!data:)\w", text)
    assert "http" not in re.sub(r"data:[^\"]*", "", text).replace("http-equiv", "")


def test_long_films_are_thinned_evenly() -> None:
    assert thinned(range(MOST_FRAMES)) == range(MOST_FRAMES)
    taken = list(thinned(range(1000)))
    assert len(taken) <= MOST_FRAMES
    assert len(set(np.diff(taken))) == 1


@pytest.mark.usefixtures("rendering")
def test_a_run_becomes_a_page_with_a_picture_for_each_frame(run_folder: Path, samples: ModuleType) -> None:
    samples.write_flat_field(run_folder, [np.full((8, 4), float(k)) for k in range(3)])
    path = movie(run_folder, run_folder / "film.html", size=(200, 150))
    told = json.loads(re.search(r'type="application/json">(.*?)</script>', path.read_text())[1])
    assert told["labels"] == ["t = 0.0 s", "t = 0.1 s", "t = 0.2 s"]
    assert len(set(told["pictures"])) == 3, "frames that differ look the same"
    assert path.stat().st_size < 200_000


def test_a_film_that_is_neither_movie_nor_page_is_refused(run_folder: Path, samples: ModuleType) -> None:
    samples.write_block(run_folder, side=2)
    with pytest.raises(ViewError, match=r"\.gif, a \.mp4 or a page, \.html"):
        movie(run_folder, "film.avi")


NOTEBOOK = """
from scenegrad import view
view.show({folder!r}, size=(200, 150))
"""


@pytest.mark.usefixtures("rendering")
def test_a_notebook_shows_a_run_below_the_cell(run_folder: Path, samples: ModuleType) -> None:
    client = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    import nbformat

    samples.write_flat_field(run_folder, [np.full((8, 4), float(k)) for k in range(3)])
    cell = nbformat.v4.new_code_cell(NOTEBOOK.format(folder=str(run_folder)))
    book = client.NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=600, startup_timeout=600).execute()
    outputs = book.cells[0].outputs
    assert [output.output_type for output in outputs] == ["display_data"], outputs
    shown = outputs[0].data
    assert shown["text/html"].startswith("<iframe")
    assert shown["text/html"].count("data:image/") == 3, "one picture for each frame"
    assert "3 frames" in shown["text/plain"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--web", "--out", "film.html"), "--out draws into a file and --web does not"),
        (("--live", "--out", "film.html"), "--out draws into a file and --live does not"),
        (("--port", "8000"), "add --web"),
        (("--host", "0.0.0.0"), "add --web"),
        (("--out", "film.html", "--frame", "2"), "makes one picture"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    run_folder: Path, samples: ModuleType, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    samples.write_block(run_folder, side=2)
    assert main(["view", str(run_folder), *words]) == 1
    assert said in capsys.readouterr().err
