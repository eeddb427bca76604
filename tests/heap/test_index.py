"""The index on disk: a second look at once, and never a wrong answer from a bad one."""

from __future__ import annotations

import logging
import os
import stat
import struct
import zlib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from snapshot_builder import NODE22, NODE26, leaky_heap

from heapsleuth.errors import SnapshotError
from heapsleuth.heap import cache, index
from heapsleuth.heap.index import Index, IndexWriter
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from heapsleuth.heap.columns import Columns


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEAPSLEUTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HEAPSLEUTH_CACHE_BYTES", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return leaky_heap(100).write(tmp_path / "a.heapsnapshot", NODE22)


def keep(path: Path, **arrays: Any) -> bool:
    with IndexWriter(path, least_bytes=0) as writer:
        writer.add_columns(read(path))
        for name, array in arrays.items():
            writer.add(name, array)
        return writer.commit({"note": [1, "two"]})


def reopen(path: Path) -> Index | None:
    return Index.open(path, least_bytes=0)


def same(left: Columns, right: Columns) -> bool:
    for field in fields(left):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if isinstance(a, np.ndarray):
            if a.dtype != b.dtype or a.tolist() != b.tolist():
                return False
        elif field.name == "strings":
            if list(a) != list(b) or a.hashes.tolist() != b.hashes.tolist():
                return False
        elif a != b:
            return False
    return True


@pytest.mark.parametrize("style", [NODE22, NODE26], ids=["with detachedness", "node26"])
@pytest.mark.parametrize("name", ["a.heapsnapshot", "a.heapsnapshot.gz"])
def test_an_index_gives_back_every_column_and_array(tmp_path: Path, style: Any, name: str) -> None:
    path = leaky_heap(100).write(tmp_path / name, style)
    derived = np.arange(1000, dtype=np.float64)
    assert keep(path, retained_sizes=derived, empty=np.empty(0, np.int32))
    found = reopen(path)

    assert found is not None
    assert same(found.columns(), read(path))
    assert found.arrays["retained_sizes"].tolist() == derived.tolist()
    assert found.arrays["empty"].dtype == np.int32
    assert found.attributes["note"] == [1, "two"]


def test_arrays_of_an_index_are_aligned_and_cannot_be_written(snapshot: Path) -> None:
    keep(snapshot, odd=np.arange(3, dtype=np.uint8), behind=np.arange(5, dtype=np.uint64))
    found = reopen(snapshot)

    assert found is not None
    for array in found.arrays.values():
        assert array.ctypes.data % array.itemsize == 0
        assert not array.flags.writeable


def test_adding_returns_the_array_mapped_so_that_memory_can_be_freed(snapshot: Path) -> None:
    values = np.arange(100, dtype=np.uint32)
    with IndexWriter(snapshot, least_bytes=0) as writer:
        mapped = writer.add("values", values)
        first = writer.add("more", values + np.uint32(1))

    assert mapped.tolist() == values.tolist()
    assert mapped.base is not values
    assert first.tolist() == (values + 1).tolist()
    assert not mapped.flags.writeable


def test_without_commit_nothing_is_left(snapshot: Path, folder: Path) -> None:
    with IndexWriter(snapshot, least_bytes=0) as writer:
        writer.add_columns(read(snapshot))

    assert list(folder.iterdir()) == []
    assert reopen(snapshot) is None


def test_folder_and_files_are_private(snapshot: Path, folder: Path) -> None:
    keep(snapshot)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()] == [0o600]


def test_a_folder_others_can_write_to_is_not_used(snapshot: Path, folder: Path) -> None:
    keep(snapshot)
    folder.chmod(0o777)

    assert reopen(snapshot) is None
    assert not keep(snapshot)


