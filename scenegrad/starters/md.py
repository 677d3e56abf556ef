"""Liquid argon: atoms with Lennard-Jones forces between them, in a box that repeats.

scenegrad check FILE                          is it right, and what would it cost?
scenegrad run FILE --out runs/NAME            some seconds
scenegrad view runs/NAME --out NAME.png       the atoms at the end; NAME.gif is a film
scenegrad plot runs/NAME thermo               temperature, pressure and energies over time
scenegrad plot runs/NAME rdf                  g(r): how many neighbours at which distance

`scene` is what these commands look for. Units "lj": lengths in sigma (0.34 nm for argon), energies in epsilon (120 K),
times in 2.2 ps, masses in 40 u.
"""

import scenegrad as sg

scene = sg.Scene(
    name="NAME",
    units="lj",  # or "metal" (angstrom, eV), "real" (angstrom, kcal/mol), "SI"
    seed=1,  # of the first velocities
    domain=sg.Domain.periodic(density=0.8442),  # atoms in sigma^3: the box follows from their number
    entities={
        # Where they start: 4 atoms a cell, 256 in all. The crystal melts, and half of its temperature goes into
        # potential energy.
        "atoms": sg.Atoms(lattice=sg.FCC(cells=(4, 4, 4)), temperature=1.44),
        # Between all atoms; beyond the cutoff they do not feel each other. Others: sg.Morse, sg.Yukawa, ...
        "pair": sg.LennardJones(epsilon=1.0, sigma=1.0, cutoff=2.5),
    },
    dynamics=sg.NVE(),  # keeps the energy; sg.Langevin(temperature=0.8, friction=1.0) holds a temperature
    outputs={  # what is written, and how often
        "thermo": sg.Thermo(every=0.05),
        "rdf": sg.RDF(r_max=3.0, bins=150, every=0.25),
        "atoms": sg.Particles("position", "velocity", every=0.25),
    },
    time=sg.Time(end=5.0, dt=0.004, warmup=1.0),  # dt: about 9 fs; the first part is not written
)
