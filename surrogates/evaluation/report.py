"""Numbers by name."""

from __future__ import annotations

__all__ = ["Report"]


class Report(dict[str, float]):
    """`print` shows them as a table."""

    def __str__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {value:.4g}" for name, value in self.items())
