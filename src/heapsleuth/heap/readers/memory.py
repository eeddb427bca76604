"""How much memory may still be used, so that a huge or hostile file ends in an error, not in a kill."""

from __future__ import annotations

from pathlib import Path

__all__ = ["free_memory"]

_CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Return the bytes this process may still take: of the machine, or of its container if that has less."""
    import psutil  # noqa: PLC0415 - 15 ms that a small file need not pay

    free = psutil.virtual_memory().available + psutil.swap_memory().free
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = (_CGROUP / "memory.current").read_text().strip()
        if limit != "max":
            free = min(free, int(limit) - int(used))
    except (OSError, ValueError):
        pass  # not in a container, or an older kind of control group
    return int(free)
