"""Cost of each law of the material point method: nanoseconds a particle, stress and return map, forward and adjoint.

    python benchmarks/mpm_laws.py [--dim 3] [--particles 20000] [--dtype float32]

One thread of a CPU. Kernels hold the law alone, without transfers. Every second particle moves so fast that it yields,
where there is something to yield. The median of several runs, in time of the processor.
"""

import argparse
from statistics import median
from time import thread_time
from typing import Any

import torch
import warp as wp

import scenegrad.scenes as sc
from scenegrad.scenes.solids import Material
from scenegrad.solvers.mpm.materials import LAWS, Law
from scenegrad.solvers.mpm.numbers import Numbers, numbers

MATERIALS: tuple[Material, ...] = (
    sc.NeoHookean(youngs_modulus=3e4),
    sc.FixedCorotated(youngs_modulus=3e4),
    sc.StVenantKirchhoffHencky(youngs_modulus=3e4),
    sc.VonMises(youngs_modulus=3e4, yield_stress=900.0, hardening=2e3),
    sc.DruckerPrager(youngs_modulus=3e4),
    sc.Snow(youngs_modulus=3e4),
    sc.CamClay(youngs_modulus=3e4, preconsolidation=800.0, cohesion=0.2),
    sc.WeaklyCompressible(bulk_modulus=3e4, viscosity=1.0),
    sc.Newtonian(bulk_modulus=3e4, viscosity=1.0),
    sc.HerschelBulkley(bulk_modulus=3e4, shear_modulus=1e4, yield_stress=300.0, consistency=20.0),
    sc.Bingham(bulk_modulus=3e4, shear_modulus=1e4, yield_stress=300.0, viscosity=10.0),
    sc.Viscoelastic(youngs_modulus=3e4, branch_modulus=2e4, relaxation_time=0.02),
    sc.OldroydB(bulk_modulus=3e4, viscosity=2.0, polymer_modulus=1e3, relaxation_time=0.03),
    sc.Muscle(youngs_modulus=3e4, strength=1e4, activation=0.6, fibre_angle=25.0),
)


def kernel_of(n: Numbers, law: Law) -> Any:
    tau, deform = law.kirchhoff(n), law.deform(n)
    mat, real, Row, History = n.mat, n.real, n.row, n.history

    @wp.kernel(module="unique")
    def kernel(
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
        tau_out[p] = tau(row_in[p], F_in[p], h_in[p], C_in[p])
        F, h = deform(row_in[p], F_in[p], C_in[p], h_in[p], dt)
        F_out[p] = F
        h_out[p] = h

    return kernel


def times(material: Material, dim: int, dtype: torch.dtype, particles: int, runs: int = 9) -> tuple[float, float]:
    """Forward and adjoint [ns]."""
    law = LAWS[type(material)]
    memory = law.memory(dim)
    n = numbers(dim, dtype, law.width, memory)
    constants = {c: torch.tensor(float(getattr(material, c)), dtype=torch.float64) for c in law.constants}
    row = law.row(**constants).to(dtype).repeat(particles, 1)
    noise = torch.randn(2, particles, dim, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise[:, ::2] *= 0.1
    F = (torch.eye(dim, dtype=torch.float64) + 0.01 * noise[0]).to(dtype)
    h = torch.nn.functional.pad(law.start(row, memory), (0, max(memory, 1) - memory))
    tensors = (row, F, 20 * noise[1].to(dtype), h, torch.zeros_like(F), torch.zeros_like(h), torch.zeros_like(F))
    kinds = (n.row, n.mat, n.mat, n.history, n.mat, n.history, n.mat)
    arrays = [wp.from_torch(t.contiguous(), dtype=k) for t, k in zip(tensors, kinds, strict=True)]
    bars = [wp.from_torch(torch.ones_like(t).contiguous(), dtype=k) for t, k in zip(tensors, kinds, strict=True)]
    kernel, found = kernel_of(n, law), []
    for options in ({}, {"adjoint": True, "adj_inputs": [0.0, *bars[:4]], "adj_outputs": bars[4:]}):
        seconds = []
        for _ in range(runs + 1):
            before = thread_time()
            wp.launch(kernel, particles, [1e-3, *arrays[:4]], arrays[4:], device="cpu", **options)
            seconds.append(thread_time() - before)
        found.append(median(seconds[1:]) / particles * 1e9)
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--dim", type=int, default=3)
    parser.add_argument("--particles", type=int, default=20000)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    chosen = parser.parse_args()
    wp.config.quiet = True
    wp.init()
    print(f"{'law':<28}{'forward [ns]':>14}{'adjoint [ns]':>14}")
    for material in MATERIALS:
        forward, adjoint = times(material, chosen.dim, getattr(torch, chosen.dtype), chosen.particles)
        print(f"{material.kind:<28}{forward:>14.0f}{adjoint:>14.0f}")


if __name__ == "__main__":
    main()
