"""Real programs with secrets planted everywhere: nothing of them may be in a redacted snapshot."""

from __future__ import annotations

import gzip
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from node_programs import node_binaries, version

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.heap.redaction import redact
from heapsleuth.heap.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not node_binaries(), reason="needs Node.js"),
]

# Every secret is made by the program from its environment, so that no file name or argument has it.
PROGRAM = r"""
'use strict';
const secrets = JSON.parse(process.env.PLANTED);
const take = () => secrets.shift();
class Session { constructor(token) { this.token = token; this.openedAt = 17; } }
const store = { sessions: {}, counts: {}, byKey: new Map(), seen: new Set(), weak: new WeakMap() };
globalThis.store = store;

store.flat = take();
store.joined = ['joined', take(), Math.random()].join('/') + '/' + take() + '/' + Math.random();
store.sliced = (take() + 'x'.repeat(40)).slice(1, 30);
store.unicode = 'pässwörd ' + take();
store.sessions[take()] = new Session(take());
for (let i = 0; i < 30; i++) store.sessions[`user${i}@example.com/${secrets[0]}`] = new Session(`t${i}`);
take();
store.counts[take()] = 1;  // a small integer, which is no node
store.byKey.set(take(), { value: take() });
store.seen.add(take());
const key = { label: take() };
store.weak.set(key, take());
store.key = key;
store.symbol = Symbol(take());
store[Symbol(take())] = 1;
store.regexp = new RegExp('^' + take() + '$');
store.error = new Error('refused: ' + take());
store.code = new Function('value', `return value + ${JSON.stringify(take())}; // ${secrets[0]}`);
take();
store.big = BigInt('98765432109876543210') * 3n;
store.number = Number('31337424242.5');
store.buffer = Buffer.from(take());
store.environment = process.env.PLANTED_ALONE;
store.template = ((strings, ...values) => ({ strings, values }))`for ${take()}`;
store.named = { [take()]: () => 1 }[Object.keys({})[0]];
const computed = take();
store.methods = { [computed]() { return 1; } };
store.tagged = { get [Symbol.toStringTag]() { return computed; } };
store.url = new URL('https://user:' + take() + '@example.com/a?token=' + take());
require('node:vm').runInThisContext('globalThis.fromVm = () => 1', {
  filename: '/srv/app.js?token=' + take(),
});
const emitter = new (require('node:events'))();
emitter.on('changed ' + take(), () => 1);
emitter.on('orderShipped', () => 1);
store.emitter = emitter;
store.date = new Date(secrets.length);
store.frozen = Object.freeze(JSON.parse(`{"${take()}": {"nested": "${take()}"}}`));
require('node:v8').writeHeapSnapshot(process.argv[2]);
"""
COUNT = 40
NUMBERS = ("296296296329629629630", "31337424242")
NAMES = ("Session", "token", "sessions", "byKey", "store", "openedAt", "orderShipped", "secrets")


def secret(number: int) -> str:
    """Return a text that looks like nothing else; some look like identifiers."""
    return f"zq{number}hunterTwo{number * 7919}" if number % 2 else f"k{number}-Zebra.{number * 104729}@vault"


@dataclass
class Run:
    """One program, its snapshot and the redacted one."""

    original: Path
    redacted: Path
    script: Path


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    import json

    folder = tmp_path_factory.mktemp("planted")
    script = folder / "server.js"
    script.write_text(PROGRAM, encoding="utf-8")
    original, redacted = folder / "a.heapsnapshot", folder / "a.redacted.heapsnapshot"
    environment = {
        "PLANTED": json.dumps([secret(number) for number in range(COUNT)]),
        "PLANTED_ALONE": "alone" + secret(999),
    }
    subprocess.run(
        [request.param, str(script), str(original)], env=environment, check=True, timeout=60, cwd=folder
    )
    redact([original], [redacted])
    return Run(original, redacted, script)


def spellings(text: str) -> list[bytes]:
    """Return how *text* can be written in the bytes of a JSON file."""
    escaped = "".join(f"\\u{ord(unit):04x}" for unit in text)
    return [text.encode(), escaped.encode(), escaped.upper().replace("\\U", "\\u").encode(), text.encode("utf-16-le")]


def test_no_planted_secret_is_left_in_the_bytes_of_the_file(run: Run) -> None:
    before, after = run.original.read_bytes(), run.redacted.read_bytes()

    found_before = [number for number in range(COUNT) if secret(number).encode() in before]
    assert len(found_before) > 25  # the test is worth something: most were in the snapshot
    planted = [*(secret(number) for number in range(COUNT)), "alone" + secret(999), *NUMBERS, "hunterTwo", "-Zebra."]
    left = [text for text in planted for spelling in spellings(text) if spelling in after]
    assert left == []
    assert b"@example.com" in before
    assert b"@example.com" not in after
    assert b"refused: " not in after
    assert b"const secrets = JSON.parse" in before
    assert b"const secrets = JSON.parse" not in after


def test_the_names_of_the_program_are_left(run: Run) -> None:
    strings = read(run.redacted).strings

    assert [name for name in NAMES if strings.find(name) is None] == []
    assert strings.find(str(run.script)) is not None


def test_objects_references_and_sizes_are_the_same(run: Run) -> None:
    before, after = HeapGraph(read(run.original)), HeapGraph(read(run.redacted))

    for column in ("node_types", "node_names", "node_ids", "self_sizes", "edge_types", "edge_names", "edge_targets"):
        assert (getattr(before, column) == getattr(after, column)).all(), column
    assert (before.retained_sizes == after.retained_sizes).all()


def test_functions_and_classes_keep_their_places(run: Run) -> None:
    before, after = HeapGraph(read(run.original)), HeapGraph(read(run.redacted))
    old, new = Sources(before), Sources(after)

    places = {
        node: where
        for node in before.columns.location_nodes.tolist()
        if (where := old.location(node)) is not None and where.file == str(run.script)
    }
    assert len(places) >= 5
    assert {node: new.location(node) for node in places} == places


def test_redacting_twice_changes_nothing(run: Run, tmp_path: Path) -> None:
    again = tmp_path / "again.heapsnapshot.gz"
    [result] = redact([run.redacted], [again])

    assert gzip.decompress(again.read_bytes()) == run.redacted.read_bytes()
    assert result.removed == 0
