"""What cannot be run on a mesh is refused with what the mesh has and what would mend it."""

from collections.abc import Callable
from pathlib import Path

import meshio
import numpy as np
import pydantic
import pytest
import torch

import scenegrad.scenes as sc
from scenegrad.scenes.library import cylinder_channel
from scenegrad.solvers.compile import compile_scene

Maker = Callable[..., str]


def channel(**changes: object) -> sc.Scene:
    return cylinder_channel().model_copy(update=changes)


def refused(scene: sc.Scene) -> str:
    with pytest.raises(sc.SceneError) as caught:
        compile_scene(scene, "cpu", "float64")
    return str(caught.value)


def test_unknown_and_missing_tags_are_named():
    message = refused(channel(boundary=sc.Boundary(tags={"inlte": sc.Inflow(1.0), "outlet": sc.Outflow()})))
    assert "Did you mean 'inlet'?" in message
    assert "there are: cylinder, inlet, outlet, walls" in message
    assert "leave out cylinder, inlet, walls" in message


def test_a_box_has_sides_and_a_mesh_has_tags():
    assert "boundary.x_lo" in refused(channel(boundary=sc.Boundary(x_lo=sc.Inflow(1.0), default=sc.NoSlip())))


def test_conditions_of_other_matter_are_refused():
    message = refused(channel(boundary=sc.Boundary(default=sc.Stick())))
    assert "boundary.default" in message
    assert "no_slip" in message
    tags = {"cylinder": sc.Slip(), "inlet": sc.Inflow(1.0), "outlet": sc.Outflow()}
    assert "flat side" in refused(channel(boundary=sc.Boundary(tags=tags, default=sc.NoSlip())))
    tags = {"cylinder": sc.Inflow(sc.Parabolic(1.0)), "outlet": sc.Outflow()}
    assert "two ends" in refused(channel(boundary=sc.Boundary(tags=tags, default=sc.NoSlip())))


def test_what_comes_in_must_leave():
    message = refused(channel(boundary=sc.Boundary(tags={"inlet": sc.Inflow(sc.Parabolic(0.3))}, default=sc.NoSlip())))
    assert "0.082 m^2/s of fluid come in" in message  # 2/3 of 0.3 times 0.41
    assert "Outflow()" in message


def test_forces_are_felt_on_tags():
    outputs = {"force": sc.Force("boundary.tags.cilinder", every=1.0)}
    assert "Did you mean 'boundary.tags.cylinder'?" in refused(channel(outputs=outputs))
    bare = {"force": sc.Force("cylinder", every=1.0)}
    assert "Did you mean 'boundary.tags.cylinder'?" in refused(channel(outputs=bare))


def test_a_pressure_that_nothing_holds_is_refused(mesh_file: Maker):
    scene = sc.Scene(
        name="loose",
        domain=sc.Domain.meshed(mesh_file((1.0, 1.0), (2, 2))),
        entities={"rock": sc.Darcy(source=1.0)},
        boundary=sc.Boundary(default=sc.NoSlip()),
        time=sc.Time(end=1.0),
    )
    assert "Outflow(pressure)" in refused(scene)


def test_fields_of_boxes_are_refused():
    water = sc.Fluid(viscosity=1.0, vorticity=sc.GaussianField(), forcing=sc.KolmogorovForcing())
    message = refused(
        channel(entities={"fluid": water, "dye": sc.Tracer(initial=sc.GaussianField()), "rock": sc.Darcy()})
    )
    for address in ("entities", "fluid"):
        assert address in message


