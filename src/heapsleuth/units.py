"""Bytes, counts, durations and shares as people read and write them.

Byte units are decimal (1 kB = 1,000 B), as in DevTools; `KiB`, `MiB`, `GiB` are binary.
"""

from __future__ import annotations

import math
import re

from heapsleuth.errors import UsageError

__all__ = [
    "format_bytes",
    "format_count",
    "format_duration",
    "format_rate",
    "format_share",
    "parse_bytes",
    "parse_duration",
]

_BYTE_UNITS = {
    "": 1, "b": 1,
    "k": 10**3, "kb": 10**3, "kib": 2**10,
    "m": 10**6, "mb": 10**6, "mib": 2**20,
    "g": 10**9, "gb": 10**9, "gib": 2**30,
    "t": 10**12, "tb": 10**12, "tib": 2**40,
}  # fmt: skip
_SECOND_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*")
_STEPS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def format_bytes(count: float) -> str:
    """Return bytes with three significant digits: `512 B`, `1.65 kB`, `331 MB`; a minus sign is kept."""
    sign, size = ("-", -count) if count < 0 else ("", count)
    # Not count >= step: 999,999 would print as 1000 kB.
    for step, unit in _STEPS:
        if size >= step * 0.9995:
            return f"{sign}{_three_digits(size / step)} {unit}"
    return f"{sign}{_three_digits(size) if size % 1 else int(size)} B"


def format_count(count: float) -> str:
    """Return a count with thousands separators; fractions keep three significant digits: `14,000`, `0.05`."""
    return f"{int(count):,}" if float(count).is_integer() else _three_digits(count)


def format_rate(per_work: float) -> str:
    """Return an amount per unit of work with two significant digits below 10: `1.0`, `0.05`, `23`."""
    if abs(per_work) >= 9.95:  # noqa: PLR2004 - what would round to 10
        return f"{per_work:,.0f}"
    digits = 1 if per_work == 0 else max(1, 1 - math.floor(math.log10(abs(per_work))))
    return f"{per_work:.{digits}f}"


def format_share(share: float) -> str:
    """Return a share in [0, 1] as per cent: `97 %`, `0.4 %`."""
    percent = share * 100
    return f"{percent:.1f} %" if 0 < percent < 1 else f"{percent:.0f} %"


def format_duration(seconds: float) -> str:
    """Return seconds as `85 ms`, `3.2 s`, `4 min 10 s` or `2 h 5 min`."""
    if seconds < 0.9995:  # noqa: PLR2004 - what would round to 1000 ms
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:  # noqa: PLR2004 - what would round to 60.0 s
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:  # noqa: PLR2004 - seconds per hour
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def parse_bytes(text: str) -> int:
    """
    Return the bytes a text such as `1.5GB`, `200 MiB` or `4096` stands for.

    Raises:
        UsageError: It is not a number with an optional unit.
    """
    return round(_parse(text, _BYTE_UNITS, "a size such as 1.5GB or 200MiB"))


def parse_duration(text: str) -> float:
    """
    Return the seconds a text such as `30s`, `5min`, `250ms` or `2h` stands for; no unit is seconds.

    Raises:
        UsageError: It is not a number with an optional unit.
    """
    return _parse(text, _SECOND_UNITS, "a duration such as 30s, 5min or 250ms")


def _parse(text: str, units: dict[str, int] | dict[str, float], expected: str) -> float:
    match = _QUANTITY.fullmatch(text)
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        message = f"expected {expected}, got {text!r}"
        raise UsageError(message)
    return float(match[1]) * factor


def _three_digits(value: float) -> str:
    size = abs(value)
    if size >= 99.95:  # noqa: PLR2004 - what would round to 100
        return f"{value:,.0f}"
    decimals = 1 if size >= 9.995 else 2  # noqa: PLR2004 - what would round to 10
    return f"{value:.{decimals}f}"
