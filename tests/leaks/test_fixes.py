"""Advice fits the situation, speaks of the program's own names and lines, and is always JavaScript."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heapsleuth.leaks.fixes import ADVICE, fix_for, general_fix
from heapsleuth.leaks.fixes.dependencies import BOUNDED_BY, DEPENDENCIES
from heapsleuth.leaks.fixes.javascript import expression, fill, identifier
from heapsleuth.leaks.fixes.situation import DEFAULTS, Situation
from heapsleuth.leaks.model import CodeLine, Finding, Fix, Holder, Members, Site, Verdict
from heapsleuth.places import Package, SourceLocation
from tests.node_programs import node_binaries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.fixes.advice import Advice

ROOT = Path(__file__).parent.parent.parent

NASTY = (
    *("cache", "timer", "done", "own", "shared", "client", "subscription", "previous", "known", "next", "id"),
    *(
        "class",
        "await",
        "yield",
        "let",
        "static",
        "$",
        "$$",
        "$holder",
        "${holder}",
        "`x`",
        "0abc",
        "größe",
        "日本",
    ),
    *(
        "store.past",
        "tenants[…].byId",
        'registry["#items"]',
        "this.#items",
        'routes["/"].handlers',
        "a.b[0].c",
    ),
    *("a → b", "x.class.new", "", "…", "a" * 300, 'a"; process.exit(); "', "'", "a'b", "a\\", "*/", "//"),
    *("\x1b[31m[bold]", "x\u2028y", "<symbol kEvents>", "function (anonymous)", "bound onTick"),
    *("function in handler (app.js:12)", "Object {id, user}"),
)


def finding(
    category: str = "cache",
    holder: str = "reports",
    kind: str = "Map",
    members: str = "Report",
    *,
    package: Package | None = None,
    sites: tuple[Site, ...] = (),
    title: str = "",
) -> Finding:
    return Finding(
        signature="0" * 16,
        category=category,
        verdict=Verdict.LEAK,
        confidence=1.0,
        title=title,
        holder=Holder(holder, kind, 1, None, package),
        members=Members(members, None, (), (), 1.0, 1.0),
        exclusive_bytes=0,
        path=(),
        evidence_for=(),
        evidence_against=(),
        sites=sites,
    )


def site(
    role: str, *lines: str, marked: int = 0, file: str = "/app/src/app.js", dep: str | None = None
) -> Site:
    code = tuple(CodeLine(10 + at, text, at == marked) for at, text in enumerate(lines))
    place = SourceLocation(file, 10 + marked)
    return Site(role, place, None if dep is None else Package(dep, "1.2.3"), code)


def errors_in(snippets: list[str]) -> list[str]:
    """Return what Node says about snippets that are no body of an async method."""
    script = """
      const vm = require('node:vm');
      const codes = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
      for (const code of codes) {
        const names = new Set(code.match(/#[A-Za-z_$][\\w$]*/g) ?? []);
        const fields = [...names].map((name) => `${name};`).join(' ');
        try { new vm.Script(`(class extends Object { ${fields} async method() {\\n${code}\\n} })`); }
        catch (error) { console.log(JSON.stringify(`${error.message}: ${code}`)); }
      }
    """
    node = node_binaries()[0]
    done = subprocess.run(
        [node, "-e", script],
        input=json.dumps(snippets),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def all_advice() -> list[tuple[str, Advice]]:
    found = [(category, advice) for category, table in ADVICE.items() for advice in table]
    found += [(category or "unknown", advice) for category, table in DEPENDENCIES.items() for advice in table]
    return [*found, *(("cache", advice) for advice in BOUNDED_BY.values())]


def test_the_check_of_javascript_knows_what_is_none() -> None:
    assert len(errors_in(["const a = ;", "const const = 1;", "await x();", "this.#y = 1;"])) == 2


def test_every_advice_parses_with_any_names() -> None:
    snippets = []
    for category, advice in all_advice():
        for name in NASTY:
            one = finding(category, name, members=name, package=Package(name or "p", None))
            situation = Situation(one, dict.fromkeys(DEFAULTS, name))
            codes = (advice.before, advice.after)
            snippets += [fill(code, situation.names, situation.defaults) for code in codes]
    assert len(snippets) > 1000

    assert errors_in(sorted(set(snippets))) == []


def test_every_advice_has_a_condition_but_the_last() -> None:
    for table in ADVICE.values():
        assert [bool(advice.when) for advice in table] == [True] * (len(table) - 1) + [False]


def test_summaries_fit_on_the_terminal_and_leave_no_placeholder() -> None:
    for category, advice in all_advice():
        fix = fix_for(finding(category, package=Package("some-package", "10.11.12")))
        assert "$" not in fix.summary
        assert len(advice.summary) < 330, advice.summary
        assert advice.summary.endswith((".", "$called"))


@pytest.mark.parametrize("category", sorted(ADVICE))
def test_general_advice_needs_no_names(category: str) -> None:
    fix = general_fix(category)
    assert fix is not None
    assert "$" not in fix.summary
    assert fix.before != fix.after
    assert fix.doc == f"docs/leaks/{'README' if category == 'unknown' else category}.md"


def test_there_is_no_general_advice_for_an_unknown_category() -> None:
    assert general_fix("poltergeist") is None
    assert fix_for(finding("poltergeist")).doc == "docs/leaks/README.md"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("reports", "reports"),
        ("store.past", "store.past"),
        ("tenants[…].byId", "tenants[key].byId"),
        ('registry["#items"]', "this.#items"),
        ("registry.#items", "this.#items"),
        ('routes["/"].handlers', "routes[key].handlers"),
        ('routes["users"].list', "routes.users.list"),
        ("handler → list", "list"),
        ("class", None),
        ("system / Context", None),
        ("…", None),
    ],
)
def test_holders_are_written_as_code_can_reach_them(name: str, code: str | None) -> None:
    assert expression(name) == code


def test_reserved_words_are_no_identifiers() -> None:
    assert [name for name in ("await", "class", "yield", "a-b", "1a", "") if identifier(name)] == []
    assert identifier("onClose") == "onClose"


LISTENER = finding("listener", 'bus "change" listeners', "EventEmitter", "function onChange")


def test_a_listener_is_removed_by_its_own_names() -> None:
    fix = fix_for(LISTENER)

    assert fix.before == "bus.on('change', onChange);"
    assert fix.after == "bus.on('change', onChange);\nowner.once('close', () => bus.off('change', onChange));"
    assert "`bus`" in fix.summary


def test_what_the_detector_knows_goes_before_what_the_title_says() -> None:
    fix = fix_for(LISTENER, {"emitter": "app.bus", "event": "reload", "callback": "function onReload"})

    assert fix.before == "app.bus.on('reload', onReload);"


CHOICES: Mapping[str, tuple[Finding, str, str]] = {
    "abort signal": (
        finding("listener", "shutdown.signal listeners", "AbortSignal", "Listener"),
        "shutdown.signal.addEventListener('abort', listener);",
        "shutdown.signal.removeEventListener('abort', listener);",
    ),
    "event target": (
        finding("listener", 'target "message" listeners', "EventTarget", "Listener"),
        "target.addEventListener('message', listener);",
        "{ signal: done.signal }",
    ),
    "events.once": (
        finding("listener", 'bus "ready" listeners', "EventEmitter", "function resolver"),
        "await once(bus, 'ready');",
        "{ signal: AbortSignal.timeout(30_000) }",
    ),
    "events.on": (
        finding("listener", 'bus "row" listeners', "EventEmitter", "function eventHandler"),
        "const events = on(bus, 'row');",
        "break;",
    ),
    "process": (
        finding("listener", 'process "SIGHUP" listeners', "process", "function (app.js:3)"),
        "process.on('SIGHUP', listener);",
        "process.off('SIGHUP', listener)",
    ),
    "shared socket": (
        finding("listener", 'sock "error" listeners', "TLSSocket", "function onError"),
        "sock.on('error', onError);",
        "response.once('close'",
    ),
    "interval": (
        finding("timer", "interval timers of `pollTick`", "timer list", "Timeout"),
        "setInterval(pollTick, 60_000);",
        "clearInterval(timer)",
    ),
    "timeout": (
        finding("timer", "timers of `retryJob`", "timer list", "Timeout"),
        "setTimeout(retryJob, 60_000);",
        "clearTimeout(timer)",
    ),
    "dictionary": (
        finding("cache", "byName", "Object", "User"),
        "byName[key] = user;",
        "delete byName[key];",
    ),
    "weak references": (
        finding("cache", "seen", "Map", "WeakRef of User"),
        "seen.set(key, new WeakRef(value));",
        "FinalizationRegistry",
    ),
    "promises in flight": (
        finding("collection", "inflight", "Map", "Promise"),
        "inflight.set(key, load(key));",
        "inflight.delete(key)",
    ),
    "set": (finding("collection", "open", "Set", "Job"), "open.add(job);", "open.delete(job);"),
    "array": (finding("collection", "log", "Array", "Object {at}"), "log.push(item);", "log.shift();"),
    "generators": (
        finding("collection", "open", "Array", "generator rows"),
        "open.push(item);",
        "item.return();",
    ),
    "back-pressure": (
        finding("collection", 'sink._writableState["<symbol kBufferedValue>"]', "Array", "Object {chunk}",
                title='Array `sink._writableState["<symbol kBufferedValue>"]` gains 9 Object {chunk}'),
        "sink.write(item);",
        "await once(sink, 'drain');",
    ),
    "race": (
        finding("promise", "shutdown", "Promise", "function (app.js:9)"),
        "await Promise.race([shutdown, work()]);",
        "removeEventListener",
    ),
    "await": (
        finding("promise", "shutdown", "Promise", "suspended work"),
        "await shutdown;",
        "AbortSignal.timeout",
    ),
    "resolvers": (
        finding("promise", "waiting", "Map", "Object {resolve, reject}"),
        "new Promise((resolve, reject) => waiting.set(key, { resolve, reject }));",
        "waiting.delete(key)",
    ),
    "buffers behind a promise": (
        finding("buffer", "shutdown", "Promise", "function (app.js:9)"),
        "await Promise.race([shutdown, work()]);",
        "removeEventListener",
    ),
    "clients": (
        finding("socket", "clients", "Set", "ServerResponse"),
        "clients.add(serverResponse);",
        "serverResponse.once('close', () => clients.delete(serverResponse));",
    ),
    "subclass of EventTarget": (
        finding("listener", 'theme "change" listeners', "Theme", "Listener"),
        "theme.addEventListener('change', listener);",
        "done.abort()",
    ),
    "generators by key": (
        finding("cache", "cursors", "Map", "generator pages"),
        "cursors.set(key, value);",
        "value.return(); cursors.delete(key);",
    ),
    "parents": (
        finding("collection", "spans", "Array", "Object {id, attributes, parent}"),
        "parent: current",
        "parentId: current.id",
    ),
    "a buffer that is added to": (
        finding("buffer", "app.parser.pending", "Buffer", "Buffer"),
        "Buffer.concat([app.parser.pending, chunk])",
        "app.parser.pending.subarray(parsed)",
    ),
    "samples": (
        finding("buffer", "latency.values", "Float64Array", "Float64Array"),
        "latency.values[count++] = value;",
        "latency.values[count++ % latency.values.length] = value;",
    ),
    "growing text": (
        finding("buffer", "log", "variable", "string", title="`log` grows by 90 B per interval"),
        "log += line;",
        "stream.write(line);",
    ),
    "ports": (
        finding("socket", "open handles", "process", "MessagePort"),
        "new MessageChannel()",
        "port1.close();",
    ),
    "response": (
        finding("socket", "open handles", "process", "IncomingMessage"),
        "await fetch(url);",
        "body.cancel();",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CHOICES)
def test_each_situation_has_advice_of_its_own(case: str) -> None:
    one, before, after = CHOICES[case]
    fix = fix_for(one)

    assert before in fix.before
    assert after in fix.after


def test_a_function_that_wraps_the_one_before_is_wrapped_once() -> None:
    one = finding("closure", "onSend", "variable", "function onSend")
    fix = fix_for(one, {"chain": "scope", "captured": "next"})

    assert fix.before.startswith("const next = onSend;")
    assert fix.after.startswith("const original = onSend; // once")


def test_a_timer_that_sets_the_next_one_has_to_be_stopped() -> None:
    sites = (site("member", "async function poll() {", "  await check();", "  setTimeout(poll, 5000);", "}"),)
    one = finding("timer", "timers of `poll`", "timer list", "Timeout", sites=sites)

    assert "`poll` sets its own next timer" in fix_for(one).summary
    assert "clearTimeout(timer)" in fix_for(one).after


def test_a_holder_without_a_name_is_called_by_its_class() -> None:
    fix = fix_for(finding("collection", "Array", "Array", "Span"))

    assert "the `Array`" in fix.summary
    assert fix.before == "list.push(span);"


def test_async_contexts_have_advice_by_what_keeps_them() -> None:
    table = fix_for(finding("async-context", "requests", "Map", "Object"), {"shape": "table"})
    storages = fix_for(
        finding("async-context", "the current async resource", "Object", "AsyncLocalStorage key")
    )
    store = fix_for(finding("async-context", "als store", "Map", "Row"), {"shape": "store", "storage": "als"})
    bound = fix_for(finding("async-context", "onReload", "Array", "function bound"), {"members": "resources"})

    assert "destroy(asyncId) { requests.delete(asyncId); }" in table.after
    assert "once, at the top of the file" in storages.after
    assert "als.run(new Map()" in store.after
    assert "onReload.splice(onReload.indexOf(bound), 1)" in bound.after


@pytest.mark.parametrize(
    ("members", "after"),
    [
        ("vm context", "runInContext(context)"),
        ("Module", "readFile"),
        ("WebAssembly.Instance", "WebAssembly.compile"),
        ("compiled function", "compiled.get(source)"),
    ],
)
def test_each_sort_of_code_has_advice_of_its_own(members: str, after: str) -> None:
    assert after in fix_for(finding("code", "compiled", "Array", members)).after


def test_a_chain_of_scopes_is_cut_at_the_variable_that_links_it() -> None:
    one = finding("closure", "theThing", "variable", "Object {longStr, someMethod}")
    fix = fix_for(one, {"chain": "scope", "captured": "originalThing"})

    assert fix.after.endswith("originalThing = null; // when no longer needed")
    assert "`originalThing`" in fix.summary


# Rewriting of the program's own lines

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
    "bus.on('change', function onChange(value) {",  # goes on beyond the lines at hand
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


# Dependencies


def test_a_leak_in_a_dependency_says_which_and_what_to_do_meanwhile() -> None:
    sites = (
        site("holder", file="/app/node_modules/left-pad/index.js", dep="left-pad"),
        site("added", "const pad = leftPad.make(options);"),
    )
    one = finding("collection", "pads", "Array", "Pad", package=Package("left-pad", "1.2.3"), sites=sites)
    fix = fix_for(one)

    assert "`left-pad 1.2.3` adds to `pads`" in fix.summary
    assert "The application's part is at `src/app.js:10`." in fix.summary
    assert fix.before == "const pad = leftPad.make(options);"
    assert fix.after == f"// once, when the program starts, not for each request\n{fix.before}"


def test_listeners_of_a_dependency_on_an_emitter_of_the_application_are_the_dependencys() -> None:
    sites = (site("member", file="/app/node_modules/@x/agent/index.js", dep="@x/agent"),)
    fix = fix_for(replace(LISTENER, sites=sites))

    assert "`@x/agent 1.2.3`" in fix.summary
    assert "await xAgent.run(bus);" in fix.before
    assert "bus.off('change', left)" in fix.after


def test_listeners_of_the_application_on_an_emitter_of_a_dependency_are_the_applications() -> None:
    one = finding(
        "listener", 'client "end" listeners', "Emitter", "function onEnd", package=Package("x", "1")
    )
    fix = fix_for(replace(one, sites=(site("member", "const onEnd = () => {};"),)))

    assert fix.before == "client.on('end', onEnd);"


def test_an_emitter_inside_a_dependency_is_out_of_the_applications_reach() -> None:
    package = Package("left-pad", "1.2.3")
    inside = finding("listener", 's "end" listeners', "Socket", "function onEnd", package=package)
    process = finding("listener", 'process "exit" listeners', "process", "function onEnd", package=package)

    assert "s.off" not in fix_for(inside).after
    assert "process.off('exit', left)" in fix_for(process).after


def test_only_a_line_that_calls_something_is_moved_to_the_start() -> None:
    package = Package("left-pad", "1.2.3")
    sites = (
        site("holder", "let pads, count = 0;"),
        site("added", "  const pad = make(options); // each time"),
    )
    one = finding("collection", "pads", "Array", "Pad", package=package, sites=sites)

    assert fix_for(one).before == "const pad = make(options);"
    assert fix_for(replace(one, sites=sites[:1])).before.startswith("const handle =")


def test_the_signal_of_a_controller_is_reached_by_its_getter() -> None:
    fix = fix_for(finding("listener", "shutdown.#signal listeners", "AbortSignal", "Listener"))

    assert fix.before == "shutdown.signal.addEventListener('abort', listener);"
    assert "`shutdown.signal`" in fix.summary


def test_packages_that_keep_what_they_are_given_by_design_have_a_bound_to_set() -> None:
    fix = fix_for(finding(package=Package("memoizee", "0.4.15")))

    assert "max: 1000, maxAge: 60_000" in fix.after


def test_advice_is_the_same_for_the_same_finding() -> None:
    assert fix_for(LISTENER) == fix_for(LISTENER)
    assert isinstance(fix_for(LISTENER), Fix)
