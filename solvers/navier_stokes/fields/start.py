"""What a part of a scene starts from, for every member of a batch, as a function of params."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from scenegrad.engine.state import Params
from scenegrad.scenes.initial_fields import Magnitude
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.values import Parameter, number, vector
from scenegrad.solvers.navier_stokes.fields.forms import FORMS, Form
from scenegrad.solvers.navier_stokes.fields.places import Places

__all__ = ["Start", "is_number", "is_vector"]


def is_vector(told: Any) -> bool:
    """The same vector everywhere."""
    return isinstance(told, tuple) or (isinstance(told, Parameter) and isinstance(told.value, tuple))


def is_number(told: Any) -> bool:
    """The same number everywhere."""
    return isinstance(told, int | float) or getattr(told, "kind", "") in (
        "parameter", "uniform", "log_uniform", "normal", "choice",
    )  # fmt: skip


@dataclass(frozen=True)
class Start:
    """The field at one address of every scene: a number, a vector, or one of the forms of the table; None: zero."""

    address: str
    told: tuple[Any, ...]

    @staticmethod
    def of(scenes: Sequence[Scene], address: str) -> Start:
        return Start(address, tuple(scene.at(address) for scene in scenes))

    @property
    def form(self) -> Form | None:
        return FORMS.get(type(self.told[0]))

    @property
    def inner(self) -> Start:
        """The field whose magnitude this one is."""
        return Start(f"{self.address}.of", tuple(one.of for one in self.told))

    @property
    def learnable(self) -> list[str]:
        """Addresses of what it can be differentiated by."""
        told = self.told[0]
        if is_number(told) or is_vector(told):
            return [self.address]
        if isinstance(told, Magnitude):
            return self.inner.learnable
        return [] if self.form is None else [f"{self.address}.{name}" for name in self.form.numbers]

    def numbers(self, params: Params) -> dict[str, Tensor]:
        """By name [batch], vectors [batch, entry], float64 on the host: those in params, others as they are told."""
        assert self.form is not None
        found = {}
        for name in self.form.numbers:
            given = params.get(f"{self.address}.{name}")
            found[name] = self.plain(name) if given is None else given.double().cpu()
        return found

    def plain(self, name: str) -> Tensor:
        values = [getattr(one, name) for one in self.told]
        if is_vector(values[0]):
            return torch.stack([torch.from_numpy(vector(value)) for value in values])
        return torch.tensor([number(value) for value in values], dtype=torch.float64)

    def value(self, params: Params, places: Places, component: int | None = None) -> Tensor:
        """[batch, *shape] float64 on the host. component: which of several of a field of vectors."""
        told = self.told[0]
        if told is None or is_number(told):
            given = None if told is None else params.get(self.address)
            plain = torch.tensor([0.0 if one is None else number(one) for one in self.told], dtype=torch.float64)
            flat = plain if given is None else given.double().cpu()
            return flat.view(-1, *[1] * len(places.shape)).expand(-1, *places.shape)
        if isinstance(told, Magnitude):
            return self.inner.value(params, places, component).abs()
        assert self.form is not None
        assert self.form.value is not None
        return self.form.value(self.told, self.numbers(params), places, component)

    def flow(self, params: Params, places: Sequence[Places]) -> list[Tensor]:
        """Components of a velocity, each at its places [batch, *shape], float64 on the host."""
        told = self.told[0]
        if told is None or is_vector(told):
            return [
                self.uniform(params, len(places))[:, axis].view(-1, *[1] * len(there.shape)).expand(-1, *there.shape)
                for axis, there in enumerate(places)
            ]
        assert self.form is not None
        assert self.form.flow is not None
        return self.form.flow(self.told, self.numbers(params), places)

    def uniform(self, params: Params, dim: int) -> Tensor:
        """[batch, dim]"""
        if self.told[0] is None:
            return torch.zeros(len(self.told), dim, dtype=torch.float64)
        given = params.get(self.address)
        if given is not None:
            return given.double().cpu()
        return torch.stack([torch.from_numpy(vector(one)) for one in self.told])

    def whirl(self, params: Params, places: Places) -> Tensor:
        """A vorticity in the plane [batch, *shape], float64 on the host."""
        if self.told[0] is None:
            return torch.zeros(len(self.told), *places.shape, dtype=torch.float64)
        assert self.form is not None
        assert self.form.whirl is not None
        return self.form.whirl(self.told, self.numbers(params), places)

    def swirl(self, params: Params, places: Sequence[Places]) -> list[Tensor]:
        """Components of the velocity whose vorticity is told."""
        assert self.form is not None
        assert self.form.swirl is not None
        return self.form.swirl(self.told, self.numbers(params), places)
