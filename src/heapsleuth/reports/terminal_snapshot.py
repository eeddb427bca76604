"""What one snapshot, or the difference of two, says by itself: tables of the terminal report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from heapsleuth.reports import wording
from heapsleuth.reports.page import Column, Page
from heapsleuth.units import format_bytes, format_count, format_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.leaks.model import AnalysisReport, ClassDelta, ClassRow, Comparison, SnapshotSummary

__all__ = ["add_comparison", "add_snapshot"]

_PLACE = Column("at", flexible=True, keep="end", style="cyan")
_BAR_CELLS = 24


def add_snapshot(page: Page, snapshot: SnapshotSummary, limit: int | None) -> None:
    """Add the class table, the census of live resources, waste, off-heap bytes and statistics."""
    _add_classes(page, snapshot, limit)
    _add_census(page, snapshot, limit)
    _add_waste(page, snapshot, limit)
    _add_statistics(page, snapshot)


def add_comparison(page: Page, report: AnalysisReport, comparison: Comparison, limit: int | None) -> None:
    """Add DevTools' comparison of two snapshots, the classes that grew most first."""
    rows = sorted(comparison.rows, key=lambda row: (-row.delta_bytes, *_name(row)))
    pair = (report.inputs[comparison.before], report.inputs[comparison.after])
    names = [page.fit(page.text(one.path), 30, "end") for one in pair]
    page.heading("Comparison", f" {page.symbols.arrow} ".join(names))
    columns = (
        Column("class", flexible=True),
        Column("new", right=True),
        Column("deleted", right=True),
        Column("delta", right=True),
        Column("alloc. size", right=True),
        Column("freed size", right=True),
        Column("size delta", right=True, style="bold"),
    )
    page.table(columns, [_delta_row(page, row) for row in rows[:limit]], gap=1)
    _add_rest(page, len(rows), limit, "class", "classes")


def _name(row: ClassRow | ClassDelta) -> tuple[str, str]:
    return row.class_name, wording.place(row.location)


def _delta_row(page: Page, row: ClassDelta) -> tuple[str, ...]:
    return (
        page.text(row.class_name),
        _signed(row.new, format_count),
        _signed(-row.deleted, format_count),
        _signed(row.delta, format_count),
        _signed(row.allocated_bytes, format_bytes),
        _signed(-row.freed_bytes, format_bytes),
        _signed(row.delta_bytes, format_bytes),
    )


def _signed(value: int, form: Callable[[float], str]) -> str:
    return f"+{form(value)}" if value > 0 else form(value)


def _add_classes(page: Page, snapshot: SnapshotSummary, limit: int | None) -> None:
    rows = sorted(snapshot.classes, key=lambda row: (-row.retained_bytes, *_name(row)))
    page.heading("Classes", "by retained size")
    columns = (
        Column("class", flexible=True),
        _PLACE,
        Column("count", right=True),
        Column("shallow", right=True),
        Column("retained", right=True, style="bold"),
        Column("distance", right=True),
    )
    page.table(
        columns,
        [
            (
                page.text(row.class_name),
                page.text(wording.place(row.location)),
                format_count(row.count),
                format_bytes(row.shallow_bytes),
                format_bytes(row.retained_bytes),
                str(row.distance) if row.distance >= 0 else "-",
            )
            for row in rows[:limit]
        ],
    )
    _add_rest(page, len(rows), limit, "class", "classes")


def _add_census(page: Page, snapshot: SnapshotSummary, limit: int | None) -> None:
    if not snapshot.census:
        return
    page.heading("Live resources", "listeners, timers, promises, handles")
    columns = (
        Column("kind"),
        Column("name", flexible=True),
        Column("count", right=True, style="bold"),
        Column("retained", right=True),
        _PLACE,
    )
    page.table(
        columns,
        [
            (
                page.text(row.kind, 24),
                page.text(row.name),
                format_count(row.count),
                format_bytes(row.retained_bytes),
                page.text(wording.place(row.location)),
            )
            for row in snapshot.census[:limit]
        ],
    )
    _add_rest(page, len(snapshot.census), limit, "row")


def _add_waste(page: Page, snapshot: SnapshotSummary, limit: int | None) -> None:
    if not snapshot.waste:
        return
    page.heading("Waste", "duplicates, huge strings and buffers, empty collections")
    columns = (
        Column("kind"),
        Column("what", flexible=True),
        Column("count", right=True),
        Column("bytes", right=True, style="bold"),
    )
    page.table(
        columns,
        [
            (page.text(row.kind, 24), page.text(row.name), format_count(row.count), format_bytes(row.bytes))
            for row in snapshot.waste[:limit]
        ],
    )
    _add_rest(page, len(snapshot.waste), limit, "row")


def _add_statistics(page: Page, snapshot: SnapshotSummary) -> None:
    total = sum(size for _, size in snapshot.statistics)
    page.heading("Memory by kind", f"{format_bytes(total)} in the heap" if total else "")
    rows = [
        (page.text(name, 30), format_bytes(size), format_share(size / total), _bar(page, size / total))
        for name, size in snapshot.statistics
        if total and size
    ]
    note = "behind ArrayBuffers and other native nodes"
    rows.append(("off-heap", format_bytes(snapshot.off_heap_bytes), "", note))
    columns = (Column("kind"), Column("bytes", right=True), Column("", right=True), Column("", style="dim"))
    page.table(columns, rows, header=False)


def _bar(page: Page, share: float) -> str:
    return page.symbols.levels[-1] * round(share * _BAR_CELLS)


def _add_rest(page: Page, total: int, limit: int | None, noun: str, nouns: str = "") -> None:
    if limit is not None and total > limit:
        rest = wording.plural(total - limit, f"more {noun}", f"more {nouns or noun + 's'}")
        page.add(Text(f"{page.symbols.ellipsis} {rest} (--all shows them)", style="dim"), indent=2)
