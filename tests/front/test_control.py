"""Policies in the loop, and environments made from scenes."""

import numpy as np
import pytest
import torch
from torch import nn

import scenegrad as sg
from scenegrad.control import Actions, Bodies, Feedback, Outputs, Phases, Task, Transition, World, episode
from scenegrad.engine.rollout import rollout

EVERY = 0.02


def hopper(**changes):
    """A lattice of springs on a floor with friction, with two muscles that somebody else sets."""
    scene = sg.Scene(
        name="hopper",
        domain=sg.Domain(size=(2.0, 1.0)),
        gravity=(0.0, -9.0),
        entities={
            "body": sg.Springs(
                net=sg.SpringLattice(center=(0.7, 0.31), size=(0.4, 0.2), cells=(2, 1)),
                mass=0.8,
                stiffness=300.0,
                damping=1.0,
                velocity=(sg.Uniform(-0.5, 0.5), -0.2),
                actuators={
                    "left": sg.Actuator(region=sg.Box(center=(0.6, 0.3), size=(0.2, 0.3))),
                    "right": sg.Actuator(region=sg.Box(center=(0.8, 0.3), size=(0.2, 0.3))),
                },
            ),
            "floor": sg.Wall(normal=(0, 1), offset=0.2, contact=sg.Coulomb(0.4)),
        },
        outputs={"com": sg.CenterOfMass("body", every=0.01), "energy": sg.Energy(every=0.05)},
        time=sg.Time(end=0.2),
    )
    return scene.replace(changes)


MUSCLES = {f"body.actuators.{side}.activation": (-0.3, 0.4) for side in ("left", "right")}


def forward(seen: Transition):
    """How far the body has come."""
    return (seen.after.position - seen.before.position)[..., 0].mean(1) - 0.01 * seen.action.square().sum(1)


def task(scene=None, **changes):
    given = {"observation": Bodies() + Phases(5.0), "action": MUSCLES, "reward": forward, "every": EVERY, **changes}
    return Task(scene or hopper(), **given)


def policy_of(params, seed=0):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(5 + 4, 8), nn.Tanh(), nn.Linear(8, 2)).double()
    return network, Feedback(Bodies() + Phases(5.0), network, Actions.of(params, MUSCLES))


def test_gradients_reach_the_weights_of_a_policy_through_what_it_did_and_saw():
    solver, state, params = sg.compile(hopper(), device="cpu", dtype="float64")
    network, policy = policy_of(params)

    def distance():
        run = episode(solver, state, params, policy, every=EVERY)
        return run.state.position[..., 0].mean() + run.outputs["com"][0, 3:9, 0].sum()

    distance().backward()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            direction = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
            predicted, kept, misses = float((weight.grad * direction).sum()), weight.clone(), []
            for h in (1e-4, 1e-5, 1e-6):
                ends = []
                for sign in (1, -1):
                    weight.copy_(kept + sign * h * direction)
                    ends.append(float(distance()))
                misses.append(abs((ends[0] - ends[1]) / (2 * h) - predicted) / abs(predicted))
                if misses[-1] < 1e-6:
                    break
            weight.copy_(kept)
            assert abs(predicted) > 1e-5, name
            assert min(misses) < 1e-6, f"{name}: {predicted}, misses {misses}"


