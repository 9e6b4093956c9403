"""Sphinx extension: the built book loads everything from itself and fetches nothing.

Jupyter Book 1 adds every file under a source folder `_static` to every page, so our assets
lie in `assets/` and join the static path here, after Jupyter Book has looked.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent.parent.parent / "assets"


def setup(app: Any) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", _add_assets)
    app.connect("html-page-context", _drop_thebe, priority=900)
    app.connect("build-finished", _copy_corpus)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_assets(app: Any, config: Any) -> None:
    config.html_static_path += [str(ASSETS / "vendor"), str(ASSETS / "site")]
    config.html_css_files.append("book.css")
    # updated in place: html_theme_options in _config.yml would replace Jupyter Book's own
    config.html_theme_options.update(navbar_start=[], navbar_center=[], navbar_end=[], navbar_persistent=[])


def _drop_thebe(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out thebe: it starts kernels on a remote host, and registers its script twice."""

    def is_thebe(script: Any) -> bool:
        body = (getattr(script, "attributes", None) or {}).get("body") or ""
        return "THEBE_JS_URL" in body or str(getattr(script, "filename", "")).endswith("sphinx-thebe.js")

    context["script_files"] = [script for script in context["script_files"] if not is_thebe(script)]


def _copy_corpus(app: Any, exception: Exception | None) -> None:
    """Put the corpus beside the pages, so that an audio element can play any note, even from `file://`."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "corpus"
    for source in sorted((ASSETS / "corpus").rglob("*.flac")):
        goal = target / source.relative_to(ASSETS / "corpus")
        if goal.exists() and goal.stat().st_size == source.stat().st_size:
            continue
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.unlink(missing_ok=True)
        try:
            os.link(source, goal)
        except OSError:
            shutil.copyfile(source, goal)
