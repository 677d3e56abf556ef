"""Networks of particles keep the symmetries that they are built with, learn a toy, and run as any other solver."""

import numpy as np
import pytest
import torch

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates import (
    GNS,
    Acceleration,
    Carried,
    Flow,
    MeshGraphNet,
    PairForces,
    ParticleTrajectories,
    RandomWalk,
    Split,
    Windows,
    close_pairs,
    farthest_points,
    load_model,
    mesh_between,
    mesh_of,
    train,
)  # fmt: skip
from scenegrad.surrogates.data.samples import Window
from scenegrad.surrogates.data.statistics import Statistics
from scenegrad.surrogates.data.trajectories import identities
from scenegrad.surrogates.evaluation.rollouts import carry
from scenegrad.surrogates.operators.names import Names
from scenegrad.surrogates.particles.interpolation import spread
from scenegrad.surrogates.particles.neighbours import apart, close_to
from scenegrad.surrogates.training.losses import MeanSquare

DT, RADIUS, INFINITE = 0.02, 0.15, float("inf")
SAID = {"components": {"position": 2}, "history": 3}


@pytest.fixture(autouse=True)
def same_chance():
    torch.manual_seed(5)


def scales(change=0.1, turn=0.05, inputs=6):
    two, one = torch.ones(2).double(), torch.ones(inputs).double()
    nothing = torch.zeros(0).double()
    return Statistics(0 * one, one, 0 * two, two, change * two, nothing, nothing, output_turn=turn * two)


def dressed(network, **sizes):
    return network.dressed(scales(**sizes), DT, (40,)).double()


def gns(**more):
    return dressed(GNS(16, RADIUS, ["position"], **{"rounds": 2, **SAID, **more}))


def cloud(batch=1, particles=40, dim=2, size=1.0):
    """Three frames in the unit square, that lie a tenth of the sight apart."""
    x = size * torch.rand(batch, particles, dim, dtype=torch.float64)
    steps = [0.015 * torch.randn_like(x) for _ in range(2)]
    return {"position": x, "position[-1]": x - steps[0], "position[-2]": x - steps[0] - steps[1]}


def said(model, state):
    """What the network adds to going straight on."""
    after = model(state, {}, torch.full((len(state["position"]),), DT, dtype=torch.float64))["position"]
    return after - (2.0 * state["position"] - state["position[-1]"])


def each(state, change):
    return {name: change(value) for name, value in state.items()}


def square_mesh(side=4, gap=0.1):
    lines = gap * np.arange(side)
    rest = np.stack(np.meshgrid(lines, lines, indexing="ij"), -1).reshape(-1, 2)
    return rest, mesh_between(rest, 1.01 * gap)


def swinging(seed, frames=30):
    """A lattice of unit masses with springs along its edges: k = 40, slightly damped; shaken before."""
    random = torch.Generator().manual_seed(seed)
    x = torch.tensor(square_mesh()[0])
    v = 0.3 * torch.randn(x.shape, generator=random, dtype=torch.float64)
    pairs = close_pairs(x[None], RADIUS)
    senders, receivers = torch.cat([pairs, pairs.flip(0)], dim=1)
    rest = (x[senders] - x[receivers]).norm(dim=-1, keepdim=True)
    places, substeps = [], 8
    for _ in range(frames):
        for _ in range(substeps):
            way = x[senders] - x[receivers]
            length = way.norm(dim=-1, keepdim=True)
            pull = 40.0 * (length - rest) * way / length + 0.2 * (v[senders] - v[receivers])
            v = v + DT / substeps * torch.zeros_like(v).index_add(0, receivers, pull)
            x = x + DT / substeps * v
        places.append(x)
    return torch.stack(places).numpy().astype(np.float32)


def trajectories(count=6):
    x = tuple(swinging(seed) for seed in range(count))
    return ParticleTrajectories(x, tuple(np.zeros(16, dtype=np.int64) for _ in x), DT)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("wrap", [None, (1.0, 1.0), (1.0, INFINITE, 1.2), (INFINITE, 1.0, 1.0)], ids=str)
