"""Exported spaces: ONNX and the page's JavaScript against torch, digit by digit."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lib import corpus
from lib.errors import BookError
from lib.timbre import export, navigate, synthesize
from lib.timbre.note_features import decibels
from lib.timbre.pitch import estimate_f0
from lib.timbre.space import Space, load_space
from lib.timbre.vae import pitch_code
from lib.widgets.base import bundle

NAMES = export.SHIPPED


@cache
def opened(name: str) -> tuple[Space, export.Notes]:
    space = load_space(name)
    return space, export.load_notes(space)


def packed_json(packed: export.Packed) -> dict[str, Any]:
    return {"data": base64.b64encode(packed.data).decode(), "layout": packed.layout, "about": packed.about}


@pytest.fixture
def node(tmp_path: Path):
    """Run JavaScript that knows shared modules by name and `input` as data; `open` opens a packed space."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node on PATH")

    def run(body: str, data: Any, modules: tuple[str, ...] = ("space", "additive", "pitch", "note")) -> Any:
        for name in modules:
            (tmp_path / f"{name}.mjs").write_text(bundle(f"shared/{name}"))
        (tmp_path / "data.json").write_text(json.dumps(data))
        imports = "\n".join(f'import * as {name} from "./{name}.mjs";' for name in modules)
        (tmp_path / "main.mjs").write_text(
            f'{imports}\nimport fs from "node:fs";\n'
            'const input = JSON.parse(fs.readFileSync(new URL("data.json", import.meta.url)));\n'
            "const open = ({ data, layout, about }) => {\n"
            '  const bytes = Buffer.from(data, "base64");\n'
            "  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);\n"
            "  return space.open({ data: view, layout, about });\n"
            "};\n"
            f"const result = (() => {{ {body} }})();\n"
            "console.log(JSON.stringify(result, (k, v) => (ArrayBuffer.isView(v) ? [...v] : v)));\n"
        )
        done = subprocess.run([program, str(tmp_path / "main.mjs")], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("name", NAMES)
def test_onnx_computes_what_torch_computes(name: str, tmp_path: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    space, notes = opened(name)
    files = export.export_onnx(space, tmp_path)
    pick = np.arange(0, len(notes), 40)
    midi = notes.midi[pick].astype(np.float32)
    code = pitch_code(torch.from_numpy(midi)).numpy()
    session = ort.InferenceSession(str(files["decoder"]), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"z": notes.points[pick], "pitch": code})
    wanted = space.decode(notes.points[pick], midi)
    assert np.abs(found - wanted).max() < 1e-4  # magnitudes of a frame have a norm of 1
    session = ort.InferenceSession(str(files["encoder"]), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"magnitudes": wanted, "pitch": code})
    v, _ = space.free_code(wanted[:, None], midi, np.zeros((len(pick), 1), dtype=np.float32))
    assert np.abs(found - v[:, 0]).max() < 1e-4


def test_the_committed_onnx_files_are_those_of_the_shipped_space() -> None:
    ort = pytest.importorskip("onnxruntime")
    space, notes = opened(NAMES[0])
    session = ort.InferenceSession(str(export.ONNX / f"{NAMES[0]}-decoder.onnx"), providers=["CPUExecutionProvider"])
    midi = notes.midi[:8].astype(np.float32)
    (found,) = session.run(None, {"z": notes.points[:8], "pitch": pitch_code(torch.from_numpy(midi)).numpy()})
    assert np.abs(found - space.decode(notes.points[:8], midi)).max() < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_the_page_decodes_to_what_torch_decodes_with_the_same_weights(name: str, node) -> None:
    space, notes = opened(name)
    packed = export.pack_decoder(space)
    pick = np.arange(0, len(notes), 25)
    pitches = notes.midi[pick] + np.linspace(-3, 3, len(pick))  # fractions too
    asked = {"space": packed_json(packed), "z": notes.points[pick].tolist(), "midi": pitches.tolist()}
    body = "const s = open(input.space); return input.z.map((z, i) => s.decode(z, input.midi[i]));"
    found = np.array(node(body, asked))
    wanted = export.rounded(space).decode(notes.points[pick], pitches.astype(np.float32))
    # The bar of the book: 1e-4 of a frame whose norm is 1; float32 against float64 leaves about 1e-6.
    assert np.abs(found - wanted).max() < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_rounding_costs_less_than_a_tenth_of_a_decibel_and_the_page_stays_small(name: str) -> None:
    space, notes = opened(name)
    assert 0.0 < export.rounding_db(space, notes) < 0.1  # the decoder itself is off by 1 to 3 dB
    packed = export.pack_decoder(space)
    widths = {"f4": 4, "i2": 2, "i1": 1}
    weights = sum(np.prod(a["shape"]) * widths[a["kind"]] for a in packed.layout if a["name"].startswith("decoder"))
    assert weights * 4 / 3 <= 400_000  # base64, as a page stores it
    assert len(packed.data) * 4 / 3 <= 400_000  # even with every note


