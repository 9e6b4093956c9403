"""Make `assets/vendor/` again: everything the built pages load that is not ours.

Run `python -m lib.book.vendor` where npm reaches its registry; `--check` only compares.
The packages, their versions and what is taken from each stand in `PACKAGES`; the AMD
builds of anywidget and ipympl come from the installed Python packages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENDOR = ROOT / "assets" / "vendor"


@dataclass(frozen=True)
class Package:
    """One npm package: what is taken from it, and under which licence."""

    name: str
    version: str
    licence: str
    target: str
    files: tuple[tuple[str, str], ...]  # (path or folder inside the package, path under the target)


PACKAGES = (
    Package("requirejs", "2.3.8", "MIT", "requirejs", (("require.js", "require.js"),)),
    Package(
        "@jupyter-widgets/html-manager",
        "1.0.15",
        "BSD-3-Clause",
        "html-manager",
        (
            ("dist/embed-amd.js", "embed-amd.js"),
            ("dist/1551f4f60c37af51121f.woff2", "1551f4f60c37af51121f.woff2"),
            ("dist/7a3337626410ca2f4071.woff2", "7a3337626410ca2f4071.woff2"),
            ("dist/d878b0a6a1144760244f.woff2", "d878b0a6a1144760244f.woff2"),
            ("dist/eeccf4f66002c6f2ba24.woff", "eeccf4f66002c6f2ba24.woff"),
            ("dist/23f19bb08961f37aaf69.eot", "23f19bb08961f37aaf69.eot"),
            ("dist/be9ee23c0c6390141475.ttf", "be9ee23c0c6390141475.ttf"),
            ("dist/embed.js.LICENSE.txt", "LICENSE.txt"),
        ),
    ),
    Package(
        "mathjax",
        "3.2.2",
        "Apache-2.0",
        "mathjax",
        (
            ("es5/tex-mml-chtml.js", "tex-mml-chtml.js"),
            ("es5/output/chtml/fonts/woff-v2", "output/chtml/fonts/woff-v2"),
            ("es5/input/tex/extensions", "input/tex/extensions"),
            ("LICENSE", "LICENSE"),
        ),
    ),
    Package(
        "@fontsource-variable/source-serif-4",
        "5.3.1",
        "OFL-1.1",
        "fonts",
        (
            ("files/source-serif-4-latin-wght-normal.woff2", "source-serif-4.woff2"),
            ("files/source-serif-4-latin-wght-italic.woff2", "source-serif-4-italic.woff2"),
            ("LICENSE", "LICENSE-source-serif-4"),
        ),
    ),
    Package(
        "@fontsource-variable/bricolage-grotesque",
        "5.3.0",
        "OFL-1.1",
        "fonts",
        (
            ("files/bricolage-grotesque-latin-wght-normal.woff2", "bricolage-grotesque.woff2"),
            ("LICENSE", "LICENSE-bricolage-grotesque"),
        ),
    ),
)

#: Python packages whose classic-notebook (AMD) build a static page can load.
NBEXTENSIONS = (("anywidget", "MIT"), ("jupyter-matplotlib", "BSD-3-Clause"))


def collect(target: Path) -> dict[str, str]:
    """Fetch every vendored file into `target` and return its manifest: path -> sha256."""
    for package in PACKAGES:
        _take(package, target)
    for name, _ in NBEXTENSIONS:
        source = Path(sysconfig.get_path("data")) / "share" / "jupyter" / "nbextensions" / name / "index.js"
        text = source.read_text().rsplit("//# sourceMappingURL", 1)[0]
        (target / name).mkdir(parents=True, exist_ok=True)
        (target / name / "index.js").write_text(text)
    return manifest(target)


def manifest(folder: Path) -> dict[str, str]:
    """Hash every vendored file of a folder: path -> sha256, our own notes left out."""
    own = {"README.md", "manifest.json", "require-paths.js"}
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in own)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main(argv: list[str] | None = None) -> int:
    """Make the vendored files again, or with `--check` compare those on disk with their manifest."""
    parser = argparse.ArgumentParser(prog="python -m lib.book.vendor", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare the files on disk with manifest.json")
    arguments = parser.parse_args(argv)
    expected = json.loads((VENDOR / "manifest.json").read_text()) if (VENDOR / "manifest.json").exists() else {}
    if arguments.check:
        found = manifest(VENDOR)
        wrong = sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
        print("\n".join(f"differs: {path}" for path in wrong) or f"{len(found)} vendored files as recorded")
        return 1 if wrong else 0
    with tempfile.TemporaryDirectory() as scratch:
        made = collect(Path(scratch))
        for path in made:
            (VENDOR / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(scratch) / path, VENDOR / path)
    (VENDOR / "manifest.json").write_text(json.dumps(made, indent=1) + "\n")
    changed = sorted(path for path in made if expected and expected.get(path) != made[path])
    print(f"{len(made)} files in {VENDOR.relative_to(ROOT)}; changed: {', '.join(changed) or 'none'}")
    return 0


def _take(package: Package, target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        spec = f"{package.name}@{package.version}"
        command = ["npm", "pack", "--silent", "--pack-destination", scratch, spec]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(
                f"Could not fetch {spec} with npm: {error}. Is npm installed and its registry reachable?"
            ) from error
        archive = next(Path(scratch).glob("*.tgz"))
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        for inside, outside in package.files:
            source, goal = Path(scratch) / "package" / inside, target / package.target / outside
            goal.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, goal, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, goal)


if __name__ == "__main__":
    sys.exit(main())
