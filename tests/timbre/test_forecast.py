"""The forecast changes the axes of a space and nothing that can be heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from lib.timbre.fit import Fit, SpaceConfig
from lib.timbre.note_features import decibels
from lib.timbre.space import Forecast, load_space
from lib.timbre.train import TrainConfig
from lib.timbre.vae import VAE, VAEConfig, pitch_code

CONFIG = SpaceConfig(
    vae=VAEConfig(encoder_widths=(32,), decoder_widths=(32, 32), latent_dims=6),
    train=TrainConfig(steps=150, batch_size=32),
    use_head=True,
)


def test_reconstruction_is_the_same_with_and_without(small_table, target) -> None:
    fit = Fit(small_table, np.arange(len(small_table)), CONFIG, target)
    fit.trainer.run()
    space = fit.space()
    plain = replace(space, model=fit.trainer.model, forecast=None)
    midi = small_table.midi[:, None].astype(np.float32)
    one, two = (s.decode(s.of_table(small_table), midi) for s in (space, plain))
    # float32 rounding of one matrix product.
    assert np.abs(one - two).max() < 1e-4
    # The trainer's own model is left alone, so that training can go on.
    fit.trainer.model.decoder[0].weight.sum().backward()


def test_the_free_code_no_longer_tells_the_instrument(small_table, target) -> None:
    fit = Fit(small_table, np.arange(len(small_table)), CONFIG, target)
    fit.trainer.run()
    space = fit.space()
    plain = replace(space, model=fit.trainer.model, forecast=None)

    def between(points: np.ndarray) -> float:
        """Spread of the instruments' means of the free code, against the spread of all notes."""
        v = points[:, space.head_dims :]
        means = np.stack([v[small_table.instrument == name].mean(axis=0) for name in target.names])
        return float(np.square(means - means.mean(axis=0)).sum() / np.square(v - v.mean(axis=0)).sum() * 15)

    before, after = (between(s.of_table(small_table).mean(axis=1)) for s in (plain, space))
    assert after < 0.1 * before


def test_in_the_shipped_space_the_rated_code_moves_the_sound() -> None:
    space = load_space("nsgt-erb")
    assert space.forecast is not None
    undo = Forecast(-space.forecast.matrix, -space.forecast.offset)
    plain = undo.folded(space.model)
    oboe, piano = (space.atlas.centroid(name, around=69) for name in ("Oboe", "Piano"))
    v_oboe = oboe[space.head_dims :]
    pitch = pitch_code(torch.tensor([69.0]))

    def moved(model: VAE, oboes_v: np.ndarray) -> float:
        """RMS change in dB when an oboe gets the piano's rated code and keeps its free code."""
        points = np.stack([np.concatenate([z[: space.head_dims], oboes_v]) for z in (oboe, piano)])
        with torch.no_grad():
            decoded = model.decode(torch.from_numpy(points.astype(np.float32)), pitch.expand(2, -1))
        one, two = decibels(space.to_magnitudes(decoded).numpy())
        return float(np.sqrt(np.square(one - two).mean()))

    raw = v_oboe + space.forecast(oboe[: space.head_dims])
    # Without the forecast the encoder's own output carries the instrument, and the rated code is hardly heard.
    assert moved(space.model, v_oboe) > 2.0 * moved(plain, raw)


def test_folding_is_exact_algebra() -> None:
    torch.manual_seed(0)
    model = VAE(VAEConfig(n_bins=9, encoder_widths=(8,), decoder_widths=(8,), latent_dims=3, head_dims=2))
    rng = np.random.default_rng(0)
    forecast = Forecast(rng.normal(size=(2, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32))
    u, v = rng.normal(size=(4, 2)).astype(np.float32), rng.normal(size=(4, 3)).astype(np.float32)
    pitch = pitch_code(torch.full((4,), 60.0))
    whole = model.decode(torch.from_numpy(np.concatenate([u, v], axis=1)), pitch)
    rest = np.concatenate([u, v - forecast(u)], axis=1)
    assert torch.allclose(forecast.folded(model).decode(torch.from_numpy(rest), pitch), whole, atol=1e-5)
