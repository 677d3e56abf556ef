"""One piece of matter of each material, and the kernels of all laws on single particles."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import torch
import warp as wp
from torch import Tensor

import scenegrad.scenes as sc
from scenegrad.scenes.solids import Material
from scenegrad.solvers.mpm.materials import LAWS, Law
from scenegrad.solvers.mpm.materials.choice import any_deform, any_kirchhoff
from scenegrad.solvers.mpm.numbers import numbers

MATERIALS: dict[str, Material] = {
    "fixed_corotated": sc.FixedCorotated(youngs_modulus=3e4, poisson_ratio=0.3),
    "hencky": sc.StVenantKirchhoffHencky(youngs_modulus=3e4, poisson_ratio=0.3),
    "von_mises": sc.VonMises(youngs_modulus=3e4, poisson_ratio=0.3, yield_stress=900.0, hardening=2e3),
    "drucker_prager": sc.DruckerPrager(
        youngs_modulus=3e4, poisson_ratio=0.3, friction_angle=35.0, cohesion=200.0, lode_angle=-5.0
    ),
    "snow": sc.Snow(youngs_modulus=3e4, poisson_ratio=0.2, hardening=5.0, density=400.0),
    "cam_clay": sc.CamClay(
        youngs_modulus=3e4, poisson_ratio=0.3, critical_state_ratio=1.1, cohesion=0.2, preconsolidation=800.0,
        hardening=4.0,
    ),
    "newtonian": sc.Newtonian(bulk_modulus=3e4, viscosity=5.0, bulk_viscosity=2.0),
    "herschel_bulkley": sc.HerschelBulkley(
        bulk_modulus=3e4, shear_modulus=1e4, yield_stress=100.0, consistency=80.0, flow_index=0.6
    ),
    "bingham": sc.Bingham(bulk_modulus=3e4, shear_modulus=1e4, yield_stress=100.0, viscosity=10.0),
    "viscoelastic": sc.Viscoelastic(
        youngs_modulus=3e4, poisson_ratio=0.3, branch_modulus=2e4, relaxation_time=0.02
    ),
    "oldroyd_b": sc.OldroydB(bulk_modulus=3e4, viscosity=2.0, polymer_modulus=1e3, relaxation_time=0.03),
    "muscle": sc.Muscle(
        youngs_modulus=3e4, poisson_ratio=0.3, strength=1e4, activation=0.6, fibre_angle=25.0, fibre_elevation=15.0
    ),
}  # fmt: skip
ALL = tuple(LAWS.values())
WIDTH = max(law.width for law in ALL)


@cache
def kernels(dim: int, memory: int) -> tuple[Any, Any, Any]:
    n = numbers(dim, torch.float64, WIDTH, memory)
    deform, kirchhoff = any_deform(n, ALL), any_kirchhoff(n, ALL)
    mat, real, Row, History = n.mat, n.real, n.row, n.history

    @wp.kernel(module="unique", enable_backward=False)
    def kernel(
        kind: int,
        dt: real,
        row_in: wp.array[Row],
        F_in: wp.array[mat],
        C_in: wp.array[mat],
        h_in: wp.array[History],
        F_out: wp.array[mat],
        h_out: wp.array[History],
        tau_out: wp.array[mat],
    ):
        p = wp.tid()
        tau_out[p] = kirchhoff(kind, row_in[p], F_in[p], h_in[p], C_in[p])
        F, h = deform(kind, row_in[p], F_in[p], C_in[p], h_in[p], dt)
        F_out[p] = F
        h_out[p] = h

    wp.init()
    return kernel, n


@dataclass(frozen=True)
class Element:
    """Particles of one material that deform as they are told."""

    material: Material
    dim: int

    @property
    def law(self) -> Law:
        return LAWS[type(self.material)]

    @property
    def row(self) -> Tensor:
        values = {c: torch.tensor(float(getattr(self.material, c)), dtype=torch.float64) for c in self.law.constants}
        return torch.nn.functional.pad(row := self.law.row(**values), (0, WIDTH - row.shape[-1]))

    def start(self, count: int) -> tuple[Tensor, Tensor]:
        """F and history at rest."""
        h = self.law.start(self.row.expand(count, -1), self.law.memory(self.dim))
        return torch.eye(self.dim, dtype=torch.float64).repeat(count, 1, 1), self.padded(h)

    def padded(self, h: Tensor) -> Tensor:
        memory = max(law.memory(self.dim) for law in ALL)
        return torch.nn.functional.pad(h, (0, memory - h.shape[-1]))

    def launched(self, F: Tensor, h: Tensor, C: Tensor, dt: float) -> tuple[Tensor, Tensor, Tensor]:
        """F and h a time dt later, and tau of before."""
        kernel, n = kernels(self.dim, max(law.memory(self.dim) for law in ALL))
        outs = torch.zeros_like(F), torch.zeros_like(h), torch.zeros_like(F)
        row = self.row.expand(len(F), -1).contiguous()
        C = C.expand_as(F).contiguous()
        arrays = [
            wp.from_torch(t.contiguous(), dtype=kind)
            for t, kind in zip(
                (row, F, C, h, *outs), (n.row, n.mat, n.mat, n.history, n.mat, n.history, n.mat), strict=True
            )
        ]
        wp.launch(kernel, len(F), [ALL.index(self.law), dt, *arrays[:4]], arrays[4:], device="cpu")
        return outs

    def moved(self, F: Tensor, h: Tensor, C: Tensor, dt: float, steps: int = 1) -> tuple[Tensor, Tensor]:
        for _ in range(steps):
            F, h, _ = self.launched(F, h, C, dt)
        return F, h

    def stress(self, F: Tensor, h: Tensor, C: Tensor | None = None) -> Tensor:
        """tau, of kernels."""
        return self.launched(F, h, torch.zeros_like(F) if C is None else C, 0.0)[2]


@pytest.fixture
def element() -> type[Element]:
    return Element


@pytest.fixture(params=MATERIALS)
def material(request: pytest.FixtureRequest) -> Material:
    """Each material in turn."""
    return MATERIALS[request.param]


@pytest.fixture
def known() -> dict[str, Material]:
    return MATERIALS
