"""Generated C against torch, in value; against itself, bit for bit; and under inputs that make no sense."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.deploy.csource import EXACT, FAST, compile_shared, generate
from lib.errors import BookError
from lib.models import DDSP, WaveNet, checkpoint, make, mulaw
from lib.models.base import HOP
from lib.pruning.criteria import random
from lib.pruning.groups import trim
from lib.pruning.scope import select
from lib.timbre import load_space
from lib.timbre.vae import pitch_code

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="generated C needs a C compiler: apt install gcc")

#: What the issue asks for, in value; float32 in another order of sums comes to about 1e-6.
CLOSE = 1e-4
QUICK = ("-O1",)  # compiles fastest


def trimmed(name: str, share: float, **changes: object) -> DDSP | WaveNet:
    """A book-sized model with random weights, `share` of which are gone."""
    torch.manual_seed(round(100 * share))
    model = make(name, "book", **changes).eval()
    if share:
        model = trim(model, select(model, random(model), share, or_less=True).keep).eval()
    with torch.no_grad():  # fresh weights say little; louder ones test more
        for name, p in model.named_parameters():
            if p.ndim > 1 and not name.startswith("encoder"):
                p *= 1.5
    return model


def shipped() -> list[Path]:
    """First and last kept round of every shipped chain that there is C for."""
    found: list[Path] = []
    for folder in sorted(checkpoint.FOLDER.iterdir()):
        rounds = sorted(folder.glob("round-*.pt"))
        if rounds and re.search("ddsp|wavenet", folder.name):
            found += sorted({rounds[0], rounds[-1]})
    return found


def controls(model: DDSP, n: int = 60, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Pitch that rises by four octaves, loudness, code, noise."""
    draw = torch.Generator().manual_seed(seed)
    f0_hz = 55.0 * 2.0 ** torch.linspace(0, 5, n)
    loudness_db = -40.0 + 30.0 * torch.randn(n, generator=draw).clamp(-1.5, 1.5)
    z = torch.randn(n, model.config.latent_dims, generator=draw)
    return f0_hz, loudness_db, z, 2.0 * torch.rand(n, HOP, generator=draw) - 1.0


def errors_of_ddsp(model: DDSP, folder: Path, precision: str = "float32") -> dict[str, float]:
    f0_hz, loudness_db, z, noise = controls(model)
    with torch.no_grad():
        heard = model.decode(f0_hz[None], loudness_db[None], z[None])
        audio = model.render(f0_hz[None], heard, noise[None])[0].numpy()
    library = compile_shared(generate(model, folder, precision), flags=QUICK)
    partials, bands = library.network(f0_hz, loudness_db, z)
    found = library.play(f0_hz, loudness_db, z, noise)
    return {
        "partials": float(np.abs(partials - heard["partials"][0].numpy()).max()),
        "bands": float(np.abs(bands - heard["noise"][0].numpy()).max()),
        "audio": float(np.abs(found - audio).max()),
        "peak": float(np.abs(audio).max()),
    }


def scores_of_wavenet(model: WaveNet, classes: torch.Tensor, mel: torch.Tensor) -> np.ndarray:
    """Torch's scores for every sample, all before it known, silence before the first."""
    past, n = model.config.receptive_field, len(classes)
    known = torch.cat([torch.full((past,), model.config.n_classes // 2), classes[:-1]])
    frame = (torch.arange(-past, n - 1).clamp(min=0) // model.config.mel_hop).clamp(max=mel.shape[1] - 1)
    with torch.no_grad():
        return model(known[None], mel[None], frame[None])[0].T.numpy()


def error_of_wavenet(model: WaveNet, folder: Path, precision: str = "float32") -> float:
    draw = torch.Generator().manual_seed(1)
    classes = torch.randint(model.config.n_classes, (2 * model.config.mel_hop + 40,), generator=draw)
    mel = torch.rand(model.config.n_mels, 2, generator=draw)  # a frame less than samples: the last one holds
    library = compile_shared(generate(model, folder, precision), flags=QUICK)
    return float(np.abs(library.logits(classes, mel) - scores_of_wavenet(model, classes, mel)).max())


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.95])
def test_ddsp_is_torch(share: float, tmp_path: Path) -> None:
    errors = errors_of_ddsp(trimmed("ddsp", share), tmp_path)
    assert errors["peak"] > 0.05
    assert max(errors["partials"], errors["bands"], errors["audio"]) < CLOSE


@pytest.mark.parametrize(
    "changes",
    [{"layer_norm": False}, {"reverb_seconds": 0.05}, {"n_partials": 100, "n_bands": 81}, {"n_bands": 30}],
    ids=str,
)
def test_ddsp_of_other_shapes_is_torch(changes: dict[str, object], tmp_path: Path) -> None:
    errors = errors_of_ddsp(trimmed("ddsp", 0.9, **changes), tmp_path)
    assert max(errors["partials"], errors["bands"], errors["audio"]) < CLOSE


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.95])
def test_wavenet_is_torch(share: float, tmp_path: Path) -> None:
    assert error_of_wavenet(trimmed("wavenet", share), tmp_path) < CLOSE


