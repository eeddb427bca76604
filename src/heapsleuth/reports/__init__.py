"""Renderings of an `AnalysisReport`; they only format.

One file per form.  `RENDERERS` is the list of them; each module has `render(report, out)`, and is
imported when it is first asked for, so that the JSON form never pays for the terminal's libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TextIO, cast

if TYPE_CHECKING:
    from heapsleuth.leaks.model import AnalysisReport

__all__ = ["RENDERERS", "Renderer", "renderer"]

RENDERERS = {
    "json": "heapsleuth.reports.json",
    "markdown": "heapsleuth.reports.markdown",
    "terminal": "heapsleuth.reports.terminal",
}
"""Module by the name users give to a form."""


class Renderer(Protocol):
    """Writes a report to a text stream and opens nothing else; the same report gives the same text."""

    def __call__(self, report: AnalysisReport, out: TextIO) -> None:
        """Write `report` to `out`."""


def renderer(name: str) -> Renderer:
    """
    Return the renderer of that name.

    Raises:
        KeyError: No renderer has this name.
    """
    return cast("Renderer", import_module(RENDERERS[name]).render)
