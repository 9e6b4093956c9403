"""A board to talk to: a real sshd on loopback, with keys, a home and programs of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class FarEnd:
    """Where it listens, how to get in, and what is on it.

    Attributes:
        host: to connect to; `config` names the key and a file of known hosts.
        home: what its user has; empty at the start of every test.
        programs: a folder that its shell looks into first, for programs that lie.
    """

    host: str
    port: int
    config: Path
    stranger: Path
    home: Path
    programs: Path

    def lying(self, name: str, script: str) -> None:
        """Put a program there that is found before the real one."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def left_behind(self) -> list[str]:
        """List everything in the home, programs running from it included."""
        files = [str(path.relative_to(self.home)) for path in self.home.rglob("*")]
        running = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                folder = os.readlink(process / "cwd")
            except OSError:
                continue
            if folder.startswith(str(self.home)):
                running.append(f"process {process.name} in {folder}")
        return files + running

    def comes_clean(self, patience_s: float = 60.0) -> bool:
        """Wait until nothing is left: the far end needs a moment to notice that a line is dead."""
        until = time.monotonic() + patience_s
        while self.left_behind() and time.monotonic() < until:
            time.sleep(0.05)
        return not self.left_behind()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarEnd]:
    if SSHD is None:
        pytest.skip("no sshd on this machine (Debian: openssh-server)")
    root = tmp_path_factory.mktemp("sshd")
    for name in ("host", "reader", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)], check=True)
    home, programs = root / "home", root / "programs"
    home.mkdir()
    programs.mkdir()
    shutil.copy(root / "reader.pub", root / "authorized_keys")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own demand, where it runs as root
    port = free_port()
    python = Path(sys._base_executable).parent
    (root / "sshd_config").write_text(
        f"""
        Port {port}
        ListenAddress 127.0.0.1
        HostKey {root}/host
        AuthorizedKeysFile {root}/authorized_keys
        PidFile none
        UsePAM no
        StrictModes no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin prohibit-password
        SetEnv HOME={home} PATH={programs}:{python}:/usr/bin:/bin PIP_NO_INDEX=1 PIP_FIND_LINKS={root}
        """
    )
    (root / "config").write_text(
        f"""
        IdentityFile {root}/reader
        IdentitiesOnly yes
        UserKnownHostsFile {root}/known_hosts
        GlobalKnownHostsFile /dev/null
        """
    )
    log = (root / "log").open("w")
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(root / "sshd_config")], stderr=log)
    try:
        _wait_for(port, server, root / "log")
        (root / "stranger_config").write_text((root / "config").read_text().replace("/reader", "/stranger"))
        _stub_wheels(root)
        yield FarEnd("127.0.0.1", port, root / "config", root / "stranger_config", home, programs)
    finally:
        server.terminate()
        server.wait(timeout=10)
        log.close()


@pytest.fixture
def far(sshd: FarEnd) -> Iterator[FarEnd]:
    yield sshd
    for folder in (sshd.home, sshd.programs):
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            pytest.fail(f"sshd did not start: {log.read_text()}")
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd does not answer")


def _stub_wheels(folder: Path) -> None:
    """Wheels that pip can install without a network: they point to the packages that are installed here."""
    import numpy

    here = Path(numpy.__file__).parents[1]
    for name, files in (("numpy", {"here.pth": f"{here}\n"}), ("onnxruntime", {})):
        about = f"{name}-99.0.dist-info"
        files = files | {
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{path},,\n" for path in [*files, f"{about}/RECORD"])
        with zipfile.ZipFile(folder / f"{name}-99.0-py3-none-any.whl", "w") as wheel:
            for path, text in (files | {f"{about}/RECORD": record}).items():
                wheel.writestr(path, text)


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> None:
    """A shell starts background jobs deaf to Ctrl-C, and their children inherit it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
