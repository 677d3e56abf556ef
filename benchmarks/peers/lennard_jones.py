"""The Lennard-Jones melt in other programs: NAME START THREADS, one block of steps for each line that is read.

NAME: lammps (a list that is checked every step), lammps-20 (made every 20 steps, unchecked, as in its own benchmark),
openmm or jax-md. START: a file of numpy with x, v, edge, cutoff, skin and dt. A line 'steps' is answered by the seconds
that it took and those that all threads together worked; a line 'what' by potential energy of an atom and temperature.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Simulation = tuple[Callable[[int], None], Callable[[], tuple[float, float]]]  # go on for some steps; what there is now


def lammps(start: Any, threads: int, rule: str) -> Simulation:
    from lammps import lammps as program

    count = len(start["x"])
    options = ["-sf", "opt"] if threads == 1 else ["-sf", "omp", "-pk", "omp", str(threads)]
    one = program(cmdargs=["-screen", "none", "-log", "none", *options])
    one.commands_string(
        f"""
        units lj
        atom_style atomic
        region box block 0 {start["edge"]} 0 {start["edge"]} 0 {start["edge"]}
        create_box 1 box
        mass 1 1.0
        pair_style lj/cut {start["cutoff"]}
        pair_coeff 1 1 1.0 1.0 {start["cutoff"]}
        neighbor {start["skin"]} bin
        neigh_modify {rule}
        timestep {start["dt"]}
        fix motion all nve
        thermo 1000000
        """
    )
    places = np.ascontiguousarray(start["x"]) % float(start["edge"])
    one.create_atoms(
        count, list(range(1, count + 1)), [1] * count, places.ravel().tolist(), start["v"].ravel().tolist()
    )
    one.command("run 0 post no")

    def look() -> tuple[float, float]:
        one.command("run 0 post no")
        return one.get_thermo("pe"), one.get_thermo("temp")

    return lambda steps: one.command(f"run {steps} pre no post no"), look


def openmm(start: Any, threads: int) -> Simulation:
    """Lengths in nm, masses in dalton, times in ps: then energies in kJ/mol are reduced ones."""
    import openmm as mm

    count, edge, dt = len(start["x"]), float(start["edge"]), float(start["dt"])
    system, pairs = mm.System(), mm.NonbondedForce()
    system.setDefaultPeriodicBoxVectors((edge, 0, 0), (0, edge, 0), (0, 0, edge))
    pairs.setNonbondedMethod(mm.NonbondedForce.CutoffPeriodic)
    pairs.setCutoffDistance(float(start["cutoff"]))
    pairs.setUseDispersionCorrection(False)
    for _ in range(count):
        system.addParticle(1.0)
        pairs.addParticle(0.0, 1.0, 1.0)
    system.addForce(pairs)
    integrator = mm.VerletIntegrator(dt)
    platform = mm.Platform.getPlatformByName("CPU")
    context = mm.Context(system, integrator, platform, {"Threads": str(threads)})
    context.setPositions(start["x"])
    unit = mm.unit.kilojoule_per_mole / mm.unit.nanometer
    force = context.getState(getForces=True).getForces(asNumpy=True).value_in_unit(unit)
    context.setVelocities(start["v"] - 0.5 * dt * force)  # its velocities are those of half a step before

    def look() -> tuple[float, float]:
        state = context.getState(getEnergy=True)
        potential, kinetic = state.getPotentialEnergy()._value, state.getKineticEnergy()._value
        return potential / count, 2.0 * kinetic / (3.0 * (count - 1))

    def go(steps: int) -> None:
        integrator.step(steps)
        context.getState(getEnergy=True)  # which waits

    return go, look


def jax_md(start: Any, threads: int) -> Simulation:
    import jax
    import jax.numpy as jnp
    from jax_md import dataclasses, energy, partition, quantity, simulate, smap, space

    count, edge, cutoff = len(start["x"]), float(start["edge"]), float(start["cutoff"])
    displacement, shift = space.periodic(edge)

    def pair(r: Any, **unused: Any) -> Any:
        inside = (r < cutoff) & (r > 0.0)  # places of a list that are left over have no distance
        return jnp.where(inside, energy.lennard_jones(jnp.where(inside, r, 1.0)), 0.0)

    kind = partition.OrderedSparse
    lists = partition.neighbor_list(displacement, edge, cutoff, float(start["skin"]), 1.5, format=kind)
    total = smap.pair_neighbor_list(pair, space.canonicalize_displacement_or_metric(displacement))
    init, step = simulate.nve(total, shift, float(start["dt"]))
    x = jnp.asarray(start["x"] % edge, dtype=jnp.float32)
    near = lists.allocate(x)
    state = init(jax.random.PRNGKey(0), x, 1.0, mass=1.0, neighbor=near)
    state = dataclasses.replace(state, momentum=jnp.asarray(start["v"], dtype=jnp.float32))

    @jax.jit
    def once(_: Any, both: Any) -> Any:
        state, near = both
        near = near.update(state.position)
        return step(state, neighbor=near), near

    many = jax.jit(lambda steps, both: jax.lax.fori_loop(0, steps, once, both))
    both = (state, near)

    def go(steps: int) -> None:
        nonlocal both
        for more in range(1, 10):
            after = jax.block_until_ready(many(steps, both))
            if not bool(after[1].did_buffer_overflow):
                break
            # As a user of it does: a longer list, for atoms as they are later on, and once more.
            both = both[0], lists.allocate(after[0].position, extra_capacity=4 * more)
        else:
            raise RuntimeError("the list of jax-md overflows whatever its length")
        both = after

    def look() -> tuple[float, float]:
        state, near = both
        near = near.update(state.position)
        kinetic = float(quantity.kinetic_energy(momentum=state.momentum, mass=1.0))
        return float(total(state.position, neighbor=near)) / count, 2.0 * kinetic / (3.0 * (count - 1))

    return go, look


def main() -> None:
    name, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    start = dict(np.load(path))
    made = {
        "lammps": lambda: lammps(start, threads, "delay 0 every 1 check yes"),
        "lammps-20": lambda: lammps(start, threads, "delay 0 every 20 check no"),
        "openmm": lambda: openmm(start, threads),
        "jax-md": lambda: jax_md(start, threads),
    }
    try:
        go, look = made[name]()
    except (ImportError, OSError) as error:
        print(f"missing: {error}", flush=True)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "what":
            print(*look(), flush=True)
            continue
        begin, worked = time.perf_counter(), time.process_time()
        go(int(line))
        print(time.perf_counter() - begin, time.process_time() - worked, flush=True)


if __name__ == "__main__":
    main()
