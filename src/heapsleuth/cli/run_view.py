"""What `heapsleuth run` shows of a running program: a screen that renews itself, or one line per interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from heapsleuth.reports.untrusted import clean
from heapsleuth.units import format_bytes, format_count, format_duration, format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from heapsleuth.capture.collector import Instance
    from heapsleuth.scenarios.live import Live

__all__ = ["Screen", "line_of", "memory_limit_bytes", "screen_of"]

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_WIDTH = 40
_BAR_WIDTH = 20
_SPACES = 4
_FULL, _NEARLY_FULL = 0.85, 0.7
_UNKNOWN = "–"


@dataclass
class Screen:
    """Everything the screen shows."""

    title: str
    live: Live | None = None
    instance: Instance | None = None
    others: Sequence[Instance] = ()
    uptime_s: float = 0.0
    memory_limit_bytes: int = 0
    output: str = ""
    messages: list[str] = field(default_factory=list)
    keys: str = "s snapshot   q quit"


def screen_of(screen: Screen) -> RenderableType:
    """Return the whole screen."""
    parts: list[RenderableType] = [Panel(_body(screen), title=_title(screen), title_align="left")]
    parts += [Text(clean(message, 400), style="yellow") for message in screen.messages[-3:]]
    parts.append(Text(screen.keys, style="dim"))
    if screen.output:
        lines = screen.output.splitlines()
        parts.append(Text("\n".join(clean(line, 500) for line in lines), style="dim", overflow="ellipsis"))
    return Group(*parts)


def line_of(live: Live, instance: Instance) -> str:
    """Return the last sample as one line."""
    parts = [
        f"pid {instance.pid}",
        f"heap {_bytes(live.get('heap_used_bytes'))}",
        f"floor {_bytes(live.get('floor_bytes'))}",
        f"external {_bytes(live.get('external_bytes'))}",
        f"rss {_bytes(live.get('rss_bytes'))}",
        f"gc max {_ms(live.get('gc_pause_ms_max'))}",
        f"loop p99 {_ms(live.get('loop_delay_p99_ms'))}",
        f"{_rate(live.rate('requests_total'))} p99 {_ms(live.get('request_ms_p99'))}",
    ]
    leak = live.watch.potential_leak
    return ", ".join(parts) + (f"; {leak.text}" if leak else "")


def _title(screen: Screen) -> str:
    return clean(f"{screen.title} · {format_duration(screen.uptime_s)}", 200).replace("[", r"\[")


def _body(screen: Screen) -> RenderableType:
    live, instance = screen.live, screen.instance
    if live is None or instance is None or live.sample is None:
        return Text("waiting for the agent's first report …")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, text in _rows(screen, live):
        table.add_row(name, text)
    leak = live.watch.potential_leak
    verdict = Text(leak.text, style="bold red") if leak else Text(_no_verdict(live), style="green")
    who = Text(f"process {instance.pid}, {instance.role}, Node.js {instance.node}", style="dim")
    if screen.others:
        names = ", ".join(f"{one.pid} ({one.role})" for one in screen.others[:6])
        who.append(f"; also {names}")
    return Group(who, table, verdict)


def _rows(screen: Screen, live: Live) -> list[tuple[str, Text]]:
    heap, limit = live.get("heap_used_bytes"), live.get("heap_limit_bytes")
    spaces = "  ".join(f"{name} {_bytes(size)}" for name, size in list(live.spaces().items())[:_SPACES])
    utilization = live.get("loop_utilization")
    outside = f"{_bytes(live.get('external_bytes'))}, array buffers {_bytes(live.get('array_buffers_bytes'))}"
    pauses = live.rate("gc_pause_ms_total")
    collections = f"longest {_ms(live.get('gc_pause_ms_max'))}, {_share(pauses, 1000)} of the time, "
    collections += f"{format_count(live.get('gc_major_count') or 0)} major"
    delay = f"p50 {_ms(live.get('loop_delay_p50_ms'))}, p99 {_ms(live.get('loop_delay_p99_ms'))}, "
    delay += f"max {_ms(live.get('loop_delay_max_ms'))}, busy {_share(utilization, 1)}"
    latency = f"p50 {_ms(live.get('request_ms_p50'))}, p99 {_ms(live.get('request_ms_p99'))}"
    handles = live.get("handles")
    return [
        ("Heap", _gauge(heap, limit)),
        ("", Text(spaces, style="dim")),
        ("Floor", _spark(live)),
        ("External", Text(outside)),
        ("RSS", _gauge(live.get("rss_bytes"), screen.memory_limit_bytes)),
        ("Collections", Text(collections)),
        ("Event loop", Text(delay)),
        ("Handles", Text(_UNKNOWN if handles is None else format_count(handles))),
        ("Requests", Text(f"{_rate(live.rate('requests_total'))}, {latency}")),
    ]


def _gauge(used: float | None, limit: float | None) -> Text:
    if used is None or not limit:
        return Text(_bytes(used))
    share = min(1.0, used / limit)
    full = round(share * _BAR_WIDTH)
    style = "red" if share >= _FULL else "yellow" if share >= _NEARLY_FULL else "green"
    text = Text("█" * full, style=style)
    text.append("░" * (_BAR_WIDTH - full), style="dim")
    return text.append(f" {_bytes(used)} of {_bytes(limit)} ({format_share(share)})", style="default")


def _spark(live: Live) -> Text:
    sizes = [one.used_bytes for one in live.watch.floors][-_SPARK_WIDTH:]
    text = Text(_bytes(live.get("floor_bytes")))
    if len(sizes) > 1:
        low, span = min(sizes), max(sizes) - min(sizes)
        bars = "".join(_BARS[round((size - low) / span * (len(_BARS) - 1)) if span else 0] for size in sizes)
        text.append(f"  {bars}", style="cyan")
        text.append(f"  {_bytes(low)} to {_bytes(max(sizes))}", style="dim")
    return text


def _no_verdict(live: Live) -> str:
    from heapsleuth.scenarios.live import WINDOWS

    seen = len(live.watch.floors)
    if seen <= WINDOWS:
        return f"no verdict yet: {seen} of {WINDOWS + 1} windows with a major collection under load"
    return "no steady growth of the floor"


def _bytes(size: float | None) -> str:
    return _UNKNOWN if size is None else format_bytes(size)


def _ms(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"  # noqa: PLR2004 - three digits


def _rate(per_second: float | None) -> str:
    return f"{_UNKNOWN} req/s" if per_second is None else f"{per_second:,.0f} req/s"


def _share(value: float | None, whole: float) -> str:
    return _UNKNOWN if value is None else format_share(min(1.0, value / whole))


def memory_limit_bytes() -> int:
    """Return the memory this container or machine allows, in bytes."""
    import psutil

    limits = [int(psutil.virtual_memory().total)]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="ascii") as file:  # noqa: PTH123 - a kernel file
                text = file.read().strip()
        except OSError:
            continue
        if text.isdigit():
            limits.append(int(text))
    return min(limits)
