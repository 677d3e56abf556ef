"""`doctor`: what is missing is told with what it disables and the line that mends it. Absences are made up here."""

import errno
import os
from pathlib import Path

import pytest

import scenegrad.disks
import scenegrad.doctor
from scenegrad.disks import disk, file_system
from scenegrad.doctor import EXTRAS, devices, examination, extras, kernels, rendering, share_of_cores, threads
from scenegrad.engine.record import cores


def test_doctor_looks_at_everything(scenegrad, monkeypatch):
    monkeypatch.setattr("scenegrad.view.probe_rendering", lambda: "")
    answer = scenegrad("doctor", "--json")
    found = {finding["what"]: finding for finding in answer.json}
    assert set(found) >= {
        "scenegrad", "libraries", "system", "threads", "kernel cache", "rendering", "movie", "web", "cluster", "disk",
        "writing", "file system",
    }  # fmt: skip
    assert set(found["disk"]) == {"what", "found", "well", "needed", "disables", "mend"}
    assert answer.code == int(any(f["needed"] and not f["well"] for f in found.values()))
    text = scenegrad("doctor").out
    assert all(f"{what:<12} " in text for what in found)


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: extra.name)
def test_a_missing_extra_is_told_with_what_it_disables_and_how_to_install_it(monkeypatch, extra):
    there = scenegrad.doctor.is_there
    monkeypatch.setattr(scenegrad.doctor, "is_there", lambda name: name not in extra.modules and there(name))
    found = next(f for f in extras() if f.what == extra.name)
    assert not found.well
    assert not found.needed, "simulations run without"
    for text in (extra.modules[-1], extra.disables, f"pip install 'scenegrad[{extra.name}]'"):
        assert text in str(found)


def test_every_extra_that_is_told_of_can_be_installed():
    import tomllib

    table = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
    assert {extra.name for extra in EXTRAS} <= set(table["project"]["optional-dependencies"])


def test_a_machine_without_graphics_is_told_its_packages(monkeypatch):
    monkeypatch.setattr("scenegrad.view.probe_rendering", lambda: "VTK was killed by signal 11")
    monkeypatch.setattr("sys.platform", "linux")
    (found,) = rendering()
    assert (found.well, found.needed) == (False, False)
    assert "apt-get install libegl1 libgl1-mesa-dri" in str(found)
    assert "pictures" in found.disables


def test_a_library_that_is_not_installed_ends_with_exit_code_1(scenegrad, monkeypatch):
    monkeypatch.setattr("scenegrad.view.probe_rendering", lambda: "")
    monkeypatch.setattr("scenegrad.doctor.library_versions", lambda: {"torch": "2.13", "h5py": "not installed"})
    answer = scenegrad("doctor")
    assert answer.code == 1
    assert "WARN libraries" in answer.out
    assert "mend: pip install h5py" in answer.out


def test_a_gpu_that_torch_does_not_reach_is_told(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(scenegrad.doctor, "driver", lambda: "580.65.06")
    monkeypatch.setattr("torch.version.cuda", None)
    (found,) = devices()
    assert "driver, 580.65.06" in found.found
    assert "CUDA build of torch" in found.mend
    monkeypatch.setattr(scenegrad.doctor, "driver", lambda: None)
    (found,) = devices()
    assert (found.found, found.mend) == ("none", "")
    assert "runs on the CPU" in found.disables


def test_more_threads_than_a_container_may_use_are_told(monkeypatch, tmp_path):
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert share_of_cores(tmp_path / "cpu.max") == min(1.5, cores())
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert share_of_cores(tmp_path / "cpu.max") == share_of_cores(tmp_path / "nothing")
    monkeypatch.setattr("torch.get_num_threads", lambda: 64)
    monkeypatch.setattr(scenegrad.doctor, "share_of_cores", lambda: 2.5)
    (found,) = threads()
    assert not found.well
    assert "OMP_NUM_THREADS=2" in found.mend


def test_a_kernel_cache_that_cannot_be_written_is_told(monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    (found,) = kernels()
    assert found.needed
    assert not found.well
    assert "WARP_CACHE_PATH" in found.mend


MOUNTS = """
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
none /home/me/own\\040disk xfs rw 0 0
lake /scratch lustre rw 0 0
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/usr", "ext4"),
        ("/home/me", "nfs4"),
        ("/home/me/own disk/x", "xfs"),
        ("/scratch/a", "lustre"),
        ("/homes", "ext4"),
    ],
)
def test_a_folder_lies_on_the_file_system_that_is_mounted_closest_above_it(tmp_path, place, kind):
    (tmp_path / "mounts").write_text(MOUNTS)
    assert file_system(Path(place), tmp_path / "mounts") == kind
    assert file_system(Path(place), tmp_path / "nothing") == ""


def test_a_disk_on_another_machine_is_warned_of(monkeypatch, tmp_path):
    monkeypatch.setattr(scenegrad.disks, "file_system", lambda place: "lustre")
    found = disk(tmp_path)[2]
    assert "lustre, on another machine; locks work" in found.found
    assert "HDF5_USE_FILE_LOCKING" in found.mend
    monkeypatch.setattr(scenegrad.disks, "lock_trouble", lambda place: "files cannot be locked (no)")
    found = disk(tmp_path)[2]
    assert "cannot be locked" in found.found
    assert "two runs on one folder" in found.disables
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_a_folder_that_cannot_be_written_or_is_full_is_told(monkeypatch, tmp_path):
    def refuse(**how):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    monkeypatch.setattr("shutil.disk_usage", lambda place: type("Usage", (), {"free": 1000})())
    room, writing, _ = disk(tmp_path)
    assert (room.well, writing.well) == (False, False)
    assert "Read-only" in writing.found
    assert "--out" in writing.mend


def test_a_slow_disk_is_told(monkeypatch, tmp_path):
    clock = iter([0.0, 2.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    found = disk(tmp_path)[1]
    assert not found.well
    assert "--checkpoint-every" in found.mend


def test_a_check_that_fails_is_a_finding_itself(monkeypatch):
    monkeypatch.setattr("scenegrad.view.probe_rendering", lambda: 1 / 0)
    found = next(f for f in examination() if f.what == "rendering")
    assert "ZeroDivisionError" in found.found
    assert not found.well