def test_views_and_paths_in_the_page_are_those_of_the_library(node) -> None:
    space, notes = opened(NAMES[0])
    packed = export.pack_decoder(space)
    found = node(
        """const s = open(input);
        const [a, b] = [s.instruments[0], s.instruments[5]];
        return { a: a.mean, b: b.mean, pathA: a.path, pathB: b.path,
                 linear: space.linear(a.mean, b.mean, 5), spherical: space.spherical(a.mean, b.mean, 5),
                 expressive: space.expressive(a.path, b.path, 7),
                 place: [0, 1, 2].map((k) => s.view.coordinate(a.mean, k)) };""",
        packed_json(packed),
    )
    a, b = np.array(found["a"]), np.array(found["b"])
    names = list(corpus.INSTRUMENTS)
    own = notes.points[notes.instrument == names[0]]
    assert np.abs(a - own.mean(axis=0)).max() < 1e-3  # points are stored in 16 bits
    assert np.allclose(found["linear"], navigate.linear(a, b, 5), atol=1e-5)
    assert np.allclose(found["spherical"], navigate.spherical(a, b, 5), atol=1e-5)
    paths = np.array(found["pathA"]), np.array(found["pathB"])
    assert np.allclose(found["expressive"], navigate.expressive(*paths, 7), atol=1e-5)
    shown = notes.take(np.isin(notes.instrument, names))
    flat, _ = export.flat_view(space, shown)
    assert np.allclose(found["place"], flat.project(a)[:3], atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_axes_of_the_page_keep_distances(name: str) -> None:
    space, notes = opened(name)
    flat, names = export.flat_view(space, notes)
    assert len(names) == len(flat.axes) == export.N_AXES
    assert np.allclose(flat.axes @ flat.axes.T, np.eye(export.N_AXES), atol=1e-6)
    # With equal weights for instruments, the share an axis explains is that of the weighted variance along it.
    weight = np.array([1.0 / (notes.instrument == i).sum() for i in notes.instrument])
    weight /= weight.sum()
    centred = notes.points - weight @ notes.points
    total = weight @ np.square(centred).sum(axis=1)
    assert np.allclose(flat.explained, weight @ np.square(centred @ flat.axes.T) / total, atol=1e-6)


def test_the_flat_map_passes_through_its_notes_and_keeps_its_two_coordinates(node) -> None:
    space, _ = opened(NAMES[0])
    found = node(
        """const s = open(input); const map = space.flatMap(s, [0, 1]);
        return Array.from({ length: 40 }, (_, n) => {
          const i = n * 20; const at = map.at(map.x[i], map.y[i], s.notes.midi[i]);
          return { place: map.place(at.z), wanted: [map.x[i], map.y[i]], shares: at.shares, own: s.notes.instrument[i],
                   attack: at.attack, slope: at.slope };
        });""",
        packed_json(export.pack_decoder(space)),
    )
    for one in found:
        assert np.allclose(one["place"], one["wanted"], atol=1e-4)
        assert sum(one["shares"]) == pytest.approx(1.0)
        assert 0.0005 < one["attack"] < 3.0
        assert -100 <= one["slope"] <= 100
    # On a dot, most of what fills in the other dimensions comes from its own instrument.
    assert np.mean([one["shares"][one["own"]] for one in found]) > 0.5


@pytest.mark.parametrize("f0_hz", [73.4, 220.0, 440.0, 1318.5])
def test_harmonics_and_noise_are_split_as_in_the_library(f0_hz: float, node) -> None:
    space, notes = opened(NAMES[0])
    spectra = space.decode(notes.points[::90], 69.0 + 12 * np.log2(f0_hz / 440))
    asked = {"spectra": spectra.tolist(), "f0": f0_hz, "hz": space.frequencies_hz.tolist()}
    found = node("return input.spectra.map((x) => additive.splitHarmonics(x, input.hz, input.f0));", asked)
    amplitudes, noise = synthesize.split_harmonics(spectra, space.frequencies_hz, f0_hz)
    # Same steps in double precision; the decoded float32 spectra travel as decimal numbers.
    assert np.allclose([one["amplitudes"] for one in found], amplitudes, atol=1e-6)
    assert np.allclose([one["noise"] for one in found], noise, atol=1e-6)


def test_a_note_without_noise_is_the_library_s_sample_by_sample(node, monkeypatch: pytest.MonkeyPatch) -> None:
    space, notes = opened(NAMES[0])
    spectra = space.decode(notes.points[[3, 200]], 57.0)
    how = synthesize.plain(220.0, 1.0, vibrato_cents=30.0, attack_s=0.06)
    found = node(
        """const how = additive.plain(220, 1, { vibrato: 30, attack: 0.06 });
        const { spectra, hz, phases } = input;
        return { sound: additive.render(spectra, how, hz, { noise: false, phases }), ...how };""",
        {"spectra": spectra.tolist(), "hz": space.frequencies_hz.tolist(), "phases": [0.1 * k * k for k in range(80)]},
    )
    assert np.allclose(found["f0"], how.f0_hz, rtol=1e-5)
    assert np.allclose(found["level"], how.level, atol=1e-6)

    class Fixed:
        def random(self, n: int) -> np.ndarray:
            return 0.1 * np.arange(n) ** 2 / (2 * np.pi)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Fixed())
    wanted = synthesize.additive(spectra, how, space.frequencies_hz, with_noise=False)
    error = np.array(found["sound"]) - wanted
    # Powers of a turn are multiplied up in float32 on both sides: 60 dB apart is what 80 of them leave.
    assert np.linalg.norm(error) < 1e-3 * np.linalg.norm(wanted)