def test_an_episode_with_a_constant_policy_is_a_rollout():
    scene = hopper(**{"time.dt": 1e-3, "outputs.com.every": 0.01})
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    fixed = {address: torch.full((1,), 0.2, dtype=torch.float64) for address in MUSCLES}
    whole = rollout(solver, state, params.detach().replace(fixed))
    # 0.03 is not a divisor of the end, and outputs fall on decisions and beside them.
    parts = episode(solver, state, params.detach(), lambda *_: fixed, every=0.03)
    assert len(parts.states) == 8
    torch.testing.assert_close(parts.state.position, whole.state.position, rtol=0, atol=1e-12)
    assert set(parts.outputs) == set(whole.outputs) == {"com", "energy"}
    torch.testing.assert_close(parts.times["com"], whole.times["com"], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(parts.outputs["com"], whole.outputs["com"], rtol=0, atol=1e-12)
    torch.testing.assert_close(parts.outputs["energy"]["total"], whole.outputs["energy"]["total"], rtol=1e-9, atol=0)
    assert parts.actions["body.actuators.left.activation"].shape == (1, 7)
    assert int(parts.steps) == int(whole.steps)


def test_a_policy_steers_each_member_of_a_batch_by_itself():
    scenes = [hopper(**{"body.velocity": [v, -0.2]}) for v in (-0.4, 0.3)]
    solver, state, params = sg.compile(scenes, device="cpu", dtype="float64")
    _, policy = policy_of(params)
    with torch.no_grad():
        together = episode(solver, state, params, policy, every=EVERY).state.position
        for b, scene in enumerate(scenes):
            one = sg.compile(scene, device="cpu", dtype="float64")
            alone = episode(*one, policy, every=EVERY).state.position[0]
            torch.testing.assert_close(alone, together[b], rtol=0, atol=1e-12)


def test_actions_are_laid_out_in_a_row_and_keep_their_bounds():
    _, _, params = sg.compile([hopper(), hopper()], device="cpu", dtype="float64")
    actions = Actions.of(params, {**MUSCLES, "body.velocity": (-1.0, 2.0)})
    row = torch.tensor([[9.0, -9.0, 0.1, 0.2], [0.0, 0.0, 3.0, -3.0]], dtype=torch.float64)
    values = actions.values(actions.clip(row))
    assert actions.size == 4
    assert values["body.actuators.left.activation"].tolist() == [0.4, 0.0]
    assert values["body.velocity"].tolist() == [[0.1, 0.2], [2.0, -1.0]]
    squashed = actions.squash(1e3 * row)
    assert bool(((squashed >= actions.low) & (squashed <= actions.high)).all())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"action": {"body.actuators.left.activaton": (0, 1)}}, "activation"),
        ({"action": {}}, "nothing to act on"),
        ({"action": {"body.stiffness": (2.0, 1.0)}}, "below the second"),
        ({"every": 0.3}, "between 0 and its end"),
        ({"observation": ("con",)}, "com"),
        ({"observation": Bodies("bodi")}, "body"),
    ],
)
def test_a_wrong_task_is_refused_in_words(change, told):
    with pytest.raises(sg.SceneError, match=told):
        World(task(**change), 1).observation()


def test_an_environment_passes_the_checks_of_gymnasium(recwarn):
    gymnasium = pytest.importorskip("gymnasium")
    from gymnasium.utils.env_checker import check_env

    env = task(observation=("com", "energy")).environment()
    check_env(env, skip_render_check=True)
    assert isinstance(env, gymnasium.Env)
    assert env.observation_space.shape == (2 + 6,)
    assert env.action_space.high.tolist() == pytest.approx([0.4, 0.4])


def play(env, seed, actions):
    """What a single environment gives, beginning anew whenever an episode is over."""
    found, done = [env.reset(seed=seed)[0]], False
    rewards = []
    for action in actions:
        if done:
            seen, reward, done = env.reset()[0], 0.0, False
        else:
            seen, reward, over, late, _ = env.step(action)
            done = over or late
        found.append(seen)
        rewards.append(reward)
    return np.array(found), np.array(rewards)


def test_members_of_a_vector_environment_do_what_single_ones_do():
    """Through two resets, of members whose episodes end at different times; every reset draws another velocity."""
    pytest.importorskip("gymnasium")

    def over(seen: Transition):
        return seen.after.position[..., 0].mean(1) > 0.72

    job = task(over=over)
    generator = np.random.default_rng(0)
    actions = generator.uniform(-0.3, 0.4, (24, 3, 2)).astype(np.float32)
    many = job.environments(3)
    seen, rewards = [many.reset(seed=5)[0]], []
    ends = []
    for action in actions:
        observation, reward, terminated, truncated, _ = many.step(action)
        seen.append(observation)
        rewards.append(reward)
        ends.append(terminated | truncated)
    ends = np.array(ends)
    assert many.observation_space.contains(seen[0])
    assert len({tuple(np.flatnonzero(ends[:, b])) for b in range(3)}) > 1, "members end at different times"
    starts = [np.flatnonzero(ends[:, b])[0] + 2 for b in range(3)]
    for b in range(3):
        assert not np.array_equal(seen[0][b], np.array(seen)[starts[b], b]), "a new episode has a new draw"
        alone, alone_rewards = play(job.environment(), 5 + b, actions[:, b])
        np.testing.assert_allclose(np.array(seen)[:, b], alone, rtol=0, atol=1e-5)
        np.testing.assert_allclose(np.array(rewards)[:, b], alone_rewards, rtol=0, atol=1e-6)


