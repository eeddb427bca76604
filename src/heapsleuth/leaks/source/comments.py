"""Comments that say that a container may keep what it holds.

Three forms count, and only beside the declaration or an addition: on its line, on the last line of its
statement, or in the comment directly above, without an empty line in between.

- `heapsleuth: ignore REASON` and `heapsleuth: bounded by REASON`
- `CACHE: …`, the word in capitals and with a colon, at the beginning
- a sentence that says both that it is meant (`intentionally`, `on purpose`, `by design`, …) and that
  something is kept (`cache`, `unbounded`, `never evicted`, …), or `for the lifetime of the process`

A comment that only calls something a cache does not count, nor one with a `TODO` or a `not intended`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.heap.declarations import SourceText
    from heapsleuth.leaks.source.tree import Chain, SyntaxTree

__all__ = ["Claim", "claims_in", "comments_at"]

_DIRECTIVE = re.compile(r"\bheapsleuth:[ \t]*(?P<what>[^\n]*)", re.IGNORECASE)
_IGNORE = re.compile(r"ignore\b[\s:,\u2013\u2014-]*(?P<reason>.*)", re.IGNORECASE)
_BOUNDED = re.compile(r"bounded\s+by\b[\s:,\u2013\u2014-]*(?P<reason>.*)", re.IGNORECASE)
_IS_REASON = re.compile(r"[^\W\d_]{2}")

_LABEL = re.compile(r"(?:CACHE|CACHED|MEMO)\s*(?:\([^)\n]*\)\s*)?:\s*(?=\S)")
_MEANT = re.compile(
    r"\bintentional(?:ly)?\b|\bdeliberate(?:ly)?\b|\bon purpose\b|\bpurpose(?:ly|fully)\b"
    r"|\bby (?:design|intent)\b|\bnot (?:really )?a (?:memory )?leak\b"
    # "intended for lookups" and "intended to be cleared" say what it is for, not that it may grow.
    r"|\bintended\b(?!\s+for\b)(?!\s+to\b(?!\s+(?:be\s+)?(?:keep|kept|grow|stay|live|hold|held|retain|last"
    r"|persist|unbounded|permanent|long)))",
    re.IGNORECASE,
)
_KEPT = re.compile(
    r"cach|memo|unbounded|unlimited|no (?:limit|bound|eviction)|never|\bkept\b|\bkeeps?\b|retain|\bhold"
    r"|\bheld\b|\bgrows?\b|forever|life ?time|permanent|leak|accumulat|\bstays?\b|\blives?\b|long-lived"
    r"|not (?:evict|clear|remov|freed|bound)",
    re.IGNORECASE,
)
_FOR_GOOD = re.compile(
    r"\b(?:for|as long as)\b[^.]{0,20}\b(?:life ?time|life|duration)\b[^.]{0,10}"
    r"\b(?:process|program|app|application|server)\b"
    r"|\bas long as the (?:process|program|app|application|server) (?:lives|runs)\b|\bprocess life ?time\b",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"\b(?:TODO|FIXME|XXX|HACK|BUG)\b|(?i:\bun(?:intended|intentional)"
    r"|\b(?:not|never|isn't|wasn't) (?:intended|intentional|deliberate|on purpose|by design)"
    r"|\bshould (?:be|have|evict|clear|not)|\bmust (?:be|not)|\bneeds? (?:to|a|an)\b|\bforg[eo]t"
    r"|(?<!not a )(?<!not a memory )\bleak(?:s|ing|y)\b|\bno longer\b|\bused to be\b)"
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_MARKS = re.compile(r"^[ \t]*(?:/\*+!?|\*+/|\*|//+[/!]?|<!--)?[ \t]?|[ \t]*\*+/[ \t]*$", re.MULTILINE)
_MOST_LINES = 60
_LONGEST_LINE = 5000  # nobody writes comments in those
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """What a comment claims: `kind` as of `Intent`, or `problem` for a directive that is not followed."""

    kind: str
    reason: str


def claims_in(comment: str) -> Iterator[Claim]:
    """Give what a comment, or several in consecutive lines, claims about the code below it."""
    text = _MARKS.sub("", comment).strip()
    is_directive = False
    for found in _DIRECTIVE.finditer(text):
        is_directive = True
        yield _directive(found["what"].strip())
    if is_directive or _DOUBT.search(text):
        return
    label = _LABEL.match(text)
    if label is not None:
        yield Claim("intended", _short(text[label.end() :]))
        return
    for sentence in _SENTENCE.split(" ".join(text.split())):
        if (_MEANT.search(sentence) and _KEPT.search(sentence)) or _FOR_GOOD.search(sentence):
            yield Claim("intended", _short(sentence))
            return


def _directive(what: str) -> Claim:
    for kind, form in (("ignore", _IGNORE), ("bounded", _BOUNDED)):
        found = form.match(what)
        if found is not None:
            reason = _short(found["reason"])
            if _IS_REASON.search(reason):
                return Claim(kind, reason)
            written = "ignore" if kind == "ignore" else "bounded by"
            return Claim("problem", f"`heapsleuth: {written}` needs a reason and is not followed without one")
    return Claim(
        "problem",
        f"`heapsleuth: {_short(what)}` is not understood: write `ignore REASON` or `bounded by REASON`",
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


def comments_at(tree: SyntaxTree, source: SourceText, offset: int) -> Iterator[tuple[int, str]]:
    """
    Give offset and text of the comments that belong to what stands at *offset*.

    Lines of one comment are given together, and so are comments in consecutive lines.
    """
    chain = tree.chain(offset, offset + 1)
    if not chain:
        return
    first, last = _statement(chain)
    lines = {source.position(one)[0] for one in (offset, max(last - 1, offset))}
    for line in sorted(lines):
        yield from _on_line(tree, source, line)
    starts = {source.position(one)[0] for one in _starts(chain, first)}
    for line in sorted(starts):
        above = _above(tree, source, line)
        if above is not None:
            yield above


def _starts(chain: Chain, first: int) -> Iterator[int]:
    """Give where the nodes around the end of a chain begin, out to the statement's beginning."""
    for node in reversed(chain):
        if node.start_byte < first:
            return
        yield node.start_byte


