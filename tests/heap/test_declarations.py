from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_programs import DATA, place

from heapsleuth.heap.declarations import SourceText, find_declaration, growth_sites, scope_of_context
from heapsleuth.heap.js_outline import ScopeKind, outline
from heapsleuth.heap.js_tokens import MAX_CHARS, tokenize


@pytest.mark.parametrize(
    "text",
    [
        "const «NAME» = 1",
        "let x = 1, «NAME», y",
        "var a = b ? c : d, «NAME» = [1, 2]",
        "const { «NAME» } = x",
        "const { a: «NAME» = 1, ...rest } = x",
        "const { NAME: other, b: [, «NAME»] } = x",
        "const [a, ...«NAME»] = x",
        "export const «NAME»: Map<string, NAME2> = new Map()",
        "let first: Map<string, number> = new Map(), «NAME» = 2",
        "async function «NAME»() {}",
        "function* «NAME»() {}",
        "export default class «NAME» extends Base {}",
        "import «NAME» from 'x'",
        "import a, { b as «NAME» } from 'x'",
        "import * as «NAME» from 'x'",
        "import { type «NAME» } from 'x'",
        "class A { «NAME» = new Map() }",
        "class A { static «NAME» = []; }",
        "class A { private readonly «NAME»: Map<string, string>; }",
        "class A { a = 1\n «NAME» = 2 }",
        "class A { constructor(private «NAME»: Map) {} }",
        "class A { constructor() { this.«NAME» = [] } }",
        "exports.«NAME» = new Map()",
        "exports.NAME = exports.other = void 0;\nexports.«NAME» = new Map()",
        "module.exports.«NAME» = []",
        "module.exports['«NAME»'] = []".replace("'«NAME»'", "«'NAME'»"),
        "Repo.«NAME» ??= new Map()",
        "const x = { a: 1, «NAME»: [] }",
        "const x = { y, «NAME» }",
        "const x = { «'NAME'»: 1 }",
        "const x = { async «NAME»() {} }",
        # What only looks like a declaration comes first in these.
        "// const NAME = 1\nconst «NAME» = 2",
        "/* const NAME = 1 */ const «NAME» = 2",
        "'const NAME = 1'; const «NAME» = 2",
        '"\\"const NAME"; const «NAME» = 2',
        "`const NAME = ${ `let NAME = ${'}'}` } var NAME`; const «NAME» = 2",
        "x = /const NAME = [/'\"`]/g; const «NAME» = 2",
        "if (a) /const NAME/.test(b); const «NAME» = 2",
        "a = b / c; d = `const NAME /`; const «NAME» = 2 / 1",
        "NAME.x = 1; f(NAME); const «NAME» = 2",
        "f({ NAME: 1 }); const «NAME» = 2",
        "x.const NAME; let «NAME» = 2".replace("x.const NAME; ", "x.const; NAME; "),
        "#!/usr/bin/env node 'const NAME\nconst «NAME» = 2",
        "const t = <T,>(x: T): x is T => { return x }; const «NAME» = 2",
        "<div>don't</div>\nconst «NAME» = 2",
        "switch (a) { case 1: { let b } default: { } }\nconst «NAME» = 2",
        "label: for (const i of x) { } const «NAME» = 2",
    ],
)
def test_a_name_is_found_where_it_is_declared(text: str) -> None:
    offset = text.index("«")
    plain = text.replace("«", "").replace("»", "")
    line = plain.count("\n", 0, offset)
    assert find_declaration(plain, "NAME") == (line + 1, offset - (plain.rfind("\n", 0, offset) + 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NAME",
        "x = NAME + 1",
        "NAMES = 1",
        "const NAMES = 1",
        "// const NAME",
        "x.NAME === 1",
        "f(NAME)",
        "case NAME:",
    ],
)
def test_a_name_that_is_only_used_is_not_found(text: str) -> None:
    assert find_declaration(text, "NAME") is None


SCOPES = """\
const cache = 'module';
function one() {
  const cache = 'one';
  return () => {
    use(cache);
  };
}
function two(cache) {
  use(cache);
}
class Three {
  cache = 3;
  run() {
    use(this.cache);
  }
}
class Four {
  constructor() {
    this.cache = 4;
  }
  cache() {}
}
for (const cache of list) {
  use(cache);
}
"""


@pytest.mark.parametrize(
    ("near", "hint", "line"),
    [
        (None, None, 1),
        (5, None, 3),
        (9, None, 8),
        (14, None, 1),
        (14, "property", 12),
        (18, "property", 19),
        (24, None, 23),
        (None, "property", None),
        (9999, None, 1),
    ],
)
def test_the_scope_around_a_line_decides_which_of_several_is_meant(
    near: int | None, hint: str | None, line: int | None
) -> None:
    found = find_declaration(SCOPES, "cache", hint, near)  # type: ignore[arg-type]
    assert (found and found[0]) == line


