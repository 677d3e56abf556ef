"""Fourier modes: flows, heat that lifts them, reactions."""

from collections.abc import Callable

import numpy as np

import scenegrad.scenes as sc


def turbulence() -> sc.Scene:
    water = sc.Fluid(
        viscosity=sc.Parameter(1e-2),
        drag=sc.Parameter(0.1),
        forcing=sc.KolmogorovForcing(amplitude=sc.Parameter(1.0), wavenumber=2),
        vorticity=sc.GaussianField(peak=3, width=2, rms=2.0),
    )
    return sc.Scene(
        name="turbulence",
        domain=sc.Domain.periodic(size=(2 * np.pi, 2 * np.pi), cells=(32, 32)),
        entities={"water": water},
        outputs={
            "fields": sc.Fields("vorticity", every=0.1),
            "energy": sc.Energy(every=0.1),
            "kept": sc.Diagnostics(every=0.1),
        },
        time=sc.Time(end=0.2, cfl=0.5),
    )


def convection_in_space() -> sc.Scene:
    """A stirred flow with heat that lifts it, by its velocity in Fourier modes."""
    return sc.Scene(
        name="convection",
        domain=sc.Domain.periodic(size=(1.0, 1.0, 1.0), cells=(12, 12, 12)),
        entities={
            "air": sc.Fluid(
                viscosity=sc.Parameter(2e-2),
                velocity=sc.GaussianField(peak=2.0, width=0.5, rms=1.0),
                forcing=sc.BandForcing(amplitude=sc.Parameter(0.5), low=1, high=2),
            ),
            "heat": sc.Tracer(
                diffusivity=sc.Parameter(1e-2), initial=sc.PlaneWave((1, 0, 1)), buoyancy=sc.Parameter((0.0, 0.0, 2.0))
            ),
        },
        outputs={"fields": sc.Fields("velocity", "heat", every=0.05), "energy": sc.Energy(every=0.05)},
        time=sc.Time(end=0.1, cfl=0.4),
        method=sc.Spectral(),
    )


def spots_that_grow() -> sc.Scene:
    return sc.Scene(
        name="spots",
        domain=sc.Domain.periodic(size=(1.0, 1.0), cells=(24, 24)),
        entities={
            "pot": sc.GrayScott(
                feed=sc.Parameter(0.04), kill=sc.Parameter(0.06), catalyst=sc.Spots(count=3, radius=0.15, height=0.5)
            )
        },
        outputs={"fields": sc.Fields("catalyst", "food", every=5.0)},
        time=sc.Time(end=10.0, cfl=0.4),
    )


SCENES: dict[str, Callable[[], sc.Scene]] = {
    "spectral": turbulence,
    "spectral-3d": convection_in_space,
    "reaction-2d": spots_that_grow,
}
