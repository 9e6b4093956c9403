"""Rate it yourself: known spaces are recovered, random answers are called so, a class's files are merged."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import node
import numpy as np
import page as pages
import pytest
from scipy.stats import spearmanr

from lib import corpus, ratings
from lib.errors import BookError
from lib.widgets.rate import COLUMNS, merge, rate, read

ROOT = '[data-widget="rate"]'
WITH_VIOLA = ["Oboe", "Flute", "Violin", "Piano", "Viola"]
PLAN = {"first": 7, "repeats": 4}

# Go through a sitting with a listener: a function of the two instruments and of a coin.
SITTING = """
function sit(listener, seed, plan, sittings = 1) {
  const state = { seed, answers: [] };
  const coin = chance.generator(seed + 99991);
  for (let sitting = 0; sitting < sittings; sitting++) {
    for (let next; (next = design.nextTrial(state, sitting, plan)); ) {
      const rating = Math.max(0, Math.min(1, listener(next.first, next.second, coin)));
      state.answers.push({ ...next, rating: Math.round(100 * rating) / 100, seconds: 5 });
    }
  }
  return state;
}
const gauss = (coin) => Math.sqrt(-2 * Math.log(1 - coin())) * Math.cos(2 * Math.PI * coin());
"""


def evaluate(folder: Path, body: str, argument=None):
    return node.run(folder, "rate", f"(() => {{ {SITTING} {body} }})()", argument)


def known_space(n: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    points = np.random.default_rng(seed).uniform(-1, 1, (n, 2))
    distances = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    return points, 0.05 + 0.9 * distances / distances.max()


def test_the_first_sitting_is_complete_and_each_further_one_completes_one_more(tmp_path: Path):
    body = "return Array.from({ length: 6 }, (_, s) => design.pairsOf(s, 7));"
    sittings = evaluate(tmp_path, body)
    assert [len(pairs) for pairs in sittings] == [21, 7, 8, 9, 10, 11]
    rated: set[frozenset[int]] = set()
    for count, pairs in enumerate(sittings, start=7):
        rated |= {frozenset(pair) for pair in pairs}
        assert rated == {frozenset((i, j)) for i in range(count) for j in range(i)}


def test_repeats_ask_the_extremes_again_in_the_other_order(tmp_path: Path):
    body = "return sit((a, b) => Math.abs(a - b) / 7, 5, argument).answers;"
    answers = evaluate(tmp_path, body, PLAN)
    assert len(answers) == 25
    once, again = answers[:21], answers[21:]
    assert not any(a["repeat"] for a in once)
    assert sorted(a["rating"] for a in again)[:2] == sorted(a["rating"] for a in once)[:2]
    assert sorted(a["rating"] for a in again)[-2:] == sorted(a["rating"] for a in once)[-2:]
    orders = {(a["first"], a["second"]) for a in once}
    assert all((a["second"], a["first"]) in orders for a in again)


def test_order_and_sides_are_random_but_told_again_from_the_seed(tmp_path: Path):
    body = "return [1, 1, 2].map((seed) => sit(() => 0.5, seed, argument).answers.map((a) => [a.first, a.second]));"
    one, same, other = evaluate(tmp_path, body, PLAN)
    assert one == same
    assert one != other
    assert 3 < sum(a < b for a, b in one[:21]) < 18


def test_the_map_is_the_one_the_library_finds(tmp_path: Path):
    whole = ratings.pooled().mean
    for names in (whole.names, whole.names[:7]):
        d = whole.sub(names)
        found = evaluate(tmp_path, "return mds.smacof(argument);", d.matrix.tolist())
        reference = ratings.smacof(d, 2, starts=40)
        # Both stop a little short of the bottom of the same valley.
        assert found["stress"] == pytest.approx(reference.stress, abs=2e-3)
        assert ratings.procrustes(reference.points, np.array(found["points"])).disparity < 0.01


@pytest.mark.parametrize("mirror", [1, -1])
def test_laying_over_is_the_librarys(tmp_path: Path, mirror: int):
    random = np.random.default_rng(3)
    target = random.standard_normal((9, 2))
    moving = 2.5 * (target * [1, mirror]) @ [[0.6, -0.8], [0.8, 0.6]] + [3, -1] + 0.2 * random.standard_normal((9, 2))
    body = "return mds.procrustes(argument[0], argument[1]);"
    found = evaluate(tmp_path, body, [target.tolist(), moving.tolist()])
    truth = ratings.procrustes(target, moving)
    assert found["disparity"] == pytest.approx(truth.disparity, abs=1e-9)
    assert np.array(found["points"]) == pytest.approx(truth.points, abs=1e-9)


def test_rank_correlation_with_ties(tmp_path: Path):
    x, y = [0.1, 0.4, 0.4, 0.9, 0.2, 0.4], [3, 1, 2, 2, 5, 4]
    assert evaluate(tmp_path, "return mds.spearman(...argument);", [x, y]) == pytest.approx(spearmanr(x, y).statistic)


def test_a_known_space_is_recovered_in_spite_of_noise(tmp_path: Path):
    points, d = known_space()
    body = """
      const listener = (a, b, coin) => argument.d[a][b] + 0.08 * gauss(coin);
      return Array.from({ length: 40 }, (_, seed) => {
        const { answers } = sit(listener, seed, { first: 7, repeats: 4 });
        const own = mds.smacof(design.matrix(answers, 7));
        const { disparity } = mds.procrustes(argument.points.slice(0, 7), own.points);
        return { fit: Math.sqrt(1 - disparity), consistent: design.consistency(answers).consistent };
      });"""
    found = evaluate(tmp_path, body, {"points": points.tolist(), "d": d.tolist()})
    # Procrustes correlation with the true places, for listeners who scatter by 8 of 100 points.
    assert np.median([each["fit"] for each in found]) > 0.97
    assert min(each["fit"] for each in found) > 0.9
    assert np.mean([each["consistent"] for each in found]) > 0.9


def test_random_answers_are_called_inconsistent_and_agree_with_nobody(tmp_path: Path):
    published = ratings.pooled().mean.matrix.tolist()
    body = """
      return Array.from({ length: 100 }, (_, seed) => {
        const { answers } = sit((a, b, coin) => coin(), seed, { first: 7, repeats: 4 });
        const own = design.matrix(answers, 7);
        const { rho, p } = mds.mantel(argument.slice(0, 7).map((row) => row.slice(0, 7)), own, { permutations: 199 });
        return { consistent: design.consistency(answers).consistent, rho, p };
      });"""
    found = evaluate(tmp_path, body, published)
    assert np.mean([each["consistent"] for each in found]) <= 0.12
    assert abs(np.mean([each["rho"] for each in found])) < 0.1
    # A fair p-value is below 5 % for one in twenty; three standard errors of 100 draws are 6.5 %.
    assert np.mean([each["p"] <= 0.05 for each in found]) < 0.12


def test_a_slider_left_alone_is_no_consistency(tmp_path: Path):
    body = "return design.consistency(sit(() => 0.5, 1, argument).answers);"
    assert not evaluate(tmp_path, body, PLAN)["consistent"]


def test_a_file_gives_back_the_state_it_was_made_of(tmp_path: Path):
    names = json.dumps(list(ratings.INSTRUMENTS))
    body = f"""
      const state = {{ listener: "0000002a", ...sit((a, b, coin) => coin(), 42, argument, 2) }};
      const text = store.toCsv(toRows(state, {names}));
      const again = fromRows(store.parseCsv(text), {names});
      return [JSON.stringify(state.answers) === JSON.stringify(again.answers), again.listener, again.seed, text];"""
    same, listener, seed, text = evaluate(tmp_path, body, PLAN)
    assert same
    assert (listener, seed) == ("0000002a", 42)
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    assert len(read(path)) == 25 + 9


def test_csv_cells_with_commas_quotes_and_lines(tmp_path: Path):
    rows = [["a", "b"], ["1, 2", 'say "x"'], ["line\nbreak", ""]]
    assert evaluate(tmp_path, "return store.parseCsv(store.toCsv(argument));", rows) == rows


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_pairs": 5}, "10 .* to 66"),
        ({"repeats": 3}, "even number"),
        ({"notes": corpus.notes(instrument="Oboe", midi=range(60, 66), velocity=80)}, "Oboe comes twice"),
        ({"notes": corpus.notes(instrument=["Oboe", "Flute"], midi=63, velocity=80)}, "too few"),
        ({"notes": corpus.notes(instrument=WITH_VIOLA, midi=63, velocity=80)}, "no published ratings of Viola"),
    ],
)
def test_designs_that_make_no_map_are_refused(options, words):
    with pytest.raises(BookError, match=words):
        rate(**options)


def test_notes_of_different_pitch_are_refused():
    notes = [corpus.notes(instrument=name, midi=60 + i, velocity=80)[0] for i, name in enumerate(ratings.INSTRUMENTS)]
    with pytest.raises(BookError, match="different pitches"):
        rate(notes)


def test_the_default_is_seven_instruments_of_one_pitch_and_loudness():
    widget = rate()
    assert widget.first == 7
    assert sorted(widget.names) == sorted(ratings.INSTRUMENTS)
    assert all(one.duration_s == pytest.approx(1.2, abs=0.01) for one in widget.sounds)
    levels = [one.loudness + gain for one, gain in zip(widget.sounds, widget.gains_db)]
    assert np.ptp(levels) < 0.01
    assert widget.published[0][1] == ratings.pooled().mean[widget.names[0], widget.names[1]]


def write(path: Path, listener: str, values: dict[tuple[str, str], float], repeat: float | None = None) -> Path:
    rows = [",".join(COLUMNS)]
    for trial, ((a, b), value) in enumerate(values.items(), start=1):
        rows.append(f"{listener},{trial},1,{a},{b},{value},0,4.2")
    if repeat is not None:
        (a, b), _ = next(iter(values.items()))
        rows.append(f"{listener},{len(values) + 1},1,{b},{a},{repeat},1,4.2")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


TRIANGLE = {("Oboe", "Flute"): 0.2, ("Oboe", "Piano"): 0.8, ("Flute", "Piano"): 0.6}


def test_a_class_is_merged_by_name_with_repeats_as_one_voice(tmp_path: Path):
    one = write(tmp_path / "a.csv", "aa", TRIANGLE, repeat=0.4)
    two = write(tmp_path / "b.csv", "bb", {("Piano", "Oboe"): 0.6, ("Flute", "Oboe"): 0.5, ("Piano", "Flute"): 0.6})
    extra = write(tmp_path / "c.csv", "cc", {("Oboe", "Violin"): 0.9})
    merged = merge([one, two, extra, one])
    assert set(merged.names) == {"Oboe", "Flute", "Piano"}
    assert merged.mean["Oboe", "Flute"] == pytest.approx((0.3 + 0.5) / 2)
    i, j = merged.names.index("Oboe"), merged.names.index("Flute")
    assert merged.n[i, j] == 2
    assert merged.std[i, j] == pytest.approx(np.std([0.3, 0.5], ddof=1))
    assert ratings.smacof(merged.mean, 2).stress < 0.2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no column"),
        ("a,b\n1,2\n", "has no column listener"),
        (",".join(COLUMNS) + "\n", "no answers"),
        (",".join(COLUMNS) + "\nx,1,1,Oboe,Kazoo,0.5,0,1\n", "line 2: 'Kazoo'"),
        (",".join(COLUMNS) + "\nx,1,1,Oboe,Oboe,0.5,0,1\n", "paired with itself"),
        (",".join(COLUMNS) + "\nx,1,1,Oboe,Flute,high,0,1\n", "no number"),
        (",".join(COLUMNS) + "\nx,1,1,Oboe,Flute,1.5,0,1\n", "not between 0 and 1"),
        (",".join(COLUMNS) + "\nx,1,1,Oboe,Flute,nan,0,1\n", "not between 0 and 1"),
        (",".join(COLUMNS) + "\nx,1,1,Oboe,Flute,0.5,0,1\n", "No three instruments"),
    ],
)
def test_bad_files_are_named_with_their_line(tmp_path: Path, text: str, words: str):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BookError, match=words):
        merge([path])


def test_no_files_and_files_that_are_not_there():
    with pytest.raises(BookError, match="no files"):
        merge([])
    with pytest.raises(BookError, match="no file nowhere"):
        read("nowhere.csv")


def answer_all(page, value) -> None:
    while page.locator(f"{ROOT} [data-control=next]").count():
        trial = page.evaluate(f"document.querySelector('{ROOT}').__timbre.trial")
        page.locator(f"{ROOT} [data-control=play]").click()
        page.locator(f"{ROOT} [data-control=rating]").fill(str(round(100 * value(trial["first"], trial["second"]))))
        page.locator(f"{ROOT} [data-control=next]").click()


@pytest.mark.browser
def test_a_listener_who_hears_as_published_and_one_who_guesses(tmp_path: Path):
    widget = rate()
    published = np.array(widget.published)
    path = pages.write_page(tmp_path, [widget])
    with pages.open_page(path) as page:
        page.locator(f"{ROOT} [data-control=begin]").click()
        assert page.locator(f"{ROOT} [data-control=next]").is_disabled()
        page.locator(f"{ROOT} [data-control=play]").click()
        assert pages.rms(page, ROOT) > 0.01
        answer_all(page, lambda a, b: published[a, b])
        page.wait_for_selector(f"{ROOT} .rate-map")
        result = page.evaluate(f"document.querySelector('{ROOT}').__timbre.result")
        assert result["rho"] > 0.98
        assert result["disparity"] < 0.02
        assert result["p"] < 0.01
        assert page.locator(f"{ROOT} .rate-verdict").get_attribute("data-consistent") == "true"
        with page.expect_download() as download:
            page.locator(f"{ROOT} [data-control=export]").click()
        kept = Path(download.value.path())
        assert len(list(csv.DictReader(kept.read_text(encoding="utf-8").splitlines()))) == 25
        merged = merge([kept])
        assert ratings.correlations(merged.mean, ratings.pooled().mean)[1] > 0.98
        text = kept.read_text(encoding="utf-8")
        # It is still there after a visit elsewhere, and gone when told so; the file brings it back.
        page.reload()
        page.wait_for_selector(f"{ROOT} .rate-map")
        page.locator(f"{ROOT} [data-control=reset]").click()
        page.wait_for_selector(f"{ROOT} [data-control=begin]")
        mine = tmp_path / "mine.csv"
        mine.write_text("a,b\n1,2\n", encoding="utf-8")
        page.locator(f"{ROOT} [data-control=import-file]").set_input_files(mine)
        assert "no column" in page.locator(f"{ROOT} [role=alert]").inner_text()
        mine.write_text(text, encoding="utf-8")
        page.locator(f"{ROOT} [data-control=import-file]").set_input_files(mine)
        page.locator(f"{ROOT} [data-control=map]").focus()
        page.keyboard.press("ArrowRight")
        assert pages.rms(page, ROOT) > 0.01
        page.locator(f"{ROOT} [data-control=more]").click()
        assert "of 9" in page.locator(f"{ROOT} .rate-count").inner_text()
        page.locator(f"{ROOT} [data-control=reset]").click()
        page.locator(f"{ROOT} [data-control=begin]").click()
        # Who guesses is tested by the hundred above; this one contradicts itself when asked again the other way round.
        answer_all(page, lambda a, b: 0.1 + 0.8 * (a < b))
        assert page.locator(f"{ROOT} .rate-verdict").get_attribute("data-consistent") == "false"


@pytest.mark.browser
def test_a_trial_fits_a_phone(tmp_path: Path):
    path = pages.write_page(tmp_path, [rate()])
    with pages.open_page(path, width=330) as page:
        page.locator(f"{ROOT} [data-control=begin]").click()
        assert pages.cut_off(page) == []
        # the buttons also keep their distance from the edge
        right = "document.querySelector('{}').getBoundingClientRect().right"
        gap = page.evaluate(f"{right.format(ROOT)} - {right.format(ROOT + ' [data-control=play-second]')}")
        assert gap > 5
