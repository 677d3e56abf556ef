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
    """Directions [kept, cells] in which the last operator did least, |A u| / |u| smallest."""

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
        """One equation; flat tensors [cells], families of them by rows.

        ahead: directions d of a cycle, first those that were kept; image: an orthonormal basis of what A makes of them;
        A ahead = g image.
        """
        r = b - equation.apply(x)
        spent, size = 1, float(r.norm())
        u, c = self.memory.directions, None
        if u is not None and size > goal and u.shape[1] == len(b):
            spent += len(u)
            q, triangle = torch.linalg.qr(equation.apply(u).T)
            c, u = q.T.contiguous(), torch.linalg.solve_triangular(triangle.T, u, upper=False)
            along = c @ r
            x, r = x + along @ u, r - along @ c
            size = float(r.norm())
        image, ahead = b.new_empty(self.width + 1, len(b)), b.new_empty(self.width, len(b))
        while size > goal and spent < self.iterations:
            g = b.new_zeros(self.width + 1, self.width)
            kept = 0
            if c is not None and u is not None:
                kept, lengths = len(c), u.norm(dim=1)
                image[:kept], ahead[:kept] = c, u / lengths[:, None]
                g[:kept, :kept] = torch.diag(1.0 / lengths)
            count = arnoldi(equation, r, image, ahead, g, kept, goal)
            spent += count - kept
            basis, ways, g = image[: count + 1], ahead[:count], g[: count + 1, :count]
            y = torch.linalg.lstsq(g, (basis @ r)[:, None]).solution[:, 0]
            x, r = x + y @ ways, r - (g @ y) @ basis
            size = float(r.norm())
            if self.kept:
                chosen = weakest(g, ways, self.kept)
                q, triangle = torch.linalg.qr(g @ chosen)
                c = q.T @ basis
                u = torch.linalg.solve_triangular(triangle.T, chosen.T, upper=False) @ ways
        if self.kept:
            self.memory.directions = u
        return x, spent, size


@dataclass(frozen=True)
class Equation:
    """A of one member, on flat tensors [cells] or rows of them."""

    operator: Diffusion
    shape: torch.Size
    precondition: Callable[[Tensor], Tensor] | None

    def apply(self, x: Tensor) -> Tensor:
        return self.operator.apply(x.view(-1, *self.shape)).view_as(x)

    def approach(self, v: Tensor) -> Tensor:
        """About A^-1 v."""
        return v if self.precondition is None else self.precondition(v.view(1, *self.shape)).flatten()


def alone(operator: Diffusion, number: int) -> Diffusion:
    weights = tuple(weight[number : number + 1] for weight in operator.weights)
    return Diffusion(operator.axes, weights, operator.shift[number : number + 1])


def arnoldi(equation: Equation, r: Tensor, image: Tensor, ahead: Tensor, g: Tensor, kept: int, goal: float) -> int:
    """Adds rows to `image` from r / |r| on and to `ahead`, columns to g, after the `kept` ones: A ahead = g image.

    Gram-Schmidt is done twice where it takes much away [Kahan and Parlett: twice is enough]. Returns the number of rows of `ahead`, less than there is room for where r has become
    small.
    """
    size = float(r.norm())
    image[kept] = r / size
    for j in range(kept, len(ahead)):
        ahead[j] = equation.approach(image[j])
        w = equation.apply(ahead[j])
        basis = image[: j + 1]
        length = float(w.norm())
        for _ in range(2):
            before = length
            part = basis @ w
            w -= part @ basis
            g[: j + 1, j] += part
            length = float(w.norm())
            if length > 0.7 * before:
                break  # hardly anything of what was taken away is left
        g[j + 1, j] = length
        if length < 1e-14 * float(g[: j + 2, j].norm()):
            image[j + 1] = 0.0
            return j + 1
        torch.div(w, length, out=image[j + 1])
        if (j - kept) % 4 == 3 and missed(g[kept : j + 2, kept : j + 1], size) <= 0.5 * goal:
            return j + 1
    return len(ahead)


def missed(h: Tensor, size: float) -> float:
    """Residual that these directions would leave."""
    right = h.new_zeros(len(h), 1)
    right[0] = size
    return float((right - h @ torch.linalg.lstsq(h, right).solution).norm())


def weakest(g: Tensor, ahead: Tensor, count: int) -> Tensor:
    """Combinations y with the smallest |A d| / |d|, d = y ahead [rows, count]: |A d| = |g y|."""
    triangle, failed = torch.linalg.cholesky_ex(ahead @ ahead.T, upper=True)
    if bool(failed):
        triangle = torch.linalg.qr(ahead.T).R
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
