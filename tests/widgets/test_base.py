"""Bundles: modules joined into one text, and clear words when they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib.errors import BookError
from lib.widgets import base
from lib.widgets.base import Code, bundle, css


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shared").mkdir()
    (tmp_path / "toy").mkdir()
    monkeypatch.setattr(base, "ROOT", tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("__", "/")).with_suffix(".js").write_text(text)


def test_private_names_of_two_modules_do_not_clash(folder: Path, node) -> None:
    write(
        folder,
        shared__one="const secret = 1;\nexport function value() { return secret; }\n",
        shared__two='import * as one from "./one.js";\nconst secret = 2;\nexport const sum = secret + one.value();\n',
        shared__three='import * as two from "./two.js";\nimport * as one from "./one.js";\n'
        "export function all() { return [one.value(), two.sum]; }\n",
    )
    assert node("three", "return m.all();") == [1, 3]


def test_each_module_is_joined_once_and_after_what_it_needs(folder: Path) -> None:
    write(
        folder,
        shared__a="export const x = 1;\n",
        shared__b='import * as a from "./a.js";\nexport const y = a.x;\n',
        toy__widget='import * as b from "../shared/b.js";\nimport * as a from "../shared/a.js";\nexport default {};\n',
    )
    text = bundle("toy")
    assert text.count("const a = (() =>") == 1
    assert text.index("const a = (() =>") < text.index("const b = (() =>") < text.index("export default")
    assert "import *" not in text


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"toy__widget": 'import { h } from "../shared/dom.js";\n'}, "cannot join"),
        ({"toy__widget": 'import * as d from "../shared/dom.js";\n'}, "import it as dom"),
        ({"toy__widget": 'import * as gone from "../shared/gone.js";\n'}, "No shared/gone.js"),
        (
            {
                "toy__widget": 'import * as a from "../shared/a.js";\n',
                "shared__a": 'import * as b from "./b.js";\n',
                "shared__b": 'import * as a from "./a.js";\n',
            },
            "imports itself",
        ),
        ({"toy__widget": 'import * as a from "../shared/a.js";\n', "shared__a": "export { x };\n"}, "cannot join"),
        (
            {
                "toy__widget": 'import * as a from "../shared/a.js";\nimport * as b from "./b.js";\n',
                "shared__a": "",
                "toy__b": 'import * as a from "./a.js";\n',
                "toy__a": "",
            },
            "Two modules",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused(folder: Path, files: dict[str, str], complaint: str) -> None:
    write(folder, **files)
    with pytest.raises(BookError, match=complaint):
        bundle("toy")


def test_an_unknown_widget_is_refused() -> None:
    with pytest.raises(BookError, match=r"No nowhere/widget\.js"):
        bundle("nowhere")


@pytest.mark.parametrize("name", ["player", "explorer"])
def test_the_widgets_of_the_book_can_be_joined(name: str) -> None:
    assert "export default" in bundle(name)
    assert ".timbre {" in css(name) and f".timbre-{name}" in css(name)


def test_instruments_bring_their_colours() -> None:
    assert '"Oboe": {' in bundle("player")


def test_code_is_made_once_until_a_file_changes(folder: Path) -> None:
    write(folder, toy__widget="export default {};\n")
    (folder / "shared" / "base.css").write_text("")
    (folder / "toy" / "widget.css").write_text("")
    first = Code.of("toy")
    assert Code.of("toy") is first
    write(folder, toy__widget="export default { changed: true };\n")
    assert Code.of("toy") is not first
