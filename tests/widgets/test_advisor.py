"""The board advisor says what the table says, for every choice, and lets the model be heard."""

from __future__ import annotations

from pathlib import Path

import node
import numpy as np
import page as pages
import pytest

from lib import results
from lib.deploy.boards import BOARDS
from lib.errors import BookError
from lib.widgets.advisor import STEP, advisor, least_load

ROOT = '[data-widget="advisor"]'


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return results.read_result("deploy/table.json")["results"]["rows"]


def control(page, name: str):
    return page.locator(f'{ROOT} [data-control="{name}"]')


def verdict(page) -> dict:
    return page.evaluate(f"document.querySelector('{ROOT}').__timbre.verdict")


def test_the_page_computes_the_load_of_a_block_as_the_library_does(tmp_path: Path) -> None:
    cases = [(10.0, 64, 160), (1.49, 512, 160), (35.0, 2048, 256), (3.0, 64, 1)]
    found = node.run(tmp_path, "advisor", "argument.map((one) => leastLoad(...one))", cases)
    assert found == pytest.approx([least_load(*case) for case in cases])


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"table\.json"):
        advisor(folder=tmp_path)


@pytest.mark.browser
def test_every_board_gets_the_answer_of_the_table(tmp_path: Path, rows: list[dict]) -> None:
    path = pages.write_page(tmp_path, [advisor()])
    with pages.open_page(path, width=400) as page:
        control(page, "verdict").wait_for()
        own = [row for row in rows if (row["model"], row["precision"]) == ("ddsp", "int8")]
        row = min(own, key=lambda row: abs(row["removed"] - 0.9))
        for name in BOARDS:
            control(page, "board").select_option(name)
            found, shown = row["boards"][name], verdict(page)
            load = least_load(found["margin"], 512, STEP["ddsp"]) if found["margin"] is not None else 0.0
            late = found["answer"] == "may" and found["margin"] is not None and found["margin"] < 1e6 and load > 1
            assert shown["answer"] == ("cannot" if late else found["answer"]), name
            assert shown["evidence"] == found["evidence"]
            assert found["says"][:40] in control(page, "says").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_a_shorter_block_leaves_less_room_and_reset_undoes_it(tmp_path: Path) -> None:
    path = pages.write_page(tmp_path, [advisor()])
    with pages.open_page(path) as page:
        control(page, "verdict").wait_for()
        before = verdict(page)["load"]
        control(page, "block").select_option("64")
        assert verdict(page)["load"] == pytest.approx(before * 160 / 64 / (4 * 160 / 512))
        control(page, "removed").focus()
        page.keyboard.press("Home")
        assert page.evaluate(f"document.querySelector('{ROOT}').__timbre.row.round") == 0
        control(page, "reset").click()
        assert verdict(page)["load"] == pytest.approx(before)


@pytest.mark.browser
def test_the_model_is_heard(tmp_path: Path) -> None:
    path = pages.write_page(tmp_path, [advisor()])
    with pages.open_page(path) as page:
        control(page, "play").click()
        page.wait_for_function(f"document.querySelector('{ROOT}').__timbre.lastBuffer !== null")
        heard = np.array(page.evaluate(f"Array.from(document.querySelector('{ROOT}').__timbre.lastBuffer)"))
        assert 0.01 < np.abs(heard).max() <= 1.0
        control(page, "hear-1").click()
        assert control(page, "hear-1").get_attribute("aria-pressed") == "true"
