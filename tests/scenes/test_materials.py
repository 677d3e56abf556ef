"""Materials are checked when they are named, and survive a file."""

import pydantic
import pytest

import scenegrad.scenes as sc
from scenegrad.scenes.solids import Material

HOMES = ("scenegrad.scenes.materials", "scenegrad.scenes.solids")
KINDS = [kind for kind in Material.members.values() if kind.__module__ in HOMES]


def made(kind: type[Material]) -> Material:
    """With numbers for what has no default."""
    return kind(**{name: 2.0 for name, field in kind.model_fields.items() if field.is_required()})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_material_survives_a_file(kind, tmp_path):
    block = sc.Body(shape=sc.Box(center=(0.5, 0.5), size=(0.2, 0.2)), material=made(kind))
    scene = sc.Scene(
        name="piece", domain=sc.Domain(size=(1.0, 1.0), cells=(8, 8)), entities={"block": block},
        time=sc.Time(end=1.0),
    )  # fmt: skip
    for name in ("scene.toml", "scene.json"):
        sc.save_scene(scene, tmp_path / name)
        assert sc.load_scene(tmp_path / name) == scene


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sc.DruckerPrager(youngs_modulus=1e5, friction_angle=-1.0), r"0 to 90 degrees"),
        (lambda: sc.DruckerPrager(youngs_modulus=1e5, friction_angle=90.0), r"0 to 90 degrees"),
        (lambda: sc.DruckerPrager(youngs_modulus=1e5, lode_angle=45.0), r"-30 to 30 degrees"),
        (lambda: sc.DruckerPrager(youngs_modulus=1e5, cohesion=-1.0), "must not be negative"),
        (lambda: sc.VonMises(youngs_modulus=1e5, yield_stress=0.0), "must be positive"),
        (lambda: sc.Snow(critical_compression=1.5), "between 0 and 1"),
        (lambda: sc.CamClay(youngs_modulus=1e5, preconsolidation=-5.0), "must be positive"),
        (lambda: sc.Viscoelastic(youngs_modulus=1e5, branch_modulus=1.0, relaxation_time=0.0), "must be positive"),
        (lambda: sc.Muscle(youngs_modulus=1e5, strength=-1.0), "must not be negative"),
        (lambda: sc.Muscle(youngs_modulus=1e5, poisson_ratio=0.5, strength=1.0), "between -1 and 0.5"),
    ],
)
def test_constants_out_of_range_are_refused(make, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        make()
