"""Hypothesis strategies for checks: everything `CheckReport` can hold, hostile strings included."""

from __future__ import annotations

from hypothesis import strategies as st
from report_strategies import reports, texts

from heapsleuth.errors import ExitCode
from heapsleuth.leaks.check_model import (
    CheckReport,
    CheckTarget,
    CriterionResult,
    Growth,
    LoadSummary,
    Round,
)
from heapsleuth.leaks.model import Verdict, Warning_

__all__ = ["checks"]

_COUNTS = st.integers(0, 10**9)
_SIZES = st.integers(0, 10**13)
_ANY = st.floats(allow_nan=True, allow_infinity=True)
_SECONDS = st.floats(0, 1e6)
_FIGURES = st.lists(st.tuples(texts(), _ANY), max_size=3).map(tuple)


def checks() -> st.SearchStrategy[CheckReport]:
    """Whole checks."""
    rounds = st.builds(
        Round, st.floats(0, 1e12), _SIZES, _SIZES, _SIZES, _SIZES, _SECONDS, st.none() | texts()
    )
    statuses = st.lists(
        st.tuples(st.integers(100, 599), _COUNTS), max_size=3, unique_by=lambda one: one[0]
    ).map(tuple)
    loads = st.builds(
        LoadSummary,
        _COUNTS,
        _COUNTS,
        _COUNTS,
        _COUNTS,
        _SECONDS,
        st.floats(0, 1e7),
        st.none() | _SECONDS,
        st.none() | _SECONDS,
        statuses,
    )
    growth = st.builds(Growth, texts(), st.sampled_from(Verdict), _ANY, texts())
    criteria = st.builds(CriterionResult, texts(), st.sampled_from([True, False, None]), texts(), _FIGURES)
    return st.builds(
        CheckReport,
        target=st.builds(
            CheckTarget, st.sampled_from(["module", "command", "browser"]), texts(), texts(), texts()
        ),
        verdict=st.sampled_from([Verdict.LEAK, Verdict.CLEAN, Verdict.UNDECIDED]),
        exit_code=st.sampled_from(ExitCode),
        reason=texts(),
        rounds=st.lists(rounds, max_size=3).map(lambda rows: tuple(rows * 6)),
        growth=st.lists(growth, max_size=2).map(tuple),
        criteria=st.lists(criteria, max_size=3).map(tuple),
        analysis=st.none() | reports(),
        load=st.none() | loads,
        fail_on=st.floats(0, 1),
        duration_s=_SECONDS,
        warnings=st.lists(st.builds(Warning_, texts(), texts()), max_size=2).map(tuple),
        output_tail=texts(),
    )
