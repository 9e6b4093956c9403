"""Measure a model on a Raspberry Pi, or any 64-bit Linux machine, that answers to ssh.

    make pi HOST=pi@raspberrypi.local
    python -m lib.deploy.raspberry_pi pi@raspberrypi.local --model model.onnx

One look at the board first (64 bits? Python? memory? disk?). Then one connection does everything: model and runner go
in, progress and the result come back, and the far end (`lib.deploy.on_board`) removes what it wrote when the
connection ends, for whatever reason. Nothing is left behind, so it can always be run again.

It uses this system's own ssh, with your keys and your configuration, and never asks for a password.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from lib.deploy import board_results, measure, on_board
from lib.deploy.onnx import read_about
from lib.deploy.ssh import Connection, Looked, look, ssh_error, start
from lib.errors import BookError

LEAST_PYTHON = (3, 9)
LEAST_MEMORY = 150 << 20
#: numpy and onnxruntime unpacked, with the virtual environment.
INSTALL_BYTES = 400 << 20
#: How long the far end may take to clean up when it is told to stop.
PATIENCE_S = 60

#: Reads as many bytes of program as the first line says, and runs them; the rest of the input is the program's.
BOOT = (
    'import sys;i=sys.stdin.buffer;exec(compile(i.read(int(i.readline())),"on_board","exec"),{"__name__":"__main__"})'
)


def measure_on(
    host: str,
    model: str | Path,
    *,
    port: int | None = None,
    key: str | Path | None = None,
    config: str | Path | None = None,
    seconds: float = 60.0,
    block: int = 512,
    python: str | None = None,
    folder: str | None = None,
    keep: bool = False,
    out: str | Path | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Measure an exported model on a board.

    Args:
        host: such as "pi@raspberrypi.local".
        model: an `.onnx` file of `lib.deploy.onnx.export`.
        port, key, config: for ssh, where its own configuration does not say.
        seconds, block: how long to play in real time, and in blocks of how many samples.
        python: a Python on the board that has numpy and onnxruntime; otherwise they are installed in a folder.
        folder: on the board; `~/.timbre-on-a-diet` by default.
        keep: keep what was installed for next time, and use what was kept.
        out: where to write the result here; nowhere by default.
        say: is told the progress, line by line.

    Returns:
        the whole result, as `bench.json` holds it, checked against its schema.

    Raises:
        BookError: anything that goes wrong, from a wrong name to Ctrl-C; nothing is left on the board.
    """
    path = Path(model)
    about = read_about(path)
    if out is not None and not Path(out).resolve().parent.is_dir():
        raise BookError(f"There is no folder for {out}.")
    if python is not None and not re.fullmatch(r"[A-Za-z0-9_./+][A-Za-z0-9_./+-]*", python):
        raise BookError(f"{python!r} is no path of a Python.")
    if seconds <= 0 or block < 16:
        raise BookError("Play for more than 0 seconds, in blocks of at least 16 samples.")
    connection = Connection(host, port, *(None if p is None else Path(p).expanduser() for p in (key, config)))
    try:
        say(f"looking at {host}")
        looked = look(connection, python)
        refuse(looked, needed_disk(path, python), host)
        say(f"{looked.name or looked.machine}: Python {'.'.join(map(str, looked.python or ()))}, {looked.machine}")
        wishes = {
            "files": [],
            "arguments": ["model.onnx", "--seconds", str(seconds), "--block", str(block), "--out", "bench.json"],
            "python": python,
            "keep": keep,
            "folder": folder,
        }
        say(f"sending {about['model']} {about['precision']} ({path.stat().st_size / 1000:.0f} kB) and the runner")
        record = _visit(connection, python or "python3", wishes, path, say)
    except KeyboardInterrupt:
        raise BookError(f"Stopped before anything was sent to {host}.") from None
    if wrong := board_results.problems(record):
        raise BookError("The board sent a result that cannot be believed:\n  - " + "\n  - ".join(wrong))
    if out is not None:
        measure.write_whole(out, record)
        say(f"wrote {out}")
    return record


def needed_disk(model: Path, python: str | None) -> int:
    """Say how much room the board needs: the model and the runner, and what has to be installed."""
    return model.stat().st_size + (5 << 20) + (0 if python else INSTALL_BYTES)


def refuse(looked: Looked, disk_bytes: int, host: str) -> None:
    """Raise a clear error if a board cannot do it."""
    if looked.machine not in ("aarch64", "x86_64") or looked.bits == 32 or looked.python_bits == 32:
        raise BookError(
            f"{host} runs a 32-bit system ({looked.machine}); onnxruntime needs 64 bits. "
            "Write Raspberry Pi OS (64-bit) on its card."
        )
    if looked.python is None:
        raise BookError(f"{host} has no Python 3 there: sudo apt install python3 python3-venv")
    if looked.python < LEAST_PYTHON:
        have, need = ".".join(map(str, looked.python)), ".".join(map(str, LEAST_PYTHON))
        raise BookError(f"{host} has Python {have}; the runner needs {need} or later. Update its system.")
    if looked.memory_bytes < LEAST_MEMORY:
        raise BookError(
            f"{host} has {looked.memory_bytes >> 20} MB of memory free; {LEAST_MEMORY >> 20} MB are needed. "
            "Close programs there, or start it without a desktop."
        )
    if looked.disk_bytes < disk_bytes:
        raise BookError(
            f"{host} has {looked.disk_bytes >> 20} MB of disk free; {disk_bytes >> 20} MB are needed. Its disk is full."
        )


