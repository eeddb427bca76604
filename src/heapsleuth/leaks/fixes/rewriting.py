"""Before and after made out of the program's own lines, where the lines say enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heapsleuth.leaks.fixes.javascript import identifier, is_path, last_name
from heapsleuth.leaks.fixes.source_calls import assigned_to, find_call, one_line, statement

if TYPE_CHECKING:
    from heapsleuth.leaks.fixes.situation import Situation
    from heapsleuth.leaks.fixes.source_calls import Call

__all__ = [
    "add_listener_with_signal",
    "add_with_removal",
    "await_with_limit",
    "bound_array",
    "bound_map",
    "call_once",
    "clear_timer",
    "close_after_use",
    "delete_entry",
    "delete_from_set",
    "delete_key",
    "remove_listener",
    "remove_listener_or_entry",
    "remove_on_close",
]

_ADDING = ("on", "addListener", "prependListener")
_CLEARING = {"setInterval": "clearInterval", "setTimeout": "clearTimeout", "setImmediate": "clearImmediate"}
# Parameters that by custom are emitters and end with what they stand for; the first found is taken.
_OWNERS = re.compile(r"[(,]\s*(res|response|reply|socket|ws|conn|connection|stream|req|request)\s*[,)=]")
_EXECUTOR = re.compile(r"Promise\([^)]*\bres\b|\bres, ?rej\b")  # there it is short for resolve
_ASSIGNMENT = re.compile(r"(?P<left>[\w$.#]+)\[(?P<key>[\w$.]+|'[^'\\\n]*'|`[^`\\\n]*`)\] = ")
_TARGETS = 2


def remove_listener(situation: Situation) -> tuple[str, str] | None:
    """`emitter.on(event, callback)`, and `off` when the owner closes."""
    call = _call_with_two(situation, _ADDING)
    if call is None:
        return None
    event, callback = call.arguments
    named = is_path(callback)
    name = callback if named else _callback_name(situation, call)
    owner = _owner(situation, call)
    line = f"{call.target}.{call.method}({event}, {name});"
    removal = f"{owner}.once('close', () => {call.target}.off({event}, {name}));"
    lines = [line, removal] if named else [f"const {name} = {callback};", line, removal]
    return f"{call.text};", "\n".join(lines)


def remove_listener_or_entry(situation: Situation) -> tuple[str, str] | None:
    """The same, else what a registry of the program's own is given, with a way to take it out."""
    return remove_listener(situation) or add_with_removal(situation)


def remove_on_close(situation: Situation) -> tuple[str, str] | None:
    """`clients.add(socket)`, and the socket taken out when it closes."""
    call = find_call(situation.added_code, ("add", "push", "set"), on=_name(situation))
    if call is None or not is_path(call.target) or not is_path(call.arguments[-1]):
        return None
    keyed = call.method == "set"
    if len(call.arguments) != (_TARGETS if keyed else 1) or (keyed and not is_path(call.arguments[0])):
        return None
    target, key, member = call.target, call.arguments[0], call.arguments[-1]
    removal = f"splice({target}.indexOf({member}), 1)" if call.method == "push" else f"delete({key})"
    return f"{call.text};", f"{call.text};\n{member}.once('close', () => {target}.{removal});"


def add_listener_with_signal(situation: Situation) -> tuple[str, str] | None:
    """`target.addEventListener(event, callback)` with `{ signal }`."""
    call = _call_with_two(situation, ("addEventListener",), options=True)
    if call is None:
        return None
    event, callback, *options = call.arguments
    if "abort" in event:
        # A signal of its own cannot be aborted by the one listened to: take the listener off by name.
        name = callback if is_path(callback) else _callback_name(situation, call)
        lines = [] if name == callback else [f"const {name} = {callback};"]
        lines += [
            f"{call.target}.addEventListener({event}, {name}, {{ once: true }});",
            _finally(f"{call.target}.removeEventListener({event}, {name})"),
        ]
        return f"{call.text};", "\n".join(lines)
    if options:
        return None
    added = f"{call.target}.addEventListener({event}, {callback}, {{ signal: done.signal }});"
    owner = _owner(situation, call)
    after = f"const done = new AbortController();\n{added}\n{owner}.once('close', () => done.abort());"
    return f"{call.text};", after