@pytest.mark.parametrize("path", shipped(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_shipped_model_is_torch(path: Path, tmp_path: Path) -> None:
    model, _ = checkpoint.load(path)
    if isinstance(model, DDSP):
        errors = errors_of_ddsp(model, tmp_path)
        assert max(errors["partials"], errors["bands"], errors["audio"]) < CLOSE
    else:
        assert error_of_wavenet(model, tmp_path) < CLOSE


@pytest.mark.parametrize("name", ["nsgt-erb", "nsgt-erb-free"])
def test_shipped_space_is_torch(name: str, tmp_path: Path) -> None:
    space = load_space(name)
    rows = np.arange(0, len(space.atlas.midi), 7)
    z, midi = space.atlas.points[rows], space.atlas.midi[rows] + np.linspace(-0.5, 0.5, len(rows), dtype=np.float32)
    library = compile_shared(generate(space, tmp_path), flags=QUICK)
    np.testing.assert_allclose(library.decode(z, midi), space.decode(z, midi), atol=CLOSE)
    with torch.no_grad():
        expected = space.model.decode(torch.from_numpy(z), pitch_code(torch.from_numpy(midi)))
    np.testing.assert_allclose(library.network(z, midi), expected.numpy(), atol=CLOSE)
    np.testing.assert_allclose(library.frequencies_hz, space.frequencies_hz, rtol=1e-6)


@given(midi=st.floats(-50, 200, width=32))
@settings(deadline=None, max_examples=40)
def test_every_pitch_is_coded_as_in_torch(midi: float, space_library) -> None:
    space, library = space_library
    z = space.atlas.points[:1]
    np.testing.assert_allclose(library.decode(z, midi), space.decode(z, midi), atol=CLOSE)


@pytest.fixture(scope="module")
def space_library(tmp_path_factory: pytest.TempPathFactory):
    space = load_space("nsgt-erb")
    return space, compile_shared(generate(space, tmp_path_factory.mktemp("space")), flags=QUICK)


@pytest.mark.parametrize("kind", ["ddsp", "wavenet"])
def test_int8_is_near_float(kind: str, tmp_path: Path) -> None:
    """Not a bound on quality: only that scales, panels and rows are the right ones (a wrong one gives errors of 1)."""
    model = trimmed(kind, 0.5)
    if kind == "ddsp":
        errors = errors_of_ddsp(model, tmp_path, "int8")
        assert errors["audio"] < 0.2 * errors["peak"]
    else:
        draw = torch.Generator().manual_seed(1)
        classes = torch.randint(256, (300,), generator=draw)
        mel = torch.rand(model.config.n_mels, 2, generator=draw)
        expected = scores_of_wavenet(model, classes, mel)
        found = compile_shared(generate(model, tmp_path, "int8"), flags=QUICK).logits(classes, mel)
        assert np.abs(found - expected).std() < 0.1 * expected.std()


def sounds(folder: Path, precision: str, flags: tuple[str, ...]) -> list[bytes]:
    """What the three kinds of program say, as bytes."""
    ddsp, wavenet, space = trimmed("ddsp", 0.9), trimmed("wavenet", 0.9), load_space("nsgt-erb-free")
    uniform = np.random.default_rng(0).random(600)
    mel = np.random.default_rng(1).random((wavenet.config.n_mels, 3))
    return [
        compile_shared(generate(ddsp, folder, precision), flags=flags).play(*controls(ddsp)).tobytes(),
        compile_shared(generate(wavenet, folder, precision), flags=flags).play(mel, uniform).tobytes(),
        compile_shared(generate(space, folder, precision), flags=flags).decode(space.atlas.points[:50], 60.0).tobytes(),
    ]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_bits_repeat_and_do_not_hang_on_the_compiler(precision: str, tmp_path: Path) -> None:
    once = sounds(tmp_path / "a", precision, EXACT)
    assert sounds(tmp_path / "a", precision, EXACT) == once
    assert sounds(tmp_path / "b", precision, ("-O0",)) == once
    assert sounds(tmp_path / "c", precision, (*EXACT, "-march=native")) == once


def test_fused_sums_change_only_last_digits(tmp_path: Path) -> None:
    model = trimmed("ddsp", 0.9)
    exact, fast = (
        compile_shared(generate(model, tmp_path), flags=flags).play(*controls(model))
        for flags in (EXACT, (*FAST, "-march=native"))
    )
    np.testing.assert_allclose(fast, exact, atol=1e-5)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory):
    model = trimmed("ddsp", 0.9)
    return model, compile_shared(generate(model, tmp_path_factory.mktemp("voice")), flags=QUICK)


@given(
    f0_hz=st.floats(width=32, allow_nan=True, allow_infinity=True),
    loudness_db=st.floats(width=32, allow_nan=True, allow_infinity=True),
    code=st.floats(width=32, allow_nan=True, allow_infinity=True),
    noise=st.floats(width=32, allow_nan=True, allow_infinity=True),
)
@settings(deadline=None, max_examples=60)
def test_no_input_makes_an_output_that_is_no_number(
    voice, f0_hz: float, loudness_db: float, code: float, noise: float
) -> None:
    model, library = voice
    z = np.full((3, model.config.latent_dims), code)
    audio = library.play(np.full(3, f0_hz), np.full(3, loudness_db), z, np.full((3, HOP), noise))
    assert np.isfinite(audio).all()
    # All partials share one amplitude below 2; each of 33 bands of noise has a gain below 2.
    assert np.abs(audio).max() < 2.0 + 2.0 * model.config.n_bands


@pytest.mark.parametrize(
    ("name", "given", "same_as"),
    [("f0_hz", 1e9, 7900.0), ("f0_hz", 0.0, 10.0), ("f0_hz", np.nan, 10.0), ("f0_hz", -np.inf, 10.0),
     ("loudness_db", -np.inf, -120.0), ("loudness_db", np.nan, -120.0), ("loudness_db", 99.0, 20.0),
     ("z", np.nan, 0.0), ("z", np.inf, 10.0), ("noise", np.nan, 0.0), ("noise", -7.0, -1.0)],
)  # fmt: skip
def test_inputs_are_brought_within_the_limits_of_the_header(voice, name: str, given: float, same_as: float) -> None:
    model, library = voice
    sounds = []
    for value in (given, same_as):
        inputs = dict(zip(("f0_hz", "loudness_db", "z", "noise"), (part.clone() for part in controls(model, 5))))
        inputs[name][2] = value
        sounds.append(library.play(**inputs))
    np.testing.assert_array_equal(*sounds)


def test_silence_is_nearly_silent(voice) -> None:
    """Without loudness the network may still whisper; the synthesiser adds nothing to what it says."""
    model, library = voice
    f0_hz, _, z, noise = controls(model, 20)
    loudness_db = torch.full((20,), -120.0)
    with torch.no_grad():
        heard = model.decode(f0_hz[None], loudness_db[None], z[None])
        expected = model.render(f0_hz[None], heard, noise[None])[0].numpy()
    np.testing.assert_allclose(library.play(f0_hz, loudness_db, z, noise), expected, atol=CLOSE)


def test_high_partials_keep_their_phase_for_a_minute(tmp_path: Path) -> None:
    model = trimmed("ddsp", 0.95)
    n = 6000
    f0_hz, loudness_db = torch.full((n,), 196.0), torch.full((n,), -20.0)
    z, noise = torch.zeros(n, model.config.latent_dims), torch.zeros(n, HOP)
    with torch.no_grad():
        heard = model.decode(f0_hz[None], loudness_db[None], z[None])
        expected = model.render(
            f0_hz[None, -50:], {k: heard[k][:, -50:] for k in ("partials", "noise")}, noise[None, -50:]
        )
    found = compile_shared(generate(model, tmp_path), flags=QUICK).play(f0_hz, loudness_db, z, noise)
    # 5950 frames of 196 Hz are 11662 turns exactly, so the last half second looks like a first one.
    assert (5950 * 196) % 100 == 0
    np.testing.assert_allclose(found[-50 * HOP :], expected[0].numpy(), atol=CLOSE)


def test_noise_is_even_and_repeats(voice) -> None:
    _, library = voice
    noise = library.noise(200)
    np.testing.assert_array_equal(noise, library.noise(200))
    assert np.abs(noise).max() <= 1.0
    # Means and variances of n even numbers in [-1, 1] lie within 5 standard errors of 0 and 1/3.
    n = noise.size
    assert abs(noise.mean()) < 5 * (1 / 3 / n) ** 0.5
    assert abs((noise**2).mean() - 1 / 3) < 5 * (4 / 45 / n) ** 0.5
    assert abs((noise.reshape(-1)[1:] * noise.reshape(-1)[:-1]).mean()) < 5 * (1 / 9 / n) ** 0.5
    with pytest.raises(BookError, match="seed"):
        library.noise(1, seed=0)


@pytest.fixture(scope="module")
def sampler(tmp_path_factory: pytest.TempPathFactory):
    model = trimmed("wavenet", 0.9)
    return model, compile_shared(generate(model, tmp_path_factory.mktemp("sampler")), flags=QUICK)


def test_samples_are_those_that_torch_would_draw(sampler) -> None:
    """The class drawn is where torch's summed chances pass the number, but for numbers within 1e-5 of a border."""
    model, library = sampler
    uniform = np.random.default_rng(3).random(700).astype(np.float32)
    mel = torch.rand(model.config.n_mels, 3, generator=torch.Generator().manual_seed(5))
    audio = library.play(mel.numpy(), uniform)
    classes = torch.tensor([library.encode(float(x)) for x in audio])
    np.testing.assert_allclose(audio, mulaw.decode(classes).numpy(), atol=1e-6)
    chances = torch.from_numpy(scores_of_wavenet(model, classes, mel)).double().softmax(dim=1).cumsum(dim=1).numpy()
    rows = np.arange(len(classes))
    above, below = chances[rows, classes], np.where(classes > 0, chances[rows, classes - 1], 0.0)
    assert (uniform < above + 1e-5).all()
    assert (uniform > below - 1e-5).all()
    assert len(set(classes.tolist())) > 50


@given(uniform=st.floats(width=32), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=60)
def test_every_number_draws_a_class(sampler, uniform: float, seed: int) -> None:
    _, library = sampler
    logits = 5.0 * np.random.default_rng(seed).standard_normal(256)
    assert 0 <= library.choose(logits, uniform) < 256


def test_mu_law_is_torch(sampler) -> None:
    _, library = sampler
    classes = torch.arange(256)
    amplitudes = mulaw.decode(classes)
    np.testing.assert_allclose([library.decode(c) for c in range(256)], amplitudes.numpy(), atol=1e-6)
    assert [library.encode(float(a)) for a in amplitudes] == classes.tolist()
    audio = torch.linspace(-1.2, 1.2, 2001)
    off = np.abs(np.array([library.encode(float(a)) for a in audio]) - mulaw.encode(audio).numpy())
    assert off.max() <= 1  # a rounding error at a border moves a number by one class
    assert (off > 0).mean() < 0.002
    assert library.encode(float("nan")) == 128
    assert library.decode(-5) == library.decode(0)


def test_states_do_not_meet(tmp_path: Path) -> None:
    """Two programs with different names in one process, called in turn, say what each says alone."""
    first, second = trimmed("ddsp", 0.9), trimmed("ddsp", 0.95)
    one = compile_shared(generate(first, tmp_path, name="one"), flags=QUICK)
    two = compile_shared(generate(second, tmp_path, name="two"), flags=QUICK)
    alone = one.play(*controls(first))
    two.play(*controls(second))
    np.testing.assert_array_equal(one.play(*controls(first)), alone)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, f: generate(m, f, precision="int4"), "int4"),
        (lambda m, f: generate(m, f, name="2 voices"), "cannot begin names"),
        (lambda m, f: generate(make("sing", "toy"), f), "SING"),
        (lambda m, f: generate(make("ddsp", "toy", n_bands=200), f), "200"),
        (lambda m, f: compile_shared(generate(m, f), cc="no-such-compiler"), "no-such-compiler"),
        (lambda m, f: compile_shared(generate(m, f), flags=("-frobnicate",)), "frobnicate"),
        (lambda m, f: compile_shared(generate(m, f), flags=QUICK).play([1], [1], [[1]], [[1]]), "z"),
    ],
)
def test_what_cannot_be_is_refused(wrong: Callable, words: str, tmp_path: Path) -> None:
    with pytest.raises(BookError, match=words):
        wrong(make("ddsp", "toy"), tmp_path)


def test_a_weight_that_is_no_number_is_refused(tmp_path: Path) -> None:
    model = make("ddsp", "toy")
    with torch.no_grad():
        model.partials.weight[0, 0] = torch.nan
    for precision in ("float32", "int8"):
        with pytest.raises(BookError, match="infinite or no number"):
            generate(model, tmp_path, precision)
