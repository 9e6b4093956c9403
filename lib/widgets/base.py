"""How a widget reaches the page: its modules joined into one text, stored once however many copies are shown."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import ipywidgets
from ipywidgets import widget_serialization
from traitlets import Instance, Unicode

from lib.errors import BookError

#: The folder that holds `shared/` and one folder for each widget.
ROOT = Path(__file__).resolve().parent

_IMPORT = re.compile(r'^import \* as (\w+) from "(\.{1,2}/[\w./-]+\.js)";[ \t]*$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|let|class) +(\w+))", re.MULTILINE)
_OTHER_MODULE_SYNTAX = re.compile(r"^(?:import\b.*|export (?!default ).*)$", re.MULTILINE)

# The `_esm` of every widget: fetch the real code from the model it is stored in, once per page.
_STUB = """
const shared = (globalThis.__timbre ??= {});
const modules = (shared.modules ??= new Map());
function load(code) {
  const digest = code.get("digest");
  if (!modules.has(digest)) {
    const style = document.createElement("style");
    style.textContent = code.get("css");
    document.head.append(style);
    const url = URL.createObjectURL(new Blob([code.get("javascript")], { type: "text/javascript" }));
    modules.set(digest, import(url));
  }
  return modules.get(digest);
}
export default {
  async render(context) {
    const reference = context.model.get("_code").slice("IPY_MODEL_".length);
    const module = await load(await context.model.widget_manager.get_model(reference));
    return module.default.render(context);
  },
};
"""


def bundle(name: str) -> str:
    """Join `widgets/<name>/widget.js` and the modules it imports into the text of one ES module.

    A widget's module is loaded from a blob, where relative imports cannot resolve. So each imported
    file becomes a constant named like the file, made by a function that returns its exports; two files
    can use the same private names. Only `import * as fft from "../shared/fft.js";` is understood, and
    the name must be the file's.

    Args:
        name: a widget's folder, or `shared/<module>` for one shared module alone (as the tests use it).

    Raises:
        BookError: there is no such file, an import or export is written another way, or imports go in a circle.
    """
    shared = name.startswith("shared/")
    entry = ROOT / f"{name}.js" if shared else ROOT / name / "widget.js"
    parts = [f"const INSTRUMENT_STYLE = {json.dumps(_instrument_style(), sort_keys=True)};"]
    modules: dict[str, Path] = {}
    for path in _imports(_read(entry), entry):
        _add_module(path, modules, parts, above=(entry,))
    body = _IMPORT.sub("", _read(entry)).lstrip("\n")
    _refuse_other_syntax(_EXPORT.sub("", body), entry)
    return "\n".join([*parts, f"// --- {entry.relative_to(ROOT)}", body])


def css(name: str) -> str:
    """Join the shared style sheet and `widgets/<name>/widget.css`."""
    return _read(ROOT / "shared" / "base.css") + _read(ROOT / name / "widget.css")


class Code(ipywidgets.Widget):
    """The JavaScript and style of one kind of widget, as a model without a view that all its copies point to."""

    javascript = Unicode().tag(sync=True)
    css = Unicode().tag(sync=True)
    digest = Unicode().tag(sync=True)

    _made: ClassVar[dict[str, Code]] = {}

    @classmethod
    def of(cls, name: str) -> Code:
        """Return the code of widget `name` as its files are now, made at most once per kernel."""
        javascript, style = bundle(name), css(name)
        digest = hashlib.sha256((javascript + style).encode()).hexdigest()
        code = cls._made.get(digest)
        if code is None or code.comm is None:
            code = cls._made[digest] = cls(javascript=javascript, css=style, digest=digest)
        return code


class Widget(anywidget.AnyWidget):
    """The base of every widget of the book.

    A subclass names its folder in `folder` and adds its own traits. `label` is the name a screen reader
    gives the widget; `alt` says in words what it shows, and is also its plain-text representation.
    """

    folder: ClassVar[str]
    _esm = _STUB
    _code = Instance(Code).tag(sync=True, **widget_serialization)
    label = Unicode().tag(sync=True)
    alt = Unicode().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(_code=Code.of(self.folder), **traits)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.alt or self.label}>"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BookError(f"No {path.relative_to(ROOT)} in lib/widgets; is the widget's name right?") from None


def _imports(text: str, path: Path) -> list[Path]:
    found = []
    for name, target in _IMPORT.findall(text):
        module = (path.parent / target).resolve()
        if name != module.stem:
            raise BookError(f"{path.name} imports {module.name} as {name}; import it as {module.stem}.")
        found.append(module)
    return found


def _add_module(path: Path, modules: dict[str, Path], parts: list[str], above: tuple[Path, ...]) -> None:
    """Append the module at `path` to `parts`, after everything it imports."""
    if path in above:
        raise BookError(f"{path.name} imports itself by way of {above[-1].name}; move what both need to a third file.")
    if modules.get(path.stem) == path:
        return
    if path.stem in modules:
        raise BookError(f"Two modules are called {path.stem}: {modules[path.stem]} and {path}; rename one.")
    text = _read(path)
    for target in _imports(text, path):
        _add_module(target, modules, parts, (*above, path))
    modules[path.stem] = path
    body = _IMPORT.sub("", text)
    exports = _EXPORT.findall(body)
    body = _EXPORT.sub("", body)
    _refuse_other_syntax(body, path)
    returned = f"return {{ {', '.join(exports)} }};"
    parts.append(f"// --- {path.relative_to(ROOT)}\nconst {path.stem} = (() => {{\n{body}\n{returned}\n}})();")


def _refuse_other_syntax(body: str, path: Path) -> None:
    other = _OTHER_MODULE_SYNTAX.search(body)
    if other:
        raise BookError(
            f'{path.name}: cannot join "{other.group(0)}"; write import * as name from "./name.js"; '
            "and export function, const, let or class."
        )


def _instrument_style() -> dict[str, Any]:
    """Read the colours and markers of the instruments, so that pictures and widgets agree."""
    try:
        from lib.plotting import INSTRUMENT_STYLE
    except ImportError:
        return {}
    keys = ("colour_light", "colour_dark", "marker", "family")
    return {
        name: {key: style[key] if isinstance(style, dict) else getattr(style, key) for key in keys}
        for name, style in INSTRUMENT_STYLE.items()
    }
