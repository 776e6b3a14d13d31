"""Paper: how a table is laid on a letter sheet, so that nothing is cut off. Lengths are in inches, type in points.

A table stands upright if it can, in smaller type if it must, and on a sheet turned on its side if even that is too
little. The widths are measured in the font of the figures, which is wider than those of the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from mentoreval.report import canvas
from mentoreval.report.document import Block, Heading, Table

SHORT_SIDE, LONG_SIDE, MARGIN = 8.5, 11.0, 0.75
GAP = 0.13
NARROWER = 0.84
"""Width of the fonts of the texts, of that of the figures; bold headings and all."""
FIRST_PICTURE = 2.75
"""Width of the figure of the first page, so that all of that page is on one sheet."""
SHORT = 12
"""Rows up to which a table stays whole on one sheet."""
ROOM = 0.8
"""Inches that a column of words should have at least, in the largest type, so that it can be read."""
UPRIGHT, TURNED = (9.0, 8.5, 8.0, 7.5, 7.0), (8.5, 8.0, 7.5, 7.0)


@dataclass(frozen=True)
class Layout:
    """How a table is laid: on a sheet turned on its side or not, the size of its type, and the width of each column.

    broken : a word is wider than its column even so, and must be broken
    """

    turned: bool
    size: float
    widths: tuple[float, ...]
    broken: bool = False


def lay(table: Table) -> Layout:
    """The largest type in which every word of the table is whole, upright before turned."""
    for turned, sizes in ((False, UPRIGHT), (True, TURNED)):
        room = text_width(turned)
        for size in sizes:
            least = _least(table, size)
            if sum(least) <= room:
                return Layout(turned, size, _spread(least, _wanted(table, size), room))
    least, room = _least(table, TURNED[-1]), text_width(turned=True)
    return Layout(True, TURNED[-1], tuple(width * room / sum(least) for width in least), broken=True)


def sheets(blocks: Sequence[Block]) -> list[tuple[bool, list[Block]]]:
    """The blocks of a chapter by how their sheet lies, True for one on its side; a heading stays with what it heads."""
    turned = [isinstance(block, Table) and lay(block).turned for block in blocks]
    for place in reversed(range(len(blocks) - 1)):
        turned[place] |= isinstance(blocks[place], Heading) and turned[place + 1]
    pairs = groupby(zip(turned, blocks, strict=True), key=lambda pair: pair[0])
    return [(lies, [block for _, block in group]) for lies, group in pairs]


def text_width(turned: bool) -> float:
    """What a sheet has between its margins."""
    return (LONG_SIDE if turned else SHORT_SIDE) - 2 * MARGIN


def _least(table: Table, size: float) -> list[float]:
    """What each column needs so that no number and no word is broken, and a column of words can be read."""
    return [
        max(
            max((_width(part, size) for cell in cells for part in ([cell] if numeric else cell.split())), default=0.0),
            max((_width(word, size) for word in label.split()), default=0.0),
            0.0 if numeric else min(ROOM * size / UPRIGHT[0], max(_width(cell, size) for cell in (label, *cells))),
        )
        + GAP
        for label, numeric, cells in _columns(table)
    ]


def _wanted(table: Table, size: float) -> list[float]:
    """What each column would take if nothing had to be wrapped but the headings of numbers."""
    return [
        max((_width(text, size) for text in (cells if numeric else (label, *cells))), default=0.0) + GAP
        for label, numeric, cells in _columns(table)
    ]


def _spread(least: list[float], wanted: list[float], room: float) -> tuple[float, ...]:
    """The room of a sheet over the columns: what they need, then what they want, then the rest in proportion."""
    missing = [max(want - need, 0.0) for need, want in zip(least, wanted, strict=True)]
    left = room - sum(least)
    share = min(1.0, left / sum(missing)) if sum(missing) else 1.0
    widths = [need + share * more for need, more in zip(least, missing, strict=True)]
    return tuple(width * room / sum(widths) for width in widths)


def _columns(table: Table) -> list[tuple[str, bool, list[str]]]:
    """Each column: its heading, whether it holds numbers, and its cells."""
    return [
        (column.label, column.numeric, [row[place] for row in table.rows]) for place, column in enumerate(table.columns)
    ]


def _width(text: str, size: float) -> float:
    return NARROWER * canvas.text_width(text, size)
