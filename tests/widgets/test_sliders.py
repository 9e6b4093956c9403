"""Descriptor sliders: what is asked for is found, and what is shown was measured on the sound."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import node
import numpy as np
import page as pages
import pytest

from lib import descriptors
from lib.errors import BookError
from lib.timbre import export
from lib.timbre.space import load_space
from lib.widgets.loudness import loudness_lufs
from lib.widgets.sliders import sliders

ROOT = '[data-widget="sliders"]'
STATE = f"document.querySelector('{ROOT}').__timbre"


def library_s(samples: np.ndarray, f0_hz: float) -> list[float]:
    found = descriptors.describe(samples, 22050, f0_hz=f0_hz)
    return [found["centroid_hz"], found["bandwidth_hz"], np.log10(found["flatness"]), loudness_lufs(samples, 22050)]


@pytest.mark.parametrize("wrong", [{"instrument": "Kazoo"}, {"midi": 20}])
def test_what_cannot_be_played_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BookError):
        sliders(**wrong)


SEARCH = """(() => {
  const bytes = Buffer.from(argument.data, "base64");
  const opened = space.open({ data: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
                              layout: argument.layout, about: argument.about });
  return argument.asked.map(([instrument, midi, names, part]) => {
    const reach = steer.reachOf(opened, instrument, midi);
    const known = reach.near.map((z) => steer.measured(steer.soundOf(opened, z, midi), midi));
    const ranges = steer.settle(reach, known);
    const wanted = {};
    for (const name of names) {
      const { low, high } = ranges[steer.NAMES.indexOf(name)];
      wanted[name] = low + part * (high - low);
    }
    const found = steer.solve(opened, reach, ranges, wanted, midi, known);
    const samples = steer.soundOf(opened, found.z, midi);
    return { samples: Array.from(samples), values: steer.measured(samples, midi), wanted, ranges, away: found.away,
             z: Array.from(found.z), origin: Array.from(reach.origin),
             expected: steer.expected(opened, found.z, midi) };
  });
})()"""


def test_single_descriptors_are_met_within_a_hundredth_of_the_instrument_s_range(tmp_path: Path) -> None:
    packed = export.pack_decoder(load_space())
    names = ["centroid", "bandwidth", "flatness", "loudness"]
    places = [("Clarinet-Bb", 62), ("Oboe", 69), ("Piano", 60), ("Violoncello", 48), ("Flute", 76)]
    asked = [[who, midi, [name], part] for who, midi in places for name in names for part in (0.15, 0.85)]
    data = {"data": base64.b64encode(packed.data).decode(), "layout": packed.layout, "about": packed.about}
    found = node.run(tmp_path, "sliders", SEARCH, json.loads(json.dumps({**data, "asked": asked})))
    errors = []
    for (_, midi, (name,), _), one in zip(asked, found):
        values = library_s(np.array(one["samples"], dtype=np.float32), 440 * 2 ** ((midi - 69) / 12))
        # The page measures with the library's definitions; samples travelled as decimal float32.
        assert np.allclose(one["values"][:3], values[:3], rtol=1e-4, atol=1e-3)
        assert one["values"][3] == pytest.approx(values[3], abs=0.01)
        # Slopes come from the spectrum one expects: its centroid is that of the sound within a tenth.
        assert one["expected"][0] == pytest.approx(values[0], rel=0.1)
        k = names.index(name)
        width = one["ranges"][k]["high"] - one["ranges"][k]["low"]
        errors.append(abs(values[k] - one["wanted"][name]) / width)
        head = load_space().head_dims
        assert np.allclose(one["z"][:head], one["origin"][:head], atol=1e-6)  # the rated code does not move
        assert one["away"] >= 0
    assert np.mean(errors) < 0.01
    assert np.median(errors) < 0.005


@pytest.mark.browser
def test_sliders_show_what_was_measured_and_shade_what_is_out_of_reach(tmp_path: Path) -> None:
    with pages.open_page(pages.write_page(tmp_path, [sliders()]), width=360, height=900) as page:
        page.wait_for_selector(ROOT)
        page.wait_for_function(f"{STATE}?.achieved")
        rest = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"))
        page.locator(f"{ROOT} [data-control=centroid]").fill("420")
        page.wait_for_function(f"'centroid' in {STATE}.asked")
        state = page.evaluate(f"(({{ asked, achieved, ranges }}) => ({{ asked, achieved, ranges }}))({STATE})")
        samples = np.array(page.evaluate(f"Array.from({STATE}.lastBuffer)"), dtype=np.float32)
        assert np.linalg.norm(samples - rest) > 0.05 * np.linalg.norm(rest)
        values = library_s(samples, 440 * 2 ** ((62 - 69) / 12))
        assert state["achieved"]["centroid"] == pytest.approx(values[0], rel=1e-3)
        width = state["ranges"][0]["high"] - state["ranges"][0]["low"]
        assert abs(values[0] - state["asked"]["centroid"]) < 0.02 * width
        shown = page.locator(f"{ROOT} [data-control=got-centroid]").text_content()
        assert shown in (f"{values[0]:.0f} Hz", f"{values[0] / 1000:.2f} kHz")
        assert "Reached" in page.locator(f"{ROOT} [data-control=verdict]").text_content()
        low, high = (page.evaluate(
            f"Number(document.querySelector('{ROOT} .sliders-band i').style.getPropertyValue('{side}'))"
        ) for side in ("--low", "--high"))  # fmt: skip
        assert 0 < low < high < 1
        page.locator(f"{ROOT} [data-control=centroid]").fill("1000")
        page.wait_for_function(
            f"document.querySelector('{ROOT} [data-control=verdict]').textContent.includes('outside what most')"
        )
        page.locator(f"{ROOT} [data-control=play]").click()
        page.wait_for_timeout(500)
        assert page.evaluate("globalThis.__timbre.rms()") > 1e-3
        page.locator(f"{ROOT} [data-control=reset]").click()
        page.wait_for_function(f"Object.keys({STATE}.asked).length === 0")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
