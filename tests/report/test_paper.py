"""How tables are laid on a sheet: whole words, the largest type that fits, and nothing beyond the margins."""

from __future__ import annotations

import pytest

from mentoreval.report import paper
from mentoreval.report.document import Column, Heading, Paragraph, Table


def table(*cells: str, numeric: bool = True, rows: int = 3) -> Table:
    """A table of one row said again, whose first column names the row."""
    columns = tuple(Column(f"Head {n}", numeric=numeric and n > 0) for n in range(len(cells)))
    return Table("t", "T", columns, (cells,) * rows)


def test_a_small_table_stands_upright_in_the_largest_type():
    layout = paper.lay(table("a name", "1", "2"))
    assert (layout.turned, layout.size, layout.broken) == (False, paper.UPRIGHT[0], False)


@pytest.mark.parametrize("columns", [1, 3, 8, 14, 22, 40])
def test_the_columns_fill_the_sheet_and_no_more(columns):
    layout = paper.lay(table("a name", *["1,234 (56.7)"] * (columns - 1)))
    assert sum(layout.widths) == pytest.approx(paper.text_width(layout.turned))
    assert len(layout.widths) == columns


def test_more_columns_take_smaller_type_then_a_turned_sheet_then_broken_words():
    layouts = [paper.lay(table("a name", *["1,234 (56.7)"] * n)) for n in range(1, 41)]
    order = [(layout.broken, layout.turned, -layout.size) for layout in layouts]
    assert order == sorted(order)
    assert {layout.turned for layout in layouts} == {False, True}
    assert layouts[-1].broken


def test_numbers_are_never_wrapped_where_words_can_be():
    layout = paper.lay(table("a very long name of a row that goes on and on " * 4, "1,234 (56.7)"))
    assert layout.widths[1] >= paper._width("1,234 (56.7)", layout.size)


def test_a_table_without_rows_can_be_laid():
    assert not paper.lay(Table("t", "T", (Column("Only"),), ())).turned


def test_a_heading_goes_with_the_table_that_it_heads():
    wide, small = table("a name", *["1,234 (56.7)"] * 20), table("a name", "1")
    blocks = [Paragraph("one"), Heading("H"), wide, wide, Heading("I"), small]
    found = [(turned, len(group)) for turned, group in paper.sheets(blocks)]
    assert found == [(False, 1), (True, 3), (False, 2)]


def test_an_empty_chapter_has_no_sheets():
    assert paper.sheets([]) == []