def test_noise_in_the_page_is_as_strong_as_in_the_library(node) -> None:
    space, notes = opened(NAMES[0])
    flute = notes.points[notes.instrument == "Flute"].mean(axis=0)
    spectra = space.decode(flute[None], 72.0)
    asked = {"spectra": spectra.tolist(), "hz": space.frequencies_hz.tolist()}
    body = "additive.render(input.spectra, additive.plain(523.25, 2), input.hz, { noise })"
    both = node(f"return [true, false].map((noise) => {body});", asked)
    how = synthesize.plain(523.25, 2.0)
    ours = [synthesize.additive(spectra, how, space.frequencies_hz, with_noise=noise) for noise in (True, False)]

    def between(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(np.asarray(sound) * np.hanning(len(sound)))) ** 2
        hz = np.fft.rfftfreq(len(sound), 1 / 22050)
        gap = np.abs(hz / 523.25 - np.round(hz / 523.25)) > 0.2
        return 10 * np.log10(power[gap & (hz > 600) & (hz < 7000)].sum() / power.sum())

    # Two draws of noise: their power over some thousand bins differs by a few tenths of a dB.
    assert between(both[0]) == pytest.approx(between(ours[0]), abs=1.0)
    assert between(both[1]) < between(both[0]) - 6


SOUNDS = (("Oboe", 69), ("Piano", 60), ("Violin", 76), ("Tenor-Trombone", 52), ("Tuba", 41))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_places_sounds_where_the_library_does(name: str, node) -> None:
    space, _ = opened(name)
    sounds = [corpus.notes(instrument=i, midi=m, velocity=80)[0].audio() for i, m in SOUNDS]
    sounds.append(sounds[0][:7000])  # short: the other head
    asked = {"space": packed_json(export.pack_encoder(space)), "sounds": [s.tolist() for s in sounds]}
    body = "const e = open(input.space); return input.sounds.map((s) => note.place(Float32Array.from(s), e));"
    found = node(body, asked)
    page = export.rounded(space)
    for sound, one in zip(sounds, found):
        place = page.place(sound)
        assert one["f0"] == pytest.approx(place.f0_hz, rel=1e-6)
        assert one["seconds"] == pytest.approx(place.features.duration_s, abs=1e-9)
        assert np.allclose(one["spectra"], place.features.spectra, atol=1e-5)
        # float32 transforms in torch against float64 here; features are in dB or logarithms.
        assert np.allclose(one["note"], place.features.note, atol=0.02), np.abs(one["note"] - place.features.note).max()
        # Coordinates have a spread of about 1.
        assert np.abs(np.array(one["z"]) - place.point).max() < 5e-3
        if place.likeness:
            assert {k: round(v, 2) for k, v in one["likeness"].items()} == pytest.approx(
                {k: round(v, 2) for k, v in place.likeness.items()}, abs=0.011
            )


def test_pitch_in_the_page_is_the_library_s(node) -> None:
    rng = np.random.default_rng(0)
    t = np.arange(9000) / 22050
    sounds = [np.sin(2 * np.pi * f * t) + 0.5 * np.sin(2 * np.pi * 2 * f * t) + 0.02 * rng.standard_normal(len(t))
              for f in (55.0, 196.0, 880.0, 2000.0)]  # fmt: skip
    sounds.append(rng.standard_normal(9000))
    found = node("return input.map((x) => pitch.estimate(Float64Array.from(x)));", [s.tolist() for s in sounds])
    assert np.allclose(found, [estimate_f0(s) for s in sounds], rtol=1e-6)


def test_points_of_other_weights_are_refused(tmp_path: Path) -> None:
    space, _ = opened(NAMES[0])
    with np.load(export.POINTS / f"{NAMES[0]}.npz") as stored:
        np.savez(tmp_path / f"{NAMES[0]}.npz", **{**stored, "digest": np.array("000000000000")})
    with pytest.raises(BookError, match="other weights"):
        export.load_notes(space, folder=tmp_path)


def test_shipped_points_are_where_the_encoder_puts_the_notes() -> None:
    space, notes = opened(NAMES[0])
    for row in (0, 400, 900):
        note = corpus.notes(file=str(notes.file[row]))[0]
        place = space.place(note.audio(), f0_hz=note.f0_hz)
        assert np.abs(place.point - notes.points[row]).max() < 0.01  # stored in half precision
        assert decibels(place.features.spectra).shape == (12, 168)
