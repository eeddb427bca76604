"""Advice fits the situation, speaks of the program's own names and lines, and is always JavaScript."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from heapsleuth.leaks.fixes import ADVICE, fix_for, general_fix
from heapsleuth.leaks.fixes.dependencies import BOUNDED_BY, DEPENDENCIES
from heapsleuth.leaks.fixes.javascript import expression, fill, identifier
from heapsleuth.leaks.fixes.situation import DEFAULTS, Situation
from heapsleuth.leaks.model import Finding, Fix
from heapsleuth.places import Package
from tests.leaks.fix_findings import LISTENER, errors_in, finding, site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.fixes.advice import Advice

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


def test_a_listener_is_removed_by_its_own_names() -> None:
    fix = fix_for(LISTENER)

    assert fix.before == "bus.on('change', onChange);"
    assert fix.after == "bus.on('change', onChange);\nowner.once('close', () => bus.off('change', onChange));"
    assert "`bus`" in fix.summary


def test_what_the_detector_knows_goes_before_what_the_title_says() -> None:
    fix = fix_for(LISTENER, {"emitter": "app.bus", "event": "reload", "callback": "function onReload"})

    assert fix.before == "app.bus.on('reload', onReload);"


def test_the_error_listener_of_once_does_not_tell_the_event() -> None:
    fix = fix_for(finding("listener", 'bus "error" listeners', "EventEmitter", "function errorListener"))

    assert fix.before == "await once(bus, 'event');"


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
