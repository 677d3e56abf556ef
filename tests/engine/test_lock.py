"""One writer at a time in each folder, on every kind of disk and system."""

import errno
import fcntl
import os
import platform
import subprocess
import sys
import types

import pytest

import scenegrad.engine.lock as locks
from scenegrad.engine.errors import OutputInUse
from scenegrad.engine.lock import Lock, alone


def no_locks(file, wait=False):
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.fixture
def without_locks(monkeypatch):
    """A network disk that knows none."""
    monkeypatch.setattr(locks, "hold", no_locks)


class FakeLocking(types.ModuleType):
    """msvcrt as Windows has it: locks bytes from where the file stands, and fails where another has them."""

    LK_NBLCK = 2

    def locking(self, file, mode, count):
        assert os.lseek(file, 0, os.SEEK_CUR) == locks.FAR, "bytes that the file tells would be locked"
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PermissionError(errno.EACCES, "Permission denied") from error


@pytest.fixture
def on_windows(monkeypatch):
    monkeypatch.setitem(sys.modules, "msvcrt", FakeLocking("msvcrt"))
    monkeypatch.setattr(locks, "POSIX", False)


@pytest.fixture(params=["as here", "without_locks", "on_windows"])
def anywhere(request):
    if request.param != "as here":
        request.getfixturevalue(request.param)


def test_a_folder_has_one_writer(anywhere, tmp_path):
    first, second = Lock(tmp_path / "run" / "lock"), Lock(tmp_path / "run" / "lock")
    for _ in range(2):
        first.claim()
        with pytest.raises(OutputInUse, match=rf"in use by process {os.getpid()} on {platform.node()}\. Wait for it"):
            second.claim()
        first.release()
    second.claim()
    second.release()
    assert list((tmp_path / "run").iterdir()) == []


def test_without_locks_the_claim_of_a_dead_process_of_this_machine_counts_no_more(without_locks, tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "lock.held").write_text(f"{gone.pid} on {platform.node()}\n")
    lock = Lock(tmp_path / "lock")
    lock.claim()
    assert (tmp_path / "lock.held").read_text() == f"{os.getpid()} on {platform.node()}\n"
    lock.release()


@pytest.mark.parametrize("holder", ["7 on another-machine", ""], ids=["elsewhere", "being written"])
def test_without_locks_a_claim_that_may_hold_is_kept_and_the_file_is_named(without_locks, tmp_path, holder):
    (tmp_path / "lock.held").write_text(holder)
    with pytest.raises(OutputInUse, match=r"If that process is gone, remove .*lock\.held"):
        Lock(tmp_path / "lock").claim()
    assert (tmp_path / "lock.held").read_text() == holder


def test_what_one_process_at_a_time_does_goes_on_without_locks(without_locks, tmp_path):
    with alone(tmp_path / "manifest.lock"):
        pass
