"""The reproduction ledger: every checkable claim of the two papers, beside what this book measured.

A row is computed from result files and nothing else; the verdict follows from a rule that stands in the code beside the
claim. No file, no row of ours: the verdict is then "not measured".

Chapter: *Reproduction ledger*.
"""

from lib.ledger.row import VERDICTS, Claim, Finding, Row, ledger

__all__ = ["VERDICTS", "Claim", "Finding", "Row", "ledger"]
