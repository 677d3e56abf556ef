"""From a scene to atoms: where they stand, how fast they are, and what is refused."""

import math

import numpy as np
import pytest
import torch

import scenegrad.scenes as sc
import scenegrad.scenes.library as library
from scenegrad.engine.controllers import CFL, Fixed
from scenegrad.engine.errors import EngineError
from scenegrad.engine.rollout import rollout
from scenegrad.scenes.errors import SceneError
from scenegrad.solvers.compile import compile_scene


def scene(**changes):
    parts = {
        "name": "atoms",
        "units": "lj",
        "domain": sc.Domain.periodic(density=0.8),
        "entities": {
            "Ar": sc.Atoms(lattice=sc.FCC(cells=(4, 4, 4)), temperature=0.9),
            "pair": sc.LennardJones(cutoff=2.0),
        },
        "time": sc.Time(end=1.0),
    }
    return sc.Scene(**{**parts, **changes})


def binary(**b):
    lattice = sc.FCC(cells=(5, 5, 5))
    return scene(
        entities={
            "A": sc.Atoms(lattice=lattice, share=0.8, temperature=1.1),
            "B": sc.Atoms(lattice=lattice, **{"share": 0.2, "temperature": 1.1, "mass": 2.0, **b}),
            "pair": sc.LennardJones(cutoff=2.0),
            "AB": sc.LennardJones(cutoff=1.5, sigma=0.8, between=("B", "A")),
        }
    )


def compiled(scene, dtype="float64"):
    return compile_scene(scene, device="cpu", dtype=dtype)


