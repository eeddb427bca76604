"""The string table: decoding, searching, and a file that changes underneath."""

from __future__ import annotations

import gc
import json
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshot_builder import CHROME, NODE22, SnapshotBuilder, join_sections, json_string

from heapsleuth.errors import SnapshotError
from heapsleuth.heap import strings as strings_module
from heapsleuth.heap.readers import read
from heapsleuth.heap.strings import FileStore, MemoryStore, StringTable, hash_raw

if TYPE_CHECKING:
    from pathlib import Path

    from snapshot_builder import Style

TEXTS = [
    "plain",
    'with "quotes" and \\',
    "tab\tline\nbell\b\f\r",
    "Grüße",
    "日本語",
    "\x7f",
    "\u2028",
    "a/b",
    "",
]


def heap_with(texts: list[str]) -> SnapshotBuilder:
    heap = SnapshotBuilder()
    for text in texts:
        heap.add(heap.root, "property", "p", "string", text)
    return heap


def table_of(raws: list[bytes], **kwargs: int) -> StringTable:
    data = b'","'.join(raws)
    lengths = [len(raw) for raw in raws]
    offsets = np.cumsum([0, *(length + 3 for length in lengths)])[: len(raws)]
    hashes = [hash_raw(raw) for raw in raws]
    return StringTable(
        MemoryStore(data),
        offsets.astype(np.uint32),
        np.array(lengths, np.uint32),
        np.array(hashes, np.uint64),
        **{"size": len(data), **kwargs},
    )


@pytest.mark.parametrize("style", [NODE22, CHROME], ids=["escaped", "raw UTF-8"])
def test_every_string_reads_as_json_says_and_is_found_again(tmp_path: Path, style: Style) -> None:
    path = heap_with(TEXTS).write(tmp_path / "a.heapsnapshot", style)
    expected = json.loads(path.read_bytes())["strings"]
    table = read(path).strings

    assert len(table) == len(expected)
    assert [table[index] for index in range(len(table))] == expected
    assert list(table) == expected
    assert [table.find(text) for text in expected] == list(range(len(expected)))
    assert table.find("not there") is None
    assert table.lengths.tolist() == [len(table.raw(index)) for index in range(len(table))]


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=30),
    raw=st.booleans(),
)
def test_any_text_is_found_in_either_spelling(text: str, raw: bool) -> None:
    spelling = json_string(text, raw=raw)[1:-1].encode()
    table = table_of([b"before", spelling, b"behind"])

    assert table[1] == text
    assert table.find(text) == 1


def test_an_emoji_is_found_as_v8_writes_it() -> None:
    # V8 keeps the low 16 bits of a character outside the basic plane.
    assert table_of([b"\\uF600"]).find("\U0001f600") == 0
    assert table_of(["\U0001f600".encode()])[0] == "\U0001f600"


def test_what_is_no_text_is_replaced_and_never_fails_to_print() -> None:
    table = table_of([b"cut \\ud83d", b"\\udc00 low", b"pair \\ud83d\\ude00", b"bad \xff utf-8", b"\xe6\x97"])
    texts = list(table)

    assert texts[0] == "cut \ufffd"
    assert texts[1] == "\ufffd low"
    assert texts[2] == "pair \U0001f600"
    assert texts[3] == "bad \ufffd utf-8"
    for text in texts:
        text.encode("utf-8")


def test_an_index_out_of_range_is_an_index_error() -> None:
    table = table_of([b"a", b"b"])
    for index in (-1, 2, 10**9):
        with pytest.raises(IndexError):
            table[index]
        with pytest.raises(IndexError):
            table.decode_many([0, index])


def test_many_are_decoded_in_the_order_asked_for_with_repeats() -> None:
    raws = [f"text {number}".encode() for number in range(100)]
    table = table_of(raws)
    wanted = [7, 99, 7, 0, 55]

    assert table.decode_many(wanted) == [f"text {index}" for index in wanted]
    assert table.decode_many(np.array(wanted, np.uint32)) == [f"text {index}" for index in wanted]
    assert table.decode_many([]) == []


class CountingStore(MemoryStore):
    """Counts how often it is asked."""

    reads = 0

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read(offset, length)


