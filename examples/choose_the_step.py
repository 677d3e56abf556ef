"""A time-step policy for three bodies

Three bodies fall together from rest. A policy sees how long pairs would need to fall together and to fly past each
other, and says how long the next step of Hermite's scheme is; its few weights are sought by the cross-entropy method.
Aarseth's criterion is to be beaten. After Saz Ulibarrena & Portegies Zwart [2025, arXiv:2502.12809].
"""

from dataclasses import replace

import torch

import scenegrad as sg
from scenegrad.view.plots import Curve, Panel, plot_panels

END = 2.0
SOFT = 0.1  # bodies that fall from rest may meet head on
MASSES = torch.tensor([3.0, 4.0, 5.0], dtype=torch.float64)
FIRST, SECOND = torch.tensor([0, 0, 1]), torch.tensor([1, 2, 2])  # the three pairs


def falling(members: int, seed: int, accuracy: float = 0.02):
    """Solver, states and params of bodies at rest at random places."""
    scene = sg.library.pythagorean(end=END, accuracy=accuracy).replace({"outputs": {}, "pull.softening": SOFT})
    solver, state, params = sg.compile([scene] * members, device="cpu", dtype="float64")
    places = 1.5 * torch.randn(members, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return solver, solver.motion.begin(solver.system, replace(state, position=places), params), params


def seen(state) -> torch.Tensor:
    """1, and logarithms of times [member, 4]: to fall and to fly past, of the closest pair; to fall, of all."""
    d, v = (x[:, FIRST] - x[:, SECOND] for x in (state.position, state.velocity))
    r = (d.square().sum(dim=2) + SOFT**2).sqrt()
    fall, fly = (r**3 / (MASSES[FIRST] + MASSES[SECOND])).sqrt(), r / (v.norm(dim=2) + 1e-3)
    times = [torch.ones(len(d)), fall.amin(1).log(), fly.amin(1).clamp(max=10.0).log(), fall.log().mean(1)]
    return torch.stack([one.double() for one in times], dim=1)


def fared(solver, state, params) -> tuple[torch.Tensor, torch.Tensor]:
    """log10 of the relative energy error, and of the number of steps [member]."""
    with torch.no_grad():
        end = sg.rollout(solver, state, params).state
        energy = [solver.observe(one, params)["total_energy"] for one in (state, end)]
    return (energy[1] / energy[0] - 1.0).abs().clamp(min=1e-14).log10(), end.step.double().log10()


def with_weights(solver, weights: torch.Tensor):
    """A policy for each member: dt = exp(weights . seen), weights [member, 4]."""
    return sg.paced(solver, lambda state, params: (weights * seen(state)).sum(1).exp().clamp(1e-3, 0.3))


def main(rounds: int = 6, candidates: int = 16, starts: int = 12, trials: int = 48, out: str = "choose_the_step.png"):
    steps = fared(*falling(starts, seed=1))[1].mean()  # of Aarseth's criterion
    mean, spread = torch.tensor([-2.5, 1.0, 0.0, 0.0]).double(), torch.tensor([0.5, 0.3, 0.3, 0.3]).double()
    noise = torch.Generator().manual_seed(0)
    for n in range(rounds):
        tried = mean + spread * torch.randn(candidates, 4, dtype=torch.float64, generator=noise)
        solver, state, params = falling(candidates * starts, seed=1)
        places = falling(starts, seed=2 + n)[1].position.repeat(candidates, 1, 1)
        state = solver.motion.begin(solver.system, replace(state, position=places), params)
        error, taken = fared(with_weights(solver, tried.repeat_interleave(starts, 0)), state, params)
        # Of a scheme of fourth order error * steps^4 is what tells rules apart; and the number of steps is to be kept.
        error, taken = (one.view(candidates, starts).mean(1) for one in (error, taken))
        score = error + 4.0 * (taken - steps) + 20.0 * (taken - steps).square()
        best = tried[score.argsort()[: max(candidates // 4, 2)]]
        mean, spread = best.mean(0), best.std(0) + 0.02
        print(f"round {n}: score {score.min():.2f}, weights {[round(w, 2) for w in mean.tolist()]}")
    solver, state, params = falling(trials, seed=99)
    learnt, own = fared(with_weights(solver, mean.expand(trials, 4)), state, params)
    rows = [[one.mean() for one in fared(*falling(trials, 99, accuracy))] for accuracy in (0.05, 0.02, 0.008)]
    errors, steps = torch.tensor(rows).T
    fair = (errors + 4.0 * (steps - own.mean())).mean()
    print(f"In {10 ** own.mean():.0f} steps the learnt rule has 10^{learnt.mean() - fair:.2f} of Aarseth's error.")
    both = (("Aarseth", steps, errors), ("learnt", own.mean(), learnt.mean()))
    curves = [Curve(10**x, 10**y, name, "o-", n) for n, (name, x, y) in enumerate(both)]
    plot_panels([Panel(curves, x="steps", y="relative error of the energy", log="xy")], out)


if __name__ == "__main__":
    main()
