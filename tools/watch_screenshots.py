"""Takes the dashboard's pictures of docs/images again, of a made-up fleet; needs Chromium and ImageMagick.

`.venv/bin/python tools/watch_screenshots.py [NAME …]`
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from browser import browser_binary  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from server import seed  # noqa: E402
from server.dashboard import serve  # noqa: E402

PICTURES = (
    ("watch-fleet", "/", 1440, 980),
    ("watch-service", "/services/checkout?range=7d", 1440, 1330),
    ("watch-incident", "/incidents/inc-checkout-leak", 1440, 1480),
    ("watch-fleet-390", "/", 390, 1180),
    ("watch-service-390", "/services/checkout?range=7d", 390, 1180),
    ("watch-incident-390", "/incidents/inc-checkout-leak", 390, 1180),
)
"""Name, address, width and height in pixels; each light and dark."""
COLOURS = 128
DAYS = 9.0


def main() -> int:
    """Write the pictures; return 2 when something is missing."""
    binary = browser_binary()
    if binary is None:
        print("needs Chromium", file=sys.stderr)
        return 2
    # This afternoon: times of the same day are shown without their date.
    now_ms = time.time() // 86_400 * 86_400_000 + 14.6 * 3_600_000
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Path(folder), now_ms, seed.verdicts(now_ms)) as dashboard,
        sync_playwright() as playwright,
    ):
        seed.seed(dashboard.store, now_ms, days=DAYS)
        # Rolled up now: while the collector does it, charts show only what is done so far.
        dashboard.store.maintain(now_ms)
        token = dashboard.add_token("operator", "maria")
        browser = playwright.chromium.launch(
            executable_path=binary, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        for theme in ("light", "dark"):
            context = browser.new_context(
                color_scheme="dark" if theme == "dark" else "light", timezone_id="UTC", locale="en-GB"
            )
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(f"{dashboard.url}/login")
            page.fill("#token", token)
            page.press("#token", "Enter")
            page.wait_for_url(f"{dashboard.url}/")
            for name, path, width, height in PICTURES:
                if sys.argv[1:] and f"{name}-{theme}" not in sys.argv[1:]:
                    continue
                page.set_viewport_size({"width": width, "height": height})
                page.goto(dashboard.url + path)
                page.wait_for_selector('#live[data-state="on"]')
                if path != "/":
                    page.wait_for_selector("html[data-charts]")
                # The next frame has the charts.
                page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
                write(f"{name}-{theme}", page.screenshot())
        browser.close()
    return 0


def write(name: str, picture: bytes) -> None:
    """Write a picture with a palette, which makes it a third as large: pages have few colours."""
    target = ROOT / "docs" / "images" / f"{name}.png"
    command = ["convert", "png:-", "-strip", "+dither", "-colors", str(COLOURS), f"PNG8:{target}"]
    subprocess.run(command, input=picture, check=True)
    print(f"wrote {target.relative_to(ROOT)}, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
