"""Couplings by splines: some coordinates stand still and tell how the others are bent."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from scenegrad.engine.errors import EngineError
from scenegrad.surrogates.boltzmann.bases import Coordinates
from scenegrad.surrogates.boltzmann.normalizing_flow import Affine, NormalizingFlow
from scenegrad.surrogates.boltzmann.splines import Spline, circle_spline, line_spline, wrapped

__all__ = ["SplineCoupling", "spline_flow"]


class SplineCoupling(nn.Module):
    """y = x where `kept`, and elsewhere a spline whose knots a network makes of what is kept [Durkan et al. 2019].

    Angles enter the network as cosine and sine; an angle that is bent is turned as well, for a spline alone has a place
    that never moves [Rezende et al. 2020]. It begins as the identity. Splines of numbers end at +-bound, beyond which
    nothing changes.
    """

    def __init__(self, kept: tuple[bool, ...], circles: tuple[bool, ...], bins: int, width: int, bound: float):
        super().__init__()
        self.bins, self.bound = bins, bound
        for name, chosen in {
            "told_lines": [k and not c for k, c in zip(kept, circles, strict=True)],
            "told_circles": [k and c for k, c in zip(kept, circles, strict=True)],
            "lines": [not (k or c) for k, c in zip(kept, circles, strict=True)],
            "circles": [c and not k for k, c in zip(kept, circles, strict=True)],
        }.items():
            self.register_buffer(name, torch.tensor(chosen).nonzero().flatten(), persistent=False)
        self.told_lines: Tensor
        self.told_circles: Tensor
        self.lines: Tensor
        self.circles: Tensor
        told = len(self.told_lines) + 2 * len(self.told_circles)
        asked = len(self.lines) * (3 * bins - 1) + len(self.circles) * (3 * bins + 1)
        last = nn.Linear(width, asked)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.network = nn.Sequential(nn.Linear(told, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), last)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        line, circle, turn = self.bent(x)
        y_line, line_det = line.forward(x[:, self.lines])
        y_circle, circle_det = circle.forward(wrapped(x[:, self.circles]))
        return self.put(x, y_line, wrapped(y_circle + turn)), line_det.sum(dim=1) + circle_det.sum(dim=1)

    def inverse(self, y: Tensor) -> tuple[Tensor, Tensor]:
        line, circle, turn = self.bent(y)
        x_line, line_det = line.inverse(y[:, self.lines])
        x_circle, circle_det = circle.inverse(wrapped(y[:, self.circles] - turn))
        return self.put(y, x_line, x_circle), line_det.sum(dim=1) + circle_det.sum(dim=1)

    def bent(self, x: Tensor) -> tuple[Spline, Spline, Tensor]:
        """Splines of lines and circles, and the angles by which circles turn, all told by what stands still."""
        angles = x[:, self.told_circles]
        raw = self.network(torch.cat([x[:, self.told_lines], angles.cos(), angles.sin()], dim=1))
        split = len(self.lines) * (3 * self.bins - 1)
        lines = raw[:, :split].view(len(x), len(self.lines), 3 * self.bins - 1)
        circles = raw[:, split:].view(len(x), len(self.circles), 3 * self.bins + 1)
        return line_spline(lines, self.bound), circle_spline(circles[..., 1:]), circles[..., 0]

    def put(self, x: Tensor, lines: Tensor, circles: Tensor) -> Tensor:
        return x.index_copy(1, self.lines, lines).index_copy(1, self.circles, circles)


def spline_flow(
    circles: tuple[bool, ...], *, couplings: int = 6, bins: int = 8, width: int = 64, bound: float = 5.0
) -> NormalizingFlow:
    """A flow of coordinates [batch, coordinate], of which `circles` says which are angles: (False, False) is the plane,
    (True, True) the torus of two dihedral angles.

    Couplings keep the even and the odd coordinates, then the even and the odd pairs, and so on, so that each hears of
    each; scale and shift of what is no angle come last.
    """
    dim = len(circles)
    if dim < 2:
        raise EngineError(
            f"spline_flow got {dim} coordinates; couplings need at least two, such as circles=(False, False)."
        )
    if couplings < 2 or bins < 1:
        raise EngineError(
            f"spline_flow got couplings={couplings}, bins={bins}; it takes at least two couplings, that every "
            f"coordinate is moved, and one bin."
        )
    digits = math.ceil(math.log2(dim))
    layers = [
        SplineCoupling(
            tuple(bool((i >> (n // 2) % digits) & 1) == bool(n % 2) for i in range(dim)), circles, bins, width, bound
        )
        for n in range(couplings)
    ]
    return NormalizingFlow(Coordinates(circles), *layers, Affine(circles))
