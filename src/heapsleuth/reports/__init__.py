"""Renderings of an `AnalysisReport` or a `CheckReport`; they only format.

One file per form and kind of report.  `RENDERERS` and `CHECK_RENDERERS` list them; each module has
`render(report, out)`, and is imported when it is first asked for, so that the JSON form never pays
for the terminal's libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

if TYPE_CHECKING:
    from heapsleuth.leaks.check_model import CheckReport
    from heapsleuth.leaks.model import AnalysisReport

__all__ = ["CHECK_RENDERERS", "RENDERERS", "CheckRenderer", "Renderer", "check_renderer", "renderer"]

RENDERERS = {
    "html": "heapsleuth.reports.html",
    "json": "heapsleuth.reports.json",
    "junit": "heapsleuth.reports.junit",
    "markdown": "heapsleuth.reports.markdown",
    "sarif": "heapsleuth.reports.sarif",
    "terminal": "heapsleuth.reports.terminal",
}
"""Module by the name users give to a form."""

CHECK_RENDERERS = {
    "html": "heapsleuth.reports.check_html",
    "json": "heapsleuth.reports.check_json",
    "junit": "heapsleuth.reports.check_junit",
    "markdown": "heapsleuth.reports.check_markdown",
    "sarif": "heapsleuth.reports.check_sarif",
    "terminal": "heapsleuth.reports.check_terminal",
}
"""The same forms of a check."""


class Renderer(Protocol):
    """Writes a report to a text stream and opens nothing else; the same report gives the same text."""

    def __call__(self, report: AnalysisReport, out: TextIO, **options: Any) -> None:
        """Write `report` to `out`; options are those of the form."""


class CheckRenderer(Protocol):
    """As `Renderer`, for checks."""

    def __call__(self, report: CheckReport, out: TextIO, **options: Any) -> None:
        """Write `report` to `out`; options are those of the form."""


def renderer(name: str) -> Renderer:
    """
    Return the renderer of that name.

    Raises:
        KeyError: No renderer has this name.
    """
    return cast("Renderer", import_module(RENDERERS[name]).render)


def check_renderer(name: str) -> CheckRenderer:
    """
    Return the renderer of that name for checks.

    Raises:
        KeyError: No renderer has this name.
    """
    return cast("CheckRenderer", import_module(CHECK_RENDERERS[name]).render)
