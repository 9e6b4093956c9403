"""Generative timbre spaces: learn them, judge them honestly, steer them by ear.

Chapters: Part III. Start at `load_space`, which opens a space that ships with the book.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Space", "load_space"]


def __getattr__(name: str) -> Any:
    """Import the space lazily, so that reading a regulariser does not load a checkpoint's machinery."""
    if name in __all__:
        from lib.timbre import space

        return getattr(space, name)
    raise AttributeError(f"module 'lib.timbre' has no attribute {name!r}")
