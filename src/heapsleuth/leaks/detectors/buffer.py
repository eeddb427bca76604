"""Buffers, typed arrays and strings that pile up or grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["BufferDetector"]

_BUFFERS = frozenset({"ArrayBuffer", "Buffer", "DataView", "SharedArrayBuffer", "system / JSArrayBufferData"})
_MOSTLY = 0.9
_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)


class BufferDetector:
    """Members are bytes outside the JavaScript heap, or the holder is itself one growing block."""

    category = "buffer"

    def detect(self, case: Case) -> Detection | None:
        """Fire on buffers as members and on single strings or buffers that grow."""
        holder_grows = case.holder_class in _BUFFERS or case.type(case.holder) in _TEXT
        if case.series.single and case.member is not None:
            holder_grows |= case.type(case.member) in _TEXT
        if not holder_grows and not self._is_buffer(case) and not self._waits_with_buffers(case):
            return None
        return Detection(
            category=self.category,
            holder_name=case.name.text,
            holder_kind=case.holder_class,
            holder_node=case.holder,
            members=case.member_class if case.member is not None else case.holder_class,
            member_node=None if holder_grows else case.member,
            title="{holder} grows by {bytes} {per}"
            if holder_grows
            else "{kind} {holder} gains {rate} {members} {per}",
        )

    def _waits_with_buffers(self, case: Case) -> bool:
        """Whether what piles up behind a promise is next to nothing but buffers that reactions captured."""
        bulk = case.bulk
        return case.holder_class == "Promise" and bulk is not None and bulk.share(bulk.native) >= _MOSTLY

    def _is_buffer(self, case: Case) -> bool:
        name = case.member_class
        return name in _BUFFERS or (
            name.endswith("Array") and name != "Array" and name[:-5] in _ELEMENT_TYPES
        )


_ELEMENT_TYPES = frozenset(
    {
        "BigInt64",
        "BigUint64",
        "Float16",
        "Float32",
        "Float64",
        "Int16",
        "Int32",
        "Int8",
        "Uint16",
        "Uint32",
        "Uint8",
        "Uint8Clamped",
    }
)