def test_neighbours_are_all_pairs_within_sight(wrap, dtype):
    """Each once and in order, never of another member of the batch, across the sides of a box that repeats."""
    dim = 2 if wrap is None else len(wrap)
    x = 1.3 * torch.rand(2, 120, dim, dtype=dtype) - 0.1
    pairs = close_pairs(x, 0.2, wrap)
    i, j = torch.triu_indices(240, 240, 1)
    same = i // 120 == j // 120
    every = torch.stack([i[same], j[same]])
    near = apart(every, x, x, wrap).norm(dim=1) <= 0.2
    assert torch.equal(pairs, every[:, near])
    assert pairs.shape[1] > 50


def test_sources_are_found_from_other_places():
    x, y = torch.rand(2, 30, 3), torch.rand(2, 50, 3)
    found = close_to(x, y, 0.3)
    near = torch.stack([torch.cdist(a, b) <= 0.3 for a, b in zip(x, y, strict=True)])
    member, query, source = near.nonzero(as_tuple=True)
    expected = {(int(m * 30 + q), int(m * 50 + s)) for m, q, s in zip(member, query, source, strict=True)}
    assert {tuple(pair) for pair in found.T.tolist()} == expected
    assert len(expected) == found.shape[1] > 100


def test_ways_between_neighbours_have_gradients():
    x = torch.rand(1, 20, 2, dtype=torch.float64, requires_grad=True)
    pairs = close_pairs(x, 0.3, (1.0, 1.0))
    assert torch.autograd.gradcheck(lambda at: apart(pairs, at, at, (1.0, 1.0)), (x,))


@pytest.mark.gpu
@pytest.mark.parametrize("wrap", [None, (1.0, 1.0, 1.0)], ids=str)
def test_a_gpu_finds_the_same_neighbours(wrap):
    x = torch.rand(3, 2000, 3)
    assert torch.equal(close_pairs(x, 0.1, wrap), close_pairs(x.cuda(), 0.1, wrap).cpu())


def test_a_box_too_small_for_the_sight_is_refused():
    with pytest.raises(EngineError, match="longer than twice the radius"):
        close_pairs(torch.rand(1, 5, 2), 0.5, (1.0, 1.0))


def test_a_network_without_walls_commutes_with_translation():
    model, state = gns(), cloud()
    here, there = said(model, state), said(model, each(state, lambda x: x + torch.tensor([3.0, -1.5])))
    assert torch.allclose(here, there, rtol=0.0, atol=1e-12)
    assert float(here.detach().abs().max()) > 1e-3


def test_walls_are_felt_within_sight_alone():
    model, state = gns(walls=((0.0, 0.0), (1.0, 1.0))), cloud()
    shift = torch.tensor([0.05, 0.0], dtype=torch.float64)
    inner = each(state, lambda x: 0.3 + 0.3 * x)
    assert torch.allclose(said(model, inner), said(model, each(inner, lambda x: x + shift)), rtol=0.0, atol=1e-12)
    assert not torch.allclose(said(model, state), said(model, each(state, lambda x: x + shift)), atol=1e-4)


def test_a_box_that_repeats_knows_no_sides():
    model, state = gns(wrap=(1.0, 1.0)), cloud()
    moved = each(state, lambda x: x + torch.tensor([0.37, 2.0]))
    assert torch.allclose(said(model, state), said(model, moved), rtol=0.0, atol=1e-11)
    assert not torch.allclose(said(model, state), said(gns(), state), atol=1e-4)


def test_the_order_of_particles_does_not_matter():
    model, state, order = gns(), cloud(), torch.randperm(40)
    assert torch.allclose(said(model, state)[:, order], said(model, each(state, lambda x: x[:, order])), atol=1e-12)


def test_a_member_does_not_see_its_companions():
    model, state = gns(), cloud(batch=3)
    together = said(model, state)
    for one in range(3):
        assert torch.allclose(together[one], said(model, each(state, lambda x, i=one: x[i : i + 1]))[0], atol=1e-12)


def test_messages_reach_as_far_as_their_rounds():
    """On a line of particles, a push is felt as many neighbours away as there are rounds."""
    model = gns(rounds=3)
    line = torch.stack([0.1 * torch.arange(8.0), torch.zeros(8)], -1).double()[None]
    still = dict.fromkeys(("position", "position[-1]", "position[-2]"), line)
    pushed = line.clone()
    pushed[0, 0] -= 0.01
    felt = (said(model, {**still, "position[-2]": pushed}) - said(model, still)).abs().amax(-1)[0] > 1e-9
    assert felt.tolist() == [True] * 4 + [False] * 4


