"""Train the two spaces that ship with the book: `python -m lib.timbre.ship`.

They hear the training side of the corpus table only; its valid and test sides stay unheard. Afterwards
`python -m lib.timbre.export` writes what the page and other programs read.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import torch

from lib import results
from lib.timbre import evaluate
from lib.timbre.checkpoint import FOLDER, save_checkpoint
from lib.timbre.fit import SpaceConfig, fit_space
from lib.timbre.regularizers import Target
from lib.timbre.table import corpus_split, feature_table
from lib.timbre.train import TrainConfig

#: Name -> with ratings?
SHIPPED = {"nsgt-erb": True, "nsgt-erb-free": False}
#: Four times the book's live training; the space no longer changes much after that.
STEPS = 4000


def main(steps: int = STEPS) -> None:
    """Train, judge and write both spaces."""
    torch.set_num_threads(1)
    everything = feature_table()
    table = everything.rated()
    split, target = corpus_split(table), Target.pooled()
    for name, with_ratings in SHIPPED.items():
        config = SpaceConfig(train=TrainConfig(steps=steps), use_head=with_ratings)
        space = fit_space(table, split.train, config, target, name=name)
        provenance = results.provenance(config=asdict(config), seeds=[0], command="python -m lib.timbre.ship")
        space = replace(space, provenance=provenance, atlas=space.make_atlas(everything))
        save_checkpoint(space, FOLDER / f"{name}.npz")
        sides = evaluate.evaluate(space, table, split, target, rated_dims=space.head_dims)
        named = {"train": sides["train"], "valid": sides["keys"], "test": sides["recordings"]}
        results.write_result(f"timbre/shipped-{name}.json", named, provenance=provenance)
        print(name, {side: round(found["db"], 3) for side, found in named.items()})


if __name__ == "__main__":
    main()
