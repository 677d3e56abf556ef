"""The scene language: round trips, addresses, and refusals that tell how to mend a scene."""

import json
import re

import numpy as np
import pytest
from pydantic import ValidationError

import scenegrad.scenes as sc
from scenegrad.scenes import SceneError


def drop(**changes):
    values = {
        "name": "drop",
        "domain": sc.Domain(size=(1, 1, 1), cells=(32, 32, 32)),
        "gravity": (0, 0, -9.81),
        "entities": {
            "block": sc.Body(
                shape=sc.Box(center=(0.5, 0.5, 0.6), size=(0.2, 0.2, 0.2))
                | sc.Sphere(center=(0.5, 0.5, 0.4), radius=0.1),
                velocity=(0, 0, sc.Uniform(-2, 0)),
                material=sc.NeoHookean(youngs_modulus=sc.Parameter(1e5, bounds=(1e4, 1e6), transform="log")),
            ),
            "floor": sc.Wall(normal=(0, 0, 1), offset=0.05, contact=sc.Coulomb(0.4)),
        },
        "boundary": sc.Boundary(default=sc.Separate(), z_lo=sc.Stick()),
        "outputs": {
            "state": sc.Particles("position", "velocity", every=0.02),
            "com": sc.CenterOfMass("block", every=0.01),
        },
        "time": sc.Time(end=1.0, cfl=0.4),
    }
    return sc.Scene(**{**values, **changes})


def fluid(**changes):
    water = sc.Fluid(
        viscosity=sc.LogUniform(1e-3, 1e-2), vorticity=sc.GaussianField(peak=4), forcing=sc.KolmogorovForcing()
    )
    values = {
        "name": "flow",
        "domain": sc.Domain.periodic(size=(6.28, 6.28), cells=(64, 64)),
        "entities": {"water": water},
        "outputs": {"fields": sc.Fields("vorticity", every=0.5)},
        "time": sc.Time(end=10.0),
    }
    return sc.Scene(**{**values, **changes})


def argon():
    return sc.Scene(
        name="argon",
        units="lj",
        domain=sc.Domain.periodic(density=0.8442),
        entities={
            "Ar": sc.Atoms(lattice=sc.FCC(cells=(5, 5, 5)), temperature=sc.Choice(0.7, 1.0, 1.5)),
            "pair": sc.LennardJones(epsilon=sc.Parameter(1.0)),
        },
        dynamics=sc.Langevin(temperature="Ar.temperature"),
        outputs={"rdf": sc.RDF(r_max=2.4, every=0.5)},
        time=sc.Time(end=1.0, dt=0.004),
    )


SCENES = {"drop": drop, "flow": fluid, "argon": argon}


@pytest.mark.parametrize("suffix", [".toml", ".json"])
@pytest.mark.parametrize("make", SCENES.values(), ids=SCENES)
def test_files_bring_back_the_same_scene_and_hash(make, suffix, tmp_path):
    scene = make()
    again = sc.load_scene(scene.save(tmp_path / f"scene{suffix}"))
    assert again == scene
    assert again.hash == scene.hash


@pytest.mark.parametrize("name", ["scene", "function"])
def test_a_python_file_gives_its_scene(name, tmp_path):
    text = "import scenegrad.scenes as sc\nscene = sc.Scene(name='a', time=sc.Time(end=1),"
    text += "domain=sc.Domain.periodic(size=(1, 1), cells=(8, 8)),"
    text += "entities={'water': sc.Fluid(viscosity=0.1)})\ndef function(): return scene\n"
    (tmp_path / "a.py").write_text(text)
    assert sc.load_scene(tmp_path / "a.py", name).at("water.viscosity") == 0.1


def test_hash_follows_the_physics_and_not_the_place_of_a_mesh(tmp_path):
    hashes = []
    for place, content in (("a", "solid one"), ("b", "solid one"), ("c", "solid two")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "m.stl").write_text(content)
        body = sc.Body(shape=sc.Mesh(str(tmp_path / place / "m.stl")), material=sc.NeoHookean(youngs_modulus=1e5))
        hashes.append(drop(entities={"block": body}, outputs={}).hash)
    assert hashes[0] == hashes[1] != hashes[2]
    assert drop().hash != drop(gravity=(0, 0, -9.8)).hash