_LISTS = frozenset({"program", "statement_block", "class_body", "switch_case", "switch_default", "object"})


def _statement(chain: Chain) -> tuple[int, int]:
    """Return begin and end of the statement, class member or property at the end of a chain."""
    for around, node in zip(reversed(chain[:-1]), reversed(chain[1:]), strict=True):
        if around.type in _LISTS:
            return node.start_byte, node.end_byte
    return chain[-1].start_byte, chain[-1].end_byte


def _on_line(tree: SyntaxTree, source: SourceText, line: int) -> Iterator[tuple[int, str]]:
    start = source.offset(line)
    if start is None:
        return
    end = start + source.line_length(line)
    if end - start > _LONGEST_LINE:
        return
    for found in re.finditer(r"//|/\*", tree.text[start:end]):
        comment = _comment(tree, start + found.start())
        # A line that only has a comment belongs to what follows it.
        if (
            comment is not None
            and comment[0] == start + found.start()
            and tree.text[start : comment[0]].strip()
        ):
            yield comment[0], source.text[slice(*comment)]


def _above(tree: SyntaxTree, source: SourceText, line: int) -> tuple[int, str] | None:
    """Return the comments in the lines directly above a line, as one."""
    begin = finish = None
    while line > 0:
        start = source.offset(line - 1)
        if start is None:
            break
        text = tree.text[start : start + source.line_length(line - 1)]
        stripped = text.strip()
        if not stripped:
            break
        comment = _comment(tree, start + len(text.rstrip()) - 1)
        if comment is None:
            break
        line = source.position(comment[0])[0]
        if tree.text[source.offset(line) or 0 : comment[0]].strip():
            break  # it is the end of a line of code
        begin, finish = comment[0], finish or comment[1]
        if source.position(finish)[0] - line > _MOST_LINES:
            break
    return None if begin is None else (begin, source.text[begin:finish])


def _comment(tree: SyntaxTree, offset: int) -> tuple[int, int] | None:
    chain = tree.chain(offset, offset + 1)
    node = chain[-1] if chain else None
    return (node.start_byte, node.end_byte) if node is not None and "comment" in node.type else None
