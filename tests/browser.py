"""A headless Chromium for tests, driven over its DevTools protocol; and where to find one."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

__all__ = ["Page", "browser_binary", "open_browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_START_SECONDS = 60
_ANSWER_SECONDS = 60


def browser_binary() -> str | None:
    """Return the path of an installed Chromium or Chrome; None without one."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Page:
    """A tab: what it logs and what it asks for over a network is kept."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._last_id = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; events meanwhile are kept."""
        self._last_id += 1
        self._connection.send(json.dumps({"id": self._last_id, "method": method, "params": params}))
        while True:
            message = json.loads(self._connection.recv(timeout=_ANSWER_SECONDS))
            if message.get("id") == self._last_id:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])
            self.events.append(message)

    def open(self, path: Path, width: int = 1440, *, dark: bool = False, scripts: bool = True) -> None:
        """Load a file in a window of that width and wait until it is there."""
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media="", features=[theme])
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        # Away first: a second look at the same file would only move to the anchor.
        for address in ("about:blank", path.resolve().as_uri()):
            self.events.clear()
            self.send("Page.navigate", url=address)
            self._wait_for("Page.loadEventFired")

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=text, code=key
            )

    def complaints(self) -> list[str]:
        """Return errors and warnings of the console, refusals of the policy, exceptions."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
                found.append(str(params["entry"]["text"]))
            elif method == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]["text"]))
            elif method == "Runtime.consoleAPICalled":
                found.append(str(params["args"]))
        return found

    def dialogs(self) -> list[str]:
        """Return the messages of alerts and the like."""
        return [
            event["params"]["message"]
            for event in self.events
            if event.get("method") == "Page.javascriptDialogOpening"
        ]

    def requests(self) -> list[str]:
        """Return the addresses asked for since `open`, the page itself among them."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def _wait_for(self, method: str) -> None:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while not any(event.get("method") == method for event in self.events):
            assert time.monotonic() < deadline, f"no {method} after {_ANSWER_SECONDS} s"
            self.events.append(json.loads(self._connection.recv(timeout=_ANSWER_SECONDS)))

    def screenshot(self, height: int | None = None) -> bytes:
        """Return a PNG of the page from its top; None is the whole page."""
        size = self.send("Page.getLayoutMetrics")["cssLayoutViewport"]
        whole = self.run("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": size["clientWidth"], "height": height or whole, "scale": 1}
        shot = self.send("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        return base64.b64decode(self.send("Page.printToPDF", printBackground=False)["data"])


@contextmanager
def open_browser(binary: str) -> Iterator[Page]:
    """Start a browser with a profile of its own and yield its tab; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="heapsleuth-browser-", ignore_cleanup_errors=True) as profile:
        command = [
            binary, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}",
            # Containers run as root and have a small /dev/shm.
            "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update",
            "--hide-scrollbars", "about:blank",
        ]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(
                _tab_address(Path(profile), process), max_size=None, compression=None, proxy=None
            ) as connection:
                yield Page(connection)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _tab_address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _START_SECONDS
    port_file = profile / "DevToolsActivePort"
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the browser ended with code {process.returncode}"
        lines = port_file.read_text(encoding="utf-8").splitlines() if port_file.exists() else []
        if len(lines) == 2:
            return _first_tab(f"ws://127.0.0.1:{lines[0]}{lines[1]}", int(lines[0]))
        time.sleep(0.05)
    raise AssertionError(f"the browser was not ready after {_START_SECONDS} s")


def _first_tab(browser_address: str, port: int) -> str:
    with connect(browser_address, compression=None, proxy=None) as connection:
        connection.send(json.dumps({"id": 1, "method": "Target.getTargets", "params": {}}))
        answer = json.loads(connection.recv(timeout=_ANSWER_SECONDS))
    tabs = [one["targetId"] for one in answer["result"]["targetInfos"] if one["type"] == "page"]
    return f"ws://127.0.0.1:{port}/devtools/page/{tabs[0]}"
