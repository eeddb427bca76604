"""The outline, built from tokens, against the syntax trees of tree-sitter."""

from __future__ import annotations

from pathlib import Path

import pytest

from heapsleuth.heap.js_outline import DeclarationKind, ScopeKind, outline
from heapsleuth.leaks.source.owners import CLASSES
from heapsleuth.leaks.source.tree import FUNCTIONS, SyntaxTree

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("agents", "calibration", "examples", "tests/heap/data", "tests/programs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".js", ".cjs", ".mjs"} and "node_modules" not in path.parts
)
SCOPED = {
    DeclarationKind.VARIABLE, DeclarationKind.PARAMETER, DeclarationKind.FUNCTION,
    DeclarationKind.FIELD, DeclarationKind.THIS_PROPERTY,
}  # fmt: skip
SNIPPETS = [
    "const a = /x/\n\nfunction f () { var b }",
    "const a = /x/ // why\nclass A { m() { var b } }",
    "class A { f() { return 1 } catch(e) { const b = e; var c } for(x) { let d } }",
    "const o = { f: x => { const y = x; return y }, g: async z => z }",
    "const f = a ? b : name => { const error = name }",
    "function f() { if (a) return\n\n function g() { var h } }",
    "const f = (a): a is string => { const b = a }",
    "promise.then(a => a).catch(function (b) { let c })",
    "try { let a } catch (b) { let c } finally { let d }",
]


def nesting(text: str, file: str) -> list[tuple[str, int, int, int]]:
    """Return each declaration with the number of functions and classes around it, by outline and by tree."""
    found = outline(text)
    tree = SyntaxTree(text, file)
    rows = []
    for made in (one for some in found.declarations.values() for one in some if one.kind in SCOPED):
        scopes = (found.scopes[index].kind for index in found.enclosing(made.scope))
        chain = tree.chain(made.offset, made.offset + len(made.name))
        around = [node for node in chain[:-1] if node.type in FUNCTIONS or node.type in CLASSES]
        # A function's own name is outside of it, unless it is an expression.
        is_own = bool(around) and around[-1].child_by_field_name("name") == chain[-1]
        is_outside = is_own and around[-1].type.endswith("declaration")
        rows.append(
            (
                made.name,
                made.offset,
                sum(kind in (ScopeKind.FUNCTION, ScopeKind.CLASS) for kind in scopes),
                len(around) - is_outside,
            )
        )
    return rows


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_declarations_are_as_deep_in_functions_as_the_syntax_tree_says(path: Path) -> None:
    rows = nesting(path.read_text(encoding="utf-8"), path.name)

    assert [row for row in rows if row[2] != row[3]] == []


@pytest.mark.parametrize("text", SNIPPETS)
def test_scopes_are_seen_where_tokens_alone_mislead(text: str) -> None:
    rows = nesting(text, "a.ts" if "is string" in text else "a.js")

    assert rows
    assert [row for row in rows if row[2] != row[3]] == []
