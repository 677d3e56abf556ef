"""A run as a short table, for notebooks: what it recorded, read from its files without drawing anything."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from scenegrad.engine.files.recorded import Output

__all__ = ["run_table"]

LEFT = ' style="text-align:left"'


def run_table(folder: Path, record: Mapping[str, Any], outputs: Mapping[str, Output]) -> str:
    """HTML of a heading and one row for each output."""
    status = f"{record['status']}, t = {record['time']:g}, {record['steps']} steps"
    trouble = f"<br>{escape(str(record['error']))}" if record.get("error") else ""
    head = f"<p><b>{escape(str(folder))}</b>: {escape(status)}{trouble}</p>"
    if not outputs:
        return f"{head}<p>Nothing is recorded yet.</p>"
    columns = "".join(f"<th{LEFT}>{name}</th>" for name in ("output", "kind", "frames", "time", "quantities"))
    return f"{head}<table><tr>{columns}</tr>{''.join(map(row, outputs.values()))}</table>"


def row(output: Output) -> str:
    span = f"{output.time[0]:g} to {output.time[-1]:g} {output.time_unit}" if len(output) else ""
    held = ", ".join(f"{q.name} {list(q.shape[1:]) or ''} [{q.units or '1'}]" for q in output.quantities.values())
    cells = (output.name, output.kind, str(len(output)), span, " ".join(held.split()))
    return "<tr>" + "".join(f"<td{LEFT}>{escape(cell)}</td>" for cell in cells) + "</tr>"
