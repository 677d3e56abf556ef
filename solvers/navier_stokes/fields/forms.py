"""What each kind of initial field is, at any places, as a differentiable function of its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from scenegrad.scenes.initial_fields import Conduction, FieldFile, PlaneWave, Spots, TaylorGreen, Waves
from scenegrad.scenes.model import Model
from scenegrad.scenes.values import GaussianField, MaternField, NoiseField
from scenegrad.solvers.navier_stokes.fields.files import modes_of_file, samples, shown
from scenegrad.solvers.navier_stokes.fields.places import GridPlaces, Places
from scenegrad.solvers.navier_stokes.fields.waves import longest_waves, seed_of, solenoidal, waves_of

__all__ = ["FORMS", "Form", "Told"]

Told = Sequence[Any]  # the field of each member, all of one kind
Numbers = Mapping[str, Tensor]  # by name [batch], vectors [batch, entry], float64 on the host
Value = Callable[[Told, Numbers, Places, int | None], Tensor]  # which of several components, None: there is one
Flow = Callable[[Told, Numbers, Sequence[Places]], list[Tensor]]  # places: of each component


@dataclass(frozen=True)
class Form:
    """numbers: those that may learn. value: at places [batch, *shape]. flow: components of a velocity, each at its own
    places. whirl: the vorticity in the plane; swirl: the velocity of that vorticity."""

    numbers: tuple[str, ...]
    value: Value | None = None
    flow: Flow | None = None
    whirl: Callable[[Told, Numbers, Places], Tensor] | None = None
    swirl: Flow | None = None


def beside(number: Tensor, places: Places) -> Tensor:
    """[batch] -> [batch, 1, ...]"""
    return number.view(-1, *[1] * len(places.shape))


def spread(values: Tensor, batch: int, places: Places) -> Tensor:
    return values.expand(batch, *places.shape)


# ---- Taylor-Green vortices


def wavenumbers(told: TaylorGreen, size: Sequence[float]) -> list[float]:
    return [2 * math.pi * told.wavenumber / length for length in size]


def taylor_green_flow(told: Told, numbers: Numbers, places: Sequence[Places]) -> list[Tensor]:
    """(cos k_x x sin k_y y, -(k_x / k_y) sin k_x x cos k_y y) in two dimensions; in three (sin k_x x cos k_y y,
    -(k_x / k_y) cos k_x x sin k_y y, 0) cos k_z z."""
    found = []
    for component, there in enumerate(places):
        amplitude = beside(numbers["amplitude"], there)
        fields = [vortices(one, there, component) for one in told]
        found.append(amplitude * torch.stack([spread(one, 1, there)[0] for one in fields]))
    return found


def vortices(told: TaylorGreen, places: Places, component: int) -> Tensor:
    k = wavenumbers(told, places.size)
    turn = [k_i * x for k_i, x in zip(k, places.coordinates(), strict=True)]
    c, s = [x.cos() for x in turn], [x.sin() for x in turn]
    if len(k) == 2:
        return c[0] * s[1] if component == 0 else -k[0] / k[1] * s[0] * c[1]
    if component == 2:
        return torch.zeros(places.shape, dtype=torch.float64)
    return (s[0] * c[1] if component == 0 else -k[0] / k[1] * c[0] * s[1]) * c[2]


def taylor_green_whirl(told: Told, numbers: Numbers, places: Places) -> Tensor:
    """-(k_x^2 + k_y^2) / k_y cos(k_x x) cos(k_y y)"""
    fields = []
    for one in told:
        k_x, k_y = wavenumbers(one, places.size)
        x, y = places.coordinates()
        fields.append(spread(-(k_x**2 + k_y**2) / k_y * (k_x * x).cos() * (k_y * y).cos(), 1, places)[0])
    return beside(numbers["amplitude"], places) * torch.stack(fields)


# ---- scalars in closed form


def plane_wave(told: Told, numbers: Numbers, places: Places, component: int | None) -> Tensor:
    """amplitude cos(k.x + phase)"""
    angles = []
    for one in told:
        angle = torch.zeros(places.shape, dtype=torch.float64)
        for n, x, length in zip(one.waves, places.coordinates(), places.size, strict=True):
            angle = angle + 2 * math.pi * n / length * x
        angles.append(angle)
    return beside(numbers["amplitude"], places) * torch.cos(torch.stack(angles) + beside(numbers["phase"], places))


def spots(told: Told, numbers: Numbers, places: Places, component: int | None) -> Tensor:
    """height * the largest exp(-(distance / radius)^4), distances across the sides of the box too."""
    radius = beside(numbers["radius"], places)
    nearest = []
    for one in told:
        rng = np.random.default_rng(np.random.SeedSequence(seed_of(one)))
        least = torch.full(places.shape, torch.inf, dtype=torch.float64)
        for middle in rng.random((one.count, places.dim)) * places.size:
            squared = torch.zeros(places.shape, dtype=torch.float64)
            for x, at, length in zip(places.coordinates(), middle, places.size, strict=True):
                away = (x - at).abs()
                squared = squared + torch.minimum(away, length - away) ** 2
            least = torch.minimum(least, squared)
        nearest.append(least)
    return beside(numbers["height"], places) * torch.exp(-((torch.stack(nearest) / radius**2) ** 2))


def conduction(told: Told, numbers: Numbers, places: Places, component: int | None) -> Tensor:
    """lo + (hi - lo) s + disturbance sin(pi s) cos(2 pi waves r)"""
    straight, form = [], []
    for one in told:
        share = [x / length for x, length in zip(places.coordinates(), places.size, strict=True)]
        along, next_one = share[one.axis], share[(one.axis + 1) % places.dim]
        beats = torch.sin(math.pi * along) * torch.cos(2 * math.pi * one.waves * next_one)
        straight.append(spread(along, 1, places)[0])
        form.append(spread(beats, 1, places)[0])
    lo, hi, disturbance = (beside(numbers[name], places) for name in ("lo", "hi", "disturbance"))
    return lo + (hi - lo) * torch.stack(straight) + disturbance * torch.stack(form)


# ---- sums of waves


def amplitudes(numbers: Numbers, dim: int) -> tuple[np.ndarray, Tensor]:
    """Waves [mode, dim] and c [batch, mode], the sum of c exp(i k.x) + its conjugate being a cos(k.x) + b sin(k.x)."""
    told = numbers["coefficients"]
    return longest_waves(told.shape[1] // 2, dim), 0.5 * torch.complex(told[:, ::2], -told[:, 1::2])


def waves_value(told: Told, numbers: Numbers, places: Places, component: int | None) -> Tensor:
    return places.summed(*amplitudes(numbers, places.dim))


def waves_whirl(told: Told, numbers: Numbers, places: Places) -> Tensor:
    return waves_value(told, numbers, places, None)


def waves_swirl(told: Told, numbers: Numbers, places: Sequence[Places]) -> list[Tensor]:
    return swirled(*amplitudes(numbers, places[0].dim), places)


# ---- random fields


def random_value(told: Told, numbers: Numbers, places: Places, component: int | None) -> Tensor:
    n, c = waves_of(told, numbers, places.cells, places.size, () if component is None else (component,))
    return places.summed(n, c)


def random_flow(told: Told, numbers: Numbers, places: Sequence[Places]) -> list[Tensor]:
    n, c = waves_of(told, numbers, places[0].cells, places[0].size, None)
    return [there.summed(n, c[:, axis]) for axis, there in enumerate(places)]


def random_swirl(told: Told, numbers: Numbers, places: Sequence[Places]) -> list[Tensor]:
    n, c = waves_of(told, numbers, places[0].cells, places[0].size)
    return swirled(n, c, places)


def swirled(n: np.ndarray, c: Tensor, places: Sequence[Places]) -> list[Tensor]:
    """u = d psi/dy, v = -d psi/dx with -laplace psi = w."""
    k = 2 * math.pi * n / np.array(places[0].size)
    k2 = np.sum(k**2, axis=1)
    stream = c / torch.from_numpy(np.where(k2 > 0, k2, np.inf))
    turns = (1j * k[:, 1], -1j * k[:, 0])
    return [there.summed(n, stream * torch.from_numpy(turn)) for turn, there in zip(turns, places, strict=True)]


# ---- files


def file_value(told: Told, numbers: Numbers, places: Places, component: int | None) -> Tensor:
    count = 1 if component is None else places.dim
    return torch.stack([shown(samples(one, places.cells, count)[component or 0], places) for one in told])


def file_flow(told: Told, numbers: Numbers, places: Sequence[Places]) -> list[Tensor]:
    """In a periodic box less what a gradient adds: a step of a spectral solver neither needs it nor takes it out."""
    members = []
    for one in told:
        values = samples(one, places[0].cells, len(places))
        first = places[0]
        if isinstance(first, GridPlaces) and all(first.wraps):
            values = without_divergence(values, first.size)
        members.append([shown(values[axis], there) for axis, there in enumerate(places)])
    return [torch.stack(column) for column in zip(*members, strict=True)]


def without_divergence(values: np.ndarray, size: Sequence[float]) -> np.ndarray:
    dim, cells = len(size), values.shape[1:]
    n = np.stack(np.meshgrid(*(np.fft.fftfreq(count, 1.0 / count) for count in cells), indexing="ij"))
    waves = n.reshape(dim, -1).T
    spectrum = np.fft.fftn(values, axes=range(1, dim + 1)).reshape(dim, -1)
    whole = np.any(waves != 0.0, axis=1)
    free = solenoidal(torch.from_numpy(spectrum[:, whole]), waves[whole], tuple(size))
    spectrum[:, whole] = free.numpy()
    return np.fft.ifftn(spectrum.reshape(dim, *cells), axes=range(1, dim + 1)).real


def file_whirl(told: Told, numbers: Numbers, places: Places) -> Tensor:
    """A vorticity stands at the lower corners of the cells."""
    found = []
    for one in told:
        n, c = modes_of_file(one, places.cells)
        found.append(places.summed(n, c[None])[0])
    return torch.stack(found)


def file_swirl(told: Told, numbers: Numbers, places: Sequence[Places]) -> list[Tensor]:
    members = []
    for one in told:
        n, c = modes_of_file(one, places[0].cells)
        members.append([field[0] for field in swirled(n, c[None], places)])
    return [torch.stack(column) for column in zip(*members, strict=True)]


def whirling(told: Told, numbers: Numbers, places: Places) -> Tensor:
    return random_value(told, numbers, places, None)


def random_form(*numbers: str) -> Form:
    return Form(numbers, random_value, random_flow, whirling, random_swirl)


FORMS: dict[type[Model], Form] = {
    TaylorGreen: Form(("amplitude",), None, taylor_green_flow, taylor_green_whirl, taylor_green_flow),
    PlaneWave: Form(("amplitude", "phase"), plane_wave),
    Waves: Form(("coefficients",), waves_value, None, waves_whirl, waves_swirl),
    Spots: Form(("radius", "height"), spots),
    Conduction: Form(("lo", "hi", "disturbance"), conduction),
    GaussianField: random_form("peak", "width", "rms"),
    MaternField: random_form("alpha", "tau", "scale"),
    NoiseField: random_form("scale", "smoothness", "rms"),
    FieldFile: Form((), file_value, file_flow, file_whirl, file_swirl),
}
