"""The style sheets and programs of the pages, which lie beside this file."""

from __future__ import annotations

from pathlib import Path

__all__ = ["text_of"]


def text_of(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
