"""The Word file: real headings, counted captions, tables with headers, texts for figures, and the same bytes twice."""

from __future__ import annotations

import io
import sys
import zipfile
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn
from matplotlib.figure import Figure

from mentoreval.errors import ReportError
from mentoreval.report.document import Bullets, Chapter, Column, Document, Heading, Paragraph, Picture, Table
from mentoreval.report.docx import docx_file, docx_tables
from mentoreval.report.exhibits import EXHIBITS
from mentoreval.report.render import compose
from mentoreval.report.section import Material
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

HOSTILE = '<w:p/> & "quotes" \' {field} \\ niño ≤ −2'
EN = Words("en")


def read(content: bytes) -> Any:
    """The file as python-docx reads it."""
    return docx.Document(io.BytesIO(content))


def document(*blocks: Any, **options: Any) -> Document:
    """A document whose second chapter holds the blocks."""
    chapters = (Chapter("first", "First", (Paragraph("The first page."),)), Chapter("second", "Second", blocks))
    return Document("en", "A title", chapters, **options)


def table(columns: int = 3, rows: int = 4) -> Table:
    """A table that names its rows and has numbers in the other columns, two of them under one heading."""
    heads = (
        Column("Name", numeric=False),
        *(Column(f"Column {n}", group="Both" if n < 2 else "") for n in range(columns - 1)),
    )
    body = tuple((f"row {row}", *(str(100 * row + n) for n in range(columns - 1))) for row in range(rows))
    return Table("table-made_up", "What was counted", heads, body, ("A note.",), number=3)


@pytest.fixture(scope="module", params=["en", "es"])
def report(evaluation: Evaluation, request: pytest.FixtureRequest) -> tuple[Document, bytes]:
    """The report of the made-up district in a language, and its Word file."""
    words = Words(request.param)
    composed = compose(Material.gather(evaluation, EXHIBITS), words)
    return composed, docx_file(composed, words)


def styled(page: Any, style: str) -> list[str]:
    """The texts of the paragraphs in a style."""
    return [
        "".join(run.text for run in line._p.iter(qn("w:t"))) for line in page.paragraphs if line.style.name == style
    ]


# ---------------------------------------------------------------------------------------------- the report
def test_headings_are_headings(report):
    composed, content = report
    page = read(content)
    assert styled(page, "Title") == [composed.title]
    assert styled(page, "Heading 1") == [chapter.title for chapter in composed.chapters]
    assert styled(page, "Heading 2") == [block.text for block in composed.blocks if block.kind == "heading"]


def test_every_figure_can_be_heard(report):
    composed, content = report
    alts = [shape._inline.docPr.get("descr") for shape in read(content).inline_shapes]
    assert alts == [block.alt for block in composed.blocks if block.kind == "picture"]


def test_captions_are_counted_by_word_and_say_what_the_report_says(report):
    composed, content = report
    words, page = Words(composed.language), read(content)
    lines = [line for line in page.paragraphs if line.style.name == "Caption"]
    kinds = {"table": "label.table", "picture": "label.figure"}
    blocks = [block for block in composed.blocks if block.kind in kinds]
    assert len(lines) == len(blocks)
    for line, block in zip(lines, blocks, strict=True):
        label = words(kinds[block.kind], number=block.number)
        assert "".join(part.text for part in line._p.iter(qn("w:t"))).replace(" ", "") == (
            label + block.caption
        ).replace(" ", "")
        (field,) = line._p.iter(qn("w:fldSimple"))
        assert field.get(qn("w:instr")) == rf"SEQ {label.split()[0]} \* ARABIC"


def test_tables_have_headers_that_every_page_repeats(report):
    composed, content = report
    tables, blocks = read(content).tables, [block for block in composed.blocks if block.kind == "table"]
    assert len(tables) == len(blocks)
    for made, block in zip(tables, blocks, strict=True):
        heads = [row._tr.xpath("./w:trPr/w:tblHeader") != [] for row in made.rows]
        expected = 2 if block.groups else 1
        assert heads == [True] * expected + [False] * len(block.rows)
        assert [cell.text for cell in made.rows[expected - 1].cells] == [column.label for column in block.columns]
        assert [[cell.text for cell in row.cells] for row in made.rows[expected:]] == [list(row) for row in block.rows]
        assert made._tbl.tblPr.xpath("./w:tblCaption/@w:val") == [block.caption]


def test_the_file_says_its_language_and_its_title(report):
    composed, content = report
    page = read(content)
    assert page.core_properties.title == composed.title
    assert page.core_properties.language == composed.language
    assert page.styles.element.xpath("./w:docDefaults//w:lang/@w:val") == [f"{composed.language}-US"]


def test_made_up_data_are_said_above_every_page(report):
    composed, content = report
    page = read(content)
    assert [section.header.paragraphs[0].text for section in page.sections] == [composed.banner] * len(page.sections)


def test_pages_are_numbered(report):
    fields = read(report[1]).sections[0].footer._element.xpath(".//w:fldSimple/@w:instr")
    assert fields == ["PAGE"]


def test_two_runs_give_the_same_bytes_and_no_date(report, monkeypatch):
    composed, content = report
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert docx_file(composed, Words(composed.language)) == content
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = parts.read("docProps/core.xml").decode()
    assert "created" not in core
    assert "modified" not in core


# ---------------------------------------------------------------------------------------------- any document
def test_a_text_is_never_markup():
    blocks = (Paragraph(HOSTILE), Heading(HOSTILE), Bullets((HOSTILE,)))
    page = read(docx_file(document(*blocks), EN))
    assert [line.text for line in page.paragraphs].count(HOSTILE) == 3


def test_a_figure_without_a_text_stops_the_file():
    figure = Figure(figsize=(4.2, 2))
    with pytest.raises(ReportError, match="'figure-line' has no alternative text"):
        docx_file(document(Picture("figure-line", figure, "", "A line.")), EN)


def test_a_wide_table_is_laid_on_its_side_with_its_heading():
    page = read(docx_file(document(Paragraph("Before."), Heading("Wide"), table(columns=22), Paragraph("After.")), EN))
    assert [section.page_width > section.page_height for section in page.sections] == [False, True, False]
    for section, made in ((page.sections[1], page.tables[0]),):
        room = section.page_width - section.left_margin - section.right_margin
        assert sum(column.width for column in made.columns) <= room + 10_000  # a hundredth of an inch


def test_a_text_of_another_language_is_marked():
    page = read(docx_file(document(Paragraph("Hola.", language="es")), EN))
    (line,) = (line for line in page.paragraphs if line.text == "Hola.")
    assert line._p.xpath(".//w:lang/@w:val") == ["es-US"]


def test_tables_alone_have_three_rules_none_of_them_upright():
    page = read(docx_tables([table(), table()], Words("es")))
    assert len(page.tables) == 2
    assert [text.replace("\n", "") for text in styled(page, "Caption")] == ["Tabla 3.What was counted"] * 2
    borders = page.tables[0]._tbl.tblPr.find(qn("w:tblBorders"))
    assert [border.tag for border in borders] == [qn("w:top"), qn("w:bottom")]
    below_heads = [cell._tc.xpath("./w:tcPr/w:tcBorders/w:bottom") != [] for cell in page.tables[0].rows[1].cells]
    assert below_heads == [True, True, True]


def test_a_table_in_a_notebook_can_be_had_for_word():
    assert read(table().docx("en")).tables[0].cell(2, 0).text == "row 0"


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(ReportError, match=r"pip install 'mentoreval\[documents\]'"):
        docx_file(document(), EN)
