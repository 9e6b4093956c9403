"""The player and the explorer as Python sees them."""

from __future__ import annotations

import numpy as np
import pytest

from lib.errors import BookError
from lib.widgets.explorer import SECONDS, explorer
from lib.widgets.player import player
from lib.widgets.sound import TARGET_LUFS, sound


def test_it_takes_one_sound_a_dictionary_pairs_or_notes(tone) -> None:
    a, b = tone(220), tone(330)
    assert player(a).names == ["Sound"]
    assert player(sound(b, label="mine")).names == ["mine"]
    assert player({"low": a, "high": b}).names == ["low", "high"]
    assert player([("low", a), ("high", b)]).sounds == player({"low": a, "high": b}).sounds
    assert len(player([a, b]).sounds) == 2
    assert len(player([0.0, 0.1, 0.2]).sounds) == 1


def test_labels_belong_to_the_player_sounds_to_the_page(tone) -> None:
    one, two = player({"before": tone(220)}), player({"after": tone(220)})
    assert one.sounds[0] is two.sounds[0]
    assert (one.names, two.names) == (["before"], ["after"])
    assert one._code is two._code


def test_matching_can_be_switched_off(tone) -> None:
    sounds = {"loud": tone(220, level=0.5), "soft": tone(220, level=0.05)}
    matched, raw = player(sounds), player(sounds, match=False)
    assert raw.gains_db == [0.0, 0.0]
    assert matched.gains_db[1] - matched.gains_db[0] == pytest.approx(20, abs=0.2)
    assert matched.gains_db[0] + matched.sounds[0].loudness == pytest.approx(TARGET_LUFS, abs=1e-6)


def test_it_says_in_words_what_it_holds(tone) -> None:
    made = player({"Oboe": tone(440)}, caption="One note")
    assert made.label == "One note"
    assert made.alt.startswith("Oboe: A4")
    assert "Oboe" in repr(made)


@pytest.mark.parametrize(
    ("sounds", "complaint"),
    [({}, "at least one"), ([], "at least one"), (3, "not int"), ({str(i): [0.1 * i] for i in range(10)}, "at most 9")],
)
def test_bad_input_is_refused(sounds: object, complaint: str) -> None:
    with pytest.raises(BookError, match=complaint):
        player(sounds)


def test_a_long_note_is_cut_and_faded(tone) -> None:
    made = explorer([("Oboe A4", tone(440, seconds=3.0)), ("short", tone(220, seconds=0.5))])
    assert [s.duration_s for s in made.sounds] == [pytest.approx(SECONDS, abs=1e-4), 0.5]
    assert made.instruments == ["Sounds", "Sounds"]


@pytest.mark.parametrize(
    ("arguments", "complaint"), [({"notes": []}, "at least one"), ({"transform": "cwt"}, "no transform 'cwt'")]
)
def test_the_explorer_refuses_what_it_cannot_show(arguments: dict, complaint: str) -> None:
    with pytest.raises(BookError, match=complaint):
        explorer(**arguments)


def test_the_books_explorer_is_light() -> None:
    made = explorer()
    assert len(made.sounds) == 36 and len(set(made.instruments)) == 12
    # The page carries them as base64, a third more: 1.6 MB at most.
    assert sum(len(s.data) for s in made.sounds) < 1.2e6
    assert np.isin(made.first, made.instruments)
