"""What people are told while something runs: what is left and how fast it goes, where somebody looks."""

import io
import itertools

import pytest

from scenegrad.engine.progress import Bar, Lines, Quiet, Work, progress_for, stages


class Never:
    """A timer whose time does not come, however slow the machine."""

    def __init__(self, *given):
        self.daemon = False

    def start(self): ...

    def cancel(self): ...


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Only the clocks that tests give tell the time."""
    monkeypatch.setattr("threading.Timer", Never)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def told(unit, interval=10.0, seconds=1.0, count=100):
    """Of steps that take a second each."""
    stream, clock = io.StringIO(), itertools.count(0.0, seconds)
    lines = Lines(stream, interval=interval, clock=lambda: float(next(clock)))
    lines.start("flow", total=float(count), unit=unit)
    for step in range(1, count + 1):
        lines.update(float(step), step)
    lines.stop()
    return stream.getvalue().splitlines()


def test_a_line_comes_every_ten_seconds_with_what_is_left_and_how_fast_it_goes():
    lines = told(Work("steps", 4096, "particle-steps"))
    assert len(lines) == 10
    assert lines[4] == "flow: 50 %, 1 steps/s, 4.1e+03 particle-steps/s, 50 s left"


def test_the_time_that_compiling_took_is_not_expected_again():
    stream, times = io.StringIO(), iter([0.0, *(60.0 + step for step in range(100))])
    lines = Lines(stream, clock=lambda: next(times))
    lines.start("flow", total=100.0)
    for step in range(1, 101):
        lines.update(float(step), step)
    lines.stop()
    assert stream.getvalue().splitlines()[0] == "flow: 11 %, 1 steps/s, 1 min 29 s left"


def test_a_unit_without_parts_is_told_alone():
    assert told("members")[0] == "flow: 10 %, 1 members/s, 1 min 30 s left"


def test_short_runs_say_nothing():
    assert told("steps", count=9) == []


@pytest.mark.parametrize(
    ("stream", "environment", "kind"),
    [
        (Terminal(), {"TERM": "xterm"}, Bar),
        (Terminal(), {"TERM": "xterm", "CI": "true"}, Quiet),
        (Terminal(), {"TERM": "dumb"}, Lines),
        (io.StringIO(), {"TERM": "xterm"}, Lines),
        (io.StringIO(), {"CI": "1"}, Quiet),
    ],
    ids=["terminal", "terminal of a CI", "dumb terminal", "file", "file of a CI"],
)
def test_the_place_decides_what_is_shown(monkeypatch, stream, environment, kind):
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert type(progress_for(True, stream)) is kind
    assert type(progress_for(False, stream)) is Quiet


def test_a_bar_tells_the_same_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    clock = itertools.count(0.0, 1.0)
    bar = Bar(stream, clock=lambda: float(next(clock)))
    bar.start("flow", total=4.0, unit=Work("steps", 10, "cell-steps"))
    for step in (1, 2, 3, 4):
        bar.update(float(step), step)
    assert bar.bar.tasks[0].fields["report"] == "100 %, 1 steps/s, 10 cell-steps/s, 0 s left"
    bar.stop()


def test_stages_are_counted():
    class Seen(Quiet):
        def start(self, title, total, done=0.0, unit="steps", first=""):
            self.seen = [(title, total, unit)]

        def update(self, done, steps):
            self.seen.append((done, steps))

    shown = Seen()
    with stages(shown, "judging", 2) as passed:
        passed()
        passed()
    assert shown.seen == [("judging", 2.0, "stages"), (1.0, 1), (2.0, 2)]
