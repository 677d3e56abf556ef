"""What to write down of atoms while they move, beside their positions and energies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.outputs import Output

__all__ = ["MSD", "Stress", "StructureFactor", "VelocityCorrelation"]

Lags = Annotated[int, Field(ge=1, le=10_000)]


class MSD(Output):
    """Mean square displacement since each of the last `lags` frames: |x(t) - x(t - n every)|^2, n = 0 ... lags.

    Every frame is an origin of those after it. Displacements that reach back before the first frame are not a number.
    Of several species, that of each beside that of all.
    """

    kind: Literal["msd"] = "msd"
    lags: Lags = 50


class VelocityCorrelation(Output):
    """Autocorrelation of the velocity with each of the last `lags` frames: v(t) . v(t - n every), n = 0 ... lags, as
    a mean over atoms; its integral divided by the dimension is the diffusion constant. See MSD."""

    kind: Literal["velocity_correlation"] = "velocity_correlation"
    lags: Lags = 50


class Stress(Output):
    """Pressure tensor P_ab = (sum_i m v_a v_b + W_ab) / V [pressure], W the virial; a third of its trace in three
    dimensions, or half of it in two, is the pressure."""

    kind: Literal["stress"] = "stress"


class StructureFactor(Output):
    """S(q) = |sum_j exp(-i q . x_j)|^2 / N, averaged over the wave vectors of the box in shells of equal width.

    q_max: of the largest shell. vectors: how many of a shell are taken at most. of: two species, of which then
    S_ab(q) = Re[rho_a(q) rho_b(-q)] / sqrt(N_a N_b) is written; without it, all atoms are alike.
    """

    kind: Literal["structure_factor"] = "structure_factor"
    q_max: Annotated[float, Field(gt=0)]  # [1/length]
    shells: Annotated[int, Field(ge=1, le=1000)] = 60
    vectors: Annotated[int, Field(ge=1)] = 40
    of: tuple[str, str] | None = None

    @model_validator(mode="after")
    def is_not_too_fine(self) -> StructureFactor:
        if self.shells * self.vectors > 200_000:
            raise ValueError(
                f"StructureFactor got {self.shells} shells of up to {self.vectors} vectors; take at most 200000 in all."
            )
        return self
