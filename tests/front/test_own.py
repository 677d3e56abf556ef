"""Materials, potentials, solvers, outputs and networks of a user's own, outside the package, by name in a scene."""

import hashlib
import json
import math
import shutil
from pathlib import Path

import pytest
import torch
import warp as wp

import scenegrad as sg
from scenegrad.engine.state import tensors
from scenegrad.scenes import plugins
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.schema import scene_schema
from scenegrad.solvers import own as own_solvers
from scenegrad.solvers.mpm.materials import LAWS
from scenegrad.solvers.mpm.numbers import numbers

OWN = Path(__file__).resolve().parents[2] / "examples" / "own"
FILES = sorted(OWN.glob("*.py"))


@pytest.fixture(autouse=True)
def nothing_stays(as_before):
    """What is registered here is forgotten afterwards, and what is forgotten here known again."""
    with as_before():
        yield


def load(name):
    return plugins.load_plugin(OWN / f"{name}.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_one_of_ones_own_takes_thirty_lines(path):
    text = path.read_text()
    assert len([line for line in text.splitlines() if line.strip()]) <= 30
    assert "scenegrad." not in text, "what an example needs is found at the front door"


def differs_by(loss, point, gradient, h=1e-6):
    """Relative miss of central differences along a random direction; the closest of a few steps."""
    way = {a: torch.randn(v.shape, dtype=v.dtype, generator=torch.Generator().manual_seed(3)) for a, v in point.items()}
    way = {a: way[a] * v.abs().clamp(min=1e-3) for a, v in point.items()}
    exact = sum(float((gradient[a] * way[a]).sum()) for a in point)
    misses = []
    for step in (10 * h, 3 * h, h):
        up, down = (loss({a: v + s * step * way[a] for a, v in point.items()}) for s in (1, -1))
        misses.append(abs((up - down) / (2 * step) - exact) / abs(exact))
    return min(misses)


def agrees_with_central_differences(scene, loss_of, limit=1e-6):
    """Of a whole rollout, by every Parameter at once."""
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    loss = loss_of(sg.rollout(solver, state, params))
    learning = {a: v for a, v in params.items() if v.requires_grad}
    found = dict(zip(learning, torch.autograd.grad(loss, [*learning.values()]), strict=True))
    assert all(float(bar.abs().max()) > 0 for bar in found.values())

    def again(values):
        now = params.detach().replace(values)
        first = solver.program.initial(now)
        return float(loss_of(sg.rollout(solver, first, now)))

    with torch.no_grad():
        miss = differs_by(again, {a: v.detach() for a, v in learning.items()}, found)
    assert miss < limit, miss


def rubber(dim=2, **numbers):
    given = {"shear_modulus": 1e4, "bulk_modulus": 5e4, "locking": 2.0, **numbers}
    body = sg.Body(
        shape=sg.Box(center=(0.5,) * (dim - 1) + (0.16,), size=(0.25,) * dim),
        velocity=(0.3,) * (dim - 1) + (-2.0,),
        material=load("gent").Gent(**given),
    )
    return sg.Scene(
        name="rubber",
        domain=sg.Domain(size=(1.0,) * dim, cells=(16,) * dim),
        entities={"ball": body},
        outputs={"energy": sg.Energy(every=0.01), "matter": sg.Particles("stress", "stress_across", every=0.02)},
        time=sg.Time(end=0.04, cfl=0.3),
    )


def law_of_gent(dim):
    """The law, its row of numbers and a few deformations."""
    law = LAWS[load("gent").Gent]
    row = law.row(*(torch.tensor(v).double() for v in (1e4, 5e4, 2.0, 1000.0)))
    noise = torch.randn(5, dim, dim, generator=torch.Generator().manual_seed(0)).double()
    return law, row, torch.eye(dim).double() + 0.15 * noise


@pytest.mark.parametrize("dim", [2, 3])
def test_the_stress_of_ones_own_material_is_the_slope_of_its_energy(dim):
    """tau = dW/dF F' of the kernel, by central differences of the energy."""
    law, row, F = law_of_gent(dim)
    n = numbers(dim, torch.float64, law.width)
    tau, mat, Row, History = law.kirchhoff(n), n.mat, n.row, n.history

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(row_in: wp.array[Row], F_in: wp.array[mat], h_in: wp.array[History], tau_out: wp.array[mat]):
        p = wp.tid()
        tau_out[p] = tau(row_in[0], F_in[p], h_in[0], F_in[p])

    wp.init()
    found = torch.zeros_like(F)
    arrays = [wp.from_torch(row[None], dtype=n.row), wp.from_torch(F, dtype=n.mat), wp.zeros(1, dtype=n.history)]
    wp.launch(kernel, len(F), [*arrays, wp.from_torch(found, dtype=n.mat)], device="cpu")
    nothing = F[..., :0, 0]
    slope, h = torch.zeros_like(F), 1e-6
    for i in range(dim):
        for j in range(dim):
            way = torch.zeros(dim, dim).double()
            way[i, j] = h
            slope[:, i, j] = (law.energy(row, F + way, nothing) - law.energy(row, F - way, nothing)) / (2 * h)
    assert torch.allclose(found, slope @ F.mT, rtol=1e-7, atol=1e-4)
    assert torch.allclose(law.stress(row, F, nothing, F), found, rtol=1e-12)


def test_the_gradient_of_ones_own_material_is_that_of_central_differences():
    given = {"shear_modulus": sg.Parameter(1e4), "bulk_modulus": sg.Parameter(5e4), "locking": sg.Parameter(2.0)}
    agrees_with_central_differences(
        rubber(**given).replace({"outputs": {}}), lambda roll: roll.state.velocity.square().sum()
    )


def test_waves_in_ones_own_material_are_no_faster_than_its_bound():
    """At rest c^2 = (K + 2 mu (1 + 1/Jm)) / rho: a pressure wave."""
    law, row, _ = law_of_gent(3)
    F = torch.eye(3).double()
    fastest = math.sqrt((5e4 + 2e4 * 1.5) / 1000)
    assert fastest <= float(law.wave_speed(row, F, F[..., :0, 0])) < 1.06 * fastest


def test_plane_strain_of_ones_own_material_is_that_of_space():
    law, row, F = law_of_gent(2)
    solid = torch.nn.functional.pad(F, (0, 1, 0, 1)) + torch.diag(torch.tensor([0.0, 0.0, 1.0])).double()
    nothing = F[..., :0, 0]
    in_space = law.stress(row, solid, nothing, solid)
    assert torch.allclose(law.stress(row, F, nothing, F), in_space[:, :2, :2])
    assert torch.allclose(law.out_of_plane(row, F, nothing, F), in_space[:, 2, 2])


def soft_balls(**more):
    core, held = load("gaussian_core"), load("tweezer")
    return sg.Scene(
        name="soft",
        units="lj",
        domain=sg.Domain.periodic(density=0.6),
        entities={
            "A": sg.Atoms(lattice=sg.Square(cells=(6, 6)), temperature=0.5),
            "pair": core.GaussianCore(height=sg.Parameter(2.0), width=sg.Parameter(0.9), cutoff=2.5),
            "light": held.Tweezer(depth=sg.Parameter(3.0), waist=sg.Parameter(1.5), center=sg.Parameter((3.0, 3.5))),
            **more,
        },
        dynamics=sg.NVE(),
        time=sg.Time(end=0.1, dt=0.01),
    )


def test_forces_of_ones_own_potentials_are_the_slope_of_their_energy():
    solver, state, params = sg.compile(soft_balls(), device="cpu", dtype="float64")
    place = (state.position + 0.1 * torch.randn_like(state.position)).detach().requires_grad_()
    box, field = solver.system.box, solver.system.forces
    force = field.force(place.detach(), box, params)
    way = torch.randn_like(force) + force.sign()

    def energy(h):
        return float(field.sums((place + h * way).detach(), box, params)[0, 0])

    misses = [
        abs((energy(h) - energy(-h)) / (2 * h) / -float((force * way).sum()) - 1.0) for h in (1e-4, 3e-5, 1e-5, 3e-6)
    ]
    assert min(misses) < 1e-8


def test_the_gradient_of_ones_own_potentials_is_that_of_central_differences():
    agrees_with_central_differences(soft_balls(), lambda roll: roll.state.velocity.square().sum())


def test_an_output_of_ones_own_is_measured_by_every_solver_with_positions(tmp_path):
    spread = load("spread_out").RadiusOfGyration
    for scene in (rubber(), soft_balls()):
        asked = sg.Scene.parse(
            scene.model_dump(mode="json") | {"outputs": {"spread": {"kind": "radius_of_gyration", "every": 0.02}}}
        )
        assert isinstance(asked.outputs["spread"], spread)
        solver, state, params = sg.compile(asked, device="cpu", dtype="float64")
        seen = sg.rollout(solver, state, params).outputs["spread"]
        x = state.position[0].detach()
        assert float(seen[0, 0].detach()) == pytest.approx(float((x - x.mean(0)).square().sum(1).mean().sqrt()))
        assert solver.program.probes[0].units == {"radius": "m"}
        if any(v.requires_grad for v in params.values()):
            learning = [v for v in params.values() if v.requires_grad]
            (slope, *_) = torch.autograd.grad(seen[:, -1].sum(), learning)
            assert float(slope.abs().max()) > 0


ALLOY = """
name = "alloy"
seed = 3
[domain]
size = [1.0, 1.0]
cells = [16, 16]
wrap = true
[entities.alloy]
kind = "alloy"
mobility = {kind = "uniform", low = 1.0, high = 3.0}
width = 0.06
[time]
end = 1.0
[outputs.fields]
kind = "fields"
quantities = ["phase"]
every = 0.25
[outputs.energy]
kind = "energy"
every = 0.25
"""


@pytest.fixture
def far_away(scenegrad, tmp_path):
    """`scenegrad ...` in a folder outside the package, with a scene in TOML and plugins."""
    for path in FILES:
        shutil.copy(path, tmp_path / path.name)
    (tmp_path / "alloy.toml").write_text(ALLOY)
    return scenegrad


def forget():
    for registry in (Entity.members, own_solvers.SOLVERS):
        for name in [one for one in registry if "lloy" in str(one)]:
            del registry[name]


def test_a_scene_file_runs_code_only_where_its_user_names_it(far_away, tmp_path):
    forget()
    (tmp_path / "alloy.py").write_text("raise SystemExit('this ran')")  # lies beside the scene, with its name
    answer = far_away("check", "alloy.toml")
    assert answer.code == 1
    assert "unknown entity 'alloy'" in answer.err
    assert "--plugin" in answer.err
    assert far_away("check", "alloy.toml", "--plugin").code == 1
    assert far_away("check", "alloy.toml", "--plugin", "allen_cahn.py").code == 0


def test_ones_own_solver_is_generated_by_processes_trained_on_and_made_again(far_away, tmp_path, monkeypatch):
    """Through the command line, from a folder outside the package."""
    plugin = ("--plugin", "allen_cahn.py", "--quiet")
    forget()
    answer = far_away("generate", "alloy.toml", "-n", 3, "--device", "cpu", "--workers", 2, "--out", "data", *plugin)
    assert answer.code == 0, answer.err
    (tmp_path / "net.toml").write_text(
        '[model]\nkind = "ring"\nwidth = 4\nsize = 3\nfields = ["phase"]\n[training]\nepochs = 1\nbatch_size = 2\n'
    )
    answer = far_away("train", "net.toml", "--data", "data", "--out", "fit", "--plugin=ring.py", *plugin)
    assert answer.code == 0, answer.err
    for words in (("alloy.toml", "--out", "one"), ("--from", "one", "--out", "two")):
        answer = far_away("run", *words, *plugin)
        assert answer.code == 0, answer.err
    assert (tmp_path / "one" / "fields.vtkhdf").read_bytes() == (tmp_path / "two" / "fields.vtkhdf").read_bytes()
    (code,) = json.loads((tmp_path / "one" / "run.json").read_text())["provenance"]["plugins"].values()
    assert code == hashlib.sha256((tmp_path / "allen_cahn.py").read_bytes()).hexdigest()
    monkeypatch.setattr(plugins, "digest", lambda path: "another")
    answer = far_away("run", "alloy.toml", "--out", "one", *plugin)
    assert answer.code == 1
    assert "plugins" in answer.err  # another version of the code does not go on with a run


def test_ones_own_solver_is_batched_and_differentiable():
    own = load("allen_cahn")
    scene = sg.Scene(
        name="alloy",
        domain=sg.Domain.periodic(size=(1.0, 1.0), cells=(12, 12)),
        entities={"alloy": own.Alloy(mobility=sg.Parameter(2.0), width=sg.Parameter(0.08))},
        time=sg.Time(end=0.5),
    )
    agrees_with_central_differences(scene, lambda roll: roll.state.u.pow(4).sum())


def test_what_is_registered_is_in_the_schema_and_moves_no_hash_of_others():
    load("gent")
    assert "Gent" in scene_schema()["$defs"]
    scene = rubber()
    assert sg.Scene.parse(json.loads(json.dumps(scene.model_dump(mode="json")))).hash == scene.hash
    assert plugins.plugins_of(scene)[0].module == "gent"
    assert plugins.plugins_of(sg.read_scene("kolmogorov")) == ()


WRONG = {
    "no file": ("nothing.py", "There is no plugin file"),
    "no module": ("no_such_module_here", "cannot be imported"),
    "a fault": ("faulty.py", "does not run: ZeroDivisionError"),
    "one of ours": ("thief.py", "scenegrad has one, NeoHookean"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_plugin_that_does_not_load_is_told_in_words(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("faulty.py").write_text("1 / 0\n")
    Path("thief.py").write_text(
        "from typing import Literal\nimport scenegrad as sg\n"
        "class Mine(sg.Material):\n    kind: Literal['neo_hookean'] = 'neo_hookean'\n"
    )
    name, message = WRONG[case]
    with pytest.raises(sg.SceneError, match=message):
        sg.load_plugin(name)


def test_what_cannot_be_registered_is_told_in_words():
    gent, core, alloy = load("gent"), load("gaussian_core"), load("allen_cahn")
    law = LAWS[gent.Gent]
    wrong = {
        "derives from Material": lambda: sg.register_material(core.GaussianCore, law),
        "a Law is needed": lambda: sg.register_material(gent.Gent, len),
        "the fields of NeoHookean": lambda: sg.register_material(sg.NeoHookean, law),
        r"derives from \(PairPotential, Entity\)": lambda: sg.register_pair_potential(gent.Gent, core.functions),
        r"derives from \(EnergyTerm, Entity\)": lambda: sg.register_energy(gent.Gent, len),
        "of entities, or of methods": lambda: sg.register_solver(gent.Gent, len),
        "derives from Output": lambda: sg.register_output(gent.Gent, len),
        "derives from Operator": lambda: sg.surrogates.register_operator(gent.Gent),
    }
    for message, act in wrong.items():
        with pytest.raises(sg.EngineError, match=message):
            act()
    entities = {"alloy": alloy.Alloy(), "wall": sg.Wall(normal=(0, 1))}
    scene = sg.Scene(
        name="mixed", domain=sg.Domain(size=(1, 1)), entities=entities, time=sg.Time(end=1),
        outputs={"f": sg.Fields("phases", every=1)},
    )  # fmt: skip
    with pytest.raises(sg.SceneError, match=r"(?s)wall.*Leave it out.*domain.*cells.*Did you mean 'phase'"):
        sg.compile(scene)
    with pytest.raises(sg.SceneError, match="No solver was registered for the entity 'water'"):
        sg.compile(scene.replace({"method": {"kind": "own", "serves": "water"}}))


def test_states_of_ones_own_are_ordinary_ones():
    own = load("allen_cahn")
    assert list(tensors(own.Phases(torch.zeros(1, 2, 2)))) == ["u"]
