"""Reaching a board by this system's own ssh: what may be a host, what a board says of itself, what ssh's errors mean.

No command is ever put together from unquoted text: words go to ssh as a list, and the words for the far end are quoted
for its shell.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lib.errors import BookError

#: user@name, user@1.2.3.4, user@fe80::1%eth0; nothing that a shell or ssh could take for something else.
HOST = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.-]*@)?[A-Za-z0-9](?:[A-Za-z0-9.:%_-]*[A-Za-z0-9])?")
#: Never ask anything, notice a dead line within half a minute, accept a new board but not a changed one.
OPTIONS = (
    "BatchMode=yes",
    "ConnectTimeout=15",
    "StrictHostKeyChecking=accept-new",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=4",
)
#: POSIX shell, since the board may have no Python at all.
LOOK = """
echo "machine=$(uname -m)"
echo "bits=$(getconf LONG_BIT 2>/dev/null)"
echo "memory_kb=$(awk '/MemAvailable/ {print $2}' /proc/meminfo 2>/dev/null)"
echo "disk_kb=$(df -Pk "$HOME" 2>/dev/null | awk 'NR==2 {print $4}')"
echo "name=$(tr -d '\\0' </proc/device-tree/model 2>/dev/null)"
echo "python=$(PYTHON -c 'import sys,struct;print(*sys.version_info[:2],8*struct.calcsize("P"))' 2>/dev/null)"
"""


@dataclass(frozen=True)
class Looked:
    """What a board said of itself."""

    machine: str
    name: str
    bits: int
    python: tuple[int, int] | None
    python_bits: int
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True)
class Connection:
    """How to reach a board: the host, a port, a key file, and an ssh configuration of one's own."""

    host: str
    port: int | None = None
    key: Path | None = None
    config: Path | None = None

    def __post_init__(self) -> None:
        if not HOST.fullmatch(self.host):
            raise BookError(f"{self.host!r} is no host; write it like pi@raspberrypi.local or pi@192.168.1.20.")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise BookError(f"{self.port} is no port; ssh usually listens on 22.")
        for path in (self.key, self.config):
            if path is not None and not path.is_file():
                raise BookError(f"There is no file {path}.")

    def command(self, remote: Sequence[str]) -> list[str]:
        """Give the words to run; every remote word is quoted for the shell at the far end."""
        words = ["ssh", "-T", *(word for option in OPTIONS for word in ("-o", option))]
        words += ["-F", str(self.config)] if self.config else []
        words += ["-p", str(self.port)] if self.port else []
        words += ["-i", str(self.key), "-o", "IdentitiesOnly=yes"] if self.key else []
        return [*words, "--", self.host, shlex.join(remote)]


def look(connection: Connection, python: str | None = None) -> Looked:
    """Ask a board what it is.

    Raises:
        BookError: it cannot be reached, or lets nobody in.
    """
    script = LOOK.replace("PYTHON", shlex.quote(python or "python3"))
    done = start(connection, ["sh", "-c", script], subprocess.DEVNULL, subprocess.PIPE)
    try:
        said, complaints = (part.decode(errors="replace") for part in done.communicate())
    except KeyboardInterrupt:
        done.kill()
        done.wait()
        raise
    if done.returncode:
        raise ssh_error(connection, complaints)
    told = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    version = told.get("python", "").split()

    def number(name: str) -> int:
        return int(told[name]) if told.get(name, "").isdigit() else 0

    return Looked(
        machine=told.get("machine", "unknown"),
        name=told.get("name", ""),
        bits=number("bits"),
        python=(int(version[0]), int(version[1])) if len(version) == 3 else None,
        python_bits=int(version[2]) if len(version) == 3 else 0,
        memory_bytes=1024 * number("memory_kb"),
        disk_bytes=1024 * number("disk_kb"),
    )


def start(
    connection: Connection, remote: Sequence[str], stdin: int, stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start ssh in a session of its own, so that Ctrl-C here does not cut the connection before it has cleaned up."""
    try:
        return subprocess.Popen(
            connection.command(remote),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise BookError("There is no ssh on this machine; install OpenSSH's client.") from error


#: What ssh says, and what that means for a reader.
COMPLAINTS = (
    (
        "Could not resolve",
        "No machine is called {host}. Is it on, and on this network? Its number works as well as its name.",
    ),
    (
        "Connection refused",
        "{host} is there but does not answer to ssh. Switch it on there: sudo raspi-config, Interface.",
    ),
    ("timed out", "{host} does not answer. Is it on, and on this network?"),
    ("No route to host", "{host} does not answer. Is it on, and on this network?"),
    ("Network is unreachable", "{host} does not answer. Is it on, and on this network?"),
    ("IDENTIFICATION HAS CHANGED", "{host} is not the machine it was. If its card is new: ssh-keygen -R {name}"),
    ("Host key verification failed", "{host} is not known here. Connect once by hand: ssh {host}"),
    ("Permission denied", "{host} refused the key. Give it yours: ssh-copy-id {host}"),
    ("Too many authentication failures", "{host} refused the keys. Name the right one with key=."),
)


def ssh_error(connection: Connection, complaints: str, begun: bool = False) -> BookError:
    """Turn what ssh complained about into what to do; `begun` if the connection had stood before."""
    host = connection.host
    for words, meaning in COMPLAINTS:
        if words in complaints and not (begun and words == "timed out"):
            return BookError(meaning.format(host=host, name=host.rpartition("@")[2]))
    if begun:
        return BookError(
            f"The connection to {host} dropped half-way. The board removes what was sent by itself, as soon as it "
            "notices. Run it again."
        )
    last = complaints.strip().splitlines()[-1:] or ["ssh did not say why"]
    return BookError(f"{host} cannot be reached: {last[0]}")
