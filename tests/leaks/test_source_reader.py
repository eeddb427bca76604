from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from node_programs import heap_of, holders_of, node_binaries, nodes_named, version

from heapsleuth.heap.declarations import SourceText
from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.model import CodeLine, Site
from heapsleuth.leaks.source.lines import code_lines
from heapsleuth.leaks.source.reader import SourceReader
from heapsleuth.leaks.suppressions import suppression
from heapsleuth.places import SourceLocation

PROGRAM = Path(__file__).parents[1] / "programs" / "source_reader.cjs"
ORIGINAL = """interface Tenant {}
// heapsleuth: ignore one entry per tenant
const tenants = new Map<string, Tenant>();
export const add = (id: string) => tenants.set(id, {});
"""
BUILT = """const tenants = new Map();
exports.add = (id) => tenants.set(id, {});
//# sourceMappingURL=built.cjs.map
"""
# Columns 0 and 6 of line 1 are those of line 3, and line 2 begins where line 4 does.
MAP = {"version": 3, "sources": ["built.ts"], "names": [], "mappings": "AAEA,MAAM;AACA"}


class Run:
    def __init__(self, node: str, folder: Path) -> None:
        self.main = folder / "main.cjs"
        shutil.copy(PROGRAM, self.main)
        (folder / "built.ts").write_text(ORIGINAL, encoding="utf-8")
        (folder / "built.cjs").write_text(BUILT, encoding="utf-8")
        (folder / "built.cjs.map").write_text(json.dumps(MAP), encoding="utf-8")
        self.graph = heap_of(node, folder, "main.cjs")
        self.sources = Sources(self.graph)
        self.reader = SourceReader(self.sources)

    def scope_of(self, variable: str) -> int:
        return next(
            node
            for node in holders_of(self.graph, "context", variable)
            if self.sources.declaration(node, variable)
        )

    def site(self, role: str, text: str) -> Site:
        lines = self.main.read_text(encoding="utf-8").splitlines()
        line = next(number for number, one in enumerate(lines, 1) if text in one)
        return Site(role, SourceLocation(str(self.main), line, lines[line - 1].index(text)), None)


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(request.param, tmp_path_factory.mktemp("reader"))


def test_facts_are_those_of_the_variable_that_the_heap_holds(run: Run) -> None:
    facts = run.reader.facts(run.scope_of("templates"), "templates")

    assert facts is not None
    assert [(use.how, use.location.line) for use in facts.additions] == [(".set()", 23)]
    assert [(one.kind, one.reason) for one in facts.intents] == [("intended", "one per locale")]
    assert facts.location == run.sources.declaration(run.scope_of("templates"), "templates")
    assert facts.whole


def test_facts_are_those_of_the_field_of_the_object_s_class(run: Run) -> None:
    store = next(node for node in nodes_named(run.graph, "object", "Store") if run.sources.location(node))
    facts = run.reader.facts(store, "#items")

    assert facts is not None
    assert [(one.kind, one.limit) for one in facts.bounds] == [("evicts", 500)]
    assert run.reader.facts(store, "nothing") is None


def test_a_reason_is_told_with_its_place(run: Run) -> None:
    facts = run.reader.facts(run.scope_of("templates"), "templates")
    found = suppression([], facts, run.reader)

    assert found.reason == f"intended: one per locale ({run.main}:5)"
    assert found.problems == ()


def test_a_directive_without_a_reason_suppresses_nothing_and_is_warned_about(run: Run) -> None:
    found = suppression([run.site("holder", "seen = new Set()")], None, run.reader)

    assert found.reason is None
    (problem,) = found.problems
    assert problem.startswith(f"{run.main}:11: `heapsleuth: ignore` needs a reason")


def test_a_directive_beside_an_addition_suppresses(run: Run) -> None:
    found = suppression([run.site("added", "waiting.push")], None, run.reader)

    assert found.reason == f"jobs are few ({run.main}:24)"


def test_a_sentence_beside_anything_but_the_holder_does_not_suppress(run: Run) -> None:
    assert suppression([run.site("holder", "templates = new")], None, run.reader).reason is not None
    assert suppression([run.site("member", "templates = new")], None, run.reader).reason is None


def test_comments_that_a_compiler_dropped_are_read_in_the_original(run: Run) -> None:
    pytest.importorskip("symbolic")
    scope = run.scope_of("tenants")
    facts = run.reader.facts(scope, "tenants")
    where = run.sources.declaration(scope, "tenants")

    assert facts is not None
    assert facts.intents == ()
    assert where is not None
    assert Path(where.file).name == "built.ts"
    found = suppression([Site("holder", where, None)], facts, run.reader)
    assert found.reason == f"one entry per tenant ({where.file}:2)"
    assert [line.text for line in run.reader.lines(where) if line.marked] == [ORIGINAL.splitlines()[2]]


def test_lines_of_a_place_are_those_of_its_file(run: Run) -> None:
    where = run.site("holder", "templates = new").location

    assert [line.number for line in run.reader.lines(where)] == [4, 5, 6, 7, 8]
    assert [line.text for line in run.reader.lines(where) if line.marked] == ["const templates = new Map();"]


def test_there_are_no_lines_where_the_text_is_not_at_hand(run: Run) -> None:
    assert run.reader.lines(None) == ()
    assert run.reader.lines(SourceLocation("node:events", 5)) == ()
    assert run.reader.lines(SourceLocation(str(run.main), None)) == ()
    assert run.reader.lines(SourceLocation(str(run.main), 9999)) == ()
    assert run.reader.lines(SourceLocation("/etc/hostname", 1)) == ()


def test_a_line_comes_with_two_neighbours_as_it_is_in_the_file() -> None:
    text = SourceText("a\r\n\tb\r\n\r\nd\ne\nf")

    assert code_lines(text, 2) == tuple(
        CodeLine(number, line, marked=number == 2)
        for number, line in ((1, "a"), (2, "\tb"), (3, ""), (4, "d"))
    )
    assert [line.number for line in code_lines(text, 6)] == [4, 5, 6]
    assert code_lines(text, 7) == ()
    assert code_lines(text, 0) == ()


@pytest.mark.parametrize("column", [0, 10, 500, 999])
def test_a_long_line_is_cut_around_the_column(column: int) -> None:
    line = "".join(chr(ord("a") + index % 26) for index in range(1000))
    (cut,) = code_lines(SourceText(line), 1, column)
    around = line[column : column + 5]

    assert len(cut.text) <= 160
    assert around in cut.text
    assert cut.text.startswith("…") == (column > 60)
    assert cut.text.endswith("…") == (column < 900)


def test_columns_count_as_node_counts_them_when_a_line_is_cut() -> None:
    line = "😀" * 300 + "here" + "x" * 300
    (cut,) = code_lines(SourceText(line), 1, 600)

    assert "here" in cut.text
