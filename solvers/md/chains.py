"""How chains of beads start: random walks, pushed apart until no two beads overlap, in float64 on the host."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.spatial import cKDTree

from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.molecules import Chains

__all__ = ["chains"]

FOLD = 1.02 / 0.97  # nearest that second neighbours of a walk come, in bonds   [Kremer & Grest 1990]
ROUNDS = 2000
STRIDE = 0.1  # longest move of a bead in a round, in `apart`
LOOSE = 0.97  # of `apart`: where the push-off has done enough
STRAIN = 0.02  # by which a bond may differ from its length, relative


@lru_cache(maxsize=64)
def chains(lattice: Chains, edges: tuple[float, ...], seed: tuple[int, ...]) -> np.ndarray:
    """Positions [bead, dim], chain after chain, unwrapped."""
    box = np.array(edges)
    if not np.isfinite(box).all():
        raise SceneError("Chains start in a box that is periodic along every axis; this one is open.")
    rng = np.random.default_rng(np.random.SeedSequence(seed[0], spawn_key=seed[1:]))
    x = walks(lattice, box, rng)
    return pushed_off(lattice, x, box)


def walks(lattice: Chains, box: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random walks whose second neighbours stay apart."""
    count, length, dim = lattice.count, lattice.length, len(box)
    # |e1 + e2| > FOLD: a step whose cosine with the last is above this.
    least = 0.5 * FOLD**2 - 1.0
    steps = np.zeros((count, length - 1, dim))
    steps[:, 0] = directions(rng, count, dim)
    for k in range(1, length - 1):
        waiting = np.arange(count)
        while len(waiting):
            tried = directions(rng, len(waiting), dim)
            good = (tried * steps[waiting, k - 1]).sum(axis=1) > least
            steps[waiting[good], k] = tried[good]
            waiting = waiting[~good]
    places = np.concatenate([np.zeros((count, 1, dim)), np.cumsum(steps, axis=1)], axis=1) * lattice.bond
    return (places + rng.random((count, 1, dim)) * box).reshape(-1, dim)


def directions(rng: np.random.Generator, count: int, dim: int) -> np.ndarray:
    e = rng.standard_normal((count, dim))
    return e / np.linalg.norm(e, axis=1, keepdims=True)


def pushed_off(lattice: Chains, x: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Beads that overlap move apart along the line between them, half the overlap each and no further than a stride;
    after every such round bonds get their length back the same way [projections: Mueller et al. 2007]."""
    count, length, apart = lattice.count, lattice.length, lattice.apart
    x = x.copy()
    first = (np.arange(count)[:, None] * length + np.arange(length - 1)).ravel()
    reach = min(apart, lattice.bond * (1.0 - STRAIN))
    for _ in range(ROUNDS):
        folded = np.mod(x, box)
        folded[folded >= box] = 0.0
        pairs = cKDTree(folded, boxsize=box).query_pairs(apart, output_type="ndarray")
        bonded = (pairs[:, 1] - pairs[:, 0] == 1) & (pairs[:, 1] % length != 0)
        i, j = pairs[~bonded].T
        d = x[i] - x[j]
        d -= box * np.rint(d / box)
        r = np.linalg.norm(d, axis=1)
        bond = x[first + 1] - x[first]
        stretch = np.linalg.norm(bond, axis=1) / lattice.bond - 1.0
        if (len(r) == 0 or r.min() > LOOSE * reach) and np.abs(stretch).max() < STRAIN:
            return x
        push = (0.55 * (apart - r) / np.maximum(r, 1e-9))[:, None] * d
        move = np.zeros_like(x)
        np.add.at(move, i, push)
        np.add.at(move, j, -push)
        size = np.linalg.norm(move, axis=1, keepdims=True)
        x += move * np.minimum(1.0, STRIDE * apart / np.maximum(size, 1e-12))
        straighten(x.reshape(count, length, -1), lattice.bond)
    nearest = r.min() if len(r) else apart
    raise SceneError(
        f"{count} chains of {length} beads found no room in a box of {' x '.join(f'{e:.4g}' for e in box)}: after "
        f"{ROUNDS} rounds beads still stand {nearest:.3g} apart, and {LOOSE * reach:.3g} was asked. "
        f"Take a larger box (a lower density), fewer chains, or a smaller lattice.apart."
    )


def straighten(x: np.ndarray, bond: float, sweeps: int = 4) -> None:
    """Bonds [chain, bead, dim] back to their length, odd ones and even ones in turn, half by each end; in place."""
    for sweep in range(2 * sweeps):
        a, b = x[:, sweep % 2 : -1 : 2], x[:, sweep % 2 + 1 :: 2]
        d = b - a
        shift = 0.5 * (1.0 - bond / np.linalg.norm(d, axis=2, keepdims=True)) * d
        a += shift
        b -= shift
