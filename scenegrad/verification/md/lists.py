"""Neighbour lists beside a look at all pairs and all images."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor

from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.neighbours.lists import Neighbours
from scenegrad.verification.case import Case, Finding, Setting, at_least, at_most

__all__ = ["CASES"]

CUTOFF, SKIN = 2.5, 0.3

BOXES: dict[str, tuple[tuple[float, ...], tuple[float, ...] | None]] = {  # edges, and how far they lean
    "many cells": ((9.7, 12.3, 15.1), None),
    "few cells": ((5.2, 7.1, 6.4), None),
    "triclinic": ((11.0, 9.3, 8.7), (4.1, -3.3, 2.9)),
    "plane": ((10.3, 17.9), None),
    "leaning plane": ((19.0, 17.0), (9.0,)),
    "open space": ((math.inf,) * 3, None),
    "slab": ((9.0, 10.0, math.inf), None),
}


def box_of(edges: tuple[float, ...], tilt: tuple[float, ...] | None) -> Box:
    long = torch.tensor([edges], dtype=torch.float64)
    if tilt is None:
        return Box(long)
    by = torch.tensor([edges[0], edges[0], edges[1]] if len(edges) == 3 else [edges[0]], dtype=torch.float64)
    return Box(long, (torch.tensor(tilt, dtype=torch.float64) / by)[None])


def by_images(x: Tensor, box: Box, radius: float) -> Tensor:
    """Whether i and j are nearer than the radius in one of their images [atom, atom]."""
    periodic = torch.isfinite(box.edges[0])
    matrix = torch.where(periodic[:, None], box.matrix[0], torch.eye(box.dim, dtype=x.dtype))
    part = x @ torch.linalg.inv(matrix)
    x = torch.where(periodic, part - part.floor(), part) @ matrix
    near = torch.zeros(len(x), len(x), dtype=torch.bool)
    for turn in itertools.product(*[(-1, 0, 1) if wraps else (0,) for wraps in periodic.tolist()]):
        near |= torch.cdist(x + torch.tensor(turn, dtype=x.dtype) @ matrix, x) < radius
    return near.fill_diagonal_(False)


def of_list(found: Neighbours) -> Tensor:
    count, rows = (part[0].cpu().long() for part in found.pairs(once=False))
    near = torch.zeros(found.atoms, found.atoms, dtype=torch.bool)
    for i in range(found.atoms):
        near[i, rows[i, : int(count[i])]] = True
    return near


def all_pairs(setting: Setting) -> Iterator[Finding]:
    """A list as it is made, and one that is kept up while two streams of atoms meet and fly through the sides of their
    box: how many pairs it has too many or too few."""
    for name, (edges, tilt) in BOXES.items():
        box, generator = box_of(edges, tilt), torch.Generator().manual_seed(0)
        room = torch.where(torch.isinf(box.edges), 12.0, box.edges)
        x = 3.0 * torch.rand(200, box.dim, generator=generator, dtype=torch.float64) * room
        there = Box(box.edges.to(setting.device), None if box.lean is None else box.lean.to(setting.device))
        cutoff = torch.tensor([CUTOFF], dtype=torch.float64, device=setting.device)
        found = Neighbours(there, cutoff, SKIN, 200, torch.float64)
        found.update(x[None].to(setting.device))
        wrong = of_list(found) ^ by_images(x, box, CUTOFF + SKIN)
        yield at_most(f"{name}: pairs not in both", int(wrong.sum()), 0.0)
        wind = torch.where(torch.arange(200) % 2 == 0, 1.0, -1.0)[:, None].to(x)
        missed = 0
        for _ in range(30):
            x = x + 0.02 * wind + 0.002 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
            found.update(x[None].to(setting.device))
            missed += int((by_images(x, box, CUTOFF) & ~of_list(found)).sum())
        yield at_most(f"{name}: pairs missed in 30 steps", missed, 0.0)
        yield at_least(f"{name}: steps without a new list", 5.0, 31.0 - float(found.builds[0]))


CASES = (Case("lists_and_all_pairs", "md", "every pair and image", "the definition of a neighbour", all_pairs),)
