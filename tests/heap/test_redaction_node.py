"""Real programs with secrets planted everywhere: nothing of them may be in a redacted snapshot."""

from __future__ import annotations

import gzip
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from node_programs import holders_of, node_binaries, version

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.heap.redact_check import fingerprint
from heapsleuth.heap.redaction import redact
from heapsleuth.heap.sources import Sources
from heapsleuth.places import SourceLocation

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
ALONE = "aloneInTheEnvironment"
NUMBERS = ("296296296329629629630", "31337424242")
NAMES = ("Session", "token", "sessions", "byKey", "store", "openedAt", "orderShipped", "secrets")


def sentence(number: int) -> str:
    return f"k{number}-Zebra.{number * 104729}@vault"


def token(number: int) -> str:
    return f"zq{number}hunterTwo{number * 7919}"


def word(number: int) -> str:
    return "hunterTwo" + "".join(chr(97 + int(digit)) for digit in str(number * 7919)).capitalize()


STYLES = {
    "mixed": (sentence, token),
    "swapped": (token, sentence),
    "words": (word, word),
}
"""How secrets with even and with odd numbers look: some could be names in code."""


@dataclass
class Run:
    """One program, its snapshot and the redacted one."""

    original: Path
    redacted: Path
    script: Path
    secrets: list[str]


@pytest.fixture(scope="module", params=STYLES)
def secrets(request: pytest.FixtureRequest) -> list[str]:
    return [STYLES[request.param][number % 2](number) for number in range(COUNT)]


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def run(request: pytest.FixtureRequest, secrets: list[str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("planted")
    script = folder / "server.js"
    script.write_text(PROGRAM, encoding="utf-8")
    original, redacted = folder / "a.heapsnapshot", folder / "a.redacted.heapsnapshot"
    environment = {
        "PLANTED": json.dumps(secrets),
        "PLANTED_ALONE": ALONE,
    }
    subprocess.run(
        [request.param, str(script), str(original)], env=environment, check=True, timeout=60, cwd=folder
    )
    redact([original], [redacted])
    return Run(original, redacted, script, secrets)


def spellings(text: str) -> list[bytes]:
    """Return how *text* can be written in the bytes of a JSON file."""
    escaped = "".join(f"\\u{ord(unit):04x}" for unit in text)
    upper = escaped.upper().replace("\\U", "\\u")
    return [text.encode(), escaped.encode(), upper.encode(), text.encode("utf-16-le")]


def test_no_planted_secret_is_left_in_the_bytes_of_the_file(run: Run) -> None:
    before, after = run.original.read_bytes(), run.redacted.read_bytes()

    found_before = [secret for secret in run.secrets if secret.encode() in before]
    assert len(found_before) > 25  # the test is worth something: most were in the snapshot
    planted = [*run.secrets, ALONE, *NUMBERS, "hunterTwo", "-Zebra."]
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

    assert fingerprint(before.columns) == fingerprint(after.columns)
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


EDITED = "// one more line\n"
HOLDER = """
'use strict';
const registry = new Map();
registry.set(1, () => registry);
globalThis.look = () => registry;
require('node:v8').writeHeapSnapshot(process.argv[2]);
"""


@pytest.mark.parametrize("lines", [0, 60], ids=["short", "long"])
def test_without_the_text_a_changed_file_is_still_told_from_the_one_that_ran(
    tmp_path: Path, lines: int
) -> None:
    script = tmp_path / "server.js"
    script.write_text(HOLDER + "// the same again and again\n" * lines, encoding="utf-8")
    original, redacted = tmp_path / "a.heapsnapshot", tmp_path / "b.heapsnapshot"
    subprocess.run([node_binaries()[0], str(script), str(original)], check=True, timeout=60)
    redact([original], [redacted])

    def declared(path: Path) -> tuple[object, tuple[str, ...]]:
        graph = HeapGraph(read(path))
        sources = Sources(graph)
        [context] = set(holders_of(graph, "context", "registry"))
        return sources.declaration(context, "registry"), sources.stale_files

    assert declared(redacted) == declared(original)
    assert declared(redacted)[0] == SourceLocation(str(script), 3, 6)
    script.write_text(EDITED + script.read_text(encoding="utf-8"), encoding="utf-8")
    assert declared(redacted)[0] is None
    assert declared(redacted)[1] == declared(original)[1]
