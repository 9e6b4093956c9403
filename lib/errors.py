"""The one family of errors a reader of the book can meet."""

from __future__ import annotations


class BookError(ValueError):
    """Something the reader handed in cannot be used; the message names the thing and the fix.

    Every deliberate error of `lib` is a `BookError`, so a notebook can tell "your file is
    no audio" from a bug. It is a `ValueError`, so code that knows nothing of the book still
    catches it.
    """
