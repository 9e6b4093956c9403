"""Which programs an emulation needs, where its files are, and how a program is run without waiting for ever.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib.errors import BookError

ROOT = Path(__file__).resolve().parents[3]
#: Everything the set-up makes; safe to delete.
CACHE = ROOT / ".cache" / "emulate"
#: Counts the instructions: compiled from `lib/deploy/plugin/count.c`.
PLUGIN = CACHE / "count.so"
#: Folder that stands for `/` in an emulated aarch64 program; Python is in it, and its packages in `SITE`.
AARCH64_ROOT = CACHE / "aarch64"
SITE = CACHE / "site"
SOURCES = Path(__file__).resolve().parents[1]

#: Debian packages, and a program of each that shows it is there (None: a file of it, see `missing`).
PACKAGES: Mapping[str, str] = {
    "gcc": "gcc",
    "qemu-user": "qemu-aarch64",
    "qemu-system-arm": "qemu-system-arm",
    "gcc-arm-none-eabi": "arm-none-eabi-gcc",
    "libnewlib-arm-none-eabi": "/usr/lib/arm-none-eabi/newlib/libc.a",
    "gcc-aarch64-linux-gnu": "aarch64-linux-gnu-gcc",
    "libc6-dev-arm64-cross": "/usr/aarch64-linux-gnu/lib/libc.a",
    "libc6-dev": "/usr/include/stdio.h",
}
#: Every emulated run ends after so many seconds unless told otherwise.
TIMEOUT_S = 120.0
EVIDENCE = "emulated"


class EmulationError(BookError):
    """An emulated program could not be run, did not end well, or did not end in time."""


def missing_packages() -> list[str]:
    """Name the Debian packages whose programs or files are not there."""
    return [
        package
        for package, witness in PACKAGES.items()
        if not (Path(witness).exists() if witness.startswith("/") else shutil.which(witness))
    ]


def missing() -> str | None:
    """Say in one sentence what the emulation still needs, or None when it is set up."""
    if packages := missing_packages():
        return f"These programs are not installed: {' '.join(packages)}. `make emulate` installs them as root."
    if not PLUGIN.exists() or not (CACHE / "done").exists():
        return "The emulation is not set up: run `make emulate`."
    return None


def require() -> None:
    """Stop here unless the emulation is set up.

    Raises:
        EmulationError: it is not; the message says what to do.
    """
    if reason := missing():
        raise EmulationError(reason)


def run(
    command: Sequence[str | Path],
    *,
    timeout_s: float = TIMEOUT_S,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    Raises:
        EmulationError: it failed (with the end of its complaint), or ran longer than `timeout_s` and was stopped.
    """
    words = [str(word) for word in command]
    name = Path(words[0]).name
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            cwd=cwd,
            env=None if environment is None else dict(environment),
        )
    except FileNotFoundError as error:
        raise EmulationError(f"{name} is not installed. `make emulate` sets the emulation up.") from error
    except subprocess.TimeoutExpired as error:
        raise EmulationError(f"{name} did not end within {timeout_s:g} s and was stopped.") from error
    if done.returncode:
        complaint = (done.stderr + done.stdout).decode(errors="replace").strip()[-1500:]
        raise EmulationError(f"{name} failed with status {done.returncode}: {complaint}")
    return done.stdout.decode(errors="replace")


def sha256(file: Path) -> str:
    """Name the content of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
