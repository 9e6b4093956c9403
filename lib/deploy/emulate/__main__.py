"""`python -m lib.deploy.emulate setup|check|measure|sounds`: emulated ARM, from nothing to results."""

from __future__ import annotations

import argparse
import sys

from lib.deploy.emulate import setup, tools
from lib.errors import BookError


def main(words: list[str] | None = None) -> int:
    """Do what is asked; 1 and a sentence if it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m lib.deploy.emulate", description=__doc__)
    parser.add_argument("what", choices=["setup", "check", "measure", "sounds"])
    parser.add_argument("--only", nargs="+", default=None, help="models to measure: ddsp sing wavenet space")
    asked = parser.parse_args(words)
    try:
        if asked.what == "setup":
            setup.setup()
        elif asked.what == "check":
            if reason := tools.missing():
                print(reason)
                return 1
            print("The emulation is set up.")
        elif asked.what == "measure":
            from lib.deploy.emulate import measure

            only = tuple(asked.only or (*measure.MODELS, "space"))
            print(f"Wrote {measure.measure(lambda line: print(line, flush=True), only)}")
        else:
            from lib.deploy.emulate import sounds

            for path in sounds.render():
                print(f"Wrote {path}")
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
