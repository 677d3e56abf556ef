"""What an examination of this machine found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """needed: where it is not well, simulations do not run. disables: what else does not; mend: the line that helps."""

    what: str
    found: str
    well: bool = True
    needed: bool = True
    disables: str = ""
    mend: str = ""

    def __str__(self) -> str:
        mark = "ok  " if self.well else "WARN" if self.needed else "note"
        lines = [f"{mark} {self.what:<12} {self.found}"]
        if not self.well and self.disables:
            lines.append(f"{'':17} lost: {self.disables}")
        if not self.well and self.mend:
            lines.append(f"{'':17} mend: {self.mend}")
        return "\n".join(lines)
