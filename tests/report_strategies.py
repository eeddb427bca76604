"""Hypothesis strategies for reports: everything `AnalysisReport` can hold, hostile strings included."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from heapsleuth.leaks.model import (
    AnalysisReport,
    AsyncStack,
    CensusRow,
    ClassDelta,
    ClassRow,
    CodeLine,
    Comparison,
    Evidence,
    Finding,
    Fix,
    Holder,
    Input,
    Members,
    PathStep,
    Site,
    SnapshotSummary,
    Verdict,
    Warning_,
    WasteRow,
)
from heapsleuth.places import Package, SourceLocation

__all__ = ["fewer", "findings", "reports", "texts"]

fewer = settings(max_examples=max(30, settings().max_examples // 3))
"""For tests over whole reports, each of which takes as many draws as thirty small values."""

_NASTY = st.sampled_from(
    [
        "\x1b[31m",
        "\x1b]8;;http://example.invalid\x07x",
        "[red]",
        "[/]",
        "a\nb",
        "\r\x08",
        "\u202e\u2066",
        "\ud800",
        "|`*_<b>&amp;",
        "</script><script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "````",
        "日本語",
        "e\u0301",
        "👩\u200d👩",
        "k" * 400,
        "\\",
        "\x9b2J",
        "\t",
        "",
    ]
)
_SMALL = st.integers(0, 10**6)
_SIZES = st.integers(0, 10**13)
_FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def texts() -> st.SearchStrategy[str]:
    """Strings as a heap may hold them; lone surrogates too."""
    # Few draws each: a report holds a hundred of them.
    return st.one_of(_NASTY, st.text(st.characters(), max_size=8), st.tuples(_NASTY, _NASTY).map("".join))


def _locations() -> st.SearchStrategy[SourceLocation | None]:
    return st.none() | st.builds(
        SourceLocation,
        texts(),
        st.none() | st.integers(1, 10**6),
        st.none() | _SMALL,
        st.none() | texts(),
        st.booleans(),
    )


def _packages() -> st.SearchStrategy[Package | None]:
    return st.none() | st.builds(Package, texts(), st.none() | texts())


def _series(length: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(_SIZES, min_size=length, max_size=length).map(tuple)


def _evidence() -> st.SearchStrategy[tuple[Evidence, ...]]:
    return st.lists(st.builds(Evidence, texts(), texts(), _FLOATS), max_size=2).map(
        lambda rows: tuple(rows * 3)
    )


def findings(
    snapshots: int, verdicts: tuple[Verdict, ...] = (Verdict.LEAK, Verdict.UNDECIDED)
) -> st.SearchStrategy[Finding]:
    """Findings over so many snapshots."""
    members = st.builds(
        Members, texts(), _locations(), _series(snapshots), _series(snapshots), _FLOATS, _FLOATS
    )
    return st.builds(
        Finding,
        signature=texts(),
        category=texts(),
        verdict=st.sampled_from(verdicts),
        confidence=st.floats(0, 1),
        title=texts(),
        holder=st.builds(Holder, texts(), texts(), _SMALL, _locations(), _packages()),
        members=members,
        exclusive_bytes=_SIZES,
        path=st.lists(st.builds(PathStep, texts(), texts(), _SMALL, st.booleans()), max_size=3).map(
            lambda steps: tuple(steps * 4)
        ),
        evidence_for=_evidence(),
        evidence_against=_evidence(),
        also_retained=st.lists(texts(), max_size=2).map(lambda titles: tuple(titles * 3)),
        also_retained_by=st.lists(texts(), max_size=2).map(tuple),
        related=st.lists(texts(), max_size=2).map(tuple),
        sites=_sites(),
        stacks=_stacks(),
        settles=st.none() | texts(),
        fix=st.none() | st.builds(Fix, texts(), texts(), texts(), texts()),
        suppressed=st.none() | texts(),
    )


def _sites() -> st.SearchStrategy[tuple[Site, ...]]:
    roles = st.sampled_from(["holder", "added", "member", "captured"])
    lines = st.lists(st.builds(CodeLine, st.integers(1, 10**6), texts(), st.booleans()), max_size=2).map(
        tuple
    )
    places = st.builds(SourceLocation, texts(), st.none() | st.integers(1, 10**6))
    return st.lists(st.builds(Site, roles, places, _packages(), lines), max_size=2).map(tuple)


def _stacks() -> st.SearchStrategy[tuple[AsyncStack, ...]]:
    functions = st.lists(texts(), max_size=3).map(tuple)
    return st.lists(st.builds(AsyncStack, functions, _locations(), _SMALL, _SIZES), max_size=2).map(tuple)


def _snapshots() -> st.SearchStrategy[SnapshotSummary]:
    rows = st.builds(ClassRow, texts(), _locations(), _SMALL, _SIZES, _SIZES, st.integers(-1, 100))
    return st.builds(
        SnapshotSummary,
        classes=st.lists(rows, max_size=3).map(lambda rows: tuple(rows * 9)),
        census=st.lists(st.builds(CensusRow, texts(), texts(), _SMALL, _SIZES, _locations()), max_size=4).map(
            tuple
        ),
        waste=st.lists(st.builds(WasteRow, texts(), texts(), _SMALL, _SIZES), max_size=4).map(tuple),
        off_heap_bytes=_SIZES,
        statistics=st.lists(st.tuples(texts(), _SIZES), max_size=6).map(tuple),
    )


def _comparisons(snapshots: int) -> st.SearchStrategy[Comparison]:
    signed = st.integers(-(10**12), 10**12)
    rows = st.builds(
        ClassDelta,
        texts(),
        _locations(),
        _SMALL,
        _SMALL,
        st.integers(-(10**6), 10**6),
        _SIZES,
        _SIZES,
        signed,
    )
    return st.builds(Comparison, st.just(0), st.just(snapshots - 1), st.lists(rows, max_size=3).map(tuple))


@st.composite
def reports(draw: st.DrawFn) -> AnalysisReport:
    """Whole reports; series have one value per input, as the analysis promises."""
    count = draw(st.sampled_from([1, 2, 3, 5]))
    works = st.none() | st.floats(0, 1e12)
    inputs = draw(
        st.lists(
            st.builds(Input, texts(), _SIZES, _SIZES, _SIZES, _SIZES, works, texts()),
            min_size=count,
            max_size=count,
        )
    )
    single = count == 1
    warnings = st.lists(st.builds(Warning_, texts(), texts()), max_size=3).map(tuple)
    return AnalysisReport(
        mode="single" if single else draw(st.sampled_from(["identity", "structural"])),
        verdict=Verdict.UNDECIDED
        if single
        else draw(st.sampled_from([Verdict.LEAK, Verdict.CLEAN, Verdict.UNDECIDED])),
        inputs=tuple(inputs),
        findings=draw(st.lists(findings(count), max_size=3).map(tuple)),
        bounded=draw(st.lists(findings(count, (Verdict.BOUNDED,)), max_size=2).map(tuple)),
        warnings=draw(warnings),
        snapshot=draw(_snapshots()) if single else None,
        comparison=None if single else draw(st.none() | _comparisons(count)),
        model=draw(st.sampled_from(["provisional-1", "2026-01"])),
    )
