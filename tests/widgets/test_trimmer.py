"""Trim it by hand: the page cuts, counts, ranks and measures as the library does."""

from __future__ import annotations

import base64
from pathlib import Path

import node as nodes
import numpy as np
import page as pages
import pytest
import torch

from lib.errors import BookError
from lib.models import make
from lib.models.losses import multi_scale_spectral
from lib.pruning.cost import int8_bytes
from lib.pruning.criteria import magnitude
from lib.pruning.groups import trim, zero
from lib.pruning.scope import select
from lib.widgets.base import bundle
from lib.widgets.ddsp import decoder_data, decoder_parameters, decoder_state
from lib.widgets.trimmer import page_layout, trimmer, trimmer_from_run

ROOT = '[data-widget="trimmer"]'
STATE = f"document.querySelector('{ROOT}').__timbre"
RUN = "ddsp-trim-local-information-rewind-s0"


def small():
    """A network of uneven widths, so that no two axes can be mistaken for each other."""
    torch.manual_seed(0)
    widths = {"c1": 3, "c2": 3, "c3": 3, "h": 7, "f1": 4, "f2": 5, "f3": 6, "l1": 8, "l2": 9, "l3": 10}
    model = make("ddsp", "book")
    return type(model)(model.config, widths=widths | {"o1": 11, "o2": 12, "o3": 13}).eval()


def data_of(model) -> dict:
    made = decoder_data(model, 32)
    widths = {group: n for group, n in model.widths.items() if not group.startswith("c")}
    return {
        "data": base64.b64encode(made.data).decode(),
        "layout_of_data": made.layout_of_data,
        "layout": page_layout(model),
        "widths": widths,
        "config": made.about["config"],
    }


OPEN = """
  const bytes = Uint8Array.from(Buffer.from(argument.data, "base64"));
  const tensors = ddsp.unpack(new DataView(bytes.buffer), argument.layout_of_data);
  const { layout, widths, config } = argument;
"""


def test_the_page_cuts_zeroes_and_counts_as_the_library(tmp_path: Path) -> None:
    model = small()
    keep = {"h": torch.tensor([0, 2, 3, 6]), "f3": torch.tensor([1, 5]), "o2": torch.tensor([0, 4, 11])}
    expression = f"""(() => {{ {OPEN}
      const {{ keep }} = argument;
      const plain = (made) => Object.fromEntries(Object.entries(made).map(([name, t]) => [name, [t.shape, [...t.data]]]));
      const smaller = {{ ...widths, ...Object.fromEntries(Object.entries(keep).map(([group, units]) => [group, units.length])) }};
      return {{ trimmed: plain(groups.trim(tensors, layout, widths, keep)), zeroed: plain(groups.zero(tensors, layout, widths, keep)),
        size: groups.size(layout, smaller), bytes: groups.bytes(layout, smaller), macs: groups.macs(smaller, config),
        tied: groups.tied(layout, widths, "h", 2) }};
    }})()"""
    argument = data_of(model) | {"keep": {group: units.tolist() for group, units in keep.items()}}
    got = nodes.run(tmp_path, "trimmer", expression, argument)
    trimmed = trim(model, keep)
    for which, wanted in (("trimmed", trimmed), ("zeroed", zero(model, keep))):
        for name, tensor in decoder_state(wanted).items():
            shape, values = got[which][name]
            assert shape == list(tensor.shape), name
            assert np.array_equal(np.float32(values), tensor.flatten().numpy()), name
    assert got["size"] == decoder_parameters(trimmed)
    assert got["bytes"] == sum(int8_bytes(tensor) for tensor in decoder_state(trimmed).values())
    macs = trimmed.macs_per_second()
    assert got["macs"] == pytest.approx(macs["dense"] + macs["recurrent"] + macs["outputs"])
    tied = {one["name"]: one for one in got["tied"]}
    assert set(tied) == {f"gru.{kind}_{part}h_l0" for kind in ("weight", "bias") for part in "ih"} | {
        "after.linear.0.weight"
    }
    assert tied["gru.weight_hh_l0"]["rows"] == [2, 9, 16] and tied["gru.weight_hh_l0"]["columns"] == [2]
    alone = trim(model, {"h": torch.tensor([u for u in range(7) if u != 2])})
    assert sum(one["numbers"] for one in got["tied"]) == decoder_parameters(model) - decoder_parameters(alone)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_least_are_those_that_the_library_would_take(tmp_path: Path, share: float) -> None:
    model = small()
    scores = {group: values for group, values in magnitude(model).items() if not group.startswith("c")}
    n_encoder = model.n_parameters() - decoder_parameters(model)
    # The library counts the encoder, too: ask it for as many numbers.
    fraction = share * decoder_parameters(model) / (decoder_parameters(model) + n_encoder)
    wanted = select(model, scores, fraction, floor=1).keep
    argument = data_of(model) | {"scores": {g: v.tolist() for g, v in scores.items()}, "share": share}
    expression = """Object.fromEntries(Object.entries(groups.least(argument.layout, argument.widths, argument.scores,
      groups.size(argument.layout, argument.widths) * (1 - argument.share))).map(([group, units]) => [group, [...units]]))"""
    got = nodes.run(tmp_path, "trimmer", expression, argument)
    for group, units in wanted.items():
        assert sorted(set(range(model.widths[group])) - set(got[group])) == units.tolist(), group


def test_the_distance_is_the_models_own_error(tmp_path: Path) -> None:
    a, b = (0.3 * torch.randn(1, 3200, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    expression = """spectra.distance(...argument.map((x) => spectra.spectrograms(Float32Array.from(x), [1024, 256, 64])))"""
    got = nodes.run(tmp_path, "trimmer", expression, [a[0].tolist(), b[0].tolist()])
    # Single against double precision in a mean over thousands of bins.
    assert got == pytest.approx(multi_scale_spectral(a, b, (1024, 256, 64)).item(), rel=1e-4)
