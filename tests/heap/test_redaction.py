"""Redaction on heaps made by hand: what goes, what stays, and that the rest is the same."""

from __future__ import annotations

import gzip
import io
import json
import stat
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from snapshot_builder import (
    CHROME,
    NODE20,
    NODE22,
    NODE26,
    STYLES,
    SnapshotBuilder,
    Style,
    join_sections,
    leaky_heap,
)

from heapsleuth.errors import OutputError, RedactionFailed, SnapshotError, SnapshotTruncated, UsageError
from heapsleuth.heap import redaction
from heapsleuth.heap.readers import read
from heapsleuth.heap.redact_check import check_redacted, fingerprint
from heapsleuth.heap.redact_placeholders import Placeholders, is_placeholder
from heapsleuth.heap.redaction import redact

SECRET = "hunter2-SECRET"  # noqa: S105 - planted


def program_heap() -> SnapshotBuilder:
    """A heap with one of everything a text can be, secrets where data can be."""
    heap = SnapshotBuilder()
    window = heap.global_object(size=16)
    pool = heap.node("code", "(constant pool)")
    heap.edge(heap.root, "element", 9, pool)
    for index, name in enumerate(("sessions", "token", "kStore", "order-shipped", "total")):
        heap.add(pool, "internal", str(index), "string", name, size=24)
    sessions = heap.add(window, "property", "sessions", "object", "Object", size=56)
    heap.add(window, "element", 7, "closure", "Session", size=64)
    heap.add(window, "element", 8, "object", "taggedBySecret", size=64)
    session = heap.add(sessions, "property", f"alice-{SECRET}@example.com", "object", "Session", size=32)
    heap.add(sessions, "property", "hunterTwoIdentifier", "object", "Session", size=32)
    heap.add(session, "property", "token", "string", f"value {SECRET}", size=40)
    heap.add(session, "property", "<symbol kStore>", "number", "heap number")
    heap.add(session, "property", f"<symbol {SECRET}>", "object", "Object")
    cons = heap.add(session, "property", "total", "concatenated string", "(concatenated string)", size=32)
    heap.add(cons, "internal", "first", "string", f"left {SECRET}", size=24)
    heap.add(cons, "internal", "second", "string", f"right {SECRET}", size=24)
    sliced = heap.add(window, "property", "token", "sliced string", "(sliced string)", size=32)
    heap.add(sliced, "internal", "parent", "string", f"parent {SECRET}", size=2000)
    heap.add(window, "element", 1, "regexp", f"^{SECRET}$", size=56)
    symbol = heap.add(window, "element", 2, "symbol", "symbol", size=24)
    heap.add(symbol, "internal", "name", "string", f"about {SECRET}", size=24)
    big = heap.add(window, "element", 3, "bigint", "bigint", size=24)
    heap.add(big, "internal", "value", "string", "98765432109876543210")
    table = heap.add(window, "internal", "table", "array", "", size=64)
    heap.add(table, "internal", "5", "string", f"map key {SECRET}", size=24)
    heap.edge(
        table, "internal",
        f"1 / part of key (Session @{heap.id_of(session)}) -> value ({SECRET} @9)"
        " pair in WeakMap (table @11)",
        session,
    )  # fmt: skip
    handler = heap.add(window, "property", "handler", "closure", "handler", size=64)
    heap.add(window, "property", f"get {SECRET}", "closure", "get", size=64)
    heap.add(window, "element", 4, "closure", f"on {SECRET}", size=64)
    scope = heap.add(handler, "internal", "context", "object", "system / Context", size=32)
    heap.edge(scope, "context", "reportCache", sessions)
    info = heap.add(handler, "internal", "shared", "code", "handler", size=64)
    script = heap.add(
        info,
        "internal",
        "script",
        "code",
        f"https://bob:{SECRET}@example.com/app.js?key={SECRET}#top",
        size=96,
    )
    heap.add(
        script, "internal", "source", "string", f"const password = '{SECRET}'".ljust(1024, "."), size=4016
    )
    heap.add(script, "hidden", 4, "string", f"data:application/json;base64,{SECRET}", size=64)
    heap.add(window, "element", 5, "native", f'<div id="{SECRET}" class="x">', size=8)
    emitter = heap.add(window, "element", 6, "object", "EventEmitter", size=32)
    events = heap.add(emitter, "property", "_events", "object", "Object", size=32)
    heap.edge(events, "property", "order-shipped", handler)
    heap.edge(events, "property", f"changed-{SECRET}", handler)
    heap.locate(handler, script=3, line=4, column=5)
    return heap


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def redacted(heap: SnapshotBuilder, folder: Path, style: Style = NODE22, name: str = "a") -> Path:
    source = heap.write(folder / f"{name}.heapsnapshot", style)
    target = folder / f"{name}.redacted.heapsnapshot"
    redact([source], [target])
    return target


