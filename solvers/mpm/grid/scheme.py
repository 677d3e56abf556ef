"""How particles and nodes exchange their motion."""

from __future__ import annotations

from dataclasses import dataclass

from scenegrad.scenes.methods import APIC, FLIP, MaterialPoint

__all__ = ["AFFINE", "Scheme"]


@dataclass(frozen=True)
class Scheme:
    """B-splines of a degree, and what of the motion they carry.

    Left out, flip stands for affine transfers [Jiang et al. 2015]. Else it is the share of their own velocity that
    particles keep, the rest being the velocity of the nodes: v_p' = sum_i w_ip v_i' + flip (v_p - sum_i w_ip v_i)
    [Brackbill & Ruppel 1986; Stomakhin et al. 2013]; nothing is kept at 0 (PIC).
    """

    degree: int = 2
    flip: float | None = None

    @staticmethod
    def of(method: MaterialPoint) -> Scheme:
        degree = {"quadratic": 2, "cubic": 3}[method.spline]
        match method.transfer:
            case APIC():
                return Scheme(degree)
            case FLIP(blend=blend):
                return Scheme(degree, float(blend))
            case other:
                raise NotImplementedError(f"{type(other).__name__} transfers are not served.")

    @property
    def support(self) -> int:
        """Nodes along each axis that a particle sees."""
        return self.degree + 1

    @property
    def spread(self) -> float:
        """Second moment of the spline, sum_i w_ip (x_i - x_p)^2 / dx^2, the same at every place."""
        return {2: 1 / 4, 3: 1 / 3}[self.degree]

    @property
    def spin(self) -> float:
        """Moment of inertia of a particle's own rotation over m dx^2; none unless transfers are affine."""
        return self.spread if self.flip is None else 0.0


AFFINE = Scheme()  # quadratic, as of a scene that says nothing
