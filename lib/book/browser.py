"""Find a browser for checks and tests, and open it with the network cut off."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lib.errors import BookError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Names under which a Chromium-like browser may be on the PATH.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")

#: A browser that starts fast, plays sound without a gesture and asks nobody outside anything.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def find() -> str | None:
    """Find a browser: the variable TIMBRE_BROWSER, one on the PATH, or the test tool's own download."""
    named = os.environ.get("TIMBRE_BROWSER")
    if named:
        return named if Path(named).exists() else None
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return on_path or _own_download()


def ensure() -> str:
    """Find a browser or install one: the system's package when root, else the test tool's own download.

    Raises:
        BookError: none can be had; says what to do.
    """
    found = find()
    if found:
        return found
    steps: list[list[str]] = []
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        steps += [["apt-get", "update", "-qq"], install]
    steps.append([sys.executable, "-m", "playwright", "install", "chromium"])
    for step in steps:
        print(f"No browser found; trying: {' '.join(step)}", flush=True)
        subprocess.run(step, check=False)
        found = find()
        if found:
            return found
    raise BookError(
        "No browser to check the pages with. Install Chromium or Chrome (Debian: apt install chromium), "
        "or set TIMBRE_BROWSER to the path of one."
    )


def version() -> str:
    """Name the browser the checks use and its version, such as `Chromium 142.0.7444.59`."""
    return subprocess.run([ensure(), "--version"], capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def opened(extra_flags: Sequence[str] = ()) -> Iterator[Browser]:
    """Open a headless browser that reaches nothing but this host, with more flags if need be; closed afterwards."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure(), args=[*FLAGS, *extra_flags])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this host and give its address, ending in a slash."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections the browser drops when a page closes; other errors are told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing: the checks report what is missing themselves."""


def _own_download() -> str | None:
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
    except Exception:  # whatever the test tool says here, it means: no browser of its own
        return None
    return path if Path(path).exists() else None


if __name__ == "__main__":
    print(ensure())
