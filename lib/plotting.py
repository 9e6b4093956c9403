"""How the book draws: one colour and marker per instrument, figures that follow the page's theme.

Chapter: all of them; the choices are explained on the *Notation* page.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lib.errors import BookError

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour (on light and on dark ground), marker and family of every instrument, the same in the whole book.
#: Hue tells the family, marker and lightness the instrument: no pair differs by hue alone.
INSTRUMENT_STYLE: dict[str, dict[str, str]] = {
    name: {"colour_light": light, "colour_dark": dark, "marker": marker, "family": family}
    for name, light, dark, marker, family in (
        ("Flute", "#0077a8", "#5cc8f0", "o", "flutes"),
        ("Piccolo", "#3f8fb5", "#9adcf5", "8", "flutes"),
        ("Clarinet-Bb", "#3b4cc0", "#9da9ff", "s", "single reeds"),
        ("Alto-Sax", "#6a5acd", "#c3b8ff", "D", "single reeds"),
        ("Oboe", "#00795c", "#3dd6ae", "^", "double reeds"),
        ("English-Horn", "#4c8c2b", "#a3d97a", "v", "double reeds"),
        ("Bassoon", "#737300", "#d4d45c", "<", "double reeds"),
        ("Trumpet-C", "#b35900", "#ffb45c", ">", "brass"),
        ("French-Horn", "#d4522a", "#ff8a66", "P", "brass"),
        ("Tenor-Trombone", "#9c2f10", "#e8795a", "X", "brass"),
        ("Tuba", "#7a4a2b", "#cfa07e", "h", "brass"),
        ("Violin", "#b0307a", "#ff7ec2", "*", "strings"),
        ("Viola", "#8e4aa8", "#dfa3f5", "H", "strings"),
        ("Violoncello", "#6e1e52", "#d777b5", "p", "strings"),
        ("Contrabass", "#5e4b66", "#b9a6c2", "d", "strings"),
        ("Piano", "#333a44", "#d7dee8", "$\\times$", "keyboard"),
    )
}

#: Colours for things that are no instrument, in the order to use them: safe for colour-blind readers.
SERIES: tuple[str, ...] = ("#0077a8", "#b35900", "#00795c", "#b0307a", "#6a5acd", "#737300")

#: What figures call "ink": replaced by the page's text colour when drawn.
INK = "#1b1f23"

#: Frequencies that readers know by ear, for axes.
LANDMARKS: tuple[tuple[str, float], ...] = (
    ("A1", 55.0),
    ("A2", 110.0),
    ("A3", 220.0),
    ("A4", 440.0),
    ("A5", 880.0),
    ("A6", 1760.0),
    ("A7", 3520.0),
    ("A8", 7040.0),
)

_DARK = {style["colour_light"]: style["colour_dark"] for style in INSTRUMENT_STYLE.values()}


def use_style() -> None:
    """Make matplotlib draw as the book does: readable type, few lines, ink that follows the page's theme."""
    import matplotlib as mpl

    mpl.rcParams.update(
        {
            "figure.figsize": (4.9, 3.1),
            "figure.dpi": 100,
            "figure.facecolor": "none",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 10.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": mpl.cycler(color=SERIES),
            "axes.grid": False,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": 9.5,
            "ytick.labelsize": 9.5,
            "grid.color": INK,
            "grid.alpha": 0.15,
            "legend.frameon": False,
            "legend.fontsize": 9.5,
            "lines.linewidth": 1.6,
            "image.cmap": "magma",
            "svg.fonttype": "none",
            "svg.hashsalt": "timbre",
            "font.family": "sans-serif",
            "font.size": 10.5,
        }
    )


def colour(instrument: str) -> str:
    """Give an instrument's colour on light ground; `figure` turns it into the dark one on dark pages.

    Raises:
        BookError: no such instrument in the book.
    """
    return _style(instrument)["colour_light"]


def marker(instrument: str) -> str:
    """Give an instrument's marker, in matplotlib's letters.

    >>> marker("Oboe")
    '^'
    """
    return _style(instrument)["marker"]


