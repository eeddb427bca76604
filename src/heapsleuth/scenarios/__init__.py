"""Rounds of work, load, and the verdict: what `heapsleuth check` runs."""
