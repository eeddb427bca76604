"""Readers: one file format each, all filling the same columns."""
