"""A launch over the cells or faces of a box, whose arguments are found by name, forward or transposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import warp as wp

from scenegrad.solvers.navier_stokes.finite_volume.slabs import shared, slabs

__all__ = ["Pass"]


@dataclass(frozen=True)
class Pass:
    """One kernel over [batch, *over]. inputs, outputs: names of its arguments, in their order; `first`, the layer along
    x with which a launch begins, is one of them."""

    kernel: Any
    over: tuple[int, int, int]
    device: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    back: Any = None  # a kernel that takes inputs, and cotangents of outputs and of `felt`; without one Warp makes it
    felt: tuple[str, ...] = ()  # inputs that `back` adds cotangents to

    def run(self, arrays: Mapping[str, Any]) -> None:
        def launch(first: int, end: int) -> None:
            wp.launch(
                self.kernel,
                (arrays["batch"], end - first, *self.over[1:]),
                [first if name == "first" else arrays[name] for name in self.inputs],
                [arrays[name] for name in self.outputs],
                device=self.device,
            )

        shared(launch, self.over[0], slabs(self.over, self.device), apart=False, what=self.kernel)

    def run_transposed(self, arrays: Mapping[str, Any], bars: Mapping[str, Any]) -> None:
        """Adds the cotangents of the outputs, seen through the kernel, to those of the inputs; `bars` holds both by
        name. What has no entry there is not differentiated."""

        def by_hand(first: int, end: int) -> None:
            wp.launch(
                self.back,
                (arrays["batch"], end - first, *self.over[1:]),
                [first if name == "first" else arrays[name] for name in self.inputs],
                [bars.get(name) for name in (*self.outputs, *self.felt)],
                device=self.device,
            )

        def launch(first: int, end: int) -> None:
            wp.launch(
                self.kernel,
                (arrays["batch"], end - first, *self.over[1:]),
                [first if name == "first" else arrays[name] for name in self.inputs],
                [arrays[name] for name in self.outputs],
                adj_inputs=[bars.get(name) for name in self.inputs],
                adj_outputs=[bars.get(name) for name in self.outputs],
                adjoint=True,
                device=self.device,
            )

        run = launch if self.back is None else by_hand
        shared(run, self.over[0], slabs(self.over, self.device), apart=True, what=(self.kernel, "transposed"))
