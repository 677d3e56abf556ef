"""The passes of a step from particles to nodes and back, which colliders, a second grid and implicit steps build on."""

from __future__ import annotations

from dataclasses import dataclass

from scenegrad.solvers.mpm.contact import contact
from scenegrad.solvers.mpm.materials.law import Law
from scenegrad.solvers.mpm.meeting import meetings, surfaces
from scenegrad.solvers.mpm.nodes import node_velocities, velocities_before
from scenegrad.solvers.mpm.numbers import Numbers
from scenegrad.solvers.mpm.passes import Line, Pass
from scenegrad.solvers.mpm.threads import Threads
from scenegrad.solvers.mpm.transfer import grid_to_particles, lost_particles, particles_to_grid

__all__ = ["StepPasses"]

PLACE = ("lattice", "dt")
TO_GRID = (*PLACE, "slot", "kind", "volume", "row", "gravity", "x", "v", "C", "F", "h")
AT_WALLS = (*PLACE, "slot", "volume", "radius", "row", "face", "sides", "low", "high", "firmness", "own", "x")
BEFORE = ("lightest", "momentum", "momentum before")
MEET = ("lattice", "lightest", "rub", "node share", "momentum apart", "surface")
AT_NODES = ("lightest", "hold", "holds", "momentum", "friction")
TO_PARTICLES = (*PLACE, "slot", "kind", "row", "x", "F", "h", "velocity", "flip", "v", "velocity before")
AFTER = ("x after", "v after", "C after", "F after", "h after", "lost")


@dataclass(frozen=True)
class StepPasses:
    """`arrive` at the nodes, note the velocities `before` the forces if transfers need them, press against `walls`,
    find velocities `at_nodes`, and go back `to_particles`."""

    arrive: Line
    before: tuple[Line, ...]
    walls: tuple[Line, ...]
    at_nodes: Line
    to_particles: Line
    seek_lost: Line

    @staticmethod
    def of(n: Numbers, laws: tuple[Law, ...], device: str, threads: Threads, *, flip: bool, walls: bool) -> StepPasses:
        there = ("momentum", "momentum before")
        noted = Line(velocities_before(n), "nodes", device, BEFORE, ("velocity before",))
        pressed = Line(contact(n), "particles", device, AT_WALLS, ("momentum", "friction"), threads)
        return StepPasses(
            Line(particles_to_grid(n, laws), "particles", device, TO_GRID, there, threads),
            (noted,) if flip else (),
            (pressed,) if walls else (),
            Line(node_velocities(n), "nodes", device, AT_NODES, ("velocity",)),
            Line(grid_to_particles(n, laws), "particles", device, TO_PARTICLES, AFTER, threads),
            Line(lost_particles(n), "particles", device, ("lattice", "x"), ("lost",)),
        )

    def together(self) -> tuple[Pass, ...]:
        """To the nodes of the one grid that all bodies share."""
        return (self.arrive, *self.before, *self.walls)

    def apart(self, n: Numbers) -> tuple[Pass, ...]:
        """To the nodes of a grid for each body, where they then meet each other."""
        device = self.arrive.device
        return (
            *(each.renamed({"momentum": "momentum apart"}) for each in self.together()),
            Pass(surfaces(n), "particles", device, ("lattice", "volume", "own", "x", "F"), ("surface",)),
            Pass(meetings(n), "nodes", device, MEET, ("momentum",)),
        )
