"""Facts about series: rate, share of growing intervals, what happened last."""

from __future__ import annotations

import pytest

from heapsleuth.leaks.confidence import load_model
from heapsleuth.leaks.evidence import Judgement, judge
from heapsleuth.leaks.growth import fit
from heapsleuth.leaks.model import Verdict
from heapsleuth.leaks.series import Series


def series(counts: tuple[int, ...], survivors: tuple[int, ...] | None = None, **others: object) -> Series:
    values: dict[str, object] = {
        "counts": counts,
        "references": counts,
        "retained": tuple(100 * count for count in counts),
        "shallow": (0,) * len(counts),
        "present": (True,) * len(counts),
        "survivors": counts if survivors is None else survivors,
    }
    return Series(**{**values, **others})  # type: ignore[arg-type]


def judged(*counts: int, survivors: tuple[int, ...] | None = None) -> Judgement | None:
    return judge(series(counts, survivors), range(len(counts)), load_model())


def codes(judgement: Judgement | None, *, against: bool = False) -> set[str]:
    assert judgement is not None
    return {fact.code for fact in (judgement.evidence_against if against else judgement.evidence_for)}


def test_the_rate_is_per_unit_of_work_even_when_intervals_differ() -> None:
    growth = fit([10, 20, 70], [100, 200, 700])
    assert growth.rate == pytest.approx(0.1)
    assert growth.steadiness == pytest.approx(1.0)
    assert growth.tail == pytest.approx(1.0)


def test_growth_that_stopped_has_a_tail_of_nothing() -> None:
    assert fit([0, 10_000, 10_000], [1, 2, 3]).tail == 0


def test_growth_only_at_the_end_is_a_late_start() -> None:
    growth = fit([5, 5, 9], [1, 2, 3])
    assert growth.late_start
    assert growth.growing_share == 0.5


def test_two_values_have_no_tail_to_compare() -> None:
    assert fit([5, 9], [1, 2]).tail == 1.0


def test_steady_growth_that_releases_nothing_is_a_leak() -> None:
    judgement = judged(1000, 2000, 3000)
    assert judgement is not None
    assert judgement.verdict is Verdict.LEAK
    assert judgement.confidence >= 0.8
    assert codes(judgement) >= {"grows-every-interval", "keeps-pace", "nothing-released"}


def test_one_interval_is_never_more_than_undecided() -> None:
    judgement = judged(1000, 2000)
    assert judgement is not None
    assert judgement.verdict is Verdict.UNDECIDED
    assert "one-interval" in codes(judgement, against=True)


def test_warm_up_is_bounded() -> None:
    judgement = judged(0, 10_000, 10_000)
    assert judgement is not None
    assert judgement.verdict is Verdict.BOUNDED
    assert "stopped" in codes(judgement, against=True)


def test_churn_at_constant_size_says_nothing() -> None:
    assert (
        judge(series((3000, 3000, 3000), (0, 0, 3000), retained=(9, 9, 9)), (1, 2, 3), load_model()) is None
    )


def test_a_holder_that_lets_members_go_is_trusted_less() -> None:
    keeps, releases = judged(100, 200, 300), judged(100, 200, 300, survivors=(10, 60, 300))
    assert keeps is not None
    assert releases is not None
    assert releases.confidence < keeps.confidence
    assert "some-released" in codes(releases, against=True)


def test_more_intervals_make_it_surer() -> None:
    few, many = judged(100, 200, 300), judged(*range(100, 900, 100))
    assert few is not None
    assert many is not None
    assert many.confidence > few.confidence


def test_slowing_growth_is_told_against() -> None:
    judgement = judged(0, 1000, 1200)
    assert "slowing" in codes(judgement, against=True)


def test_the_same_member_listed_again_and_again_is_growth_of_references() -> None:
    judgement = judge(series((1, 1, 1), references=(100, 200, 300)), (1, 2, 3), load_model())
    assert judgement is not None
    assert judgement.metric == "references"
    assert judgement.growth.rate == pytest.approx(100)


def test_one_field_that_retains_more_and_more_is_growth_in_bytes() -> None:
    kept = series((1, 1, 1), retained=(10_000, 20_000, 30_000), single=True)
    judgement = judge(kept, (1, 2, 3), load_model())
    assert judgement is not None
    assert judgement.metric == "bytes"


def test_bytes_of_a_whole_collection_are_not_growth_of_that_collection() -> None:
    inside = series((5, 5, 5), retained=(10_000, 20_000, 30_000))
    assert judge(inside, (1, 2, 3), load_model()) is None


def test_a_holder_born_later_is_judged_from_its_birth() -> None:
    young = series((0, 100, 200, 300), present=(False, True, True, True))
    judgement = judge(young, (0, 1, 2, 3), load_model())
    assert judgement is not None
    assert judgement.growth.intervals == 2
    assert "young-holder" in codes(judgement, against=True)
