"""Single keys from the terminal, without Enter; the terminal is as before afterwards."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["pressed_keys"]


@contextlib.contextmanager
def pressed_keys() -> Iterator[Callable[[float], str]]:
    """
    Give a function that waits so many seconds for a key and returns it, or an empty text.

    Standard input must be a terminal.  Ctrl-C stays an interrupt.
    """
    import termios
    import tty

    source = sys.stdin.fileno()
    before = termios.tcgetattr(source)

    def key(wait_s: float) -> str:
        readable, _, _ = select.select([source], [], [], wait_s)
        if not readable:
            return ""
        data = os.read(source, 1)
        if not data:
            # The terminal has gone; it would answer at once for ever.
            time.sleep(wait_s)
        return data.decode("latin-1").lower()

    tty.setcbreak(source)
    try:
        yield key
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)
