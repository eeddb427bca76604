"""Charts: values and axes agree, whatever the values are."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heapsleuth.reports.html_charts import Chart, bytes_chart, count_chart, spark

SERIES = st.lists(st.integers(0, 10**15), min_size=2, max_size=60)


def drawn(values: list[int], works: list[float | None] | None = None) -> Chart:
    chart = bytes_chart("Heap", values, works or [None] * len(values), "work")
    assert chart is not None
    return chart


@given(SERIES)
def test_every_point_lies_inside_the_axes_in_the_order_of_the_values(values: list[int]) -> None:
    chart = drawn(values)

    assert all(chart.left <= x <= chart.right and 0 <= y <= chart.bottom for x, y in chart.points)
    assert [x for x, _ in chart.points] == sorted(x for x, _ in chart.points)
    for a, (_, up_a) in zip(values, chart.points, strict=True):
        assert all(up_a <= up_b for b, (_, up_b) in zip(values, chart.points, strict=True) if a >= b)


@given(SERIES)
def test_levels_enclose_the_values_and_can_be_told_apart(values: list[int]) -> None:
    chart = drawn(values)
    texts = [tick.text for tick in chart.y_ticks]

    assert 2 <= len(texts) <= 8
    assert len(set(texts)) == len(texts)
    assert chart.y_ticks[0].at == chart.bottom
    assert len({text.split()[1] for text in texts}) == 1


@given(st.lists(st.floats(0, 1e12), min_size=2, max_size=40))
def test_labels_of_the_x_axis_do_not_overlap(works: list[float]) -> None:
    chart = drawn([1] * len(works), list(works))

    for before, after in pairwise(chart.x_ticks):
        # Two labels always stay, the first and the last.
        assert after.at - before.at > 3 * (len(before.text) + len(after.text)) or len(chart.x_ticks) == 2
    assert [chart.x_ticks[0].text, chart.x_ticks[-1].text] == [chart.labels[0], chart.labels[-1]]


def test_the_axis_begins_at_zero_unless_the_values_are_far_from_it() -> None:
    assert [tick.text for tick in drawn([2_000_000, 6_000_000]).y_ticks] == ["0 MB", "2 MB", "4 MB", "6 MB"]
    assert drawn([2_000_000, 6_000_000]).starts_at == ""
    high = drawn([30_000_000, 30_940_000])
    assert [tick.text for tick in high.y_ticks] == ["30.0 MB", "30.5 MB", "31.0 MB"]
    assert high.starts_at == "30.0 MB"


def test_what_hardly_varies_is_drawn_flat() -> None:
    chart = drawn([4_310_000, 4_312_000, 4_309_000])

    heights = [y for _, y in chart.points]
    assert max(heights) - min(heights) < 1
    assert chart.starts_at == ""


@pytest.mark.parametrize(
    ("works", "labels", "title"),
    [
        ([6000.0, 10000.0, 14000.0], ("6,000", "10,000", "14,000"), "work"),
        ([6000.0, None, 14000.0], ("1", "2", "3"), "snapshot"),
        ([3.0, 2.0, 1.0], ("1", "2", "3"), "snapshot"),
        ([1.0, math.inf, math.nan], ("1", "2", "3"), "snapshot"),
    ],
)
def test_the_x_axis_is_the_work_where_that_is_known(
    works: list[float | None], labels: tuple[str, ...], title: str
) -> None:
    chart = count_chart("Members", [1, 2, 3], works, "work")

    assert chart is not None
    assert (chart.labels, chart.x_title) == (labels, title)


def test_uneven_work_is_drawn_to_scale() -> None:
    (a, _), (b, _), (c, _) = drawn([1, 2, 3], [0.0, 10.0, 100.0]).points

    assert (b - a) / (c - a) == pytest.approx(0.1, abs=0.01)


def test_one_value_is_no_chart() -> None:
    assert bytes_chart("Heap", [5], [None], "work") is None
    assert bytes_chart("Heap", [], [], "work") is None
    assert spark([5]) is None


def test_of_many_points_only_the_last_is_marked() -> None:
    assert len(drawn(list(range(60))).dots) == 1
    assert len(drawn([1, 2, 3]).dots) == 3


@given(SERIES)
def test_a_spark_line_stays_in_its_box(values: list[int]) -> None:
    line = spark(values)

    assert line is not None
    for point in line.line.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= line.width
        assert 0 <= y <= line.height
