"""A lattice of springs is thrown on a floor: points and springs, the lightest of the solvers.

scenegrad check FILE                          is it right, and what would it cost?
scenegrad run FILE --out runs/NAME            a second or two
scenegrad view runs/NAME --out NAME.png       the last frame; NAME.gif is a film; without --out a window opens
scenegrad plot runs/NAME energy               kinetic, elastic and that of the fall

`scene` is what these commands look for. Units are SI: metres, seconds, kilograms, newtons.
"""

import scenegrad as sg

scene = sg.Scene(
    name="NAME",
    gravity=(0.0, -9.81),  # [m/s^2]; three numbers here and in every vector below make it three-dimensional
    domain=sg.Domain(size=(1.0, 1.0)),
    entities={
        "block": sg.Springs(
            net=sg.SpringLattice(center=(0.3, 0.5), size=(0.3, 0.2), cells=(6, 4)),  # squares with diagonals
            mass=0.5,  # of all its points together [kg]
            stiffness=500.0,  # of a spring [N/m]; the stiffer, the shorter the steps
            damping=0.2,  # of a spring [N s/m]
            velocity=(1.0, 0.0),  # at the start [m/s]
        ),
        "floor": sg.Wall(normal=(0.0, 1.0), offset=0.1, contact=sg.Coulomb(0.5)),
    },
    outputs={  # what is written, and how often [s]
        "points": sg.Particles("position", "velocity", every=0.02),
        "energy": sg.Energy(every=0.02),
    },
    time=sg.Time(end=1.0),  # [s]; the steps are chosen by what is stable, unless dt=... stands here
)