def test_forces_between_pairs_keep_momentum_and_angular_momentum():
    """Whatever the network has learnt; those that speak for themselves keep neither."""
    state = cloud(size=0.4)
    x = state["position"]

    def moments(push):
        return push.sum(1), (x[..., 0] * push[..., 1] - x[..., 1] * push[..., 0]).sum(1)

    push = said(gns(decoding=PairForces()), state)
    assert float(push.detach().abs().max()) > 1e-2
    for kept, free in zip(moments(push), moments(said(gns(), state)), strict=True):
        assert float(kept.detach().abs().max()) < 1e-12
        assert float(free.detach().abs().max()) > 1e-3


def test_kinds_are_told_apart():
    said_by = GNS(16, RADIUS, ["position", "kind"], outputs=["position"], kinds=2, rounds=1, **SAID)
    model, state = dressed(said_by, inputs=7), cloud()
    kinds = torch.zeros(1, 40, dtype=torch.float64)
    one = said(model, {**state, "kind": kinds})
    other = said(model, {**state, "kind": kinds.index_fill(1, torch.tensor([3]), 1.0)})
    assert float((one - other)[0, 3].detach().abs().max()) > 1e-4
    assert not torch.allclose(one, other)


def mesh_network(world=0.05, **more):
    rest, edges = square_mesh()
    return dressed(MeshGraphNet(16, world, rest.tolist(), edges, ["position"], **{"rounds": 2, **SAID, **more}))


def test_a_mesh_remembers_its_shape_and_not_its_place():
    model, rest = mesh_network(), torch.tensor(square_mesh()[0])[None]
    state = dict.fromkeys(("position", "position[-1]", "position[-2]"), rest)
    here, there = said(model, state), said(model, each(state, lambda x: x + 7.0))
    assert torch.allclose(here, there, rtol=0.0, atol=1e-11)
    sheared = (rest[0] + 0.3 * rest[0].flip(1)).tolist()
    other = MeshGraphNet(16, 0.05, sheared, model.operator.edges, ["position"], rounds=2, **SAID)
    other.load_state_dict(model.operator.state_dict())
    assert float((said(dressed(other), state) - here).detach().abs().max()) > 1e-4


def test_nodes_meet_through_the_world_where_the_mesh_does_not_join_them():
    """Two strips of a mesh far from each other along it: a node that comes near is felt, one out of sight is not."""
    rest = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [5.1, 0.0]])
    network = MeshGraphNet(16, 0.2, rest.tolist(), [[0, 1], [2, 3]], ["position"], rounds=1, **SAID)
    model = dressed(network)

    def feels(gap):
        x = torch.tensor([[[0.0, 0.0], [0.1, 0.0], [0.0, gap], [0.1, gap]]], dtype=torch.float64)
        return said(model, dict.fromkeys(("position", "position[-1]", "position[-2]"), x))[0, :2]

    assert torch.equal(feels(0.5), feels(0.9))
    assert not torch.allclose(feels(0.1), feels(0.5), atol=1e-4)


def test_edges_of_elements_stand_once():
    assert mesh_of(np.array([[0, 1, 2], [2, 1, 3]])) == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    assert len(mesh_of(np.array([[0, 1, 2, 3]]))) == 6
    assert len(square_mesh(4)[1]) == 24  # the diagonals are longer


def test_a_network_that_says_nothing_goes_straight_on():
    model, state = gns(), cloud()
    for layer in (model.operator.decode.say[-1].weight, model.operator.decode.say[-1].bias):
        torch.nn.init.zeros_(layer)
    assert isinstance(model.operator.predicts, Acceleration)
    assert float(said(model, state).detach().abs().max()) < 1e-14


def test_a_walk_at_random_ends_as_far_as_told_and_wants_the_true_velocity_back():
    model, state = gns(), cloud(particles=4000)
    target, random = RandomWalk(0.5), torch.Generator().manual_seed(1)
    window = Window(state, ({"position": state["position"]},), {}, torch.tensor([DT]))
    window_astray, shift = target.astray(model, window, random)
    x, before, first = (window_astray.inputs[name] - state[name] for name in state)
    assert torch.equal(first, torch.zeros_like(first))
    assert float((x - before).std()) == pytest.approx(0.5 * 0.05, rel=0.03)
    assert torch.allclose(x, shift)


