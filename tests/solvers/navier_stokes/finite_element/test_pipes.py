"""Flows round and through cylinders: forces, torques, and files of both versions of Gmsh."""

import math
from dataclasses import replace
from pathlib import Path

import meshio
import numpy as np
import pytest
import torch
from scipy.spatial import Delaunay

import scenegrad.scenes as sc
from scenegrad.engine.rollout import rollout
from scenegrad.solvers.compile import compile_scene
from scenegrad.solvers.navier_stokes.finite_element.sides import Source

STEADY = sc.FiniteElement(time="steady")


def scene(mesh: str, fluid: sc.Fluid, boundary: sc.Boundary, **more: object) -> sc.Scene:
    return sc.Scene(
        name="test",
        domain=sc.Domain.meshed(mesh),
        entities={"it": fluid},
        boundary=boundary,
        **{"time": sc.Time(end=1.0), **more},
    )


def ring(path: str, segments: int, layers: int) -> None:
    """Between circles of radius 1 and 2 about (3, 1): tags inner and outer. Elements have straight edges."""
    angle = 2 * np.pi * np.arange(segments) / segments
    radius = np.linspace(1.0, 2.0, layers + 1)
    points = radius[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + np.array([3.0, 1.0])
    n = np.arange(points.shape[0] * segments).reshape(-1, segments)
    a, b, c, d = n[:-1].ravel(), n[1:].ravel(), np.roll(n[1:], -1, 1).ravel(), np.roll(n[:-1], -1, 1).ravel()
    lines = [np.stack([row, np.roll(row, -1)], axis=1) for row in (n[0], n[-1])]
    cells = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    data = [np.repeat([1, 2], segments), np.full(len(cells), 9)]
    mesh = meshio.Mesh(
        np.pad(points.reshape(-1, 2), ((0, 0), (0, 1))),
        [("line", np.concatenate(lines)), ("triangle", cells)],
        cell_data={"gmsh:physical": data, "gmsh:geometrical": data},
        field_data={"inner": np.array([1, 1]), "outer": np.array([2, 1])},
    )
    meshio.write(path, mesh, file_format="gmsh22", binary=True)


def test_fluid_at_rest_lifts_what_it_surrounds(tmp_path: Path) -> None:
    """Archimedes: density times acceleration times area of the polygon, against it, through its middle."""
    ring(str(tmp_path / "ring.msh"), 12, 2)
    fluid = sc.Fluid(viscosity=0.1, density=2.0, forcing=sc.UniformForcing((0.3, -0.5)))
    outputs = {"push": sc.Force("boundary.tags.inner", every=1.0)}
    one = scene(str(tmp_path / "ring.msh"), fluid, sc.Boundary(default=sc.NoSlip()), method=STEADY, outputs=outputs)
    push = rollout(*compile_scene(one, "cpu", "float64")).outputs["push"]
    area = 6 * math.sin(2 * math.pi / 12)
    fx, fy = -2.0 * 0.3 * area, 2.0 * 0.5 * area
    torch.testing.assert_close(push["force"][0, -1], torch.tensor([fx, fy]).double(), atol=1e-6, rtol=1e-6)
    assert float(push["torque"][0, -1]) == pytest.approx(3.0 * fy - 1.0 * fx, rel=1e-6)


def test_a_turning_cylinder_drags_the_one_around_it(tmp_path: Path) -> None:
    """Torque 4 pi mu omega (r R)^2 / (R^2 - r^2) [Couette 1890], of order 2 as edges are straight."""
    errors = []
    for segments in (24, 48):
        ring(str(tmp_path / "ring.msh"), segments, segments // 8)
        outputs = {"push": sc.Force("boundary.tags.outer", every=1.0)}
        fluid = sc.Fluid(viscosity=0.5, density=2.0)
        one = scene(str(tmp_path / "ring.msh"), fluid, sc.Boundary(default=sc.NoSlip()), method=STEADY, outputs=outputs)
        solver, state, params = compile_scene(one, "cpu", "float64")
        x = solver.space.places(state.vertices)[0] - torch.tensor([3.0, 1.0]).double()
        pattern = torch.zeros_like(x)
        nodes = solver.space.tags["inner"].all_nodes
        pattern[nodes] = torch.stack([-x[nodes, 1], x[nodes, 0]], dim=1)
        turning = Source("it.density", 1.0, 0.1 * pattern[None])  # 2 * 0.1 rad/s
        solver = replace(solver, sides=replace(solver.sides, sources=(turning,)))
        push = rollout(solver, state, params).outputs["push"]
        exact = 4 * math.pi * (2.0 * 0.5) * 0.2 * 4.0 / 3.0
        moment = push["torque"][0, -1] - (3.0 * push["force"][0, -1, 1] - 1.0 * push["force"][0, -1, 0])
        errors.append(abs(float(moment) / exact - 1))
    assert errors[1] < 5e-3, errors
    assert math.log2(errors[0] / errors[1]) > 1.8, errors


def pipe(path: str, rings: int, layers: int, radius: float, length: float, version: str) -> None:
    """A round pipe along z of tetrahedra, `rings` of prisms from its axis to its wall, each cut into three; tags inlet,
    outlet and wall."""
    points, number, angles = [np.zeros(2)], [[0]], 6
    for ring in range(1, rings + 1):
        angle = 2 * np.pi * np.arange(angles * ring) / (angles * ring)
        number.append([len(points) + n for n in range(len(angle))])
        points += list(radius * ring / rings * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    flat = np.array(points)
    triangles = Delaunay(flat).simplices
    count = len(flat)
    x = np.concatenate([np.column_stack([flat, np.full(count, length * n / layers)]) for n in range(layers + 1)])
    cells = []
    for n in range(layers):
        for a, b, c in np.sort(triangles, axis=1) + n * count:  # by rising corners, so that neighbours fit
            cells += [(a, b, c, c + count), (a, b, b + count, c + count), (a, a + count, b + count, c + count)]
    faces = np.sort(np.concatenate([np.delete(np.array(cells), k, axis=1) for k in range(4)]), axis=1)
    faces, times = np.unique(faces, axis=0, return_counts=True)
    faces = faces[times == 1]
    height = x[faces, 2]
    tags = np.where((height == 0).all(axis=1), 1, np.where((height == length).all(axis=1), 2, 3))
    data = [tags, np.full(len(cells), 9)]
    mesh = meshio.Mesh(
        x,
        [("triangle", faces), ("tetra", np.array(cells))],
        cell_data={"gmsh:physical": data, "gmsh:geometrical": data},
        field_data={"inlet": np.array([1, 2]), "outlet": np.array([2, 2]), "wall": np.array([3, 2])},
    )
    if version == "2.2":
        meshio.write(path, mesh, file_format="gmsh22", binary=True)
    else:
        in_blocks(path, x, {1: faces[tags == 1], 2: faces[tags == 2], 3: faces[tags == 3]}, np.array(cells))


def in_blocks(path: str, points: np.ndarray, facets: dict[int, np.ndarray], cells: np.ndarray) -> None:
    """A .msh of version 4.1 as Gmsh writes it: names belong to surfaces, and elements to those."""
    names = {1: "inlet", 2: "outlet", 3: "wall"}
    lines = ["$MeshFormat", "4.1 0 8", "$EndMeshFormat", "$PhysicalNames", str(len(names) + 1)]
    lines += [*(f'2 {code} "{name}"' for code, name in names.items()), '3 9 "inside"']
    lines += ["$EndPhysicalNames", "$Entities", f"0 0 {len(facets)} 1"]
    lines += [f"{10 + code} 0 0 0 1 1 1 1 {code} 0" for code in facets]  # the surface is not the name
    lines += [
        "1 0 0 0 1 1 1 1 9 0",
        "$EndEntities",
        "$Nodes",
        f"1 {len(points)} 1 {len(points)}",
        f"3 1 0 {len(points)}",
    ]
    lines += [str(n + 1) for n in range(len(points))]
    lines += [" ".join(f"{c:.17g}" for c in point) for point in points]
    blocks = [(2, 10 + code, 2, rows) for code, rows in facets.items()] + [(3, 1, 4, cells)]
    total = sum(len(rows) for *_, rows in blocks)
    lines += ["$EndNodes", "$Elements", f"{len(blocks)} {total} 1 {total}"]
    number = 0
    for dim, entity, kind, rows in blocks:
        lines.append(f"{dim} {entity} {kind} {len(rows)}")
        for row in rows:
            number += 1
            lines.append(" ".join(map(str, [number, *(row + 1)])))
    Path(path).write_text("\n".join([*lines, "$EndElements", ""]))


@pytest.mark.parametrize("version", ["2.2", "4.1"])
def test_flow_through_a_pipe_is_that_of_poiseuille(tmp_path: Path, version: str) -> None:
    """Q = pi R^4 dp / (8 mu L) [Hagen 1839, Poiseuille 1840], of the polygon that its wall is; from .msh of both
    versions, 2.2 and 4.1, with their names."""
    radius, length, drop, mu = 0.5, 1.0, 0.8, 0.3
    file = str(tmp_path / "pipe.msh")
    pipe(file, 3, 2, radius, length, version)
    tags = {"inlet": sc.Outflow(pressure=drop), "outlet": sc.Outflow(pressure=0.0), "wall": sc.NoSlip()}
    outputs = {"drag": sc.Force("boundary.tags.wall", every=1.0)}
    one = scene(file, sc.Fluid(viscosity=mu), sc.Boundary(tags=tags), method=STEADY, outputs=outputs)
    solver, state, params = compile_scene(one, "cpu", "float64")
    found = rollout(solver, state, params)
    x = solver.space.places(state.vertices)[0]
    axis = x[:, :2].norm(dim=1) < 1e-9
    peak = drop * radius**2 / (4 * mu * length)
    speeds = found.state.velocity[0, axis]
    torch.testing.assert_close(speeds[:, 2], torch.full_like(speeds[:, 2], peak), rtol=0.03, atol=0)
    assert float(speeds[:, :2].abs().max()) < 0.02 * peak
    # the wall feels what the pressure pushes, on an inlet that is a polygon of 18 sides
    area = 9 * radius**2 * math.sin(2 * math.pi / 18)
    force = found.outputs["drag"]["force"][0, -1]
    assert float(force[2]) == pytest.approx(drop * area, rel=0.02)
    assert float(found.outputs["drag"]["torque"][0, -1].norm()) < 0.02 * drop * area * radius