def test_neighbours_are_fetched_in_one_read_and_distant_ones_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strings_module, "_KEEP_BYTES", 0)
    table = table_of([b"x" * 100 for _ in range(1000)])
    store = CountingStore(b"x" * 200_000)
    table.store = store

    table.decode_many([1, 2, 3, 999])
    assert store.reads == 2


def test_a_small_section_is_fetched_once() -> None:
    table = table_of([b"a", b"b", b"c"])
    store = CountingStore(b'a","b","c')
    table.store = store

    assert [table[0], table[2], table[1], *table] == ["a", "c", "b", "a", "b", "c"]
    assert store.reads == 1


def test_equal_bytes_hash_equally_in_every_snapshot(tmp_path: Path) -> None:
    first = read(heap_with(["a", "shared", "b"]).write(tmp_path / "a.heapsnapshot")).strings
    second = read(heap_with(["shared", "c"]).write(tmp_path / "b.heapsnapshot")).strings
    common = set(first.hashes.tolist()) & set(second.hashes.tolist())

    shared = [text for text in first if hash_raw(text.encode()) in common]
    assert shared == ["<dummy>", "", "shared", "p"]


def test_two_strings_with_one_hash_are_told_apart() -> None:
    table = table_of([b"left", b"right"])
    hashes = table.hashes.copy()
    hashes[:] = hash_raw(b"right")
    clash = StringTable(table.store, table.offsets, table.lengths, hashes, size=table.size)

    assert clash.find("right") == 1


@pytest.mark.parametrize("keep", [0, 1 << 20])
@pytest.mark.parametrize("change", ["shorter", "longer", "same size"])
def test_a_file_that_changes_while_it_is_used_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, keep: int
) -> None:
    monkeypatch.setattr(strings_module, "_KEEP_BYTES", keep)
    path = heap_with(TEXTS).write(tmp_path / "a.heapsnapshot")
    table = read(path).strings
    data = path.read_bytes()
    with path.open("r+b") as file:
        if change == "shorter":
            file.truncate(len(data) - 60)
        else:
            file.write(data + b" " if change == "longer" else b"x" * len(data))
    os.utime(path, ns=(0, 10**9))

    with pytest.raises(SnapshotError, match="the file changed while it was being analysed"):
        table.decode_many(range(len(table)))


def test_a_file_that_is_deleted_can_still_be_read(tmp_path: Path) -> None:
    path = heap_with(TEXTS).write(tmp_path / "a.heapsnapshot")
    table = read(path).strings
    path.unlink()

    assert table[table.find("Grüße") or 0] == "Grüße"


def test_a_closed_store_ends_in_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    store = FileStore(os.open(tmp_path / "f", os.O_RDONLY), "f")
    store.close()
    store.close()

    with pytest.raises(SnapshotError, match="reading strings failed"):
        store.read(0, 1)


def test_a_forgotten_store_closes_its_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    fd = os.open(tmp_path / "f", os.O_RDONLY)
    store = FileStore(fd, "f")
    del store
    gc.collect()

    with pytest.raises(OSError):
        os.fstat(fd)


def test_without_pread_reading_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pread")
    (tmp_path / "f").write_bytes(b"abcdef")
    store = FileStore(os.open(tmp_path / "f", os.O_RDONLY), "f")

    assert (store.read(2, 3), store.read(0, 2)) == (b"cde", b"ab")


def test_arrays_of_the_table_cannot_be_written(tmp_path: Path) -> None:
    table = read(heap_with(TEXTS).write(tmp_path / "a.heapsnapshot")).strings

    for array in (table.offsets, table.lengths, table.hashes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_long_string_over_many_blocks_is_one_string(tmp_path: Path) -> None:
    long = 'ab\\"é' * 200_000
    sections = heap_with(["x"]).sections()
    path = tmp_path / "a.heapsnapshot"
    path.write_bytes(
        join_sections({**sections, "strings": sections["strings"][:-1] + "," + json_string(long) + "]"})
    )
    table = read(path).strings

    assert table[len(table) - 1] == long
    assert table.find(long) == len(table) - 1
