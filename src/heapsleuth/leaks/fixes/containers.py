"""Advice about caches, collections and buffers; the first that applies is taken, the last always does."""

from __future__ import annotations

from heapsleuth.leaks.fixes.advice import Advice
from heapsleuth.leaks.fixes.rewriting import (
    add_with_removal,
    bound_array,
    bound_map,
    delete_entry,
    delete_from_set,
    delete_key,
)
from heapsleuth.leaks.fixes.work import REACTIONS

__all__ = ["BUFFERS", "CACHES", "COLLECTIONS"]

_KEYED = (
    Advice(
        "Finish each generator of $holder when nobody goes on with it: `return()` runs its `finally` and "
        "lets go of its scope. A time limit says when.",
        "$holder.set($key, $member);",
        "$holder.set($key, $member);\nsetTimeout(() => { $member.return(); $holder.delete($key); }, 60_000);",
        when={"kind": "^Map$", "members": "^(async )?generator "},
    ),
    Advice(
        "Entries of $holder outlive what they point to: delete each when its object is collected, or key a "
        "WeakMap by the object.",
        "$holder.set($key, new WeakRef($member));",
        "$holder.set($key, new WeakRef($member));\nregistry.register($member, $key);\n"
        "// registry = new FinalizationRegistry((key) => $holder.delete(key));",
        when={"kind": "^Map$", "members": "^WeakRef"},
    ),
    Advice(
        "Delete each promise from $holder when it has settled, whichever way, and give it a time limit.",
        "$holder.set($key, load($key));",
        "const loading = load($key).finally(() => $holder.delete($key));\n$holder.set($key, loading);",
        when={"kind": "^Map$", "members": "^Promise"},
    ),
)

CACHES = (
    *_KEYED,
    Advice(
        "Something keeps the keys of $holder alive, and a key keeps its value: let go of the keys, and do "
        "not refer from a value to its own key.",
        "$holder.set($key, $member);",
        "$holder.set($key, $member);\n$owner.once('close', () => $holder.delete($key));",
        when={"kind": "^WeakMap$"},
    ),
    Advice(
        "Names of metrics and labels have to be few: leave out ids, addresses and paths with values, or "
        "bound $holder.",
        "$holder.set(`$${method} $${request.url}`, count);",
        "$holder.set(`$${method} $${route}`, count); // the route's pattern, not the address",
        when={"holder": r"(?i)metric|label|counter|histogram|gauge"},
    ),
    Advice(
        "Give $holder a bound and a time to live, or delete each key when its work is done.",
        "$holder[$key] = $member;",
        "$holder[$key] = $member;\n// when its work is done, or use an LRU cache with `max` and `ttl`:\n"
        "delete $holder[$key];",
        when={"kind": "^(Object|variable|global)"},
        rewrite=delete_entry,
    ),
    Advice(
        "Give $holder a bound and a time to live, or delete each key when its work is done. Key by an id; "
        "where objects are the keys, a WeakMap lets go of them.",
        "$holder.set($key, $member);",
        "const cache = new LRUCache({ max: 1000, ttl: 60_000 });\ncache.set($key, $member);",
        rewrite=bound_map,
    ),
)

