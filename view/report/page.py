"""A report as one HTML page that stands beside its pictures."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Sequence
from pathlib import Path

from scenegrad.engine.files.atomic import write_text
from scenegrad.view.report.chapter import Chapter, Claim, Picture, Table

__all__ = ["write_report"]


def write_report(
    title: str, lead: str, chapters: Sequence[Chapter], machine: str, path: Path, *, alone: bool = False
) -> Path:
    """Writes the page; it appears whole or not at all. lead: the first sentence. machine: where it was
    measured, if it was.

    alone: with the pictures inside, so that the file can be sent or moved by itself.
    """
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    seconds = sum(chapter.seconds for chapter in chapters)
    made = f"<br>\nMade in {span(seconds)} on {html.escape(machine)}." if machine else ""
    folder = None if alone else path.parent
    body = "\n".join(section(number, chapter, folder) for number, chapter in enumerate(chapters, 1))
    page = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title><style>{style}</style>
<h1>{html.escape(title)}</h1>
<p class="lead">{html.escape(lead)}{made}</p>
{body}
</html>
"""
    write_text(path, page)
    return path


def span(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90.0 else f"{seconds / 60:.1f} minutes"


def section(number: int, chapter: Chapter, folder: Path | None) -> str:
    paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in chapter.text.split("\n\n"))
    code = f"<pre>{html.escape(chapter.code)}</pre>" if chapter.code else ""
    tables = "".join(map(table, chapter.tables))
    figures = "".join(figure(picture, folder) for picture in chapter.pictures)
    facts = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in chapter.facts.items())
    known = f'<table class="facts">{facts}</table>' if facts else ""
    head = f"<h2>{number}. {html.escape(chapter.title)}</h2>"
    return f"{head}{paragraphs}{code}{verdicts(chapter.claims)}{tables}{figures}{known}"


def verdicts(claims: Sequence[Claim]) -> str:
    rows = "".join(
        f'<tr><td>{html.escape(claim.what)}</td><td class="number">{claim.value:.4g}</td>'
        f'<td class="number" title="{html.escape(claim.source)}">{"at most" if claim.at_most else "at least"} '
        f"{claim.limit:.4g}</td>"
        f'<td class="{"ok" if claim.holds else "failed"}">{"holds" if claim.holds else "fails"}</td></tr>'
        for claim in claims
    )
    return f"<table><tr><th>Claim</th><th>Measured</th><th>Limit</th><th></th></tr>{rows}</table>" if rows else ""


def table(made: Table) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in made.columns)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"" if isinstance(cell, str) else "number"}">{html.escape(Table.shown(cell))}</td>'
            for cell in row
        )
        + "</tr>"
        for row in made.rows
    )
    caption = f"<caption>{html.escape(made.caption)}</caption>" if made.caption else ""
    return f"<table>{caption}<tr>{head}</tr>{rows}</table>"


def figure(picture: Picture, folder: Path | None) -> str:
    """folder: of the page; None puts the picture into it."""
    place, caption = html.escape(source(picture.path, folder)), html.escape(picture.caption)
    return f'<figure><img src="{place}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'


def source(picture: Path, folder: Path | None) -> str:
    if folder is not None:
        return os.path.relpath(picture, folder)
    kind = picture.suffix.lstrip(".").lower().replace("jpg", "jpeg").replace("svg", "svg+xml")
    return f"data:image/{kind};base64,{base64.b64encode(picture.read_bytes()).decode()}"