@pytest.mark.parametrize(
    ("lattice", "neighbours"),
    [
        (sc.FCC(cells=(3, 4, 5)), 12),
        (sc.SimpleCubic(cells=(6, 7, 8)), 6),
        (sc.Square(cells=(9, 11)), 4),
        (sc.Hexagonal(cells=(9, 5)), 6),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_lattices_have_their_density_and_their_number_of_nearest_neighbours(lattice, neighbours):
    atoms = sc.Atoms(lattice=lattice)
    solver, state, _ = compiled(scene(entities={"Ar": atoms, "pair": sc.LennardJones(cutoff=1.2)}))
    x, box = state.position[0], solver.system.box.edges[0]
    assert x.shape[0] / float(box.prod()) == pytest.approx(0.8)
    d = x[:, None] - x
    r = (d - box * torch.round(d / box)).norm(dim=2)
    r.fill_diagonal_(torch.inf)
    assert ((r < r.min() * 1.0001).sum(dim=1) == neighbours).all()


def test_velocities_have_exactly_the_temperature_and_no_momentum():
    for one in (scene(), binary(), scene(seed=8)):
        solver, state, params = compiled(one)
        seen = solver.observe(state, params.detach())
        wanted = next(part.temperature for part in one.entities.values() if isinstance(part, sc.Atoms))
        assert float(seen["temperature"]) == pytest.approx(wanted, rel=1e-12)
        assert float(seen["momentum"].detach().abs().max()) < 1e-11
    assert not torch.equal(compiled(scene())[1].velocity, compiled(scene(seed=8))[1].velocity)
    assert torch.equal(compiled(scene())[1].velocity, compiled(scene())[1].velocity)


def test_members_keep_their_numbers_apart():
    scenes = [scene(seed=n).replace({"domain.density": rho, "Ar.temperature": t}) for n, (rho, t) in
              enumerate([(0.7, 0.5), (0.9, 1.5)])]  # fmt: skip
    solver, state, params = compiled(scenes)
    assert (256 / solver.system.box.volume).tolist() == pytest.approx([0.7, 0.9])
    assert solver.observe(state, params)["temperature"].tolist() == pytest.approx([0.5, 1.5])


def test_species_share_a_lattice_without_a_gap_or_a_collision():
    solver, state, _ = compiled(binary())
    assert torch.bincount(solver.system.species.long()).tolist() == [400, 100]
    sites = torch.from_numpy(np.unique(np.round(state.position[0].numpy(), 9), axis=0))
    assert len(sites) == 500
    other = compiled(binary().replace({"seed": 1}))[1]
    assert not torch.equal(other.position, state.position)
    assert solver.system.forces.terms[0].table.names == ("AB", "pair")
    assert solver.system.forces.terms[0].pair_of.tolist() == [[1, 0], [0, 1]]


def test_positions_come_from_a_file(tmp_path):
    points = np.random.default_rng(0).permutation(np.stack(np.meshgrid(*[np.arange(5.0)] * 2), axis=-1).reshape(-1, 2))
    np.save(tmp_path / "a.npy", points)
    np.savetxt(tmp_path / "a.csv", points, delimiter=",", header="x,y", comments="")
    for name in ("a.npy", "a.csv"):
        atoms = sc.Atoms(lattice=sc.PointFile(path=str(tmp_path / name)))
        one = scene(domain=sc.Domain.periodic(size=(5.0, 5.0)), entities={"A": atoms, "p": sc.LennardJones(cutoff=2.0)})
        assert torch.equal(compiled(one)[1].position[0], torch.from_numpy(points))


def test_dt_is_chosen_by_the_scene_or_by_the_bound():
    assert isinstance(compiled(scene())[0].program.controller, CFL)
    assert compiled(scene(time=sc.Time(end=1.0, dt=0.003)))[0].program.controller == Fixed(0.003)
    solver, state, params = compiled(library.argon(temperature=0.722, cells=5).replace({"time.dt": "auto"}))
    dt = solver.program.controller.number * float(solver.max_dt(state, params))
    assert 0.003 < dt < 0.008


@pytest.mark.parametrize(
    "ready",
    [library.argon(), library.lj_fluid(), library.kob_andersen(), library.melting_crystal()],
    ids=lambda s: s.name,
)
def test_ready_scenes_measure_all_that_they_promise(ready):
    solver, state, params = compiled(ready, "float32")
    for probe in solver.program.probes:
        measured = probe.measure(state, params.detach())
        assert set(measured) <= set(probe.units)
        assert all(bool(torch.isfinite(value).all()) for value in measured.values())
    assert float(solver.max_dt(state, params)) > ready.time.dt
    assert sc.Scene.parse(ready.model_dump(mode="json")) == ready


REFUSED = {
    "cutoff beyond half the box": (
        lambda: scene(entities={**scene().entities, "pair": sc.LennardJones(cutoff=4.0)}),
        r"pair\.cutoff .*4 is beyond half.*cutoff <= 3\.42",
    ),
    "no potential": (lambda: scene(entities={"Ar": scene().entities["Ar"]}), "no pair potential.*Ar"),
    "walls": (lambda: scene(domain=sc.Domain(size=(8.0, 8.0, 8.0))), r"Domain\.periodic"),
    "unknown species": (
        lambda: scene(entities={**scene().entities, "q": sc.LennardJones(between=("Ar", "Ag"))}),
        r"q\.between .*'Ag'.*Did you mean 'Ar'",
    ),
    "a pair left alone": (
        lambda: scene(entities={**binary().entities, "pair": sc.LennardJones(cutoff=2.0, between=("A", "A"))}),
        r"no potential for B with B",
    ),
    "a pair named twice": (
        lambda: scene(entities={**binary().entities, "BA": sc.LennardJones(cutoff=2.0, between=("A", "B"))}),
        r"BA\.between .*already belong to AB",
    ),
    "one site for two": (lambda: binary(share=0.5), r"B\.share .*0\.8 \+ 0\.5"),
    "a Parameter that nothing reaches": (
        lambda: scene(domain=sc.Domain.periodic(density=sc.Parameter(value=0.8))),
        r"domain\.density .*no gradient reaches it.*pair\.epsilon",
    ),
    "a Parameter across a jump": (
        lambda: scene(
            entities={
                **scene().entities,
                "pair": sc.LennardJones(epsilon=sc.Parameter(value=1.0), cutoff=2.0, cut="plain"),
            }
        ),
        r"pair\.cut .*'plain'.*pair\.epsilon.*'force-shift'",
    ),
    "a root of nothing": (
        lambda: scene(
            entities={
                **scene().entities,
                "Ar": sc.Atoms(lattice=sc.FCC(cells=(4, 4, 4)), temperature=sc.Parameter(value=0.0)),
            }
        ),
        r"Ar\.temperature .*no derivative",
    ),
    "a shell beyond half the box": (
        lambda: scene(outputs={"g": sc.RDF(r_max=4.0, every=1.0)}),
        r"outputs\.g .*r_max <= 3\.42",
    ),
    "an unknown quantity": (
        lambda: scene(outputs={"t": sc.Particles(quantities=("velocty",), every=1.0)}),
        r"outputs\.t .*'velocty'.*Did you mean 'velocity'",
    ),
    "an output of fluids": (lambda: scene(outputs={"s": sc.Spectrum(every=1.0)}), r"outputs\.s .*spectrum"),
    "an address of no temperature": (
        lambda: scene(dynamics=sc.Langevin(temperature="Ag.temperature")),
        r"dynamics\.temperature .*'Ag\.temperature'.*Did you mean 'Ar\.temperature'",
    ),
    "an error estimate": (lambda: scene(time=sc.Time(end=1.0, tolerance=1e-6)), r"time\.tolerance .*no"),
    "size and density": (
        lambda: scene(domain=sc.Domain.periodic(size=(8.0, 8.0, 8.0), density=0.8)),
        "one follows from the other",
    ),
    "gravity": (lambda: scene(gravity=(0.0, 0.0, -1.0)), "gravity"),
    "atoms upon atoms": (
        lambda: scene(
            domain=sc.Domain.periodic(size=(8.0, 8.0, 8.0)),
            entities={**scene().entities, "B": sc.Atoms(lattice=sc.SimpleCubic(cells=(4, 4, 4)))},
        ),
        "64 pairs of atoms on the same place",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(make, message):
    with pytest.raises(SceneError, match=message):
        compiled(make())


def test_all_reasons_come_at_once():
    wrong = scene(
        domain=sc.Domain(size=(8.0, 8.0, 8.0)),
        time=sc.Time(end=1.0, tolerance=1e-6),
        dynamics=sc.Langevin(temperature="Kr.temperature"),
    )
    with pytest.raises(SceneError) as caught:
        compiled(wrong)
    for address in ("domain", "time.tolerance", "dynamics.temperature"):
        assert f"  {address} " in str(caught.value)


def test_members_of_different_make_up_are_refused():
    with pytest.raises(SceneError, match=r"Ar\.lattice .*member 0 and member 1"):
        compiled([scene(), scene(entities={**scene().entities, "Ar": sc.Atoms(lattice=sc.FCC(cells=(5, 5, 5)))})])


def test_potentials_of_several_kinds_add_up():
    """Each kind shares out the pairs of species by itself; what no kind names is felt by nobody."""
    mixed = sc.Scene(
        name="mixed",
        domain=sc.Domain.unbounded(dim=3),
        entities={
            "A": sc.Atoms(lattice=sc.Sites(((0.0, 0.0, 0.0), (1.05, 0.0, 0.0)))),
            "B": sc.Atoms(lattice=sc.Sites(((0.0, 1.1, 0.0),))),
            "core": sc.WCA(between=("A", "A"), cutoff=1.3),
            "screened": sc.Yukawa(strength=2.0, screening=1.5, cutoff=3.0, cut="plain"),
        },
        time=sc.Time(end=1.0),
        units="lj",
    )
    solver, state, params = compile_scene(mixed, device="cpu", dtype="float64")
    r = torch.tensor([1.05, 1.1, math.hypot(1.05, 1.1)], dtype=torch.float64)
    yukawa = (2.0 * torch.exp(-1.5 * r) / r).sum()
    wca = 4.0 * (1.05**-12 - 1.05**-6) + 1.0
    found = float(solver.observe(state, params)["potential_energy"])
    assert found == pytest.approx(float(yukawa) + wca, rel=1e-13)


def test_a_potential_that_ends_beyond_its_lists_is_refused():
    scene = sc.Scene(
        name="wide",
        domain=sc.Domain.periodic(density=0.8),
        entities={"A": sc.Atoms(lattice=sc.FCC(cells=(3, 3, 3))), "core": sc.WCA(sigma=1.4)},
        time=sc.Time(end=1.0),
        units="lj",
    )
    solver, state, params = compile_scene(scene, device="cpu", dtype="float64")
    with pytest.raises(EngineError, match=r"core of member 0 ends at 1\.571.*cutoff of 1\.73"):
        solver.observe(state, params)


def test_charges_that_nothing_feels_are_refused():
    scene = sc.Scene(
        name="ions",
        domain=sc.Domain.periodic(density=0.5),
        entities={"A": sc.Atoms(lattice=sc.FCC(cells=(4, 4, 4)), charge=1.0), "core": sc.WCA()},
        time=sc.Time(end=1.0),
        units="lj",
    )
    with pytest.raises(SceneError, match=r"A\.charge.*Electrostatics"):
        compile_scene(scene, device="cpu", dtype="float64")


def test_members_of_a_batch_may_stand_at_sites_of_their_own():
    """Each moves as it does alone, to the last bit; atoms of other numbers are refused."""

    def placed(seed, atoms=30):
        rng = np.random.default_rng(seed)
        grid = np.stack(np.meshgrid(*[np.arange(6)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)[:atoms]
        x, v = 1.2 * grid + 0.1 * rng.standard_normal((atoms, 2)), rng.standard_normal((atoms, 2))
        return sc.Scene(
            name="sites",
            units="lj",
            domain=sc.Domain.periodic(size=(7.2, 7.2)),
            entities={
                "A": sc.Atoms(
                    lattice=sc.Sites(tuple(map(tuple, x.tolist())), velocities=tuple(map(tuple, v.tolist())))
                ),
                "pair": sc.LennardJones(cutoff=2.5),
            },
            time=sc.Time(end=0.05, dt=0.002),
        )

    scenes = [placed(1), placed(2)]
    both = rollout(*compile_scene(scenes, device="cpu", dtype="float64")).state
    for n, scene in enumerate(scenes):
        alone = rollout(*compile_scene(scene, device="cpu", dtype="float64")).state
        assert torch.equal(both.position[n], alone.position[0])
        assert torch.equal(both.velocity[n], alone.velocity[0])
    assert not torch.equal(both.position[0], both.position[1])
    with pytest.raises(SceneError, match=r"A\.lattice .*member 0 and member 1"):
        compile_scene([placed(1), placed(2, atoms=29)], device="cpu", dtype="float64")
