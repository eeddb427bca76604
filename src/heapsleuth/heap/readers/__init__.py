"""Readers: each turns files of one kind into `heapsleuth.heap.columns.Columns`."""

from __future__ import annotations

from heapsleuth.heap.readers.v8 import read

__all__ = ["read"]
