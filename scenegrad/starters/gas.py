"""A blast in a closed room: a compressible gas with shocks, by finite volumes.

scenegrad check FILE                          is it right, and what would it cost?
scenegrad run FILE --out runs/NAME            a second or two
scenegrad view runs/NAME --field density --out NAME.png
scenegrad plot runs/NAME energy               what is kept, and what changes

`scene` is what these commands look for. Units are SI, or any that go together: here lengths, densities and pressures of
order one.
"""

import scenegrad as sg

scene = sg.Scene(
    name="NAME",
    domain=sg.Domain(size=(1.0, 1.0), cells=(64, 64)),  # more cells are sharper and slower
    boundary=sg.Boundary(default=sg.Slip()),  # walls that reflect; Outflow() lets waves leave
    entities={
        "air": sg.Gas(
            gamma=1.4,  # ratio of specific heats
            density=1.0,  # of the gas at rest [kg/m^3]
            pressure=0.1,  # [Pa]
            # Where it is something else at the start; there may be several.
            patches=(sg.GasPatch(sg.Sphere(center=(0.4, 0.5), radius=0.1), density=1.0, pressure=1.0),),
        )
    },
    outputs={  # what is written, and how often [s]
        "fields": sg.Fields("density", "velocity", "pressure", every=0.025),
        "energy": sg.Energy(every=0.025),
    },
    time=sg.Time(end=0.75),  # [s]; the steps are chosen by what is stable, unless dt=... stands here
)
