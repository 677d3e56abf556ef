"""Ready scenes, each a function of a few numbers."""

from scenegrad.scenes.library.active import motility_induced_phase_separation
from scenegrad.scenes.library.atoms import argon, kob_andersen, kob_andersen_2d, lj_fluid, melting_crystal
from scenegrad.scenes.library.datasets import (
    mosaic_ns2d,
    mosaic_ns3d,
    pdearena_smoke,
    shockcast_blast,
    spectral_refiner_fno,
    spectral_refiner_kolmogorov,
)
from scenegrad.scenes.library.elastic import cantilever, colliding_rings
from scenegrad.scenes.library.fluids import decaying_turbulence, kolmogorov, taylor_green
from scenegrad.scenes.library.forming import bag_drop, bouncing_jelly, snowball, squeezed_mesh, taffy
from scenegrad.scenes.library.gases import (
    blast,
    bow_shock,
    isentropic_vortex,
    riemann_2d,
    shallow_dam_break,
    shock_tube,
)
from scenegrad.scenes.library.granular import sand_column, sand_heap
from scenegrad.scenes.library.gravity import figure_eight, kepler, pythagorean, star_cluster
from scenegrad.scenes.library.meshes import cylinder_channel
from scenegrad.scenes.library.molecules import polymer_melt
from scenegrad.scenes.library.peptides import alanine_dipeptide
from scenegrad.scenes.library.periodic import (
    burgers,
    fno_burgers,
    fno_navier_stokes,
    gray_scott,
    kuramoto_sivashinsky,
    taylor_green_3d,
)
from scenegrad.scenes.library.porous import darcy, fno_darcy
from scenegrad.scenes.library.pouring import honey_coiling, hourglass, mixing_fluids, pouring, water_wheel
from scenegrad.scenes.library.salts import rock_salt
from scenegrad.scenes.library.soft import soft_arm, soft_walker
from scenegrad.scenes.library.solids import bar_vibration, colliding_disks, dam_break, elastic_drop
from scenegrad.scenes.library.targets import dw4, lj_cluster
from scenegrad.scenes.library.viscous import channel, hydrostatic, slump
from scenegrad.scenes.library.walls import (
    channel_flow,
    cylinder_wake,
    heated_cavity,
    lid_cavity,
    rayleigh_benard,
    smoke_plume,
)

__all__ = [
    "alanine_dipeptide", "argon", "bag_drop", "bar_vibration", "blast", "bouncing_jelly", "bow_shock", "burgers",
    "cantilever", "channel", "channel_flow", "colliding_disks", "colliding_rings", "cylinder_channel",
    "cylinder_wake", "dam_break", "darcy", "decaying_turbulence", "dw4", "elastic_drop", "figure_eight",
    "fno_burgers", "fno_darcy", "fno_navier_stokes", "gray_scott", "heated_cavity", "honey_coiling", "hourglass",
    "hydrostatic", "isentropic_vortex", "kepler", "kob_andersen", "kob_andersen_2d", "kolmogorov",
    "kuramoto_sivashinsky", "lid_cavity", "lj_cluster", "lj_fluid", "melting_crystal", "mixing_fluids", "mosaic_ns2d",
    "mosaic_ns3d", "motility_induced_phase_separation", "pdearena_smoke", "polymer_melt", "pouring", "pythagorean",
    "rayleigh_benard", "riemann_2d", "rock_salt", "sand_column", "sand_heap", "shallow_dam_break", "shock_tube",
    "shockcast_blast", "slump", "smoke_plume", "snowball", "soft_arm", "soft_walker", "spectral_refiner_fno",
    "spectral_refiner_kolmogorov", "squeezed_mesh", "star_cluster", "taffy", "taylor_green", "taylor_green_3d",
    "water_wheel",
]  # fmt: skip
