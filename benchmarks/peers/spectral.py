"""Steps of other programs on the Kolmogorov flow, timed where they are installed: see ../navier_stokes_peers.py.

Reads numbers of steps from standard input, a line each, and answers with the seconds that they took.
"""

import math
import sys
import time

import jax
import jax.numpy as jnp


def exponax_step(cells, dt, order):
    import exponax as ex

    stepper = ex.stepper.KolmogorovFlowVorticity(
        2, 2 * math.pi, cells, dt, diffusivity=1e-3, drag=-0.1, injection_mode=4, order=order
    )
    key = jax.random.PRNGKey(0)
    start = ex.ic.RandomTruncatedFourierSeries(2, cutoff=6)
    return stepper, start(cells, key=key)


def jax_cfd_step(cells, dt, order):
    import jax_cfd.base as cfd
    import jax_cfd.spectral as spectral

    grid = cfd.grids.Grid((cells, cells), domain=((0, 2 * math.pi), (0, 2 * math.pi)))
    equation = spectral.equations.ForcedNavierStokes2D(1e-3, grid, smooth=True)  # drag 0.1 and wavenumber 4 are its own
    step = spectral.time_stepping.crank_nicolson_rk4(equation, dt)
    field = cfd.initial_conditions.filtered_velocity_field(jax.random.PRNGKey(0), grid, 7.0, 4)
    vorticity = cfd.finite_differences.curl_2d(field).data
    return step, jnp.fft.rfftn(vorticity)


def main():
    name, cells, dtype, order = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    jax.config.update("jax_enable_x64", dtype == "float64")
    step, state = {"exponax": exponax_step, "jax-cfd": jax_cfd_step}[name](cells, 1e-3, order)

    @jax.jit
    def block(state):
        return jax.lax.scan(lambda s, _: (step(s), None), state, None, length=10)[0]

    state = block(state).block_until_ready()
    print("ready", flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(max(1, int(line) // 10)):
            state = block(state)
        state.block_until_ready()
        print(time.perf_counter() - begin, flush=True)


main()