def test_tracers_are_carried_by_the_fluid_that_is_there():
    dye = sc.Tracer(initial=sc.TaylorGreen(), carried_by="air")
    message = refused(channel(entities={"fluid": sc.Fluid(viscosity=1.0), "dye": dye}))
    assert "taylor_green, which is no value" in message
    assert "the fluid is 'fluid'" in message
    assert "no steady state" in message  # of what does not spread
    tags = {"inlet": sc.Inflow(1.0, die=1.0), "outlet": sc.Outflow()}
    outputs = {"in": sc.Exchange(of="dyes", through="boundary.tags.inlet", every=1.0)}
    entities = {"fluid": sc.Fluid(viscosity=1.0), "dye": sc.Tracer(diffusivity=1.0)}
    message = refused(channel(entities=entities, boundary=sc.Boundary(tags=tags, default=sc.NoSlip()), outputs=outputs))
    assert "there is no tracer 'die'" in message
    assert "Did you mean 'dye'?" in message
    assert "outputs.in" in message


def test_members_of_a_batch_have_one_structure():
    """Whatever a number cannot say: a forcing, a tracer, a signal, a profile, a side."""
    fluid, tags = sc.Fluid(viscosity=1.0), channel().boundary.tags
    other = {
        "fluid": {"entities": {"fluid": fluid.model_copy(update={"forcing": sc.UniformForcing((1.0, 0.0))})}},
        "dye": {"entities": {"fluid": fluid, "dye": sc.Tracer(diffusivity=1.0)}},
        "boundary.tags.inlet": {
            "boundary": sc.Boundary(
                tags={**tags, "inlet": sc.Inflow(sc.Parabolic(sc.Sine(1.0, 2.0)))}, default=sc.NoSlip()
            )
        },
        "boundary.default": {"boundary": sc.Boundary(tags=tags, default=sc.NoSlip(velocity=(0.0, 0.0)))},
    }
    for address, changes in other.items():
        with pytest.raises(sc.SceneError) as caught:
            compile_scene([channel(), channel(**changes)], "cpu", "float64")
        assert f"{address} " in str(caught.value)
        assert "differs between member 0 and member 1" in str(caught.value)
    spaced = [sc.Inflow(sc.Table(every, (0.0, 1.0))) for every in (0.1, 0.2)]
    sides = [sc.Boundary(tags={**tags, "inlet": inlet}, default=sc.NoSlip()) for inlet in spaced]
    with pytest.raises(sc.SceneError, match="inlet"):
        compile_scene([channel(boundary=one) for one in sides], "cpu", "float64")


def test_numbers_of_members_differ_where_one_is_nought():
    """A pressure of 0 in the first member does not hide that of the second."""

    def outlet(pressure: float) -> sc.Scene:
        tags = {"inlet": sc.Inflow(sc.Parabolic(0.3)), "outlet": sc.Outflow(pressure=pressure)}
        return channel(boundary=sc.Boundary(tags=tags, default=sc.NoSlip()))

    solver, state, params = compile_scene([outlet(0.0), outlet(2.0)], "cpu", "float64")
    time = torch.zeros(2, dtype=torch.float64)
    pressure = solver.step(state, params.detach(), time, time + 1.0).state.pressure
    torch.testing.assert_close(pressure[1], pressure[0] + 2.0, atol=1e-8, rtol=0)


def test_finite_elements_need_a_mesh():
    scene = sc.Scene(
        name="box",
        domain=sc.Domain(size=(1.0, 1.0), cells=(8, 8)),
        entities={"fluid": sc.Fluid(viscosity=1.0)},
        boundary=sc.Boundary(default=sc.NoSlip()),
        method=sc.FiniteElement(),
        time=sc.Time(end=1.0),
    )
    assert "Domain.meshed" in refused(scene)


def test_a_mesh_beside_a_size_and_a_missing_file_are_refused(tmp_path: Path):
    mesh = cylinder_channel().domain.mesh
    with pytest.raises(pydantic.ValidationError, match="mesh beside size"):
        sc.Domain(mesh=mesh, size=(1.0, 1.0))
    with pytest.raises(pydantic.ValidationError, match="does not exist"):
        sc.Domain.meshed(str(tmp_path / "no.msh"))
    (tmp_path / "bad.msh").write_text("nothing")
    with pytest.raises(pydantic.ValidationError, match="cannot be read"):
        sc.Domain.meshed(str(tmp_path / "bad.msh"))


