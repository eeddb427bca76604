"""What the documentation says of a kind of leak, so that the page explains itself offline.

The docstring of a detector's module is its page in `docs/leaks`; of its Markdown, this knows what those
pages use: headings, paragraphs, code, lists and links.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Block", "Kind", "about"]

_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*")
_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, code, or a link."""

    form: str
    """`heading`, `text`, `code` or `link`."""
    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A category with its page."""

    category: str
    title: str
    blocks: tuple[Block, ...]


def about(categories: Iterable[str]) -> list[Kind]:
    """Return the pages of the categories, each once, in their order; those without a page are left out."""
    pages = (_page(category) for category in dict.fromkeys(categories))
    return [page for page in pages if page is not None]


def _page(category: str) -> Kind | None:
    if not _CATEGORY.fullmatch(category):
        return None
    try:
        module = import_module(f"heapsleuth.leaks.detectors.{category.replace('-', '_')}")
    except ModuleNotFoundError:
        return None
    title, _, body = cleandoc(module.__doc__ or "").partition("\n")
    blocks = tuple(_blocks(body))
    return Kind(category, title.rstrip("."), blocks) if any(b.form == "heading" for b in blocks) else None


def _blocks(body: str) -> Iterable[Block]:
    # Split by code: at odd positions stands what was between fences.
    for position, part in enumerate(_FENCE.split(body)):
        if position % 2:
            yield Block("code", part.rstrip("\n"))
            continue
        for paragraph in filter(None, map(str.strip, part.split("\n\n"))):
            yield from _paragraph(paragraph)


def _paragraph(paragraph: str) -> Iterable[Block]:
    if paragraph.startswith("## "):
        yield Block("heading", paragraph[3:])
    elif paragraph.startswith("- "):
        for item in re.split(r"\n?^- ", paragraph, flags=re.MULTILINE)[1:]:
            link = _LINK.search(item)
            yield Block("link", link[1], link[2]) if link else Block("text", _plain(item))
    else:
        yield Block("text", _plain(paragraph))


def _plain(text: str) -> str:
    """Return the text on one line; of links to other pages, which are not here, only their words."""
    return " ".join(_LINK.sub(r"\1", text).replace("**", "").split())
