"""Judge `heapsleuth check` on programs whose leaks are known, and write docs/evaluation.md.

    python tools/eval_corpus.py [CORPUS …] [--node 20 --node 22] [--only TEXT,TEXT] [--jobs 1] [--print]

CORPUS is a folder with `cases/` in it; by default the corpus of real packages beside the repository, and
calibration/.  Resumable: a case is not run again unless the code has changed since, or it is asked for.
The page is written when everything was run; with --print, --only or --recorded it goes to standard output.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from material import ROOT, shared

from evaluation.corpus import jobs
from evaluation.evaluation import Options, evaluate
from evaluation.page import page

__all__ = ["main"]

NODES = (20, 22, 24)
PAGE = ROOT / "docs" / "evaluation.md"


def main() -> int:
    """Run what is asked for; return 1 when a leak is missed or a false alarm is raised."""
    options = _parser().parse_args()
    corpora: list[Path] = options.corpora or [shared("corpus"), ROOT / "calibration"]
    how = Options(
        at_once=options.jobs,
        again=options.again,
        stale=options.stale,
        with_checks=not options.recorded,
        with_memlab=not options.no_memlab,
    )
    results = []
    for corpus in corpora:
        if not (corpus / "cases").is_dir():
            print(f"no cases in {corpus}", file=sys.stderr)
            return 2
        wanted = list(jobs(corpus, options.node or list(NODES), options.only))
        results.append(evaluate(corpus.resolve().name, wanted, how, lambda line: print(line, flush=True)))
    text = page(results)
    if options.print or options.only or options.recorded:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")
    every = [one for result in results for judged in result.checks.values() for one in judged]
    missed = any(one.false_alarm or (one.expected == "leak" and not one.found) for one in every)
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", metavar="CORPUS", type=Path, nargs="*")
    parser.add_argument(
        "--node", type=int, action="append", help="major version, repeatable  [default: 20 22 24]"
    )
    parser.add_argument("--only", default="", metavar="TEXT,…", help="cases whose name has one of these")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at once  [default: 1]")
    parser.add_argument("--again", action="store_true", help="run also what has a result")
    parser.add_argument("--stale", action="store_true", help="take results of another state of the code")
    parser.add_argument("--recorded", action="store_true", help="only analyse recordings; run no program")
    parser.add_argument("--no-memlab", action="store_true", help="ask memlab nothing new")
    parser.add_argument("--print", action="store_true", help="print the page instead of writing it")
    return parser
