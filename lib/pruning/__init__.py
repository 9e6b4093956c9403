"""Make models smaller: groups of units, what they are worth, which go, and what it saves.

`groups` (what goes together, trimming), `criteria` and `information` (what a unit is worth), `scope` (which go),
`masking` (zeroing single weights), `lottery` (train, rank, remove, rewind, again), `cost` (what it saves),
`ablation` (the ground truth).
"""
