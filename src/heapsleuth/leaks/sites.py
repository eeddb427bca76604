"""Places in code a finding is about: who declares the holder, who adds members, what they keep alive.

The place to look at first is the deepest one on the way to the members that somebody wrote: a field
`_callbacks` of a package's class says more than the variable through which the program reached it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.model import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.naming import Name
    from heapsleuth.leaks.source.model import SourceFacts
    from heapsleuth.leaks.source.reader import SourceReader
    from heapsleuth.places import SourceLocation

__all__ = ["Places", "find_places", "sites_of"]

_MOST_OF_A_ROLE = {"holder": 2, "added": 2, "removed": 1, "member": 1, "captured": 3}

# How far behind a member functions of other files are looked for.
_CAPTURED_DEPTH = 6
_CAPTURED_NODES = 400

# References every object or function of a kind has in common: they lead to the program, not to data.
_SHARED_EDGES = frozenset(
    {"__proto__", "constructor", "prototype", "map", "shared", "code", "feedback_cell", "native_context",
     "scope_info", "script", "script_or_debug_info", "previous", "initial_map", "realm"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Places:
    """Places by role, the most telling first."""

    holder: tuple[SourceLocation, ...]
    """Where the field that grows is declared, then the variable through which it is reached."""
    added: tuple[SourceLocation, ...]
    removed: tuple[SourceLocation, ...]
    member: tuple[SourceLocation, ...]
    captured: tuple[SourceLocation, ...]
    grows: tuple[int, str] | None
    """Node index and name of the variable or field declared nearest to the members."""

    def with_uses(self, facts: SourceFacts) -> Places:
        """Return the places with those where the source is known to add and to remove members."""
        added = [use for use in facts.additions if not use.nested] or facts.additions
        removed = (*facts.removals, *facts.clears)
        return replace(
            self,
            added=tuple(dict.fromkeys(use.location for use in added)) or self.added,
            removed=tuple(dict.fromkeys(use.location for use in removed)),
        )

    @property
    def first_of_holder(self) -> SourceLocation | None:
        """The place that stands for the holder; where nothing declares it, who adds to it."""
        return next(iter((*self.holder, *self.added)), None)

    @property
    def first_of_members(self) -> SourceLocation | None:
        """The place that stands for the members: their code, else who adds them."""
        return next(iter((*self.member, *self.added, *self.captured)), None)


def find_places(
    case: Case, name: Name, member_node: int | None, sources: Sources, *, holder_node: int
) -> Places:
    """
    Find the places of one candidate.

    Args:
        case: The candidate.
        name: How code reaches the holder that is reported.
        member_node: Node index whose code says where members come from.
        sources: File and line of the heap's objects.
        holder_node: Node index of the holder that is reported.
    """
    declared = list(_declarations(case, name, sources, holder_node))
    holder = [place for place, _, _ in declared]
    if not declared:
        own_class = _written(sources.class_location(holder_node))
        holder = [] if own_class is None else [own_class]
    own = None
    if member_node is not None:
        own = _written(sources.location(member_node) or sources.class_location(member_node))
    captured = list(_captured(case, member_node, sources))
    wrapped = _wrapped(own, captured, holder, sources)
    member = [place for place in (wrapped or own,) if place is not None]
    return Places(
        holder=_distinct(holder),
        added=_distinct(_added(name, declared, sources)),
        removed=(),
        member=_distinct(member),
        captured=_distinct([place for place in captured if place not in (*member, *holder)]),
        grows=declared[0][1:] if declared and declared[0][2] == _innermost(case, name) else None,
    )


def _innermost(case: Case, name: Name) -> str | None:
    """Return the last name on the way to the members; what is said of an outer one is not said of it."""
    own = _own_fields(case)
    if own:
        return own[0]
    named = [step.label for step in name.steps if step.type in (EdgeType.PROPERTY, EdgeType.CONTEXT)]
    return named[-1] if named else name.first


def _added(
    name: Name, declared: Sequence[tuple[SourceLocation, int, str]], sources: Sources
) -> tuple[SourceLocation, ...]:
    """Return where the innermost name on the way to the members is filled."""
    owners = [(owner, label) for _, owner, label in declared[:1]]
    # A field of a plain object is known to the text by its name only: `opts.cache`, `const { cache }`.
    owners += [(name.scope, step.label) for step in reversed(name.steps) if name.scope is not None]
    for owner, label in owners:
        found = tuple(place for place in sources.growth_sites(owner, label) if _written(place))
        if found:
            return found
    return ()


def sites_of(places: Places, sources: Sources, reader: SourceReader) -> tuple[Site, ...]:
    """Return the sites of a finding, each place once, with their lines of code."""
    found: dict[tuple[str, int | None], Site] = {}
    for role, most in _MOST_OF_A_ROLE.items():
        kept: Sequence[SourceLocation] = getattr(places, role)
        for place in kept[:most]:
            found.setdefault(
                (place.file, place.line), Site(role, place, sources.package(place), reader.lines(place))
            )
    return tuple(found.values())


def _declarations(
    case: Case, name: Name, sources: Sources, holder_node: int
) -> Iterator[tuple[SourceLocation, int, str]]:
    """Give the declarations on the way to the members, innermost first: place, owner and name."""
    if holder_node == case.holder:
        for label in _own_fields(case):
            found = _written(sources.declaration(case.holder, label))
            if found is not None:
                yield found, case.holder, label
    for step in reversed(name.steps):
        found = _written(sources.declaration(step.source, step.label))
        if found is None and step.label.startswith("<symbol "):
            found = _written(sources.class_location(step.source))  # no text has the name as it is
        if found is not None:
            yield found, step.source, step.label


def _own_fields(case: Case) -> list[str]:
    """Return the holder's own fields that lead to the members."""
    if case.type(case.holder) != NodeType.OBJECT:
        return []
    if case.candidate.chain and case.holder_class != case.member_class:
        return [
            reference.label
            for reference in case.references(case.holder)
            if reference.type == EdgeType.PROPERTY and case.class_name(reference.target) == case.member_class
        ]
    return [] if case.field is None or case.candidate.chain else [case.field]


