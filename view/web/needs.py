"""What must be installed to serve a page."""

from __future__ import annotations

from importlib.util import find_spec

from scenegrad.view.errors import ViewError

__all__ = ["need_web"]

NEEDED = ("trame", "trame_client", "trame_server", "wslink", "aiohttp")


def need_web() -> None:
    """Refuse what could not be served, before anything is opened."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ViewError(
            f"A page of a run is served by trame, and {missing[0]} is not installed. It comes with the extra [web]: "
            "pip install 'scenegrad[web]'. Without it, `scenegrad view RUN --out run.html` writes a page with a slider "
            "that needs nothing."
        )
