"""`python -m heapsleuth`, the same as the `heapsleuth` command."""

from __future__ import annotations

import sys

from heapsleuth.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
