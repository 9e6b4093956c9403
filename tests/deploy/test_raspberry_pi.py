"""The whole way to a board and back, over a real sshd; and every way it can go wrong, with nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lib.deploy import board_results
from lib.deploy import onnx as exchange
from lib.deploy.raspberry_pi import INSTALL_BYTES, host_from_environment, measure_on, needed_disk, refuse
from lib.deploy.ssh import Connection, Looked
from lib.errors import BookError
from lib.models import make

QUICK = {"seconds": 0.5, "python": sys.executable}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exchange.export(make("ddsp", "toy"), tmp_path_factory.mktemp("model") / "m.onnx", run="over ssh")


def go(far, model: Path, **more):
    return measure_on(
        far.host, model, **{"port": far.port, "config": far.config, "say": lambda _: None, **QUICK, **more}
    )


@contextmanager
def line_that_can_be_cut(port: int, after_bytes: float = float("inf")) -> Iterator[tuple[int, threading.Event]]:
    """Listen on a port and pass everything on to another, until the event is set or so many bytes have gone there."""
    cut, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []
    sent = 0

    def passing(one: socket.socket, other: socket.socket, counts: bool) -> None:
        nonlocal sent
        try:
            while data := one.recv(1 << 12):
                other.sendall(data)
                sent += len(data) if counts else 0
                if sent > after_bytes:
                    cut.set()
        except OSError:
            pass
        finally:
            # The other side must see the end, or ssh would wait for ever.
            for end in (one, other):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", port))
            ends.extend((here, there))
            for way in ((here, there, True), (there, here, False)):
                threading.Thread(target=passing, args=way, daemon=True).start()

    def cutter() -> None:
        cut.wait()
        for end in list(ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    for work in (serve, cutter):
        threading.Thread(target=work, daemon=True).start()
    try:
        yield listener.getsockname()[1], cut
    finally:
        cut.set()
        listener.close()
        for end in ends:
            end.close()


def test_there_and_back(far, model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    record = go(far, model, out=tmp_path / "bench.json", say=said.append)
    assert record == json.loads((tmp_path / "bench.json").read_text())
    assert board_results.problems(record) == []
    assert record["results"]["model"]["run"] == "over ssh"
    assert any("timing blocks of 64" in text for text in said)
    assert far.left_behind() == []


def test_folders_with_awkward_names_are_quoted(far, model: Path) -> None:
    record = go(far, model, folder="~/it's $(touch pwned) `touch pwned`; touch pwned")
    assert record["results"]["evidence"] == "measured"
    assert far.left_behind() == []


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=touch pwned", "pi@host; ls", "a b", "$(ls)", "pi@", "", "host\n", "pi@-host", "ssh://host"]
)
def test_what_is_no_host_never_reaches_ssh(host: str, model: Path) -> None:
    with pytest.raises(BookError, match="is no host"):
        measure_on(host, model)


def test_other_wrong_settings(model: Path, tmp_path: Path) -> None:
    with pytest.raises(BookError, match="no port"):
        Connection("pi", port=70_000)
    with pytest.raises(BookError, match="no file"):
        Connection("pi", key=tmp_path / "none")
    with pytest.raises(BookError, match="no path of a Python"):
        measure_on("pi", model, python="python3; ls")
    with pytest.raises(BookError, match="no folder"):
        measure_on("pi", model, out=tmp_path / "none" / "bench.json")
    with pytest.raises(BookError, match="no file"):
        measure_on("pi", tmp_path / "none.onnx")


def test_every_far_word_is_quoted() -> None:
    words = Connection("pi@board", port=2222).command(["python3", "-c", "print('a b'); $(ls)"])
    assert words[-3:-1] == ["--", "pi@board"]
    assert words[-1] == """python3 -c 'print('"'"'a b'"'"'); $(ls)'"""


def test_nobody_there(far, model: Path) -> None:
    with pytest.raises(BookError, match="No machine is called"):
        measure_on("no-such-board.invalid", model, config=far.config)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        unused = taken.getsockname()[1]
    with pytest.raises(BookError, match="does not answer to ssh"):
        go(far, model, port=unused)


def test_refused_key(far, model: Path) -> None:
    with pytest.raises(BookError, match=r"refused the key.*ssh-copy-id"):
        go(far, model, config=far.stranger)


def test_another_machine_under_the_same_name(far, model: Path, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    key = (tmp_path / "other.pub").read_text().split()
    (tmp_path / "known").write_text(f"[{far.host}]:{far.port} {key[0]} {key[1]}\n")
    config = tmp_path / "config"
    config.write_text(far.config.read_text().replace(f"{far.config.parent}/known_hosts", str(tmp_path / "known")))
    with pytest.raises(BookError, match="not the machine it was"):
        go(far, model, config=config)


def test_32_bit_system(far, model: Path) -> None:
    far.lying("uname", "echo armv7l")
    with pytest.raises(BookError, match=r"32-bit system \(armv7l\).*64-bit"):
        go(far, model)
    far.lying("uname", "echo aarch64")
    far.lying("getconf", "echo 32")  # a 64-bit kernel under a 32-bit system, as older cards have it
    with pytest.raises(BookError, match="32-bit system"):
        go(far, model)
    assert far.left_behind() == []


def test_full_disk_seen_beforehand(far, model: Path) -> None:
    far.lying("df", 'echo "Filesystem 1024-blocks Used Available"; echo "/dev/root 100 100 100"')
    with pytest.raises(BookError, match="disk is full"):
        go(far, model)
    assert far.left_behind() == []


def test_full_disk_found_out_while_writing(far, model: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        with pytest.raises(BookError, match="disk is full"):
            go(far, model, folder=f"{small}/folder")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_too_little_memory(far, model: Path) -> None:
    far.lying("awk", "echo 100000")
    with pytest.raises(BookError, match="97 MB of memory free"):
        go(far, model)


def test_what_a_board_needs(model: Path) -> None:
    fine = Looked("aarch64", "Pi", 64, (3, 11), 64, 1 << 30, 1 << 30)
    refuse(fine, needed_disk(model, None), "pi")
    assert needed_disk(model, None) - needed_disk(model, "/usr/bin/python3") == INSTALL_BYTES
    for change, said in (
        ({"python": None}, "no Python 3"),
        ({"python": (3, 7)}, "Python 3.7"),
        ({"python_bits": 32}, "32-bit"),
        ({"machine": "riscv64"}, "needs 64 bits"),
        ({"disk_bytes": 10 << 20}, "10 MB of disk"),
    ):
        with pytest.raises(BookError, match=said):
            refuse(Looked(**{**vars(fine), **change}), needed_disk(model, None), "pi")


def test_packages_missing_at_the_far_end(far, model: Path) -> None:
    far.lying("bare-python", f'exec {sys.executable} -S "$@"')
    with pytest.raises(BookError, match="pip install numpy onnxruntime"):
        go(far, model, python=str(far.programs / "bare-python"))
    assert far.left_behind() == []


def test_installs_keeps_and_cleans_up(far, model: Path) -> None:
    """With stub wheels for pip, since tests have no network: what is kept is used again, and goes when not kept."""
    said: list[str] = []
    go(far, model, python=None, keep=True, say=said.append)
    assert any("installing numpy" in text for text in said)
    assert [p.name for p in (far.home / ".timbre-on-a-diet").iterdir()] == ["venv"]
    said.clear()
    go(far, model, python=None, keep=True, say=said.append)
    assert not any("installing" in text for text in said)
    go(far, model)
    assert far.left_behind() == []


def test_connection_cut_half_way(far, model: Path) -> None:
    with line_that_can_be_cut(far.port) as (port, cut):

        def cut_while_measuring(text: str) -> None:
            if "timing blocks of 128" in text:
                assert far.left_behind()
                cut.set()

        with pytest.raises(BookError, match="dropped half-way"):
            go(far, model, port=port, seconds=30.0, say=cut_while_measuring)
    assert far.comes_clean(), far.left_behind()
    assert go(far, model)["results"]["evidence"] == "measured"


def test_connection_cut_while_sending(far, model: Path) -> None:
    """The look takes some 5 kB there, the files 30 kB more: the line dies in the middle of them."""
    with line_that_can_be_cut(far.port, after_bytes=20_000) as (port, cut):
        with pytest.raises(BookError, match="dropped half-way"):
            go(far, model, port=port)
        assert cut.is_set()
    assert far.comes_clean(), far.left_behind()


def test_one_at_a_time_and_leftovers_of_a_power_cut(far, model: Path) -> None:
    folder = far.home / ".timbre-on-a-diet"
    (folder / f"run-{os.getpid()}").mkdir(parents=True)
    with pytest.raises(BookError, match="Another measurement"):
        go(far, model)
    (folder / f"run-{os.getpid()}").rename(folder / "run-99999999")  # no such process can be
    go(far, model)
    assert far.left_behind() == []


def test_ctrl_c(far, model: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "lib.deploy.raspberry_pi", far.host, "--port", str(far.port), "--model", str(model)]
    words += ["--ssh-config", str(far.config), "--python", sys.executable, "--out", str(tmp_path / "bench.json")]
    words += ["--seconds", "10"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if "timing blocks of 128" in line:
                running.send_signal(signal.SIGINT)
                break
        rest, complaints = running.communicate(timeout=120)
    assert running.returncode == 130, complaints
    assert "Stopped. Nothing was left" in complaints and "Traceback" not in complaints + rest
    assert far.left_behind() == [] and not (tmp_path / "bench.json").exists()


def test_the_reader_names_a_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIMBRE_PI", raising=False)
    assert host_from_environment() is None
    monkeypatch.setenv("TIMBRE_PI", "pi@board")
    assert host_from_environment() == "pi@board"