def test_a_mesh_that_changed_is_refused(tmp_path):
    (tmp_path / "m.stl").write_text("solid one")
    mesh = sc.Mesh(str(tmp_path / "m.stl"))
    (tmp_path / "m.stl").write_text("solid two")
    with pytest.raises(ValidationError, match="has changed since this scene was written"):
        sc.Mesh.model_validate(mesh.model_dump())


def test_a_mesh_path_is_looked_for_beside_the_scene_file(tmp_path):
    (tmp_path / "m.stl").write_text("solid one")
    body = sc.Body(shape=sc.Mesh(str(tmp_path / "m.stl")), material=sc.NeoHookean(youngs_modulus=1e5))
    table = drop(entities={"block": body}, outputs={}).model_dump(mode="json")
    table["entities"]["block"]["shape"]["path"] = "m.stl"
    (tmp_path / "scene.json").write_text(json.dumps(table))
    assert sc.load_scene(tmp_path / "scene.json").hash == drop(entities={"block": body}, outputs={}).hash


def test_every_value_has_an_address():
    scene = drop()
    assert scene.at("block.shape.parts.1.radius") == 0.1
    assert scene.at("gravity") == (0, 0, -9.81)
    assert list(scene.parameters()) == ["block.material.youngs_modulus"]
    assert list(scene.distributions()) == ["block.velocity.2"]
    assert set(fluid().distributions()) == {"water.viscosity", "water.vorticity"}
    with pytest.raises(SceneError, match=r"'block.materil': block has .*Did you mean 'material'"):
        scene.at("block.materil")


def test_replacing_a_value_validates_the_whole_scene_again():
    scene = drop().replace({"block.material.density": 500.0, "time.end": 2.0, "block.velocity.2": -1.0})
    assert (scene.at("block.material.density"), scene.time.end, scene.at("block.velocity")) == (
        500.0,
        2.0,
        (0, 0, -1.0),
    )
    assert drop().at("block.material.density") == 1000.0
    assert drop().replace({"time.cfl": 0.3}).hash != drop().hash


