"""Signed distance from places to shapes, differentiable where the numbers of a shape learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.shapes import Box, Difference, Intersection, Shape, Sphere, Union
from scenegrad.solvers.shared.edges import largest, snapped
from scenegrad.solvers.shared.regions import distance_to

__all__ = ["Distance"]

NUMBERS: dict[type[Shape], tuple[str, ...]] = {Sphere: ("center", "radius"), Box: ("center", "size")}


class Distance:
    """phi(params) [batch, place], negative inside: balls and boxes, alone or combined, by the numbers at their
    addresses; other shapes as they stand in the scene."""

    def __init__(self, scenes: Sequence[Scene], address: str, places: Tensor):
        self.address, self.places = address, places
        self.scale = float(places.abs().amax())  # of coordinates
        shapes: list[Shape] = [scene.at(address) for scene in scenes]
        self.shape = shapes[0]
        self.parts = [Distance(scenes, part, places) for part in self.inner()]
        self.fixed: Tensor | None = None
        if not self.parts and type(self.shape) not in NUMBERS:
            host = places.cpu().numpy()
            self.fixed = torch.stack([torch.from_numpy(distance_to(shape, host)) for shape in shapes]).to(places)

    def inner(self) -> Iterator[str]:
        if isinstance(self.shape, Union | Intersection):
            yield from (f"{self.address}.parts.{number}" for number in range(len(self.shape.parts)))
        elif isinstance(self.shape, Difference):
            yield from (f"{self.address}.whole", f"{self.address}.removed")

    def addresses(self) -> list[str]:
        """Of all numbers that may learn."""
        own = [f"{self.address}.{name}" for name in NUMBERS.get(type(self.shape), ())]
        return own + [address for part in self.parts for address in part.addresses()]

    def __call__(self, params: Params) -> Tensor:
        if self.fixed is not None:
            return self.fixed
        phis = [part(params) for part in self.parts]
        match self.shape:
            case Union():
                return torch.stack(phis).amin(0)
            case Intersection():
                return torch.stack(phis).amax(0)
            case Difference():
                return torch.maximum(phis[0], -phis[1])
            case _:
                return self.primitive(params)

    def primitive(self, params: Params) -> Tensor:
        center = params[f"{self.address}.center"].double()
        offset = self.places[None] - center[:, None]
        if isinstance(self.shape, Sphere):
            return offset.square().sum(-1).clamp(min=1e-300).sqrt() - params[f"{self.address}.radius"].double()[:, None]
        beyond = snapped(offset, self.scale).abs() - 0.5 * params[f"{self.address}.size"].double()[:, None]
        beyond = snapped(beyond, self.scale)
        outside = beyond.clamp(min=0.0).square().sum(-1)
        far = torch.where(outside > 0, outside.clamp(min=1e-300).sqrt(), 0.0)
        return far + largest(beyond, self.scale).clamp(max=0.0)
