"""GMRES that keeps what it has learned of one equation for the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from scenegrad.solvers.elliptic.diffusion import Diffusion
from scenegrad.solvers.elliptic.iteration import Found, Preconditioner

__all__ = ["Recycling", "along_a_path"]


@dataclass
class Memory:
    """Directions [cells, kept] in which the last operator did least, |A u| / |u| smallest."""

    directions: Tensor | None = None


@dataclass(frozen=True)
class Recycling:
    """GMRES with optimal truncation and deflated restarting [Parks et al. 2006, SIAM J. Sci. Comput. 28, 1651-1674]
    over the members of a batch, one after the other along a path on which neighbours are alike [Wang et al. 2024,
    Accelerating data generation for neural operators via Krylov subspace recycling, ICLR]. Made for families of
    equations, as `generate(batch=...)` makes them; each member meets the tolerance, but its last digits depend on who
    came before. A need not be definite: a negative shift, as of sound at one frequency, will do.

    width: directions of a cycle in all, `kept` of which are carried to the next cycle and to the next equation: those
    with the smallest |A u| / |u|. kept = 0 is GMRES with restarts. Iterations count applications of A, those to what
    was kept included. memory: outlives a batch, so that the next one begins with it.
    """

    width: int = 40
    kept: int = 20
    iterations: int = 20000
    preconditioner: Preconditioner | None = None
    ordered: bool = True
    memory: Memory = field(default_factory=Memory)

    def run(self, operator: Diffusion, b: Tensor, guess: Tensor | None, goal: Tensor) -> Found:
        x = torch.zeros_like(b) if guess is None else guess.to(b).clone()
        count = torch.zeros(b.shape[0], dtype=torch.int64, device=b.device)
        left = torch.zeros_like(goal)
        numbers = along_a_path(operator.diagonal) if self.ordered else range(b.shape[0])
        for number in numbers:
            member = alone(operator, number)
            precondition = None if self.preconditioner is None else self.preconditioner.prepare(member)
            equation = Equation(member, b.shape[1:], precondition)
            found, spent, size = self.solve(equation, b[number].flatten(), x[number].flatten(), float(goal[number]))
            x[number], count[number], left[number] = found.view(b.shape[1:]), spent, size
        return Found(x, count, left <= goal)

    def solve(self, equation: Equation, b: Tensor, x: Tensor, goal: float) -> tuple[Tensor, int, float]:
        """One equation; flat tensors [cells]."""
        r = b - equation.apply(x)
        spent, size = 1, float(r.norm())
        u, c = self.memory.directions, None
        if u is not None and size > goal and len(u) == len(b):
            images = torch.stack([equation.apply(column) for column in u.T], dim=1)
            spent += u.shape[1]
            c, triangle = torch.linalg.qr(images)
            u = torch.linalg.solve_triangular(triangle, u, upper=True, left=False)
            along = c.T @ r
            x, r = x + u @ along, r - c @ along
            size = float(r.norm())
        while size > goal and spent < self.iterations:
            steps = self.width - (0 if c is None else c.shape[1])
            v, z, small, cross = arnoldi(equation, r, c, steps, goal)
            spent += z.shape[1]
            # A [u z] = [c v] G
            if c is None or u is None:
                ahead, image, g = z, v, small
            else:
                kept = c.shape[1]
                lengths = u.norm(dim=0)
                ahead, image = torch.cat((u / lengths, z), 1), torch.cat((c, v), 1)
                g = torch.zeros(image.shape[1], ahead.shape[1], dtype=b.dtype, device=b.device)
                g[:kept, :kept] = torch.diag(1.0 / lengths)
                g[:kept, kept:], g[kept:, kept:] = cross, small
            y = torch.linalg.lstsq(g, (image.T @ r)[:, None]).solution[:, 0]
            x, r = x + ahead @ y, r - image @ (g @ y)
            size = float(r.norm())
            if self.kept:
                chosen = weakest(g, ahead, self.kept)
                q, triangle = torch.linalg.qr(g @ chosen)
                c = image @ q
                u = torch.linalg.solve_triangular(triangle, ahead @ chosen, upper=True, left=False)
        if self.kept:
            self.memory.directions = u
        return x, spent, size


@dataclass(frozen=True)
class Equation:
    """A of one member, on flat tensors."""

    operator: Diffusion
    shape: torch.Size
    precondition: Callable[[Tensor], Tensor] | None

    def apply(self, x: Tensor) -> Tensor:
        return self.operator.apply(x.view(1, *self.shape)).flatten()

    def approach(self, v: Tensor) -> Tensor:
        """About A^-1 v."""
        return v if self.precondition is None else self.precondition(v.view(1, *self.shape)).flatten()


def alone(operator: Diffusion, number: int) -> Diffusion:
    weights = tuple(weight[number : number + 1] for weight in operator.weights)
    return Diffusion(operator.axes, weights, operator.shift[number : number + 1])


def arnoldi(
    equation: Equation, r: Tensor, c: Tensor | None, steps: int, goal: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(1 - c c') A z = v H from v_1 = r / |r|, z = v preconditioned; v [cells, steps + 1], z [cells, steps], H, and
    c' A z. Gram-Schmidt is done twice. Stops early where r has become small."""
    v, z = r.new_zeros(steps + 1, len(r)), r.new_zeros(steps, len(r))
    h = r.new_zeros(steps + 1, steps)
    cross = r.new_zeros(0 if c is None else c.shape[1], steps)
    v[0] = r / r.norm()
    done = steps
    for j in range(steps):
        z[j] = equation.approach(v[j])
        w = equation.apply(z[j])
        for _ in range(2):
            if c is not None:
                part = c.T @ w
                w = w - c @ part
                cross[:, j] += part
            part = v[: j + 1] @ w
            w = w - part @ v[: j + 1]
            h[: j + 1, j] += part
        h[j + 1, j] = w.norm()
        if float(h[j + 1, j]) < 1e-14 * float(h[: j + 2, j].norm()):
            done = j + 1
            break
        v[j + 1] = w / h[j + 1, j]
        if j % 4 == 3 and missed(h[: j + 2, : j + 1], r) <= 0.5 * goal:
            done = j + 1
            break
    return v[: done + 1].T, z[:done].T, h[: done + 1, :done], cross[:, :done]


def missed(h: Tensor, r: Tensor) -> float:
    """Residual that these directions would leave."""
    right = h.new_zeros(len(h), 1)
    right[0] = r.norm()
    return float((right - h @ torch.linalg.lstsq(h, right).solution).norm())


def weakest(g: Tensor, ahead: Tensor, count: int) -> Tensor:
    """Combinations y with the smallest |A d| / |d|, d = ahead y [columns, count]: |A d| = |g y|."""
    triangle = torch.linalg.qr(ahead).R
    inverse = torch.linalg.solve_triangular(
        triangle, torch.eye(len(triangle), dtype=g.dtype, device=g.device), upper=True
    )
    turned = torch.linalg.svd(g @ inverse).Vh
    return inverse @ turned[-count:].T


def along_a_path(features: Tensor) -> list[int]:
    """Numbers of the members, each followed by the nearest of those that are left: distances of the logarithms of
    [batch, ...]."""
    flat = features.flatten(1).clamp(min=torch.finfo(features.dtype).tiny).log()
    distance = torch.cdist(flat, flat)
    path, left = [0], set(range(1, len(flat)))
    while left:
        rest = torch.tensor(sorted(left), device=flat.device)
        path.append(int(rest[distance[path[-1], rest].argmin()]))
        left.remove(path[-1])
    return path
