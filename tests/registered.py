"""What code of a user's own makes known, and how a test leaves it as it was."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scenegrad.scenes import plugins
from scenegrad.scenes.entity import Entity
from scenegrad.scenes.forcings import Forcing
from scenegrad.scenes.methods import Method
from scenegrad.scenes.outputs import Output
from scenegrad.scenes.solids import Material
from scenegrad.solvers import own as own_solvers
from scenegrad.solvers.md import known as known_atoms  # noqa: F401  # what is ours is known before anything is noted
from scenegrad.solvers.md import own as own_atoms
from scenegrad.solvers.md.bonded.laws import LAWS as BONDS
from scenegrad.solvers.md.many_body import learned as learned_atoms
from scenegrad.solvers.md.pairs.potentials import POTENTIALS
from scenegrad.solvers.mpm import learned as learned_matter
from scenegrad.solvers.mpm.materials import LAWS
from scenegrad.solvers.navier_stokes.spectral.equations.known import EQUATIONS
from scenegrad.solvers.navier_stokes.spectral.forcing import PATTERNS
from scenegrad.surrogates.operators.known import OPERATORS

REGISTRIES = (
    Entity.members, Material.members, Output.members, Method.members, Forcing.members, LAWS, learned_matter.REGISTERED,
    POTENTIALS, BONDS, own_atoms.ENERGIES, learned_atoms.REGISTERED, EQUATIONS, PATTERNS, own_solvers.SOLVERS,
    own_solvers.OUTPUTS, OPERATORS, plugins.NAMED,
)  # fmt: skip


@contextmanager
def as_before() -> Iterator[None]:
    """Every registry, the loaded modules and the search path are afterwards what they were: what came is gone, and what
    was forgotten is known again."""
    known = [dict(registry) for registry in REGISTRIES]
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        for name in set(plugins.NAMED) - modules:
            sys.modules.pop(name, None)
        for registry, entries in zip(REGISTRIES, known, strict=True):
            registry.clear()
            registry.update(entries)
        sys.path[:] = path
