"""A page with a few widgets and nothing else, as the built book would show them: no kernel, no network."""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ipywidgets import Widget
from ipywidgets.embed import dependency_state, embed_data

from lib.book.browser import opened

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "assets" / "vendor"

#: Flags beside those of every check of the book; a test may add its own.
EXTRA_FLAGS = ["--mute-audio"]

# The book's own style sheet, so that a screenshot looks like the book.
_STYLE = ROOT / "assets" / "site" / "book.css"
# What the theme does beside it to lists that a widget uses for its numbers.
_PAGE = """
dl[class]:not(.option-list, .field-list, .footnote, .glossary, .simple) { margin-bottom: 3rem; }
dl[class]:not(.option-list, .field-list, .footnote, .glossary, .simple) dd { margin-left: 2rem; }
body { margin: 24px auto; padding: 0 16px; max-width: 820px; background: var(--pst-color-background);
       color: var(--pst-color-text-base); font-family: var(--pst-font-family-base); }
@media (max-width: 480px) { body { margin: 8px auto; padding: 0 10px; } }
"""


def vendored(name: str) -> Path:
    """Return a vendored script of the book, or skip the test that needs it."""
    path = VENDOR / {"require.js": "requirejs", "embed-amd.js": "html-manager", "index.js": "anywidget"}[name] / name
    if not path.exists():
        pytest.skip(f"assets/vendor has no {name}; make it again as assets/vendor/README.md says")
    return path


def write_page(folder: Path, widgets: Sequence[Widget], *, theme: str = "light") -> Path:
    """Write `folder/index.html` with the widgets and the scripts they need; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("require.js", "embed-amd.js"):
        shutil.copy(vendored(name), folder / name)
    shutil.copy(vendored("index.js"), folder / "anywidget.js")
    shutil.copy(_STYLE, folder / "book.css")
    shutil.copytree(VENDOR / "fonts", folder / "fonts", dirs_exist_ok=True)
    data = embed_data(views=list(widgets), state=dependency_state(list(widgets), drop_defaults=False))
    views = "\n".join(
        f'<script type="application/vnd.jupyter.widget-view+json">{json.dumps(view)}</script>'
        for view in data["view_specs"]
    )
    state = json.dumps(data["manager_state"]).replace("</", "<\\/")
    page = folder / "index.html"
    page.write_text(
        f"""<!doctype html>
<html lang="en" data-theme="{html.escape(theme)}"><head><meta charset="utf-8"><title>Widgets</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="book.css"><style>{_PAGE}</style>
<script src="require.js"></script>
<script>
requirejs.config({{ waitSeconds: 60, paths: {{ anywidget: new URL("anywidget", document.baseURI).href }} }});
</script>
<script src="embed-amd.js" data-jupyter-widgets-cdn="/no-cdn/"></script>
</head><body>
<script type="application/vnd.jupyter.widget-state+json">{state}</script>
{views}
</body></html>""",
        encoding="utf-8",
    )
    return page


@contextmanager
def open_page(path: Path, *, width: int = 1100, height: int = 900, dark: bool = False) -> Iterator[Any]:
    """Open a page from `file://` in a headless browser; fail afterwards if it logged an error or asked the network."""
    with opened(EXTRA_FLAGS) as browser:
        page = browser.new_page(
            viewport={"width": width, "height": height},
            device_scale_factor=2 if width < 600 else 1,
            color_scheme="dark" if dark else "light",
        )
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda r: errors.append(r.url) if r.url.startswith(("http:", "https:")) else None)
        page.goto(path.as_uri())
        if dark:
            page.evaluate("document.documentElement.dataset.theme = 'dark'")
        try:
            yield page
        except Exception as failure:
            failure.add_note("The page said: " + ("\n".join(errors) or "nothing"))
            raise
        assert not errors, "\n".join(errors)


def cut_off(page: Any) -> list[str]:
    """Controls that reach beyond their widget, and numbers that do not fit their tile."""
    return page.evaluate(
        "[...document.querySelectorAll('[data-widget] :is(button, select, input, canvas, dd)')].filter(e => {"
        " const b = e.getBoundingClientRect(), r = e.closest('[data-widget]').getBoundingClientRect();"
        " const wide = e.tagName === 'DD' && e.scrollWidth > e.clientWidth;"
        " return b.width && (wide || b.left < r.left - 1 || b.right > r.right + 1); })"
        ".map(e => e.outerHTML.slice(0, 80))"
    )


def rms(page: Any, selector: str) -> float:
    """Root mean square of what the widget at `selector` played last, at the level it played."""
    return page.evaluate(
        "s => { const b = document.querySelector(s).__timbre.lastBuffer;"
        " return b ? Math.sqrt(b.reduce((a, x) => a + x * x, 0) / b.length) : 0; }",
        selector,
    )
