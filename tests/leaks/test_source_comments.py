from __future__ import annotations

import re
from pathlib import Path

import pytest
from source_texts import facts_of

from heapsleuth.leaks.source.comments import Claim, claims_in

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "suppressions.md"


@pytest.mark.parametrize(
    ("comment", "kind", "reason"),
    [
        ("// heapsleuth: ignore one entry per tenant", "ignore", "one entry per tenant"),
        ("// heapsleuth: ignore, one entry per tenant", "ignore", "one entry per tenant"),
        ("//heapsleuth:ignore - one entry per tenant", "ignore", "one entry per tenant"),
        ("/* heapsleuth: ignore: one entry per tenant */", "ignore", "one entry per tenant"),
        ("/**\n * All of them.\n * heapsleuth: ignore one per tenant\n */", "ignore", "one per tenant"),
        ("// users by id; heapsleuth: ignore one per tenant", "ignore", "one per tenant"),
        ("// Heapsleuth: Ignore one per tenant", "ignore", "one per tenant"),
        ("// heapsleuth: bounded by the number of routes", "bounded", "the number of routes"),
        ("// TODO look again\n// heapsleuth: ignore until then", "ignore", "until then"),
        ("// CACHE: compiled templates", "intended", "compiled templates"),
        ("/* CACHE: compiled\n   templates */", "intended", "compiled templates"),
        ("// CACHE (per process): templates", "intended", "templates"),
        ("// intentionally unbounded", "intended", "intentionally unbounded"),
        ("// Users by id. This cache is intended.", "intended", "This cache is intended."),
        ("// Unbounded on purpose: one per locale", "intended", "Unbounded on purpose: one per locale"),
        ("// never evicted, by design", "intended", "never evicted, by design"),
        ("// deliberately kept forever", "intended", "deliberately kept forever"),
        ("// intended to be kept", "intended", "intended to be kept"),
        ("// This is not a leak: one per file", "intended", "This is not a leak: one per file"),
        ("// kept for the lifetime of the process", "intended", "kept for the lifetime of the process"),
        ("// lives as long as the process runs", "intended", "lives as long as the process runs"),
    ],
)
def test_a_comment_that_says_so_is_understood(comment: str, kind: str, reason: str) -> None:
    assert list(claims_in(comment)) == [Claim(kind, reason)]


@pytest.mark.parametrize(
    "comment",
    [
        "// cache of users",
        "// Cache: users by id",
        "// the CACHE: users",
        "// CACHE:",
        "// an unbounded cache",
        "// entries are never removed",
        "// this cache is intended for lookups by name",
        "// intended to be cleared by close(), which keeps it small",
        "// not intended to grow forever",
        "// unintentionally kept forever",
        "// TODO: intentionally unbounded for now",
        "// CACHE: FIXME evict something",
        "// CACHE: leaks when users are deleted",
        "// by design, requests are sorted",
        "// memory leak",
        "// eslint-disable-next-line no-cache",
        "// we intentionally do not wait. The cache is filled later.",
        "",
        "//",
        "/**/",
    ],
)
def test_a_comment_that_only_mentions_a_cache_claims_nothing(comment: str) -> None:
    assert list(claims_in(comment)) == []


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("// heapsleuth: ignore", "needs a reason"),
        ("// heapsleuth: ignore -", "needs a reason"),
        ("/* heapsleuth: ignore */", "needs a reason"),
        ("// heapsleuth: bounded by", "needs a reason"),
        ("// heapsleuth: ignroe tenants", "`heapsleuth: ignroe tenants` is not understood"),
        ("// heapsleuth: bounded tenants", "is not understood"),
        ("// heapsleuth:", "is not understood"),
    ],
)
def test_a_directive_without_a_reason_is_a_problem_and_nothing_else(comment: str, problem: str) -> None:
    (claim,) = claims_in(comment)

    assert claim.kind == "problem"
    assert problem in claim.reason


REASON = "heapsleuth: ignore tenants"


