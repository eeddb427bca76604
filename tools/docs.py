"""Writes the generated parts of the documentation, or with --check says which are stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from api_text import api_text
from leak_pages import leak_pages
from schema_page import schema_page

from heapsleuth.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Written by `make docs`; do not edit. -->\n"


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield (command line, help text) of a command and, depth first, of its subcommands."""
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _commands(child, _context(child, name, context))


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    widths: dict[str, Any] = {"terminal_width": 90, "max_content_width": 90}
    return click.Context(command, info_name=name, parent=parent, **{**command.context_settings, **widths})


def cli_page() -> str:
    """Return the command reference as Markdown."""
    sections = [
        f"## `{path}`\n\n```text\n{text.rstrip()}\n```\n"
        for path, text in _commands(cli, _context(cli, "heapsleuth", None))
    ]
    return f"{NOTE}\n# Command reference\n\n" + "\n".join(sections)


def pages() -> dict[Path, str]:
    """Return every generated file with its text."""
    kinds = {ROOT / "docs" / "leaks" / name: f"{NOTE}\n{text}" for name, text in leak_pages().items()}
    return {
        **kinds,
        ROOT / "docs" / "reference" / "cli.md": cli_page(),
        ROOT / "docs" / "reference" / "report-json.md": f"{NOTE}\n{schema_page()}",
        ROOT / "tests" / "api.txt": api_text(),
    }


def main() -> int:
    """Write the pages, or check them; return 1 when one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    options = parser.parse_args()
    stale = 0
    for path, text in pages().items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        name = path.relative_to(ROOT)
        if options.check:
            print(f"{name} is stale; run `make docs`", file=sys.stderr)
            stale += 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
