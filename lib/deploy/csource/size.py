"""How much flash, RAM and stack compiled code takes.

Chapter: *Bounds for Raspberry Pi and Arduino*.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lib.deploy.csource.build import TARGETS, Build
from lib.errors import BookError


@dataclass(frozen=True)
class Size:
    """Bytes of one compiled model.

    Attributes:
        code, constants: in flash; data, bss: variables in RAM (generated code has none).
        state: the caller's struct; stack: of the worst path through a public function; path: that path.
        outside: functions of libraries that it calls, whose own stack and code are not counted here.
    """

    code: int
    constants: int
    data: int
    bss: int
    state: int
    stack: int
    path: tuple[str, ...]
    outside: tuple[str, ...]

    @property
    def flash(self) -> int:
        """Code, constants and the first values of variables."""
        return self.code + self.constants + self.data

    @property
    def ram(self) -> int:
        """Variables, state and stack."""
        return self.data + self.bss + self.state + self.stack


def size(build: Build) -> Size:
    """Measure an object file: sections from the object, stack from the compiler's call graph."""
    tool = TARGETS[build.target].compiler.removesuffix("gcc") + "size"
    if shutil.which(tool) is None:
        raise BookError(f"There is no {tool} here; it comes with the compiler (Debian: binutils).")
    told = subprocess.run([tool, "-A", str(build.object_file)], capture_output=True, text=True, check=True).stdout
    total = dict.fromkeys(("text", "rodata", "data", "bss"), 0)
    for section, n in re.findall(r"^\.(\S+)\s+(\d+)", told, re.MULTILINE):
        # Tables of pointers are ".data.rel.ro" in position-independent code; on a chip they are constants.
        kind = "rodata" if section.startswith(("rodata", "data.rel.ro")) else section.split(".")[0]
        if kind in total:
            total[kind] += int(n)
    stack, path, outside = worst_stack(build.call_graph.read_text())
    return Size(
        total["text"], total["rodata"], total["data"], total["bss"], build.source.state_bytes, stack, path, outside
    )


def worst_stack(graph: str) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Add up frames along every path of calls in a graph of `gcc -fcallgraph-info=su`; give the worst.

    Returns:
        its bytes, its functions from the outermost on, and the functions called of which the graph knows no frame.

    Raises:
        BookError: a function calls itself, directly or not, or has a frame of unknown size: there is no bound.

    >>> worst_stack('''node: { title: "f" label: "f\\\\nx.c:1\\\\n24 bytes (static)" }
    ... node: { title: "g" label: "g\\\\nx.c:9\\\\n8 bytes (static)" }
    ... edge: { sourcename: "f" targetname: "g" label: "x.c:3" }
    ... edge: { sourcename: "f" targetname: "sqrtf" label: "x.c:4" }''')
    (32, ('f', 'g'), ('sqrtf',))
    """
    frames: dict[str, int] = {}
    for title, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]*)"', graph):
        if match := re.search(r"(\d+) bytes \((\w+[^)]*)\)", label):
            if "dynamic" in match[2] and "bounded" not in match[2]:
                raise BookError(f"{title} has a stack frame of no fixed size, so there is no bound.")
            frames[title] = int(match[1])
    calls: dict[str, set[str]] = {title: set() for title in frames}
    outside: set[str] = set()
    for caller, called in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', graph):
        if called in frames:
            calls[caller].add(called)
        else:
            outside.add(called)

    def deepest(function: str, above: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        if function in above:
            raise BookError(f"{_plain(function)} calls itself, so there is no bound on the stack.")
        below = [deepest(called, (*above, function)) for called in sorted(calls[function])]
        n, path = max(below, default=(0, ()))
        return frames[function] + n, (function, *path)

    bytes_, path = max((deepest(function, ()) for function in frames), default=(0, ()))
    return bytes_, tuple(map(_plain, path)), tuple(sorted(map(_plain, outside)))


def sizes_from_map(path: str | Path, member: str) -> tuple[int, int]:
    """Read from a map of GNU ld what one object file brought into a linked program.

    Args:
        path: of the map (`-Wl,-Map=`); member: the object's name without folder and ".o", such as "ddsp".

    Returns:
        bytes of flash (code, constants, first values) and of RAM (variables).

    Raises:
        BookError: the map names no such object.
    """
    text = Path(path).read_text().split("Linker script and memory map", 1)[-1]
    pattern = rf"^ (\.\S+|COMMON)\s+0x[0-9a-f]+\s+0x([0-9a-f]+) \S*?\b{re.escape(member)}\.o$"
    found = re.findall(pattern, text, re.MULTILINE)
    if not found:
        raise BookError(f"{Path(path).name} names no object {member}.o.")
    flash = ram = 0
    for section, digits in found:
        kind = section.removeprefix(".").split(".")[0]
        flash += int(digits, 16) * (kind in ("text", "rodata", "data"))
        ram += int(digits, 16) * (kind in ("data", "bss", "COMMON"))
    return flash, ram


def _plain(title: str) -> str:
    # Static functions are titled "file.c:name", clones "name.constprop.0".
    return title.rsplit(":", 1)[-1].split(".")[0]