@pytest.mark.parametrize("change", ["touched", "longer", "other beginning", "other end"])
def test_a_changed_snapshot_has_no_index(snapshot: Path, change: str) -> None:
    keep(snapshot)
    before = snapshot.stat()
    data = snapshot.read_bytes()
    changed = {"longer": data + b"\n", "other beginning": b" " + data[1:], "other end": data[:-1] + b" "}
    snapshot.write_bytes(changed.get(change, data))
    if change == "touched":
        os.utime(snapshot, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    else:
        os.utime(snapshot, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert reopen(snapshot) is None


def test_a_moved_snapshot_keeps_its_index(snapshot: Path) -> None:
    keep(snapshot)
    moved = snapshot.rename(snapshot.with_name("b.heapsnapshot"))
    found = reopen(moved)

    assert found is not None
    assert list(found.columns().strings) == leaky_heap(100).strings()


def test_a_snapshot_that_changes_behind_its_index_is_noticed_when_text_is_read(snapshot: Path) -> None:
    keep(snapshot)
    found = reopen(snapshot)
    assert found is not None
    with snapshot.open("ab") as file:
        file.write(b" ")

    with pytest.raises(SnapshotError, match="changed"):
        list(found.columns().strings)


def test_small_files_pipes_and_missing_files_have_none(snapshot: Path, folder: Path, tmp_path: Path) -> None:
    for path in (snapshot, Path("-"), tmp_path, tmp_path / "missing"):
        assert Index.open(path) is None
        with IndexWriter(path) as writer:
            assert not writer.active
            values = np.arange(3)
            assert writer.add("values", values) is values
            assert not writer.commit()
    assert not folder.exists()


def test_indexes_can_be_switched_off(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEAPSLEUTH_CACHE", "off")

    assert not keep(snapshot)
    assert reopen(snapshot) is None


def test_the_folder_is_in_the_user_s_cache_unless_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HEAPSLEUTH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "heapsleuth"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == Path.home() / ".cache" / "heapsleuth"


def only_file(folder: Path) -> Path:
    [file] = folder.iterdir()
    return file


@pytest.mark.parametrize("size", [0, 10, 63, 64, 1000, -1])
def test_a_truncated_index_is_made_again(
    snapshot: Path, folder: Path, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    keep(snapshot)
    file = only_file(folder)
    data = file.read_bytes()
    file.write_bytes(data[:size])

    with caplog.at_level(logging.WARNING):
        assert reopen(snapshot) is None
    assert "is not used" in caplog.text
    assert keep(snapshot)
    assert reopen(snapshot) is not None


def test_no_flipped_byte_anywhere_gives_a_wrong_answer(snapshot: Path, folder: Path) -> None:
    keep(snapshot, derived=np.arange(50))
    file = only_file(folder)
    data = file.read_bytes()
    truth = read(snapshot)
    unnoticed = 0
    for at in range(0, len(data), 37):
        file.write_bytes(data[:at] + bytes([data[at] ^ 0x5A]) + data[at + 1 :])
        found = reopen(snapshot)
        if found is not None:  # only the padding between arrays may differ
            unnoticed += 1
            assert same(found.columns(), truth)
            assert found.arrays["derived"].tolist() == list(range(50))
    assert unnoticed < len(data) / 37 / 2


def rewrite_head(file: Path, **changes: int) -> None:
    data = bytearray(file.read_bytes())
    head = list(struct.unpack("<16sIIQQII", data[:48]))
    for name, value in changes.items():
        head[["magic", "version", "order", "offset", "length", "crc"].index(name)] = value
    packed = struct.pack("<16sIIQQI", *head[:6])
    data[:48] = packed + struct.pack("<I", zlib.crc32(packed))
    file.write_bytes(data)


@pytest.mark.parametrize("change", [{"version": 99}, {"order": 0x04030201}, {"offset": 0}, {"length": 5}])
def test_an_index_of_another_version_or_machine_is_made_again(
    snapshot: Path, folder: Path, change: dict[str, int]
) -> None:
    keep(snapshot)
    rewrite_head(only_file(folder), **change)

    assert reopen(snapshot) is None


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("edge_targets", 3, 10**6),
        ("node_names", 2, 10**6),
        ("first_edges", 1, 10**6),
        ("location_nodes", 0, 10**6),
    ],
)
def test_an_index_whose_numbers_are_out_of_range_is_not_used(
    snapshot: Path, name: str, place: int, value: int
) -> None:
    columns = read(snapshot)
    getattr(columns, name)[place] = value
    with IndexWriter(snapshot, least_bytes=0) as writer:
        writer.add_columns(columns)
        writer.commit()

    assert reopen(snapshot) is None


def test_an_index_without_the_base_columns_is_not_used(snapshot: Path) -> None:
    with IndexWriter(snapshot, least_bytes=0) as writer:
        writer.add("lonely", np.arange(3))
        writer.commit()

    assert reopen(snapshot) is None


def test_an_index_of_an_earlier_boot_is_compared_in_full(
    snapshot: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boot = tmp_path / "boot_id"
    boot.write_text("first\n")
    monkeypatch.setattr(index, "_BOOT_ID", boot)
    monkeypatch.setattr(index, "_CHUNK_BYTES", 64)
    keep(snapshot, derived=np.arange(10_000))
    file = only_file(folder)
    data = bytearray(file.read_bytes())
    at = data.index(np.arange(1234, 1236).tobytes())
    data[at : at + 16] = bytes(16)
    file.write_bytes(data)

    assert reopen(snapshot) is not None  # in a few samples the hole is missed
    boot.write_text("second\n")
    assert reopen(snapshot) is None
    boot.unlink()
    assert reopen(snapshot) is None


def test_the_oldest_used_indexes_are_evicted(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [leaky_heap(100 + number).write(tmp_path / f"{number}.heapsnapshot") for number in range(4)]
    for number, path in enumerate(paths[:3]):
        keep(path)
        for file in folder.iterdir():
            if file.stat().st_mtime > 10**9:
                os.utime(file, (number, number))
    assert reopen(paths[0]) is not None  # used just now
    one = max(file.stat().st_size for file in folder.iterdir())
    monkeypatch.setenv("HEAPSLEUTH_CACHE_BYTES", str(int(2.5 * one)))
    keep(paths[3])

    assert [reopen(path) is not None for path in paths] == [True, False, False, True]


def test_what_killed_writers_left_is_removed_after_a_day(snapshot: Path, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "index-old.tmp").write_bytes(b"x")
    (folder / "index-new.tmp").write_bytes(b"x")
    (folder / "unrelated").write_bytes(b"x")
    os.utime(folder / "index-old.tmp", (0, 0))
    os.utime(folder / "unrelated", (0, 0))
    keep(snapshot)

    assert {file.name for file in folder.iterdir()} >= {"index-new.tmp", "unrelated"}
    assert not (folder / "index-old.tmp").exists()


def test_a_full_disk_means_no_index_and_no_error(
    snapshot: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "free_bytes", lambda _fd: 1 << 20)
    with caplog.at_level(logging.WARNING):
        assert not keep(snapshot)

    assert "nearly full" in caplog.text
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_error_while_writing_means_no_index_and_no_error(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with IndexWriter(snapshot, least_bytes=0) as writer:
        full = os.open("/dev/full", os.O_RDWR)
        os.dup2(full, writer._fd)
        os.close(full)
        monkeypatch.setattr(cache, "free_bytes", lambda _fd: 1 << 40)
        values = np.arange(3)
        assert writer.add("values", values) is values
        assert not writer.active
        assert not writer.commit()
    assert list(folder.iterdir()) == []


def test_a_cache_folder_that_cannot_be_made_means_no_index(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("HEAPSLEUTH_CACHE", str(tmp_path / "file" / "cache"))

    assert not keep(snapshot)
    assert reopen(snapshot) is None


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.array(["text"]), np.array([object()])])
def test_what_is_no_plain_array_is_a_mistake_of_the_caller(snapshot: Path, array: Any) -> None:
    with IndexWriter(snapshot, least_bytes=0) as writer, pytest.raises(ValueError, match="cannot be indexed"):
        writer.add("odd", array)


def test_two_arrays_of_one_name_are_a_mistake_of_the_caller(snapshot: Path) -> None:
    with IndexWriter(snapshot, least_bytes=0) as writer:
        writer.add("a", np.arange(3))
        with pytest.raises(ValueError, match="cannot be indexed"):
            writer.add("a", np.arange(3))