@pytest.mark.parametrize("style", STYLES)
def test_no_secret_is_left_wherever_it_was(tmp_path: Path, style: str) -> None:
    target = redacted(program_heap(), tmp_path, STYLES[style])

    data = target.read_bytes()
    assert SECRET.encode() in (tmp_path / "a.heapsnapshot").read_bytes()
    for text in (
        SECRET,
        "hunterTwoIdentifier",
        "taggedBy",
        "98765432109876543210",
        "example.com@",
        "bob:",
        "password",
    ):
        assert text.encode() not in data, text
    assert json.loads(data)["snapshot"]["node_count"] == len(program_heap().nodes)


def test_names_that_the_analysis_needs_are_left(tmp_path: Path) -> None:
    strings = list(read(redacted(program_heap(), tmp_path)).strings)

    for name in (
        "sessions",
        "token",
        "total",
        "Session",
        "reportCache",
        "handler",
        "<symbol kStore>",
        "<div>",
    ):
        assert name in strings
    assert {"order-shipped", "_events", "(constant pool)", "system / Context", "first"} <= set(strings)
    assert "data:application/json;base64," in strings
    [script] = [text for text in strings if "app.js" in text]
    address, _, query = script.partition("?")
    assert address == "https://example.com/app.js"
    assert is_placeholder(query)


@pytest.mark.parametrize(
    ("parts", "left"),
    [
        (("file:///srv", "/app.mjs"), ["file:///srv", "/app.mjs"]),
        (("/srv/app.js?key=", "hunterTwo"), ["/srv/app.js?"]),
        (("https://bob:", "hunterTwo", "@host/app.js"), []),
    ],
)
def test_of_a_script_name_that_is_put_together_no_secret_part_is_left(
    tmp_path: Path, parts: tuple[str, ...], left: list[str]
) -> None:
    heap = SnapshotBuilder()
    info = heap.add(heap.global_object(), "internal", "shared", "code", "handler")
    script = heap.add(info, "internal", "script", "code", "(concatenated string)")
    name = heap.add(script, "internal", "name", "concatenated string", "(concatenated string)")
    for part in parts[:-2]:
        heap.add(name, "internal", "first", "string", part)
        name = heap.add(name, "internal", "second", "concatenated string", "(concatenated string)")
    heap.add(name, "internal", "first", "string", parts[-2])
    heap.add(name, "internal", "second", "string", parts[-1])
    strings = list(read(redacted(heap, tmp_path)).strings)

    assert [text[: text.find("?") + 1] or text for text in strings if "/" in text] == left
    assert "hunterTwo" not in strings


def test_numbers_of_the_file_are_the_same(tmp_path: Path) -> None:
    target = redacted(program_heap(), tmp_path, NODE20)

    before, after = read(tmp_path / "a.heapsnapshot"), read(target)
    assert fingerprint(before) == fingerprint(after)
    assert (before.location_lines == after.location_lines).all()


