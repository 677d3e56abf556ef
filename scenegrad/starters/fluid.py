"""Eddies in a stirred fluid, from a random start: incompressible flow by a spectral method in a periodic box.

scenegrad check FILE                          is it right, and what would it cost?
scenegrad run FILE --out runs/NAME            a second or two
scenegrad view runs/NAME --out NAME.png       the last frame; NAME.gif is a film; without --out a window opens
scenegrad plot runs/NAME                      how well it kept its laws

The start is random, so that the scene describes a whole ensemble; each member is another flow:

scenegrad generate FILE -n 8 --out data/NAME
scenegrad train fno_kolmogorov_small data/NAME --out runs/fno
scenegrad evaluate runs/fno data/NAME

`scene` is what these commands look for. Units are SI: metres, seconds, kilograms.
"""

import math

import scenegrad as sg

scene = sg.Scene(
    name="NAME",
    seed=0,  # of what is random; each seed is another start
    # Periodic: what leaves on one side comes back on the other. 64 or 256 grid points show finer eddies.
    domain=sg.Domain.periodic(size=(2 * math.pi, 2 * math.pi), cells=(32, 32)),
    entities={
        "water": sg.Fluid(
            viscosity=0.01,  # kinematic [m^2/s]; for an ensemble over it: sg.Uniform(0.005, 0.02)
            drag=0.1,  # friction that keeps large eddies from growing for ever [1/s]
            vorticity=sg.GaussianField(peak=4.0, width=1.5, rms=4.0),  # random, with some four eddies a side [1/s]
            forcing=sg.KolmogorovForcing(amplitude=1.0, wavenumber=4),  # stirs along x as sin(4 y) [m/s^2]
        )
    },
    outputs={  # what is written, and how often [s]
        "fields": sg.Fields("vorticity", every=0.25),  # also "velocity", "pressure"
        "energy": sg.Energy(every=0.25),
        "spectrum": sg.Spectrum(every=0.25),
    },
    time=sg.Time(end=6.0),  # [s]; the steps are chosen by what is stable, unless dt=... stands here
)
