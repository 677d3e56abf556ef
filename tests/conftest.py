"""What every test shares: one thread, a quiet Warp, checked shapes, the devices there are, a folder to run in."""

import importlib.util
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

# Before numpy or torch are imported, which read these once. One thread gives the same bytes on every machine.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["SCENEGRAD_CACHE"] = "off"  # what is tested is computed

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
import warp as wp  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("engine", "solvers", "surrogates", "scenes", "assets", "view")


def check_shapes() -> None:
    """Let beartype check the jaxtyping annotations of every state.py. Files with kernels are left alone: it refuses
    `wp.array[...]`."""
    from jaxtyping import install_import_hook

    states = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("state.py"))]
    modules = [".".join(("scenegrad", *path.relative_to(ROOT).with_suffix("").parts)) for path in states]
    install_import_hook(modules, "beartype.beartype")


if importlib.util.find_spec("beartype"):
    check_shapes()
if importlib.util.find_spec("hypothesis"):
    from hypothesis import HealthCheck, settings

    # Or examples would hold constants of what code of ours is loaded by then: other ones in another order of files.
    with suppress(ImportError, AttributeError):  # older ones look for none
        from hypothesis.internal.conjecture import providers

        providers._get_local_constants = lambda constants=providers._local_constants: constants
    calm = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    settings.register_profile("short", max_examples=60, derandomize=True, **calm)  # the same examples each time
    settings.register_profile("long", max_examples=3000, **calm)  # pytest --hypothesis-profile=long
    settings.load_profile("short")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
wp.config.log_level = wp.LOG_WARNING
importlib.import_module("scenegrad.solvers.shared.hush").hush_warp()  # what Warp has to say is no answer to a test


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what this machine cannot run."""
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="no CUDA device here"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test and the fixtures made for it draw the same random numbers, whatever ran before."""
    seed = zlib.crc32(item.nodeid.encode())
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  what tests and their libraries draw from


