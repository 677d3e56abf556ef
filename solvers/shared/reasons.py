"""All the reasons against a scene in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scenegrad.scenes.errors import SceneError
from scenegrad.scenes.scene import Scene

__all__ = ["Reasons", "refuse_unfit"]


@dataclass
class Reasons:
    """Collects what is wrong with a scene, so that everything can be mended at once."""

    scene: str
    lines: list[tuple[str, str]] = field(default_factory=list)  # (address, what was given, what is allowed)

    def add(self, address: str, reason: str) -> None:
        if reason.endswith(("?.", "..")):  # where it ends with a question or a sentence of its own
            reason = reason[:-1]
        if (address, reason) not in self.lines:
            self.lines.append((address, reason))

    def compare(self, members: Sequence[Mapping[str, object]]) -> None:
        """A reason for every address at which a member of a batch differs from the first."""
        for index, other in enumerate(members[1:], start=1):
            for address in dict.fromkeys([*members[0], *other]):
                if members[0].get(address) != other.get(address):
                    self.add(address, f"differs between member 0 and member {index} of the batch; compile them apart.")

    def refuse(self) -> None:
        """SceneError with the table, if there is anything in it."""
        if self.lines:
            width = max(len(address) for address, _ in self.lines)
            raise SceneError(
                f"Scene {self.scene!r} cannot be run; {len(self.lines)} "
                f"{'thing has' if len(self.lines) == 1 else 'things have'} to be mended:\n"
                + "\n".join(f"  {address:<{width}}  {reason}" for address, reason in self.lines)
            )


def refuse_unfit(
    scenes: Sequence[Scene],
    troubles: Callable[[Scene], Iterable[tuple[str, str]]],
    structure: Callable[[Scene], Mapping[str, object]],
) -> None:
    """SceneError with everything for which scenes cannot be run as one batch.

    troubles: (address, reason) of a scene. structure: by address, what members have in common.
    """
    reasons = Reasons(scenes[0].name)
    for scene in scenes:
        for address, reason in troubles(scene):
            reasons.add(address, f"{reason}.")
    reasons.compare([structure(scene) for scene in scenes])
    reasons.refuse()
