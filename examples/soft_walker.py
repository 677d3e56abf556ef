"""A soft walker learns to walk

By 3,200 numbers, found by gradient descent and, in the same time, by evolution (CMA-ES).
"""

import time

import cma
import matplotlib.pyplot as plt
import numpy as np
import torch

import scenegrad as sg


def main(out: str = "soft_walker.png", cells: int = 32, knots: int = 320, seconds: float = 60.0) -> dict[str, float]:
    muscles = [name for name in sg.library.soft_walker().entities if name != "floor"]
    table = sg.Table(1.0 / (knots - 1), (0.0,) * knots)
    scene = sg.library.soft_walker(dict.fromkeys(muscles, table), cells=cells, end=1.0, every=0.25)
    worlds = {members: sg.compile([scene] * members, device="cpu") for members in (1, 28)}

    def walk(effort: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Distance of each member and the places of its particles; muscles pull with sigmoid(effort), one a knot."""
        solver, state, params = worlds[len(effort)]
        pull = torch.sigmoid(effort.view(-1, len(muscles), knots))
        tables = {f"{name}.material.activation.values": pull[:, i] for i, name in enumerate(muscles)}
        places = sg.rollout(solver, state, params.detach().replace(tables)).outputs["particles"]
        return (places[:, -1] - places[:, 0])[..., 0].mean(1), places

    effort = torch.full((1, len(muscles) * knots), -1.0, requires_grad=True)
    walk(effort)[0].sum().backward()  # builds the kernels, off the clock
    found, adam, began = {"gradient": [], "CMA-ES": []}, torch.optim.Adam([effort], lr=0.5), time.perf_counter()
    while (now := time.perf_counter() - began) < seconds:
        distance, places = walk(effort)
        found["gradient"].append((now, distance.item(), places[0].detach()))
        (effort.grad,) = torch.autograd.grad(-distance.sum(), [effort])
        torch.nn.utils.clip_grad_norm_([effort], 1.0)
        adam.step()

    options, began = {"CMA_diagonal": True, "popsize": 28, "seed": 1, "verbose": -9}, time.perf_counter()
    evolution = cma.CMAEvolutionStrategy(effort.numel() * [-1.0], 1.0, options)
    while (now := time.perf_counter() - began) < seconds:
        distance, places = walk(torch.tensor(np.array(tried := evolution.ask()), dtype=torch.float32))
        evolution.tell(tried, (-distance).tolist())
        found["CMA-ES"].append((now, distance.max().item(), places[distance.argmax()]))

    figure, axes = plt.subplots(1, 3, figsize=(14, 3.5), layout="constrained")
    for axis, (name, tries) in zip(axes[1:], found.items(), strict=True):
        _, distance, places = max(tries, key=lambda one: one[1])
        print(f"{name}: {distance:.3f} m with {effort.numel()} numbers, in {len(tries)} rounds of {seconds:g} s")
        axes[0].plot([one[0] for one in tries], np.maximum.accumulate([one[1] for one in tries]))
        axis.scatter(*places.flatten(0, 1).T, s=3, c=np.repeat(range(len(places)), places.shape[1]))
        axis.set(title=f"{name}: {distance:.2f} m in 1 s", xlim=(0, 1.6), ylim=(0.1, 0.4), aspect="equal")
    axes[0].set(xlabel="wall time [s]", ylabel="distance [m]", title="gradient: blue, CMA-ES: orange")
    figure.savefig(out)
    return {name: max(distance for _, distance, _ in tries) for name, tries in found.items()}


if __name__ == "__main__":
    main()
