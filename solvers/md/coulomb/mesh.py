"""The far part of Ewald's sum on a mesh: smooth particle-mesh Ewald [Essmann et al. 1995, J. Chem. Phys. 103, 8577].

With Q the charges spread to the mesh, the energy is U = 1/2 sum_m G(m) |Q^(m)|^2 and the potential phi = G * Q,

    G(m) = exp(-pi^2 m^2 / alpha^2) / (pi V m^2) |b_1 b_2 b_3|^2,    m in 1/length.

m = n M^-T with whole numbers n and the edges as rows of M. In a triclinic box splines are products along the edges: all
that meets the mesh does so at the places x A, A = M^-1 diag(edges), which an upright box would have for it, and what is
read there turns back by A. Under a strain the mesh moves with the atoms and only G changes, so the virial is a sum of
the same form, and so is every sum of energy and virial: its derivatives are those of the energy, with another G.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import warp as wp
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.solvers.md.box import Box
from scenegrad.solvers.md.coulomb.charges import Charges
from scenegrad.solvers.md.coulomb.splines import MeshLaw, moduli, read, spread
from scenegrad.solvers.md.numbers import launch, numbers, view
from scenegrad.solvers.md.speeds import Speed
from scenegrad.solvers.shared.unchanged import Fingerprint

__all__ = ["ChargeMesh", "Mesh"]


@dataclass(frozen=True)
class Mesh:
    """points along each edge, order of the splines; alpha: float64 [batch]."""

    points: tuple[int, int, int]
    order: int
    alpha: Tensor


class ChargeMesh:
    """Energy of charges in the smooth field of all of them, less that in their own; see `Term`."""

    speed = Speed.WAVES

    def __init__(self, mesh: Mesh, charges: Charges, dtype: torch.dtype):
        self.mesh, self.charges, self.dtype = mesh, charges, dtype
        self.addresses = charges.addresses
        self.law, self.numbers = MeshLaw(mesh.order, dtype), numbers(3, dtype)
        device, points = mesh.alpha.device, mesh.points
        squares = [moduli(n, mesh.order).to(device) for n in points]
        half = points[2] // 2 + 1
        self.moduli = squares[0][:, None, None] * squares[1][:, None] * squares[2][:half]
        waves = [torch.fft.fftfreq(n, 1.0 / n, dtype=torch.float64, device=device) for n in points]
        self.waves = torch.stack(torch.meshgrid(waves[0], waves[1], waves[2][:half].abs(), indexing="ij"), dim=-1)
        once = torch.zeros(half, dtype=torch.bool, device=device)
        once[0] = True
        once[half - 1] = points[2] % 2 == 0
        self.twice = torch.where(once, 1.0, 2.0).double()  # of the half of the waves that a real transform leaves out
        self.made_of, self.known = Fingerprint(()), self.twice  # edges, and G for them

    def influence(self, box: Box) -> Tensor:
        """G [batch, *waves], float64; the constant wave is left out, as charges add up to nothing."""
        cell = [box.edges] if box.lean is None else [box.edges, box.lean]
        if not self.made_of.fits(cell):
            m2, decay = self.squares(box)
            self.known = self.moduli * decay / (math.pi * box.volume.view(-1, 1, 1, 1) * m2)
            self.known[:, 0, 0, 0] = 0.0
            self.made_of = Fingerprint(cell)
        return self.known

    def squares(self, box: Box) -> tuple[Tensor, Tensor]:
        """m^2 and exp(-pi^2 m^2 / alpha^2) [batch, *waves]"""
        m2 = self.vectors(box).square().sum(-1)
        m2[:, 0, 0, 0] = 1.0
        return m2, torch.exp(-((math.pi / self.mesh.alpha.view(-1, 1, 1, 1)) ** 2) * m2)

    def vectors(self, box: Box) -> Tensor:
        """m [batch, *waves, 3]"""
        if box.lean is None:
            return self.waves / box.edges.view(-1, 1, 1, 1, 3)
        whole = self.waves.flatten(0, 2).expand(len(box.edges), -1, -1)
        return along(whole, torch.linalg.inv(box.matrix).transpose(1, 2)).unflatten(1, self.waves.shape[:3])

    def upright(self, box: Box) -> Tensor | None:
        """A [batch, 3, 3]; None where the box has right angles."""
        if box.lean is None:
            return None
        return (torch.linalg.inv(box.matrix) * box.finite[:, None]).to(self.dtype)

    def spread(self, x: Tensor, box: Box, q: Tensor, w: Tensor | None = None) -> Tensor:
        """Q^, the transform of charges, or of dipoles q w, on the mesh [batch, *waves]."""
        n = self.numbers
        if (turn := self.upright(box)) is not None:
            x, w = along(x, turn), None if w is None else along(w, turn)
        mesh = torch.zeros(len(x), *self.mesh.points, dtype=self.dtype, device=x.device)
        inputs = [view(box.lengths(self.dtype), n.vec), view(q, n.real), view(x, n.vec)]
        inputs += [view(x if w is None else w, n.vec), view(mesh, n.real)]
        launch(spread(self.law, w is not None), x.shape[:2], inputs, str(x.device))
        return by_member(lambda one: torch.fft.rfftn(one, dim=(1, 2, 3)), mesh)

    def read(self, x: Tensor, box: Box, waves: Tensor, bends: bool = False) -> Tensor:
        """phi, its gradient and perhaps its second derivatives where atoms are [batch, atom, 4 or 10]."""
        n, turn = self.numbers, self.upright(box)
        if turn is not None:
            x = along(x, turn)
        points = self.mesh.points
        mesh = by_member(lambda one: torch.fft.irfftn(one, s=points, dim=(1, 2, 3), norm="forward"), waves)
        found = torch.empty(*x.shape[:2], 10 if bends else 4, dtype=self.dtype, device=x.device)
        row = wp.types.vector(found.shape[2], n.real)
        inputs = [view(box.lengths(self.dtype), n.vec), view(x, n.vec), view(mesh, n.real), view(found, row)]
        launch(read(self.law, bends), x.shape[:2], inputs, str(x.device))
        return found if turn is None else turned(found, turn)

    def add_force(self, x: Tensor, box: Box, params: Params, force: Tensor) -> None:
        q = self.charges(params)
        phi = self.read(x, box, self.influence(box).to(self.dtype) * self.spread(x, box, q))
        force.sub_(q[..., None] * phi[..., 1:4])

    def add_product(self, x: Tensor, box: Box, params: Params, w: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        """Of L = sum_i w_i.F_i, with psi the potential of the dipoles q w:

        dL/dx_i = -q_i (w_i.grad grad phi + grad psi),    dL/dq_i = -(w_i.grad phi + psi).
        """
        q, g = self.charges(params), self.influence(box).to(self.dtype)
        phi = self.read(x, box, g * self.spread(x, box, q), bends=True)
        psi = self.read(x, box, g * self.spread(x, box, q, w))
        wx, wy, wz = w.unbind(dim=2)
        xx, yy, zz, yz, xz, xy = phi[..., 4:].unbind(dim=2)
        bent = torch.stack([wx * xx + wy * xy + wz * xz, wx * xy + wy * yy + wz * yz, wx * xz + wy * yz + wz * zz], -1)
        x_bar.sub_(q[..., None] * (bent + psi[..., 1:]))
        return self.charges.parts(-((w * phi[..., 1:4]).sum(-1) + psi[..., 0]), params)

    def sums(self, x: Tensor, box: Box, params: Params) -> Tensor:
        q = self.charges(params)
        waves = self.spread(x, box, q)
        power = self.twice * (waves.real.double().square() + waves.imag.double().square()) * 0.5 * self.influence(box)
        m = self.vectors(box)
        stretched = (power * self.stretch(box))[..., None] * m
        energy = power.sum(dim=(1, 2, 3))
        m, stretched = m.flatten(1, 3), stretched.flatten(1, 3)
        isotropic = energy.view(-1, 1, 1) * torch.eye(3, dtype=torch.float64, device=x.device)
        virial = isotropic - stretched.transpose(1, 2) @ m
        own = self.mesh.alpha / math.sqrt(math.pi) * q.double().square().sum(dim=1)
        return torch.cat([(energy - own)[:, None], virial.flatten(1)], dim=1)

    def add_sums_adjoint(self, x: Tensor, box: Box, params: Params, bar: Tensor, x_bar: Tensor) -> dict[str, Tensor]:
        q, bar = self.charges(params), bar.double()
        m = self.vectors(box)
        w_bar = bar[:, 1:].view(-1, 1, 1, 1, 3, 3)
        trace = bar[:, 1::4].sum(dim=1).view(-1, 1, 1, 1)
        along = (m[..., None, :] @ w_bar @ m[..., None])[..., 0, 0]
        g = self.influence(box) * (bar[:, 0].view(-1, 1, 1, 1) + trace - self.stretch(box) * along)
        phi = self.read(x, box, g.to(self.dtype) * self.spread(x, box, q))
        x_bar.add_(q[..., None] * phi[..., 1:4])
        own = 2.0 / math.sqrt(math.pi) * (self.mesh.alpha * bar[:, 0]).to(q)[:, None] * q
        return self.charges.parts(phi[..., 0] - own, params)

    def stretch(self, box: Box) -> Tensor:
        """2 (1/m^2 + pi^2 / alpha^2): -d ln G / d(m_a m_b), without that of the volume."""
        return 2.0 * (1.0 / self.squares(box)[0] + (math.pi / self.mesh.alpha.view(-1, 1, 1, 1)) ** 2)

    def highest_frequency(self, x: Tensor, box: Box, params: Params, mass: Tensor, height: Tensor) -> Tensor:
        """No wave of a smooth field is faster than the plasma: omega^2 = 4 pi/V sum_i q_i^2/m_i."""
        q = self.charges(params).double()
        return 4.0 * math.pi / box.volume * (q.square() / mass.double()).sum(dim=1)


def turned(found: Tensor, turn: Tensor) -> Tensor:
    """Gradient and second derivatives of upright places as those of x: grad A^T, and A H A^T."""
    slope = along(found[..., 1:4], turn.transpose(1, 2))
    if found.shape[2] == 4:
        return torch.cat([found[..., :1], slope], dim=2)
    xx, yy, zz, yz, xz, xy = found[..., 4:].unbind(dim=2)
    rows = [torch.stack(row, dim=2) for row in ((xx, xy, xz), (xy, yy, yz), (xz, yz, zz))]
    once = [along(row, turn.transpose(1, 2)) for row in rows]  # H A^T, row by row
    columns = [along(torch.stack([row[..., b] for row in once], dim=2), turn.transpose(1, 2)) for b in range(3)]
    six = [columns[b][..., a] for a, b in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))]
    return torch.cat([found[..., :1], slope, torch.stack(six, dim=2)], dim=2)


def by_member(transform: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """The transform of each member; on a CPU one by one, where torch rounds several at once otherwise than one."""
    return torch.cat([transform(one) for one in batch.split(1)]) if batch.device.type == "cpu" else transform(batch)


def along(rows: Tensor, matrix: Tensor) -> Tensor:
    """rows [batch, row, 3] times matrices [batch, 3, 3]; term by term, so that a member owes nothing to the batch."""
    terms = [rows[..., k, None] * matrix[:, None, k] for k in range(3)]
    return terms[0] + terms[1] + terms[2]
