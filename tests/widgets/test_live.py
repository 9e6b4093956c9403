"""Training live: it learns, stops, resumes and listens to its controls; a page without a kernel shows a recording."""

from __future__ import annotations

import datetime
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import page as pages
import pytest

from lib import ratings
from lib.errors import BookError
from lib.results import RESULTS, read_result
from lib.timbre.regularizers import Target
from lib.timbre.table import feature_table
from lib.widgets import live as module
from lib.widgets.live import RECORDING, Session, live, packed, target_of
from lib.widgets.rate import COLUMNS

ROOT = '[data-widget="live"]'
STATE = f"document.querySelector('{ROOT}').__timbre"


@pytest.fixture(scope="module")
def table():
    """A third of the notes: enough to see it learn, fast enough for a test."""
    whole = feature_table()
    return whole.take(np.arange(0, len(whole), 3))


def rated_csv(path: Path, names: list[str]) -> Path:
    """Ratings by somebody who only hears whether an instrument is a string."""
    strings = {"Violin", "Violoncello", "Piano"}
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    far = [0.9 if (a in strings) != (b in strings) else 0.1 for a, b in pairs]
    rows = [f"me,{n},1,{a},{b},{rating},0,3" for n, ((a, b), rating) in enumerate(zip(pairs, far), 1)]
    path.write_text(",".join(COLUMNS) + "\n" + "\n".join(rows) + "\n")
    return path


def test_ratings_come_from_the_pool_or_from_one_s_own_file(tmp_path: Path) -> None:
    assert target_of("published").names == ratings.pooled().names
    names = ["Violin", "Violoncello", "Oboe", "Flute", "Piano"]
    own = target_of(rated_csv(tmp_path / "own.csv", names))
    assert set(own.names) == set(names)
    assert float(own.mean[own.names.index("Violin"), own.names.index("Oboe")]) == pytest.approx(0.9)
    with pytest.raises(BookError, match="no file"):
        target_of(tmp_path / "missing.csv")
    with pytest.raises(BookError, match="regulariser"):
        Session(Target.pooled(), regularizer="magic")  # type: ignore[arg-type]


def test_a_run_learns_stops_and_resumes_where_it_was(table) -> None:
    seen: list[int] = []
    session = Session(Target.pooled(), steps=60, table=table)
    session.show = lambda frame: (seen.append(frame.step), session.fit.trainer.stop() if frame.step == 20 else None)
    assert [frame.step for frame in session.frames] == [0]
    session.start()
    session.wait()
    assert not session.finished and session.fit.trainer.step == 20
    session.show = lambda frame: seen.append(frame.step)
    session.start()
    session.wait()
    assert session.error is None and session.finished
    assert seen == [10, 20, 30, 40, 50, 60]
    first, last = session.frames[0], session.frames[-1]
    assert last.agreement > first.agreement + 0.2
    assert last.reconstruction < session.frames[1].reconstruction
    assert last.positions.shape == (len(session.instruments), 2)
    assert last.seconds > session.frames[1].seconds > 0
    # Turning the map to follow the frame before must not change distances.
    names, _ = session._means(last.positions)
    assert len(session.targets()) == len(names)
    about, raw = packed(session.frames)
    back = np.frombuffer(raw, dtype="<i2").reshape(len(about), -1, 2) / 1000
    assert np.abs(back[-1] - last.positions).max() <= 0.0005 + 1e-9
    assert about[0]["reconstruction"] is None and about[-1]["step"] == 60


def test_strength_matters_and_can_change_under_way(table) -> None:
    pulled, free = (Session(Target.pooled(), steps=60, table=table, strength=s) for s in (30.0, 0.0))
    for session in (pulled, free):
        session.start()
        session.wait()
    assert pulled.frames[-1].agreement > free.frames[-1].agreement + 0.2
    again = Session(Target.pooled(), steps=20, table=table, strength=0.0)
    again.set_strength(30.0)
    assert again.fit.trainer.config.strength == 30.0


def test_the_reader_s_own_ratings_become_the_map(table, tmp_path: Path) -> None:
    names = ["Violin", "Violoncello", "Piano", "Oboe", "Flute", "Clarinet-Bb"]
    session = Session(target_of(rated_csv(tmp_path / "own.csv", names)), steps=80, table=table, strength=30.0)
    assert set(session.instruments) == set(names)
    session.start()
    session.wait()
    found, means = session._means(session.frames[-1].positions)
    gap = np.linalg.norm(means[:, None] - means[None], axis=-1)
    string = np.array([name in {"Violin", "Violoncello", "Piano"} for name in found])
    across, within = gap[string][:, ~string].mean(), gap[string][:, string].sum() / 6
    assert across > 1.5 * within


def test_controls_start_stop_and_begin_afresh(table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ipympl_figure", lambda: None)
    widget = live(steps=40)
    widget._session_of = lambda target, **how: Session(target, table=table, **how)
    assert widget.map.recorded and widget.go.description == "Start"
    widget.go.click()
    assert widget.map.recorded == ""
    assert widget.session is not None
    widget.session.wait()
    assert widget.session.finished and widget.map.frames[-1]["step"] == 40
    assert "40 steps" in widget.says.value and widget.go.description == "Start"
    widget.strength.value = 100.0
    assert widget.session.fit.trainer.config.strength == pytest.approx(100.0)
    widget.again.click()
    assert widget.session is None and widget.map.recorded
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    file = {"name": "x.csv", "content": memoryview(b"nonsense"), "type": "", "size": 8, "last_modified": now}
    widget.upload.value = (file,)
    assert "no column" in widget.says.value


def test_with_ipympl_an_interactive_figure_stands_below() -> None:
    before = plt.get_backend()  # first: importing ipympl chooses it where nothing is chosen yet
    pytest.importorskip("ipympl")
    try:
        plt.switch_backend("module://ipympl.backend_nbagg")
        widget = live()
        assert type(widget.children[-1]).__module__.startswith("ipympl")
        assert len(live().children) == 3
    finally:
        plt.close("all")
        plt.switch_backend(before)
    assert len(live().children) == 2


@pytest.mark.browser
@pytest.mark.skipif(not (RESULTS / RECORDING).exists(), reason="no run is recorded")
def test_a_page_without_a_kernel_shows_a_recording_and_says_so(tmp_path: Path) -> None:
    stored = read_result(RECORDING)["results"]
    assert stored["frames"][-1]["seconds"] < 120
    with pages.open_page(pages.write_page(tmp_path, [live()]), width=360, height=800) as page:
        page.wait_for_selector(f"{ROOT} [data-control=play]")
        page.wait_for_function(f"{STATE}.positions?.length > 0")
        assert page.locator(f"{ROOT} .live-badge").text_content().startswith("A recording")
        assert not page.locator(".live-controls").is_visible()
        last = page.evaluate(f"{STATE}.positions")
        page.locator(f"{ROOT} [data-control=frame]").fill("0")
        assert page.evaluate(f"{STATE}.frame") == 0
        assert page.evaluate(f"{STATE}.positions") != last
        page.locator(f"{ROOT} [data-control=play]").click()
        page.wait_for_function(f"{STATE}.frame > 2")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
