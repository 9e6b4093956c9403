"""A page broken on purpose proves, rule by rule, that the gate bites; a sound page passes."""

from __future__ import annotations

import json

import pytest

from lib.book import gate

STATE = '<script type="application/vnd.jupyter.widget-state+json">{}</script>'
VIEW = '<script type="application/vnd.jupyter.widget-view+json">{"model_id": "m1"}</script>'
SAVED = STATE.format(json.dumps({"state": {"m1": {}}}))
GOOD = f"""<!doctype html><html><head><title>t</title><link rel="icon" href="data:,"></head><body>
<h1 id="top">Sound</h1><a href="#top">up</a><a href="other.html#there">other</a>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="a spectrum">
<div class="cell tag_expects-player"><div class="cell_output">{VIEW}<div data-widget="player"></div></div></div>
<div class="cell tag_raises-exception"><div class="output traceback">ValueError: meant</div></div>
{SAVED}</body></html>"""
OTHER = '<!doctype html><html><head><link rel="icon" href="data:,"></head><body><p id="there">x</p></body></html>'


@pytest.fixture
def book(tmp_path):
    (tmp_path / "page.html").write_text(GOOD)
    (tmp_path / "other.html").write_text(OTHER)
    return tmp_path


def broken(book, old: str, new: str) -> set[str]:
    text = GOOD.replace(old, new)
    assert text != GOOD, "the test must break something"
    (book / "page.html").write_text(text)
    return {finding.rule for finding in gate.check_pages(book)}


def test_a_sound_book_passes(book):
    assert gate.check_pages(book) == []


def test_an_empty_folder_is_no_book(tmp_path):
    assert [finding.rule for finding in gate.check_pages(tmp_path)] == ["pages"]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("tag_raises-exception", "", "error"),
        ("output traceback", "output stderr", None),
        ('<h1 id="top">', '<div class="output stderr">Warning: x</div><h1 id="top">', "error"),
        ("<title>", '<script src="https://cdn.jsdelivr.net/x.js"></script><title>', "cdn"),
        ("<title>", '<link rel="stylesheet" href="//fonts.googleapis.com/x.css"><title>', "cdn"),
        ("<title>", '<script>import("https://unpkg.com/three")</script><title>', "cdn"),
        ("<title>", '<link rel="canonical" href="https://example.org/"><title>', None),
        ('alt="a spectrum"', "", "alt"),
        ('alt="a spectrum"', 'alt="../_images/2f1c.png"', "alt"),
        ("</body>", '<figure class="tb-figure"><svg role="img"></svg></figure></body>', "alt"),
        ("#top", "#bottom", "link"),
        ("other.html#there", "other.html#nowhere", "link"),
        ("other.html#there", "missing.html", "link"),
        ("other.html#there", "../outside.html", "link"),
        (VIEW + '<div data-widget="player"></div>', "", "widgets"),
        ("tag_expects-player", "", "widgets"),
        ("tag_expects-player", "tag_expects-player tag_expects-explorer", "widgets"),
        ('"m1": {}', '"m2": {}', "widgets"),
    ],
)
def test_each_rule_bites(book, old, new, rule):
    assert broken(book, old, new) == ({rule} if rule else set())


@pytest.mark.browser
def test_the_browser_passes_a_sound_book(book):
    assert gate.check_in_browser(book) == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("</body>", '<script>fetch("https://example.org/x").catch(() => 0)</script></body>', "network"),
        ("</body>", '<script src="gone.js"></script></body>', "network"),
        ("</body>", "<script>throw new Error('broken on purpose')</script></body>", "console"),
        ("</body>", "<script>console.error('broken on purpose')</script></body>", "console"),
    ],
)
def test_the_browser_sees_what_the_files_do_not_show(book, old, new, rule):
    (book / "page.html").write_text(GOOD.replace(old, new))
    assert rule in {finding.rule for finding in gate.check_in_browser(book, ["page.html"])}


@pytest.mark.browser
def test_a_widget_that_never_appears_is_missed(book, monkeypatch):
    (book / "page.html").write_text(GOOD.replace('<div data-widget="player">', "<div>"))
    monkeypatch.setattr(gate, "PATIENCE_MS", 500)
    assert {finding.rule for finding in gate.check_in_browser(book, ["page.html"])} == {"widgets"}