COLLECTIONS = (
    *_KEYED,
    Advice(
        "Registered objects are never collected: something else still refers to them, or the value given "
        "to `register` does. Give it a plain value, and `unregister` when done.",
        "$holder.register($member, { $member });",
        "$holder.register($member, id, $member);\n$holder.unregister($member); // when it is closed",
        when={"kind": "^FinalizationRegistry$"},
    ),
    Advice(
        "What is sent but not taken waits in $holder: stop writing when `write` returns false and go on at "
        "`drain`, or use `pipeline`, which does.",
        "$emitter.write($member);",
        "if (!$emitter.write($member)) await once($emitter, 'drain');",
        when={"title": r"kBufferedValue|_(writable|readable)State|kBuffer\b"},
    ),
    Advice(
        "Finish each generator of $holder: `return()` runs its `finally` and lets go of its scope.",
        "$holder.push($member);",
        "$holder.push($member);\ntry {\n  await work();\n} finally {\n  $member.return();\n"
        "  $holder.splice($holder.indexOf($member), 1);\n}",
        when={"members": "^(async )?generator "},
    ),
    Advice(
        "Keep the id of what came before, not the object: each $members refers to an older one, and that to "
        "all before it.",
        "const $member = { id, parent: current };",
        "const $member = { id, parentId: current.id };",
        when={"members": r"\{.*\b(parent|previous|prev)\b"},
    ),
    Advice(
        "Unsubscribe when the subscriber is done: keep what `subscribe` returns.",
        "$holder.subscribe($callback);",
        "const subscription = $holder.subscribe($callback);\n"
        "$owner.once('close', () => subscription.unsubscribe());",
        when={"members": "Subscriber$|Subscription$|Observer$"},
    ),
    Advice(
        "Let whoever adds a function to $holder get one that removes it, and call that when it is done.",
        "$holder.push($callback);",
        "$holder.push($callback);\nreturn () => $holder.splice($holder.indexOf($callback), 1);",
        when={"kind": "^Array$", "members": "^(function|bound) "},
        rewrite=add_with_removal,
    ),
    Advice(
        "Let whoever adds a function to $holder get one that removes it, and call that when it is done.",
        "$holder.add($callback);",
        "$holder.add($callback);\nreturn () => $holder.delete($callback);",
        when={"kind": "^Set$", "members": "^(function|bound) "},
        rewrite=add_with_removal,
    ),
    Advice(
        "Unlink each $members of $holder when it is finished with, or keep only the last N.",
        "$holder.last.next = $member;",
        "$holder.last.next = $member;\nif (++$holder.size > 1000) $holder.first = $holder.first.next;",
        when={"kind": "^Object$", "members": "(?i)(node|link)$"},
    ),
    Advice(
        "Keep only the last errors in $holder: an error keeps its stack and what is attached to it.",
        "$holder.push(error);",
        "$holder.push(error.message);\nif ($holder.length > 100) $holder.shift();",
        when={"members": "Error$"},
        rewrite=bound_array,
    ),
    Advice(
        "Remove each $members from $holder when it is finished with, on every way out.",
        "$holder.add($member);",
        "$holder.add($member);\ntry {\n  await work($member);\n} finally {\n  $holder.delete($member);\n}",
        when={"kind": "^(Set|WeakSet)$"},
        rewrite=delete_from_set,
    ),
    Advice(
        "Delete the entry from $holder when its $members is finished with, on every way out.",
        "$holder.set($key, $member);",
        "$holder.set($key, $member);\ntry {\n  await work($member);\n} finally {\n  $holder.delete($key);\n}",
        when={"kind": "^(Map|WeakMap)$"},
        rewrite=delete_key,
    ),
    Advice(
        "Delete the entry from $holder when its $members is finished with, on every way out.",
        "$holder[$key] = $member;",
        "$holder[$key] = $member;\ntry {\n  await work($member);\n} finally {\n  delete $holder[$key];\n}",
        when={"kind": "^(Object|global)"},
        rewrite=delete_entry,
    ),
    Advice(
        "Cut the chain at $holder: the newest object refers to all before it. Keep only the last N, or let "
        "go of the older one.",
        "$holder = { next: $holder, value };",
        "$holder = { next: null, value }; // or walk to the Nth and cut there",
        when={"kind": "^variable$"},
    ),
    Advice(
        "Unlink each $members of $holder when it is finished with, or keep only the last N.",
        "$holder.last.next = $member;",
        "$holder.last.next = $member;\nif (++$holder.size > 1000) $holder.first = $holder.first.next;",
        when={"kind": "^(?!(Array|Set|Map|Object|FinalizationRegistry)$)"},
    ),
    Advice(
        "Remove each $members from $holder when it is finished with, or keep only the last N.",
        "$holder.push($member);",
        "$holder.push($member);\nif ($holder.length > 1000) $holder.shift();",
        rewrite=bound_array,
    ),
)

BUFFERS = (
    REACTIONS,
    Advice(
        "Write out and forget what is in $holder instead of adding to it: text that only grows is never read "
        "as a whole.",
        "$holder += line;",
        "stream.write(line); // or keep the end: $holder = ($holder + line).slice(-10_000);",
        when={"members": "^string$", "title": "grows by"},
    ),
    Advice(
        "Keep a copy of the few bytes, not a slice: `subarray` and `slice` keep the whole buffer they were "
        "taken from.",
        "$holder.push(packet.subarray(0, 16));",
        "$holder.push(Buffer.from(packet.subarray(0, 16)));",
        when={"line": r"\.(subarray|slice)\("},
    ),
    Advice(
        "Take off what was read: $holder keeps all that was ever added, parsed or not. Refuse what gets too "
        "long without an end.",
        "$holder = Buffer.concat([$holder, chunk]);",
        "$holder = Buffer.concat([$holder.subarray(parsed), chunk]); // what is parsed goes\n"
        "if ($holder.length > 1_000_000) throw new Error('no end in sight');",
        when={"kind": "^(Buffer|Uint8Array)$"},
    ),
    Advice(
        "Write round in $holder, so that new values take the place of the oldest, not more room.",
        "$holder[count++] = value; // and a longer one when it is full",
        "$holder[count++ % $holder.length] = value;",
        when={"kind": "Array$", "target": "^(?!Array )"},
    ),
    Advice(
        "Buffers wait in $holder to be written: stop when `write` returns false and go on at `drain`, or use "
        "`pipeline`, which does.",
        "$emitter.write($member);",
        "if (!$emitter.write($member)) await once($emitter, 'drain');",
        when={"title": r"kBufferedValue|_(writable|readable)State|kBuffer\b"},
    ),
    Advice(
        "Drop each buffer of $holder when its bytes are written, and copy small slices out of big buffers.",
        "$holder.push($member);",
        "await write($holder);\n$holder.length = 0; // or keep Buffer.from(big.subarray(a, b)), no slice",
        when={"kind": "^(Array|variable)$"},
    ),
    Advice(
        "Drop each buffer of $holder when its bytes are written, and copy small slices out of big buffers.",
        "$holder.set($key, $member);",
        "try {\n  await write($member);\n} finally {\n  $holder.delete($key);\n}",
        when={"kind": "^(Map|Set)$"},
    ),
    Advice(
        "Drop the reference when the bytes are written, and copy small slices out of big buffers.",
        "chunks.push(chunk);",
        "sink.write(chunk); // or Buffer.from(big.subarray(a, b)) to keep only a slice",
    ),
)
