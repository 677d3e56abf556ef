"""Dataset cards say what is in the files, and how to make them again."""

import json
import re
import shlex

import numpy as np
import pytest

import scenegrad as sg
from scenegrad.engine.dataset_folder import Outcome
from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import Pairs, Windows
from scenegrad.surrogates.operators.names import Names

QUIET = {"device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card") / "my data"
    viscosity = sg.LogUniform(low=0.02, high=0.2)
    scene = sg.library.kolmogorov(cells=20, viscosity=viscosity, wavenumber=2, end=0.5, every=0.25)
    sg.generate(sg.vary(scene, 6, seed=3), out=folder, batch=6, **QUIET)
    made = sg.open_dataset(folder)
    made.folder.shard(2).unlink()
    made.folder.record(Outcome(2, "diverged", "velocity is not finite\nmore"))
    return sg.open_dataset(folder)


@pytest.fixture(scope="module")
def told(data):
    page = sg.card(data, licence="CC-BY-4.0")
    return json.loads((page.parent / "card.json").read_text()), page.read_text()


def test_a_card_tells_what_is_in_the_files(data, told):
    table, page = told
    values = np.stack([data.read(i, "fields", "vorticity") for i in data.members]).astype(np.float64)
    found = table["outputs"]["fields"]["quantities"]["vorticity"]
    assert found["std"] == pytest.approx(values.std(), rel=1e-6)
    assert (found["least"], found["greatest"]) == (values.min(), values.max())
    assert found["not_finite"] == 0
    assert table["members"] == {"ok": 5, "diverged": 1, "failed": 0, "missing": 0}
    assert table["failures"] == [{"member": 2, "status": "diverged", "error": "velocity is not finite"}]
    assert table["hash"] == data.hash
    assert table["bytes"] == sum(path.stat().st_size for path in (data.path / "shards").glob("*.h5"))
    assert table["seconds"] == data.seconds > 0.0
    drawn = table["varied"]["fluid.viscosity"]
    assert drawn["distribution"] == {"kind": "log_uniform", "low": 0.02, "high": 0.2}
    assert drawn["least"] == min(data.manifest["parameters"]["fluid.viscosity"])
    assert f'<td class="number">{found["std"]:.4g}</td>' in page
    assert page.count('src="data:image/png;base64,') == 4
    assert "diverged" in page


def test_the_parts_of_a_card_are_those_of_a_training(data, told):
    samples = Windows(data).bind(Names(("vorticity",), ("vorticity",)), 1)
    expected = {part: [data.members[i] for i in places] for part, places in samples.parts.items()}
    assert told[0]["split"]["members"] == expected


def test_what_a_card_says_of_loading_and_making_again_is_true(scenegrad, data, told):
    """Three lines read the values; the command makes an ensemble of the same hash with the same member."""
    namespace = {}
    exec(told[0]["load"], namespace)
    assert len(told[0]["load"].splitlines()) == 3
    assert np.array_equal(namespace["values"], data.read(data.members[0], "fields", "vorticity"))
    words = [*shlex.split(told[0]["remake"])[1:], "--batch", 6, "--quiet"]
    assert scenegrad(*words).code == 0
    again = sg.open_dataset("again")
    assert again.hash == data.hash
    assert again.folder.shard(0).read_bytes() == data.folder.shard(0).read_bytes()


def test_numbers_and_adjoints_are_made_again_too(scenegrad, tmp_path):
    waves = sg.Scene(
        name="waves",
        domain=sg.Domain.periodic(size=(1.0,), cells=(16,)),
        entities={"flow": sg.Burgers(viscosity=0.05, velocity=sg.Waves((sg.Uniform(-0.5, 0.5),) * 2))},
        outputs={"cost": sg.Misfit("velocity", sg.Waves((0.2, 0.1)), every=0.1)},
        time=sg.Time(end=0.2),
    )
    numbers = (sg.Final("cost.misfit"), sg.Average("cost.misfit", 1), sg.Average("cost.misfit"))
    flow = sg.library.kolmogorov(cells=16, wavenumber=2, end=0.2, every=0.1)
    for scene, wanted in (
        (waves, {"of": numbers, "gradients": ("flow.velocity.coefficients",)}),
        (flow, {"adjoints": sg.Adjoints("fields", smooth=1.0)}),
    ):
        made = sg.generate(sg.vary(scene, 2), out=scene.name, **wanted, **QUIET)
        sg.card(made)
        remake = json.loads((made.path / "card.json").read_text())["remake"]
        exec(remake.replace("'again'", f"'{scene.name}_again'"), {})
        assert sg.open_dataset(f"{scene.name}_again").hash == made.hash


def test_a_licence_is_kept(data, told):
    assert told[0]["licence"] == "CC-BY-4.0"
    sg.card(data.path)
    assert json.loads((data.path / "card.json").read_text())["licence"] == "CC-BY-4.0"
    assert re.search(r"licence: CC-BY-4\.0", (data.path / "card.html").read_text())


def test_particles_and_series_have_cards(scenegrad, tmp_path):
    temperature = sg.Uniform(low=0.8, high=1.2)
    seen = {"frames": sg.Particles(every=0.1), "energy": sg.Energy(every=0.1)}
    scene = sg.library.dw4().replace({"time.end": 0.2, "dynamics.temperature": temperature, "outputs": seen})
    made = sg.generate(sg.vary(scene, 2), out="atoms", **QUIET)
    page = sg.card(made).read_text()
    for caption in ("frames: velocity of 2 members", "Numbers over time", "What was drawn"):
        assert f'alt="{caption}' in page
    assert scenegrad("card", "atoms", "--json").json["members"]["ok"] == 2


def test_an_empty_dataset_has_no_card(data, tmp_path):
    import shutil

    shutil.copy(data.path / "manifest.json", tmp_path / "manifest.json")
    with pytest.raises(EngineError, match="no member that came through"):
        sg.card(tmp_path)


def test_arrays_become_data_in_three_lines(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(2, 50, 16)).astype(np.float32)
    data = Pairs.from_arrays(x, y)
    fit = sg.train(sg.surrogates.FNO((4,), 4, ["x"], outputs=["y"]), data, out=tmp_path / "fit", epochs=1, **QUIET)
    assert len(fit.samples.parts["test"]) == 5
