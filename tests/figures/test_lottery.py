"""A condition looks the same in every panel, whichever others stand beside it."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from lib.figures import lottery


def test_a_name_keeps_its_look_across_panels_and_stands_in_the_legend_once() -> None:
    left = np.array([100.0, 50.0, 10.0])
    values = np.ones((3, 3))
    names = [f"way {k}" for k in range(6)]
    panels = {
        "all": dict.fromkeys(names, (left, values)),
        "some": dict.fromkeys((names[4], names[1]), (left, values)),
    }
    figure = lottery.models(panels)
    lines = [[line for line in ax.get_lines() if line.get_label() in names] for ax in figure.axes]
    looks = [{line.get_label(): (line.get_color(), line.get_marker()) for line in some} for some in lines]
    assert looks[1] == {name: looks[0][name] for name in (names[4], names[1])}
    assert len(set(looks[0].values())) == len(names)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == names
    plt.close(figure)
