"""Sounds and pages that the widgets' tests share."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib.widgets.base import bundle

sys.path.insert(0, str(Path(__file__).parent))

SAMPLE_RATE = 22050


@pytest.fixture
def tone() -> Callable[..., np.ndarray]:
    """Make a harmonic tone, float32 `[time]`, with short fades."""

    def make(f0_hz: float = 220.0, seconds: float = 1.0, level: float = 0.2, decay: float = 0.0) -> np.ndarray:
        t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        partials = range(1, max(2, int(5000 / f0_hz)))
        wave = sum(np.sin(2 * np.pi * f0_hz * k * t + k) / k for k in partials) * np.exp(-decay * t)
        fade = np.clip(np.minimum(t, seconds - t) / 0.01, 0, 1)
        return (level * wave * fade / np.abs(wave).max()).astype(np.float32)

    return make


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., Any]:
    """Run JavaScript against one shared module, as `m`, with `input` as data; what it returns comes back."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node on PATH")

    def run(module: str, body: str, data: Any = None, also: Sequence[str] = ()) -> Any:
        for name in also:
            (tmp_path / f"{name}.mjs").write_text(bundle(f"shared/{name}"))
        (tmp_path / "module.mjs").write_text(bundle(f"shared/{module}"))
        (tmp_path / "data.json").write_text(json.dumps(data))
        (tmp_path / "main.mjs").write_text(
            'import * as m from "./module.mjs";\nimport fs from "node:fs";\n'
            'const input = JSON.parse(fs.readFileSync(new URL("data.json", import.meta.url)));\n'
            f"const result = await (async () => {{ {body} }})();\n"
            "console.log(JSON.stringify(result, (key, value) => (ArrayBuffer.isView(value) ? [...value] : value)));\n"
        )
        done = subprocess.run([program, str(tmp_path / "main.mjs")], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
