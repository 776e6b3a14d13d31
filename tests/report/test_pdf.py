"""The PDF: PDF/UA-1 by its own standard and by another reader's eyes, with every text as it was written."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pypdf
import pytest
from matplotlib.figure import Figure

from mentoreval.errors import ReportError
from mentoreval.report.document import (
    Bullets,
    Callout,
    Chapter,
    Column,
    Document,
    Heading,
    Paragraph,
    Picture,
    Statement,
    Table,
    number_exhibits,
)
from mentoreval.report.exhibits import EXHIBITS
from mentoreval.report.pdf import pdf_file
from mentoreval.report.render import compose
from mentoreval.report.section import Material
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

HOSTILE = (
    '#let x = 1', "*bold* _slant_", "$x^2$", "<label> @cite", "back\\slash \\u{41}", 'quotes " and \'', "// no comment",
    "/* nor this */", "= no heading", "- no list", "[brackets] {braces}", "#panic(1)", "`raw`", "~ -- --- ...",
    "niño, ¿qué?", "−2.0 ≤ 3 ≈ 4",
)  # fmt: skip
EN = Words("en")


def document(*blocks: Any, **options: Any) -> Document:
    """A document whose second chapter holds the blocks."""
    chapters = (Chapter("first", "First", (Paragraph("The first page."),)), Chapter("second", "Second", blocks))
    return number_exhibits(Document("en", "A title", chapters, **options))


def read(content: bytes) -> pypdf.PdfReader:
    """The file as a reader sees it."""
    return pypdf.PdfReader(io.BytesIO(content))


@cache
def pages_of(content: bytes) -> tuple[str, ...]:
    """What is written on each page."""
    return tuple(page.extract_text() for page in read(content).pages)


def text_of(content: bytes) -> str:
    """Everything that is written in the file, without its lines."""
    return " ".join(" ".join(pages_of(content)).split())


def elements(reader: pypdf.PdfReader) -> Iterator[Any]:
    """The elements of the structure tree, in reading order."""

    def below(element: Any) -> Iterator[Any]:
        kids = element.get("/K", [])
        for kid in kids if isinstance(kids, list) else [kids]:
            kid = kid.get_object()
            if isinstance(kid, dict) and "/S" in kid:
                yield kid
                yield from below(kid)

    yield from below(reader.trailer["/Root"]["/StructTreeRoot"])


def roles(reader: pypdf.PdfReader) -> list[str]:
    """What each element of the structure is."""
    return [element["/S"] for element in elements(reader)]


def drawn(alt: str = "A line that rises from one to two.") -> Picture:
    """A figure with one line."""
    figure = Figure(figsize=(4.2, 2))
    figure.add_subplot().plot([1, 2])
    return Picture("figure-line", figure, alt, "A line.")


def table(columns: int = 3, rows: int = 4, word: str = "word") -> Table:
    """A table that names its rows and has numbers in the other columns."""
    heads = (
        Column("Name", numeric=False),
        *(Column(f"Column {n}", group="Both" if n < 2 else "") for n in range(columns - 1)),
    )
    body = tuple((f"{word} {row}", *(str(100 * row + n) for n in range(columns - 1))) for row in range(rows))
    return Table("table-made_up", "What was counted", heads, body, ("A note.",))


@pytest.fixture(scope="module", params=["en", "es"])
def report(evaluation: Evaluation, request: pytest.FixtureRequest) -> tuple[Document, bytes]:
    """The report of the made-up district in a language, and its PDF."""
    words = Words(request.param)
    composed = compose(Material.gather(evaluation, EXHIBITS), words)
    return composed, pdf_file(composed, words)


# ---------------------------------------------------------------------------------------------- the standard
def test_the_report_says_that_it_is_pdf_ua_and_is_tagged(report):
    composed, content = report
    reader = read(content)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == composed.language
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata.title == composed.title
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_object().get_data()
    assert all(page["/Tabs"] == "/S" for page in reader.pages if "/Annots" in page)


def test_every_figure_of_the_report_can_be_heard(report):
    composed, content = report
    figures = [element for element in elements(read(content)) if element["/S"] == "/Figure" and "/Alt" in element]
    alts = [str(figure["/Alt"]) for figure in figures]
    assert alts == [block.alt for block in composed.blocks if block.kind == "picture"]


def test_the_report_has_its_headings_tables_and_captions(report):
    composed, content = report
    found = roles(read(content))
    kinds = [block.kind for block in composed.blocks]
    assert found.count("/Table") == kinds.count("table")
    assert found.count("/Caption") == kinds.count("table") + kinds.count("picture")
    assert found.count("/H2") == kinds.count("heading")
    assert {"/TH", "/TD", "/L", "/LI"} <= set(found)
    headers = sum(len(block.columns) for block in composed.blocks if block.kind == "table")
    assert found.count("/TH") >= headers


def test_every_font_is_in_the_file(report):
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        for page in read(report[1]).pages
        for font in page["/Resources"].get("/Font", {}).values()
    ]
    assert fonts
    assert all({"/FontFile2", "/FontFile3"} & set(font) for font in fonts)


def test_a_figure_without_a_text_stops_the_file():
    with pytest.raises(ReportError, match=r"PDF can not be written.*alt"):
        pdf_file(document(drawn(alt="")), EN)
    assert pdf_file(document(drawn()), EN).startswith(b"%PDF")


def test_two_runs_give_the_same_bytes_and_no_date(report):
    composed, content = report
    assert pdf_file(composed, Words(composed.language)) == content
    assert "/CreationDate" not in (read(content).metadata or {})
    assert b"CreateDate" not in content


# ---------------------------------------------------------------------------------------------- what is written
def test_a_text_is_never_markup():
    blocks = [
        block
        for text in HOSTILE
        for block in (
            Paragraph(text), Heading(text), Bullets((text,)), Statement(text, "!", text, "bad", (text,)),
            Callout(text, text), Table("t", text, (Column(text, group=text),), ((text,),), (text,)),
            replace(drawn(), alt=text, caption=text),
        )
    ]  # fmt: skip
    content = pdf_file(replace(document(*blocks), title=HOSTILE[0], banner=HOSTILE[1]), EN)
    plain = text_of(content).replace(" ", "")
    times = {text: plain.count(text.replace(" ", "")) for text in HOSTILE}
    assert {text: count for text, count in times.items() if count < 14} == {}
    alts = [str(element["/Alt"]) for element in elements(read(content)) if "/Alt" in element]
    assert alts == list(HOSTILE)


def test_the_words_of_the_report_are_in_the_file(report):
    composed, content = report
    pages = (page.replace(composed.banner, "") for page in pages_of(content))
    plain = "".join(re.sub(r"\d+ / \d+$", "", page.strip()) for page in pages)
    squeezed = "".join(plain.split())
    texts = [block.text for block in composed.blocks if block.kind in ("paragraph", "heading")]
    assert [text for text in texts if "".join(text.split()) not in squeezed] == []


def test_made_up_data_are_said_on_every_page(evaluation, report):
    composed, content = report
    assert composed.banner
    assert all(composed.banner in page for page in pages_of(content))
    assert "Made-up" not in text_of(pdf_file(document(Paragraph("Real.")), EN))


def test_pages_are_numbered(report):
    pages = pages_of(report[1])
    assert all(f"{number} / {len(pages)}" in page for number, page in enumerate(pages, 1))


def test_the_first_page_is_one_sheet_and_the_contents_follow(report):
    composed, content = report
    first, second = pages_of(content)[:2]
    assert composed.chapters[0].title in first
    assert composed.chapters[1].title not in first
    assert Words(composed.language)("page.contents") in second


def test_a_text_of_another_language_is_marked():
    reader = read(pdf_file(document(Paragraph("Hola.", language="es"), title_language="es"), EN))
    assert [element["/Lang"] for element in elements(reader) if element.get("/Lang", "en") != "en"]


# ---------------------------------------------------------------------------------------------- tables
def test_a_long_table_repeats_its_header_on_every_page():
    pages = pages_of(pdf_file(document(table(rows=120)), EN))[1:]
    assert len(pages) >= 3
    assert all("Column 1" in page for page in pages)


def test_a_wide_table_is_laid_on_its_side_and_nothing_is_cut_off():
    reader = read(pdf_file(document(Paragraph("Before."), table(columns=22), Paragraph("After.")), EN))
    boxes = [(float(page.mediabox.width), float(page.mediabox.height)) for page in reader.pages]
    assert [width > height for width, height in boxes] == [False, False, True, False]
    places: list[float] = []
    reader.pages[2].extract_text(visitor_text=lambda text, cm, tm, font, size: places.append(tm[4] * cm[0] + cm[4]))
    assert min(places) >= 0
    assert max(places) <= 792


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ReportError, match=r"pip install 'mentoreval\[documents\]'"):
        pdf_file(document(), EN)