def host_from_environment() -> str | None:
    """Give the board that the reader has named in TIMBRE_PI, such as pi@raspberrypi.local; none without one."""
    return os.environ.get("TIMBRE_PI") or None


def default_model() -> Path:
    """Export the model that is measured unless another is named: the kept DDSP chain with about 90 % removed.

    Raises:
        BookError: no chain of DDSP is kept.
    """
    from lib.deploy.onnx import export
    from lib.experiments import diet

    for name in diet.kept_chains("ddsp"):
        try:
            [(record, model)] = diet.operating_points(name, removed=(0.9,))
        except BookError:
            continue
        run = f"{name}, round {record['round']}"
        return export(model, diet.CACHE.parent / "deploy" / f"ddsp-round-{record['round']:02d}.onnx", run=run)
    raise BookError("No model to measure: name one with --model.")


def _visit(
    connection: Connection, python: str, wishes: dict[str, Any], model: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Do everything in one connection, and wait until the far end says that nothing is left."""
    program = Path(on_board.__file__).read_bytes()
    files = {"model.onnx": model.read_bytes(), "measure.py": Path(measure.__file__).read_bytes()}
    wishes = wishes | {"files": [{"name": name, "size": len(data)} for name, data in files.items()]}
    opening = f"{len(program)}\n".encode() + program + json.dumps(wishes).encode() + b"\n"
    heard: dict[str, Any] = {}
    with tempfile.TemporaryFile() as errors:
        far = start(connection, [python, "-c", BOOT], subprocess.PIPE, errors)
        try:
            _send(far, [opening, *files.values()])
            _listen(far.stdout, heard, say)
        except KeyboardInterrupt:
            say("stopping, and cleaning up there")
            _end(far, heard)
            left = "Nothing was left" if heard.get("gone") else "What was sent is removed as soon as it notices"
            raise BookError(f"Stopped. {left} on {connection.host}.") from None
        _end(far, heard)
        errors.seek(0)
        complaints = errors.read().decode(errors="replace")
    if "error" in heard:
        raise BookError(f"{connection.host}: {heard['error']}")
    if "result" in heard:
        return heard["result"]
    if far.returncode == 255:
        raise ssh_error(connection, complaints, begun=True)
    last = complaints.strip().splitlines()[-1:] or ["it said nothing"]
    raise BookError(f"{connection.host} could not start the measurement: {last[0]}")


def _send(far: subprocess.Popen[bytes], parts: Sequence[bytes]) -> None:
    try:
        for data in parts:
            far.stdin.write(data)
        far.stdin.flush()
    except BrokenPipeError:
        pass  # it went away early: what it said, or did not say, tells why


def _listen(lines: IO[bytes], heard: dict[str, Any], say: Callable[[str], None]) -> None:
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue  # a greeting of the login shell
        if isinstance(told, dict):
            if "say" in told:
                say(str(told["say"]))
            heard.update(told)


def _end(far: subprocess.Popen[bytes], heard: dict[str, Any]) -> None:
    """Close the input, which tells the far end to stop and clean up, and wait for it."""
    with contextlib.suppress(OSError):  # it may be gone already
        far.stdin.close()
    try:
        far.wait(timeout=PATIENCE_S)
        _listen(far.stdout, heard, lambda text: None)
    except subprocess.TimeoutExpired:
        far.kill()
        far.wait()
    far.stdout.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Measure on the board named on the command line; 0 if all went well, 130 when stopped."""
    parser = argparse.ArgumentParser(prog="python -m lib.deploy.raspberry_pi", description=__doc__.split("\n")[0])
    parser.add_argument("host", help="such as pi@raspberrypi.local")
    parser.add_argument("--model", type=Path, help="an exported .onnx file; the book's trimmed DDSP by default")
    parser.add_argument("--port", type=int)
    parser.add_argument("--key", type=Path, help="a private key, where ssh does not find it by itself")
    parser.add_argument("--ssh-config", type=Path, help="an ssh configuration of your own")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to play in real time")
    parser.add_argument("--block", type=int, default=512, help="samples a block while playing")
    parser.add_argument("--python", help="a Python on the board that has numpy and onnxruntime")
    parser.add_argument("--folder", help="a folder on the board, instead of ~/.timbre-on-a-diet")
    parser.add_argument("--keep", action="store_true", help="keep what is installed there for next time")
    parser.add_argument("--out", type=Path, default=Path("bench.json"), help="where to write the result")
    args = parser.parse_args(argv)
    try:
        measure_on(
            args.host, args.model or default_model(), port=args.port, key=args.key, config=args.ssh_config,
            seconds=args.seconds, block=args.block, python=args.python, folder=args.folder, keep=args.keep,
            out=args.out, say=lambda text: print(f"[pi] {text}", flush=True),
        )  # fmt: skip
    except BookError as error:
        print(f"[pi] {error}", file=sys.stderr)
        return 130 if str(error).startswith("Stopped") else 1
    print(f"[pi] to share it, see assets/results/boards/README.md: python -m lib.deploy.board_results check {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
