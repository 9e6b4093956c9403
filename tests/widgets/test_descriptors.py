"""The descriptor explorer: the numbers of the table, filters that filter, notes that sound."""

from __future__ import annotations

import shutil
from pathlib import Path

import node
import numpy as np
import page as pages
import pytest

from lib import corpus
from lib.descriptors import DESCRIPTORS
from lib.errors import BookError
from lib.widgets.descriptors import descriptors

ROOT = '[data-widget="descriptors"]'
NAMES = ("Oboe", "Flute", "Piano")


def rows(seed: int = 0) -> list[dict]:
    """Notes with known numbers: three instruments, twelve pitches."""
    random = np.random.default_rng(seed)
    return [
        {
            "instrument": name, "midi": midi, "velocity": 80,
            **{key: float(random.uniform(0.1, 1)) for key in DESCRIPTORS},
            "centroid_hz": 440 * 2 ** ((midi - 69) / 12) * (1 + k),
            "log_attack_time": -2.0 + 0.05 * (midi - 60) + 0.1 * k,
            "inharmonicity": None if name == "Flute" else 1e-4 * k,
        }
        for k, name in enumerate(NAMES)
        for midi in range(60, 72)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": "brightness"}, "No descriptor 'brightness'"),
        ({"only": ["Kazoo"]}, "No notes of 'Kazoo'"),
        ({"rows": []}, "no notes to show"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, words):
    with pytest.raises(BookError, match=words):
        descriptors(**{"rows": rows(), **options})


def test_the_page_gets_the_numbers_of_the_table_and_gaps_as_gaps():
    table = rows()
    widget = descriptors(rows=table)
    values = np.frombuffer(widget.values, dtype="<f4").reshape(len(table), len(widget.descriptors))
    keys = [each["key"] for each in widget.descriptors]
    assert keys == [*DESCRIPTORS, "f0_hz"]
    hertz = {note.midi: note.f0_hz for note in corpus.notes()}
    assert values[:, keys.index("f0_hz")] == pytest.approx([hertz[row["midi"]] for row in table], rel=1e-5)
    assert values[:, keys.index("centroid_hz")] == pytest.approx([row["centroid_hz"] for row in table], rel=1e-6)
    missing = [row["inharmonicity"] is None for row in table]
    assert np.isnan(values[:, keys.index("inharmonicity")]).tolist() == missing
    notes = np.frombuffer(widget.notes, dtype=np.uint8).reshape(-1, 3)
    shown = [(widget.instruments[i], midi, velocity) for i, midi, velocity in notes.tolist()]
    assert shown == [(row["instrument"], row["midi"], row["velocity"]) for row in table]
    assert descriptors(rows=table, only=["Oboe"]).instruments == ["Oboe"]


def test_all_notes_of_the_corpus_are_shown_and_their_files_are_where_the_page_looks():
    widget = descriptors()
    notes = np.frombuffer(widget.notes, dtype=np.uint8).reshape(-1, 3)
    files = {f"{widget.instruments[i]}/{midi:03d}-{velocity:03d}.flac" for i, midi, velocity in notes.tolist()}
    assert files == {note.file for note in corpus.notes()}
    # Every descriptor of the panel has a name to show.
    assert {row["descriptor"] for row in widget.axes.get("rows", [])} <= {d["key"] for d in widget.descriptors}


def test_the_kernel_sends_a_note_and_nothing_but_a_note():
    widget = descriptors(rows=rows())
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, buffers))
    note = corpus.notes(instrument="Oboe", midi=63, velocity=80)[0]
    widget._answer(widget, {"file": note.file}, [])
    widget._answer(widget, {"file": "../corpus.csv"}, [])
    widget._answer(widget, "nonsense", [])
    assert sent[0][0] == {"file": note.file}
    assert sent[0][1] == [note.path.read_bytes()]
    assert all("error" in content and buffers is None for content, buffers in sent[1:])


def test_correlation_is_numpys_and_leaves_out_gaps(tmp_path: Path):
    random = np.random.default_rng(1)
    x, y = random.uniform(1, 9, 40), random.uniform(1, 9, 40)
    body = "plot.correlation([...argument[0], NaN, 2], [...argument[1], 1, NaN], true, false)"
    found = node.run(tmp_path, "descriptors", body, [x.tolist(), y.tolist()])
    assert found["n"] == 40
    assert found["r"] == pytest.approx(np.corrcoef(np.log(x), y)[0, 1])
    assert node.run(tmp_path, "descriptors", "plot.correlation([1, 2], [1, 2])")["r"] is None


def test_axes_hold_the_values_and_ticks_are_round(tmp_path: Path):
    body = """argument.map(([values, log]) => {
      const a = plot.axis(values, log);
      return { ticks: a.ticks, places: values.map(a.place), low: a.low, high: a.high };
    })"""
    hertz = [55.0 * 2 ** (k / 4) for k in range(30)]
    signed = [-0.2, 0.0, 0.3, 1.1]
    log, linear, flat, none = node.run(
        tmp_path, "descriptors", body, [[hertz, True], [signed, False], [[3, 3, 3], False], [[-1, 0], True]]
    )
    assert [tick for tick in log["ticks"] if 60 < tick < 8000] == [100, 200, 500, 1000, 2000, 5000]
    assert np.diff(log["places"]) == pytest.approx(np.full(29, np.diff(log["places"])[0]))
    assert 0 in linear["ticks"]
    assert all(0 <= place <= 1 for place in linear["places"])
    assert flat["low"] < 3 < flat["high"]
    assert none["places"] == [None, None]


