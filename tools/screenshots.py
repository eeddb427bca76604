"""Takes the pictures of docs/images again from the demo's HTML report; needs Chromium and ImageMagick.

After `make demo`: `.venv/bin/python tools/screenshots.py`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from browser import browser_binary, open_browser  # noqa: E402

REPORT = ROOT / "demo-output" / "report.html"
PICTURES = (
    ("html-report-1440", 1440, 1580, False),
    ("html-report-390", 390, 900, False),
    ("html-report-1440-dark", 1440, 900, True),
    ("html-report-390-dark", 390, 900, True),
)
"""Name, width and height in pixels, and whether dark."""
COLOURS = 128


def main() -> int:
    """Write the pictures; return 2 when something is missing."""
    binary = browser_binary()
    if binary is None or not REPORT.exists():
        print("needs Chromium, and demo-output/report.html: run `make demo` first", file=sys.stderr)
        return 2
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with open_browser(binary) as page:
        for name, width, height, dark in PICTURES:
            page.open(REPORT, width, dark=dark)
            target = folder / f"{name}.png"
            # A page has few colours: a palette makes the file a third as large.
            command = ["convert", "png:-", "-strip", "+dither", "-colors", str(COLOURS), f"PNG8:{target}"]
            subprocess.run(command, input=page.screenshot(height), check=True)
            print(f"wrote {target.relative_to(ROOT)}, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
