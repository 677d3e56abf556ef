"""What masses and springs refuse, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from scenegrad.scenes.errors import nearest
from scenegrad.scenes.outputs import CenterOfMass, Particles
from scenegrad.scenes.scene import Scene
from scenegrad.scenes.solids import Wall
from scenegrad.scenes.springs import Springs
from scenegrad.solvers.mass_spring.net import Pairs, Places, actuated
from scenegrad.solvers.mass_spring.probes import QUANTITIES, SERVED_OUTPUTS
from scenegrad.solvers.mass_spring.walls import SERVED, walls_of
from scenegrad.solvers.shared.reasons import Reasons

__all__ = ["check_nets", "check_scene", "check_structure"]

DEEP = 1e-3  # share of the shortest spring by which a mass may start inside a wall
FIXED = ("domain", "time", "outputs", "method")  # what members of a batch have in common, numbers included


def names_of(kinds: Sequence[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)


def check_scene(scene: Scene, reasons: Reasons) -> None:
    """Everything that can be said before nets are knit."""
    if scene.domain.size is None or scene.dim not in (2, 3):
        reasons.add("domain.size", "has two or three edge lengths here, such as size=(1, 1).")
        return
    if any(scene.domain.wraps):
        reasons.add("domain.wrap", "is not possible here: springs live in a box with walls. Leave it out.")
    for name, entity in scene.entities.items():
        if not isinstance(entity, Springs | Wall):
            reasons.add(name, f"{entity.kind} is not served by this method; it knows Springs and Wall.")
    for address, (_, _, condition) in walls_of(scene).items():
        if not isinstance(condition, SERVED):
            reasons.add(address, f"{condition.kind} is not possible here; take {names_of(SERVED)}.")
    if scene.time.tolerance is not None:
        reasons.add("time.tolerance", "needs an error estimate, which this method has not; take cfl=0.4 or a dt.")
    if scene.dynamics is not None:
        reasons.add("dynamics", f"{scene.dynamics.kind} is for atoms; leave it out.")
    check_outputs(scene, reasons)


def check_outputs(scene: Scene, reasons: Reasons) -> None:
    bodies = [name for name, entity in scene.entities.items() if isinstance(entity, Springs)]
    for name, output in scene.outputs.items():
        address = f"outputs.{name}"
        if not isinstance(output, SERVED_OUTPUTS):
            reasons.add(address, f"{output.kind} cannot be measured here; there are {names_of(SERVED_OUTPUTS)}.")
        elif isinstance(output, Particles):
            for quantity in output.quantities:
                if quantity not in QUANTITIES:
                    hint = nearest(quantity, QUANTITIES)
                    reasons.add(address, f"{quantity!r} is not known of masses.{hint} Known: {', '.join(QUANTITIES)}.")
        elif isinstance(output, CenterOfMass) and output.entity not in bodies:
            hint = nearest(output.entity, bodies)
            reasons.add(address, f"{output.entity!r} is no body of springs.{hint} There are: {', '.join(bodies)}.")


def check_structure(scenes: Sequence[Scene], reasons: Reasons) -> None:
    """Members of a batch differ in numbers of entities, boundary and gravity alone."""
    reasons.compare([dict(skeleton(scene)) for scene in scenes])


def skeleton(scene: Scene) -> Iterator[tuple[str, Any]]:
    table = scene.model_dump(mode="json", exclude={"name", "seed", "schema_version"})

    def walk(part: Any, address: str) -> Iterator[tuple[str, Any]]:
        if isinstance(part, Mapping | list):
            for name, below in part.items() if isinstance(part, Mapping) else enumerate(part):
                yield from walk(below, f"{address}.{name}" if address else str(name))
        else:
            fixed = address.partition(".")[0] in FIXED or address.endswith(".every") or not isinstance(part, float)
            yield address, part if fixed else "a number"

    return walk({**table.pop("entities"), **table}, "")


def check_nets(scenes: Sequence[Scene], nets: Sequence[Mapping[str, tuple[Places, Pairs]]], reasons: Reasons) -> None:
    for scene, bodies in zip(scenes, nets, strict=True):
        for name, (places, pairs) in bodies.items():
            if places.shape[1] != scene.dim:
                reasons.add(f"{name}.net", f"has {places.shape[1]} dimensions, the scene has {scene.dim}.")
                continue
            check_net(scene, name, places, pairs, reasons)
            if not np.array_equal(pairs, nets[0][name][1]):
                reasons.add(f"{name}.net", "joins other masses than in member 0 of the batch; compile them apart.")
                continue
            for key, springs in pulled(scene, name, places, pairs).items():
                if not np.array_equal(springs, pulled(scenes[0], name, *nets[0][name])[key]):
                    reasons.add(
                        f"{name}.actuators.{key}",
                        "moves other springs than in member 0 of the batch; compile them apart.",
                    )


def check_net(scene: Scene, name: str, places: Places, pairs: Pairs, reasons: Reasons) -> None:
    lengths = np.linalg.norm(places[pairs[:, 1]] - places[pairs[:, 0]], axis=1)
    if not len(pairs):
        reasons.add(f"{name}.net", "has no springs.")
        return
    if lengths.min() <= 0.0:
        i, j = pairs[lengths.argmin()]
        reasons.add(
            f"{name}.net", f"joins the masses {i} and {j} at one place, {tuple(map(float, places[i]))}; part them."
        )
        return
    loose = np.setdiff1d(np.arange(len(places)), pairs)
    if len(loose):
        reasons.add(f"{name}.net", f"leaves mass {loose[0]} without a spring; join it, or leave it out.")
    for wall, (normal, offset, _) in walls_of(scene).items():
        depth = offset - places @ normal
        if depth.max() > DEEP * lengths.min():
            where = tuple(float(x) for x in places[depth.argmax()])
            reasons.add(
                f"{name}.net",
                f"starts {depth.max():.4g} deep in {wall}, with mass {depth.argmax()} at {where}; move it by as much.",
            )
    for key, springs in pulled(scene, name, places, pairs).items():
        beyond = [s for s in scene.at(f"{name}.actuators.{key}.springs") or () if s >= len(pairs)]
        if beyond:
            reasons.add(f"{name}.actuators.{key}.springs", f"names spring {beyond[0]}; they are 0 to {len(pairs) - 1}.")
        elif not len(springs):
            reasons.add(f"{name}.actuators.{key}", "moves no spring; enlarge its region, or mend its direction.")


def pulled(scene: Scene, name: str, places: Places, pairs: Pairs) -> dict[str, np.ndarray]:
    """Numbers of the springs that each actuator of a body moves."""
    actuators = scene.at(f"{name}.actuators")
    return {key: actuated(actuator, places, pairs) for key, actuator in actuators.items()}
