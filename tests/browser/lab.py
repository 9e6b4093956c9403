"""Run a notebook in a real JupyterLab and hand its page to a test."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from lib.book.browser import opened

if TYPE_CHECKING:
    from playwright.sync_api import Page


@contextlib.contextmanager
def notebook_in_lab(folder: Path, cells: list[str]) -> Iterator[Page]:
    """Serve `folder` with JupyterLab, run a notebook of these code cells, and give the open page."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "try.ipynb")
    with _server(folder) as address, opened() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{address}lab/tree/try.ipynb?reset", wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        page.wait_for_selector(".jp-NotebookPanel-toolbar", timeout=30_000)
        page.locator(".jp-Notebook .jp-CodeCell").first.click()
        page.wait_for_timeout(1500)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        yield page


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1"]
    command += [
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--IdentityProvider.token=",
        "--expose-app-in-browser",
    ]
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "JUPYTER_CONFIG_DIR": str(folder / ".jupyter")}
    with open(folder / "lab.log", "w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(300):
            if process.poll() is not None:
                raise RuntimeError("JupyterLab did not start:\n" + (folder / "lab.log").read_text()[-2000:])
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address + "api", timeout=1).read()
                break
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)
