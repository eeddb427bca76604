"""Entry of the evaluation of trend verdicts; `tools/trends/` is what does it."""

from __future__ import annotations

import sys

from trends.command import main

if __name__ == "__main__":
    sys.exit(main())
