"""Time series of running processes → verdicts.  Pure: no files, no network, no clock of its own."""