def test_a_draw_of_a_number_changes_its_member_only():
    floor = sg.Wall(normal=(0, 1), offset=sg.Uniform(0.1, 0.2))
    scene = hopper(floor=floor)
    world = World(task(scene), 2)
    first = world.reset(seeds=[1, 2])
    offset = world.params["floor.offset"].tolist()
    again = world.reset(members=[0])
    assert offset[0] != offset[1] == float(world.params["floor.offset"][1])
    assert float(world.params["floor.offset"][0]) != offset[0]
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], again[0])
    assert torch.equal(world.reset(seeds=[1, 2]), first)


def test_a_draw_that_changes_the_scene_itself_is_compiled_anew():
    """How much of the body is held is no number that the solver reads: another solver is made."""
    scene = hopper(**{"body.held": sg.Sphere(center=(0.5, 0.31), radius=sg.Uniform(0.05, 0.3))})
    world = World(task(scene), 2)
    world.reset(seeds=[0, 1])
    held = []
    for seed in range(4):
        world.reset(members=[0], seeds=[seed])
        held.append((world.solver.matter.free == 0).sum(1).tolist())
    assert len({one for one, _ in held}) > 1
    assert len({other for _, other in held}) == 1


def test_a_member_that_runs_away_ends_alone():
    job = task(hopper(**{"body.velocity": [0.1, -0.2]}), action={"body.stiffness": (1.0, 1e9)}, every=0.02)
    world = World(job, 2)
    world.reset(seeds=[0, 0])
    calm = world.step(torch.tensor([[300.0], [300.0]]))
    assert not bool(calm.over.any())
    broken = world.state.velocity.clone()
    broken[1] = float("inf")
    world.state = type(world.state)(world.state.position, broken, world.state.activation)
    found = world.step(torch.tensor([[300.0], [300.0]]))
    assert found.over.tolist() == found.diverged.tolist() == [False, True]
    assert found.reward[1] == 0.0
    assert bool(torch.isfinite(found.observation).all())


def test_without_gymnasium_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr("scenegrad.control.gym.find_spec", lambda name: None)
    from scenegrad.control.gym import scene_env

    scene_env.cache_clear()
    with pytest.raises(sg.EngineError, match=r"scenegrad\[control\]"):
        task().environment()
    scene_env.cache_clear()


def test_a_scene_without_bodies_is_refused_by_an_observation_of_bodies():
    solver, state, params = sg.compile(sg.library.kolmogorov(cells=20), device="cpu")
    with pytest.raises(sg.SceneError, match="Outputs"):
        Bodies()(solver, state, params, torch.zeros(1, dtype=torch.float64))


def test_outputs_and_phases_are_observations():
    solver, state, params = sg.compile(hopper(), device="cpu", dtype="float64")
    time = torch.tensor([0.05], dtype=torch.float64)
    seen = (Outputs("com") + Phases(5.0, count=4))(solver, state, params, time)
    assert seen[0].tolist() == pytest.approx([0.7, 0.31, 1.0, 0.0, -1.0, 0.0], abs=1e-12)


def test_muscles_and_tools_of_the_material_point_method_are_actions():
    """An arm of muscles and a plate that pushes it, both set by an agent; two members of a batch stay apart."""
    arm = sg.library.soft_arm(cells=16, segments=2, end=0.1)
    plate = sg.Collider(sg.Box(center=(0.28, 0.6), size=(0.05, 0.1)), motion=sg.Moving(velocity=(0.0, 0.0)))
    scene = arm.model_copy(update={"entities": {**arm.entities, "plate": plate}})
    muscle, tool = "arm_1_left.material.activation", "plate.motion.velocity.0"
    job = Task(
        scene,
        observation=("hand",),
        action={muscle: (0.0, 1.0), tool: (-1.0, 1.0)},
        reward=lambda seen: seen.after.position[..., 0].mean(1),
        every=0.02,
    )
    world = World(job, 3)
    seen = [world.step(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])).observation for _ in range(4)][-1]
    assert float(seen[1, 0] - seen[0, 0]) < -1e-3, "the left muscle bends the arm to the left"
    assert float(seen[2, 0] - seen[0, 0]) > 1e-3, "the plate pushes it to the right"


def test_gradients_flow_through_the_steps_of_a_world():
    """The sum of rewards by all actions, two members with their own first velocities."""
    world = World(task(), 2, dtype="float64")
    generator = torch.Generator().manual_seed(0)
    actions = (0.2 * torch.randn((4, 2, 2), generator=generator, dtype=torch.float64)).requires_grad_()

    def total(rows):
        world.reset(seeds=[3, 4])
        return sum(world.step(row).reward.sum() for row in rows)

    total(actions).backward()
    direction = torch.randn(actions.shape, generator=generator, dtype=torch.float64)
    predicted, h = float((actions.grad * direction).sum()), 1e-5
    with torch.no_grad():
        high, low = (float(total(actions + sign * h * direction)) for sign in (1, -1))
    assert abs(predicted) > 1e-3
    assert (high - low) / (2 * h) == pytest.approx(predicted, rel=1e-6)


