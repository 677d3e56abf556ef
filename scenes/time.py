"""How long a scene runs and how its steps are chosen."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.model import Model

__all__ = ["Time"]


class Time(Model):
    """From 0 to `end`. One of three says how to step: a fixed dt; a fraction `cfl` of the stability bound (the default,
    0.4); or a relative error `tolerance` that an embedded method keeps to. Outputs begin after the warm-up.

    controller: how a tolerance chooses the next dt, by the errors of the last steps: "pi" and "pid" (quick to follow),
    "h211b" and "h312b" (digital filters, which pass little of the noise of the errors on to dt). steps: of the members
    of a batch; "each" chooses its own, or they are "shared" and all take the shortest that one of them needs.
    """

    end: Annotated[float, Field(gt=0)]  # [time]
    dt: Annotated[float, Field(gt=0)] | Literal["auto"] = "auto"  # [time]
    cfl: Annotated[float, Field(gt=0, le=1)] | None = None
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None
    controller: Literal["pi", "pid", "h211b", "h312b"] = "pi"
    steps: Literal["each", "shared"] = "each"
    warmup: Annotated[float, Field(ge=0)] = 0.0  # [time]

    @model_validator(mode="after")
    def one_rule_for_dt(self) -> Time:
        given = [f"dt={self.dt}"] if self.dt != "auto" else []
        given += [f"cfl={self.cfl}"] if self.cfl is not None else []
        given += [f"tolerance={self.tolerance}"] if self.tolerance is not None else []
        if len(given) > 1:
            raise ValueError(f"Time got {' and '.join(given)}; give one of them.")
        if self.controller != "pi" and self.tolerance is None:
            raise ValueError(
                f"Time got controller={self.controller!r} without a tolerance to hold; give tolerance=1e-5."
            )
        if self.warmup >= self.end:
            raise ValueError(
                f"Time got warmup={self.warmup} and end={self.end}; the warm-up must end before the run does."
            )
        return self
