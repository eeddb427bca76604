"""What is known about one finding, for choosing advice and filling it in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from heapsleuth.leaks.fixes.javascript import event_of, expression, identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.model import Finding, Site
    from heapsleuth.places import Package, SourceLocation

__all__ = ["DEFAULTS", "Situation", "defaults_of"]

DEFAULTS: Mapping[str, str] = {
    "callback": "listener",
    "captured": "previous",
    "emitter": "emitter",
    "event": "event",
    "holder": "holder",
    "key": "key",
    "library": "library",
    "member": "value",
    "owner": "owner",
    "promise": "promise",
    "storage": "storage",
    "timer": "timer",
    "variable": "previous",
}
"""The word that stands for each name where the real one is unknown or no JavaScript."""

_HOLDERS = {
    "cache": "cache",
    "collection": "list",
    "socket": "open",
    "promise": "waiting",
    "closure": "hooks",
    "buffer": "chunks",
    "code": "compiled",
}
_CALLBACKS = {"timer": "tick", "promise": "work"}
_MEMBERS = {"collection": "item", "buffer": "chunk", "socket": "socket"}
_LISTENERS = re.compile(r'^(?P<emitter>.*?)(?: "(?P<event>[^"]*)")? listeners$', re.DOTALL)
_STREAM = re.compile(r"^(?P<emitter>.+?)\._(?:writable|readable)State\b", re.DOTALL)
_NAMED = re.compile(r"`(?P<name>[^`]+)`")
_OF_FUNCTION = re.compile(r" of `(?P<callback>[^`]+)`$")
_ONCE = re.compile(r"\b(resolver|errorListener)$")
_FUNCTION = re.compile(r"^(?:bound |function |suspended )(?P<name>\S+)$")
_LONGEST_WORD = 60
_LONGEST_LINE = 300  # on longer ones, minified, nothing says which of the calls is meant
# Whose code the members are says who has to let go of them.
_ADDED_BY_CALLER = frozenset({"listener", "closure"})
_GENERAL_CLASSES = frozenset({"Function", "Object", "Promise", "WeakRef"})
_GENERAL_FUNCTIONS = frozenset({"(anonymous)", "in", "native_bind", "onceWrapper"})


def defaults_of(category: str) -> Mapping[str, str]:
    """Return the word for each placeholder where no name is known."""
    holder, member = _HOLDERS.get(category, "holder"), _MEMBERS.get(category, "value")
    callback = _CALLBACKS.get(category, DEFAULTS["callback"])
    return {**DEFAULTS, "holder": holder, "member": member, "callback": callback}


@dataclass(frozen=True)
class Situation:
    """A finding before it has its fix, and what its detector knew by name."""

    finding: Finding
    given: Mapping[str, str]
    """`Detection.names`."""

    @cached_property
    def facts(self) -> Mapping[str, str]:
        """What conditions look at, as text."""
        finding = self.finding
        package = self.package
        return {
            "emitter": "",
            "event": "",
            "callback": "",
            **self._known,
            "target": f"{finding.holder.kind} {finding.members.class_name}",
            "rearms": "yes" if self._rearms else "",
            "carries": f"{self.given.get('members', '')} {finding.members.class_name} {finding.title}",
            "holder": finding.holder.name,
            "kind": finding.holder.kind,
            "members": finding.members.class_name,
            "title": finding.title,
            "package": package.name if package else "",
            "reachable": "" if finding.holder.package and finding.holder.kind != "process" else "yes",
            "line": self.added_code,
        }

    @property
    def _rearms(self) -> bool:
        """Whether the callback of a timer sets the next one."""
        callback = self._known.get("callback", "")
        own = re.compile(rf"setTimeout\(\s*{re.escape(callback)}\b")
        return identifier(callback) is not None and own.search(self.member_code) is not None

    @cached_property
    def _known(self) -> Mapping[str, str]:
        """Names that holder and members say by themselves, and those that the detector gave."""
        said = {}
        for pattern in (_LISTENERS, _STREAM, _OF_FUNCTION):
            found = pattern.search(self.finding.holder.name)
            if found:
                said.update({name: text for name, text in found.groupdict().items() if text})
        if self.finding.holder.kind == "Promise":
            said["promise"] = self.finding.holder.name
        function = _FUNCTION.match(self.finding.members.class_name)
        if function and function["name"] not in _GENERAL_FUNCTIONS:
            said["callback"] = function["name"]
        said.update(self.given)
        if said.get("event") == "error" and _ONCE.search(self.finding.members.class_name):
            del said["event"]  # `events.once` listens for errors beside what it waits for
        if "emitter" in said:
            # A program reaches the private field of an AbortController by its getter.
            said["emitter"] = re.sub(r"\.#signal$|\[\"#signal\"\]$", ".signal", said["emitter"])
        return said

    @cached_property
    def defaults(self) -> Mapping[str, str]:
        """The word for each placeholder where no name is known."""
        return defaults_of(self.finding.category)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Real names for the placeholders of code; only those that JavaScript can write."""
        facts = self._known
        found = {
            "holder": expression(facts.get("variable", self._holder)),
            "emitter": expression(facts.get("emitter", "")),
            "event": event_of(facts.get("event", "")),
            "callback": expression(_FUNCTION.sub(r"\g<name>", facts.get("callback", ""))),
            "key": expression(facts.get("key", "")),
            "storage": identifier(facts.get("storage", "")),
            "promise": expression(facts.get("promise", "")),
            "variable": identifier(facts.get("captured", "")),
            "member": self._member,
            "library": self._library,
        }
        return {name: code for name, code in found.items() if code}

    @property
    def _holder(self) -> str:
        """The holder with the field that grows, empty when nothing in the code names it."""
        holder = self.finding.holder
        named = _NAMED.search(self.finding.title)
        if named and named["name"].startswith(f"{holder.name}."):
            return named["name"]
        return "" if holder.name == holder.kind else holder.name

    @property
    def _member(self) -> str | None:
        name = self.finding.members.class_name
        is_class = name[:1].isupper() and name not in _GENERAL_CLASSES
        return identifier(name[:1].lower() + name[1:]) if is_class else None

    @property
    def _library(self) -> str | None:
        if self.package is None:
            return None
        scope, _, name = self.package.name.lstrip("@").rpartition("/")
        words = re.findall(r"[A-Za-z0-9]+", name)
        if len(words) == 1:  # `@vendor/node` is nothing to call a variable
            words = [*re.findall(r"[A-Za-z0-9]+", scope), *words]
        return identifier("".join([*words[:1], *(word.title() for word in words[1:])]))

    @property
    def words(self) -> Mapping[str, str]:
        """Names for the summary, quoted as code."""
        finding = self.finding
        package = self.package
        return {
            **{name: _quoted(text) for name, text in self.defaults.items()},
            **{name: _quoted(text) for name, text in self._known.items()},
            "holder": _quoted(self._holder) if self._holder else f"the {_quoted(finding.holder.kind)}",
            "members": _quoted(finding.members.class_name),
            "package": "" if package is None else _quoted(f"{package.name} {package.version or ''}".strip()),
            "called": self._called,
        }

    @cached_property
    def package(self) -> Package | None:
        """The dependency at fault: the one that declares the holder, or whose code is added to it."""
        finding = self.finding
        members = [site.package for site in self._sites("member")]
        if members and finding.category in _ADDED_BY_CALLER:
            return members[0]
        if finding.holder.package is not None:
            return finding.holder.package
        adding = [*(site.package for site in self._sites("added")), *members]
        return adding[0] if adding else None

    def _sites(self, role: str) -> list[Site]:
        return [site for site in self.finding.sites if site.role == role]

    @cached_property
    def _own_sites(self) -> list[Site]:
        """The places in the application's own code."""
        return [site for site in self.finding.sites if site.package is None and _is_file(site.location)]

    @property
    def _called(self) -> str:
        if not self._own_sites:
            return ""
        site = self._own_sites[0]
        parts = PurePosixPath(site.location.file.replace("\\", "/")).parts[-2:]
        line = "" if site.location.line is None else f":{site.location.line}"
        return f" The application's part is at `{'/'.join(parts).replace('`', '')}{line}`."

    @property
    def call_codes(self) -> list[str]:
        """The source from each of the application's own lines on, as far as it is at hand."""
        return [code for site in self._own_sites if (code := _from_mark([site]))]

    @property
    def added_code(self) -> str:
        """The source from the line on that adds members, empty when it is not at hand."""
        return _from_mark(self._sites("added"))

    @property
    def holder_code(self) -> str:
        """The source from the line on that declares the holder, empty when it is not at hand."""
        return _from_mark(self._sites("holder"))

    @property
    def member_code(self) -> str:
        """The source from the line on that the members are made of, empty when it is not at hand."""
        return _from_mark(self._sites("member"))

    @property
    def code_around(self) -> str:
        """The lines known before the place that adds members, and its own."""
        for site in (self._sites("added") or self._sites("member"))[:1]:
            marked = next((i for i, line in enumerate(site.code) if line.marked), -1)
            return "\n".join(line.text for line in site.code[: marked + 1])
        return ""


def _from_mark(sites: list[Site]) -> str:
    for site in sites:
        marked = next((i for i, line in enumerate(site.code) if line.marked), None)
        if marked is not None and all(len(line.text) <= _LONGEST_LINE for line in site.code[marked:]):
            return "\n".join(line.text for line in site.code[marked:])
    return ""


def _is_file(location: SourceLocation) -> bool:
    return not location.file.startswith("node:")


def _quoted(text: str) -> str:
    cut = text if len(text) <= _LONGEST_WORD else f"{text[: _LONGEST_WORD - 1]}…"
    return f"`{cut.replace('`', chr(39))}`"