@pytest.fixture(params=["cpu", pytest.param("cuda:0", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """Each device a law must hold on."""
    return str(request.param)


ASKING = {
    "tolist",
    "item",
    "numpy",
    "cpu",
    "__bool__",
    "__int__",
    "__float__",
    "__index__",
    "__contains__",
    "__array__",
}
MAKING = {torch.tensor, torch.as_tensor, torch.from_numpy, torch.Tensor.new_tensor}


class NoQuestions(TorchFunctionMode):
    """No number of a tensor is asked for on the host, and no tensor is made of numbers from there."""

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = getattr(func, "__name__", "")
        assert name not in ASKING, f"Tensor.{name} waits for the device"
        assert func not in MAKING, f"{name} copies numbers from the host"
        return func(*args, **(kwargs or {}))


class NoAnswers(TorchDispatchMode):
    """The same of what torch does within."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        name = func._schema.name.removeprefix("aten::")
        waits = ("_local_scalar_dense", "nonzero", "equal", "masked_select", "_unique2", "_linalg_check_errors")
        assert name not in waits, f"{name} waits for the device"
        found = func(*args, **(kwargs or {}))
        assert name != "lift_fresh" or found.ndim == 0, "a list of numbers or of places is copied from the host"
        return found


@contextmanager
def on_a_device_alone() -> Iterator[None]:
    """What runs here could run on a GPU without its host, as far as torch knows: nothing is asked, and what is made
    without a word about its device, which would then be the host's, cannot meet the other tensors."""
    with NoQuestions(), NoAnswers(), torch.device("meta"):
        yield


@pytest.fixture
def alone() -> Callable[[], AbstractContextManager[None]]:
    """A context in which nothing may be asked of the host; see on_a_device_alone."""
    return on_a_device_alone


class WrittenDown(TorchDispatchMode):
    """A graph on a CPU: operations of torch and launches of Warp are written down, and done again in the same memory,
    without the Python that once led to them. What Python remembered is as frozen as in a CUDA graph."""

    def __init__(self) -> None:
        super().__init__()
        self.deeds: list[Callable[[], object]] = []
        self.kept: list[object] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        kwargs = kwargs or {}
        found = func(*args, **kwargs)
        given = {places(value) for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)}
        fresh = [isinstance(value, torch.Tensor) and places(value) not in given for value in tree_leaves(found)]

        def again() -> None:
            for old, new, own in zip(tree_leaves(found), tree_leaves(func(*args, **kwargs)), fresh, strict=True):
                if own:
                    old.copy_(new)

        if "empty" in func._schema.name:
            self.kept.append(found)  # kernels may be all that uses it
        else:
            self.deeds.append(again)
        return found

    def launch(self, *args: object, **kwargs: object) -> object:
        if kwargs.get("record_cmd"):
            return wp_launch(*args, **kwargs)
        self.deeds.append(partial(wp_launch, *args, **kwargs))
        return self.deeds[-1]()

    def launch_prepared(self, command: wp.Launch) -> None:
        """With the arguments of now, which are other ones the next time."""
        arguments = list(command.params)

        def again() -> None:
            later, command.params = command.params, arguments
            launch_prepared(command)
            command.params = later

        self.deeds.append(again)
        again()


wp_launch = wp.launch
launch_prepared = wp.Launch.launch


def places(value: torch.Tensor) -> int:
    return value.untyped_storage().data_ptr()


class PaperGraphs:
    """A recorder of such graphs."""

    def record(self, work):  # type: ignore[no-untyped-def]
        work()
        with pytest.MonkeyPatch.context() as patch, WrittenDown() as graph:
            patch.setattr(wp, "launch", graph.launch)
            patch.setattr(wp.Launch, "launch", lambda command, stream=None: graph.launch_prepared(command))
            made = work()

        def replay() -> None:
            for deed in graph.deeds:
                deed()

        return made, replay


@pytest.fixture
def paper_graphs() -> PaperGraphs:
    """Records steps as a GPU does, and replays them on a CPU."""
    return PaperGraphs()


def scratch_of(solver: Any) -> list[torch.Tensor]:
    """What a solver writes on the way and that holds nothing from step to step."""
    work, stepper = getattr(solver, "work", None), getattr(solver, "stepper", None)
    if hasattr(work, "rooms"):
        between = getattr(work, "between", None)  # what two grids share
        between = between if isinstance(between, dict) else {}
        colliders = getattr(work, "colliders", None)
        return [*work.rooms.values(), *between.values(), *(colliders.scratch.values() if colliders else ())]
    if hasattr(stepper, "pull_bars"):
        arrays = [stepper.force, stepper.force_bar, *stepper.ends]
        return [*stepper.pull_bars.values(), *stepper.bars.values(), *(array._tensor for array in arrays)]
    return []


class Forgetful:
    """A solver all of whose scratch is lost before whatever it does."""

    def __init__(self, solver: Any):
        self.solver, self.program, self.order = solver, solver.program, solver.order

    @property
    def scratch(self) -> list[torch.Tensor]:
        return [tensor for tensor in scratch_of(self.solver) if tensor.is_floating_point()]

    def __getattr__(self, name: str) -> Any:
        for tensor in self.scratch:
            tensor.fill_(torch.nan)
        return getattr(self.solver, name)


@pytest.fixture
def forgetful() -> type[Forgetful]:
    return Forgetful


@pytest.fixture
def measure(record_property: Callable[[str, object], None]) -> Callable[[str, float, str], None]:
    """Notes what was measured and the limit it is held to; `make verify` makes docs/verification.md of these notes."""

    def note(what: str, value: float, limit: str) -> None:
        record_property("measured", f"{what}|{value:.4g}|{limit}")

    return note


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Where a run may write; it does not exist yet."""
    return tmp_path / "run"


@pytest.fixture
def rendering() -> None:
    """Ask for this in a test that draws: it is skipped where VTK cannot render."""
    if trouble := rendering_trouble():
        pytest.skip(trouble)


DRAW = """
import pyvista
plotter = pyvista.Plotter(off_screen=True, window_size=(32, 32))
plotter.add_mesh(pyvista.Sphere(), color="red")
picture = plotter.screenshot(return_img=True)
assert picture.max() > picture.min(), "the picture is blank"
"""


@cache
def rendering_trouble() -> str:
    """Why VTK cannot render; empty where it can. A child tries it: without its libraries VTK kills the process."""
    if not importlib.util.find_spec("pyvista"):
        return "pyvista is not installed"
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    child = subprocess.run([sys.executable, "-c", DRAW], capture_output=True, text=True, check=False, timeout=600)
    if child.returncode == 0:
        return ""
    last = child.stderr.strip().splitlines()[-1] if child.returncode > 0 else f"killed by signal {-child.returncode}"
    return f"VTK cannot render ({last}); on Debian: apt-get install libegl1 libgl1-mesa-dri"


def beside(name):
    """The module of that name in this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def conformance_scenes():
    """One scene of every solver, by name, as functions that make it."""
    return beside("conformance_scenes").SCENES


@pytest.fixture(scope="session")
def check_the_well():
    """Holds a file to what The Well's own checkers ask."""
    return beside("the_well_rules").check_the_well


@pytest.fixture(scope="session")
def as_before():
    """A context after which no code of one's own is known that was not known before, and what was known is again."""
    return beside("registered").as_before


@pytest.fixture(scope="module", autouse=True)
def nothing_stays_known(as_before):
    """What a file of tests makes known, the next one does not know: files may run in any order."""
    with as_before():
        yield
