"""Advice rewrites the lines of the program itself, where that is safe, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heapsleuth.leaks.fixes import fix_for
from heapsleuth.places import Package
from tests.leaks.fix_findings import LISTENER, errors_in, finding, site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.model import Finding, Site

ROOT = Path(__file__).parent.parent.parent

REWRITTEN: Mapping[str, tuple[Finding, tuple[Site, ...], str, str]] = {
    "a named callback": (
        LISTENER,
        (
            site(
                "added",
                "function subscribe(ws) {",
                "  bus.on('change', this.onChange); // for ever",
                marked=1,
            ),
        ),
        "bus.on('change', this.onChange);",
        "bus.on('change', this.onChange);\nws.once('close', () => bus.off('change', this.onChange));",
    ),
    "a function written inside the call": (
        LISTENER,
        (site("added", "if (wanted) bus.on('change', function onChange(value) {", "  use(value);", "});"),),
        "bus.on('change', function onChange(value) { /* ... */ });",
        (
            "const onChange = function onChange(value) { /* ... */ };\nbus.on('change', onChange);\n"
            "owner.once('close', () => bus.off('change', onChange));"
        ),
    ),
    "a function that goes on beyond the lines at hand": (
        LISTENER,
        (
            site(
                "added",
                "if (wanted) {",
                "  bus.on('change', async (value) => {",
                "    if (value) {",
                marked=1,
            ),
        ),
        "bus.on('change', async (value) => { /* ... */ });",
        (
            "const onChange = async (value) => { /* ... */ };\nbus.on('change', onChange);\n"
            "owner.once('close', () => bus.off('change', onChange));"
        ),
    ),
    "an abort listener with options": (
        finding("listener", "signal listeners", "AbortSignal", "Listener"),
        (site("member", "signal.addEventListener('abort', () => {", "  stop();", "}, { once: true });"),),
        "signal.addEventListener('abort', () => { /* ... */ }, { once: true });",
        (
            "const onAbort = () => { /* ... */ };\n"
            "signal.addEventListener('abort', onAbort, { once: true });\n"
            "try {\n  await work();\n} finally {\n  signal.removeEventListener('abort', onAbort);\n}"
        ),
    ),
    "an event target": (
        finding("listener", "target listeners", "EventTarget", "Listener"),
        (site("added", "target.addEventListener('change', () => i);"),),
        "target.addEventListener('change', () => i);",
        (
            "const done = new AbortController();\n"
            "target.addEventListener('change', () => i, { signal: done.signal });\n"
            "owner.once('close', () => done.abort());"
        ),
    ),
    "an abort listener": (
        finding("listener", "ac.signal listeners", "AbortSignal", "Listener"),
        (site("added", "signal.addEventListener('abort', () => stop(i));"),),
        "signal.addEventListener('abort', () => stop(i));",
        (
            "const onAbort = () => stop(i);\nsignal.addEventListener('abort', onAbort, { once: true });\n"
            "try {\n  await work();\n} finally {\n  signal.removeEventListener('abort', onAbort);\n}"
        ),
    ),
    "events.once": (
        finding("listener", 'bus "ready" listeners', "EventEmitter", "function resolver"),
        (site("added", "  const [value] = await once(bus, 'ready');"),),
        "await once(bus, 'ready');",
        "await once(bus, 'ready', { signal: AbortSignal.timeout(30_000) });",
    ),
    "an interval": (
        finding("timer", "interval timers of an anonymous function", "timer list", "Timeout"),
        (site("member", "setInterval(() => poll(socket), 1000).unref();"),),
        "setInterval(() => poll(socket), 1000);",
        (
            "const timer = setInterval(() => poll(socket), 1000);\n"
            "socket.once('close', () => clearInterval(timer));"
        ),
    ),
    "a timer kept already": (
        finding("timer", "timers of an anonymous function", "timer list", "Timeout"),
        (site("member", "this.timer = setTimeout(() => this.retry(), 5000);"),),
        "this.timer = setTimeout(() => this.retry(), 5000);",
        (
            "this.timer = setTimeout(() => this.retry(), 5000);\n"
            "try {\n  await work();\n} finally {\n  clearTimeout(this.timer);\n}"
        ),
    ),
    "the declaration of a Map": (
        finding(),
        (site("holder", "const reports = new Map(); // by id"), site("added", "reports.set(id, report);")),
        "const reports = new Map();",
        "const reports = new LRUCache({ max: 1000, ttl: 60_000 });",
    ),
    "what is added to a Map that is a field": (
        finding(holder="this.#reports"),
        (
            site("holder", "  #reports = new Map();"),
            site("added", "    this.#reports.set(`r-${id}`, report);"),
        ),
        "this.#reports.set(`r-${id}`, report);",
        (
            "this.#reports.set(`r-${id}`, report);\n"
            "if (this.#reports.size > 1000) this.#reports.delete(this.#reports.keys().next().value);"
        ),
    ),
    "a dictionary": (
        finding("cache", "byName", "Object", "User"),
        (site("added", "  byName[user.name] = { ...user };"),),
        "byName[user.name] = { ...user };",
        (
            "byName[user.name] = { ...user };\n"
            "// when its work is done, or use an LRU cache with `max` and `ttl`:\ndelete byName[user.name];"
        ),
    ),
    "a registry": (
        finding("collection", "sessions", "Map", "Session"),
        (site("added", "sessions.set(id, new Session(request));"),),
        "sessions.set(id, new Session(request));",
        (
            "sessions.set(id, new Session(request));\n"
            "try {\n  await work();\n} finally {\n  sessions.delete(id);\n}"
        ),
    ),
    "an array": (
        finding("collection", "audit", "Array", "Object {at, who}"),
        (site("added", "  if (request.user) audit.push({ at: i, who: 'me' });"),),
        "audit.push({ at: i, who: 'me' });",
        "audit.push({ at: i, who: 'me' });\nif (audit.length > 1000) audit.shift();",
    ),
    "a registry of the program's own": (
        finding("listener", "store listeners", "Store", "Object {listener, active}"),
        (site("added", "    this.#listeners.push({ listener, active: true });"),),
        "this.#listeners.push({ listener, active: true });",
        (
            "const entry = { listener, active: true };\nthis.#listeners.push(entry);\n"
            "return () => this.#listeners.splice(this.#listeners.indexOf(entry), 1);"
        ),
    ),
    "a set of clients": (
        finding("socket", "clients", "Set", "ServerResponse"),
        (site("added", "  clients.add(res);"),),
        "clients.add(res);",
        "clients.add(res);\nres.once('close', () => clients.delete(res));",
    ),
    "a set of new things": (
        finding("collection", "jobs", "Set", "Job"),
        (site("added", "jobs.add(new Job(i));"),),
        "jobs.add(new Job(i));",
        (
            "const job = new Job(i);\njobs.add(job);\n"
            "try {\n  await work();\n} finally {\n  jobs.delete(job);\n}"
        ),
    ),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_advice_rewrites_the_programs_own_line(case: str) -> None:
    one, sites, before, after = REWRITTEN[case]
    fix = fix_for(replace(one, sites=sites))

    assert (fix.before, fix.after) == (before, after)
    assert errors_in([before, after]) == []


def test_the_field_that_grows_is_part_of_the_holders_name() -> None:
    one = finding("buffer", "logger", "Object", "string", title="`logger.text` grows by 240 kB per interval")

    assert fix_for(one).before == "logger.text += line;"


def test_only_the_holders_own_declaration_is_rewritten() -> None:
    sites = (
        site("holder", "const byId = new Map(), other = {};"),
        site("added", "byId.set(id, s); byUser.set(user, s);"),
    )

    assert fix_for(finding(holder="byId", sites=sites)).before == "const byId = new Map();"
    assert fix_for(finding(holder="byUser", sites=sites)).before == "byUser.set(user, s);"
    assert fix_for(finding(holder="tenants[…].byUser", sites=sites)).before == "byUser.set(user, s);"


def test_functions_in_a_list_are_given_a_way_out() -> None:
    one = finding("collection", "hooks", "Array", "function in operation (app.js:3)")
    fix = fix_for(replace(one, sites=(site("added", "hooks.push(() => big);"),)))

    assert fix.after == (
        "const listener = () => big;\nhooks.push(listener);\n"
        "return () => hooks.splice(hooks.indexOf(listener), 1);"
    )


def test_the_resolver_of_a_promise_is_no_response() -> None:
    lines = ("return new Promise((res) => {", "  sock.on('error', onError);")
    one = finding("listener", 'sock "error" listeners', "Socket", "function onError")
    fix = fix_for(replace(one, sites=(site("added", *lines, marked=1),)))

    assert fix.after.endswith("owner.once('close', () => sock.off('error', onError));")


UNSAFE = (
    "bus.on('change', first(() => [",  # goes on beyond the lines at hand
    "bus.on(`change`, (value) => `${value}`",
    "getBus().on('change', onChange);",  # must not be called twice
    "bus.on('change', yield listener);",
    "bus.on('change');",
    "bus.on(...args);",
    "x.on('change', a, b);",
    "})",
    "",
    "'",
    "/",
    "bus.on('change', " + "f(" * 500,
    "bus.on('change', '" + "x" * 500 + "');",
    "bus.on('a', a);" * 50,
)


@pytest.mark.parametrize("line", UNSAFE)
def test_lines_that_cannot_be_rewritten_safely_leave_the_pattern_with_names(line: str) -> None:
    fix = fix_for(replace(LISTENER, sites=(site("added", line),)))

    assert fix == fix_for(LISTENER)


def test_whatever_line_of_a_program_is_at_hand_the_advice_parses() -> None:
    files = [*ROOT.glob("agents/node/lib/**/*.cjs"), *ROOT.glob("tests/programs/*.cjs")]
    texts = [path.read_text(encoding="utf-8") for path in sorted(files) if "node_modules" not in path.parts]
    kinds = {
        "listener": ("EventEmitter", "AbortSignal", "EventTarget"),
        "timer": ("timer list",),
        "cache": ("Map", "Object"),
        "collection": ("Map", "Array", "Set"),
        "closure": ("Array",),
    }
    snippets = set()
    for lines in (text.splitlines() for text in texts):
        for at in range(0, len(lines), 7):
            window = lines[at : at + 1 + at % 4]
            for category, holders in kinds.items():
                for kind in holders:
                    sites = (site("holder", *window), site("added", *window))
                    fix = fix_for(finding(category, "interval timers of `x`", kind, sites=sites))
                    dep = fix_for(
                        finding(category, "x", kind, sites=sites, package=Package("left-pad", None))
                    )
                    snippets |= {fix.before, fix.after, dep.before, dep.after}
    assert len(snippets) > 100

    assert errors_in(sorted(snippets)) == []
