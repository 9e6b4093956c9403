"""A page is stale exactly when something it can depend on changed; committed chapters carry no outputs."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from lib.book import browser, build, gate, vendor
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


@pytest.fixture
def builds(tree, monkeypatch):
    """A build whose Jupyter Book writes one page and whose gate only counts; what each run found on disk."""
    (tree / "chapters").mkdir()
    (tree / "chapters" / "a.md").write_text("# Title\n")
    real, found, gated = build.digest, [], []
    folder = tree / "_build"
    for name, path in (
        ("BUILD", folder),
        ("HTML", folder / "html"),
        ("DIGEST", folder / "inputs"),
        ("SOURCES_DIGEST", folder / "sources"),
        ("PASSED", folder / "passed"),
        ("GATED", ("_build/html", "lib")),
    ):
        monkeypatch.setattr(build, name, path)
    monkeypatch.setattr(build, "digest", lambda paths=("lib", "requirements.txt"): real(paths, tree))
    monkeypatch.setattr(browser, "version", lambda: "a browser")
    outcome = SimpleNamespace(found=found, gated=gated, build_status=0, gate_status=0, folder=folder)

    def jupyter_book(command, **options):
        found.append({part for part in ("html", ".jupyter_cache") if (folder / part).exists()})
        for part in ("html", ".jupyter_cache"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "html" / "a.html").write_text((tree / "chapters" / "a.md").read_text())
        return SimpleNamespace(returncode=outcome.build_status)

    monkeypatch.setattr(build.subprocess, "run", jupyter_book)
    monkeypatch.setattr(gate, "main", lambda argv: gated.append(argv) or outcome.gate_status)
    return outcome


def test_a_second_build_keeps_pages_and_verdict(builds):
    assert build.main([]) == build.main([]) == 0
    assert builds.found == [set(), {"html", ".jupyter_cache"}]
    assert len(builds.gated) == 1


def test_a_changed_chapter_writes_all_pages_from_kept_results_and_meets_the_gate(builds, tree):
    build.main([])
    (tree / "chapters" / "a.md").write_text("# Another title\n")
    build.main([])
    assert builds.found[1] == {".jupyter_cache"}
    assert len(builds.gated) == 2


def test_a_changed_library_executes_everything_and_meets_the_gate(builds, tree):
    build.main([])
    (tree / "lib" / "a.py").write_text("x = 2\n")
    build.main([])
    assert builds.found[1] == set()
    assert len(builds.gated) == 2


def test_a_page_touched_by_hand_meets_the_gate_again(builds, monkeypatch):
    build.main([])
    (builds.folder / "html" / "b.html").write_text("traceback")
    build.main([])
    assert len(builds.gated) == 2
    monkeypatch.setattr(browser, "version", lambda: "another browser")
    build.main([])
    assert len(builds.gated) == 3


def test_what_failed_is_done_again(builds):
    builds.build_status = 2
    assert build.main([]) == 2
    builds.build_status, builds.gate_status = 0, 1
    assert build.main([]) == build.main([]) == 1
    assert builds.found == [set(), {".jupyter_cache"}, {"html", ".jupyter_cache"}]
    assert len(builds.gated) == 2


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
