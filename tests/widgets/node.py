"""Run a widget's own JavaScript in node, without a page."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lib.widgets.base import bundle


def run(folder: Path, widget: str, expression: str, argument: Any = None) -> Any:
    """Evaluate `expression`, in which every module and function of `widget` is known by name, and return its value.

    `argument` is what the expression calls `argument`; both travel as JSON.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH")
    script = folder / "run.mjs"
    script.write_text(
        f"{bundle(widget)}\n"
        f"const argument = {json.dumps(argument)};\n"
        f"process.stdout.write(JSON.stringify(await ({expression})));\n",
        encoding="utf-8",
    )
    done = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