def test_equally_good_declarations_are_no_answer() -> None:
    text = "function a() { const x = 1 }\nfunction b() { const x = 2 }"
    assert find_declaration(text, "x") is None
    assert find_declaration(text, "x", "variable", 2) == (2, 21)


def test_a_context_is_the_scope_that_declares_most_of_its_variables() -> None:
    text = "function a() { let x, y; return () => x }\nfunction b() { let x, z; return () => x }"
    found = outline(text)
    scope = scope_of_context(found, {"x", "z"}, [])
    assert scope is not None
    assert found.scopes[scope].name == "b"
    assert scope_of_context(found, {"x"}, []) is None
    inside_a = scope_of_context(found, {"x", "z"}, [text.index("() => x")])
    assert inside_a is not None
    assert found.scopes[inside_a].name == "a"


def test_positions_count_as_v8_does() -> None:
    text = "a\r\nb\rc\u2028d\n'\U0001f600' x"
    source = SourceText(text)
    assert [text[source.offset(line) or 0] for line in range(4)] == ["a", "b", "c", "d"]
    x = text.index("x")
    assert source.position(x) == (4, 5)  # the emoji is two UTF-16 units
    assert source.offset(4, 5) == x
    assert source.offset(4, 6) is None
    assert source.offset(5) is None
    assert source.offset(-1) is None


def test_growth_is_found_by_what_fills_a_collection() -> None:
    text = """\
const NAME = new Map();
NAME.set(k, v);
this.NAME.push(x);
bus.NAME?.on('x', f);
NAME[k] = v;
NAME[f(a[1])] ??= v;
NAME = [...NAME, x];
NAME = NAME.concat(x);
NAME += x;
NAME.get(k); NAME.delete(k); NAME[k]; x = NAME; NAME[k] === 1;
// NAME.set(k, v)
NAMES.set(k, v);
"""
    assert growth_sites(text, "NAME") == (2, 3, 4, 5, 6, 7, 8, 9)
    assert growth_sites(text, "OTHER") == ()


def test_real_programs_are_outlined_as_written() -> None:
    main = DATA / "program" / "main.mjs"
    text = main.read_text()
    scopes = {scope.name: scope for scope in outline(text).scopes if scope.kind is ScopeKind.FUNCTION}
    assert {"outer", "middle", "suspended", "generator", "onTick", "constructor"} <= set(scopes)
    assert text[scopes["outer"].start : scopes["outer"].end].startswith("function outer(seed) {")
    assert text[: scopes["outer"].end].endswith("};\n}")
    assert set(scopes["middle"].names) == {"middle", "key", "deep", "moduleMap"}
    source = DATA / "source_maps" / "service.ts"
    assert find_declaration(source.read_text(), "reportCache") == place(source, "reportCache: Map")[1:]


def test_a_text_cut_in_the_middle_keeps_its_open_scopes() -> None:
    found = outline("function f(a) { const b = 1; return () => { const c = 'cut he")
    assert found.scopes[1].names.keys() == {"a", "b"}
    assert found.scopes[2].names.keys() == {"c"}
    assert found.scope_at(60) == 2


def test_a_text_too_long_is_left_alone() -> None:
    assert tokenize("a" * (MAX_CHARS + 1)).texts == []
    assert find_declaration(" " * MAX_CHARS + "const a = 1", "a") is None


WORDS = ["function", "class", "const", "let", "import", "for", "if", "a", "b"]
PIECES = st.sampled_from([*"{}()[]`'\"/\\,;:=.?#\n1😀…", "${", "/*", "*/", "//", "=>", "<div>", *WORDS])


@given(st.lists(PIECES, max_size=80).map(" ".join) | st.text(max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    found = outline(text)
    tokens = found.tokens
    assert len(tokens.texts) == len(tokens.starts) == len(tokens.ends) == len(tokens.partners)
    assert all(start < end <= len(text) for start, end in zip(tokens.starts, tokens.ends, strict=True))
    for name, made in found.declarations.items():
        for one in made:
            assert text[one.offset :].lstrip("'\"").startswith(name)
            assert found.scopes[one.scope].start <= one.offset <= found.scopes[one.scope].end
    growth_sites(text, "a")
    find_declaration(text, "a", None, 1)


@pytest.mark.parametrize(
    "piece",
    [
        "var {a:{",
        "let x=>{",
        "/[",
        '"\\',
        "`${",
        "a=>",
        "class A{a b('",
        "let a,",
        "exports.a=",
        "import a,",
        "(a:b=>c",
        "{",
    ],
)
def test_time_grows_with_the_length_only(piece: str) -> None:
    def seconds(times: int) -> float:
        started = time.process_time()
        outline(piece * times)
        return time.process_time() - started

    seconds(100)
    assert seconds(16_000) < 40 * seconds(2_000) + 0.2