def test_a_key_that_is_only_data_goes_although_it_looks_like_a_name(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object()
    heap.add(
        heap.add(window, "internal", "code", "code", "(constant pool)"), "internal", "0", "string", "bob"
    )
    for number in range(40):  # many objects, but each of a hidden class of its own
        one = heap.add(window, "element", number, "object", "Object")
        heap.add(one, "internal", "map", "object shape", "system / Map")
        heap.add(one, "property", "alice", "object", "Object")

    assert "alice" not in list(read(redacted(heap, tmp_path)).strings)


@pytest.mark.parametrize(("keys", "stays"), [(8, True), (9, False)])
def test_without_compiled_code_plain_objects_with_many_keys_are_dictionaries(
    tmp_path: Path, keys: int, stays: bool
) -> None:
    heap = SnapshotBuilder()
    plain = heap.add(heap.global_object(), "property", "held", "object", "Object")
    for letter in "abcdefghi"[:keys]:
        heap.add(plain, "property", f"key{letter}", "object", "Thing")
    strings = list(read(redacted(heap, tmp_path)).strings)

    assert ("keya" in strings) is stays
    assert "held" in strings


@pytest.mark.parametrize(("known", "stays"), [(2, True), (1, False)])
def test_fields_of_records_stay_when_code_knows_most_of_the_others(
    tmp_path: Path, known: int, stays: bool
) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object()
    pool = heap.add(window, "internal", "constants", "code", "(constant pool)")
    for index, name in enumerate(("id", "city")[:known]):
        heap.add(pool, "internal", str(index), "string", name)
    shape = heap.node("object shape", "system / Map")
    value = heap.node("object", "Thing")
    for number in range(20):
        one = heap.add(window, "element", number, "object", "Object")
        heap.edge(one, "internal", "map", shape)
        for name in ("id", "city", "postcode", "__proto__", "street")[: 5 if known == 1 else 4]:
            heap.edge(one, "property", name, value)

    assert ("postcode" in list(read(redacted(heap, tmp_path)).strings)) is stays


def test_equal_texts_get_equal_placeholders_in_all_files_of_a_run(tmp_path: Path) -> None:
    heaps = [leaky_heap(3), leaky_heap(4)]
    sources = [heap.write(tmp_path / f"{i}.heapsnapshot") for i, heap in enumerate(heaps)]
    targets = [tmp_path / f"{i}.out.heapsnapshot" for i in range(2)]
    redact(sources, targets)

    texts = [list(read(target).strings) for target in targets]
    originals = [heap.strings() for heap in heaps]
    body = "body of request 1 with “quotes” and \\"
    assert texts[0][originals[0].index(body)] == texts[1][originals[1].index(body)]
    placeholders = [text for text in texts[1] if is_placeholder(text)]
    assert len(placeholders) == len(set(placeholders)) > 3


def test_a_name_in_one_file_is_a_name_in_all_of_them(tmp_path: Path) -> None:
    named, plain = SnapshotBuilder(), SnapshotBuilder()
    heap_of_scope = named.add(named.global_object(), "property", "held", "object", "system / Context")
    named.add(heap_of_scope, "context", "reportCache", "object", "Map")
    plain.add(plain.global_object(), "element", 1, "string", "reportCache")
    sources = [plain.write(tmp_path / "a.heapsnapshot"), named.write(tmp_path / "b.heapsnapshot")]
    redact(sources, [tmp_path / "c.heapsnapshot", tmp_path / "d.heapsnapshot"])

    assert "reportCache" in list(read(tmp_path / "c.heapsnapshot").strings)


def test_without_a_key_file_two_runs_have_nothing_in_common(tmp_path: Path) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")
    redact([source], [tmp_path / "b.heapsnapshot"])
    redact([source], [tmp_path / "c.heapsnapshot"])

    texts = [{t for t in read(tmp_path / f"{n}.heapsnapshot").strings if is_placeholder(t)} for n in "bc"]
    assert texts[0]
    assert not texts[0] & texts[1]


def test_a_key_file_makes_later_runs_equal_and_keeps_names(tmp_path: Path) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")
    key = tmp_path / "key.json"
    redact([source], [tmp_path / "b.heapsnapshot"], key_file=key)
    redact([source], [tmp_path / "c.heapsnapshot"], key_file=key)

    assert (tmp_path / "b.heapsnapshot").read_bytes() == (tmp_path / "c.heapsnapshot").read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "reportCache" in json.loads(key.read_text())["kept"]
    assert "body of request" not in key.read_text()


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"format":"x","version":1,"key":"00","kept":{}}',
             '{"format":"heapsleuth/redaction-key","version":1,"key":"00","kept":{}}']
)  # fmt: skip
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")
    (tmp_path / "key.json").write_text(text)

    with pytest.raises(UsageError, match=r"key"):
        redact([source], [tmp_path / "b.heapsnapshot"], key_file=tmp_path / "key.json")
    assert not (tmp_path / "b.heapsnapshot").exists()


