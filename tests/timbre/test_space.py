"""Shipped spaces, their files, their exports, and the way there and back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from lib import corpus
from lib.errors import BookError
from lib.timbre import checkpoint, load_space, navigate, steer, synthesize
from lib.timbre.listen import log_spectral_distance, transposed
from lib.timbre.pitch import estimate_f0


@pytest.fixture(scope="module")
def space():
    return load_space("nsgt-erb")


def test_both_spaces_open_and_know_the_corpus(space) -> None:
    free = load_space("nsgt-erb-free")
    assert (space.dims, space.head_dims, free.dims, free.head_dims) == (24, 8, 16, 0)
    for found in (space, free):
        assert len(found.atlas.points) == len(corpus.notes())
        assert set(found.provenance) >= {"command", "config", "seeds", "commit", "date", "machine"}


def test_a_corpus_note_lands_where_the_atlas_says(space) -> None:
    row = int(np.flatnonzero((space.atlas.instrument == "Oboe") & (space.atlas.midi == 69))[0])
    note = corpus.notes(file=str(space.atlas.file[row]))[0]
    place = space.place(note.audio(), f0_hz=note.f0_hz)
    # The same code on the same sound, once in a batch: float32 rounding only.
    assert np.allclose(place.point, space.atlas.points[row], atol=1e-3)
    assert max(place.likeness, key=place.likeness.get) == "Oboe"
    assert sum(place.likeness.values()) == pytest.approx(1.0)
    assert row in space.atlas.nearest(place.point, 1)


def test_files_survive_a_round_and_refuse_what_is_broken(space, tmp_path) -> None:
    path = checkpoint.save_checkpoint(space, tmp_path / "copy.npz")
    again = load_space(str(path))
    z = np.random.default_rng(0).normal(size=(3, space.dims))
    assert np.array_equal(space.decode(z, 60.0), again.decode(z, 60.0))
    cut = tmp_path / "cut.npz"
    cut.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(BookError, match="cut short"):
        load_space(str(cut))
    with np.load(path) as stored:
        arrays = dict(stored)
    meta = json.loads(arrays["meta"].tobytes().decode())
    arrays["meta"] = np.frombuffer(json.dumps({**meta, "version": 99}).encode(), dtype=np.uint8)
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(BookError, match="version 99"):
        load_space(str(tmp_path / "other.npz"))
    evil = tmp_path / "evil.npz"
    np.savez(evil, meta=np.array([{"a": 1}], dtype=object))
    with pytest.raises(BookError, match="damaged"):
        load_space(str(evil))
    with pytest.raises(BookError, match="shipped are"):
        load_space("nonesuch")
    with pytest.raises(BookError, match="24 numbers"):
        space.decode(np.zeros(3), 60.0)


def test_played_notes_have_the_asked_pitch_level_and_length(space) -> None:
    how = synthesize.plain(330.0, 0.6, level=0.05)
    sound = synthesize.play(space, space.atlas.centroid("Flute", around=64), how)
    assert len(sound) == how.n_samples
    assert abs(1200 * np.log2(estimate_f0(sound)[0] / 330.0)) < 10
    middle = sound[4000:9000]
    # Half a decibel: the level curve is followed in 10 ms steps.
    assert 20 * np.log10(np.sqrt(np.mean(middle**2)) / 0.05) == pytest.approx(0.0, abs=0.5)
    assert sound[0] == sound[-1] == 0.0
    again = synthesize.play(space, space.atlas.centroid("Flute", around=64), how)
    assert np.array_equal(sound, again)


def test_vibrato_is_kept() -> None:
    t = np.arange(33075) / 22050
    pitch = 440 * 2 ** (50 / 1200 * np.sin(2 * np.pi * 6 * t))
    sound = 0.1 * np.sin(2 * np.pi * np.cumsum(pitch) / 22050)
    curve = synthesize.pitch_curve(sound, 440.0, 150)
    truth = pitch[np.minimum(np.arange(150) * 220, len(pitch) - 1)]
    cents = 1200 * np.log2(curve[10:-10] / truth[10:-10])
    # Fifteen cents: smoothing over 20 ms flattens a 6 Hz vibrato of 50 cents by that much at most.
    assert np.abs(cents).max() < 15


def test_synthesis_from_the_sounds_own_spectra_is_close(space) -> None:
    note = corpus.notes(instrument="Oboe", midi=69, velocity=80)[0]
    sound = note.audio()
    copied = synthesize.copy(space, sound, f0_hz=note.f0_hz)
    wrong = transposed(corpus.notes(instrument="Piano", midi=69, velocity=80)[0].audio(), 0.0)
    assert log_spectral_distance(sound, copied) < 4.0 < log_spectral_distance(sound, wrong)


def test_griffin_lim_way_is_as_bright_as_the_additive_way(space) -> None:
    how = synthesize.plain(440.0, 0.4)
    spectra = space.decode(space.atlas.centroid("Clarinet-Bb", around=69)[None], 69.0)
    ways = (
        synthesize.through_griffin_lim(space, spectra, how, iterations=30),
        synthesize.play(space, space.atlas.centroid("Clarinet-Bb", around=69), how),
    )
    assert all(len(sound) == how.n_samples for sound in ways)
    bright = []
    for sound in ways:
        power = np.abs(np.fft.rfft(sound)) ** 2
        bright.append((power * np.arange(len(power))).sum() / power.sum())
    # A third of an octave: random phases blur partials that share a band.
    assert abs(np.log2(bright[0] / bright[1])) < 1 / 3


def test_noise_is_split_from_harmonics(space, tone) -> None:
    found = space.place(tone(noise=0.3), f0_hz=440.0)
    clean = space.place(tone(), f0_hz=440.0)
    levels = []
    for place in (found, clean):
        amplitudes, noise = synthesize.split_harmonics(place.features.spectra, space.frequencies_hz, 440.0)
        levels.append(np.square(noise[3:-3]).sum() / np.square(amplitudes[3:-3]).sum())
        # Harmonics fall as 1 / k: the second is 6 dB under the first.
        assert 20 * np.log10(amplitudes[6, 0] / amplitudes[6, 1]) == pytest.approx(6.0, abs=1.5)
    assert levels[0] > 10 * levels[1]


def test_view_keeps_distances_best(space) -> None:
    points = space.atlas.points[::20]
    flat = navigate.view(points, space.dims)
    # With all axes a view is a rotation.
    seen = flat.project(points)
    assert np.linalg.norm(seen[0] - seen[7]) == pytest.approx(np.linalg.norm(points[0] - points[7]), rel=1e-4)
    two = navigate.view(points, 2)
    assert np.allclose(two.project(two.lift(np.array([0.3, -1.0]))), [0.3, -1.0], atol=1e-4)
    assert np.allclose(two.lift(two.project(points[3]), near=points[3]), points[3], atol=1e-4)


def test_paths_end_where_they_should() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6))
    for kind in ("linear", "spherical"):
        path = navigate.between(a, b, 9, kind=kind)
        assert np.allclose(path[[0, -1]], [a, b])
    sizes = np.linalg.norm(navigate.spherical(a, b, 9), axis=1)
    assert np.allclose(sizes, np.linspace(np.linalg.norm(a), np.linalg.norm(b), 9))
    assert np.allclose(navigate.spherical(a, -a, 5), navigate.linear(a, -a, 5))
    walk = navigate.expressive(a + 0.1 * rng.normal(size=(12, 6)), np.tile(b, (12, 1)), 12)
    assert np.allclose(walk[-1], b)
    with pytest.raises(BookError, match="zigzag"):
        navigate.between(a, b, kind="zigzag")


def test_steering_hits_targets_inside_the_instruments_range(space) -> None:
    own = space.atlas.instrument == "Clarinet-Bb"
    z0 = space.atlas.centroid("Clarinet-Bb", around=65)
    limits = steer.reach(space, space.atlas.points[own], space.atlas.midi[own], 65)
    names = ["centroid", "loudness"]
    start = navigate.described(space, z0, 65.0)[[0, 3]]
    goal = 0.5 * (limits.low + limits.high)[[0, 3]]
    targets = np.stack([steer.shape("linear", s, g, 5) for s, g in zip(start, goal)], axis=1)
    path = steer.follow(space, z0, 65.0, targets, names, limits)
    achieved = navigate.described(space, path, 65.0)[:, [0, 3]]
    # One per cent of the instrument's range.
    assert (np.abs(achieved - targets) / limits.range[[0, 3]]).mean() < 0.01
    assert np.allclose(path[:, : space.head_dims], z0[: space.head_dims], atol=1e-6)
    with pytest.raises(BookError, match="warmth"):
        steer.follow(space, z0, 65.0, targets, ["centroid", "warmth"], limits)


def test_algorithm_1_moves_towards_its_targets(space) -> None:
    flat = navigate.view(space.atlas.points, 3)
    z0 = space.atlas.centroid("Oboe", around=69)
    start = float(navigate.described(space, z0, 69.0)[0])
    path = steer.algorithm_1(space, flat, z0, 69.0, steer.shape("linear", start, 1.2 * start, 8), "centroid")
    assert navigate.described(space, path, 69.0)[-1, 0] > 1.05 * start


def test_descriptors_of_points_have_gradients(space) -> None:
    z = torch.from_numpy(space.atlas.points[:2].copy()).requires_grad_()
    navigate.describe(space, z, 60.0).sum().backward()
    assert torch.isfinite(z.grad).all() and z.grad.abs().sum() > 0


def test_smoothness_knows_a_plane_from_a_ripple() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 30), np.linspace(-1, 1, 30))
    where = np.stack([x, y], axis=-1)
    flat, ripple = navigate.smoothness(2 * x + y, where), navigate.smoothness(np.sin(9 * x), where)
    assert flat["linear_r2"] == pytest.approx(1.0) and ripple["linear_r2"] < 0.2
    assert ripple["lipschitz_p95"] > 2 * flat["lipschitz_p95"]


def test_a_space_without_a_head_has_no_rated_code() -> None:
    free = load_space("nsgt-erb-free")
    assert free.rated_code(np.zeros((2, 78))).shape == (2, 0)
    assert replace(free, name="x").name == "x"
