"""A launch whose arrays are found by name, forward or transposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol

import warp as wp

from scenegrad.solvers.mpm.threads import Threads

__all__ = ["Line", "Pass", "Process"]


class Process(Protocol):
    """Part of a step. `run_transposed` adds to the cotangents of what it read, from those of what it wrote."""

    def run(self, arrays: Mapping[str, Any]) -> None: ...

    def run_transposed(self, arrays: Mapping[str, Any], bars: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Pass:
    """One kernel over a [batch, count] of things. inputs, outputs: names of its arguments, in their order.

    `over` names the entry of the arrays that holds [batch, count]: "particles" or "nodes"."""

    kernel: Any
    over: str
    device: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    threads: Threads | None = None  # that share it, where it goes over particles

    def size(self, arrays: Mapping[str, Any]) -> tuple[int, ...]:
        """Of the launch."""
        return arrays[self.over]

    def run(self, arrays: Mapping[str, Any]) -> None:
        if self.threads is None or self.threads.count == 1:
            self.launch(arrays)
        else:
            self.threads.run(self, arrays)

    def recorded(self, arrays: Mapping[str, Any]) -> Any:
        """The same as an object with a `launch` of its own, which needs not look at the arrays again; they must live as
        long as it does."""
        inputs, outputs = [arrays[name] for name in self.inputs], [arrays[name] for name in self.outputs]
        return wp.launch(self.kernel, self.size(arrays), inputs, outputs, device=self.device, record_cmd=True)

    def run_transposed(self, arrays: Mapping[str, Any], bars: Mapping[str, Any]) -> None:
        """Adds the cotangents of the outputs, seen through the kernel, to those of the inputs; `bars` holds both by
        name. What has no entry there is not differentiated, except that structs need one."""
        if self.threads is None or self.threads.count == 1:
            self.launch_transposed(arrays, bars)
        else:
            self.threads.run_transposed(self, arrays, bars)

    def launch(self, arrays: Mapping[str, Any]) -> None:
        inputs, outputs = [arrays[name] for name in self.inputs], [arrays[name] for name in self.outputs]
        wp.launch(self.kernel, self.size(arrays), inputs, outputs, device=self.device)

    def renamed(self, names: Mapping[str, str]) -> Pass:
        """The same with other arrays in the place of some."""
        inputs, outputs = ([names.get(name, name) for name in group] for group in (self.inputs, self.outputs))
        return replace(self, over=names.get(self.over, self.over), inputs=tuple(inputs), outputs=tuple(outputs))

    def launch_transposed(self, arrays: Mapping[str, Any], bars: Mapping[str, Any]) -> None:
        wp.launch(
            self.kernel,
            self.size(arrays),
            [arrays[name] for name in self.inputs],
            [arrays[name] for name in self.outputs],
            adj_inputs=[bars.get(name) for name in self.inputs],
            adj_outputs=[bars.get(name) for name in self.outputs],
            adjoint=True,
            device=self.device,
        )


@dataclass(frozen=True)
class Line(Pass):
    """A pass whose kernel finds its things in one line of them all, see lines.py: wp.tid() is one number there."""

    def size(self, arrays: Mapping[str, Any]) -> tuple[int, ...]:
        return (prod(arrays[self.over]),)
