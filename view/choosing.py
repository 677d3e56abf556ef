"""Choices by single keys: the next field, style or colour map, and a plane that cuts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenegrad.view.choices import Clip
from scenegrad.view.errors import ViewError
from scenegrad.view.offers import Offer, offers
from scenegrad.view.showing import Showing

__all__ = ["Choosing", "KEYS"]

KEYS = "space: play    n: field    t: style    c: colours    x: cut"


class Choosing:
    """Goes through what the frames offer, around to the first after the last."""

    def __init__(self, showing: Showing):
        self.showing = showing
        self.offer: Offer = offers(showing.frames)
        self.field = self.offer.field
        self.style = self.offer.style
        self.cmap: str | None = None
        self.clip: Clip | None = None

    def next_field(self) -> str | None:
        """Fields one after another, and that which is usual."""
        self.field = after(tuple(self.offer.fields), self.field)
        self.try_(field=self.field)
        return self.field

    def next_style(self) -> str:
        """Styles one after another; of a style the numbers that are usual."""
        self.style = str(after(self.offer.styles, self.style))
        self.try_(style=self.style if self.style != self.offer.style else None)
        return self.style

    def next_map(self) -> str | None:
        """Colour maps one after another, and that which suits the field."""
        maps: tuple[str | None, ...] = (None, *self.offer.cmaps)
        self.cmap = after(maps, self.cmap)
        self.try_(cmap=self.cmap)
        return self.cmap

    def cut(self, normal: Sequence[float], through: Sequence[float]) -> None:
        """By the plane that a hand has moved."""
        self.clip = Clip(tuple(normal), tuple(through))
        self.try_(clip=self.clip)

    def whole(self) -> None:
        """Without a cut."""
        self.clip = None
        self.try_(clip=None)

    def try_(self, **changed: Any) -> None:
        """What cannot be drawn changes nothing: a plane that has left the box, say."""
        try:
            self.showing.choose(**changed)
        except ViewError:
            return


def after(names: Sequence[Any], name: Any) -> Any:
    """The next one; the first where there is none."""
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
