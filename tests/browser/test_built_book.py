"""The built book, opened from `file://` alone: every player sounds, every choice can be made, nothing breaks."""

from __future__ import annotations

import re

import pytest

from lib.book import gate
from lib.book.browser import opened
from lib.book.build import HTML, ROOT
from tests.browser.drive import drive_explorer, drive_player

pytestmark = pytest.mark.browser

CHAPTERS = re.findall(r"file: (chapters/\S+)|root: (chapters/\S+)", (ROOT / "_toc.yml").read_text())
PAGES = [f"{a or b}.html" for a, b in CHAPTERS]

#: A page may weigh so much beyond the assets that all pages share.
LIMIT_BYTES = 3_000_000


@pytest.fixture(scope="module")
def browser():
    if not (HTML / "chapters").exists():
        pytest.fail("There is no built book to drive: make book")
    with opened() as running:
        yield running


@pytest.fixture
def open_page(browser):
    """Open a page of the book from disk; complain about errors when the test ends."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1200, "height": 900})

    def open_one(name: str, width: int = 1200):
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("request", lambda request: request.url.startswith("http") and complaints.append(f"left: {request.url}"))
        page.goto((HTML / name).as_uri(), wait_until="load")
        page.wait_for_function(
            "document.querySelectorAll('[data-widget]').length >="
            # A finished progress bar of a live computation is no widget of ours.
            " document.querySelectorAll('.cell:not(.tag_expects-progress)"
            ' script[type="application/vnd.jupyter.widget-view+json"]\').length',
            timeout=90_000,
        )
        return page

    yield open_one
    context.close()
    assert complaints == []


def test_the_gate_lets_the_book_pass():
    assert gate.check_pages(HTML) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light(name):
    assert (HTML / name).stat().st_size < LIMIT_BYTES


@pytest.mark.parametrize("name", PAGES)
def test_every_player_sounds(open_page, name):
    page = open_page(name)
    # a question block mounts its player when it unlocks; only the players that can be seen are for now
    for player in page.locator('[data-widget="player"]:visible').all():
        drive_player(page, player)


def test_the_explorer_of_the_nsgt_chapter_does_what_it_says(open_page):
    page = open_page("chapters/part2/02_nsgt.html")
    drive_explorer(page, page.locator('[data-widget="explorer"]').first)


@pytest.mark.parametrize("name", PAGES)
def test_every_choice_can_be_made(open_page, name):
    page = open_page(name)
    for chosen in page.locator("[data-widget] select:visible").all():
        for value in chosen.locator("option").evaluate_all("(all) => all.map((o) => o.value)")[:6]:
            chosen.select_option(value)
            assert chosen.input_value() == value
    for slider in page.locator('[data-widget] input[type="range"]:visible:enabled').all():
        before = slider.input_value()
        slider.focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        after_left = slider.input_value()
        page.keyboard.press("ArrowRight")
        assert before != after_left or slider.input_value() != before, f"a slider of {name} does not move"


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone(open_page, name):
    page = open_page(name, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", PAGES)
def test_no_sound_plays_by_itself(open_page, name):
    page = open_page(name)
    assert page.evaluate("globalThis.__timbre?.context === undefined")
    assert page.locator("audio[autoplay], video[autoplay]").count() == 0