def scatter(axes: Axes, x: float, y: float, instrument: str, *, label: bool = True, size: float = 60.0) -> None:
    """Put one instrument into a plane with its own colour and marker, and its name beside it."""
    axes.scatter([x], [y], s=size, color=colour(instrument), marker=marker(instrument), zorder=3)
    if label:
        axes.annotate(instrument, (x, y), xytext=(6, 4), textcoords="offset points", fontsize=9)


def frequency_axis(axes: Axes, low_hz: float = 55.0, high_hz: float = 8000.0, *, which: str = "y") -> None:
    """Make an axis logarithmic in frequency, so that octaves are equally tall, with the As marked by name."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    (axes.set_yscale if which == "y" else axes.set_xscale)("log")
    (axes.set_ylim if which == "y" else axes.set_xlim)(low_hz, high_hz)
    marks = [(name, hz) for name, hz in LANDMARKS if low_hz <= hz <= high_hz]
    axis.set_minor_locator(_nothing())
    axis.set_ticks(
        [hz for _, hz in marks], [f"{name}  {hz:,.0f}" if which == "y" else f"{name}\n{hz:,.0f}" for name, hz in marks]
    )
    axis.set_label_text("frequency in Hz")


def figure(fig: Figure, *, alt: str, caption: str | None = None) -> HTML:
    """Draw a figure as inline SVG that follows the page from light to dark, with its text equivalent.

    Args:
        fig: a matplotlib figure; it is closed.
        alt: what one would see, in words.
        caption: the figure's message, first sentence first. May hold HTML.

    Raises:
        BookError: the text equivalent is missing.
    """
    import matplotlib.pyplot as plt
    from IPython.display import HTML

    if not alt or not alt.strip():
        raise BookError("A figure needs alt=: say in words what one would see.")
    buffer = io.StringIO()
    fig.savefig(buffer, format="svg")
    plt.close(fig)
    svg = theme_svg(buffer.getvalue())
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(alt, quote=True)}" ', 1)
    note = f"<figcaption>{caption}</figcaption>" if caption else ""
    return HTML(f'<figure class="tb-figure">{svg}{note}</figure>')


def theme_svg(svg: str) -> str:
    """Turn matplotlib's SVG into one whose ink is the page's text colour and whose palette has a dark twin."""
    svg = svg[svg.index("<svg") :]
    # a <style> inside inline SVG would restyle the whole page; its one rule moves to the root element
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    # matplotlib sets the size in points; the page scales the figure to its own width instead
    svg = re.sub(r'(<svg [^>]*?)height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?)width="([\d.]+)pt"', lambda m: f'{m[1]}style="{_svg_style(float(m[2]))}"', svg, count=1)
    svg = svg.replace(INK, "currentColor")
    for light in _DARK:
        svg = svg.replace(light, f"var(--tb-{light[1:]}, {light})")
    # hundredths of a point are finer than any screen, and the file is half as long
    svg = re.sub(r"(\d\.\d\d)\d+", r"\1", svg)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    # ids must differ between figures of one page
    tag = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{tag}-", svg)
    return svg


def palette_css() -> str:
    """Write the palette's dark twins as CSS variables; the book's stylesheet holds exactly this."""
    rows = "".join(f"  --tb-{light[1:]}: {dark};\n" for light, dark in _DARK.items())
    return f'html[data-theme="dark"] {{\n{rows}}}\n'


def legend(axes: Axes, instruments: Sequence[str], **options: object) -> None:
    """Add a legend of instruments in their own colours and markers."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", color=colour(name), marker=marker(name), label=name) for name in instruments
    ]
    axes.legend(handles=handles, **options)


def _style(instrument: str) -> dict[str, str]:
    try:
        return INSTRUMENT_STYLE[instrument]
    except KeyError:
        raise BookError(
            f"No instrument {instrument!r} in this book. There are: {', '.join(INSTRUMENT_STYLE)}."
        ) from None


def _svg_style(width_pt: float) -> str:
    return f"stroke-linejoin:round;stroke-linecap:butt;max-width:{width_pt * 4 / 3:.0f}px;width:100%"


def _nothing():
    from matplotlib.ticker import NullLocator

    return NullLocator()
