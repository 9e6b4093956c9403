"""Only chapters that exist are measured, and nothing is written for the others."""

from __future__ import annotations

import pytest

from lib.book import times


def test_an_unknown_chapter_is_named_and_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    before = (times.RESULTS / times.RECORD).read_bytes()
    assert times.main(["part2/99_nowhere"]) == 2
    assert "no chapter part2/99_nowhere; there are" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        times.main(["--help"])
    assert (times.RESULTS / times.RECORD).read_bytes() == before
