"""A flow past a cylinder in a channel: incompressible, between walls, on a staggered grid.

scenegrad check FILE                          is it right, and what would it cost?
scenegrad run FILE --out runs/NAME            some seconds
scenegrad view runs/NAME --field vorticity --out NAME.png
scenegrad plot runs/NAME force                drag and lift of the cylinder over time

`scene` is what these commands look for. Units are SI: metres, seconds, kilograms.
"""

import scenegrad as sg

scene = sg.Scene(
    name="NAME",
    # Length and width of the channel [m]. Twice as many cells show the vortices that break away, and take eight times
    # as long.
    domain=sg.Domain(size=(2.0, 0.5), cells=(96, 24)),
    boundary=sg.Boundary(
        x_lo=sg.Inflow(sg.Parabolic(1.5)),  # fastest in the middle [m/s]
        x_hi=sg.Outflow(),
        y_lo=sg.NoSlip(),  # the fluid sticks to the walls; velocity=(1.0, 0.0) makes one of them slide
        y_hi=sg.NoSlip(),
    ),
    entities={
        "water": sg.Fluid(viscosity=0.002),  # kinematic [m^2/s]
        # A little off the middle [m]. A radius of sg.Parameter(0.06) would have a gradient: examples/lower_drag.py.
        "cylinder": sg.Obstacle(shape=sg.Sphere(center=(0.4, 0.24), radius=0.06)),
    },
    outputs={  # what is written, and how often [s]
        "fields": sg.Fields("velocity", "vorticity", "pressure", every=0.1),
        "force": sg.Force("cylinder", every=0.02),
    },
    time=sg.Time(end=2.0),  # [s]; the steps are chosen by what is stable, unless dt=... stands here
)
