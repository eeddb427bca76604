from __future__ import annotations

import base64
import json
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
from node_programs import DATA, place

from heapsleuth.heap.source_files import MAX_SOURCE_BYTES, path_of_url, read_bytes, read_text
from heapsleuth.heap.source_maps import SourceMap, map_url_in, open_map, resolve_source

if TYPE_CHECKING:
    from pathlib import Path

MAPS = DATA / "source_maps"
needs_symbolic = pytest.mark.skipif(find_spec("symbolic") is None, reason="needs the extra `sourcemaps`")


def position(text: str, needle: str) -> tuple[int, int]:
    assert text.count(needle) == 1, needle
    before = text[: text.index(needle)]
    return before.count("\n"), len(before) - (before.rfind("\n") + 1)


def built(name: str) -> tuple[str, SourceMap]:
    path = MAPS / name
    text = path.read_text()
    url = map_url_in(text)
    assert url is not None
    found = open_map(url, str(path))
    assert found is not None
    return text, found


@needs_symbolic
@pytest.mark.parametrize(
    ("build", "generated", "original", "name"),
    [
        ("bundle/service.min.js", "k(e){c.on", "subscribe(row: Row)", "subscribe"),
        ("bundle/service.min.js", "x=new Map", "reportCache: Map", "reportCache"),
        ("bundle/service.min.js", "shared=new Map", "shared = new Map", None),
        ("inline/service.min.js", "f=[]", "waiters: Array", "waiters"),
        ("tsc/service.js", "reportCache = new Map", "reportCache: Map", None),
        ("tsc/service.js", "onInvalidate()", "onInvalidate()", None),
    ],
)
def test_maps_of_real_compilers_lead_to_the_original(
    build: str, generated: str, original: str, name: str | None
) -> None:
    text, found = built(build)
    where = found.original(*position(text, generated))
    assert where is not None
    assert (where.line + 1, where.column) == place(MAPS / "service.ts", original)[1:]
    assert where.name == name
    assert found.path(where.source) == str(MAPS / "service.ts")
    assert found.text(where.source) == (MAPS / "service.ts").read_text()


@needs_symbolic
def test_code_a_compiler_added_has_no_original() -> None:
    text, found = built("tsc/service.js")
    assert found.original(*position(text, '"use strict"')) is None
    assert found.original(*position(text, "exports.registry = exports.bus")) is None
    assert found.original(10_000, 0) is None


def test_without_the_decoder_a_map_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "symbolic.sourcemapcache", None)
    monkeypatch.setitem(sys.modules, "symbolic.exceptions", None)
    path = MAPS / "tsc" / "service.js"
    assert open_map("service.js.map", str(path)) is None


def plain(**changes: Any) -> dict[str, Any]:
    return {"version": 3, "sources": ["a.ts"], "names": ["one"], "mappings": "AAAAA;;EACA", **changes}


@needs_symbolic
def test_a_position_before_the_first_segment_of_its_line_is_unmapped() -> None:
    found = SourceMap(plain(), None)
    first = found.original(0, 5)
    assert first is not None
    assert (first.line, first.column, first.name) == (0, 0, "one")
    assert found.original(1, 0) is None
    assert found.original(2, 1) is None
    third = found.original(2, 2)
    assert third is not None
    assert (third.line, third.column) == (1, 0)


@needs_symbolic
def test_sections_of_an_index_map_are_taken_by_their_offsets() -> None:
    second = plain(sources=["b.ts", None], sourceRoot="src/", mappings="AAAA,CCAA;EDCA")
    index = {
        "version": 3,
        "sections": [
            {"offset": {"line": 0, "column": 0}, "map": plain()},
            {"offset": {"line": 5, "column": 3}, "map": second},
            {"offset": {"line": 9, "column": 0}, "url": "more.map"},
        ],
    }
    found = SourceMap(index, "/project/out")
    places = {}
    for at in [(0, 0), (4, 9), (5, 2), (5, 3), (5, 4), (6, 1), (6, 2), (10, 0)]:
        where = found.original(*at)
        places[at] = where and (found.path(where.source), where.line)
    assert places == {
        (0, 0): ("/project/out/a.ts", 0),
        (4, 9): None,
        (5, 2): None,
        (5, 3): ("/project/out/src/b.ts", 0),
        (5, 4): None,  # its source is null
        (6, 1): None,
        (6, 2): ("/project/out/src/b.ts", 1),
        (10, 0): None,
    }


