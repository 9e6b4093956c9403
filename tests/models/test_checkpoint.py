"""A model comes back as it was, trimmed or not; other files are refused with a reason."""

from __future__ import annotations

import pytest
import torch

from lib.errors import BookError
from lib.models import MODELS, checkpoint, make
from lib.pruning.groups import trim


@pytest.mark.parametrize("name", MODELS)
def test_a_trimmed_model_comes_back(name: str, tmp_path) -> None:
    model = trim(make(name, "toy"), {next(iter(make(name, "toy").widths)): torch.tensor([0, 2])})
    checkpoint.save(model, tmp_path / "m.pt", {"seed": 3})
    again, about = checkpoint.load(tmp_path / "m.pt")
    assert about == {"seed": 3} and again.widths == model.widths and again.config == model.config
    assert all(torch.equal(again.state_dict()[key], value) for key, value in model.state_dict().items())


def test_other_files_are_refused(tmp_path) -> None:
    with pytest.raises(BookError, match="no model"):
        checkpoint.load(tmp_path / "none.pt")
    (tmp_path / "bad.pt").write_bytes(b"hello")
    with pytest.raises(BookError, match="damaged"):
        checkpoint.load(tmp_path / "bad.pt")
    kept = torch.load(checkpoint.save(make("sing", "toy"), tmp_path / "m.pt", {}), weights_only=True)
    torch.save({**kept, "format": 0}, tmp_path / "old.pt")
    with pytest.raises(BookError, match="format 0"):
        checkpoint.load(tmp_path / "old.pt")
