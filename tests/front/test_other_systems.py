"""Without what only Linux, or only POSIX, offers, a scene runs on the CPU as it does here."""

import os
import subprocess
import sys

import pytest

import scenegrad as sg

# Everything that is not ours is imported first, then what Windows has not is taken away.
WITHOUT = """
import concurrent.futures.process, ctypes, multiprocessing.connection
import os, shutil, signal, subprocess, sys, tempfile, types
import h5py, numpy, pydantic, torch, warp

windows = sys.argv[1] == "windows"
missing = ["posix_fallocate", "sched_getaffinity"]
if windows:
    missing += ["fork", "geteuid", "getuid", "setuid", "killpg", "getpgid", "uname", "sysconf"]
    for name in ("fcntl", "resource", "pwd", "grp", "termios"):
        sys.modules[name] = None
    for name in ("SIGKILL", "SIGHUP", "SIGALRM", "SIGXFSZ", "SIGUSR1"):
        vars(signal).pop(name, None)
    msvcrt = sys.modules["msvcrt"] = types.ModuleType("msvcrt")
    msvcrt.LK_NBLCK, msvcrt.locking = 2, lambda file, mode, count: None
    opened = os.open
    def no_folders(path, *how, **more):
        if os.path.isdir(path) and not how[0] & os.O_DIRECTORY:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *how, **more)
    os.open = no_folders
for name in missing:
    vars(os).pop(name, None)

import scenegrad as sg
from scenegrad.cli import main

os.chdir(sys.argv[2])
small = ["--set", "domain.cells=[20, 20]", "--set", "time.end=0.3", "--device", "cpu", "--quiet"]
assert main(["run", "kolmogorov", "--out", "run", *small]) == 0
assert main(["generate", "kolmogorov", "-n", "2", "--out", "data", *small]) == 0
data = sg.open_dataset("data")
assert data.members == [0, 1]
data.read(1, "fields", "vorticity")
assert main(["doctor"]) in (0, 1)
print(sg.open_run("run")["fields"].vorticity[-1].tobytes().hex())
"""


@pytest.mark.parametrize("system", ["windows", pytest.param("macos", marks=pytest.mark.slow)])
def test_a_scene_runs_without_what_other_systems_lack(scenegrad, tmp_path, system):
    """Six seconds each. This says that our own code asks for nothing more, not that it ran there."""
    (tmp_path / "there").mkdir()
    child = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT, system, str(tmp_path / "there")],
        capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    scenegrad("run", "kolmogorov", "--set", "domain.cells=[20, 20]", "--set", "time.end=0.3", "--device", "cpu")
    here = sg.open_run(tmp_path / "runs" / "kolmogorov")["fields"].vorticity[-1]
    assert child.stdout.split()[-1] == here.tobytes().hex()