def await_with_limit(situation: Situation) -> tuple[str, str] | None:
    """`once(emitter, event)` with a signal that aborts."""
    call = find_call(situation.added_code or situation.member_code, ("once",), least=2)
    if call is None or len(call.arguments) != _TARGETS or call.target not in ("", "events"):
        return None
    head = f"{call.target}.{call.method}" if call.target else call.method
    limited = f"{head}({', '.join(call.arguments)}, {{ signal: AbortSignal.timeout(30_000) }})"
    return f"await {call.text};", f"await {limited};"


def clear_timer(situation: Situation) -> tuple[str, str] | None:
    """The timer that is set, its handle kept and cleared."""
    code = situation.added_code or situation.member_code
    call = find_call(code, _CLEARING)
    if call is None or call.target not in ("", "globalThis", "timers"):
        return None
    handle = call.assigned.split()[-1] if call.assigned else "timer"
    if not is_path(handle) or (not call.assigned and "timer" in call.arguments):
        return None
    head = f"{call.assigned} = " if call.assigned else ""
    kept = f"{call.assigned or 'const timer'} = {call.text};"
    clear = f"{_CLEARING[call.method]}({handle})"
    if call.method == "setInterval":
        after = f"{kept}\n{_owner(situation, call)}.once('close', () => {clear});"
    else:
        after = f"{kept}\n{_finally(clear)}"
    return f"{head}{call.text};", after


def bound_map(situation: Situation) -> tuple[str, str] | None:
    """The Map's declaration as an LRU cache, else the line that adds to it with a bound after it."""
    declaration = situation.holder_code.split("\n", 1)[0]
    left = assigned_to(declaration, ("new", "Map", "(", ")"), _name(situation))
    if left is not None and _may_stand_alone(left):
        return f"{left} = new Map();", f"{left} = new LRUCache({{ max: 1000, ttl: 60_000 }});"
    call = find_call(situation.added_code, ("set",), least=_TARGETS, on=_name(situation))
    if call is None or not is_path(call.target):
        return None
    target = call.target
    return f"{call.text};", (
        f"{call.text};\nif ({target}.size > 1000) {target}.delete({target}.keys().next().value);"
    )


def delete_entry(situation: Situation) -> tuple[str, str] | None:
    """`holder[key] = value`, and `delete` when its work is done."""
    line = situation.added_code.split("\n", 1)[0].strip()
    found = _ASSIGNMENT.match(line)
    if found is None or not is_path(found["left"]) or not line.endswith(";"):
        return None
    whole = one_line(line.removesuffix(";"))
    # Whatever else is on the line would be said again.
    if whole is None or ";" in whole or not _is_balanced(whole):
        return None
    deletion = f"delete {found['left']}[{found['key']}];"
    comment = "// when its work is done, or use an LRU cache with `max` and `ttl`:"
    return f"{whole};", f"{whole};\n{comment}\n{deletion}"


def delete_key(situation: Situation) -> tuple[str, str] | None:
    """`map.set(key, value)`, and the key deleted in `finally`."""
    call = find_call(situation.added_code, ("set",), least=_TARGETS, on=_name(situation))
    if call is None or not is_path(call.target) or len(call.arguments) != _TARGETS:
        return None
    key = call.arguments[0]
    if not (is_path(key) or re.fullmatch(r"'[^'\\\n]*'|`[^`\\\n]*`", key)):
        return None
    return f"{call.text};", f"{call.text};\n{_finally(f'{call.target}.delete({key})')}"


def call_once(situation: Situation) -> tuple[str, str] | None:
    """The application's own call, moved to where it happens once."""
    for code in situation.call_codes:
        line = statement(code)
        if line is not None and "(" in line:
            return line, f"// once, when the program starts, not for each request\n{line}"
    return None


