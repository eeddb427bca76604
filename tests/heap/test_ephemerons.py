"""Names of WeakMap pairs: the byte scanner says what the pattern says, whatever the objects are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_choice import CHOICES, choose_kernels
from snapshot_builder import CHROME, NODE26, SnapshotBuilder, Style

from heapsleuth.heap import ephemerons
from heapsleuth.heap.ephemerons import NO_PAIR, find_pair_names, parse_pair_name
from heapsleuth.heap.readers import read
from heapsleuth.heap.strings import MemoryStore, StringTable

if TYPE_CHECKING:
    from pathlib import Path

TAIL = "pair in WeakMap (table @7)"
NAMES = {
    f"1 / part of key (Object @3) -> value (Object @5) {TAIL}": True,
    f"12345 / part of key ( @3) -> value ( @5) {TAIL}": True,
    f"1 / part of key (a) -> value (b @1) -> value (c @5) {TAIL}": True,
    f"1 / part of key (a @1) -> value (b @) -> value (c @5) {TAIL}": True,
    f"1 / part of key (né ü @3) -> value (Object @5) {TAIL}": True,
    f'1 / part of key ("q" \\ @3) -> value (Object @5) {TAIL}': True,
    f"1 / part of key (two\nlines @3) -> value (Object @5) {TAIL}": False,
    f"1 / part of key (a\u2028b @3) -> value (Object @5) {TAIL}": False,
    f"1 / part of key (Object @) -> value (Object @5) {TAIL}": False,
    f"1 / part of key (Object @3) -> value (Object @) {TAIL}": False,
    f"1 / part of key (Object@3) -> value (Object @5) {TAIL}": False,
    f"1 / part of key (Object @3) -> value(Object @5) {TAIL}": False,
    f"one / part of key (Object @3) -> value (Object @5) {TAIL}": False,
    f" / part of key (Object @3) -> value (Object @5) {TAIL}": False,
    f"1 / part of key (Object @3) -> value (Object @5) {TAIL} ": False,
    "1 / part of key (Object @3) -> value (Object @5) pair in WeakMap (table @)": False,
    f"1 / part of key (Object @3) -> value (Object @5)) {TAIL}": False,
    f"1 / part of key (Object @3){' ' * 60}{TAIL}": False,
    "x" * 100: False,
}


def table_of(names: list[str]) -> StringTable:
    raw = [name.encode("utf-8") for name in names]
    lengths = np.array([len(one) for one in raw], np.uint32)
    ends = np.cumsum(lengths, dtype=np.uint64)
    starts = (ends - lengths).astype(np.uint64)
    return StringTable(MemoryStore(b"".join(raw)), starts, lengths, np.zeros(len(raw), np.uint64))


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("style", [NODE26, CHROME], ids=["escaped", "UTF-8"])
def test_exactly_the_names_of_pairs_are_recognised(
    choice: str, style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose_kernels(choice, monkeypatch)
    monkeypatch.setattr(ephemerons, "_GAP_BYTES", 10)
    heap = SnapshotBuilder()
    for name in NAMES:
        heap.edge(0, "internal", name, 0)
        heap.edge(0, "internal", "something that is no pair", 0)
    strings = read(heap.write(tmp_path / "a.heapsnapshot", style)).strings
    pairs = find_pair_names(strings, np.ones(len(strings), np.uint8))
    assert pairs is not None
    for index, text in enumerate(strings):
        assert (pairs.groups[index] != NO_PAIR) == NAMES.get(text, False), text
        assert (parse_pair_name(text) is not None) == NAMES.get(text, False)
    assert set(pairs.tables.tolist()) == {7}


def test_names_that_differ_in_the_leading_number_only_are_one_pair() -> None:
    shared = "/ part of key (Object @3) -> value (Object @5) pair in WeakMap (table @{})"
    names = [f"{n} {shared.format(table)}" for n, table in [(1, 7), (22, 7), (1, 9), (1, 7123456789)]]
    pairs = find_pair_names(table_of(names), np.ones(4, np.uint8))
    assert pairs is not None
    assert pairs.groups[0] == pairs.groups[1]
    assert len(set(pairs.groups.tolist())) == 3
    assert pairs.tables[pairs.groups].tolist() == [7, 7, 9, 7123456789]


def test_a_name_that_no_internal_edge_has_is_no_pair() -> None:
    assert find_pair_names(table_of([next(iter(NAMES))]), np.zeros(1, np.uint8)) is None
    assert find_pair_names(table_of([]), np.zeros(0, np.uint8)) is None


@given(
    st.lists(
        st.sampled_from([*" @)(>-1237", " / part of key (", ") -> value (", f") {TAIL}", "é"]), max_size=20
    )
)
def test_the_scanner_and_the_pattern_agree_on_any_text(parts: list[str]) -> None:
    name = "1 / part of key (" + "".join(parts) + f" {TAIL}"
    pairs = find_pair_names(table_of([name]), np.ones(1, np.uint8))
    assert (pairs is not None) == (parse_pair_name(name) is not None)
