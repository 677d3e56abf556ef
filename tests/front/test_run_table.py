"""What a run says of itself."""

from pathlib import Path

import scenegrad as sg
from scenegrad.run_table import run_table


def test_the_table_of_a_run_names_what_it_recorded(run_folder: Path) -> None:
    run = sg.run(sg.library.decaying_turbulence(cells=16, peak=2.0, end=0.04), out=run_folder, progress=False)
    table = run._repr_html_()
    assert ">fields</td>" in table
    assert "vorticity [16, 16] [1/s]" in table
    assert "done, t = 0.04" in table


def test_what_a_run_says_cannot_mark_up_the_page() -> None:
    record = {"status": "diverged", "time": 1.0, "steps": 3, "error": "<script>alert(1)</script>"}
    table = run_table(Path("<b>"), record, {})
    assert "<script>" not in table
    assert "<b><b>" not in table
    assert "Nothing is recorded yet" in table
