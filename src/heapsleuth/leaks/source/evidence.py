"""Source evidence: what a program does with the variable or field that holds what piles up.

Growth says that something piles up; the text says whether anything was meant to take it away again.
Read off syntax trees, file by file; code in other files is not looked at.  `called` and `exported` say
how far that goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.source.calls import Calls, function_name
from heapsleuth.leaks.source.comments import claims_in, comments_at
from heapsleuth.leaks.source.limits import Limits
from heapsleuth.leaks.source.mentions import Mentions
from heapsleuth.leaks.source.model import Bound, Change, Expiry, Intent, SourceFacts, Use
from heapsleuth.leaks.source.owners import Owners, callee_name
from heapsleuth.leaks.source.tables import WEAK
from heapsleuth.leaks.source.uses import acts_of, inner_function, reads_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tree_sitter import Node

    from heapsleuth.heap.declarations import SourceText
    from heapsleuth.heap.js_outline import Declaration
    from heapsleuth.leaks.source.tree import SyntaxTree
    from heapsleuth.leaks.source.uses import Act
    from heapsleuth.places import SourceLocation

__all__ = ["intents_at", "source_facts"]

_NOTHING = frozenset({"null", "undefined"})
_LITERAL_CLASSES = {"array": "Array", "object": "Object", "string": "String"}


def source_facts(
    source: SourceText,
    tree: SyntaxTree,
    declared: Declaration,
    place: Callable[[int], SourceLocation],
    *,
    whole: bool = True,
) -> SourceFacts:
    """
    Return what a text says about one variable or field.

    Args:
        source: The text.
        tree: Its syntax tree.
        declared: The variable or field.
        place: Gives the location of an offset of the text.
        whole: Whether *source* is all of the file.
    """
    where = place(declared.offset)
    if tree.skipped is not None:
        return SourceFacts(declared.name, where, whole=whole, skipped=tree.skipped)
    owners = Owners(tree, source.outline)
    mentions = Mentions(owners, declared)
    acts = _without_beginning(acts_of(tree, mentions.found), mentions)
    calls = Calls(owners)
    limits = Limits(owners, mentions, acts, reads_of(tree, mentions.found), calls)
    uses = [_use(one, tree, limits, calls, place) for one in acts]
    additions = tuple(one for one in uses if one.change is Change.ADD)
    refuses = not any(_goes_past(one) for one in additions)
    intents, problems = _intents(tree, source, declared, additions, place)
    made_of = _made_of(tree, mentions.values)
    return SourceFacts(
        name=declared.name,
        location=where,
        additions=additions,
        removals=tuple(one for one in uses if one.change is Change.REMOVE),
        clears=tuple(one for one in uses if one.change is Change.CLEAR),
        bounds=tuple(
            Bound(one.kind, one.limit, one.text, at, place(at), calls.is_called(one.chain))
            for one in limits.found
            if one.is_bound and (refuses or one.kind != "refuses") and (at := one.node.start_byte) >= 0
        ),
        expiries=tuple(
            Expiry(one.kind, one.text, at, place(at), calls.is_called(one.chain))
            for one in limits.found
            if not one.is_bound and (at := one.node.start_byte) >= 0
        ),
        weak=made_of if made_of in WEAK else None,
        made_of=made_of,
        exported=mentions.exported,
        intents=intents,
        problems=problems,
        whole=whole and not mentions.is_cut,
    )


def intents_at(
    source: SourceText, tree: SyntaxTree, offset: int, place: Callable[[int], SourceLocation]
) -> tuple[tuple[Intent, ...], tuple[str, ...]]:
    """Return what the comments beside *offset* claim, and the directives among them that are not followed."""
    intents, problems = [], []
    for at, comment in comments_at(tree, source, offset):
        for claim in claims_in(comment):
            if claim.kind == "problem":
                where = place(at)
                problems.append(f"{where}: {claim.reason}")
            else:
                intents.append(Intent(claim.kind, claim.reason, at, place(at)))
    return tuple(intents), tuple(problems)


def _intents(
    tree: SyntaxTree,
    source: SourceText,
    declared: Declaration,
    additions: Iterable[Use],
    place: Callable[[int], SourceLocation],
) -> tuple[tuple[Intent, ...], tuple[str, ...]]:
    """
    Return intents beside the declaration or an addition.

    A directive beside any addition speaks for the container; a sentence does only when it stands beside
    every one, for it may be about that one alone.
    """
    intents, problems = intents_at(source, tree, declared.offset, place)
    found, wrong = list(intents), list(problems)
    sentences: list[Intent] = []
    speaking = silent = 0
    for use in additions:
        own, problems = intents_at(source, tree, use.offset, place)
        wrong += problems
        found += [one for one in own if one.kind != "intended"]
        said = [one for one in own if one.kind == "intended"]
        sentences += said
        speaking, silent = speaking + bool(said), silent + (not said)
    if speaking and not silent:
        found += sentences
    unique = {one.offset: one for one in reversed(found)}
    return tuple(unique[at] for at in sorted(unique)), tuple(dict.fromkeys(wrong))


def _without_beginning(acts: list[Act], mentions: Mentions) -> list[Act]:
    """Drop what gives the container its first value: `this.items = []`, the one `x = …` of a `let x`."""
    replaced = [act for act in acts if act.change is Change.CLEAR and act.how.startswith("=")]
    has_value = any(value.type not in _NOTHING for value in mentions.declared_values)
    only = replaced[0] if len(replaced) == 1 and not has_value else None
    return [
        act
        for act in acts
        if act is not only and not (act.change is Change.CLEAR and _is_beginning(act, mentions))
    ]


def _is_beginning(act: Act, mentions: Mentions) -> bool:
    """Whether an act is the declaration, or in the function that makes the object."""
    function = inner_function(act.chain)
    made_here = function is not None and function.start_byte in mentions.makers and act.how.startswith("=")
    return made_here or act.mention.offset == mentions.declared.offset


def _use(
    act: Act, tree: SyntaxTree, limits: Limits, calls: Calls, place: Callable[[int], SourceLocation]
) -> Use:
    return Use(
        change=act.change,
        how=act.how,
        offset=act.mention.offset,
        location=place(act.mention.offset),
        function=function_name(tree, act.chain),
        key=act.key,
        guard=limits.guard(act) if act.change is Change.ADD else None,
        released=act.released,
        nested=act.nested,
        called=calls.is_called(act.chain),
        sure=act.mention.sure,
    )


def _goes_past(use: Use) -> bool:
    """Whether an addition does not ask for the limit that others keep to; filling it first is no matter."""
    is_later = use.function not in (None, "constructor")
    return is_later and not use.nested and use.guard != "bound" and use.called is not False


def _made_of(tree: SyntaxTree, values: Iterable[Node]) -> str | None:
    for value in values:
        if value.type in ("new_expression", "call_expression"):
            return callee_name(tree, value) or None
        if value.type in _LITERAL_CLASSES:
            return _LITERAL_CLASSES[value.type]
    return None
