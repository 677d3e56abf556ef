"""What a browser is given first: the page of trame, on which the run is then put together."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["index_page"]

EMPTY = '<div id="app"></div>'
LATE = re.compile(r"<script>(?:(?!</script>).)*loading\.tpl(?:(?!</script>).)*</script>", re.DOTALL)


def index_page() -> str:
    """The page as text, with the sign of waiting in it.

    trame lets its page ask for that sign and put it in place whenever the answer comes. Where the run was quicker, as
    happens on a busy machine, the sign wiped it out, and nothing but a reload brought it back. Here the sign stands
    there from the start, and the run takes its place."""
    from trame_client.module.vue3 import www

    page = Path(www, "index.html").read_text(encoding="utf-8")
    mended, found = LATE.subn("", page)
    if not found:
        return page  # of a trame that does without
    sign = Path(www, "loading.tpl").read_text(encoding="utf-8")
    return mended.replace(EMPTY, EMPTY.replace("><", f">{sign}<"))