def _written(place: SourceLocation | None) -> SourceLocation | None:
    """Return a place somebody can open: not in the runtime itself."""
    return None if place is None or place.file.startswith("node:") else place


def _captured(case: Case, member: int | None, sources: Sources) -> Iterator[SourceLocation]:
    """
    Give the places of functions that a member keeps, nearest first, one per file.

    Only what the member alone keeps is searched: through an object that others use, too, one comes to
    the whole program.
    """
    if member is None:
        return
    dominators = case.graph.dominators
    files: set[str] = set()
    queue = deque([(member, 0)])
    seen = {member}
    while queue and len(seen) < _CAPTURED_NODES:
        node, depth = queue.popleft()
        if node != member and case.type(node) == NodeType.CLOSURE:
            place = _written(sources.location(node))
            if place is not None and place.file not in files:
                files.add(place.file)
                yield place
        if depth == _CAPTURED_DEPTH or (node != member and int(dominators[node]) not in seen):
            continue
        for reference in case.references(node):
            target = reference.target
            if reference.label in _SHARED_EDGES or target in seen or not _is_data(case, target):
                continue
            seen.add(target)
            queue.append((target, depth + 1))


def _is_data(case: Case, node: int) -> bool:
    return case.type(node) in (NodeType.OBJECT, NodeType.CLOSURE, NodeType.ARRAY, NodeType.HIDDEN) and (
        not case.graph.own_name(node).startswith(("global", "system / NativeContext"))
    )


def _wrapped(
    own: SourceLocation | None,
    captured: Sequence[SourceLocation],
    holder: Sequence[SourceLocation],
    sources: Sources,
) -> SourceLocation | None:
    """
    Return the code a member was made for, where the member itself is machinery of a package.

    A function made by `debounce` or a `Subscriber` of the library that holds it says nothing: what it
    calls back does.
    """
    if own is None:
        return None
    package = sources.package(own)
    if package is None:
        return None
    if not holder or sources.package(holder[0]) not in (package, None):
        return None
    others = [place for place in captured if sources.package(place) != package]
    return others[0] if others else None


def _distinct(places: Sequence[SourceLocation]) -> tuple[SourceLocation, ...]:
    by_line = {(place.file, place.line): place for place in reversed(places)}
    return tuple(place for place in places if by_line.pop((place.file, place.line), None) is not None)