def test_training_teaches_springs(tmp_path):
    """Shown four swings, networks predict ten steps of a fifth with half the error of going straight on; what is loaded
    from their files does the same."""
    data = Windows(trajectories(), split=Split(0.15, 0.15))
    rest = square_mesh()[0]
    networks = (
        GNS(24, RADIUS, ["position"], rounds=1, **SAID),
        MeshGraphNet(24, 0.05, rest.tolist(), mesh_between(rest, RADIUS), ["position"], rounds=1, **SAID),
    )
    for network in networks:
        out = tmp_path / network.kind
        fit = train(
            network, data, out=out, epochs=18, batch_size=8, learning_rate=4e-3, target=RandomWalk(0.02),
            progress=False, device="cpu",
        )  # fmt: skip
        assert fit.history[-1].loss < 0.2 * fit.history[0].loss
        window = fit.samples.rollout("test", 0)
        x, before = window.inputs["position"], window.inputs["position[-1]"]
        error = straight = 0.0
        for step, outputs in zip(range(1, 11), carry(load_model(out), window), strict=False):
            true = window.targets[step - 1]["position"]
            error += float((outputs["position"] - true).square().mean())
            straight += float((x + step * (x - before) - true).square().mean())
        assert error < 0.25 * straight, (network.kind, error, straight)


def test_a_few_particles_are_parted_as_all_of_them_are():
    """Whoever learns from some particles is judged on the trajectories that those who see all are judged on."""
    data, split = trajectories(12), Split(0.2, 0.3)
    names = Names(("position",), ("position",), (), {"position": 2})
    parts = Windows(data, split=split).bind(names, 1).parts
    assert Windows(data.thinned(5), split=split).bind(names, 1).parts == parts
    again = data.taken(range(11, -1, -1)).thinned(5)
    assert again.identities == data.identities[::-1]
    fields = type("Fields", (), {"probes": ["p"], "members": data.members, "parameters": {}})()
    fields.quantities = lambda probe: ["position", "heat"]
    fields.read = lambda member, probe, name, frames=slice(None): data.position[member][frames]
    fields.times = data.times
    assert ParticleTrajectories.of(fields, "p").identities == identities(fields)


def test_scales_are_of_the_training_part_and_alike_in_all_directions():
    data = trajectories()
    stretched = ParticleTrajectories(tuple(x * np.float32([1.0, 3.0]) for x in data.position), data.kind, DT)
    samples = Windows(stretched, split=Split(0.15, 0.15)).bind(GNS(8, RADIUS, ["position"], **SAID).names, 1)
    found = samples.statistics()
    train_part = np.stack([stretched.position[i] for i in samples.parts["train"]]).astype(np.float64)
    turn = np.diff(train_part, n=2, axis=1)
    np.testing.assert_allclose(found.output_turn, np.sqrt((turn**2).mean(axis=(0, 1, 2))), rtol=1e-6)
    model = GNS(8, RADIUS, ["position"], **SAID).dressed(found, DT, (16,))
    assert model.scales.output_turn[0] == model.scales.output_turn[1]
    assert float(model.scales.output_turn[0]) == pytest.approx(np.sqrt((turn**2).mean()), rel=1e-6)


def test_linear_fields_are_given_back_by_their_carriers():
    points = torch.rand(2, 400, 3, dtype=torch.float64)
    carriers, slope = points[:, :120], torch.randn(3, 3, dtype=torch.float64)
    found = spread(points, carriers, carriers @ slope.T + 0.3, 0.45)
    assert torch.allclose(found, points @ slope.T + 0.3, atol=2e-4)


def test_far_from_all_carriers_the_nearest_speaks():
    carriers = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    assert torch.allclose(spread(torch.tensor([[[9.0, 0.0], [-9.0, 1.0]]]), carriers, values, 0.2), values.flip(1))


