"""The report of the demo: one HTML page that stands beside its pictures."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from pathlib import Path

from scenegrad.demo.chapter import Chapter

__all__ = ["write_report"]


def write_report(chapters: Sequence[Chapter], machine: str, path: Path) -> Path:
    """Writes the page; it appears whole or not at all."""
    style = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    seconds = sum(chapter.seconds for chapter in chapters)
    body = "\n".join(section(number, chapter, path.parent) for number, chapter in enumerate(chapters, 1))
    page = f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>scenegrad demo</title><style>{style}</style>
<h1>scenegrad demo</h1>
<p class="lead">Describe a physical scene once: simulate it, differentiate it, learn it, look at it.<br>
Made in {seconds / 60:.1f} minutes on {html.escape(machine)}.</p>
{body}
</html>
"""
    part = path.with_suffix(".part")
    part.write_text(page, encoding="utf-8")
    os.replace(part, path)
    return path


def section(number: int, chapter: Chapter, folder: Path) -> str:
    paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in chapter.text.split("\n\n"))
    figures = "".join(
        f'<figure><img src="{html.escape(os.path.relpath(picture.path, folder))}" alt="{html.escape(picture.caption)}">'
        f"<figcaption>{html.escape(picture.caption)}</figcaption></figure>"
        for picture in chapter.pictures
    )
    rows = "".join(
        f'<tr><td>{html.escape(claim.what)}</td><td class="number">{claim.value:.4g}</td>'
        f'<td class="number">{"at most" if claim.at_most else "at least"} {claim.limit:.4g}</td>'
        f'<td class="{"ok" if claim.holds else "failed"}">{"holds" if claim.holds else "fails"}</td></tr>'
        for claim in chapter.claims
    )
    table = f"<table><tr><th>Claim</th><th>Measured</th><th>Limit</th><th></th></tr>{rows}</table>" if rows else ""
    facts = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in chapter.facts.items())
    known = f'<table class="facts">{facts}</table>' if facts else ""
    return f"<h2>{number}. {html.escape(chapter.title)}</h2>{paragraphs}{table}{figures}{known}"