def test_redacting_a_redacted_file_changes_nothing(tmp_path: Path) -> None:
    first = redacted(program_heap(), tmp_path)
    second = tmp_path / "second.heapsnapshot"
    [result] = redact([first], [second])

    assert second.read_bytes() == first.read_bytes()
    assert (result.removed, result.rewritten) == (0, 0)


def test_a_text_that_poses_as_a_placeholder_is_removed_like_any_other(tmp_path: Path) -> None:
    posing = Placeholders(b"x" * 32).of(b"secret").decode()
    heap = SnapshotBuilder()
    heap.add(heap.global_object(), "element", 1, "string", posing)

    assert posing.encode() not in redacted(heap, tmp_path).read_bytes()


def test_a_text_that_v8_cut_still_looks_cut(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object()
    heap.add(window, "element", 1, "string", "a" * 1024)
    heap.add(window, "element", 2, "string", "b" * 1023)
    target = redacted(heap, tmp_path)

    table = read(target).strings
    lengths = {text[:8]: int(table.lengths[i]) for i, text in enumerate(table) if is_placeholder(text)}
    assert max(int(n) for n in table.lengths) == 1024
    assert sum(1 for n in table.lengths if n >= 1024) == 1
    assert lengths


def test_sections_and_header_fields_that_could_hold_text_are_not_carried_over(tmp_path: Path) -> None:
    heap = leaky_heap()
    sections = heap.sections(CHROME)
    sections["snapshot"] = sections["snapshot"].replace('{"meta":', f'{{"title":"{SECRET}","meta":', 1)
    sections["trace_tree"] = f'[1,"{SECRET}"]'
    sections["notes"] = f'{{"a":["{SECRET}"]}}'
    source = tmp_path / "a.heapsnapshot"
    source.write_bytes(join_sections(sections, CHROME))
    [result] = redact([source], [tmp_path / "b.heapsnapshot"])

    assert SECRET.encode() not in (tmp_path / "b.heapsnapshot").read_bytes()
    assert set(result.left_out) == {"notes", "scopes", "scope_context_vars", "scope_uses"}
    assert json.loads((tmp_path / "b.heapsnapshot").read_bytes())["trace_tree"] == []


@pytest.mark.parametrize("suffix", [".gz", ".zst", ""])
def test_compressed_files_are_read_and_written(tmp_path: Path, suffix: str) -> None:
    data = leaky_heap().to_bytes(NODE26)
    source, target = tmp_path / f"a.heapsnapshot{suffix}", tmp_path / f"b.heapsnapshot{suffix}"
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(suffix, bytes)
    source.write_bytes(pack(data))
    redact([source], [target])

    assert read(target).node_count == len(leaky_heap().nodes)
    magic = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd", "": b'{"sn'}[suffix]
    assert target.read_bytes().startswith(magic)


def test_the_result_is_private_and_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    target = redacted(leaky_heap(), tmp_path)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["a.heapsnapshot", "a.redacted.heapsnapshot"]


def test_what_exists_is_overwritten_only_when_forced(tmp_path: Path) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")
    target = tmp_path / "b.heapsnapshot"
    target.write_text("precious")

    with pytest.raises(OutputError, match=r"b\.heapsnapshot: is there already; --force overwrites it"):
        redact([source], [target])
    assert target.read_text() == "precious"
    redact([source], [target], force=True)
    assert read(target).node_count > 0


def test_a_sidecar_that_exists_is_not_overwritten_either(tmp_path: Path) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")
    for name in ("a", "b"):
        (tmp_path / f"{name}.heapsnapshot.json").write_text("{}")

    with pytest.raises(OutputError, match=r"b\.heapsnapshot\.json: is there already"):
        redact([source], [tmp_path / "b.heapsnapshot"])


def test_files_say_which_of_them_can_be_compared(tmp_path: Path) -> None:
    sources = [leaky_heap(n).write(tmp_path / f"{n}.heapsnapshot") for n in (3, 4, 5)]
    redact(sources[:2], [tmp_path / "a.heapsnapshot", tmp_path / "b.heapsnapshot"])
    redact(sources[2:], [tmp_path / "c.heapsnapshot"])
    redact([tmp_path / "a.heapsnapshot"], [tmp_path / "d.heapsnapshot"])

    marks = {name: read(tmp_path / f"{name}.heapsnapshot").meta["heapsleuth_redacted"] for name in "abcd"}
    assert marks["a"] == marks["b"] == marks["d"]
    assert marks["a"] != marks["c"]


def test_a_target_that_is_a_source_is_refused_even_when_forced(tmp_path: Path) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")
    (tmp_path / "link.heapsnapshot").symlink_to(source)

    with pytest.raises(OutputError, match="is one of the snapshots"):
        redact([source], [tmp_path / "link.heapsnapshot"], force=True)


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        ([], UsageError, "found 0 for 1"),
        (["missing/b.heapsnapshot"], OutputError, "folder does not exist"),
        (["."], OutputError, "found a folder"),
    ],
)
def test_targets_that_cannot_be_written_are_refused_before_the_work(
    tmp_path: Path, targets: list[str], error: type[Exception], message: str
) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")

    with pytest.raises(error, match=message):
        redact([source], [tmp_path / target for target in targets])


