"""Boards: facts against arithmetic by hand, and verdicts that claim no more than they can."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.deploy.boards import (
    BOARDS,
    CORES,
    KB,
    PAPER_TABLE,
    board,
)
from lib.deploy.bounds import (
    Needs,
    arithmetic_floor,
    bounds,
    instruction_floor,
    needs_of,
    peak_macs_per_second,
    verdict,
)
from lib.errors import BookError
from lib.models import make
from lib.pruning.groups import build_like

TINY = Needs("tiny", "float32", 10 * KB, 1 * KB, 1e6, 1e6)
NANO, PI4 = BOARDS["Arduino Nano 33 BLE"], BOARDS["Raspberry Pi 4 Model B"]


def test_every_board_has_a_known_core_and_a_source() -> None:
    for name, one in BOARDS.items():
        assert name == one.name and one.core in CORES and len(one.source) > 10
        assert (one.flash_bytes is None) == (one.kind == "linux")
        if one.price:
            assert len(one.price.date) == 10 and one.price.source
    for core in CORES.values():
        assert core.source and core.max_ipc >= 1


def test_peaks_by_hand() -> None:
    """The peaks of all cores together, in flop/s: the figures usually quoted."""
    quoted = {
        "Raspberry Pi Zero 2 W": 32e9,
        "Raspberry Pi 3 Model B+": 44.8e9,
        "Raspberry Pi 4 Model B": 57.6e9,
        "Raspberry Pi 5": 153.6e9,
        "Arduino Nano 33 BLE": 0.128e9,
        "Teensy 4.1": 1.2e9,
    }
    for name, flops in quoted.items():
        assert 2 * peak_macs_per_second(BOARDS[name], cores=4) == pytest.approx(flops)
    # Without a float unit, the product of two 24-bit mantissas alone.
    assert peak_macs_per_second(BOARDS["Arduino Due"]) == pytest.approx(28e6)
    assert peak_macs_per_second(BOARDS["Arduino Uno R3"]) == pytest.approx(16e6 / 18)


def test_the_papers_table_as_printed() -> None:
    rows = {row.platform: row for row in PAPER_TABLE}
    assert [row.flops for row in PAPER_TABLE] == [160e3, 320e3, 41e6, 53e6]
    printed, real = rows["ATmega2560"], BOARDS["Arduino Mega 2560"]
    assert (printed.clock_hz, printed.ram_bytes) == (32e6, 16 * KB)
    assert (real.clock_hz, real.ram_bytes) == (16e6, 8 * KB)
    assert "16 MHz" in printed.note and "8 kB" in printed.note
    assert rows["RPi 2B"].flops == pytest.approx(41e6 * 900 / 700, rel=0.01)


def test_boards_are_found_by_what_they_call_themselves() -> None:
    assert board("Raspberry Pi 3 Model B Plus Rev 1.3").name == "Raspberry Pi 3 Model B+"
    assert board("Raspberry Pi 5 Model B Rev 1.0").core == "cortex-a76"
    for wrong in ("Raspberry Pi 3 Model B Rev 1.2", "Raspberry Pi 400 Rev 1.0", "toaster"):
        with pytest.raises(BookError, match="known are"):
            board(wrong)


def test_too_big_cannot() -> None:
    for change, resource in (
        ({"flash_bytes": 2 << 20}, "flash"),
        ({"ram_bytes": 300 * KB}, "memory"),
        ({"macs_per_second": 70e6}, "arithmetic"),
        ({"instructions_per_second": {"cortex-m4f": 65e6}}, "instructions"),
    ):
        said = verdict(replace(TINY, **change), NANO)
        assert said.answer == "cannot" and said.bounds[0].resource == resource
        assert said.evidence == ("emulated" if resource == "instructions" else "predicted")
    heavy = replace(TINY, flash_bytes=8 << 20, traffic_bytes_s=13e9, macs_per_second=1e6)
    assert verdict(heavy, PI4).bounds[0].resource == "memory traffic"
    assert verdict(heavy, PI4).answer == "cannot"


def test_weights_in_the_cache_need_no_bandwidth() -> None:
    light = replace(TINY, traffic_bytes_s=1e12)
    assert verdict(light, PI4).answer == "may"


def test_a_bound_never_says_that_it_runs() -> None:
    said = verdict(replace(TINY, instructions_per_second={"cortex-m4f": 16e6}), NANO)
    assert (said.answer, said.evidence) == ("may", "emulated")
    assert said.margin == pytest.approx(4.0)
    assert "at most" in said.says and "stalls" in said.cannot_say


def test_a_synthesiser_is_not_rounded() -> None:
    """4 M products a second fit an AVR in 8 bits, exactly; if half of them need 16 bits, twice the time is needed."""
    mega, coarse = BOARDS["Arduino Mega 2560"], replace(TINY, precision="int8", macs_per_second=4e6)
    assert arithmetic_floor(coarse, mega) == pytest.approx(1.0)
    assert arithmetic_floor(replace(coarse, synthesis_macs_per_second=2e6), mega) == pytest.approx(1.5)


def test_not_even_the_thinnest_ddsp_plays_on_an_avr() -> None:
    """The paper's statement about its Arduinos, on the real chips: forty sines alone are too much for them."""
    thin = build_like(make("ddsp", "book"), dict.fromkeys(make("ddsp", "book").widths, 2))
    for name in ("Arduino Uno R3", "Arduino Mega 2560"):
        for precision in ("float32", "int8"):
            said = verdict(needs_of(thin, precision), BOARDS[name])
            assert said.answer == "cannot" and said.bounds[0].resource == "arithmetic"


