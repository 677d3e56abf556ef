"""Nothing that a scene of a flow says is passed over in silence, and units tell what is per metre of depth."""

import re
from pathlib import Path

import pydantic
import pytest

import scenegrad as sg
from scenegrad.solvers.compile import method_of

ROOT = Path(__file__).resolve().parents[3]
SQUARE = sg.Domain(size=(1.0, 1.0), cells=(16, 16))


def scene(domain: sg.Domain, part: object, boundary: sg.Boundary | None = None, **others: object) -> sg.Scene:
    told = {} if boundary is None else {"boundary": boundary}
    return sg.Scene(name="x", domain=domain, entities={"flow": part}, time=sg.Time(end=0.1), **told, **others)


def test_eddies_below_the_grid_of_a_periodic_box_are_modelled_or_refused() -> None:
    box = sg.Domain.periodic(size=(1.0, 1.0), cells=(16, 16))
    fluid = sg.Fluid(viscosity=1e-3, vorticity=sg.TaylorGreen(), turbulence=sg.Smagorinsky())
    assert isinstance(method_of(scene(box, fluid)), sg.Staggered)
    with pytest.raises(sg.SceneError, match=r"flow\.turbulence .* method=Staggered"):
        sg.compile(scene(box, fluid, method=sg.Spectral()))


WARM = sg.Boundary(y_lo=sg.NoSlip(temperature=2.0), default=sg.Slip())
ALONG = sg.Boundary(y_lo=sg.NoSlip(velocity=(1.0, 0.0)), default=sg.Slip())
LEARNS = sg.Boundary(y_lo=sg.NoSlip(velocity=(sg.Parameter(0.0), 0.0)), default=sg.Slip())
GAS, WATER = sg.Gas(density=1.0, pressure=1.0), sg.ShallowWater(depth=1.0)


@pytest.mark.parametrize(
    ("flow", "boundary", "what"),
    [
        (GAS, WARM, "y_lo.carried.temperature .* give the gas a viscosity"),
        (GAS, ALONG, "y_lo.velocity .* give the gas a viscosity"),
        (GAS, LEARNS, "y_lo.velocity .* does not feel"),
        (WATER, ALONG, "y_lo.velocity .* leave it out"),
    ],
)
def test_walls_do_not_rub_what_has_no_friction(flow: object, boundary: sg.Boundary, what: str) -> None:
    with pytest.raises(sg.SceneError, match=what):
        sg.compile(scene(SQUARE, flow, boundary))


@pytest.mark.parametrize("boundary", [WARM, ALONG, LEARNS])
def test_walls_rub_a_gas_with_viscosity(boundary: sg.Boundary) -> None:
    sg.compile(scene(SQUARE, sg.Gas(density=1.0, pressure=1.0, viscosity=0.01), boundary))


def test_a_piston_pushes_what_has_no_friction() -> None:
    sg.compile(scene(SQUARE, GAS, sg.Boundary(y_lo=sg.NoSlip(velocity=(0.0, 0.1)), default=sg.Slip())))


def test_a_learnable_entry_of_a_vector_is_told_how_to_learn() -> None:
    with pytest.raises(pydantic.ValidationError, match=r"write Parameter\(\(0\.2, 0\.3\)\)"):
        sg.Sphere(center=(0.2, sg.Parameter(0.3)), radius=0.1)


@pytest.mark.parametrize(
    "part", [sg.Fluid(viscosity=0.1), sg.Gas(density=1.0, pressure=1.0)], ids=lambda part: str(part.kind)
)
def test_amounts_in_a_plane_are_per_metre_of_depth(part: object) -> None:
    outputs = {"energy": sg.Energy(every=0.1), "momentum": sg.Momentum(every=0.1), "force": sg.Force("ball", every=0.1)}
    for dim, force, torque, joule in ((2, "N/m", "N", "J/m"), (3, "N", "N m", "J")):
        body = sg.Obstacle(shape=sg.Sphere(center=(0.5,) * dim, radius=0.3))
        made = sg.Scene(
            name="x",
            domain=sg.Domain(size=(1.0,) * dim, cells=(8,) * dim),
            entities={"flow": part, "ball": body},
            boundary=sg.Boundary(default=sg.Slip()),
            outputs=outputs,
            time=sg.Time(end=0.1),
        )
        units = {probe.name: probe.units for probe in sg.compile(made)[0].program.probes}
        assert (units["force"]["force"], units["force"]["torque"]) == (force, torque)
        assert units["energy"]["kinetic"] == joule


@pytest.mark.parametrize("page", ["fluids", "finite_volume", "elliptic"])
def test_scenes_of_the_pages_can_be_run(page: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / f"{page}.md").read_text(), re.DOTALL)
    found = [block for block in blocks if "sg.Scene(" in block]
    assert found
    for block in found:
        names: dict[str, object] = {"sg": sg}
        exec(block, names)
        for made in [value for value in names.values() if isinstance(value, sg.Scene)]:
            sg.compile(made)
