"""The scanners against obvious twins written with `re` and `json`, compiled and interpreted."""

from __future__ import annotations

import importlib.util
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heapsleuth.kernels import scan as built

if TYPE_CHECKING:
    from types import ModuleType


def load_interpreted() -> ModuleType:
    import heapsleuth.kernels

    source = Path(heapsleuth.kernels.__file__).with_name("scan.py")
    spec = importlib.util.spec_from_file_location("interpreted_scan", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


INTERPRETED = load_interpreted()


@pytest.fixture(params=[built, INTERPRETED], ids=["as built", "interpreted"])
def scan(request: pytest.FixtureRequest) -> Any:
    return request.param


def naive_integers(text: bytes, widest: int) -> tuple[list[int], int, int]:
    """The grammar, one token at a time: numbers, status, position."""
    numbers: list[int] = []
    position = 0
    status = built.AFTER_COMMA
    while position < len(text):
        if found := re.match(rb"[ \t\r\n]+", text[position:]):
            position += found.end()
        elif status == built.AFTER_COMMA and (found := re.match(rb"[0-9]+", text[position:])):
            too_long = found.end() > (10 if widest == 2**32 - 1 else 19)
            if too_long or int(found.group()) > widest:
                return numbers, built.TOO_WIDE, position
            numbers.append(int(found.group()))
            position += found.end()
            status = built.AFTER_NUMBER
        elif status == built.AFTER_NUMBER and text[position] == ord(","):
            position += 1
            status = built.AFTER_COMMA
        else:
            return numbers, built.BAD_BYTE, position
    return numbers, status, position


def run_integers(module: Any, text: bytes, *, wide: bool = False) -> tuple[list[int], int, int]:
    # Digits on both sides must not be taken for a part of the text.
    block = bytearray(b"77" + text + b"77")
    out = np.zeros((len(text) + 1) // 2 + 1, np.uint64 if wide else np.uint32)
    function = module.scan_integers_wide if wide else module.scan_integers
    stop, status, position = function(block, 2, 2 + len(text), out, 0)
    return out[:stop].tolist(), status, position - 2


INTEGER_TEXTS = st.lists(
    st.sampled_from([b"0", b"7", b"12", b"345", b"6789", b"123456", b"1234567", b"12345678", b"4294967295"])
    | st.sampled_from([b"4294967296", b"12345678901", b"9999999999999999999", b"10000000000000000000"])
    | st.sampled_from([b",", b",", b",", b",", b"\n", b" ", b"\r\n,", b"\t"])
    | st.sampled_from([b"-", b".", b"]", b"x", b"\x00", b"\xff", b"/", b":"]),
    max_size=12,
).map(b"".join)


@given(text=INTEGER_TEXTS)
@settings(max_examples=400)
def test_integers_are_what_a_tokenizer_finds(text: bytes) -> None:
    for module in (built, INTERPRETED):
        assert run_integers(module, text) == naive_integers(text, 2**32 - 1)
        assert run_integers(module, text, wide=True) == naive_integers(text, 10**19 - 1)


def test_a_long_list_of_numbers_of_every_length_is_read(scan: Any) -> None:
    seeded = random.Random(1)
    numbers = [seeded.randrange(10 ** seeded.randrange(1, 10)) for _ in range(3000)] + [2**32 - 1]
    text = ",".join(str(number) for number in numbers).encode()

    assert run_integers(scan, text) == (numbers, scan.AFTER_NUMBER, len(text))


def test_writing_begins_where_the_caller_says(scan: Any) -> None:
    out = np.full(8, 99, np.uint32)

    assert scan.scan_integers(b"1,2,", 0, 4, out, 3) == (5, scan.AFTER_COMMA, 4)
    assert out.tolist() == [99, 99, 99, 1, 2, 99, 99, 99]


NODE_ROWS = [[1, 30, 7, 16, 2, 0, 0], [0, 5, 9, 4294967295, 0, 3, 2], [2, 31, 11, 0, 1, 0, 0]]


def run_nodes(
    module: Any, rows: list[list[int]], fields: list[int]
) -> tuple[tuple[int, int, int], list[list[int]]]:
    flat = np.array([99, 99, *(value for row in rows for value in row)], np.uint32)
    columns = [np.zeros(4, np.uint8), *(np.zeros(4, np.uint32) for _ in range(4))]
    codes = np.array([10, 11, 12], np.uint8)
    outcome = module.scatter_nodes(flat, 2, len(rows), np.array(fields, np.int32), codes, *columns, 1)
    return tuple(int(value) for value in outcome), [column.tolist() for column in columns]  # type: ignore[return-value]


def test_nodes_are_spread_over_their_columns(scan: Any) -> None:
    outcome, columns = run_nodes(scan, NODE_ROWS, [7, 0, 1, 2, 3, 4, 6])

    assert outcome == (0, 31, 2)
    assert columns == [
        [0, 11, 10, 12],
        [0, 30, 5, 31],
        [0, 7, 9, 11],
        [0, 16, 4294967295, 0],
        [0, 2, 0, 1],
    ]


def test_nodes_without_detachedness_have_none(scan: Any) -> None:
    outcome, _ = run_nodes(scan, [row[:5] for row in NODE_ROWS], [5, 0, 1, 2, 3, 4, -1])

    assert outcome == (0, 31, 0)


@pytest.mark.parametrize("kind", [3, 255, 256, 4294967295])
def test_a_node_type_outside_the_table_is_flagged(scan: Any, kind: int) -> None:
    outcome, _ = run_nodes(scan, [NODE_ROWS[0], [kind, 5, 9, 4, 0, 0, 0]], [7, 0, 1, 2, 3, 4, 6])

    assert outcome[0] == scan.BAD_TYPE


def run_edges(
    module: Any, rows: list[list[int]], width: int = 7, nodes: int = 5
) -> tuple[tuple[int, int], list[list[int]]]:
    flat = np.array([99, *(value for row in rows for value in row)], np.uint32)
    columns = [np.zeros(4, np.uint8), np.zeros(4, np.uint32), np.zeros(4, np.uint32)]
    codes, named = np.array([2, 1], np.uint8), np.array([1, 0], np.uint8)
    fields = np.array([3, 0, 1, 2], np.int32)
    outcome = module.scatter_edges(flat, 1, len(rows), fields, codes, named, width, nodes, *columns, 0)
    return tuple(int(value) for value in outcome), [column.tolist() for column in columns]  # type: ignore[return-value]


def test_edges_are_spread_and_their_targets_become_node_indices(scan: Any) -> None:
    outcome, columns = run_edges(scan, [[0, 4, 0], [1, 4000000000, 28], [0, 3, 7]])

    assert outcome == (0, 4)
    assert columns == [[2, 1, 2, 0], [4, 4000000000, 3, 0], [0, 4, 1, 0]]


@pytest.mark.parametrize("target", [1, 6, 8, 27, 29, 34, 35, 36, 2**31, 2**32 - 4, 2**32 - 1])
def test_an_edge_to_no_node_is_flagged(scan: Any, target: int) -> None:
    outcome, _ = run_edges(scan, [[0, 4, target]])

    assert outcome[0] == scan.BAD_TARGET


@pytest.mark.parametrize("width", [1, 3, 5, 6, 7, 11, 32])
def test_targets_are_divided_exactly_up_to_32_bits(scan: Any, width: int) -> None:
    last = (2**32 - 1) // width
    for node in (last, last - 1, last // 2, 2**24 // width, 1):
        outcome, columns = run_edges(
            scan, [[0, 1, node * width]], width, last + 1 if last < 2**32 - 1 else last
        )
        if node < 2**32 - 1:
            assert (outcome[0], columns[2][0]) == (0, node)


def test_an_edge_type_outside_the_table_is_flagged(scan: Any) -> None:
    assert run_edges(scan, [[2, 4, 7]])[0][0] == scan.BAD_TYPE
    assert run_edges(scan, [[2, 4, 8]])[0][0] == scan.BAD_TYPE | scan.BAD_TARGET


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([1, 3, 5, 7], -1),
        ([1, 3, 5, 3], 3),
        ([2, 2, 4, 2, 1], -1),
        ([17, 1, 15, 31, 1], 4),
        ([2**32 - 1, 2**32 - 1], 1),
    ],
)
def test_repeated_odd_ids_are_found_and_even_ones_are_not_looked_at(
    scan: Any, ids: list[int], expected: int
) -> None:
    seen = np.zeros(max(ids) // 16 + 1, np.uint8)

    assert scan.mark_ids(np.array(ids, np.uint32), seen) == expected


def naive_hash(raw: bytes) -> int:
    mask = 2**64 - 1
    value = 0xD6E8FEB86659FD93 ^ len(raw)
    whole = len(raw) // 8 * 8
    for at in (*range(0, whole, 8), whole):
        word = int.from_bytes(raw[at : min(at + 8, len(raw))], "little")
        value = (value ^ word) * 0x9FB21C651E98DF25 & mask
        value ^= value >> 32
    value = value * 0xD6E8FEB86659FD93 & mask
    return value ^ value >> 29


def scan_all(module: Any, data: bytes, step: int, room: int = 2) -> tuple[list[bytes], int]:
    """
    Scan an array of strings (behind its bracket) as the reader does: carry on, grow, repeat.

    Returns the raw strings and where the array ended: -1 if it did not, -2 - p if p is a bad byte.
    """
    arrays = [np.zeros(room, np.uint64), np.zeros(room, np.uint32), np.zeros(room, np.uint64)]
    start, end, count, state = 0, min(step, len(data)), 0, module.STRING_OR_END
    while True:
        block = bytearray(data[start:end])
        count, status, behind, state = module.scan_strings(block, 0, len(block), start, state, *arrays, count)
        start += behind
        if status == module.STRINGS_FULL:
            for array in arrays:
                array.resize(len(array) * 2, refcheck=False)
        elif status != module.STRINGS_MORE or end == len(data):
            break
        else:
            end = min(end + step, len(data))
    offsets, lengths, hashes = (array[:count].tolist() for array in arrays)
    assert [naive_hash(data[a : a + b]) for a, b in zip(offsets, lengths, strict=True)] == hashes
    texts = [data[a : a + b] for a, b in zip(offsets, lengths, strict=True)]
    if status == module.STRINGS_DONE:
        return texts, start
    return texts, -1 if status == module.STRINGS_MORE else -2 - start


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8),
    ascii_only=st.booleans(),
    blank=st.sampled_from(["", " ", "\n"]),
    step=st.integers(1, 30),
)
def test_strings_are_found_whatever_the_block_size(
    texts: list[str], ascii_only: bool, blank: str, step: int
) -> None:
    literals = [json.dumps(text, ensure_ascii=ascii_only).replace("\x7f", "\\u007f") for text in texts]
    data = (blank + f"{blank},{blank}".join(literals) + blank + "]").encode()

    for module in (built, INTERPRETED):
        found, behind = scan_all(module, data + b"tail", step)
        assert found == [literal[1:-1].encode() for literal in literals]
        assert behind == len(data)


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (b'"a""b"]', 3),
        (b'"a",]', 4),
        (b',"a"]', 0),
        (b'"a",,"b"]', 4),
        (b'"a" x]', 4),
        (b'"a\nb"]', 2),
        (b'"a\\xb"]', 3),
        (b'"\\u12G4"]', 5),
        (b"12]", 0),
        (b"null]", 0),
    ],
)
def test_what_is_no_list_of_strings_is_refused_where_it_goes_wrong(
    scan: Any, data: bytes, position: int
) -> None:
    for step in (1, 3, 100):
        assert scan_all(scan, data, step)[1] == -2 - position


@pytest.mark.parametrize("data", [b"", b'"', b'"a', b'"a\\', b'"a\\u00', b'"a"', b'"a",', b'"a\\"'])
def test_an_unfinished_list_of_strings_asks_for_more(scan: Any, data: bytes) -> None:
    assert scan_all(scan, data, 100)[1] == -1


@given(
    value=st.recursive(
        st.text(max_size=5) | st.integers() | st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=10,
    ).filter(lambda value: isinstance(value, (list, dict, str))),
    step=st.integers(1, 20),
)
def test_a_value_is_stepped_over_to_its_last_byte(value: Any, step: int) -> None:
    text = json.dumps(value).encode()
    data = text + b',"next":[1]}'
    for module in (built, INTERPRETED):
        state = np.zeros(3, np.int64)
        at, done = 0, False
        while not done:
            end = min(at + step, len(data))
            done, behind = module.skip_value(data[at:end], 0, end - at, state)
            at += behind
        assert at == len(text)
