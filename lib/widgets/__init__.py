"""Widgets: one folder each, JavaScript that runs in the page, with a kernel or without.

`lib/widgets/README.md` says how to write one.
"""