def test_signals_of_a_scene_follow_the_clock_of_their_member():
    """A member that began anew hears its signals from the start; the other goes on as a rollout does."""
    side = "body.actuators.right.activation"
    scene = hopper(**{"body.velocity": [0.1, -0.2], side: sg.Sine(0.3, 12.0), "time.dt": 1e-3})
    left = {address: bounds for address, bounds in MUSCLES.items() if address != side}
    world = World(task(scene, action=left), 2, dtype="float64")
    world.reset(seeds=[0, 0])
    still = torch.zeros((2, 1), dtype=torch.float64)
    for step in range(6):
        if step == 3:
            world.reset(members=[0])
        world.step(still)
    solver, state, params = sg.compile(scene, device="cpu", dtype="float64")
    for member, steps in enumerate((3, 6)):
        alone = rollout(solver, state, params, until=steps * EVERY).state.position[0]
        torch.testing.assert_close(world.state.position[member], alone, rtol=0, atol=1e-12)


def walker_with(activation, steps, dt=1.5e-3):
    """The soft walker of the library, its muscles pulling and its legs sliding and sticking on the floor."""
    scene = sg.library.soft_walker(activation, cells=32, friction=0.4, end=steps * dt)
    return scene.model_copy(update={"time": sg.Time(end=steps * dt, dt=dt), "outputs": {}})


def differs(loss, places, gradients, seed=0):
    """The least relative difference between <gradient, d> and central differences along a random d, over three h."""
    generator = torch.Generator().manual_seed(seed)
    directions = [torch.randn(place.shape, generator=generator, dtype=torch.float64) for place in places]
    predicted = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    assert abs(predicted) > 1e-4
    misses = []
    with torch.no_grad():
        for h in (1e-4, 1e-5, 1e-6):
            high, low = (
                float(loss([p + sign * h * d for p, d in zip(places, directions, strict=True)])) for sign in (1, -1)
            )
            misses.append(abs((high - low) / (2 * h) / predicted - 1))
            if misses[-1] < 1e-6:
                break
    return min(misses)


def test_gradients_of_muscles_agree_with_differences_through_120_steps_with_friction(measure):
    steps, knots = 120, 9
    names = [name for name in sg.library.soft_walker().entities if name != "floor"]
    table = sg.Table(120 * 1.5e-3 / (knots - 1), (0.0,) * knots)
    solver, state, params = sg.compile(walker_with(dict.fromkeys(names, table), steps), "cpu", "float64")
    generator = torch.Generator().manual_seed(7)
    start = torch.rand((len(names), 1, knots), generator=generator, dtype=torch.float64)

    def loss(values):
        tables = {f"{name}.material.activation.values": value for name, value in zip(names, values[0], strict=True)}
        end = rollout(solver, state, params.detach().replace(tables)).state
        return end.position[..., 0].mean() + 0.1 * end.velocity[..., 0].mean()

    values = start.clone().requires_grad_()
    loss([values]).backward()
    miss = differs(loss, [start], [values.grad])
    measure("gradient of muscles through 120 steps of MPM with friction, relative error", miss, "< 1e-6")
    assert miss < 1e-6


def test_gradients_of_a_controller_agree_with_differences_through_the_material_point_method(measure):
    solver, state, params = sg.compile(walker_with(0.2, 120), "cpu", "float64")
    bounds = {address: (0.0, 1.0) for address in params if address.endswith("activation")}
    sees = Bodies("leg_0_front", "leg_1_front") + Phases(5.0)
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(4 + 4 + 1 + 4, 6), nn.Tanh(), nn.Linear(6, len(bounds))).double()
    policy = Feedback(sees, network, Actions.of(params, bounds))

    def loss(weights):
        nn.utils.vector_to_parameters(weights[0], network.parameters())
        return episode(solver, state, params.detach(), policy, every=0.03).state.position[..., 0].mean()

    start = nn.utils.parameters_to_vector(network.parameters()).detach().clone()
    episode(solver, state, params.detach(), policy, every=0.03).state.position[..., 0].mean().backward()
    gradient = nn.utils.parameters_to_vector([weight.grad for weight in network.parameters()])
    miss = differs(loss, [start], [gradient])
    measure("gradient of a controller's weights through 120 steps of MPM, relative error", miss, "< 1e-6")
    assert miss < 1e-6
