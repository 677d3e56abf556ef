"""Reports: what was done, what it shows, and the claims that it must meet, on one page with its pictures."""

from scenegrad.view.report.chapter import Chapter, Claim, Picture, Stage, Table
from scenegrad.view.report.page import write_report
from scenegrad.view.report.play import play

__all__ = ["Chapter", "Claim", "Picture", "Stage", "Table", "play", "write_report"]
