"""A finding's path as a programmer reads it: from what surely lives to what should be gone.

    module src/app.js
    variable bus → EventEmitter
    "config" listeners → function onConfig   ◀ suspect

The root is said in words, references are those of the API, what libraries and the runtime do in between
is folded, and the references between the last object that is rightly alive and the first that is not are
marked as suspects.
"""

from __future__ import annotations

from heapsleuth.leaks.story.teller import StoryTeller

__all__ = ["StoryTeller"]
