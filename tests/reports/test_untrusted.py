"""Cleaning strings of a heap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_strategies import texts

from heapsleuth.reports.untrusted import ascii_only, clean, clean_block, shorten


@given(texts(), st.integers(1, 300))
def test_what_is_cleaned_is_one_printable_line(text: str, limit: int) -> None:
    assert clean(text, limit).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P"], include_characters=" "), max_size=100))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b2J", "\\x9b2J"),
        ("\x7f", "\\x7f"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("user\u202egnp", "user\\u202egnp"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
        ("a\u00a0b", "a\\xa0b"),
    ],
)
def test_what_acts_on_a_terminal_is_spelled_out(raw: str, safe: str) -> None:
    assert clean(raw) == safe


@given(st.text(max_size=60), st.integers(1, 80))
def test_shortening_keeps_both_ends_and_the_limit(text: str, limit: int) -> None:
    short = shorten(text, limit)

    assert len(short) <= limit
    if len(text) <= limit:
        assert short == text
    else:
        head, tail = short.split("…", 1) if "…" not in text else (short[:0], short[:0])
        assert text.startswith(head)
        assert text.endswith(tail)


def test_a_block_keeps_its_lines_and_its_indentation() -> None:
    assert clean_block("if (x) {\n\ty();\n}") == ["if (x) {", "    y();", "}"]
    assert clean_block("") == []


def test_a_block_of_megabytes_is_cut() -> None:
    assert sum(map(len, clean_block("x\n" * 10**6))) < 10_000


def test_punctuation_has_its_like_in_ascii() -> None:
    assert ascii_only("a → b × 3 … é") == "a -> b x 3 ... \\xe9"
