"""Commands that make data and learn from it: generate, train, evaluate."""

from __future__ import annotations

from cyclopts import App

__all__ = ["register"]


def register(app: App) -> None:
    del app
