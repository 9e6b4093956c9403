"""The three models: their published sizes, their groups, and what `generate` promises."""

from __future__ import annotations

import pytest
import torch

from lib.errors import BookError
from lib.models import MODELS, Batch, make
from lib.models.base import HOP
from lib.pruning.groups import check_layout

# Released code: counted from its own tensors. Text: WaveNet 40 layers; SING with a kernel of 9; for DDSP
# a GRU of 128 (the text does not give the encoder, so its total cannot be checked against anything).
PUBLISHED = {
    ("wavenet", "code"): 2_901_504,
    ("wavenet", "text"): 5_622_784,
    ("sing", "code"): 21_213_201,
    ("sing", "text"): 80_765_057,
    ("ddsp", "code"): 4_590_296,
    ("ddsp", "text"): 2_456_024,
    ("wavenet", "book"): 67_584,
    ("sing", "book"): 342_801,
    ("ddsp", "book"): 79_770,
}


def clips(n: int = 2, n_frames: int = 16) -> Batch:
    t = torch.arange(n_frames * HOP) / 16_000
    f0_hz = torch.linspace(200.0, 400.0, n)[:, None].expand(n, n_frames).contiguous()
    audio = 0.3 * (2 * torch.pi * f0_hz[:, :1] * t).sin()
    return Batch(audio, f0_hz, torch.full((n, n_frames), -13.0))


@pytest.mark.parametrize(("key", "expected"), PUBLISHED.items())
def test_presets_have_the_published_number_of_parameters(key: tuple[str, str], expected: int) -> None:
    with torch.device("meta"):  # shapes without memory: text SING would take 320 MB
        model = MODELS[key[0]].from_preset(key[1])
    assert model.n_parameters() == expected
    check_layout(model)


@pytest.mark.parametrize("name", MODELS)
def test_error_is_one_number_and_training_is_seeded(name: str) -> None:
    model, batch = make(name, "toy").eval(), clips()
    assert model.loss(batch).item() == model.loss(batch).item()
    draw = [model.loss(batch, torch.Generator().manual_seed(seed)).item() for seed in (1, 1)]
    assert draw[0] == draw[1]


@pytest.mark.parametrize("name", MODELS)
def test_error_of_a_set_is_the_mean_over_its_clips(name: str) -> None:
    model, batch = make(name, "toy").eval(), clips(4)
    parts = torch.stack([model.loss(batch.take(slice(i, i + 2))) for i in (0, 2)])
    assert torch.allclose(model.loss(batch), parts.mean(), rtol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_every_group_shows_its_units(name: str) -> None:
    model, batch = make(name, "toy").eval(), clips()
    seen = model.witnessed(batch)
    assert {group: units.shape[1] for group, units in seen.items()} == model.widths
    target = model.information_target(batch)
    assert len(target) == len(batch) and torch.isfinite(target).all()


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_learns(name: str) -> None:
    model = make(name, "toy")
    model.loss(clips(), torch.Generator().manual_seed(0)).backward()
    still = [n for n, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not still


@pytest.mark.parametrize("name", MODELS)
def test_generate_answers_controls_with_sound(name: str) -> None:
    model, batch = make(name, "toy").eval(), clips(n_frames=4)
    controls = model.controls(batch)
    first, again = model.generate(controls, seed=4), model.generate(controls, seed=4)
    assert torch.equal(first, again)
    assert first.ndim == 2 and len(first) == 2 and torch.isfinite(first).all()
    assert abs(first.shape[1] - batch.audio.shape[1]) <= 64  # WaveNet stops on a mel frame


def test_wavenet_remembers_what_the_naive_sampler_computes_again() -> None:
    torch.manual_seed(3)
    model = make("wavenet", "toy").eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(3.0)  # sharper choices, so that a wrong past would show
    controls = model.controls(clips())
    quick, slow = (make(controls, 7, 90) for make in (model.generate, model.generate_naively))
    assert torch.equal(quick, slow)
    assert quick.unique().numel() > 5


def test_wavenet_sees_its_receptive_field_and_no_more() -> None:
    model = make("wavenet", "toy").eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(3.0)  # or the oldest sample's effect drowns in rounding
    past = model.config.receptive_field
    classes = torch.full((1, past + 1), 8)
    frame, mel = torch.zeros(1, past + 1, dtype=torch.long), torch.zeros(1, model.config.n_mels, 1)
    base = model(classes, mel, frame)
    changed = classes.clone()
    changed[0, 0] = 5  # seen by the first of the two predictions only
    other = model(changed, mel, frame)
    assert not torch.equal(base[..., 0], other[..., 0]) and torch.equal(base[..., 1], other[..., 1])


def test_ddsp_plays_the_pitch_it_is_given() -> None:
    model = make("ddsp", "toy").eval()
    f0_hz = torch.full((1, 50), 500.0)
    audio = model.generate({"f0_hz": f0_hz, "loudness_db": torch.full((1, 50), -20.0)})
    spectrum = torch.fft.rfft(audio * torch.hann_window(8000)).abs()[0]
    peaks = {round(float(i) * 2.0) for i in spectrum.topk(3).indices}  # bins of 2 Hz
    assert peaks <= {500 * k + d for k in range(1, 8) for d in (-2, 0, 2)}


def test_unknown_names_are_refused() -> None:
    for call, word in [
        (lambda: make("wavnet"), "No model"),
        (lambda: make("sing", "big"), "no preset"),
        (lambda: make("sing", chanels=3), "chanels"),
    ]:
        with pytest.raises(BookError, match=word):
            call()
    with pytest.raises(BookError, match="frames of 160"):
        Batch(torch.zeros(1, 100), torch.zeros(1, 1), torch.zeros(1, 1))
