"""Set the emulation up: programs, the counting plugin, and an aarch64 root folder with Python and ONNX Runtime.

Every step says what it does, is skipped when it is already done, and is done again from its beginning if it was
interrupted. Only the first step, installing Debian packages, needs root; nothing else leaves `.cache/emulate`.

Chapter: *Export a pruned model and measure it on a Raspberry Pi*.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from lib.deploy.emulate import tools
from lib.deploy.emulate.tools import AARCH64_ROOT, CACHE, PLUGIN, SITE, EmulationError

#: What the aarch64 root folder is made of; apt adds what these need.
ROOT_PACKAGES = ("python3-minimal", "libpython3.11-stdlib", "libstdc++6", "libgcc-s1")
MIRROR = "http://deb.debian.org/debian"
RELEASE = "bookworm"  # the base of Raspberry Pi OS 12; its Python is 3.11
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
#: What a processor says of itself: (variant, part, revision) of Arm's (implementer 0x41) register MIDR_EL1.
IDENTITIES = {"cortex-a53": (0, 0xD03, 4), "cortex-a72": (0, 0xD08, 3), "cortex-a76": (4, 0xD0B, 1)}

Say = Callable[[str], None]


def setup(say: Say = print) -> None:
    """Do every step that is not done yet.

    Raises:
        EmulationError: a step failed; the message names it. Calling again goes on from there.
    """
    for name, is_done, step in STEPS:
        if is_done():
            say(f"[emulate] {name}: there already")
            continue
        say(f"[emulate] {name} ...")
        step()
    say("[emulate] ready")


def install_programs() -> None:
    """Install the Debian packages that are missing, if this is Debian and we are root.

    Raises:
        EmulationError: they are missing and cannot be installed from here.
    """
    packages = tools.missing_packages()
    by_hand = f"sudo apt-get install --no-install-recommends {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise EmulationError(f"Please install what Debian calls {' '.join(packages)}; then run `make emulate` again.")
    if os.geteuid() != 0:
        raise EmulationError(f"Please run `{by_hand}`; then `make emulate` again.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    tools.run(["apt-get", "update", "-qq"], timeout_s=300, environment=environment)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    tools.run(install, timeout_s=900, environment=environment)
    if left := tools.missing_packages():
        raise EmulationError(f"Still missing after installing: {' '.join(left)}.")


def compile_plugin() -> None:
    """Compile the plugin that counts."""
    scratch = PLUGIN.with_suffix(".tmp")
    CACHE.mkdir(parents=True, exist_ok=True)
    source = tools.SOURCES / "plugin" / "count.c"
    tools.run(["gcc", "-O2", "-shared", "-fPIC", "-o", scratch, source])
    scratch.replace(PLUGIN)


def make_root() -> None:
    """Download aarch64 packages of Debian with a private configuration of apt, and unpack them into a folder.

    Raises:
        EmulationError: apt or dpkg is not there, or the download failed.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise EmulationError("The aarch64 root folder needs apt-get and dpkg-deb (Debian or a relative of it).")
    apt, scratch = _fresh(CACHE / "apt"), _fresh(CACHE / "aarch64.tmp")
    for folder in ("state/lists/partial", "cache/archives/partial", "parts"):
        (apt / folder).mkdir(parents=True)
    (apt / "state" / "status").touch()
    signed = f"[signed-by={KEYRING}]" if KEYRING.exists() else ""
    (apt / "sources.list").write_text(f"deb {signed} {MIRROR} {RELEASE} main\n")
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "state" / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": apt / "parts",
    }
    (apt / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
    environment = {**os.environ, "APT_CONFIG": str(apt / "apt.conf"), "DEBIAN_FRONTEND": "noninteractive"}
    tools.run(["apt-get", "update", "-qq"], timeout_s=300, environment=environment)
    install = ["apt-get", "install", "-qq", "-y", "--download-only", "--no-install-recommends", *ROOT_PACKAGES]
    tools.run(install, timeout_s=600, environment=environment)
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        tools.run(["dpkg-deb", "-x", package, scratch])
    for unused in ("usr/share", "var"):
        shutil.rmtree(scratch / unused, ignore_errors=True)
    shutil.rmtree(apt)
    _replace(scratch, AARCH64_ROOT)


def make_site() -> None:
    """Download the aarch64 wheels of NumPy and ONNX Runtime, of the versions the book itself runs on, and unpack."""
    wheels, scratch = _fresh(CACHE / "wheels"), _fresh(CACHE / "site.tmp")
    wanted = [f"numpy=={version('numpy')}", f"onnxruntime=={version('onnxruntime')}"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", wheels]
    command += [word for platform in PLATFORMS for word in ("--platform", platform)]
    command += ["--only-binary=:all:", "--python-version", "311", *wanted]
    tools.run(command, timeout_s=600)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch)
    mark = tools.SOURCES / "targets" / "mark.c"
    tools.run(["aarch64-linux-gnu-gcc", "-O2", "-shared", "-fPIC", "-nostdlib", "-o", scratch / "libmark.so", mark])
    shutil.rmtree(wheels)
    _replace(scratch, SITE)


def make_identities() -> None:
    """Give every processor a root folder of its own, in which only /proc/cpuinfo differs.

    ONNX Runtime reads that file and would crash on the host's; a file below QEMU's `-L` shadows the host's.
    """
    for processor, (variant, part, revision) in IDENTITIES.items():
        folder = _fresh(root_of(processor))
        for entry in sorted(AARCH64_ROOT.iterdir()):
            if entry.name != "proc":
                (folder / entry.name).symlink_to(Path("..") / AARCH64_ROOT.name / entry.name)
        (folder / "proc").mkdir()
        lines = {
            "processor": 0,
            "BogoMIPS": "108.00",
            "Features": "fp asimd evtstrm crc32 cpuid",
            "CPU implementer": "0x41",
            "CPU architecture": 8,
            "CPU variant": hex(variant),
            "CPU part": hex(part),
            "CPU revision": revision,
        }
        text = "".join(f"{key}\t: {value}\n" for key, value in lines.items())
        (folder / "proc" / "cpuinfo").write_text(text + "\n")


def root_of(processor: str) -> Path:
    """Name the root folder of a processor."""
    return CACHE / f"root-{processor}"


def prove() -> None:
    """Import the aarch64 packages and count an empty program once: if both work, the emulation is ready.

    Raises:
        EmulationError: something does not work; among others, a QEMU too new for plugins of version 1 (9.0 and later).
    """
    from lib.deploy.emulate import aarch64, counting

    aarch64.run_python("import numpy, onnxruntime", "cortex-a72", check=False)
    done = CACHE / "done"
    done.touch()  # counting asks for it
    try:
        with tempfile.TemporaryDirectory(prefix="prove-") as folder:
            source = Path(folder) / "empty.c"
            source.write_text('#include "mark.h"\nint main(void) { MARK_BEGIN(); MARK_END(); return 0; }\n')
            program = aarch64.compile_c([source], Path(folder) / "empty", "cortex-a72")
            regions = counting.count_instructions(program, "cortex-a72").regions
        if [region.total for region in regions] != [0]:
            raise EmulationError("The plugin does not count right: between two marks it found instructions.")
    except EmulationError:
        done.unlink()
        raise


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _replace(scratch: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    scratch.replace(target)


def _plugin_is_new() -> bool:
    source = tools.SOURCES / "plugin" / "count.c"
    return PLUGIN.exists() and PLUGIN.stat().st_mtime >= source.stat().st_mtime


def _site_is_right() -> bool:
    names = ("numpy", "onnxruntime")
    return (SITE / "libmark.so").exists() and all(any(SITE.glob(f"{name}-{version(name)}.dist-info")) for name in names)


#: (what it says, is it done, do it), in order.
STEPS: tuple[tuple[str, Callable[[], bool], Callable[[], None]], ...] = (
    ("system packages", lambda: not tools.missing_packages(), install_programs),
    ("the plugin that counts instructions", _plugin_is_new, compile_plugin),
    ("an aarch64 root folder with Python (15 MB to download)", AARCH64_ROOT.exists, make_root),
    ("aarch64 wheels of NumPy and ONNX Runtime (37 MB)", _site_is_right, make_site),
    ("what each processor says of itself", lambda: all(root_of(p).exists() for p in IDENTITIES), make_identities),
    ("a first run", (CACHE / "done").exists, prove),
)
