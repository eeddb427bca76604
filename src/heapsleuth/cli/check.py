"""`heapsleuth check`: drive a program through rounds of work and say whether it leaks."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heapsleuth.cli import outputs
from heapsleuth.cli.check_targets import load_options, make_target
from heapsleuth.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.leaks.check_model import CheckReport, Round
    from heapsleuth.scenarios.baseline import Baseline
    from heapsleuth.scenarios.check import CheckOptions
    from heapsleuth.scenarios.config import Config

__all__ = ["command"]

_OWN_FLAGS = ("max_time", "rounds", "keep", "fail_on", "stable_within", "peak_factor")


@click.command(
    name="check",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  heapsleuth check workload.js
  heapsleuth check workload.mjs --cwd services/api --json report.json --junit junit.xml
  heapsleuth check workload.js --baseline leaks.json --fail-on 0.9
  heapsleuth check --url /orders --requests 2000 -- node server.js
  heapsleuth check --replay access.log --max-time 5min -- npm start

\b
A workload exports iterate(n), and optionally setup(), teardown() and
params {warmup, k, rounds, settleMs}; CommonJS or ESM, sync or async.

\b
Exit codes: 0 clean, 1 a leak or a failed criterion, 2 it could not be run,
3 undecided.""",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="WORKLOAD | -- COMMAND...")
@click.option("--cwd", metavar="DIR", help="Folder it runs in.  [default: the current folder]")
@click.option("--node", metavar="PATH", help="The Node.js to run it with.  [default: node on the PATH]")
@click.option("--max-time", metavar="DURATION", help="Longest time for the whole check.  [default: 50s]")
@click.option("--rounds", metavar="N", type=click.IntRange(min=4), help="Rounds to run at least.")
@click.option(
    "--fail-on", metavar="P", type=click.FloatRange(0, 1), help="Confidence that fails.  [default: 0.8]"
)
@click.option("--stable-within", metavar="DURATION", help="The floor must be stable by then.  [default: off]")
@click.option("--peak-factor", metavar="X", type=float, help="Most memory over the baseline.  [default: off]")
@click.option("--baseline", metavar="FILE", help="Accept the leaks listed in this file.")
@click.option("--update-baseline", is_flag=True, help="Write the leaks found into the baseline file.")
@click.option("--config", "config_path", metavar="FILE", help="Configuration.  [default: heapsleuth.toml]")
@load_options
@click.option("--keep", metavar="DIR", help="Keep the snapshots in this folder.")
@outputs.report_options
@click.option("-q", "--quiet", is_flag=True, help="Neither report nor progress; the exit code tells.")
def command(
    words: tuple[str, ...],
    cwd: str | None,
    node: str | None,
    baseline: str | None,
    config_path: str | None,
    json_target: str | None,
    html_target: str | None,
    markdown_target: str | None,
    junit_target: str | None,
    sarif_target: str | None,
    base_dir: str | None,
    *,
    update_baseline: bool,
    quiet: bool,
    **flags: Any,
) -> int:
    """Drive a program through rounds of work and say whether it leaks.

    Runs WORKLOAD, or COMMAND under load, in rounds of equal work.

    Memory is read after each round, when the program has settled and its
    garbage is collected. If it does not rise, the answer is there in seconds;
    if it does, snapshots between more rounds tell who holds what, since which
    line, and how much per operation.
    """
    from heapsleuth.scenarios import baseline as baselines
    from heapsleuth.scenarios import config as configuration

    config = configuration.load(config_path)
    asked = {
        "json": json_target,
        "html": html_target,
        "markdown": markdown_target,
        "junit": junit_target,
        "sarif": sarif_target,
    }
    wanted = outputs.collect(
        config.get("reports", "base-dir", base_dir),
        **{form: config.get("reports", form, target) for form, target in asked.items()},
    )
    outputs.check(wanted, words)
    accepted = _baseline(config.get("check", "baseline", baseline), update=update_baseline)
    own = {name: flags.pop(name) for name in _OWN_FLAGS}
    load = flags
    options = _options(config, accepted, quiet=quiet, **own)
    if update_baseline:
        options = replace(options, accept=baselines.save)
    driven = make_target(words, cwd, node, config, load)

    from heapsleuth.capture.process import ending_on_signals
    from heapsleuth.scenarios.check import run_check

    # A pipeline that cancels the job sends SIGTERM; it means the same as Ctrl-C.
    with ending_on_signals():
        report = run_check(driven, options)
    if options.progress is not None:
        options.progress("done", (), 0.0)
    if outputs.write_all(wanted, report) and not quiet:
        _show(report)
    return int(report.exit_code)


def _baseline(path: str | None, *, update: bool) -> Baseline | None:
    from heapsleuth.scenarios import baseline as baselines

    if path is None:
        if update:
            raise UsageError("--update-baseline: expected --baseline FILE to say which")
        return None
    return baselines.load(path, missing_ok=update)


def _options(
    config: Config,
    baseline: Baseline | None,
    *,
    quiet: bool,
    max_time: str | None,
    rounds: int | None,
    keep: str | None,
    fail_on: float | None,
    stable_within: str | None,
    peak_factor: float | None,
) -> CheckOptions:
    from heapsleuth.scenarios import config as configuration
    from heapsleuth.scenarios.check import CheckOptions
    from heapsleuth.scenarios.plan import Plan
    from heapsleuth.units import parse_duration

    # A module's heap may double while it warms up: what is meant for a soak is off unless asked for.
    limits = configuration.limits(
        config,
        fail_on=fail_on,
        stable_within_s=parse_duration(stable_within) if stable_within else _asked(config, "stable-within"),
        peak_factor=peak_factor or _asked(config, "peak-factor"),
    )
    options = CheckOptions(
        limits=limits,
        plan=Plan(rounds=config.get("check", "rounds", rounds) or 0),
        baseline=baseline,
        keep=_folder(keep),
        progress=None if quiet else _Progress().show,
    )
    longest = config.get("check", "max-time", parse_duration(max_time) if max_time else None)
    return options if longest is None else replace(options, max_time_s=float(longest))


def _asked(config: Config, key: str) -> Any:
    """Return what the file says of a criterion that is off by default."""
    value = config.get("criteria", key)
    return False if value is None else value


def _folder(path: str | None) -> Path | None:
    if path is None:
        return None
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--keep: expected a folder to write to: {path}: {error.strerror}") from error
    return folder


class _Progress:
    """One line on standard error: what is going on, the floor so far, and the time left."""

    _BARS = "▁▂▃▄▅▆▇█"

    def __init__(self) -> None:
        self._wanted = sys.stderr.isatty()

    def show(self, what: str, rounds: Sequence[Round], left_s: float) -> None:
        """Show the state."""
        if not self._wanted:
            return
        line = f"\r{what:<24} {self._floor(rounds)}  {left_s:.0f} s left\x1b[K"
        sys.stderr.write(line if what != "done" else "\r\x1b[K")
        sys.stderr.flush()

    def _floor(self, rounds: Sequence[Round]) -> str:
        values = [one.heap_used_bytes for one in rounds][-30:]
        if not values:
            return ""
        low, high = min(values), max(values)
        top = len(self._BARS) - 1
        bars = "".join(self._BARS[round((value - low) / max(1, high - low) * top)] for value in values)
        return f"floor {values[-1] / 1e6:.1f} MB {bars}"


def _show(report: CheckReport) -> None:
    from heapsleuth.reports import check_renderer

    check_renderer("terminal")(report, sys.stdout, base_dir=os.path.realpath("."))
    sys.stdout.flush()
