"""Canvas: how figures are drawn. One width, one hand, colours that hold in grey and for the colour-blind.

A figure is narrower than a phone, so that its letters are no smaller there than they are here. Sizes are in inches.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mentoreval.report.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 4.2
MARGIN = 0.12
FONT = "DejaVu Sans"
TEXT, SMALL = 9.5, 8.5
LINE = 0.175
INK, MUTED, RULE, SHADE = "#1a1a1a", "#555555", "#c8c8c8", "#f0f0f0"
PROGRAM, COMPARISON = "#0072B2", "#B34700"
_STYLE: Mapping[str, Any] = {
    "font.family": FONT,
    "font.size": TEXT,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "svg.fonttype": "path",
    "svg.hashsalt": "mentoreval",
}


Mark = tuple[str, str, str]
"""An entry of a legend: text, fill and edge of its mark."""


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The same drawing style whatever the machine's own settings are; these come back afterwards."""
    import matplotlib.style

    with matplotlib.style.context(["default", dict(_STYLE)]):
        yield


def new_figure(height: float) -> Figure:
    """An empty figure of the common width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), facecolor="white")


def page_axes(figure: Figure) -> Axes:
    """Axes over the whole figure that measure in inches from the lower left corner."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.axis("off")
    return axes


def panel_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place in inches, with a line below and none on the other sides."""
    full_width, full_height = figure.get_size_inches()
    axes = figure.add_axes((left / full_width, bottom / full_height, width / full_width, height / full_height))
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.patch.set_alpha(0)
    return axes


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT) -> float:
    """Width of a text in inches."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=FONT)))
    font.set_size(size, 72)
    font.set_text(text, 0.0)
    sixty_fourths = font.get_width_height()[0]
    return float(sixty_fourths) / 64 / 72


def wrap(text: str, width: float, size: float = TEXT) -> list[str]:
    """Lines that are no wider than ``width`` inches, broken between words; one long word stays whole."""
    lines: list[str] = []
    for word in filter(None, re.split(r"[ \n]+", text)):  # not at the space before %, which does not break
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, size) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines or [""]


def write_lines(axes: Axes, lines: list[str], left: float, top: float, **options: Any) -> float:
    """Write lines downwards from ``top``; returns where the next line would begin."""
    for number, line in enumerate(lines):
        axes.text(left, top - number * LINE, line, **{"va": "top", "ha": "left", **options})
    return top - len(lines) * LINE


def legend(page: Axes, height: float, marks: list[Mark]) -> None:
    """Marks and what they mean, side by side at a height in inches."""
    left = MARGIN
    for text, face, edge in marks:
        page.scatter([left + 0.06], [height], s=34, facecolor=face, edgecolor=edge, linewidth=1.4)
        page.text(left + 0.2, height, text, va="center", size=SMALL)
        left += 0.2 + text_width(text, SMALL) + 0.25


def few_ticks(axis: Axis, words: Words, most: int = 5) -> None:
    """A few ticks, with as many decimals as their distance needs, written as the language writes numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]))
    ticks = axis.get_majorticklocs()
    step = float(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
    decimals = next(n for n in range(9) if np.isclose(step, round(step, n), rtol=1e-6, atol=0) or n == 8)
    axis.set_major_formatter(lambda value, _: words.number(value, decimals))


def svg(figure: Figure) -> str:
    """The figure as SVG, the same bytes every time."""
    with style():
        page = io.StringIO()
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    return text[text.index("<svg") :]


def png(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as PNG."""
    with style():
        page = io.BytesIO()
        figure.savefig(page, format="png", dpi=dpi, metadata={"Software": None})
    return page.getvalue()
