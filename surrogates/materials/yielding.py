"""Return maps: what is left of a trial deformation when the matter has flowed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scenegrad.surrogates.materials.polar import polar_rotation
from scenegrad.surrogates.materials.symmetric import exp_symmetric, log_symmetric

__all__ = ["VonMisesReturn"]


class VonMisesReturn(nn.Module):
    """Shear strain is kept below a limit: F = R S, e = ln S;  S' = exp(e_m I + k dev e),  k = min(1, limit / |dev e|).

    The radial return of von Mises plasticity in Hencky strain [Simo 1992, Comput. Methods Appl. Mech. Eng. 99], with
    limit = sqrt(2/3) yield stress / (2 mu), dimensionless, and without hardening; the volume stays. In two dimensions
    e is the strain in the plane alone. The limit learns, as its logarithm.
    """

    def __init__(self, limit: float):
        super().__init__()
        self.log_limit = nn.Parameter(torch.tensor(limit).log())

    def forward(self, F: Tensor) -> Tensor:
        R = polar_rotation(F)
        S = R.mT @ F
        strain = log_symmetric((S + S.mT) / 2)
        one = torch.eye(F.shape[-1], dtype=F.dtype, device=F.device)
        mean = strain.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * one
        shear = strain - mean
        limit = self.log_limit.exp()
        # the larger of both under the root: its adjoint is finite where there is no shear
        size = torch.maximum(shear.square().sum((-2, -1)), limit.square()).sqrt()
        return R @ exp_symmetric(mean + (limit / size)[..., None, None] * shear)