def test_only_a_measurement_on_that_board_decides() -> None:
    fast = replace(TINY, measured={PI4.name: 0.25})
    assert (verdict(fast, PI4).answer, verdict(fast, PI4).margin) == ("runs", 4.0)
    assert verdict(fast, BOARDS["Raspberry Pi 5"]).evidence != "measured"
    assert verdict(replace(fast, dropouts={PI4.name: 3}), PI4).answer == "too slow"
    assert verdict(replace(TINY, measured={PI4.name: 1.5}), PI4).answer == "too slow"


def test_more_cores_raise_the_bound() -> None:
    busy = replace(TINY, macs_per_second=10e9)
    assert verdict(busy, PI4).answer == "cannot"
    assert verdict(busy, PI4, cores=4).answer == "may"
    assert instruction_floor(1e9, PI4, cores=9) == instruction_floor(1e9, PI4, cores=4)


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(sorted(BOARDS)),
    scale=st.floats(1e-3, 1e6),
    growth=st.floats(1.0, 100.0),
)
def test_needing_more_never_helps(name: str, scale: float, growth: float) -> None:
    def needs(k: float) -> Needs:
        counted = {BOARDS[name].core: 1e6 * k}
        return Needs(
            "m", "float32", int(1e4 * k), int(1e3 * k), 1e6 * k, 1e6 * k, 5e5 * k, instructions_per_second=counted
        )

    less, more = verdict(needs(scale), BOARDS[name]), verdict(needs(scale * growth), BOARDS[name])
    assert more.margin <= less.margin * (1 + 1e-9)
    assert less.answer == "may" or more.answer == "cannot"


def test_needs_of_the_books_models() -> None:
    for name in ("ddsp", "sing", "wavenet"):
        model = make(name, "book")
        whole, coarse = needs_of(model), needs_of(model, "int8")
        assert coarse.flash_bytes < 0.5 * whole.flash_bytes
        assert whole.macs_per_second == sum(model.macs_per_second().values())
    # WaveNet reads all its weights 16,000 times a second.
    assert whole.traffic_bytes_s == 16_000 * 4 * model.n_parameters()
    # The paper's statement, on the real chip: not even the book's small models fit a Mega 2560 and run in time.
    for name in ("ddsp", "sing", "wavenet"):
        assert verdict(needs_of(make(name, "book"), "int8"), BOARDS["Arduino Mega 2560"]).answer == "cannot"


def test_bounds_are_sorted_and_say_their_evidence() -> None:
    found = bounds(replace(TINY, linked=True), NANO)
    assert [b.load for b in found] == sorted((b.load for b in found), reverse=True)
    assert {b.resource: b.evidence for b in found}["flash"] == "emulated"
