"""Mutated snapshots: either a SnapshotError, or columns in which every index is in range."""

from __future__ import annotations

import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from snapshot_builder import BUN, CHROME, DENO, NODE22, NODE26, TIMELINE, join_sections, leaky_heap

from heapsleuth.errors import SnapshotError
from heapsleuth.heap.kinds import EdgeType
from heapsleuth.heap.readers import cursor, numbers, read

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.fuzz

SECONDS = 10.0
"""Far more than any of these small files may take, even on a busy machine."""
SECTIONS = [leaky_heap(3).sections(style) for style in (NODE22, NODE26, DENO, CHROME, BUN, TIMELINE)]
NUMBERS = [
    "-1", "0", "1", "7", "255", "256", "4294967295", "4294967296", "9223372036854775808",
    "18446744073709551616", "1" * 40, "1e9", "1.5", "-0", "null", "true", "[]",
    "{}", '""', "", "NaN", ",", "]",
]  # fmt: skip
TOKENS = [
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b"\\",
    b"\\u12",
    b"\0",
    b"\n",
    b"-",
    b"9" * 25,
    b"\xff",
    b"\xef\xbb\xbf",
]

HEADER_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from([[], {}, [[]], 10**12, 2**32 - 2, "type", "name", 0, 1])
)


@st.composite
def changed_bytes(draw: st.DrawFn) -> bytes:
    """Bytes flipped, cut out, doubled, replaced; or the file cut."""
    data = join_sections(draw(st.sampled_from(SECTIONS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.sampled_from([0, 1, 2, 7, 40, 400]))
        kind = draw(st.sampled_from(["flip", "remove", "double", "insert", "cut", "noise"]))
        if kind == "flip":
            data = (
                data[:at]
                + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))] if data else b"")
                + data[at + 1 :]
            )
        elif kind == "remove":
            data = data[:at] + data[at + length :]
        elif kind == "double":
            data = data[: at + length] + data[at:]
        elif kind == "insert":
            data = data[:at] + draw(st.sampled_from(TOKENS)) + data[at:]
        elif kind == "noise":
            data = data[:at] + draw(st.binary(max_size=20)) + data[at + length :]
        else:
            data = data[:at]
    return data


@st.composite
def changed_numbers(draw: st.DrawFn) -> bytes:
    """Numbers of the arrays replaced, records removed or repeated."""
    sections = dict(draw(st.sampled_from(SECTIONS)))
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(["nodes", "edges", "locations"]))
        values: list[str] = [str(value) for value in json.loads(leaky_json(sections, name))]
        at = draw(st.integers(0, max(0, len(values) - 1)))
        kind = draw(st.sampled_from(["replace", "replace", "remove", "insert"]))
        new = draw(st.sampled_from(NUMBERS) | st.integers(0, 300).map(str))
        if kind == "replace":
            values[at : at + 1] = [new]
        elif kind == "remove":
            del values[at : at + draw(st.integers(1, 8))]
        else:
            values.insert(at, new)
        sections[name] = "[" + ",".join(values) + "]"
    return join_sections(sections)


def leaky_json(sections: dict[str, str], name: str) -> str:
    """The section if it is still a list, else an empty one: an earlier change may have broken it."""
    try:
        return sections[name] if isinstance(json.loads(sections[name]), list) else "[]"
    except ValueError:
        return "[]"


@st.composite
def changed_sections(draw: st.DrawFn) -> bytes:
    """Sections removed, repeated, in another order, of another file, or something else."""
    sections = draw(st.sampled_from(SECTIONS))
    names = draw(st.permutations(list(sections)))
    if draw(st.booleans()):
        names = ["snapshot", *(name for name in names if name != "snapshot")]
    members = []
    for name in names:
        if draw(st.integers(0, 9)) == 0:
            continue
        source = draw(st.sampled_from(SECTIONS)) if draw(st.integers(0, 5)) == 0 else sections
        text = source.get(name, "[]")
        if draw(st.integers(0, 12)) == 0:
            text = draw(st.sampled_from(["null", "{}", "[]", '"x"', "[[]]", "1", "[1]", '["a"]', "[" * 500]))
        members.append(f'"{name}":{text}')
        if draw(st.integers(0, 12)) == 0:
            members.append(members[-1])
    return ("{" + ",".join(members) + "}").encode()


