"""JAX-MD on the Lennard-Jones liquid with gradients, timed where it is installed: see ../md_gradients.py.

Begins from positions and velocities in a file, runs STEPS steps of velocity Verlet with a dense list made every 20 of
them, and differentiates the last potential energy by sigma and epsilon, through `jax.checkpoint` around each step.
For each line of standard input it answers with seconds: forward, and forward with gradient.
"""

import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax_md import partition, smap, space

STEPS, LAST, DT, CUTOFF, SKIN = 100, 20, 0.005, 2.5, 0.3


def main():
    path, dtype = sys.argv[1], sys.argv[2]
    jax.config.update("jax_enable_x64", dtype == "float64")
    found = np.load(path)
    x, v, box = (jnp.asarray(found[name], dtype=dtype) for name in ("x", "v", "box"))
    displacement, _ = space.periodic(box)

    distance = space.canonicalize_displacement_or_metric(displacement)
    begin = partition.neighbor_list(displacement, box, CUTOFF, SKIN, format=partition.Dense).allocate(x % box)

    def pair(r, sigma, epsilon, **_):
        """Force-shifted; that of jax_md.energy has no second derivative where a row of neighbours is padded."""
        r = jnp.where((r > 0.0) & (r < CUTOFF), r, CUTOFF)

        def u(r):
            s6 = (sigma / r) ** 6
            return 4.0 * epsilon * (s6 * s6 - s6)

        e6 = (sigma / CUTOFF) ** 6
        slope = -24.0 * epsilon / CUTOFF * (2.0 * e6 * e6 - e6)
        return u(r) - u(CUTOFF) - (r - CUTOFF) * slope

    def potential(theta, x, near):
        return smap.pair_neighbor_list(pair, distance, sigma=theta[0], epsilon=theta[1])(x, neighbor=near)

    def last_energy(theta, x, v, renew=True):
        def force(x, near):
            return -jax.grad(potential, argnums=1)(theta, x, near)

        @jax.checkpoint
        def step(state, _, near):
            x, v, f = state
            v = v + 0.5 * DT * f
            x = x + DT * v
            f = force(x, near)
            return (x, v + 0.5 * DT * f, f), None

        def stretch(carry, _):
            x, v, near = carry
            if renew:
                near = jax.lax.stop_gradient(near.update(jax.lax.stop_gradient(x % box)))
            state = (x, v, force(x, near))
            (x, v, _), _ = jax.lax.scan(lambda s, i: step(s, i, near), state, None, length=LAST)
            return (x, v, near), None

        (x, v, near), _ = jax.lax.scan(stretch, (x, v, begin), None, length=STEPS // LAST)
        return potential(theta, x, near) / len(x), near.did_buffer_overflow

    forward = jax.jit(last_energy).lower((1.0, 1.0), x, v).compile()
    both = jax.jit(jax.value_and_grad(last_energy, has_aux=True)).lower((1.0, 1.0), x, v).compile()
    theta = (jnp.asarray(1.0, dtype), jnp.asarray(1.0, dtype))
    (value, crowded), slopes = both(theta, x, v)
    assert not bool(crowded)
    frozen = jax.jit(jax.value_and_grad(partial(last_energy, renew=False), has_aux=True))
    memory = frozen.lower((1.0, 1.0), x, v).compile().memory_analysis().temp_size_in_bytes  # without making lists
    print(f"{float(value)} {float(slopes[0])} {float(slopes[1])} {memory}", flush=True)

    def seconds(function):
        start = time.process_time()
        jax.block_until_ready(function(theta, x, v))
        return time.process_time() - start

    for _ in sys.stdin:
        print(seconds(forward), seconds(both), flush=True)


main()
