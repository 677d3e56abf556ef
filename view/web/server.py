"""The page of a run, served with trame: drawn here, by the same code as pictures, and shown in a browser."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from scenegrad.view.errors import ViewError
from scenegrad.view.growing import TROUBLE
from scenegrad.view.offers import need_style, shown_quantity
from scenegrad.view.rendering import tell
from scenegrad.view.styles import style_of
from scenegrad.view.viewing import Viewing
from scenegrad.view.web.address import LOOPBACK, free_port, is_loopback, may_ask, warning
from scenegrad.view.web.files import text_of
from scenegrad.view.web.index import index_page

__all__ = ["Page", "serve_here"]

PAUSE = 1 / 15  # s between frames that play, where drawing is quicker
GATHER = 0.01  # s in which wishes that come together are taken together
SETTLE = 0.3  # s without a wish after which a quick picture is drawn well
LOOK = 0.5  # s between looks for frames of a run that goes on


class Page:
    """What stands on the page, and what its user wishes. Wishes are gathered and then drawn once: a slider that is
    dragged asks for more pictures than can be drawn."""

    def __init__(self, viewing: Viewing, server: Any):
        self.viewing, self.server, self.state = viewing, server, server.state
        self.wanted = asyncio.Event()
        self.wishes: dict[str, Any] = {}
        self.moves: list[tuple[str, tuple[float, ...]]] = []
        self.quick = False  # whether the picture on the page is one of those that are gone in a moment
        self.chosen: dict[str, str] = {}  # by name, as it stands on the page
        self.cut: dict[str, Any] = {"cut": "", "depth": 0.5, "other": False}
        self.describe()
        self.state.update({**self.cut, "said": "", "playing": False})
        self.put()

    def describe(self) -> None:
        """What there is to choose from, and what is chosen."""
        viewing, offer = self.viewing, self.viewing.offer
        choices = viewing.showing.choices
        shown = shown_quantity(viewing.frames, need_style(viewing.frames, style_of(choices.style)), choices.field)
        fields = {**({} if offer.field is not None else {"": "plain colours"}), **offer.fields}
        style = style_of(choices.style)
        self.chosen = {
            "field": "" if shown is None else shown.name, "cmap": choices.cmap or "",
            "style": offer.style if style is None else style.kind,
        }  # fmt: skip
        self.state.update({
            "title": viewing.title, "about": viewing.frames.path.name, "trame__title": f"{viewing.title} · scenegrad",
            "fields": fields, "cmaps": list(offer.cmaps), "styles": list(offer.styles), **self.chosen,
            "axes": list("xyz"[: offer.dim]) if offer.dim > 1 else [],
        })  # fmt: skip

    def listen(self) -> None:
        """Takes wishes from the page."""
        change, controller = self.state.change, self.server.controller

        @change("frame")
        def _(frame: int, **_: Any) -> None:
            if frame != self.viewing.player.index:
                self.viewing.player.playing = False
                self.wish(frame=frame)

        @change(*self.chosen, *self.cut)
        def _(**_: Any) -> None:
            self.wish(choice=True)

        @controller.trigger("toggle")
        def _() -> None:
            self.viewing.player.toggle()
            self.wish()

        @controller.trigger("drag")
        def _(right: float, down: float, shifting: bool) -> None:
            self.moves.append(("shift" if shifting else "turn", (float(right), -float(down))))
            self.wish()

        @controller.trigger("zoom")
        def _(down: float) -> None:
            self.moves.append(("zoom", (1.1 if float(down) < 0 else 1 / 1.1,)))
            self.wish()

        @controller.trigger("reset")
        def _() -> None:
            self.moves.append(("reset", ()))
            self.wish()

    def wish(self, **wishes: Any) -> None:
        self.wishes |= wishes
        self.wanted.set()

    @property
    def pause(self) -> float | None:
        """How long to wait for a wish; None for ever."""
        if self.viewing.player.playing:
            return 0.0
        if self.quick:
            return SETTLE
        growing = self.viewing.growing
        return LOOK if growing is not None and not growing.complete else None

    @property
    def live(self) -> str:
        """Whether the run goes on; nothing where nobody asked."""
        growing = self.viewing.growing
        return "" if growing is None else "complete" if growing.complete else "growing"

    async def run(self) -> None:
        """Draws for ever."""
        while True:
            began = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wanted.wait(), self.pause)
            self.wanted.clear()
            await asyncio.sleep(GATHER)
            try:
                self.advance()
            except ViewError as error:
                self.say(str(error))
            except TROUBLE as error:
                if self.viewing.growing is None:
                    raise
                self.say(f"{type(error).__name__}: {error}")  # a file that is being written: the next look is better
                await asyncio.sleep(LOOK)
            if self.viewing.player.playing:
                await asyncio.sleep(max(0.0, began + PAUSE - time.monotonic()))

    def advance(self) -> None:
        """Grants the wishes there are, and puts what has changed on the page."""
        viewing, wishes, moves = self.viewing, self.wishes, self.moves
        self.wishes, self.moves = {}, []
        changed = viewing.news()
        if "choice" in wishes and self.choose():
            changed = True
        for name, numbers in moves:
            getattr(viewing, name)(*numbers)
        if "frame" in wishes:
            viewing.player.go(wishes["frame"])
        ticked = viewing.player.tick()
        if (
            changed
            or moves
            or ticked
            or "frame" in wishes
            or self.quick
            or viewing.player.playing != self.state.playing
        ):
            self.put(quick=bool(moves) or viewing.player.playing)

    def choose(self) -> bool:
        """Draws what was chosen anew on the page; what cannot be drawn is said there, and nothing changes."""
        state, viewing = self.state, self.viewing
        wanted = {name: state[name] or None for name, shown in self.chosen.items() if state[name] != shown}
        cut = {name: state[name] for name in self.cut}
        if cut != self.cut:
            self.cut = cut
            wanted["clip"] = viewing.cut(str(cut["cut"]), float(cut["depth"]), bool(cut["other"]))
        if not wanted:
            return False
        said = ""
        try:
            viewing.showing.choose(**wanted)
        except ViewError as error:
            said = str(error)
        self.describe()
        self.say(said)
        return True

    def say(self, words: str) -> None:
        with self.state:
            self.state.said = words

    def put(self, quick: bool = False) -> None:
        """The picture and what goes with it."""
        viewing, player = self.viewing, self.viewing.player
        self.quick = quick
        kind, picture = "jpeg" if quick else "png", viewing.picture(quick)
        with self.state:
            self.state.update({
                "picture": f"data:image/{kind};base64,{base64.b64encode(picture).decode()}", "frame": player.index,
                "last": player.count - 1, "now": viewing.now, "playing": player.playing, "live": self.live,
            })  # fmt: skip


def serve_here(
    run: Any,
    *,
    host: str = LOOPBACK,
    port: int | None = None,
    live: bool = False,
    size: Sequence[int] | None = None,
    camera: Any = None,
    **chosen: Any,
) -> None:
    """Serves the page of a run from this very process, until it is stopped. chosen: see Choices."""
    viewing = Viewing(run, live=live, size=size, camera=camera, say=tell, **chosen)
    try:
        asyncio.run(served(viewing, host, port))
    finally:
        viewing.close()


async def served(viewing: Viewing, host: str, port: int | None) -> None:
    from trame.app import get_server
    from trame.ui.html import DivLayout
    from trame.widgets import client

    os.environ["TRAME_ARGS"] = ""  # the words of this process are not for trame
    server = get_server(f"scenegrad-{id(viewing)}", client_type="vue3")
    page = Page(viewing, server)
    page.listen()
    with DivLayout(server) as layout:
        client.Style(text_of("film.css"))
        layout.root.add_child(text_of("served.html"))

    @server.controller.add("on_server_bind")
    def _(bound: Any) -> None:
        bound.app.middlewares.append(guard(host))
        bound.app.router.add_post("/paraview/", session)
        bound.app.router.add_get("/index.html", index)

    task = server.start(
        host=host, port=free_port(host, port), exec_mode="task", open_browser=False, show_connection_info=False,
        disable_logging=True, timeout=0, backend="aiohttp",
    )  # fmt: skip
    await server.ready
    name = f"[{host}]" if ":" in host else host
    print(f"http://{name}:{server.port}/", flush=True)
    if not is_loopback(host):
        tell(warning(host))
    tell(f"{viewing.title}: open this address in a browser; Ctrl-C ends it")
    tasks = [task, asyncio.create_task(page.run()), asyncio.create_task(orphaned())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        one.result()


async def session(request: Any) -> Any:
    """The page asks who will serve it before it tries the server that it came from; this saves it an error."""
    from aiohttp import web

    return web.json_response({"sessionURL": f"ws://{request.host}/ws", "secret": "wslink-secret"})


async def index(request: Any) -> Any:
    """In the place of what trame would give; see `index_page`."""
    from aiohttp import web

    return web.Response(text=index_page(), content_type="text/html", headers={"Cache-Control": "no-store"})


def guard(host: str) -> Any:
    """Turns away what does not come from the page itself; see `may_ask`."""
    from aiohttp import web

    @web.middleware
    async def only_the_page(request: web.Request, handler: Any) -> web.StreamResponse:
        if not may_ask(host, request.host, request.headers.get("Origin")):
            raise web.HTTPForbidden(text="This page is served to its own address only.")
        return await handler(request)

    return only_the_page


async def orphaned() -> None:
    """Returns when the process that started this one is gone."""
    parent = os.getppid()
    while sys.platform == "win32" or os.getppid() == parent:
        await asyncio.sleep(1.0)