@st.composite
def changed_header(draw: st.DrawFn) -> bytes:
    """Values anywhere in the header replaced."""
    sections = draw(st.sampled_from(SECTIONS))
    header: Any = json.loads(sections["snapshot"])
    for _ in range(draw(st.integers(1, 3))):
        place = header
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], (dict, list)) and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.integers(0, 4)) == 0:
                del place[key]
            else:
                place[key] = draw(HEADER_VALUES)
            break
    return join_sections({**sections, "snapshot": json.dumps(header)})


def is_valid(columns: Any) -> bool:
    n, m, strings = columns.node_count, columns.edge_count, len(columns.strings)
    first = columns.first_edges.tolist()
    named = ~((columns.edge_types == EdgeType.ELEMENT) | (columns.edge_types == EdgeType.HIDDEN))
    odd = columns.node_ids[columns.node_ids % 2 == 1].tolist()
    return (
        n > 0
        and len(columns.node_names) == len(columns.node_ids) == len(columns.self_sizes) == n
        and len(columns.edge_names) == len(columns.edge_targets) == m
        and len(first) == n + 1
        and first[0] == 0
        and first[-1] == m
        and first == sorted(first)
        and int(columns.node_types.max()) <= 16
        and int(columns.edge_types.max(initial=0)) <= 7
        and int(columns.node_names.max()) < strings
        and int(columns.edge_names[named].max(initial=0)) < max(strings, 1)
        and int(columns.edge_targets.max(initial=0)) < n
        and int(columns.location_nodes.max(initial=0)) < n
        and (columns.detachedness is None or int(columns.detachedness.max()) <= 2)
        and len(odd) == len(set(odd))
        and len(columns.strings.decode_many(range(strings))) == strings
        and columns.strings.hashes.shape == (strings,)
    )


def judge(
    data: bytes, *, block: int = 1 << 20, threads: bool = False, pack: Callable[[bytes], bytes] = bytes
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(cursor, "BLOCK_BYTES", block)
        patch.setattr(numbers, "_THREADED_BYTES", 0 if threads else 1 << 60)
        path = Path(folder) / "a.heapsnapshot"
        path.write_bytes(pack(data))
        begun = time.process_time()
        try:
            columns = read(path)
        except SnapshotError as error:
            problem = str(error)
        else:
            assert is_valid(columns)
            del columns
            problem = str(path)
        assert problem.startswith(str(path))
        assert time.process_time() - begun < SECONDS


BOUNDED = settings(
    max_examples=max(150, settings.default.max_examples), suppress_health_check=list(HealthCheck)
)


@given(data=changed_bytes(), block=st.sampled_from([64, 333, 1 << 20]), threads=st.booleans())
@BOUNDED
@example(data=b"", block=64, threads=False)
@example(data=b"{", block=64, threads=True)
@example(data=b'{"snapshot":', block=64, threads=False)
def test_changed_bytes_never_surprise_the_reader(data: bytes, block: int, threads: bool) -> None:
    judge(data, block=block, threads=threads)


@given(data=changed_numbers(), block=st.sampled_from([64, 1 << 20]))
@BOUNDED
def test_changed_numbers_never_surprise_the_reader(data: bytes, block: int) -> None:
    judge(data, block=block)


@given(data=changed_sections())
@BOUNDED
def test_changed_sections_never_surprise_the_reader(data: bytes) -> None:
    judge(data)


@given(data=changed_header())
@BOUNDED
def test_a_changed_header_never_surprises_the_reader(data: bytes) -> None:
    judge(data)


@given(data=changed_bytes(), damage=st.integers(0, 10**6), flip=st.integers(0, 255), cut=st.booleans())
@settings(parent=BOUNDED, max_examples=max(50, settings.default.max_examples // 4))
def test_changed_compressed_files_never_surprise_the_reader(
    data: bytes, damage: int, flip: int, cut: bool
) -> None:
    def pack(raw: bytes) -> bytes:
        packed = bytearray(gzip.compress(raw, 1))
        packed[damage % len(packed)] ^= flip
        return bytes(packed[: damage % len(packed)] if cut else packed)

    judge(data, pack=pack)


@given(data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode) | st.just(b"").map(bytes))
@BOUNDED
def test_rubbish_never_surprises_the_reader(data: bytes) -> None:
    judge(data)