def close_after_use(situation: Situation) -> tuple[str, str] | None:
    """The application's own call, and what it makes closed in `finally`."""
    for code in situation.call_codes:
        line = statement(code)
        made = None if line is None else re.match(r"(?:const|let|var) ([\w$]+) = [^;]*\(", line)
        if line is not None and made is not None:
            name = made[1]
            return line, f"{line}\ntry {{\n  await use({name});\n}} finally {{\n  await {name}.close();\n}}"
    return None


def bound_array(situation: Situation) -> tuple[str, str] | None:
    """`list.push(item)`, and the oldest thrown away."""
    call = find_call(situation.added_code, ("push", "unshift"), on=_name(situation))
    if call is None or not is_path(call.target):
        return None
    drop = "shift" if call.method == "push" else "pop"
    return f"{call.text};", f"{call.text};\nif ({call.target}.length > 1000) {call.target}.{drop}();"


def add_with_removal(situation: Situation) -> tuple[str, str] | None:
    """`listeners.push(listener)`, and a function that takes it out."""
    call = find_call(situation.added_code, ("push", "add"), on=_name(situation))
    if call is None or not is_path(call.target) or len(call.arguments) != 1:
        return None
    target, listener = call.target, call.arguments[0]
    if listener.startswith("..."):
        # Any number of listeners.
        return None
    lines = [f"{call.text};"]
    if not is_path(listener):
        taken = set(re.findall(r"[\w$]+", f"{target} {listener}"))
        name = next(
            one for one in ("listener", "entry", "added", "given") if one not in taken or one == "given"
        )
        lines, listener = [f"const {name} = {listener};", f"{target}.{call.method}({name});"], name
    is_set = call.method == "add"
    removal = f"delete({listener})" if is_set else f"splice({target}.indexOf({listener}), 1)"
    return f"{call.text};", "\n".join([*lines, f"return () => {target}.{removal};"])


def delete_from_set(situation: Situation) -> tuple[str, str] | None:
    """`set.add(item)`, and the item deleted in `finally`."""
    call = find_call(situation.added_code, ("add",), on=_name(situation))
    if call is None or not is_path(call.target) or len(call.arguments) != 1:
        return None
    item = call.arguments[0]
    first = f"{call.text};"
    if not is_path(item):
        name = situation.names.get("member", "item")
        if name == call.target.split(".")[0]:
            return None
        first, item = f"const {name} = {item};\n{call.target}.add({name});", name
    return f"{call.text};", f"{first}\n{_finally(f'{call.target}.delete({item})')}"


def _call_with_two(situation: Situation, methods: tuple[str, ...], *, options: bool = False) -> Call | None:
    most = _TARGETS + options
    for code in (situation.added_code, situation.member_code):
        call = find_call(code, methods, least=_TARGETS)
        if call is not None and is_path(call.target) and len(call.arguments) <= most:
            return call
    return None


def _callback_name(situation: Situation, call: Call) -> str:
    """Return a name for a function written inside a call, unlike any other name there."""
    event = call.arguments[0].strip("'\"`")
    name = situation.names.get("callback") or f"on{event[:1].upper()}{event[1:]}"
    heads = {call.target.split(".")[0], *re.findall(r"[\w$]+", call.arguments[0])}
    return name if identifier(name) and name not in heads else "listener"


def _owner(situation: Situation, call: Call) -> str:
    text = situation.code_around
    found = [name for name in _OWNERS.findall(text) if name != call.target]
    if _EXECUTOR.search(text):
        found = [name for name in found if name != "res"]
    return found[-1] if found else "owner"


def _may_stand_alone(left: str) -> bool:
    """Whether a left side is a statement by itself, not a field in the body of a class."""
    return " " in left or left.startswith("this.") or "." in left


def _name(situation: Situation) -> str:
    return last_name(situation.names.get("holder", ""))


def _finally(code: str) -> str:
    return f"try {{\n  await work();\n}} finally {{\n  {code};\n}}"


def _is_balanced(code: str) -> bool:
    return all(code.count(a) == code.count(b) for a, b in ("()", "[]", "{}")) and code.count("`") % 2 == 0