def test_a_damaged_snapshot_leaves_no_file_and_says_where(tmp_path: Path) -> None:
    data = leaky_heap().to_bytes()
    source = tmp_path / "a.heapsnapshot"
    source.write_bytes(data[: len(data) // 2])

    with pytest.raises(SnapshotTruncated, match=r"byte [\d,]+"):
        redact([source], [tmp_path / "b.heapsnapshot"])
    source.write_bytes(data.replace(b'"edges":[', b'"edges":[x', 1))
    with pytest.raises(SnapshotError, match=r"section edges, byte [\d,]+"):
        redact([source], [tmp_path / "b.heapsnapshot"])
    assert names_in(tmp_path) == ["a.heapsnapshot"]


def test_a_file_that_changes_between_the_passes_is_noticed(tmp_path: Path) -> None:
    source = leaky_heap(5).write(tmp_path / "a.heapsnapshot.gz")
    size = source.stat().st_size
    calls: list[int | None] = []
    redact([source], [tmp_path / "b.heapsnapshot"], progress=lambda *call: calls.append(call[2]))
    (tmp_path / "b.heapsnapshot").unlink()
    last = calls.count(size)  # of the second pass
    assert last > 1
    calls.clear()

    def meddle(_phase: str, _done: int, total: int | None) -> None:
        calls.append(total)
        if calls.count(size) == last:
            leaky_heap(6).write(source)

    with pytest.raises(SnapshotError, match="changed"):
        redact([source], [tmp_path / "b.heapsnapshot"], progress=meddle)
    assert names_in(tmp_path) == ["a.heapsnapshot.gz"]


def test_the_check_finds_a_text_that_was_to_go(tmp_path: Path) -> None:
    source = leaky_heap().write(tmp_path / "a.heapsnapshot")
    columns = read(source)
    removed = np.ones(len(columns.strings), bool)

    with pytest.raises(RedactionFailed, match="is still in it"):
        check_redacted(source, "b", fingerprint(columns), columns.strings, removed)


def test_the_check_finds_a_number_that_differs(tmp_path: Path) -> None:
    source = leaky_heap(5).write(tmp_path / "a.heapsnapshot")
    other = read(leaky_heap(6).write(tmp_path / "b.heapsnapshot"))

    with pytest.raises(RedactionFailed, match="differs from the original in node_types"):
        check_redacted(source, "c", fingerprint(other), other.strings, np.zeros(len(other.strings), bool))


def test_the_sidecar_keeps_work_and_loses_free_text(tmp_path: Path) -> None:
    sidecar = {
        "format": "heapsleuth/sidecar", "version": 1, "service": "shop-internal", "host": "db7.corp",
        "node": "22.1.0", "time": "2026-01-02T03:04:05.678Z", "reason": SECRET, "work": 1200,
        "counters": {"requests_total": 1200, SECRET: 5, "notes": [SECRET, 7]}, "release": None,
    }  # fmt: skip
    (tmp_path / "a.heapsnapshot.json").write_text(json.dumps(sidecar))
    target = redacted(leaky_heap(), tmp_path)

    kept = json.loads(Path(f"{target}.json").read_text())
    assert kept == {
        "format": "heapsleuth/sidecar", "version": 1, "node": "22.1.0", "time": "2026-01-02T03:04:05.678Z",
        "work": 1200, "counters": {"requests_total": 1200, "notes": [None, 7]}, "release": None,
    }  # fmt: skip


def test_standard_input_and_output_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = leaky_heap().to_bytes()
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written))
    [result] = redaction.redact(["-"], ["-"])

    target = tmp_path / "b.heapsnapshot"
    target.write_bytes(written.getvalue())
    assert read(target).node_count == len(leaky_heap().nodes)
    assert b"body of request" not in written.getvalue()
    assert result.sidecar is None