@needs_symbolic
@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        3,
        plain(version=2),
        plain(mappings=None),
        plain(sources=None),
        plain(mappings="!!!"),
        plain(mappings="AAAA,zzzzzzzzzzzzzzzzzzz"),
        plain(sources=[]),
        plain(mappings="A" * 10_000),
        plain(mappings=";" * 5_000_001),
        {"version": 3, "sections": 7},
        {"version": 3, "sections": [{}]},
        {"version": 3, "sections": [{"offset": {"line": -1, "column": 0}, "map": plain()}]},
        {"version": 3, "sections": [{"offset": {"line": 2**40, "column": 0}, "map": plain()}]},
    ],
)
def test_what_is_no_source_map_is_refused(document: object) -> None:
    with pytest.raises(ValueError):
        SourceMap(document, None)


@needs_symbolic
def test_nested_sections_end_somewhere() -> None:
    document: dict[str, Any] = plain()
    for _ in range(10):
        document = {"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": document}]}
    with pytest.raises(ValueError, match="JSON object"):
        SourceMap(document, None)


@needs_symbolic
def test_odd_but_harmless_members_do_not_matter() -> None:
    document = plain(
        names=[None, 3], sourcesContent=[None, 5], sourceRoot=None, file=1, x_google_ignoreList=[0]
    )
    found = SourceMap({**document, "sourcesContent": 7}, None)
    assert found.text(0) is None
    assert SourceMap(plain(sourcesContent=["text"]), None).text(0) == "text"


@needs_symbolic
def test_inline_maps_are_read_and_broken_ones_are_none() -> None:
    data = json.dumps(plain()).encode()
    encoded = base64.b64encode(data).decode()
    assert open_map(f"data:application/json;charset=utf-8;base64,{encoded}", None) is not None
    assert open_map("data:application/json," + data.decode().replace("%", "%25"), None) is not None
    assert open_map(f"data:application/json;base64,{encoded[:-9]}", None) is None
    assert open_map("data:application/json;base64,%%%", None) is None
    assert open_map("data:application/json;base64", None) is None


@needs_symbolic
def test_map_files_are_found_beside_their_code_and_nowhere_else(tmp_path: Path) -> None:
    code = str(tmp_path / "dist" / "app.js")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "my app.js.map").write_text(")]}'\n" + json.dumps(plain()))
    assert open_map("my%20app.js.map", code) is not None
    assert open_map("../dist/my%20app.js.map", code) is not None
    assert open_map((tmp_path / "dist" / "my app.js.map").as_uri(), None) is not None
    assert open_map("my%20app.js.map", None) is None
    assert open_map("missing.map", code) is None
    assert open_map("http://example.com/app.js.map", code) is None
    assert open_map("https://example.com/app.js.map", code) is None
    os.mkfifo(tmp_path / "dist" / "pipe.map")
    assert open_map("pipe.map", code) is None
    assert open_map("/dev/zero", code) is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("f()\n//# sourceMappingURL=a.js.map", "a.js.map"),
        ("f()\n//# sourceMappingURL=old.map\ng()\n//# sourceMappingURL=new.map\n", "new.map"),
        ("f();//@ sourceMappingURL=a.map", "a.map"),
        ("a{}\n/*# sourceMappingURL=a.css.map*/", "a.css.map"),
        ("//# sourceMappingURL=a.map\nconst s = 'sourceMappingURL=' + x", "a.map"),
        ("const s = '//# sourceMappingURL'", None),
        ("f()\n//# sourceMappingURL=\n", None),
        ("", None),
    ],
)
def test_the_last_comment_names_the_map(text: str, url: str | None) -> None:
    assert map_url_in(text) == url


