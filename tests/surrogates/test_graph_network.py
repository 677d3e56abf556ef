"""A graph network keeps the symmetries that it is built with, learns a toy, and runs as any other solver."""

import pytest
import torch

from scenegrad.engine.errors import EngineError, StabilityError
from scenegrad.engine.rollout import rollout
from scenegrad.engine.solver import Solver
from scenegrad.engine.state import Params
from scenegrad.surrogates.graph_network import GraphNetwork, GraphSimulator, GraphState, train_graph_network
from scenegrad.surrogates.graph_network.neighbours import neighbours

DT, RADIUS = 0.02, 0.15
NOTHING = Params({})


@pytest.fixture(autouse=True)
def same_chance():
    torch.manual_seed(5)


def small(box=None, **settings):
    return GraphNetwork(2, RADIUS, DT, box, **{"past": 2, "width": 16, "rounds": 2} | settings).double()


def cloud(batch=1, particles=40):
    """Positions in the unit square and two velocities of each particle."""
    position = torch.rand(batch, particles, 2, dtype=torch.float64)
    return position, torch.randn(batch, particles, 2, 2, dtype=torch.float64)


def swinging(seed, frames=40, side=4):
    """A lattice of unit masses with springs between all that see each other: k = 40, slightly damped; shaken."""
    random = torch.Generator().manual_seed(seed)
    lines = torch.arange(side, dtype=torch.float64) * 0.1
    x = torch.stack(torch.meshgrid(lines, lines, indexing="ij"), -1).reshape(-1, 2)
    v = 0.3 * torch.randn(x.shape, generator=random, dtype=torch.float64)
    v = v - v.mean(0)
    senders, receivers = neighbours(x[None], RADIUS)
    rest = (x[senders] - x[receivers]).norm(dim=-1, keepdim=True)
    places, substeps = [x], 8
    for _ in range(frames - 1):
        for _ in range(substeps):
            apart = x[senders] - x[receivers]
            length = apart.norm(dim=-1, keepdim=True)
            pull = 40.0 * (length - rest) * apart / length + 0.2 * (v[senders] - v[receivers])
            v = v + DT / substeps * torch.zeros_like(v).index_add(0, receivers, pull)
            x = x + DT / substeps * v
        places.append(x)
    return torch.stack(places)


def test_neighbours_are_all_pairs_within_sight():
    """Both ways, never oneself, never of another member of the batch."""
    position, _ = cloud(batch=2)
    senders, receivers = neighbours(position, RADIUS)
    flat = position.flatten(0, 1)
    near = torch.cdist(flat, flat) <= RADIUS
    member = torch.arange(len(flat)) // position.shape[1]
    near &= (member[:, None] == member[None]) & ~torch.eye(len(flat), dtype=torch.bool)
    found = torch.zeros_like(near)
    found[senders, receivers] = True
    assert torch.equal(found, near)
    assert len(senders) == int(near.sum()) > 100


def test_a_network_without_sides_commutes_with_translation():
    network, (position, velocity) = small(), cloud()
    here = network(position, velocity)
    there = network(position + torch.tensor([3.0, -1.5]), velocity)
    assert torch.allclose(here, there, rtol=0.0, atol=1e-12)
    assert float(here.detach().abs().max()) > 0.01


def test_sides_are_felt_within_sight_alone():
    network, (position, velocity) = small(box=((0.0, 0.0), (1.0, 1.0))), cloud()
    shift = torch.tensor([0.05, 0.0], dtype=torch.float64)
    inner = 0.3 + 0.3 * position
    assert torch.allclose(network(inner, velocity), network(inner + shift, velocity), rtol=0.0, atol=1e-12)
    assert not torch.allclose(network(position, velocity), network(position + shift, velocity), atol=1e-3)


def test_the_order_of_particles_does_not_matter():
    network, (position, velocity) = small(), cloud()
    order = torch.randperm(position.shape[1])
    assert torch.allclose(
        network(position, velocity)[:, order], network(position[:, order], velocity[:, order]), atol=1e-12
    )


