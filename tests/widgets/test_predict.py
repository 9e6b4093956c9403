"""Predict, then hear: locked until committed, then fixed; the score is kept and exported."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import page as pages
import pytest

from lib.errors import BookError
from lib.widgets.predict import predict

ROOT = '[data-widget="predict"]'


def tone(f0_hz: float = 220.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * f0_hz * np.arange(11025) / 22050)).astype(np.float32)


def choice(**changes):
    arguments = {
        "question": "Take away the even harmonics of a saw-tooth. Does it sound *hollow* or bright?",
        "options": ["Hollow", "Brighter", "The same"],
        "answer": "Hollow",
        "explanation": "Odd harmonics alone are what a clarinet gives in its low register.",
        "sounds": {"All harmonics": tone(), "Odd only": tone(330)},
    }
    return predict(**{**arguments, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"answer": "hollow"}, "none of the options"),
        ({"answer": 3}, "options 0 to 2"),
        ({"options": ["one"]}, "2 to 6"),
        ({"options": ["Hollow", "Hollow"]}, "read the same"),
        ({"question": " "}, "needs a question"),
        ({"options": (0, 10), "answer": 11}, "not on the slider"),
        ({"options": (10, 0), "answer": 1}, "lower to a higher"),
        ({"options": (0, 10), "answer": 1, "logarithmic": True}, "above 0"),
        ({"options": (1, 10), "answer": 2, "tolerance": 0.5, "logarithmic": True}, "cannot be met"),
    ],
)
def test_what_cannot_be_asked_is_refused(changes, words):
    with pytest.raises(BookError, match=words):
        choice(**changes)


def test_answer_by_position_or_by_text():
    assert choice(answer=1).answer == 1
    assert choice(answer="Brighter").answer == 1


def test_two_words_are_options_and_two_numbers_a_slider():
    assert predict("Which?", ("Oboe", "Flute"), "Oboe").options == ["Oboe", "Flute"]
    slider = predict("How many?", (0, 200), 40)
    assert slider.options == []
    assert (slider.step, slider.tolerance) == (2.0, 20.0)


def test_the_question_reads_without_javascript():
    data = choice()._repr_mimebundle_()
    data = data[0] if isinstance(data, tuple) else data
    for text in (data["text/plain"], data["text/html"]):
        assert "saw-tooth" in text
        assert "Hollow" in text
        assert "clarinet" in text
    assert "<script" not in predict("Is 1 < 2? <script>", ["Yes", "No"], 0).as_html()


def test_the_key_is_the_same_in_every_build_and_differs_between_questions():
    assert choice().key == choice().key
    assert choice().key != choice(question="Another one?").key


@pytest.mark.browser
def test_locked_until_committed_then_fixed(tmp_path: Path):
    path = pages.write_page(tmp_path, [choice()])
    with pages.open_page(path) as page:
        page.wait_for_selector(f"{ROOT} [data-control=commit]")
        assert page.locator(f"{ROOT} [data-control=commit]").is_disabled()
        assert page.locator('[data-widget="player"]').count() == 0
        assert not page.locator(f"{ROOT} .predict-explanation").is_visible()
        page.locator(f"{ROOT} [data-control=option-1]").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_selector('[data-widget="player"] [data-control=play]')
        assert page.locator(f"{ROOT} .predict-verdict").inner_text() == "You said Brighter; it is Hollow."
        assert page.locator(f"{ROOT} [data-control=option-1]").is_disabled()
        assert "0 of 1 right" in page.locator(f"{ROOT} [data-role=score]").inner_text()
        page.locator('[data-widget="player"] [data-control=sound-2]').click()
        assert pages.rms(page, '[data-widget="player"]') > 0.005
        # The answer outlives the page and cannot be given again.
        page.reload()
        page.wait_for_selector(f"{ROOT} .predict-verdict:visible")
        assert page.locator(f"{ROOT} [data-control=option-2]").is_checked()
        page.wait_for_selector('[data-widget="player"]')
        page.locator(f"{ROOT} [data-control=reset]").click()
        assert page.locator('[data-widget="player"]').count() == 0
        assert page.locator(f"{ROOT} [data-control=option-1]").is_enabled()
        page.reload()
        page.wait_for_selector(f"{ROOT} [data-control=commit]")
        assert not page.locator(f"{ROOT} .predict-verdict").is_visible()


@pytest.mark.browser
def test_numbers_are_right_within_their_tolerance_and_the_score_is_exported(tmp_path: Path):
    near = predict("What share can go?", (0, 100), 95, "Nearly all.", unit="%", tolerance=10)
    ratio = predict("How high is the centroid?", (100, 10000), 1500, unit="Hz", logarithmic=True)
    path = pages.write_page(tmp_path, [near, ratio])
    with pages.open_page(path, width=390) as page:
        page.wait_for_selector(f"{ROOT} >> nth=1")
        first, second = page.locator(ROOT).nth(0), page.locator(ROOT).nth(1)
        first.locator("[data-control=number]").fill("86")
        first.locator("[data-control=commit]").click()
        assert first.locator(".predict-verdict").inner_text() == "You said 86 %; it is 95 %: close enough."
        second.locator("[data-control=number]").focus()
        page.keyboard.press("ArrowRight")  # one step above the middle, 1,000 Hz: too far from 1,500
        second.locator("[data-control=commit]").click()
        assert "it is 1500 Hz." in second.locator(".predict-verdict").inner_text()
        for one in (first, second):
            assert "1 of 2 right" in one.locator("[data-role=score]").inner_text()
        with page.expect_download() as download:
            first.locator("[data-control=export]").click()
        rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
        assert [(row["question"], row["predicted"], row["right"]) for row in rows] == [
            ("What share can go?", "86", "1"),
            ("How high is the centroid?", rows[1]["predicted"], "0"),
        ]
        assert float(rows[1]["predicted"]) == pytest.approx(1023.3, abs=1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
