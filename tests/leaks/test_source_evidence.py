from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from source_texts import facts_of

from heapsleuth.heap.declarations import SourceText
from heapsleuth.leaks.source.evidence import source_facts
from heapsleuth.leaks.source.tree import MAX_CHARS, SyntaxTree
from heapsleuth.places import SourceLocation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.leaks.source.model import SourceFacts

CASES = Path(__file__).with_name("source_cases.md")
_CASE = re.compile(
    r"### (?P<title>[^\n]+)\n`(?P<name>[^`]+)`(?: near (?P<near>[^\n]+))?\n"
    r"```(?P<language>\w+)\n(?P<code>.*?)\n```\n(?P<expected>(?:- [^\n]*\n?)*)",
    re.DOTALL,
)
_CALLED = {True: [], None: ["outside"], False: ["uncalled"]}


def cases() -> Iterator[object]:
    for found in _CASE.finditer(CASES.read_text(encoding="utf-8")):
        lines = [line[2:] for line in found["expected"].splitlines()]
        yield pytest.param(
            found["code"], found["name"], found["near"], found["language"], lines, id=found["title"]
        )


def told(facts: SourceFacts) -> list[str]:
    """Return all that was found, one line each, as the case file has it."""
    lines = []
    for use in (*facts.additions, *facts.removals, *facts.clears):
        flags = [
            *_CALLED[use.called],
            *([use.guard] if use.guard else []),
            *(["nested"] if use.nested else []),
        ]
        flags += [] if use.key is None else [f"key={use.key}"]
        flags += [] if use.released is None else [use.released]
        flags += [] if use.sure else ["unsure"]
        lines.append(" ".join([use.change, use.how, str(use.location.line), *flags]))
    for bound in facts.bounds:
        limit = "?" if bound.limit is None else bound.limit
        lines.append(" ".join([bound.kind, str(limit), f"`{bound.text}`", *_CALLED[bound.called]]))
    lines += [
        " ".join(["expires", one.kind, f"`{one.text}`", *_CALLED[one.called]]) for one in facts.expiries
    ]
    return lines + ([f"weak {facts.weak}"] if facts.weak else [])


@pytest.mark.parametrize(("code", "name", "near", "language", "expected"), list(cases()))
def test_everything_a_program_does_with_a_container_is_found(
    code: str, name: str, near: str | None, language: str, expected: list[str]
) -> None:
    assert sorted(told(facts_of(code, name, near, language))) == sorted(expected)


def test_every_case_is_read() -> None:
    headings = re.findall(r"^### ", CASES.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(list(cases())) == len(headings) >= 50


@pytest.mark.parametrize(
    ("code", "made_of"),
    [
        ("const x = new Map(); x.y", "Map"),
        ("const x = []; x.y", "Array"),
        ("const x = {}; x.y", "Object"),
        ("const x = lru.create(5); x.y", "create"),
        ("let x; f(() => { x = new Set() })", "Set"),
        ("const x = 5; x.y", None),
    ],
)
def test_the_class_of_a_container_is_read_off_its_first_value(code: str, made_of: str | None) -> None:
    assert facts_of(code, "x").made_of == made_of


@pytest.mark.parametrize(
    ("code", "exported"),
    [
        ("export const x = new Map()", True),
        ("const x = new Map(); export { x }", True),
        ("const x = new Map(); export default x", True),
        ("const x = new Map(); module.exports = { x }", True),
        ("const x = new Map(); module.exports = { y: x }", True),
        ("const x = new Map(); exports.y = x", True),
        ("const x = new Map(); export const y = () => x.size", False),
        ("const x = new Map(); module.exports = { y: () => x.size }", False),
    ],
)
def test_a_container_that_other_files_can_get_at_is_marked(code: str, exported: bool) -> None:
    assert facts_of(code, "x").exported is exported


@pytest.mark.parametrize(
    ("code", "functions"),
    [
        ("const x = []; function f() { x.push(1); g(() => x.push(2)); }", ["f", "f"]),
        ("const x = []; const f = () => x.push(1);", ["f"]),
        ("const x = []; x.push(1);", [None]),
        ("const x = []; class A { static async f() { x.push(1); } }", ["f"]),
        ("const x = []; o.f = function () { x.push(1); }; const p = { g: () => x.push(2) };", ["f", "g"]),
    ],
)
def test_a_change_is_told_with_the_nearest_function_that_has_a_name(
    code: str, functions: list[str | None]
) -> None:
    assert [use.function for use in facts_of(code, "x").additions] == functions


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("1000", 1000),
        ("1_000", 1000),
        ("1e3", 1000),
        ("0x10", 16),
        ("(2 << 4) + 10 * 3 - 2", 60),
        ("process.env.MAX || 50", 50),
        ("options.max ?? 50", 50),
        ("LIMITS.items", 7),
        ("LATER", 9),
        ("LOOP", None),
        ("2 ** 4000", None),
        ("1 / 0", None),
        ("9e999", None),
        ("compute()", None),
    ],
)
def test_the_number_of_a_bound_is_worked_out_where_the_file_says_it(limit: str, value: int | None) -> None:
    code = f"""
        const LIMITS = {{ items: 7 }}; const LATER = LIMITS.items + 2; const LOOP = LOOP + 1;
        const x = []; exports.f = () => {{ x.push(1); if (x.length > ({limit})) x.shift(); }};
    """
    (bound,) = facts_of(code, "x").bounds

    assert bound.limit == value