@pytest.mark.parametrize(
    ("name", "root", "folder", "path"),
    [
        ("../src/a.ts", "", "/p/dist", "/p/src/a.ts"),
        ("a.ts", "../src", "/p/dist", "/p/src/a.ts"),
        ("a.ts", "/elsewhere/src/", "/p/dist", "/elsewhere/src/a.ts"),
        ("/whole/a.ts", "/ignored", "/p/dist", "/whole/a.ts"),
        ("a.ts", "", None, "a.ts"),
        ("../../../../a.ts", "", "/p", "/a.ts"),
        ("file:///p/with%20space.ts", "", "/q", "/p/with space.ts"),
        ("a.ts", "file:///p/src", "/q", "/p/src/a.ts"),
        ("webpack://app/./src/a.ts", "", None, "src/a.ts"),
        ("webpack:///./src/a.ts?3f2c", "", None, "src/a.ts"),
        ("webpack:///webpack/../src/b.ts", "", None, "src/b.ts"),
        ("turbopack:///[project]/src/a.ts", "", None, "src/a.ts"),
        ("https://cdn.example.com/a.ts", "", "/p", "https://cdn.example.com/a.ts"),
        ("..\\src\\a.ts", "", "C:\\p\\dist", "C:\\p\\src\\a.ts"),
        ("D:\\src\\a.ts", "", "C:\\p", "D:\\src\\a.ts"),
    ],
)
def test_entries_of_sources_become_paths(name: str, root: str, folder: str | None, path: str) -> None:
    assert resolve_source(name, root, folder) == path


def test_a_bundlers_name_is_found_in_the_project_of_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "app" / "src").mkdir(parents=True)
    (tmp_path / "app" / "src" / "a.ts").write_text("")
    (tmp_path / "app" / "package.json").write_text("{}")
    (tmp_path / "outside.ts").write_text("")
    folder = str(tmp_path / "app" / "dist" / "js")
    assert resolve_source("webpack://app/./src/a.ts", "", folder) == str(tmp_path / "app" / "src" / "a.ts")
    assert resolve_source("webpack://app/./outside.ts", "", folder) == "outside.ts"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///a/b%20c.mjs?update=1#x", "/a/b c.mjs"),
        ("FILE:///a/b.mjs", "/a/b.mjs"),
        ("file:///C:/a/b.mjs", "C:\\a\\b.mjs"),
        ("file://localhost/a.mjs", "/a.mjs"),
        ("file://server/share/a.mjs", "//server/share/a.mjs"),
        ("/plain/path?.js", "/plain/path?.js"),
        ("node:events", "node:events"),
        ("file://", ""),
    ],
)
def test_file_urls_become_paths(url: str, path: str) -> None:
    assert path_of_url(url) == path


def test_only_regular_files_of_sane_size_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    file.write_bytes(b"\xef\xbb\xbfconst a = '\xff'")
    assert read_text(str(file)) == "const a = '\ufffd'"
    assert read_bytes(str(file), 4) is None
    link = tmp_path / "link.js"
    link.symlink_to(file)
    assert read_text(str(link)) == read_text(str(file))
    loop = tmp_path / "loop.js"
    loop.symlink_to(loop)
    os.mkfifo(tmp_path / "pipe.js")
    sparse = tmp_path / "sparse.js"
    with sparse.open("wb") as out:
        out.truncate(MAX_SOURCE_BYTES + 1)
    special = tmp_path / "special.js"
    special.symlink_to("/proc/self/environ")
    odd = [loop, tmp_path / "pipe.js", sparse, special, tmp_path, tmp_path / "missing.js"]
    refused = [*map(str, odd), "/dev/null", "/proc/self/environ", "a.js", "", "\0", "//host/share/a.js"]
    assert [path for path in refused if read_bytes(path) is not None] == []
