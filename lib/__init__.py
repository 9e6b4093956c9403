"""Timbre on a Diet: the code behind the book, one idea a file.

Read it in the order of the book: `corpus` and `transforms` (sounds and their
pictures), `ratings` and `descriptors` (what listeners and formulas say), then
`timbre`, `models`, `pruning` and `deploy`. Importing `lib` does nothing.
"""

__version__ = "0.1.0"