@pytest.mark.parametrize(
    "code",
    [
        f"// {REASON}\nconst x = [];",
        f"const x = []; // {REASON}",
        f"const x = [] /* {REASON} */;",
        f"/** All.\n * {REASON}\n */\nexport const x = [];",
        f"/* {REASON} */\n// More.\nconst a = 1, x = [];",
        f"const x = new Map([\n  [1, 2],\n]); // {REASON}",
        f"const x = []; function f() {{ x.push(1); // {REASON}\n }}",
        f"const x = []; function f() {{\n  // {REASON}\n  x.push(1);\n }}",
        f"const x = {{}};\n// {REASON}\nx[f()] = 1;",
        f"\tconst y = 1;\r\n\t// {REASON}\r\n\tconst x = [];",
    ],
)
def test_a_comment_beside_the_declaration_or_an_addition_counts(code: str) -> None:
    facts = facts_of(code, "x")

    assert [(one.kind, one.reason) for one in facts.intents] == [("ignore", "tenants")]


@pytest.mark.parametrize(
    "code",
    [
        f"// {REASON}\n\nconst x = [];",
        f"// {REASON}\nconst y = [];\nconst x = [];",
        f"const y = []; // {REASON}\nconst x = [];",
        f"const x = [];\n// {REASON}\nconst y = [];",
        f"const x = [];\nconst y = []; // {REASON}",
        f"const x = ['// {REASON}'];",
        f"const x = `\n // {REASON}\n `;",
        f"// {REASON}\nfunction f() {{\n  const x = [];\n}}",
    ],
)
def test_a_comment_that_belongs_to_something_else_does_not_count(code: str) -> None:
    assert facts_of(code, "x").intents == ()


def test_a_field_takes_the_comment_of_its_own_line_only() -> None:
    code = f"class A {{\n  a = []; // {REASON}\n  x = [];\n  // {REASON} two\n  y = [];\n}}"

    assert facts_of(code, "x").intents == ()
    assert [one.reason for one in facts_of(code, "y").intents] == ["tenants two"]


def test_a_sentence_beside_one_of_two_additions_does_not_speak_for_both() -> None:
    one = "const x = []; function f() {\n  // on purpose never removed\n  x.push(1);\n}"
    two = f"{one} function g() {{ x.push(2); }}"

    assert [found.kind for found in facts_of(one, "x").intents] == ["intended"]
    assert facts_of(two, "x").intents == ()


def test_a_directive_beside_one_of_two_additions_speaks_for_both() -> None:
    code = f"const x = []; function f() {{\n  // {REASON}\n  x.push(1);\n}} function g() {{ x.push(2); }}"

    assert [found.location.line for found in facts_of(code, "x").intents] == [2]


def test_a_directive_that_is_not_followed_is_told_with_its_place() -> None:
    facts = facts_of("const y = 1;\n// heapsleuth: ignore\nconst x = [];", "x")

    assert facts.intents == ()
    assert facts.problems == ("/a.js:2: `heapsleuth: ignore` needs a reason and is not followed without one",)


def test_a_long_reason_is_cut() -> None:
    (claim,) = claims_in("// heapsleuth: ignore " + "because " * 100)

    assert len(claim.reason) == 200
    assert claim.reason.endswith("…")


def section(title: str) -> str:
    return GUIDE.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_the_guide_s_examples_count_as_it_says() -> None:
    counting = re.findall(r"`([^`]+)`", section("What counts").partition("\nMeant:")[0])
    examples = [one.replace("…", "templates") for one in counting if "ounded by the" not in one]
    written = re.findall(r"// heapsleuth: [^\n]+", GUIDE.read_text(encoding="utf-8"))

    assert len(examples) == 9
    assert len(written) == 3
    for comment in (*examples, *written):
        assert [claim.kind for claim in claims_in(f"// {comment}")] != [], comment


def test_the_guide_s_counterexamples_do_not_count() -> None:
    examples = re.findall(r"`(// [^`]+)`", section("What does not count"))

    assert len(examples) == 4
    assert [list(claims_in(comment)) for comment in examples] == [[]] * 4
