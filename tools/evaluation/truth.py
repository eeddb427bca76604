"""What is right for a case: verdict, category, names of the holder, place in the source.

Read from `truth.json` alone, so that no word of the tool decides what counts as right.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Truth"]

CATEGORIES = {"global-collection": "collection", "unbounded-cache": "cache"}
"""Categories that the corpus calls by another name than the tool does."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TYPES = (
    "Arrays?|Maps?|Sets?|Objects?|WeakMaps?|WeakSets?|FinalizationRegistry|[Pp]romises?|[Qq]ueues?|Buffers?"
    "|[Ll]ists?|[Vv]ariables?|[Ff]ields?|[Pp]ropert(?:y|ies)"
)
GENERIC = _words("""
    Array Arrays Object Objects Map Maps Set Sets WeakMap WeakSet WeakRef Promise Promises Function String
    Number Symbol Error Buffer ArrayBuffer Uint8Array Float64Array DataView closure context ctx table elements
    properties string global globalThis module exports node_modules anonymous concatenated sliced system
    Context Generator key keys value values entry entries item items list chain queue function variable
""")
"""Words that say what kind of thing it is and not which."""
RUNTIME = _words("""
    Timeout TimersList timerListMap timerListQueue Immediate Listener EventEmitter EventTarget AbortSignal
    Socket TCP FinalizationRegistry WeakCell PromiseReaction kEvents _events _idleNext _idlePrev _onTimeout
""")
"""Names that Node and V8 give: they count only where the truth has no name of its own."""
_FILLERS = _words("at in of on and held with whose under from for that per the each is are")

_IDENTIFIER = r"[A-Za-z_$][\w$]*"
_FILE = re.compile(r"[\w@$.-]*/[^\s)]*|\b[\w$-]+\.[cm]?[jt]s\b")
# In a pattern, what stands before an arrow is the edge by which the container is held.
_EDGE = re.compile(rf"({_IDENTIFIER})\s*->")
_DOTTED = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})+")
_AFTER_TYPE = re.compile(rf"\b(?:{_TYPES})\s+(?:called\s+|named\s+)?({_IDENTIFIER})(?![.\w$])")
_CODE_LIKE = re.compile(r"(?<![\w$.])(?:_[\w$]+|[a-z][a-z0-9]*[A-Z$][\w$]*)(?![\w$.])")


@dataclass(frozen=True)
class Truth:
    """The truth about a case."""

    case: str
    package: str | None
    """None for programs that are no package."""
    category: str | None
    names: frozenset[str]
    """One of them has to be named for the holder to be right; empty when the truth has none."""
    constructors: frozenset[str]
    """Classes that pile up, as far as their names are not generic."""
    file: str | None
    """Base name of the file."""
    line: int | None
    verdicts: dict[str, str]
    """`leak` or `no-leak` by variant."""
    not_reproduced: frozenset[int]
    """Major versions of Node.js on which the leaky variant was seen not to leak."""
    verified: frozenset[int]
    """Major versions of Node.js on which the truth was measured."""

    @classmethod
    def load(cls, folder: Path) -> Truth:
        """Read the truth of a case."""
        return cls.of(json.loads((folder / "truth.json").read_text(encoding="utf-8")), folder.name)

    @classmethod
    def of(cls, document: dict[str, Any], case: str) -> Truth:
        """Return the truth that a document states."""
        path, _, line = (document.get("source_file") or "").rpartition(":")
        package = document.get("package")
        category: str | None = document.get("category")
        container = document.get("growing_container") or ""
        constructors = (name.removeprefix("closure ") for name in document.get("expected_constructors") or ())
        return cls(
            case=case,
            package=None if not package or package.startswith("(") else package,
            category=category and CATEGORIES.get(category, category),
            names=_names(document.get("container_path_pattern") or "", container),
            constructors=frozenset(name for name in constructors if _is_own(name)),
            file=PurePosixPath(path).name if path else None,
            line=int(line) if path else None,
            verdicts=document["verdict"],
            not_reproduced=_majors(document.get("node_versions_not_reproduced")),
            verified=_majors(document.get("node_versions")),
        )

    def expected(self, variant: str, major: int) -> str | None:
        """Return `leak` or `no-leak`; None where the leak is known not to show on that Node.js."""
        verdict = self.verdicts[variant]
        return None if verdict == "leak" and major in self.not_reproduced else verdict

    @property
    def leaky_variants(self) -> set[str]:
        """Variants that leak."""
        return {variant for variant, verdict in self.verdicts.items() if verdict == "leak"}


def _majors(versions: Iterable[str] | None) -> frozenset[int]:
    return frozenset(int(version.removeprefix("v").split(".")[0]) for version in versions or ())


def _is_own(name: str) -> bool:
    return re.fullmatch(_IDENTIFIER, name) is not None and name not in GENERIC


def _names(pattern: str, container: str) -> frozenset[str]:
    """
    Return the identifiers that name the container.

    What follows the colon in its description explains, and does not name.  What stands in parentheses
    counts when nothing else does, together with the names of Node and V8.
    """
    words = re.sub(r"\\.|\bctx:", " ", pattern)
    from_pattern = set(re.findall(_IDENTIFIER, words)) - GENERIC | set(_EDGE.findall(words))
    head = _FILE.sub(" ", container.partition(":")[0])
    plain = set(_identifiers(re.sub(r"\([^)]*\)", " ", head)))
    own = (from_pattern | plain) - RUNTIME
    if own:
        return frozenset(own)
    runtime = {word for word in re.findall(_IDENTIFIER, container) if word in RUNTIME}
    return frozenset(from_pattern | runtime | set(_identifiers(head)))


def _identifiers(text: str) -> Iterator[str]:
    """Give what looks like a name: the last part of a dotted one, what follows a type, camelCase."""
    found = [dotted.rpartition(".")[2] for dotted in _DOTTED.findall(text)]
    found += _AFTER_TYPE.findall(text) + _CODE_LIKE.findall(text)
    return (name for name in found if name not in GENERIC | _FILLERS)
