"""Detectors: one kind of leak per file."""
