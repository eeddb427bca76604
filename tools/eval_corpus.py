"""Entry of the evaluation on programs with known leaks; `tools/evaluation/` is what does it."""

from __future__ import annotations

import sys

from evaluation.command import main

if __name__ == "__main__":
    sys.exit(main())
