"""Blind tests: a guesser is not significant, a perfect listener is, and nothing is told before the end."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import node
import numpy as np
import page as pages
import pytest
from scipy import stats

from lib import corpus
from lib.errors import BookError
from lib.widgets.listen import ANCHOR, listen, low_pass
from lib.widgets.sound import sound

ROOT = '[data-widget="listen"]'


def tone(f0_hz: float, seconds: float = 0.4) -> np.ndarray:
    t = np.arange(int(22050 * seconds)) / 22050
    return 0.2 * sum(np.sin(2 * np.pi * h * f0_hz * t) / h for h in range(1, int(10000 / f0_hz)))


PAIR = {"Plain": tone(220), "Pruned": tone(233)}
FOUR = {"Original": tone(300), "Half": tone(310), "Tenth": tone(320)}


@pytest.mark.parametrize(
    ("sounds", "options", "words"),
    [
        (PAIR, {"mode": "abc"}, "'abx' and 'mushra'"),
        ({"One": tone(220)}, {}, "compares 2 sounds"),
        (FOUR, {}, "compares 2 sounds"),
        ({"One": tone(220)}, {"mode": "mushra"}, "2 to 8"),
        (PAIR, {"trials": 4}, "5 to 40"),
        ([tone(220), tone(230)], {}, "dictionary"),
    ],
)
def test_tests_that_tell_nothing_are_refused(sounds, options, words):
    with pytest.raises(BookError, match=words):
        listen(sounds, **options)


def test_the_anchor_lacks_the_treble_and_nothing_else():
    noise = np.random.default_rng(0).standard_normal(44100)
    low = low_pass(noise, 22050)
    f = np.fft.rfftfreq(44100, 1 / 22050)
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(low)) / np.abs(np.fft.rfft(noise)))
    # Flat within a tenth of a decibel, and 50 dB down an eighth above; the cut ends of the noise leak to -58.
    assert np.abs(np.median(gain_db[f < 3200])) < 0.1
    assert np.median(gain_db[f > 4000]) < -50
    widget = listen(FOUR, "mushra")
    assert widget.names == ["Original", "Half", "Tenth", ANCHOR]
    assert widget.anchor == 3
    assert listen(FOUR, "mushra", anchor=False).anchor == -1


def test_notes_and_sounds_of_the_page_make_an_anchor_too():
    note = corpus.notes(instrument="Oboe", midi=63, velocity=80)[0]
    stored = sound(note)
    one, two = (listen({"Original": item, "Other": tone(300)}, "mushra").sounds[2] for item in (note, stored))
    assert one.duration_s == two.duration_s == stored.duration_s
    assert one.loudness == pytest.approx(two.loudness, abs=0.01)
    assert one.loudness < stored.loudness


def test_all_sounds_are_equally_loud():
    widget = listen({"Loud": tone(220), "Soft": 0.1 * tone(220)})
    assert widget.gains_db[1] - widget.gains_db[0] == pytest.approx(20, abs=0.2)


def test_the_p_value_is_the_binomial_one(tmp_path: Path):
    cases = [[k, n] for n in (5, 12, 40) for k in range(n + 1)]
    found = node.run(tmp_path, "listen", "argument.map(([k, n]) => session.tail(k, n))", cases)
    for (k, n), p in zip(cases, found):
        assert p == pytest.approx(stats.binomtest(k, n, 0.5, alternative="greater").pvalue, rel=1e-10)
    assert node.run(tmp_path, "listen", "[5, 12, 20, 40].map((n) => session.needed(n))") == [5, 10, 15, 26]


def test_simulated_listeners(tmp_path: Path):
    expression = """(() => {
      const heard = (listener) => {
        let count = 0;
        for (let seed = 0; seed < 2000; seed++) {
          const { x } = session.abx(seed, 12);
          const coin = chance.generator(seed + 7777777);
          if (session.verdict(x.map((truth) => listener(truth, coin)), x).heard) count += 1;
        }
        return count / 2000;
      };
      return {
        guesser: heard((truth, coin) => (coin() < 0.5 ? 0 : 1)),
        always: heard(() => 0),
        perfect: heard((truth) => truth),
        mostly: heard((truth, coin) => (coin() < 0.9 ? truth : 1 - truth)),
      };
    })()"""
    found = node.run(tmp_path, "listen", expression)
    # Ten of twelve are needed, which a guesser reaches in 1.93 % of sessions; three standard errors are 0.92 %.
    assert found["guesser"] == pytest.approx(0.0193, abs=0.0092)
    assert found["always"] == pytest.approx(0.0193, abs=0.0092)
    assert found["perfect"] == 1.0
    assert found["mostly"] == pytest.approx(stats.binom.sf(9, 12, 0.9), abs=0.025)


def test_orders_are_fair_and_told_again_from_their_seed(tmp_path: Path):
    expression = """(() => {
      const draws = Array.from({ length: 3000 }, (_, seed) => session.abx(seed, 12));
      const place = (seed) => chance.shuffle([0, 1, 2, 3], chance.generator(seed)).indexOf(0);
      const places = draws.map((_, seed) => place(seed));
      return {
        same: JSON.stringify(session.abx(5, 12)) === JSON.stringify(session.abx(5, 12)),
        a: draws.filter((d) => d.a).length / 3000,
        x: draws.map((d) => d.x.filter(Boolean).length).reduce((s, n) => s + n) / 36000,
        places: [0, 1, 2, 3].map((k) => places.filter((found) => found === k).length / 3000),
      };
    })()"""
    found = node.run(tmp_path, "listen", expression)
    assert found["same"]
    # Four standard errors of a fair coin.
    assert found["a"] == pytest.approx(0.5, abs=0.037)
    assert found["x"] == pytest.approx(0.5, abs=0.011)
    assert found["places"] == pytest.approx([0.25] * 4, abs=0.032)


def test_a_missed_reference_is_flagged(tmp_path: Path):
    expression = "argument.map(([ratings, anchor]) => session.screening(ratings, anchor, 90).flagged)"
    cases = [[[100, 60, 20], 2], [[89, 60, 20], 2], [[90, 60, 20], 2], [[100, 60, 95], 2], [[100, 60], -1]]
    assert node.run(tmp_path, "listen", expression, cases) == [False, True, False, True, False]


def finish_abx(page, choose) -> None:
    """Go through all trials; `choose` says 0 or 1 from the three buffers."""
    last = f"Array.from(document.querySelector('{ROOT}').__timbre.lastBuffer.slice(0, 2000))"
    while page.locator(f"{ROOT} [data-control=play-x]").count():
        heard = []
        for letter in "abx":
            page.locator(f"{ROOT} [data-control=play-{letter}]").click()
            heard.append(page.evaluate(last))
        assert not page.locator(f"{ROOT} .listen-verdict").count()
        page.locator(f"{ROOT} [data-control=answer-{'ab'[choose(*heard)]}]").click()


@pytest.mark.browser
def test_a_perfect_listener_and_a_guesser_in_the_page(tmp_path: Path):
    path = pages.write_page(tmp_path, [listen(PAIR, trials=8, seed=3)])
    with pages.open_page(path) as page:
        page.wait_for_selector(f"{ROOT} [data-control=play-x]")
        assert page.locator(f"{ROOT} [data-control=answer-a]").is_disabled()
        assert "Plain" not in page.locator(ROOT).inner_text()
        finish_abx(page, lambda a, b, x: 0 if x == a else 1)
        assert page.locator(f"{ROOT} .listen-verdict").get_attribute("data-heard") == "true"
        assert "8 of 8 right" in page.locator(f"{ROOT} .listen-score").inner_text()
        assert "Plain" in page.locator(ROOT).inner_text()
        with page.expect_download() as download:
            page.locator(f"{ROOT} [data-control=export]").click()
        rows = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8").splitlines()))
        assert len(rows) == 8
        assert all(row["right"] == "1" and row["x"] == row["answer"] and row["seed"] == "3" for row in rows)
        page.locator(f"{ROOT} [data-control=known-1]").click()
        assert pages.rms(page, ROOT) > 0.01
        page.reload()
        page.wait_for_selector(f"{ROOT} .listen-verdict")
        page.locator(f"{ROOT} [data-control=reset]").click()
        coin = random.Random(1)
        finish_abx(page, lambda a, b, x: coin.randrange(2))
        assert page.locator(f"{ROOT} .listen-verdict").get_attribute("data-heard") == "false"


@pytest.mark.browser
def test_abx_by_keyboard(tmp_path: Path):
    path = pages.write_page(tmp_path, [listen(PAIR, trials=5)])
    with pages.open_page(path, width=390) as page:
        page.wait_for_selector(f"{ROOT} [data-control=play-x]")
        page.locator(f"{ROOT} [data-control=play-a]").focus()
        for _ in range(5):
            for key in "xa1":
                page.keyboard.press(key)
        page.wait_for_selector(f"{ROOT} .listen-verdict")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_mushra_hides_names_keeps_the_place_and_flags_a_missed_reference(tmp_path: Path):
    path = pages.write_page(tmp_path, [listen(FOUR, "mushra", seed=5)])
    with pages.open_page(path) as page:
        page.wait_for_selector(f"{ROOT} [data-control=finish]")
        assert "Original" not in page.locator(ROOT).inner_text()
        assert page.locator(f"{ROOT} [data-control=finish]").is_disabled()
        last = f"Array.from(document.querySelector('{ROOT}').__timbre.lastBuffer.slice(0, 2000))"
        page.locator(f"{ROOT} [data-control=play-reference]").click()
        reference = page.evaluate(last)
        found = None
        for i in range(1, 5):
            page.locator(f"{ROOT} [data-control=play-{i}]").click()
            if page.evaluate(last) == reference:
                found = i
            page.locator(f"{ROOT} [data-control=rating-{i}]").fill(str(10 * i))
        assert found is not None
        page.locator(f"{ROOT} [data-control=finish]").click()
        assert page.locator(f"{ROOT} .listen-verdict").get_attribute("data-flagged") == "true"
        page.locator(f"{ROOT} [data-control=reset]").click()
        for i in range(1, 5):
            page.locator(f"{ROOT} [data-control=play-{i}]").click()
            page.locator(f"{ROOT} [data-control=rating-{i}]").fill("100" if i == found else "40")
        page.locator(f"{ROOT} [data-control=finish]").click()
        assert page.locator(f"{ROOT} .listen-verdict").get_attribute("data-flagged") == "false"
        with page.expect_download() as download:
            page.locator(f"{ROOT} [data-control=export]").click()
        rows = {r["condition"]: r for r in csv.DictReader(Path(download.value.path()).read_text().splitlines())}
        assert rows["Original"]["rating"] == "100"
        assert rows[ANCHOR]["role"] == "anchor"
