"""From judged candidates to findings: named, located, told as a path, one per cause."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.case import Case
from heapsleuth.leaks.circumstances import circumstances_of
from heapsleuth.leaks.confidence import load_model
from heapsleuth.leaks.detectors import detect
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.evidence import decide, sure_of
from heapsleuth.leaks.fixes import fix_for
from heapsleuth.leaks.model import Finding, Holder, Members, Verdict
from heapsleuth.leaks.naming import Name, Namer, Step
from heapsleuth.leaks.settling import settled_by
from heapsleuth.leaks.signature import signature
from heapsleuth.leaks.sites import Places, find_places, sites_of
from heapsleuth.leaks.source.reader import SourceReader
from heapsleuth.leaks.spoken import Speech, as_spoken
from heapsleuth.leaks.stacks import StackFinder
from heapsleuth.leaks.story import StoryTeller
from heapsleuth.leaks.suppressions import suppression
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.circumstances import Circumstances
    from heapsleuth.leaks.confidence import ConfidenceModel
    from heapsleuth.leaks.detectors.base import Detection
    from heapsleuth.leaks.evidence import Judgement
    from heapsleuth.leaks.history import Moment
    from heapsleuth.leaks.series import Candidate, Series

__all__ = ["Judged", "Teller", "Weighed"]

_LABEL_LENGTH = 60
_WHOLE_FROM = 100
_NEVER, _NONE = " and never loses one", " and lose none"


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with its series and what they say."""

    candidate: Candidate
    series: Series
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Weighed:
    """A finding in outline, with what its confidence was made of."""

    finding: Finding
    features: Mapping[str, float]
    series: Series
    judgement: Judgement
    beside: Circumstances
    problems: tuple[str, ...]
    """Directives in comments near it that are not followed, and why."""
    case: Case
    detection: Detection


