"""Averages and free energies from samples of several states at once: the multistate Bennett acceptance ratio.

[Shirts & Chodera 2008, J. Chem. Phys. 129, 124105]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from scenegrad.engine.errors import EngineError

__all__ = ["MBAR", "Average", "mbar"]

FIXED_POINT = 20  # iterations before Newton's method takes over
NEWTON = 200


@dataclass(frozen=True)
class Average:
    """Means of observables in one state [observable], and their covariance [observable, observable]."""

    mean: Tensor
    covariance: Tensor
    samples: float  # effective: 1 / sum w^2

    @property
    def error(self) -> Tensor:
        return self.covariance.diagonal().clamp(min=0.0).sqrt()


@dataclass(frozen=True)
class MBAR:
    """free_energies: reduced, f_k = -ln Z_k, with f_0 = 0 [state]. covariance: of their estimates [state, state].

    log_mixture: ln sum_k N_k exp(f_k - u_k(x_n)) of each sample [sample], which weights in any state follow from.
    inefficiency: how many samples are worth an independent one; all covariances are multiplied by it.
    """

    free_energies: Tensor
    covariance: Tensor
    log_mixture: Tensor
    log_weights: Tensor  # ln W_nk [state, sample]
    counts: Tensor
    inefficiency: float

    @property
    def differences(self) -> Tensor:
        """f_j - f_i [i, j]"""
        return self.free_energies[None, :] - self.free_energies[:, None]

    @property
    def errors(self) -> Tensor:
        """Standard errors of the differences [i, j]."""
        own = self.covariance.diagonal()
        return (own[:, None] + own[None, :] - 2.0 * self.covariance).clamp(min=0.0).sqrt()

    @property
    def overlap(self) -> Tensor:
        """O_ij = N_j sum_n W_ni W_nj: rows add up to 1; where neighbours hardly overlap, differences mean little."""
        weights = self.log_weights.exp()
        return (weights @ weights.T) * self.counts[None, :]

    def average(self, energy: Tensor, observables: Tensor) -> Average:
        """Means of observables [observable, sample] in the state of reduced energies u(x_n) [sample]."""
        values = torch.atleast_2d(observables).to(self.log_mixture)
        log_w = -energy.to(self.log_mixture) - self.log_mixture
        w = (log_w - log_w.logsumexp(dim=0)).exp()
        mean = values @ w
        # Columns A w / <A> [Shirts & Chodera 2008, eq. 13], times <A>: then <A> may be 0.
        extra = torch.cat([(values * w), w[None]])
        theta = asymptotic(self.log_weights.exp(), extra, self.counts) * self.inefficiency
        a, one = theta[:-1, :-1], theta[-1, -1]
        cross = theta[:-1, -1]
        covariance = a - mean[:, None] * cross[None, :] - cross[:, None] * mean[None, :]
        covariance = covariance + mean[:, None] * mean[None, :] * one
        return Average(mean, covariance, float(1.0 / w.square().sum()))

    def free_energy(self, energy: Tensor) -> tuple[float, float]:
        """Reduced free energy of the state of reduced energies u(x_n) [sample], relative to the first; its error."""
        log_w = -energy.to(self.log_mixture) - self.log_mixture
        found = -log_w.logsumexp(dim=0)
        extra = (log_w + found).exp()[None]
        theta = asymptotic(self.log_weights.exp(), torch.cat([extra, self.log_weights[:1].exp()]), self.counts)
        variance = theta[0, 0] + theta[1, 1] - 2.0 * theta[0, 1]
        return float(found), float((self.inefficiency * variance.clamp(min=0.0)).sqrt())


def mbar(
    energies: Tensor, counts: Sequence[int] | Tensor, *, inefficiency: float = 1.0, tolerance: float = 1e-10
) -> MBAR:
    """Free energies of states from the reduced energies u_k(x_n) of all samples in all states [state, sample].

    Samples stand state by state, counts [state] of each; a state may have none. The fixed point

        f_k = -ln sum_n exp(-u_k(x_n)) / sum_j N_j exp(f_j - u_j(x_n))

    is sought by iteration, then by Newton's method on the convex function whose gradient it is the zero of. tolerance:
    of that gradient, as a share of the samples. Error bars are those of independent samples, see `inefficiency`.
    """
    u = energies.detach().double()
    number = torch.as_tensor(counts, dtype=torch.float64, device=u.device)
    if u.ndim != 2 or number.shape != u.shape[:1] or int(number.sum()) != u.shape[1]:
        raise EngineError(
            f"mbar got energies of shape {tuple(u.shape)} and counts {number.int().tolist()}; it takes [state, "
            "sample], and as many samples as the counts add up to."
        )
    if not bool(torch.isfinite(u).all()):
        k, n = (int(i) for i in (~torch.isfinite(u)).nonzero()[0])
        raise EngineError(f"The energy of sample {n} in state {k} is not finite; leave the sample out.")
    seen = number > 0
    f = solved(u[seen], number[seen], tolerance)
    log_mixture = torch.logsumexp(number[seen].log()[:, None] + f[:, None] - u[seen], dim=0)
    free = -torch.logsumexp(-u - log_mixture, dim=1)
    free, log_mixture = free - free[0], log_mixture - free[0]
    log_weights = free[:, None] - u - log_mixture
    weights = log_weights.exp()
    theta = asymptotic(weights, weights, number) * inefficiency
    return MBAR(free, theta, log_mixture, log_weights, number, float(inefficiency))


def solved(u: Tensor, number: Tensor, tolerance: float) -> Tensor:
    """f with f_0 = 0, of states that all have samples."""
    f, share = torch.zeros_like(number), number.log()[:, None]

    def mixture(f: Tensor) -> Tensor:
        return torch.logsumexp(share + f[:, None] - u, dim=0)

    for _ in range(FIXED_POINT):
        f = -torch.logsumexp(-u - mixture(f), dim=1)
        f = f - f[0]
    if len(f) == 1:
        return f
    total = number.sum()
    for _ in range(NEWTON):
        mixed = mixture(f)
        p = (share + f[:, None] - u - mixed).exp()  # of each sample to have come from each state
        gradient = (p.sum(dim=1) - number)[1:]
        if float(gradient.abs().max() / total) < tolerance:
            return f
        bend = (torch.diag(p.sum(dim=1)) - p @ p.T)[1:, 1:]
        bend = bend + 1e-12 * total * torch.eye(len(bend), dtype=u.dtype, device=u.device)
        way = torch.linalg.solve(bend, gradient)
        here, length = mixed.sum() - (number * f).sum(), 1.0
        while length > 1e-6:
            trial = f.clone()
            trial[1:] -= length * way
            if float(mixture(trial).sum() - (number * trial).sum()) <= float(here) + 1e-12 * abs(float(here)):
                break
            length *= 0.5
        f = trial
    raise EngineError(
        "The free energies did not converge: some states share hardly any samples with the others. Put states between."
    )


def asymptotic(weights: Tensor, columns: Tensor, number: Tensor) -> Tensor:
    """Covariance X^T (1 - W N W^T)^+ X of columns X [column, sample], weights W of states [state, sample].

    [Kong et al. 2003; Shirts & Chodera 2008, eq. D6]. The samples' matrix is never formed: within the span of W and X
    it acts as a small matrix, by an orthonormal basis of that span.
    """
    span = torch.cat([weights, columns])
    size = span.norm(dim=1).clamp(min=1e-300)
    unit = span / size[:, None]
    gram = unit @ unit.T
    values, vectors = torch.linalg.eigh(gram)
    kept = values > 1e-13 * values.max()
    basis = (vectors[:, kept] / values[kept].sqrt()).T  # rows: combinations of the unit rows that are orthonormal
    inner = (basis @ gram) * size
    w, x = inner[:, : len(weights)], inner[:, len(weights) :]
    core = torch.eye(len(basis), dtype=gram.dtype, device=gram.device) - (w * number) @ w.T
    return x.T @ torch.linalg.pinv(0.5 * (core + core.T), rtol=1e-10, hermitian=True) @ x
