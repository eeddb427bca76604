"""Syntax trees of JavaScript and TypeScript, looked at from one place at a time.

tree-sitter reads broken text as well as it can.  Nothing here walks a whole tree: a question begins at an
offset and climbs from there, so that its price does not depend on the size of the file.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Language, Node

__all__ = ["FUNCTIONS", "MAX_CHARS", "Chain", "SyntaxTree", "unwrap"]

MAX_CHARS = 2_000_000
"""Longest text that is parsed, in characters; about a second of CPU per 4 million."""

# tree-sitter takes seconds to recover from text that is no program at all; a step is about 50 characters.
_STEPS_AFTER_ERROR = 8_000
_CHUNK = 1 << 16

_TYPESCRIPT = (".ts", ".mts", ".cts")
_TSX = ".tsx"

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_BLANKS = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\ufeff": " "})

FUNCTIONS = frozenset(
    {
        "arrow_function",
        "class_static_block",
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    }
)
"""Types of nodes whose body runs when it is called, not where it stands."""

_WRAPPERS = frozenset(
    {
        "as_expression",
        "await_expression",
        "non_null_expression",
        "parenthesized_expression",
        "satisfies_expression",
        "type_assertion",
    }
)

Chain: TypeAlias = "list[Node]"
"""A node and all nodes around it, the root first."""


class SyntaxTree:
    """
    The tree of one text, with offsets in characters.

    Args:
        text: A program.
        file: Its name, whose ending tells the language.

    Attributes:
        text: The program with every character beyond ASCII replaced by one of ASCII, so that bytes are
            characters.
        skipped: Why there is no tree, None when there is one.
    """

    def __init__(self, text: str, file: str = "") -> None:
        self.text = ""
        self.skipped: str | None = None
        self._root: Node | None = None
        if len(text) > MAX_CHARS:
            self.skipped = f"longer than {MAX_CHARS:,} characters"
            return
        self.text = _NOT_ASCII.sub(_plain, text.translate(_BLANKS)) if not text.isascii() else text
        data = self.text.encode()
        for name in _languages(file):
            tree = _parse(name, data)
            if tree is not None and (self._root is None or not tree.has_error):
                self._root = tree
            if tree is None or not tree.has_error:
                break
        if self._root is None:
            self.skipped = "too large a text with syntax errors"

    def chain(self, start: int, end: int) -> Chain:
        """Return the nodes that contain the characters *start* to *end*, the root first."""
        if self._root is None:
            return []
        cursor = self._root.walk()
        found: Chain = []
        while (node := cursor.node) is not None and node.start_byte <= start and node.end_byte >= end:
            if node.is_named:  # a keyword is no place, and `class` would pass for an expression
                found.append(node)
            if cursor.goto_first_child_for_byte(start) is None:
                break
        return found

    def code(self, node: Node) -> str:
        """Return the text of a node."""
        return self.text[node.start_byte : node.end_byte]

    def occurrences(self, name: str, most: int, start: int = 0, end: int | None = None) -> Iterator[int]:
        """Give the offsets of up to *most* places from *start* to *end* where *name* stands as a word."""
        word = re.compile(rf"(?<![\w$#]){re.escape(_NOT_ASCII.sub(_plain, name))}(?![\w$])")
        for count, found in enumerate(
            word.finditer(self.text, start, len(self.text) if end is None else end)
        ):
            if count >= most:
                return
            yield found.start()


def unwrap(node: Node | None) -> Node | None:
    """Return the expression inside parentheses, casts and `await`."""
    while node is not None and node.type in _WRAPPERS:
        node = node.named_child(0)
    return node


def _plain(found: re.Match[str]) -> str:
    return " " if found[0].isspace() else "_"


def _languages(file: str) -> tuple[str, ...]:
    if file.endswith(_TYPESCRIPT):
        return ("typescript", "tsx")
    return ("tsx", "typescript") if file.endswith(_TSX) else ("javascript", "tsx", "typescript")


@cache
def _language(name: str) -> Language:
    import tree_sitter_javascript  # noqa: PLC0415 - 10 ms that only a look at sources needs
    import tree_sitter_typescript  # noqa: PLC0415
    from tree_sitter import Language  # noqa: PLC0415

    made = {
        "javascript": tree_sitter_javascript.language,
        "typescript": tree_sitter_typescript.language_typescript,
        "tsx": tree_sitter_typescript.language_tsx,
    }
    return Language(made[name]())


def _parse(language: str, data: bytes) -> Node | None:
    from tree_sitter import Parser  # noqa: PLC0415

    steps = 0

    def go_on(_offset: int, has_error: bool) -> bool:
        nonlocal steps
        steps += has_error
        return steps > _STEPS_AFTER_ERROR

    parser = Parser(_language(language))
    try:
        return parser.parse(
            lambda offset, _point: data[offset : offset + _CHUNK], progress_callback=go_on
        ).root_node
    except ValueError:  # given up
        return None