def test_a_text_that_is_too_long_is_skipped_with_a_reason() -> None:
    facts = facts_of("const x = [];" + " " * MAX_CHARS, "x")

    assert facts.skipped == "longer than 2,000,000 characters"
    assert facts.additions == ()


def test_a_long_text_that_is_no_program_is_given_up() -> None:
    noise = "".join(random.Random(1).choices("abc(){}[]=>;,.'\"`/ \n", k=700_000))
    began = time.process_time()
    tree = SyntaxTree(noise)

    assert tree.skipped == "too large a text with syntax errors"
    assert time.process_time() - began < 10


def test_deep_nesting_is_no_matter() -> None:
    code = f"const x = []; {'(' * 20_000}{'[' * 20_000}{'f(() => { ' * 5_000} x.push(1)"

    assert facts_of(code, "x").skipped is None


def test_a_name_that_stands_everywhere_is_looked_at_in_bounded_time() -> None:
    code = f"const e = []; {'e.push(e.length);' * 40_000}"
    began = time.process_time()
    facts = facts_of(code, "e")

    assert len(facts.additions) == 750
    assert not facts.whole
    assert time.process_time() - began < 10


_WORDS = """x x[ this.x delete = => ( ) { } [ ] ; function extends const ` ' / ... of return é < > null 5
    😀 */ /* static #x async constructor( private x.push( x.size> setTimeout( ignore"""
_PHRASES = [
    "if (",
    "class A {",
    "function x(",
    "let x",
    "new x(",
    "for (const ",
    "`${",
    "\n",
    "// heapsleuth: ",
]
_PIECES = st.lists(st.sampled_from([*_WORDS.split(), *_PHRASES, "\u2028"]), max_size=60)


@given(pieces=_PIECES, language=st.sampled_from(["js", "ts", "tsx"]))
@settings(deadline=None)
def test_no_text_makes_it_fail(pieces: list[str], language: str) -> None:
    code = " ".join(pieces)
    source = SourceText(code)
    tree = SyntaxTree(code, f"a.{language}")
    for name in ("x", "#x"):
        for declared in source.outline.declarations.get(name, []):
            source_facts(source, tree, declared, lambda offset: SourceLocation("/a", offset))


def test_offsets_are_right_after_characters_of_other_scripts() -> None:
    facts = facts_of("/* 😀 ∞ */ const größe = []; /* é */ const é = 'ü'; größe.push(é);", "größe")

    assert [use.offset for use in facts.additions] == [51]