def test_carriers_move_as_the_network_says_and_others_with_them():
    """Where carriers fall, turn or stretch as one, all particles do."""
    model, state = gns(), cloud(particles=60)
    carriers = farthest_points(state["position"][0], 25)
    few = each(state, lambda x: x[:, carriers])
    time = torch.full((1,), DT, dtype=torch.float64)
    after = Carried(model, carriers, 0.6)(state, {}, time)["position"]
    assert torch.equal(after[:, carriers], model(few, {}, time)["position"])
    for layer in (model.operator.decode.say[-1].weight, model.operator.decode.say[-1].bias):
        torch.nn.init.zeros_(layer)
    turned = {**state, "position[-1]": 1.1 * state["position"].flip(2) + 0.2}
    after = Carried(model, carriers, 0.6)(turned, {}, time)["position"]
    assert torch.allclose(after, 2.0 * turned["position"] - turned["position[-1]"], atol=1e-3)


def test_farthest_points_leave_no_gap():
    points = torch.rand(500, 2)
    chosen = points[farthest_points(points, 40)]
    gaps = torch.cdist(points, chosen).amin(1).max()
    closest = (torch.cdist(chosen, chosen) + 9.0 * torch.eye(40)).min()
    assert float(gaps) <= float(closest) + 1e-6  # or that far point would have been chosen


def test_unlike_numbers_of_particles_are_refused_or_thinned():
    x = tuple(np.random.default_rng(i).random((6, 30 + i, 2), dtype=np.float32) for i in range(4))
    data = ParticleTrajectories(x, tuple(np.zeros(one.shape[1], dtype=np.int64) for one in x), DT)
    names = GNS(8, RADIUS, ["position"], **SAID).names
    with pytest.raises(EngineError, match="A batch needs one shape"):
        Windows(data).bind(names, 1)
    assert Windows(data.thinned(25)).bind(names, 1).grid == (25,)
    with pytest.raises(EngineError, match="trajectory 0 has 30"):
        data.thinned(31)


def test_a_flow_around_particles_draws_what_turns_with_their_order():
    flow = Flow(GNS(16, RADIUS, ["position"], rounds=1, wrap=(1.0, 1.0), **SAID))
    model, state = dressed(flow), cloud()
    noise, order, time = torch.randn(1, 2, 40).double(), torch.randperm(40), torch.tensor([DT]).double()
    after = model(state, {}, time, noise=noise)["position"]
    shuffled = model(each(state, lambda x: x[:, order]), {}, time, noise=noise[:, :, order])["position"]
    assert torch.allclose(after[:, order], shuffled, atol=1e-10)
    moved = model(each(state, lambda x: x + 0.4), {}, time, noise=noise)["position"]
    assert torch.allclose(moved - 0.4, after, atol=1e-10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GNS(8, 0.1, ["position"]), "number of components"),
        (lambda: GNS(8, 0.1, ["u"]), "'position' must be among them"),
        (lambda: GNS(8, 0.6, ["position"], wrap=(1.0, 1.0), **SAID), "longer than twice the radius"),
        (lambda: GNS(8, 0.1, ["position"], walls=((1.0, 0.0), (0.0, 1.0)), **SAID), "lowest and the highest corner"),
        (lambda: GNS(8, 0.1, ["position"], kinds=3, **SAID), "'kind' is among the fields"),
        (lambda: GNS(8, 0.1, ["position"], components={"position": 2}, predicts=Acceleration()), "history of 2"),
        (lambda: MeshGraphNet(8, 0.1, [[0.0, 0.0]], [[0, 1]], ["position"], **SAID), "each names two of the nodes"),
        (lambda: mesh_network()(cloud(), {}, torch.tensor([DT])), "The mesh has 16 nodes, and 40 were given"),
        (lambda: RandomWalk(-1.0), "not negative"),
        (lambda: Carried(gns(), torch.zeros(0), 0.1), "the numbers of some"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_nonsense_is_refused(make, message):
    with pytest.raises(EngineError, match=message):
        make()


def test_a_walk_of_what_has_no_past_is_refused():
    model = dressed(GNS(8, RADIUS, ["position"], rounds=1, components={"position": 2}), inputs=2)
    state = {"position": cloud()["position"]}
    window = Window(state, ({"position": state["position"]},), {}, torch.tensor([DT]).double())
    assert float(RandomWalk(0.0)(model, window, MeanSquare(), torch.Generator()).detach()) > 0.0
    with pytest.raises(EngineError, match="Give it a history"):
        RandomWalk(0.1)(model, window, MeanSquare(), torch.Generator())
