"""A soft ball falls on a floor and bounces: a solid by the material point method.

scenegrad check FILE                          is it right, and what would it cost?
scenegrad run FILE --out runs/NAME            a second or two
scenegrad view runs/NAME --out NAME.png       the last frame; NAME.gif is a film; without --out a window opens
scenegrad plot runs/NAME com                  the ball's centre over time

`scene` is what these commands look for. Units are SI: metres, seconds, kilograms, pascals.
"""

import scenegrad as sg

scene = sg.Scene(
    name="NAME",
    gravity=(0.0, -9.81),  # [m/s^2]; three numbers here and in every vector below make it three-dimensional
    # More cells are finer and slower; the particles are moved on this grid.
    domain=sg.Domain(size=(1.0, 1.0), cells=(48, 48)),
    # The walls of the box let go of what touches them; Stick() and Slip() do not.
    boundary=sg.Boundary(default=sg.Separate()),
    entities={
        "ball": sg.Body(
            shape=sg.Sphere(center=(0.4, 0.6), radius=0.15),  # or sg.Box(...), or sg.Mesh("duck.stl")
            velocity=(0.5, 0.0),  # at the start [m/s]
            # Stiffness in Pa: the stiffer, the shorter the steps. sg.Parameter(5e4) would make it learnable:
            # examples/find_stiffness.py. Other materials: sg.DruckerPrager (sand), sg.WeaklyCompressible (water), ...
            material=sg.NeoHookean(youngs_modulus=5e4, poisson_ratio=0.3, density=1000.0),
        ),
        "floor": sg.Wall(normal=(0.0, 1.0), offset=0.1, contact=sg.Coulomb(0.4)),
    },
    outputs={  # what is written, and how often [s]
        "particles": sg.Particles("position", "velocity", "speed", every=0.02),
        "com": sg.CenterOfMass("ball", every=0.01),
        "energy": sg.Energy(every=0.01),
    },
    time=sg.Time(end=1.0),  # [s]; the steps are chosen by what is stable, unless dt=... stands here
)
