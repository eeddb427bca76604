"""The rules of the house that no linter knows: sizes, layers, docs, what must not be in the tree."""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import tomllib
from pathlib import Path

import pytest

from heapsleuth import errors
from heapsleuth.leaks.fixes import ADVICE, general_fix

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "heapsleuth"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

MAX_MODULE_LINES = 600
MAX_MEDIAN_LINES = 150


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git work tree")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def error_classes() -> list[type[errors.HeapsleuthError]]:
    found: list[type[errors.HeapsleuthError]] = [errors.HeapsleuthError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return found


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lines = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    too_long = {name: count for name, count in lines.items() if count > MAX_MODULE_LINES}

    assert not too_long
    assert statistics.median(lines.values()) <= MAX_MEDIAN_LINES


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_module_begins_with_a_docstring_and_the_future_import(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert ast.get_docstring(tree), "no docstring"
    futures = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    assert [alias.name for node in futures for alias in node.names] == ["annotations"]


def test_no_module_is_a_drawer_for_whatever() -> None:
    assert not {"utils", "util", "helpers", "common", "misc"} & {path.stem for path in MODULES}


def test_no_pattern_repeats_a_group_possessively() -> None:
    # Before CPython 3.11.5 such patterns match wrongly; Debian 12 has 3.11.2.
    found = [relative(path) for path in MODULES if re.search(r"\)[*+?]\+", path.read_text(encoding="utf-8"))]

    assert found == []


def test_every_package_and_module_of_the_root_has_a_layer() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")["layers"]
    named = set(re.findall(r"heapsleuth\.(\w+)", " ".join(layers)))
    there = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix in {"", ".py"}}

    assert there - named == {"__init__", "__main__", "__pycache__"} & there


@pytest.mark.parametrize("path", sorted((PACKAGE / "kernels").glob("[a-z]*.py")), ids=relative)
def test_a_kernel_imports_nothing_but_numpy_and_raises_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module))

    libraries = {"cython", "cython.cimports.libc.math", "math", "numpy", "numpy.typing", "typing"}
    assert imported <= {"__future__", "heapsleuth.kernels", *libraries}
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, (ast.Raise, ast.Assert))]


def test_every_error_has_a_slug_of_its_own_and_a_place_in_the_drawn_tree() -> None:
    kinds = error_classes()
    slugs = [kind.slug for kind in kinds]

    assert len(slugs) == len(set(slugs))
    assert [kind.__name__ for kind in kinds if kind.__name__ not in str(errors.__doc__)] == []
    assert [kind.__name__ for kind in kinds if kind.__name__ not in errors.__all__] == []


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.slug)
def test_docs_tell_cause_and_cure_of_every_error(kind: type[errors.HeapsleuthError]) -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `([a-z-]+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))

    assert "**Cause.**" in sections[kind.slug]
    assert "**Cure.**" in sections[kind.slug]
    assert kind.__name__ in sections[kind.slug]


def test_docs_list_no_error_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^## `([a-z-]+)`$", page, re.MULTILINE)) == {kind.slug for kind in error_classes()}


def test_the_readme_shows_both_commands_on_its_first_screen() -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:25]

    assert "make demo" in " ".join(first_screen)
    assert "make test" in " ".join(first_screen)


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=relative
)
def test_every_link_in_the_docs_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_make_target_named_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }

    assert named - targets == set()


def test_no_file_names_a_registry_a_download_address_or_this_machine() -> None:
    # Split, so that this file is not its own finding.
    forbidden = re.compile(
        "|".join(
            [
                "registry" + r"\.npmjs",
                "pythonhosted" + r"\.org",
                "pypi" + r"\.org",
                "nodejs" + r"\.org/d(ist|ownload)",
                '"resolved": ' + '*"http',
                "/root/" + r"\.",
                "(?<![.a-z])/work/" + "(main|shared)",
                "/tm" + "p/w/",
            ]
        )
    )
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{relative(path)}:{n}" for n, line in enumerate(text.splitlines(), 1) if forbidden.search(line)
        ]

    assert found == []


def test_no_snapshot_and_no_compiled_file_is_tracked() -> None:
    suffixes = {".heapsnapshot", ".heaptimeline", ".so", ".c", ".pyc"}

    assert [relative(path) for path in tracked_files() if path.suffix in suffixes] == []


@pytest.mark.parametrize("name", [".ci/run", "tools/setup"])
def test_entry_scripts_can_be_executed(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)


def test_the_oldest_python_is_said_once_and_alike_everywhere() -> None:
    classifiers = [c for c in PYPROJECT["project"]["classifiers"] if re.search(r":: 3\.\d", c)]

    assert PYPROJECT["project"]["requires-python"] == ">=3.11"
    assert classifiers[0].endswith("3.11")
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py311"
    assert PYPROJECT["tool"]["mypy"]["python_version"] == "3.11"


def test_the_core_depends_on_seven_packages_and_a_parser_and_nothing_heavier() -> None:
    names = [re.split(r"[><=~]", need)[0] for need in PYPROJECT["project"]["dependencies"]]

    parser = ["tree-sitter", "tree-sitter-javascript", "tree-sitter-typescript"]
    assert names == ["click", "jinja2", "numpy", "orjson", "psutil", "rich", *parser, "websockets"]


def test_every_test_has_a_sentence_for_a_name() -> None:
    names = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path in tracked_files()
        if path.match("tests/**/test_*.py") or path.match("tests/test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]

    assert [name for name in names if name.split()[1].count("_") < 3] == []


@pytest.mark.parametrize("category", sorted(ADVICE))
def test_every_fix_points_to_a_page_with_an_example(category: str) -> None:
    fix = general_fix(category)
    assert fix is not None
    page = (ROOT / fix.doc).read_text(encoding="utf-8")

    assert "## Fixed example" in page or category == "unknown"
