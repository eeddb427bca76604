"""Renderings of an `AnalysisReport`; they only format."""
