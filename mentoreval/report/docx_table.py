"""Tables of a Word file in APA style: three rules, none of them upright, and a header that every page repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mentoreval.report.converters import converter
from mentoreval.report.document import Table
from mentoreval.report.docx_parts import INK, SOFT, element
from mentoreval.report.paper import SHORT, Layout

if TYPE_CHECKING:
    from docx.document import Document as Page

LEFT, CENTER, RIGHT = 0, 1, 2
CELL_MARGIN = "70"
"""Of a cell to its left and right, in twentieths of a point."""
_AFTER_BORDERS = ("w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tblCaption", "w:tblDescription")


def add_table(page: Page, table: Table, layout: Layout) -> None:
    """The table at the end of a page, in the widths and the type of its layout."""
    heads = 2 if table.groups else 1
    made: Any = page.add_table(rows=heads + len(table.rows), cols=len(table.columns))
    made.autofit = False
    _set_rules(made, table.caption)
    _set_widths(made, layout)
    rows = [row.cells for row in made.rows]
    if table.groups:
        _fill_groups(rows[0], table, layout.size)
    for cell, column in zip(rows[heads - 1], table.columns, strict=True):
        _fill(cell, column.label, layout.size, RIGHT if column.numeric else LEFT, bold=True)
        _rule_below(cell, "6", INK)
    for cells, texts in zip(rows[heads:], table.rows, strict=True):
        for cell, column, text in zip(cells, table.columns, texts, strict=True):
            _fill(cell, text, layout.size, RIGHT if column.numeric else LEFT)
    _keep_together(rows[:-1] if len(table.rows) <= SHORT else rows[: heads + 1])
    for place, row in enumerate(made.rows):
        properties = row._tr.get_or_add_trPr()
        properties.append(element("w:cantSplit"))
        if place < heads:
            properties.append(element("w:tblHeader"))


def _keep_together(rows: list[tuple[Any, ...]]) -> None:
    """Keep rows on the sheet of the row that follows."""
    for cells in rows:
        for cell in cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = True


def _set_rules(made: Any, title: str) -> None:
    """Rules above and below, the header row and the naming column marked as such, and the table's name."""
    properties = made._tbl.tblPr
    borders = element("w:tblBorders")
    for side in ("top", "bottom"):
        borders.append(element(f"w:{side}", val="single", sz="8", space="0", color=INK))
    properties.insert_element_before(borders, *_AFTER_BORDERS)
    margins = element("w:tblCellMar")
    for side in ("left", "right"):
        margins.append(element(f"w:{side}", w=CELL_MARGIN, type="dxa"))
    properties.insert_element_before(margins, *_AFTER_BORDERS[3:])
    for old in properties.xpath("./w:tblLook"):
        properties.remove(old)
    properties.append(element("w:tblLook", val="00A0", firstRow="1", firstColumn="1", noHBand="1", noVBand="1"))
    properties.append(element("w:tblCaption", val=title))


def _set_widths(made: Any, layout: Layout) -> None:
    inches = converter("docx.shared", "A Word file").Inches
    for column, width in zip(made.columns, layout.widths, strict=True):
        column.width = inches(width)
    for row in made.rows:
        for cell, width in zip(row.cells, layout.widths, strict=True):
            cell.width = inches(width)


def _fill_groups(cells: tuple[Any, ...], table: Table, size: float) -> None:
    """The headings over several columns, each with a thin rule below."""
    start = 0
    for label, span in table.groups:
        cell = cells[start].merge(cells[start + span - 1])
        _fill(cell, label, size, CENTER, bold=True)
        if label:
            _rule_below(cell, "4", SOFT)
        start += span


def _fill(cell: Any, text: str, size: float, side: int, *, bold: bool = False) -> None:
    line = cell.paragraphs[0]
    line._p.style = "Cell"  # by its id: looking up its name for each cell takes most of the time of a file
    line.alignment = side
    run = line.add_run(text)
    run.bold = bold or None
    run.font.size = converter("docx.shared", "A Word file").Pt(size)
    if bold:
        cell.vertical_alignment = converter("docx.enum.table", "A Word file").WD_ALIGN_VERTICAL.BOTTOM


def _rule_below(cell: Any, weight: str, color: str) -> None:
    borders = element("w:tcBorders")
    borders.append(element("w:bottom", val="single", sz=weight, space="0", color=color))
    cell._tc.get_or_add_tcPr().insert_element_before(borders, "w:shd", "w:noWrap", "w:tcMar", "w:vAlign")