def test_a_scene_on_a_mesh_is_the_same_from_a_file(tmp_path: Path):
    scene = cylinder_channel()
    assert sc.load_scene(scene.save(tmp_path / "scene.toml")).hash == scene.hash
    assert scene.dim == 2


@pytest.mark.parametrize(
    ("held", "ways"),
    [
        ({}, "3 ways"),
        ({"x_lo": sc.Slip()}, "1 way,"),
        ({"x_lo": sc.Slip(), "x_hi": sc.Slip()}, "1 way,"),
        ({"x_lo": sc.Slip(), "y_hi": sc.Slip()}, None),
        ({"y_lo": sc.Stick()}, None),
    ],
)
def test_a_solid_that_can_still_shift_or_turn_is_refused(mesh_file: Maker, held: dict[str, object], ways: str | None):
    """Rounding alone would tell how far: 1e14 m were seen."""
    scene = sc.Scene(
        name="loose",
        domain=sc.Domain.meshed(mesh_file((1.5, 0.01), (4, 3))),
        entities={"block": sc.LinearElastic(youngs_modulus=3.0, poisson_ratio=0.3)},
        boundary=sc.Boundary(tags=held, default=sc.Traction((0.2, 0.3))),
        time=sc.Time(end=1.0),
    )
    if ways is None:
        compile_scene(scene, "cpu", "float64")
        return
    assert f"in {ways}" in (message := refused(scene))
    assert "Stick()" in message


@pytest.mark.parametrize("part", ["solid", "rock"])
def test_each_piece_of_a_mesh_is_held(mesh_file: Maker, tmp_path: Path, part: str):
    one = meshio.read(mesh_file((1.0, 1.0, 1.0), (2, 2, 2)))
    cells = [(block.type, np.concatenate([block.data, block.data + len(one.points)])) for block in one.cells]
    tags = [np.concatenate([old, np.where(old == 99, 99, 50)]) for old in one.cell_data["gmsh:physical"]]
    two = meshio.Mesh(
        np.concatenate([one.points, one.points + np.array([2.0, 0.0, 0.0])]),
        cells,
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
        field_data={**one.field_data, "far": np.array([50, 2])},
    )
    meshio.write(tmp_path / "two.msh", two, file_format="gmsh22", binary=True)
    solid = part == "solid"
    matter = (
        sc.LinearElastic(youngs_modulus=3.0, poisson_ratio=0.3) if solid else sc.Darcy(permeability=2.0, source=0.5)
    )
    kept, free = (sc.Stick(), sc.Traction()) if solid else (sc.Outflow(), sc.Slip())

    def scene(*held: str) -> sc.Scene:
        return sc.Scene(
            name="two",
            domain=sc.Domain.meshed(str(tmp_path / "two.msh")),
            entities={"it": matter},
            boundary=sc.Boundary(tags=dict.fromkeys(held, kept), default=free),
            time=sc.Time(end=1.0),
        )

    assert ("in 6 ways" if solid else "1 of the pieces") in refused(scene("z_lo"))
    compile_scene(scene("z_lo", "far"), "cpu", "float64")


def test_each_member_of_a_batch_has_a_steady_state(mesh_file: Maker):
    scenes = [
        sc.Scene(
            name="closed",
            domain=sc.Domain.meshed(mesh_file((1.0, 1.0), (2, 2))),
            entities={"rock": sc.Darcy(permeability=2.0, source=0.5, reaction=sc.Parameter(reaction))},
            boundary=sc.Boundary(default=sc.Slip()),
            time=sc.Time(end=1.0),
        )
        for reaction in (0.4, 0.0)
    ]
    compile_scene(scenes[:1], "cpu", "float64")
    for chosen in (scenes, scenes[1:]):
        with pytest.raises(sc.SceneError, match="no side holds a value"):
            compile_scene(chosen, "cpu", "float64")