class Teller:
    """
    Tells findings in the words of the last snapshot.

    Args:
        moment: The last snapshot.
        old: (n,) true for objects that existed from the first snapshot on.
        sources: File and line of the snapshot's objects.
        per: What rates are per, in words.
        model: Makes evidence into confidence; the one that ships when None.
    """

    def __init__(
        self,
        moment: Moment,
        old: NDArray[np.bool_],
        sources: Sources,
        *,
        per: str = "per unit of work",
        model: ConfidenceModel | None = None,
    ) -> None:
        self._model = model or load_model()
        self._reader = SourceReader(sources)
        self._per = per
        self._moment = moment
        self._old = old
        self._sources = sources
        self._namer = Namer(moment, old)
        self._speech = Speech(moment.graph, sources)
        self._stories = StoryTeller(moment, old, sources)
        self._stacks = StackFinder(moment.graph, sources)

    def weigh(self, judged: Judged) -> Weighed:
        """Return what one candidate is and how sure that is; the rest is told once it is known to count."""
        case = Case(self._moment, judged.candidate, judged.series, self._name(judged.candidate), self._old)
        detected = detect(case)
        detection = as_spoken(self._speech, case, detected)
        series, judgement = judged.series, judged.judgement
        places = self._places(case, detection)
        facts = None if places.grows is None else self._reader.facts(*places.grows)
        places = places if facts is None else places.with_uses(facts)
        sites = sites_of(places, self._sources, self._reader)
        beside = circumstances_of(case, detected, judgement, facts)
        features = {**judgement.features, **beside.features}
        confidence = sure_of(judgement.growth, features, self._model)
        verdict = decide(judgement.growth, confidence, self._model)
        accepted = suppression(sites, facts, self._reader)
        location = places.first_of_holder or places.first_of_members
        member_location = places.first_of_members
        package = self._sources.package(location)
        counts = series.references if judgement.metric == "references" else series.counts
        retained = tuple(a + b for a, b in zip(series.retained, series.shallow, strict=True))
        finding = Finding(
            # By names that are equal in all versions of Node.js, not as they are spoken.
            signature=signature(
                detected.category,
                detected.holder_name,
                self._original_class(detected, case),
                location,
                package,
            ),
            category=detection.category,
            verdict=verdict,
            confidence=confidence,
            title=self._title(detection, judgement, case),
            holder=Holder(
                name=_cut_inside(detection.holder_name),
                kind=_cut(detection.holder_kind),
                node_id=int(case.graph.node_ids[detection.holder_node]),
                location=location,
                package=package,
            ),
            members=Members(
                class_name=_cut(detection.members),
                location=member_location,
                counts=counts,
                retained_bytes=retained,
                count_per_work=_rounded(judgement.growth.rate if judgement.metric != "bytes" else 0.0),
                bytes_per_work=_rounded(judgement.bytes_growth.rate),
            ),
            exclusive_bytes=self._exclusive(case),
            path=(),
            evidence_for=(*judgement.evidence_for, *beside.evidence_for),
            evidence_against=(*judgement.evidence_against, *beside.evidence_against),
            sites=sites,
            settles=None,
            suppressed=accepted.reason,
        )
        return Weighed(finding, features, series, judgement, beside, accepted.problems, case, detection)

    def tell(self, weighed: Weighed) -> Finding:
        """Return a finding whole: with its path, who waits, the fix and what would settle it."""
        case, detection = weighed.case, weighed.detection
        finding = replace(
            weighed.finding,
            path=self._stories.path(case),
            stacks=self._stacks.stacks(case) if _waits(detection) else (),
        )
        settles = settled_by(finding) if finding.verdict is Verdict.UNDECIDED else None
        return replace(finding, fix=fix_for(finding, detection.names), settles=settles)

    def called(self, node: int) -> str:
        """Return what any object is called in a list of holders: `Map byUser`, `timers`."""
        return self._stories.called(node)

    def _name(self, candidate: Candidate) -> Name:
        """Return the holder's name; where the holder is a scope, the variable's."""
        graph = self._moment.graph
        if (
            candidate.label
            and candidate.example >= 0
            and graph.edge_types[candidate.example] == EdgeType.CONTEXT
        ):
            label = graph.edge_name(candidate.example)
            member = int(graph.edge_targets[candidate.example])
            step = Step(candidate.holder, label, int(EdgeType.CONTEXT), member)
            return self._as_written(Name(label, (step,), anchored=True))
        entered = self._entered_by(candidate) if candidate.chain and not candidate.below else None
        return self._as_written(entered or self._namer.name(candidate.holder))

    def _entered_by(self, candidate: Candidate) -> Name | None:
        """Return the variable through which a scope holds a chain, None when the holder is no scope."""
        graph = self._moment.graph
        if graph.own_name(candidate.holder) != "system / Context":
            return None
        kind = int(graph.node_names[int(graph.edge_targets[candidate.example])])
        edges = edges_of(graph, np.array([candidate.holder]))
        variables = edges.where(
            (graph.edge_types[edges.edges] == EdgeType.CONTEXT) & (graph.node_names[edges.targets] == kind)
        )
        if not len(variables):
            return None
        label = graph.edge_name(int(variables.edges[0]))
        step = Step(candidate.holder, label, int(EdgeType.CONTEXT), int(variables.targets[0]))
        return Name(label, (step,), anchored=True)

    def _as_written(self, name: Name) -> Name:
        """Return the name with its variable, or class, as the source has it, not as a minifier renamed it."""
        if name.scope is None:
            return name
        first = name.steps[0]
        if first.type in (EdgeType.CONTEXT, EdgeType.INTERNAL):
            before, written = name.first, self._sources.variable_name(name.scope, name.first)
        elif self._moment.graph.node_types[name.scope] == NodeType.CLOSURE:
            before = self._moment.graph.own_name(name.scope)
            written = self._sources.function_name(name.scope) or before
        else:
            return name
        if written == before or not before or not name.text.startswith(before):
            return name
        return replace(name, text=written + name.text[len(before) :], written=written)

    def _original_class(self, detected: Detection, case: Case) -> str:
        """Return the members' class by the name that the source has for it, for the signature."""
        node = detected.member_node
        if node is None or detected.members != case.class_name(node):
            return detected.members
        place = self._sources.location(node) or self._sources.class_location(node)
        if place is None or not place.function or place.file.startswith("node:"):
            return detected.members
        function = case.type(node) == NodeType.CLOSURE
        return f"function {place.function}" if function else place.function

    def _title(self, detection: Detection, judgement: Judgement, case: Case) -> str:
        rate = judgement.growth.rate if judgement.metric != "bytes" else 0.0
        name = detection.holder_name
        quoted = name if "`" in name or '"' in name else f"`{name}`"
        field = case.field if not case.candidate.chain else None
        if field and not name.endswith(field):
            quoted = f"`{name}.{field}`" if field.isidentifier() else quoted
        values = {
            "holder": _cut_inside(quoted),
            "kind": "Variable" if detection.holder_kind == "variable" else _cut(detection.holder_kind),
            "members": _cut(detection.members),
            "rate": f"{rate:,.0f}" if rate >= _WHOLE_FROM else f"{rate:.3g}",
            "bytes": format_bytes(judgement.bytes_growth.rate),
            "per": self._per,
        }
        if judgement.verdict is Verdict.BOUNDED:
            return "{kind} {holder} holds {members}, and has stopped growing".format(**values)
        if judgement.metric == "bytes":
            return "{kind} {holder} grows by {bytes} {per}".format(**values)
        title = detection.title.format(**values)
        if any(fact.code == "some-released" for fact in judgement.evidence_against):
            title = title.replace(_NEVER, "").replace(_NONE, "")
        return title

    def _places(self, case: Case, detection: Detection) -> Places:
        name, shown = case.name, detection.holder_node
        if shown != case.holder and all(step.source != shown for step in name.steps):
            name = self._namer.name(shown)
        return find_places(case, name, detection.member_node, self._sources, holder_node=shown)

    def _exclusive(self, case: Case) -> int:
        """Return bytes that go away when only the holder lets go: what it dominates beside itself."""
        graph = case.graph
        member = case.member
        if case.candidate.label and member is not None:
            return int(graph.retained_sizes[member])
        return int(graph.retained_sizes[case.holder])


def _waits(detection: Detection) -> bool:
    return detection.category == "promise" or detection.holder_kind == "Promise"


def _cut_inside(name: str) -> str:
    """Shorten a name in its middle: it begins with what one can look for, and ends in what it is."""
    if len(name) <= _LABEL_LENGTH:
        return name
    end = _LABEL_LENGTH * 2 // 3
    return f"{name[: _LABEL_LENGTH - end - 1]}…{name[-end:]}"


def _cut(text: str) -> str:
    return text if len(text) <= _LABEL_LENGTH else f"{text[: _LABEL_LENGTH - 1]}…"


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
