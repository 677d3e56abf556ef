"""From the fields of a file to the one number per sample that becomes a colour."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scenegrad.scenes.errors import nearest
from scenegrad.view.errors import ViewError
from scenegrad.view.frames import Array, Field, Frames
from scenegrad.view.gradients import curl_of, q_of
from scenegrad.view.vtkhdf import GridFrames

__all__ = ["Quantity", "default_quantity", "flow_of", "labelled", "printed", "quantities", "quantity"]

AXES = "xyz"
PREFERRED = ("vorticity", "speed", "temperature", "density", "pressure")
TELLING = {"gas": "density", "shallow_water": "depth", "darcy": "pressure"}  # of media, by the kind of their entity
NOT_FOR_COLOUR = ("position", "id", "image", "mass", "covariance")
FLOWS = ("velocity", "flux", "momentum")  # vectors that lines follow
LENGTHS = {"velocity": "speed"}  # what the length of a vector is called
DETERMINANTS = {"deformation": "volume ratio"}
PRINTED = (("sigma", "σ"), ("epsilon", "ε"), ("tau", "τ"), ("k_B", "k"))
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Quantity:
    """A scalar made from a field: itself, the length of a vector or tensor, a determinant, one component, or what a
    formula makes of all values of a frame.

    positive: it cannot be negative, whatever the data. center: the number that nothing happens at.
    """

    name: str
    field: Field
    component: int | None = None
    positive: bool = False
    center: float = 0.0
    formula: Callable[[Frames, Array], Array] | None = None

    @property
    def title(self) -> str:
        """Name and unit, as it stands on a colour bar."""
        return labelled(self.name, self.unit)

    @property
    def unit(self) -> str:
        is_ratio = self.field.name in DETERMINANTS and self.component is None
        return "" if is_ratio or self.field.unit == "1" else self.field.unit

    def of(self, frames: Frames, index: int) -> Array:
        """The scalar of every sample of one frame [*samples]."""
        array = frames.values(self.field.name, index)
        if self.formula is not None:
            return self.formula(frames, array)
        if self.field.components == 1:
            return array
        if self.component is not None:
            return array[..., self.component]
        if self.field.name in DETERMINANTS:
            side = 2 if self.field.components == 4 else 3
            return np.linalg.det(array.reshape(*array.shape[:-1], side, side))
        return np.linalg.norm(array, axis=-1)


def labelled(name: str, unit: str, exponent: int = 0) -> str:
    """ "speed [10³ m/s]": name, power of ten and unit with the signs that print has for them."""
    power = "10" + str(exponent).translate(SUPERSCRIPT) if exponent else ""
    inside = " ".join(part for part in (power, printed(unit)) if part)
    name = name.replace("_", " ")
    return f"{name} [{inside}]" if inside else name


def printed(unit: str) -> str:
    """A unit as it is printed: σ for sigma, m² for m^2."""
    for written, sign in PRINTED:
        unit = unit.replace(written, sign)
    return re.sub(r"\^(-?\d+)", lambda power: power[1].translate(SUPERSCRIPT), unit)


def scalar(field: Field) -> Quantity:
    """What is shown of a field unless a component is asked for."""
    if field.components == 1:
        return Quantity(field.name, field)
    if field.name in DETERMINANTS:
        return Quantity(DETERMINANTS[field.name], field, center=1.0)
    return Quantity(LENGTHS.get(field.name, f"|{field.name}|"), field, positive=True)


def quantities(frames: Frames) -> dict[str, Quantity]:
    """Everything that can be asked for, by name: fields, their lengths ("speed") and components ("velocity_x")."""
    named: dict[str, Quantity] = {}
    for field in frames.fields().values():
        shown = scalar(field)
        named |= {field.name: shown, shown.name: shown}
        if field.components in (2, 3):
            named |= {
                f"{field.name}_{axis}": Quantity(f"{field.name}_{axis}", field, place)
                for place, axis in zip(range(min(field.components, frames.dim)), AXES, strict=False)
            }
    flow = {name: one for name, one in of_the_flow(frames).items() if name not in named}
    return named | flow | {one.name: one for one in flow.values()}


def of_the_flow(frames: Frames) -> dict[str, Quantity]:
    """What follows from the velocity on a grid: vorticity, and in space the criterion of vortices."""
    flow = frames.fields().get("velocity")
    if not isinstance(frames, GridFrames) or flow is None or not flow.components >= frames.dim > 1:
        return {}
    per_time = {"m/s": "1/s"}.get(flow.unit, "")
    rate, square = Field("velocity", flow.components, per_time), Field("velocity", flow.components, f"{per_time}^2")
    if frames.dim == 2:
        return {"vorticity": Quantity("vorticity", rate, formula=curl_of)}
    return {
        "vorticity": Quantity("|vorticity|", rate, positive=True, formula=curl_of),
        "q_criterion": Quantity("q_criterion", square if per_time else rate, formula=q_of),
    }


def flow_of(frames: Frames, name: str | None = None) -> Field | None:
    """The vector that lines follow: the one of that name, or the flow of the frames; None where there is none."""
    vectors = {key: field for key, field in frames.fields().items() if field.components in (2, 3)}
    vectors = {key: field for key, field in vectors.items() if field.components >= frames.dim > 1}
    if name is None:
        return next((vectors[key] for key in FLOWS if key in vectors), None)
    if name not in vectors:
        raise ViewError(
            f"{frames.path.name} has no vector {name!r} to follow; it has {', '.join(vectors) or 'none'}."
            f"{nearest(name, vectors)}"
        )
    return vectors[name]


def quantity(frames: Frames, name: str) -> Quantity:
    """The quantity of that name, or an error that lists what there is."""
    known = quantities(frames)
    if name not in known:
        raise ViewError(
            f"{frames.path.name} has no field {name!r}; it has {', '.join(known) or 'none'}.{nearest(name, known)}"
        )
    return known[name]


def default_quantity(frames: Frames) -> Quantity | None:
    """What tells most about the frames; None where they hold positions only.

    What the fluid of a scene carries comes first, then what is typical of its medium."""
    fields = {name: field for name, field in frames.fields().items() if name not in NOT_FOR_COLOUR}
    known = {name: one for name, one in quantities(frames).items() if one.formula is None}
    entities = frames.setting.table.get("entities") or {}
    carried = [name for name, part in entities.items() if part.get("kind") == "tracer"]
    media = [TELLING[part["kind"]] for part in entities.values() if part.get("kind") in TELLING]
    for name in (*carried, *media, *PREFERRED):
        if name in known:
            return known[name]
    plain = [field for field in fields.values() if not field.labels]
    return scalar(next(iter(plain or fields.values()))) if fields else None
