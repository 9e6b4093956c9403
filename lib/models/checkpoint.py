"""Keep a model in a file that says what it is: kind, configuration, widths, numbers, and where they came from.

Chapter: *WaveNet, SING, DDSP*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from lib.errors import BookError
from lib.models import MODELS
from lib.models.base import HOP, MODEL_RATE, AudioModel

#: Raised when the meaning of a stored number changes; older files are then refused.
FORMAT = 1
#: Where the models that ship with the book live.
FOLDER = Path(__file__).resolve().parents[2] / "assets" / "checkpoints" / "diet"


def save(model: AudioModel, path: str | Path, about: Mapping[str, Any]) -> Path:
    """Write a model.

    Args:
        path: relative to `FOLDER`, or absolute; ends in `.pt`.
        about: plain facts to keep with it, such as the run and its errors.
    """
    target = FOLDER / path
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".tmp")
    torch.save(
        {
            "format": FORMAT,
            "sample_rate": MODEL_RATE,
            "hop_length": HOP,
            "model": type(model).__name__.lower(),
            "config": asdict(model.config),
            "widths": dict(model.widths),
            "state": model.state_dict(),
            "about": dict(about),
        },
        scratch,
    )
    scratch.replace(target)
    return target


def load(path: str | Path) -> tuple[AudioModel, dict[str, Any]]:
    """Read a model, in evaluation mode, and what is kept about it.

    Args:
        path: relative to `FOLDER`, or absolute.

    Raises:
        BookError: there is no such file, it is no model of this book, or it has another format.
    """
    target = FOLDER / path
    if not target.exists():
        raise BookError(f"There is no model {path} in assets/checkpoints/diet.")
    try:
        kept = torch.load(target, weights_only=True)
        if kept["format"] != FORMAT or (kept["sample_rate"], kept["hop_length"]) != (MODEL_RATE, HOP):
            raise BookError(f"{path} has format {kept['format']}; this program reads {FORMAT}. Train it again.")
        kind = MODELS[kept["model"]]
        config = type(kind.PRESETS["book"])(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in kept["config"].items()}
        )
        model = kind(config, widths=kept["widths"])
        model.load_state_dict(kept["state"])
    except BookError:
        raise
    except Exception as error:
        raise BookError(f"{path} is no model of this book, or is damaged ({type(error).__name__}).") from error
    return model.eval(), kept["about"]