SOME_TEXTS = ("id", "sessions", "removed-aaaaaaaaaaaaa", "12", "<symbol x>")
TEXTS = st.text(max_size=40) | st.sampled_from(SOME_TEXTS)
NODE_TYPES = ["string", "object", "closure", "code", "native", "array", "regexp", "hidden", "symbol"]
EDGES = ["property", "context", "internal", "weak", "shortcut"]


@st.composite
def heaps(draw: st.DrawFn) -> SnapshotBuilder:
    heap = SnapshotBuilder()
    nodes = [heap.root]
    for _ in range(draw(st.integers(0, 12))):
        parent = draw(st.sampled_from(nodes))
        kind, name = draw(st.sampled_from(NODE_TYPES)), draw(TEXTS)
        nodes.append(heap.add(parent, draw(st.sampled_from(EDGES)), draw(TEXTS), kind, name))
    return heap


@given(heap=heaps(), style=st.sampled_from([NODE20, NODE26, CHROME]))
def test_any_heap_stays_the_same_but_for_its_texts(
    tmp_path_factory: pytest.TempPathFactory, heap: SnapshotBuilder, style: Style
) -> None:
    folder = tmp_path_factory.mktemp("any")
    first = redacted(heap, folder, style)
    redact([first], [folder / "second.heapsnapshot"])

    before, after = read(folder / "a.heapsnapshot"), read(first)
    assert fingerprint(before) == fingerprint(after)
    assert (folder / "second.heapsnapshot").read_bytes() == first.read_bytes()


@given(key=st.text(min_size=1, max_size=30), content=st.text(min_size=8, max_size=30))
def test_data_alone_never_survives(tmp_path_factory: pytest.TempPathFactory, key: str, content: str) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object()
    heap.add(window, "property", f"@{key}", "string", f"@{content}")
    texts = list(read(redacted(heap, tmp_path_factory.mktemp("data"))).strings)

    assert not {f"@{key}", f"@{content}"} & set(texts)
