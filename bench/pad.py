"""How long a page takes from a latent point to one second of sound: `make book`, then `python -m bench.pad`.

The latent pad of the landing page is moved with the arrow keys. Whenever it rests it decodes its point and renders a
second of it, and says how long that took; the first rest after loading is left out.

Chapter: *Navigating and paths*.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lib import results
from lib.book.browser import opened
from lib.errors import BookError

PAGE = Path(__file__).resolve().parents[1] / "_build" / "html" / "chapters" / "index.html"
PAD = '[data-widget="pad"]'
STATE = f"document.querySelector('{PAD}').__timbre"
#: A in four octaves: 110 to 880 Hz.
PITCHES = {"110.0": 45, "220.0": 57, "440.0": 69, "880.0": 81}
REPEATS = 12


def measure() -> dict[str, object]:
    """Milliseconds for one second of audio by pitch in Hz, from decoding to the last sample, in a headless browser.

    Raises:
        BookError: the book is not built.
    """
    if not PAGE.exists():
        raise BookError("The landing page is not built: run `make book` first.")
    with opened(["--mute-audio"]) as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto(PAGE.as_uri())
        page.wait_for_selector(PAD, timeout=90_000)
        page.wait_for_function(f"{STATE}?.lastBuffer?.length > 0", timeout=90_000)
        area = page.locator(f"{PAD} [data-control=map]").first
        found = {}
        for f0_hz, midi in PITCHES.items():
            page.locator(f"{PAD} [data-control=pitch]").fill(str(midi))
            page.wait_for_function(f"{STATE}.midi === {midi}")
            taken = []
            for k in range(REPEATS):
                before = page.evaluate(f"Array.from({STATE}.point)")
                area.press("ArrowRight" if k % 2 else "ArrowUp")
                page.wait_for_function(f"b => b.some((x, i) => x !== {STATE}.point[i])", arg=before)
                taken.append(page.evaluate(f"{STATE}.renderMs"))
            found[f0_hz] = {"median": float(np.median(taken)), "max": float(np.max(taken)), "n": len(taken)}
        return {"browser": f"{browser.browser_type.name} {browser.version}", "ms_per_second_of_audio": found}


def main() -> None:
    """Write `assets/results/bench/pad.json`."""
    provenance = results.provenance(config={"page": "index.html", "repeats": REPEATS}, seeds=[])
    print(results.write_result("bench/pad.json", measure(), provenance=provenance))


if __name__ == "__main__":
    main()
