"""Numbers as people read and write them."""

from __future__ import annotations

import pytest

from heapsleuth import units
from heapsleuth.errors import UsageError


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (999.4, "999 B"),
        (1000, "1.00 kB"),
        (1650.2, "1.65 kB"),
        (12_345, "12.3 kB"),
        (999_499, "999 kB"),
        (999_950, "1.00 MB"),
        (331_000_000, "331 MB"),
        (1_670_814_014, "1.67 GB"),
        (2_500_000_000_000_000, "2,500 TB"),
        (-4096, "-4.10 kB"),
    ],
)
def test_bytes_are_printed_with_three_digits(count: float, text: str) -> None:
    assert units.format_bytes(count) == text


@pytest.mark.parametrize(("count", "text"), [(14_000, "14,000"), (0.05, "0.05"), (2.0, "2"), (-3, "-3")])
def test_counts_have_thousands_separators(count: float, text: str) -> None:
    assert units.format_count(count) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(1, "1.0"), (0.05, "0.050"), (0.5, "0.50"), (9.94, "9.9"), (9.96, "10"), (1650.2, "1,650"), (0, "0.0")],
)
def test_rates_keep_two_digits_below_ten(rate: float, text: str) -> None:
    assert units.format_rate(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.085, "85 ms"),
        (0.9996, "1.0 s"),
        (3.21, "3.2 s"),
        (59.96, "1 min 0 s"),
        (250, "4 min 10 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_use_the_unit_that_fits(seconds: float, text: str) -> None:
    assert units.format_duration(seconds) == text


@pytest.mark.parametrize(("share", "text"), [(0.97, "97 %"), (0.004, "0.4 %"), (0, "0 %"), (1, "100 %")])
def test_shares_are_printed_as_per_cent(share: float, text: str) -> None:
    assert units.format_share(share) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [("4096", 4096), ("1.5GB", 1_500_000_000), (" 200 MiB ", 209_715_200), ("10k", 10_000), ("3 b", 3)],
)
def test_sizes_are_read_with_decimal_and_binary_units(text: str, count: int) -> None:
    assert units.parse_bytes(text) == count


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5min", 300), ("5m", 300), ("250ms", 0.25), ("2h", 7200), ("1d", 86400), ("7", 7)],
)
def test_durations_are_read_with_their_unit(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "GB", "-5MB", "5 parsecs", "1e9", "nan", "5MB5"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a size such as 1\.5GB or 200MiB, got "):
        units.parse_bytes(text)


def test_what_is_no_duration_is_refused_with_an_example() -> None:
    with pytest.raises(UsageError, match="expected a duration such as 30s, 5min or 250ms, got '5 GB'"):
        units.parse_duration("5 GB")
