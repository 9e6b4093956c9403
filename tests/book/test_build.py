"""A page is stale exactly when something it can depend on changed; committed chapters carry no outputs."""

from __future__ import annotations

import json

import pytest

from lib.book import build, vendor
from lib.plotting import palette_css


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "lib" / "widgets").mkdir(parents=True)
    (tmp_path / "lib" / "a.py").write_text("x = 1\n")
    (tmp_path / "lib" / "widgets" / "w.js").write_text("let x = 1;\n")
    (tmp_path / "requirements.txt").write_text("numpy==1\n")
    return tmp_path


def test_digest_is_the_same_for_the_same_inputs(tree):
    paths = ("lib", "requirements.txt")
    assert build.digest(paths, tree) == build.digest(paths, tree)


@pytest.mark.parametrize("change", ["lib/a.py", "lib/widgets/w.js", "requirements.txt", "lib/new.py"])
def test_any_change_makes_pages_stale(tree, change):
    paths = ("lib", "requirements.txt")
    record = tree / "record"
    record.write_text(build.digest(paths, tree))
    assert not build.is_stale(build.digest(paths, tree), record)
    (tree / change).write_text("changed\n")
    assert build.is_stale(build.digest(paths, tree), record)


def test_another_speed_makes_pages_stale(tree, monkeypatch):
    before = build.digest(("lib",), tree)
    monkeypatch.setenv("TIMBRE_SPEED", "class")
    assert build.digest(("lib",), tree) != before


def test_compiled_files_do_not_count(tree):
    before = build.digest(("lib",), tree)
    (tree / "lib" / "__pycache__").mkdir()
    (tree / "lib" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert build.digest(("lib",), tree) == before


def test_chapters_are_committed_without_outputs():
    notebooks = sorted((build.ROOT / "chapters").rglob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = json.loads(path.read_text())
        assert "widgets" not in notebook["metadata"], path.name
        for cell in notebook["cells"]:
            assert not cell.get("outputs") and not cell.get("execution_count"), path.name


def test_vendored_files_are_those_recorded():
    assert vendor.main(["--check"]) == 0


def test_stylesheet_holds_the_palette_of_the_figures():
    assert palette_css() in (build.ROOT / "assets" / "site" / "book.css").read_text()
