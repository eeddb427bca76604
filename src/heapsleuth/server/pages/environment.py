"""How pages are rendered: templates by the rules of the HTML report, whose own pieces are in reach."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from jinja2 import ChoiceLoader, PackageLoader
from markupsafe import Markup

from heapsleuth.reports.html_page import make_environment
from heapsleuth.reports.untrusted import clean
from heapsleuth.server.pages.assets import address
from heapsleuth.server.pages.viewer import ACTIONS
from heapsleuth.server.pages.words import hours_text

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["POLICY", "REPORT_POLICY", "render"]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: nothing inline, nothing from elsewhere."""
REPORT_POLICY = "frame-ancestors 'none'"
"""Of a full report, which is one file and brings a stricter policy of its own with it."""


def render(template: str, **context: Any) -> str:
    """Return a page."""
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> Environment:
    environment = make_environment(
        ChoiceLoader(
            [
                PackageLoader("heapsleuth.server", "templates"),
                PackageLoader("heapsleuth.reports", "templates"),
            ]
        )
    )
    environment.filters.update(data=_data, hours=hours_text, when=_when, segment=_segment)
    environment.globals.update(address=address, actions=ACTIONS)
    return environment


def _when(at_ms: float) -> Markup:
    """Return a time as an element; a script writes it in the viewer's time zone, the title keeps UTC."""
    if not at_ms:
        return Markup('<span class="quiet">never</span>')
    at = dt.datetime.fromtimestamp(at_ms / 1000, tz=dt.UTC)
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), at.strftime("%Y-%m-%d %H:%M:%S"), at.strftime("%Y-%m-%d %H:%M")
    )


def _segment(text: str) -> str:
    """Return a name as one segment of an address; `.` and `..` must not climb."""
    return quote(text, safe="").replace(".", "%2E") if text.strip(".") == "" else quote(text, safe="")


def _data(value: Any) -> Markup:
    """Return a value as JSON that can stand in a script element: no `<` in it ends the element."""
    text = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY, default=_cleaned).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - it holds no character that is markup


def _cleaned(value: object) -> str:
    return clean(str(value))
