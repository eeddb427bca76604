"""Places in code and async stacks, as parts of a finding in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from heapsleuth.leaks.model import SITE_ROLES
from heapsleuth.reports import wording
from heapsleuth.units import format_bytes, format_count

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from heapsleuth.leaks.model import AsyncStack, Finding, Site
    from heapsleuth.places import SourceLocation
    from heapsleuth.reports.page import Page

__all__ = ["add_sites", "add_stacks"]

_MOST_SITES = 4
_MOST_STACKS = 5
_FEW_STACKS = 2
_MOST_FUNCTIONS = 8
_NAME_LENGTH = 60
_MARK = "> "


def add_sites(page: Page, finding: Finding, *, whole: bool) -> None:
    """Add each place with its lines of code, the meant one marked; only that one unless *whole*."""
    # Where they are stands beside holder and members already.
    said = {finding.holder.location, finding.members.location}
    label = "code"
    for site in finding.sites[:_MOST_SITES]:
        if not site.code and site.location in said:
            continue
        page.field(label, _heading(page, site, said), hanging=2)
        label = ""
        _add_lines(page, site, whole=whole)


def _heading(page: Page, site: Site, said: Collection[SourceLocation | None]) -> Text:
    known = site.location in said
    place = wording.short_place(site.location) if known else wording.place(site.location)
    role = SITE_ROLES.get(site.role, site.role)
    # The end of a path says which file it is.
    text = Text(page.fit(page.text(place), page.field_width, "end"), "cyan")
    return text.append(f" {page.text(role, _NAME_LENGTH)}", "dim")


def _add_lines(page: Page, site: Site, *, whole: bool) -> None:
    lines = [line for line in site.code if whole or line.marked]
    while lines and not lines[-1].text.strip():
        lines.pop()
    while lines and not lines[0].text.strip():
        lines.pop(0)
    margin = _common_margin([line.text for line in lines])
    digits = max((len(str(line.number)) for line in lines), default=0)
    for line in lines:
        mark = _MARK if line.marked else " " * len(_MARK)
        number = f"{mark}{line.number:>{digits}}  "
        shown = page.text(line.text.expandtabs(4)[margin:], 300)
        text = page.fit(shown, page.field_width - len(number))
        style = "bold" if line.marked else ""
        page.field("", Text.assemble((number, "bold yellow" if line.marked else "dim"), (text, style)))


def _common_margin(lines: Sequence[str]) -> int:
    """Return the blanks that all lines begin with."""
    texts = [line.expandtabs(4) for line in lines if line.strip()]
    return min((len(text) - len(text.lstrip(" ")) for text in texts), default=0)


def add_stacks(page: Page, stacks: Sequence[AsyncStack], *, whole: bool) -> None:
    """Add who waits: `412 stuck in loadUser ← handler`, with bytes and the place of the innermost."""
    most = _MOST_STACKS if whole else _FEW_STACKS
    label = "waiting"
    for stack in stacks[:most]:
        page.field(label, _stack(page, stack), hanging=2)
        label = ""
    if len(stacks) > most:
        rest = sum(stack.count for stack in stacks[most:])
        page.field("", Text(f"{page.symbols.ellipsis} {format_count(rest)} more in other functions", "dim"))


def _stack(page: Page, stack: AsyncStack) -> Text:
    names = [page.text(name, _NAME_LENGTH) for name in stack.functions[:_MOST_FUNCTIONS]]
    if len(stack.functions) > _MOST_FUNCTIONS:
        names.append(page.symbols.ellipsis)
    joint = f" {page.symbols.back} "
    innermost = names[0] if names else "(unknown function)"
    text = Text.assemble(f"{format_count(stack.count)} stuck in ", (innermost, "bold"))
    text.append("".join(f"{joint}{name}" for name in names[1:]))
    if stack.location is not None:
        text.append(" at ", "dim").append(page.text(wording.short_place(stack.location)), "cyan")
    return text.append(f"  {format_bytes(stack.retained_bytes)}", "dim")