def test_a_member_does_not_see_its_companions():
    network, (position, velocity) = small(), cloud(batch=3)
    together = network(position, velocity)
    for member in range(3):
        alone = network(position[member : member + 1], velocity[member : member + 1])
        assert torch.allclose(together[member], alone[0], rtol=0.0, atol=1e-12)


def test_messages_reach_as_far_as_their_rounds():
    """On a line of particles, a change is felt as many neighbours away as there are rounds."""
    network = small(rounds=3)
    position = torch.stack([0.1 * torch.arange(8.0, dtype=torch.float64), torch.zeros(8, dtype=torch.float64)], -1)[
        None
    ]
    velocity = torch.zeros(1, 8, 2, 2, dtype=torch.float64)
    pushed = velocity.clone()
    pushed[0, 0] += 1.0
    felt = (network(position, pushed) - network(position, velocity)).abs().amax(-1)[0] > 1e-9
    assert felt.tolist() == [True] * 4 + [False] * 4


def test_training_teaches_springs():
    """Shown five swings, it predicts ten steps of a sixth with half the error of going straight on."""
    network = GraphNetwork(2, RADIUS, DT, past=2, width=32, rounds=1)
    losses = train_graph_network(
        network, [swinging(seed).float() for seed in range(5)], steps=500, noise=0.02, learning_rate=3e-3
    )
    assert sum(losses[-20:]) < 0.1 * sum(losses[:20])
    unseen = swinging(9).float()
    simulator = GraphSimulator(network, end=10 * DT)
    roll = rollout(simulator, simulator.start(unseen[None, 3:6]), NOTHING)
    true = unseen[5:16]
    straight = true[0] + torch.arange(11)[:, None, None] * (true[0] - unseen[4])
    error, persistence = (
        float((x - true).square().mean().sqrt()) for x in (roll.outputs["particles"]["position"][0], straight)
    )
    assert error < 0.5 * persistence, (error, persistence)


def test_a_network_that_says_nothing_goes_straight_on():
    """And noise leads astray what is seen, not what is wanted: the scales are those of the data."""
    network = small()
    torch.nn.init.zeros_(network.decode[-1].weight)
    torch.nn.init.zeros_(network.decode[-1].bias)
    frames = 0.5 * DT * torch.arange(3.0, dtype=torch.float64)[None, :, None, None] + cloud()[0][:, None]
    simulator = GraphSimulator(network, end=5 * DT)
    end = rollout(simulator, simulator.start(frames), NOTHING).state
    assert torch.allclose(end.position, frames[:, -1] + 0.5 * 5 * DT, atol=1e-12)
    assert torch.allclose(end.velocity, torch.full_like(end.velocity, 0.5), atol=1e-12)


def test_gradients_flow_through_a_rollout():
    """With respect to where particles start, compared with a difference."""
    simulator = GraphSimulator(small(), end=4 * DT)
    assert isinstance(simulator, Solver)
    position, velocity = cloud()
    start = position.clone().requires_grad_()

    def loss(place):
        return rollout(simulator, GraphState(place, velocity), NOTHING).state.position.square().sum()

    loss(start).backward()
    direction = torch.randn_like(position)
    exact = float((start.grad * direction).sum())
    h = 1e-7  # no pair comes into sight or leaves it
    with torch.no_grad():
        difference = float(loss(position + h * direction) - loss(position - h * direction)) / (2 * h)
    assert difference == pytest.approx(exact, rel=1e-6)


def test_another_step_and_too_few_frames_are_refused():
    simulator = GraphSimulator(small(), end=1.0)
    position, velocity = cloud()
    with pytest.raises(StabilityError, match=r"steps by dt = 0.02 and was asked for 0.01"):
        simulator.step(GraphState(position, velocity), NOTHING, torch.zeros(1), torch.full((1,), 0.01))
    with pytest.raises(EngineError, match=r"needs 3 frames"):
        simulator.start(position[:, None])
    with pytest.raises(EngineError, match=r"at least 4 frames; the longest has 3"):
        train_graph_network(simulator.network, [position[0].expand(3, -1, -1)], steps=1)
    with pytest.raises(EngineError, match=r"steps= or seconds="):
        train_graph_network(simulator.network, [swinging(0)])