REFUSED = {
    "unknown material": (
        {"block.material.kind": "neo_hokean"},
        r"material: unknown material 'neo_hokean'.*'neo_hookean'",
    ),
    "the beginning of a name": (
        {"block.material.kind": "neo"},
        r"material: unknown material 'neo'.*Did you mean 'neo_hookean'",
    ),
    "negative density": ({"block.material.density": -3.0}, r"block.material.density: .*-3.*positive"),
    "unknown key": ({"block.material.densty": 3.0}, r"block.material.densty: unknown key.*Did you mean 'density'"),
    "unknown key of the domain": ({"domain.cels": [3]}, r"domain.cels: unknown key.*Did you mean 'cells'"),
    "unknown key of an output": ({"outputs.com.evry": 1.0}, r"outputs.com.evry: unknown key.*Did you mean 'every'"),
    "two dimensions in three": ({"gravity": [0.0, -9.8]}, r"same number of dimensions.*gravity: 2"),
    "negative radius": ({"block.shape.parts.1.radius": -1.0}, r"block.shape.parts.1.radius: .*positive"),
    "no number": ({"block.material.density": "heavy"}, r"block.material.density: .*number.*'heavy'"),
    "incompressible": ({"block.material.poisson_ratio": 0.5}, r"poisson_ratio: .*between -1 and 0.5"),
    "two rules for dt": ({"time.dt": 0.1}, r"time: Time got dt=0.1 and cfl=0.4; give one of them"),
    "warm-up without end": ({"time.warmup": 2.0}, r"warm-up must end before"),
    "flat box": ({"block.shape.parts.0.size": [0.2, 0.0, 0.2]}, r"every edge must be positive"),
    "no finite density": ({"block.material.density": float("nan")}, r"block.material.density: .*finite number.*nan"),
    "no finite gravity": ({"gravity": [0.0, 0.0, float("nan")]}, r"gravity.*finite number.*nan"),
    "no finite Parameter": ({"block.material.youngs_modulus.value": float("inf")}, r"youngs_modulus.*finite number"),
    "no finite bound": ({"block.material.youngs_modulus.bounds": [0.1, float("inf")]}, r"bounds.*finite number"),
    "no finite draw": ({"block.velocity.2.high": float("inf")}, r"velocity.*finite number.*inf"),
    "no finite end": ({"time.end": float("inf")}, r"time.end: .*finite number.*inf"),
    "no finite place": ({"block.shape.parts.1.center": [0.5, 0.5, float("nan")]}, r"center.*finite number.*nan"),
    "no finite interval": ({"outputs.com.every": float("inf")}, r"outputs.com.every: .*finite number"),
    "cells of a third axis": ({"domain.cells.3": 13}, r"nothing to replace at '3'.*it has 0, 1, 2"),
    "cells of no axis": ({"domain.cells.x": 13}, r"nothing to replace at 'x'.*it has 0, 1, 2"),
    "cells from the end": ({"domain.cells.-1": 13}, r"nothing to replace at '-1'.*it has 0, 1, 2"),
    "part of a number": ({"time.end.x": 1.0}, r"nothing to replace at 'x' of 1.0: .*give it as a whole"),
    "no kind of entity": ({"block": 1.0}, r"block: an entity is needed here, got float"),
    "no kind of material": ({"block.material": 1.0}, r"block.material: a material is needed here, got float"),
    "bounds": ({"block.material.youngs_modulus.value": 1e7}, r"outside its bounds"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_scene_is_refused_with_address_and_remedy(change, message):
    with pytest.raises(SceneError, match=message) as caught:
        drop().replace(change)
    assert len(str(caught.value).splitlines()) <= 2, "one problem, one line"


@pytest.mark.parametrize(
    ("field", "message"),
    {
        "no such file": ({"kind": "field_file", "path": "no.npy"}, r"vorticity: field file 'no.npy' does not exist"),
        "no such key": ({"kind": "gaussian_field", "pek": 1.0}, r"vorticity.pek: unknown key 'pek'.*'peak'.*width"),
        "no such kind": ({"kind": "gausian_field"}, r"vorticity: unknown kind 'gausian_field'.*'gaussian_field'"),
    }.values(),
)
def test_of_what_may_be_of_several_types_only_the_one_that_was_meant_is_spoken_of(field, message):
    entities = {"water": {"kind": "fluid", "viscosity": 0.1, "vorticity": field}}
    table = {"name": "x", "domain": {"size": [1, 1], "cells": [8, 8]}, "time": {"end": 1}, "entities": entities}
    with pytest.raises(SceneError, match=message) as caught:
        sc.Scene.parse(table)
    assert "Input" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("make", SCENES.values(), ids=SCENES)
def test_every_number_of_a_scene_is_finite(make):
    scene = make()
    addresses = [address for address, _ in scene.leaves(float)]
    assert len(addresses) > 5
    for address in addresses:
        for value in (float("nan"), float("inf"), "NaN"):
            with pytest.raises(SceneError, match=r"finite|must be|should be"):
                scene.replace({address: value})


@pytest.mark.parametrize("viscosity", [-1e-3, sc.Uniform(-1, 1), sc.Parameter(1.0, bounds=(-1, 2))], ids=str)
def test_a_negative_viscosity_is_refused_however_it_is_given(viscosity):
    with pytest.raises(ValidationError, match="must not be negative"):
        sc.Fluid(viscosity=viscosity)


def test_a_side_left_out_is_named():
    with pytest.raises(ValidationError, match="leaves out x_hi, y_lo, y_hi, z_hi"):
        drop(boundary=sc.Boundary(x_lo=sc.Stick(), z_lo=sc.Slip()))


def test_an_entity_may_not_bear_the_name_of_any_field():
    for name in sc.Scene.model_fields:
        with pytest.raises(ValidationError, match=f"an entity is called '{name}'"):
            drop(entities={name: sc.Wall(normal=(0, 0, 1))})


@pytest.mark.parametrize("name", ["../com", "a/b", "a.b", "", " "])
def test_a_name_that_is_no_part_of_an_address_is_refused(name):
    com, wall = sc.CenterOfMass("block", every=0.01), sc.Wall(normal=(0, 0, 1))
    with pytest.raises(ValidationError, match=f"an output is called '{name}'; .* it needs letters"):
        drop(outputs={name: com})
    with pytest.raises(ValidationError, match=f"an entity is called '{name}'"):
        drop(entities={**drop().entities, name: wall})


def test_a_scene_remembers_its_mesh_wherever_it_is_read(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "m.stl").write_text("solid one")
    monkeypatch.chdir(tmp_path / "here")
    body = sc.Body(shape=sc.Mesh("../m.stl"), material=sc.NeoHookean(youngs_modulus=1e5))
    scene = drop(entities={"block": body}, outputs={})
    scene.save(tmp_path / "here" / "scene.toml")
    monkeypatch.chdir("/")
    assert sc.Scene.parse(scene.model_dump(mode="json")).hash == scene.hash
    assert sc.load_scene(tmp_path / "here" / "scene.toml", outside_files=True).hash == scene.hash


def test_a_file_in_another_encoding_is_refused(tmp_path):
    for suffix in (".toml", ".json"):
        (tmp_path / f"scene{suffix}").write_bytes('name = "Trägheit"'.encode("latin-1"))
        with pytest.raises(SceneError, match="is not text in UTF-8"):
            sc.load_scene(tmp_path / f"scene{suffix}")


def test_a_user_s_own_material_joins_by_being_defined():
    from typing import Literal

    from scenegrad.scenes.solids import Material

    class Jelly(Material):
        kind: Literal["jelly"] = "jelly"
        wobble: float = 1.0

    try:
        assert drop().replace({"block.material": {"kind": "jelly", "wobble": 2.0}}).at("block.material") == Jelly(
            wobble=2.0
        )
    finally:
        del Material.members["jelly"]


def test_json_schema_names_every_kind_and_resolves_every_reference():
    schema = sc.scene_schema()
    text = json.dumps(schema)
    for name in ("NeoHookean", "Fluid", "LennardJones", "GaussianField", "Separate"):
        assert name in schema["$defs"]
    assert set(re.findall(r'"#/\$defs/(\w+)"', text)) <= set(schema["$defs"])
    assert '"family"' not in text


def test_members_depend_on_seed_and_index_alone():
    few, many = sc.vary(fluid(), 3, seed=7), sc.vary(fluid(), 64, seed=7)
    assert [m.hash for m in few] == [many[i].hash for i in range(3)]
    assert sc.vary(fluid(), 3, seed=8)[0].hash != few[0].hash
    assert len({m.at("water.vorticity.seed") for m in many}) == 64
    assert not [d for d in many[5].distributions().values() if not isinstance(d, sc.GaussianField)]


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_members_follow_their_distribution(sampler):
    values = np.array([m.at("water.viscosity") for m in sc.vary(fluid(), 256, sampler=sampler)])
    u = np.log(values / 1e-3) / np.log(10)
    assert values.min() >= 1e-3
    assert values.max() <= 1e-2
    assert abs(u.mean() - 0.5) < (0.01 if sampler == "sobol" else 0.06)


def test_an_ensemble_without_distributions_is_refused():
    with pytest.raises(SceneError, match="holds no distribution"):
        sc.vary(fluid().median().replace({"water.vorticity": {"kind": "taylor_green"}}), 3)


def test_the_median_scene_holds_no_open_choice():
    scene = drop().median()
    assert scene.at("block.velocity") == (0, 0, -1.0)
    assert fluid(seed=5).median().at("water.vorticity.seed") == 5


@pytest.mark.parametrize(
    ("shape", "volume"),
    [
        (sc.Box(center=(0.5, 0.5), size=(0.4, 0.2)), 0.08),
        (sc.Sphere(center=(0.5, 0.5, 0.5), radius=0.3), 4 / 3 * np.pi * 0.027),
        (sc.Cylinder(center=(0.5, 0.5, 0.5), radius=0.2, height=0.5, axis=(1, 1, 0)), np.pi * 0.04 * 0.5),
        (sc.Sphere(center=(0.5, 0.5), radius=0.3) - sc.Sphere(center=(0.5, 0.5), radius=0.1), np.pi * 0.08),
        (sc.Sphere(center=(0.5, 0.5), radius=0.3) & sc.HalfSpace(normal=(0, 1), offset=0.5), np.pi * 0.045),
        (sc.Box(center=(0.3, 0.5), size=(0.2, 0.2)) | sc.Box(center=(0.7, 0.5), size=(0.2, 0.2)), 0.08),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, sc.shapes.Shape) else "",
)
def test_signed_distance_encloses_the_volume(shape, volume):
    axis = (np.arange(80) + 0.5) / 80
    points = np.stack(np.meshgrid(*[axis] * (shape.dim() or 2), indexing="ij"), -1).reshape(-1, shape.dim() or 2)
    distance = shape.signed_distance(points)
    assert (distance < 0).mean() == pytest.approx(volume, rel=0.02)
    low, high = shape.bounds()
    inside = points[distance < 0]
    assert (inside >= low - 1e-12).all()
    assert (inside <= high + 1e-12).all()


@pytest.mark.parametrize(
    "shape",
    [
        sc.Box(center=(0.1, 0.2, 0.3), size=(0.4, 0.2, 0.3)),
        sc.Sphere(center=(0.1, 0.2, 0.3), radius=0.3),
        sc.Cylinder(center=(0.1, 0.2, 0.3), radius=0.2, height=0.5, axis=(1, 2, 0)),
        sc.HalfSpace(normal=(1, 2, 2), offset=0.5),
    ],
    ids=lambda shape: shape.kind,
)
def test_signed_distance_of_a_primitive_has_slope_one(shape):
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    h = 1e-6
    slope = [
        (shape.signed_distance(points + h * e) - shape.signed_distance(points - h * e)) / (2 * h) for e in np.eye(3)
    ]
    assert np.median(np.abs(np.linalg.norm(slope, axis=0) - 1)) < 1e-8


def test_a_vector_that_learns_is_one_in_one_dimension_too():
    domain = sc.Domain.periodic(size=(1.0,), cells=(16,))
    with pytest.raises(ValueError, match=r"gas.velocity is a vector.*Parameter\(\(0.3,\)\)"):
        sc.Scene(name="v", domain=domain, entities={"gas": sc.Gas(velocity=sc.Parameter(0.3))}, time=sc.Time(end=1.0))
    sc.Scene(name="v", domain=domain, entities={"gas": sc.Gas(velocity=sc.Parameter((0.3,)))}, time=sc.Time(end=1.0))


def test_a_part_made_by_hand_is_refused_in_our_words():
    """A misspelt name with what it was meant for, and nothing besides: not that the right one is missing, no links."""
    with pytest.raises(ValidationError, match=r"unknown key 'visocsity'\. Did you mean 'viscosity'") as caught:
        sc.Fluid(visocsity=1e-3)
    assert caught.value.error_count() == 1
    with pytest.raises(ValidationError, match="several values are needed here") as caught:
        sc.Scene(name="a", domain={"size": 1, "cells": 8}, entities={}, time={"end": 1})
    assert {problem["loc"] for problem in caught.value.errors()} >= {("domain", "size"), ("domain", "cells")}
    with pytest.raises(ValidationError, match="valid number") as caught:
        sc.Fluid(viscosity="high")
    assert "tagged-union" not in str(caught.value)
    with pytest.raises(ValidationError, match="is missing") as caught:
        sc.Fluid()
    assert "pydantic.dev" not in str(caught.value)
    with pytest.raises(TypeError, match=r"nothing by place.*there are center, radius\."):
        sc.Sphere((0.5, 0.5), 0.1)


def test_of_a_value_of_several_types_the_deepest_problem_is_told():
    table = json.loads(drop().model_dump_json())
    table["boundary"]["x_lo"] = {"kind": "inflow", "velocity": {"kind": "parabolic", "peak": "abc"}}
    with pytest.raises(SceneError) as caught:
        sc.Scene.parse(table)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["boundary.x_lo.velocity.peak"]


@pytest.mark.parametrize("given", ["smoke", None, [0.5]])
def test_what_a_side_carries_is_a_table(given):
    with pytest.raises(ValidationError, match="valid dictionary") as caught:
        sc.Inflow(velocity=1.0, carried=given)
    assert caught.value.errors()[0]["loc"] == ("carried",)
    assert sc.Inflow(velocity=1.0, carried={"smoke": 0.5}, heat=2.0).carried == {"smoke": 0.5, "heat": 2.0}
