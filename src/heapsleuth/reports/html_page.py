"""What makes a page of a report: the templates, and the rule that no string from a heap is markup.

Three things hold for every template.  Whatever it prints is escaped (autoescape), and before that made
visible and cut (`_shown`, the environment's `finalize`), so that forgetting a filter does no harm.  The
page allows itself no request, and no style or script but the two it carries, known by their hashes.
No template has a `style` or `on…` attribute; the policy would refuse them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from heapsleuth._version import __version__
from heapsleuth.leaks.model import SITE_ROLES
from heapsleuth.reports import wording
from heapsleuth.reports.untrusted import clean, clean_block, shorten
from heapsleuth.units import format_bytes, format_count, format_duration, format_share

if TYPE_CHECKING:
    from typing import TextIO

    from jinja2 import BaseLoader

    from heapsleuth.places import SourceLocation

__all__ = ["make_environment", "write"]

_LONGEST = 600
"""Characters of a string that are shown where a template does not ask for fewer."""
_WORDS = {
    "bounded": "Bounded",
    "clean": "Clean",
    "failed": "Could not run",
    "leak": "Leak",
    "suspect": "Suspect",
    "undecided": "Undecided",
}
_CODE_PARTS = re.compile(r"`([^`]+)`")
_WEB = re.compile(r"https://[\w./%~:?=&#-]+")


def write(template: str, out: TextIO, *, base_dir: str = "", **context: Any) -> None:
    """
    Write a page.

    Args:
        template: Its file in `templates/`.
        out: Where to.
        base_dir: Absolute path of a folder; paths inside lose it wherever they stand. Empty: none do.
        context: What the template reads.
    """
    style, script = _asset("report.css"), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    page = _environment(base_dir.rstrip("/")).get_template(template)
    out.write(
        page.render(
            # Ours, from files of the package.
            style=Markup(style),  # noqa: S704
            script=Markup(script),  # noqa: S704
            policy=policy,
            **context,
        )
    )


@lru_cache(maxsize=4)
def _environment(folder: str) -> Environment:
    return make_environment(PackageLoader("heapsleuth.reports", "templates"), folder)


def make_environment(loader: BaseLoader, folder: str = "") -> Environment:
    """
    Return what renders templates by the rules above; the dashboard's pages are made with one, too.

    Args:
        loader: Where the templates are.
        folder: Absolute path of a folder that paths are shown relative to; empty: all are shown whole.
    """
    # As a whole path only: not the end of a longer one, not the beginning of a neighbour's name.
    inside = re.compile(rf"(?<![\w.-]){re.escape(folder)}(?:/|(?![\w.-]))") if folder else None
    environment = Environment(
        loader=loader,
        autoescape=True,
        finalize=partial(_shown, inside=inside),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        amount=format_bytes,
        bytes_rate=wording.byte_rate,
        code_lines=clean_block,
        count=format_count,
        cut=shorten,
        count_rate=wording.count_rate,
        duration=format_duration,
        held=wording.holder,
        place=_place,
        probability=wording.probability,
        prose=partial(_prose, inside=inside),
        share=format_share,
        signed_bytes=lambda value: _signed(value, format_bytes(value)),
        signed_count=lambda value: _signed(value, format_count(value)),
        web=lambda text: text if _WEB.fullmatch(text) else "",
    )
    environment.globals.update(
        plural=wording.plural, site_roles=SITE_ROLES, tool_version=__version__, words=_WORDS
    )
    return environment


def _shown(value: Any, inside: re.Pattern[str] | None) -> Any:
    """Return what a template prints for a value: markup of our own as it is, every string made harmless."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    # The folder itself is the current one.
    near = inside.sub(lambda path: "" if path[0].endswith("/") else ".", value) if inside else value
    return clean(near, _LONGEST)


def _prose(text: str, inside: re.Pattern[str] | None) -> Markup:
    """Return a sentence whose `names` in backticks are code."""
    parts = _CODE_PARTS.split(_shown(text, inside))
    pieces = (
        # Both sides of the format are escaped by it.
        Markup("<code>{}</code>").format(part) if position % 2 else escape(part)
        for position, part in enumerate(parts)
    )
    return Markup("").join(pieces)


def _place(location: SourceLocation | None) -> str:
    return wording.place(location)


def _signed(value: float, text: str) -> str:
    return f"+{text}" if value > 0 else text


@cache
def _asset(name: str) -> str:
    text = files("heapsleuth.reports").joinpath("templates", name).read_text(encoding="utf-8")
    return text.strip()


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
