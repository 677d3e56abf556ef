"""What to write down of atoms while they move, beside their positions and energies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from scenegrad.scenes.model import Model
from scenegrad.scenes.outputs import Output

__all__ = ["MSD", "DihedralAngles", "Stress", "StructureFactor", "VelocityCorrelation"]

Number = Annotated[int, Field(ge=0)]


class Lagged(Model):
    """What compares a frame with earlier ones: n every ago, n = 0 ... lags, and then, as often as `doublings` says,
    half as many lags again, each time twice as far apart: 16 and 10 doublings reach 16,384 frames back with 97 lags.

    Every frame is an origin of those after it; of lags further apart than frames are, as many frames as lie on their
    raster. Where a lag reaches back before the first frame, or off its raster, there is no number (nan).
    """

    lags: Annotated[int, Field(ge=1, le=10_000)] = 50
    doublings: Annotated[int, Field(ge=0, le=30)] = 0

    @model_validator(mode="after")
    def halves_are_whole(self) -> Lagged:
        if self.doublings and self.lags % 4:
            raise ValueError(
                f"{type(self).__name__} got lags={self.lags} with doublings={self.doublings}; of spacings that double, "
                f"lags is a multiple of 4. Take lags={4 * max(1, round(self.lags / 4))}."
            )
        return self


class MSD(Lagged, Output):
    """Mean square displacement by lag, |x(t) - x(t - lag)|^2; see Lagged. Of several species, that of each beside that
    of all."""

    kind: Literal["msd"] = "msd"


class VelocityCorrelation(Lagged, Output):
    """Autocorrelation of the velocity by lag, v(t) . v(t - lag), as a mean over atoms; its integral divided by the
    dimension is the diffusion constant. See Lagged. Of several species, that of each beside that of all."""

    kind: Literal["velocity_correlation"] = "velocity_correlation"


class Stress(Output):
    """Pressure tensor P_ab = (sum_i m v_a v_b + W_ab) / V [pressure], W the virial; a third of its trace in three
    dimensions, or half of it in two, is the pressure."""

    kind: Literal["stress"] = "stress"


class DihedralAngles(Output):
    """The angles by which four atoms each are twisted about the middle two, such as phi and psi of a peptide, by name;
    in radians, 0 where the ends are on one side, and positive clockwise.

    groups: the numbers of the atoms, counted through the whole scene, species after species.
    """

    kind: Literal["dihedral_angles"] = "dihedral_angles"
    groups: Annotated[dict[str, tuple[Number, Number, Number, Number]], Field(min_length=1)]

    @model_validator(mode="after")
    def atoms_are_four(self) -> DihedralAngles:
        for name, group in self.groups.items():
            if len(set(group)) < 4:
                raise ValueError(f"DihedralAngles got {name}={group}; it takes four different atoms.")
        return self


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
