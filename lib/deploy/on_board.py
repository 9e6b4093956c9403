"""The far end of `lib.deploy.raspberry_pi`: receives a model, measures it, sends the result, and removes every trace.

It is never installed: its text travels through the connection and runs from memory, on Python 3.9 and later, with the
standard library alone. Everything it writes is in one folder, which it removes however it ends: at the end of its
input (which is also what a dropped connection looks like), on a signal, on an error.

It reads a line of JSON (`files` with names and sizes, `arguments` of the runner, `python`, `keep`, `folder`), then the
files. It writes lines of JSON: {"say": ...}, {"error": ...}, {"result": ...}, and {"gone": true} when nothing is left.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

PACKAGES = ("numpy", "onnxruntime")


class Trouble(Exception):
    """Something to tell the other end."""


class Stopped(Exception):
    """The other end is gone, or wants no more."""


class Far:
    """One visit: a folder of its own, a child at work, and a watch on the connection."""

    def __init__(self, wishes):
        self.wishes = wishes
        self.home = Path(wishes.get("folder") or "~/.timbre-on-a-diet").expanduser()
        self.own = self.home / f"run-{os.getpid()}"
        self.child = None
        self.stopped = threading.Event()

    def tell(self, **what):
        try:
            print(json.dumps(what), flush=True)
        except OSError:  # nobody listens any more
            self.stop()

    def stop(self, *_):
        self.stopped.set()
        if self.child is not None and self.child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGTERM)

    def watch(self):
        """Wait for the end of the input, which means: stop."""
        while sys.stdin.buffer.read(1):
            pass
        self.stop()

    def visit(self):
        """Do everything; leave nothing."""
        try:
            self.refuse_company()
            self.receive()
            threading.Thread(target=self.watch, daemon=True).start()
            result = self.measure(self.interpreter())
            self.tell(result=result)
        except Trouble as trouble:
            self.tell(error=str(trouble))
        except Stopped:
            self.tell(error="It was stopped.")
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            self.tell(error="Its disk is full." if full else f"It could not go on: {error}.")
        finally:
            self.remove()
            self.tell(gone=True)

    def refuse_company(self):
        """Two measurements at once would measure each other; what a power cut left behind is removed."""
        for other in self.home.glob("run-*"):
            if Path(f"/proc/{other.name[4:]}").exists():
                raise Trouble("Another measurement is running there; wait for it to end.")
            shutil.rmtree(other, ignore_errors=True)

    def receive(self):
        self.own.mkdir(parents=True, mode=0o700)
        for entry in self.wishes["files"]:
            left = entry["size"]
            with (self.own / Path(entry["name"]).name).open("wb") as file:
                while left:
                    part = sys.stdin.buffer.read(min(left, 1 << 16))
                    if not part:
                        raise Stopped
                    file.write(part)
                    left -= len(part)

    def interpreter(self):
        """Find a Python that has what the runner needs: a given one, one kept from an earlier visit, or a new one."""
        if self.wishes.get("python"):
            return self.wishes["python"]
        folder = (self.home if self.wishes.get("keep") else self.own) / "venv"
        complete = folder / "complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            self.tell(say="installing numpy and onnxruntime into a folder of their own; this takes a minute or two")
            self.run([sys.executable, "-m", "venv", str(folder)], "It cannot make a virtual environment")
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--no-cache-dir", "--only-binary=:all:"]
            self.run([*pip, "--disable-pip-version-check", "--progress-bar", "off", *PACKAGES], "pip failed there")
            complete.touch()
        return str(folder / "bin" / "python")

    def measure(self, python):
        said = self.run([python, "measure.py", *self.wishes["arguments"]], "Measuring failed there", loud=True)
        result = self.own / "bench.json"
        if not result.exists():
            raise Trouble(f"Measuring failed there: {said}")
        return json.loads(result.read_text())

    def run(self, words, failed, loud=False):
        """Run a program in the own folder, in a process group that can be stopped; give its last line."""
        if self.stopped.is_set():
            raise Stopped
        # One thread; and whatever anybody writes into a home or a cache goes when this folder goes.
        ours = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        ours |= dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"), str(self.own))
        try:
            self.child = subprocess.Popen(
                words, cwd=self.own, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", env={**os.environ, **ours}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise Trouble(f"{failed}: {error}") from error
        lines = []
        for line in self.child.stdout:
            lines = [*lines[-19:], line.strip()]
            if loud or line.startswith(("Collecting", "Downloading", "Installing")):
                self.tell(say=line.strip()[:200].replace("[measure] ", ""))
        code = self.child.wait()
        if self.stopped.is_set():
            raise Stopped
        if code:
            text = " ".join(lines[-3:])
            if "No space left" in " ".join(lines):
                text = "its disk is full"
            if "ensurepip" in " ".join(lines):
                text = "python3-venv is missing there: sudo apt install python3-venv"
            raise Trouble(f"{failed}: {text or f'exit status {code}'}")
        return lines[-1] if lines else ""

    def remove(self):
        """Remove the own folder, and the common one unless something is kept in it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
        if self.child is not None and self.child.poll() is None:
            self.stop()
            try:
                self.child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()
        shutil.rmtree(self.own, ignore_errors=True)
        if not self.wishes.get("keep"):
            shutil.rmtree(self.home / "venv", ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty: something is kept; or it was never made
            self.home.rmdir()


def main():
    """Read the wishes and pay the visit."""
    far = Far(json.loads(sys.stdin.buffer.readline()))
    for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(one, far.stop)
    far.visit()


if __name__ == "__main__":
    main()
