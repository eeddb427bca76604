"""Starting programs, injecting the agent, listening to its reports; knows nothing of leaks or rounds."""

from __future__ import annotations