def test_arrows_go_to_the_nearest_note_on_that_side(tmp_path: Path):
    points = [[0, 0], [10, 2], [30, 0], [12, 30], None, [-5, 1], [1, -8]]
    body = "[[1, 0], [-1, 0], [0, 1], [0, -1]].map((d) => plot.neighbour(argument, 0, d))"
    assert node.run(tmp_path, "descriptors", body, points) == [1, 5, 3, 6]
    assert node.run(tmp_path, "descriptors", "plot.neighbour(argument, 2, [1, 0])", points) == -1


def test_numbers_read_well(tmp_path: Path):
    body = "argument.map(([v, unit]) => plot.formatValue(v, unit))"
    cases = [[1234.5, "Hz"], [440.2, "Hz"], [-1.234, "log10 s"], [1.04e-6, ""], [-0.00012, ""], [0, "dB"]]
    assert node.run(tmp_path, "descriptors", body, cases) == [
        "1.23 kHz", "440 Hz", "−1.23", "1.0 · 10⁻⁶", "−1.2 · 10⁻⁴", "0 dB",
    ]  # fmt: skip


@pytest.mark.browser
def test_filters_axes_keys_and_sound(tmp_path: Path):
    path = pages.write_page(tmp_path, [descriptors(rows=rows())])
    for note in corpus.notes(instrument=list(NAMES), midi=range(60, 72), velocity=80):
        goal = tmp_path / "_static" / "corpus" / note.file
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(note.path, goal)
    with pages.open_page(path) as page:
        page.evaluate("document.documentElement.dataset.content_root = './'")
        page.wait_for_function(f"document.querySelector('{ROOT}')?.__timbre?.shown === 36")

        def get(what: str):
            return page.evaluate(f"document.querySelector('{ROOT}').__timbre.{what}")

        info = page.locator(f"{ROOT} .descriptors-info")
        before = get("correlation")
        page.locator(f"{ROOT} [data-control=instrument-Flute]").click()
        assert get("shown") == 24
        assert get("correlation") != before
        page.locator(f"{ROOT} [data-control=lowest]").fill("66")
        assert get("shown") == 12
        page.locator(f"{ROOT} [data-control=highest]").fill("62")  # the two never cross
        assert page.locator(f"{ROOT} [data-control=lowest]").input_value() == "62"
        page.locator(f"{ROOT} [data-control=reset]").click()
        assert get("shown") == 36
        page.locator(f"{ROOT} [data-control=y]").select_option("inharmonicity")
        assert get("shown") == 24  # the flute has none here
        page.locator(f"{ROOT} [data-control=swap]").click()
        assert page.locator(f"{ROOT} [data-control=x]").input_value() == "inharmonicity"
        page.locator(f"{ROOT} [data-control=reset]").click()
        page.locator(f"{ROOT} [data-control=all]").click()
        assert get("shown") == 0
        page.locator(f"{ROOT} [data-control=all]").click()
        # A key on the plot chooses a note and says it; Enter plays its file.
        page.locator(f"{ROOT} [data-control=plot]").focus()
        page.keyboard.press("ArrowRight")
        first = info.inner_text()
        assert "velocity 80" in first
        page.keyboard.press("ArrowUp")
        assert info.inner_text() != first
        page.keyboard.press("Enter")
        page.wait_for_function(f"document.querySelector('{ROOT}').__timbre.player?.currentTime > 0.2")
        assert get("file").split("/")[0] in info.inner_text()
        assert 0 < get("volume") <= 1
        # A click does the same for what lies under it.
        box = page.locator(f"{ROOT} [data-control=plot]").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(300)


@pytest.mark.browser
def test_without_files_or_kernel_it_says_so(tmp_path: Path):
    path = pages.write_page(tmp_path, [descriptors(rows=rows())])
    with pages.open_page(path, width=390, height=844) as page:
        page.wait_for_function(f"document.querySelector('{ROOT}')?.__timbre?.shown === 36")
        page.locator(f"{ROOT} [data-control=plot]").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_selector(f"{ROOT}[data-error]", timeout=8000)
        assert "no kernel" in page.locator(f"{ROOT} .descriptors-info").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_the_panel_on_the_timbre_space_sorts_by_strength(tmp_path: Path):
    path = pages.write_page(tmp_path, [descriptors()])
    with pages.open_page(path) as page:
        page.wait_for_function(f"document.querySelector('{ROOT}')?.__timbre?.shown > 1000")
        if not page.locator(f"{ROOT} [data-control=axes]").count():
            pytest.skip("the axes are not measured yet")
        page.locator(f"{ROOT} summary").click()
        for axis in (1, 2):
            page.locator(f"{ROOT} [data-control=axis-{axis}]").click()
            last = page.locator(f"{ROOT} .descriptors-row span:last-child").all_inner_texts()
            strength = [abs(float(text.replace("−", "-"))) for text in last]
            assert strength == sorted(strength, reverse=True)
            assert len(strength) >= 10
