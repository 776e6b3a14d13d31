"""Word: a document as a DOCX file with real headings, numbered captions, tables with headers and texts for figures."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mentoreval.report import canvas
from mentoreval.report.converters import converter
from mentoreval.report.document import Bullets, Callout, Document, Heading, Paragraph, Picture, Statement, Table
from mentoreval.report.docx_parts import (
    EDGES,
    LOCALES,
    MARKS,
    SHADE,
    add_caption,
    add_field,
    box,
    describe,
    say_language,
    set_styles,
    turn,
)
from mentoreval.report.docx_table import add_table
from mentoreval.report.paper import FIRST_PICTURE, lay, sheets, text_width
from mentoreval.report.words import Words

if TYPE_CHECKING:
    from docx.document import Document as Page

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every part of the file, the first that a ZIP archive knows, so that two runs give the same bytes."""


def docx_file(document: Document, words: Words) -> bytes:
    """The document as a Word file. Needs the extra ``documents``; ReportError names it where it is not there."""
    page = _new_page(document.title, words)
    if document.banner:
        _add_banner(page, document.banner)
    say_language(page.add_paragraph(document.title, style="Title"), document.title_language)
    for place, chapter in enumerate(document.chapters):
        title = page.add_heading(chapter.title, level=1)
        title.paragraph_format.page_break_before = place == 1
        for turned, blocks in sheets(chapter.blocks):
            if turned:
                turn(page.add_section(), turned=True)
            for block in blocks:
                _WRITERS[block.kind](page, block, words)
            if turned:
                turn(page.add_section(), turned=False)
        if place == 0:
            _shrink_pictures(page)
    page.add_paragraph(words("page.footer"), style="Note")
    return _bytes(page)


def docx_tables(tables: Sequence[Table], words: Words) -> bytes:
    """Tables alone as a Word file, to be put into a paper. Needs the extra ``documents``."""
    page = _new_page("", words)
    for table in tables:
        _write_table(page, table, words)
    return _bytes(page)


def _new_page(title: str, words: Words) -> Page:
    """An empty file in the styles of a report, with numbered pages."""
    page: Page = converter("docx", "A Word file").Document()
    set_styles(page, LOCALES.get(words.language, words.language))
    about = page.core_properties
    about.title, about.author, about.comments = title, "mentoreval", ""
    about.language = words.language
    for dated in ("{http://purl.org/dc/terms/}created", "{http://purl.org/dc/terms/}modified"):
        for element in about._element.findall(dated):
            about._element.remove(element)
    turn(page.sections[0], turned=False)
    foot = page.sections[0].footer.paragraphs[0]
    foot.alignment = 1
    add_field(foot, "PAGE", "1")
    return page


def _shrink_pictures(page: Page) -> None:
    """Smaller figures so far: whoever is handed only the first sheet should have all of the first page."""
    inches = converter("docx.shared", "A Word file").Inches
    for drawn in page.inline_shapes:
        drawn.height = round(drawn.height * inches(FIRST_PICTURE) / drawn.width)
        drawn.width = inches(FIRST_PICTURE)


def _add_banner(page: Page, banner: str) -> None:
    """The banner above every page."""
    head = page.sections[0].header.paragraphs[0]
    head.alignment = 1
    head.add_run(banner).bold = True


# ---------------------------------------------------------------------------------------------- blocks
def _write_paragraph(page: Page, block: Paragraph, words: Words) -> None:
    style = {"plain": "Normal", "lead": "Lead", "note": "Note"}[block.style]
    say_language(page.add_paragraph(block.text, style=style), block.language)


def _write_heading(page: Page, block: Heading, words: Words) -> None:
    page.add_heading(block.text, level=2)


def _write_bullets(page: Page, block: Bullets, words: Words) -> None:
    for item in block.items:
        say_language(page.add_paragraph(item, style="List Bullet"), block.language)


def _write_statement(page: Page, block: Statement, words: Words) -> None:
    verdict = page.add_paragraph()
    verdict.add_run(f"{block.title}   ").bold = True
    mark = verdict.add_run(f"{block.mark} {block.label}".strip())
    mark.bold = True
    mark.font.color.rgb = converter("docx.shared", "A Word file").RGBColor.from_string(MARKS[block.tone])
    if block.sentences:
        verdict.add_run().add_break()
        verdict.add_run(" ".join(block.sentences))
    box(verdict, SHADE, EDGES[block.tone])


def _write_callout(page: Page, block: Callout, words: Words) -> None:
    said = page.add_paragraph()
    said.add_run(block.title).bold = True
    said.add_run(f" {block.text}")
    box(said, SHADE, EDGES[block.tone])


def _write_table(page: Page, block: Table, words: Words) -> None:
    add_caption(page, words("label.table", number=block.number) if block.number else "", block.caption, above=True)
    add_table(page, block, lay(block))
    for note in block.notes:
        page.add_paragraph(note, style="Note")
    if not block.notes:
        page.add_paragraph(style="Note")


def _write_picture(page: Page, block: Picture, words: Words) -> None:
    place = page.add_paragraph()
    place.paragraph_format.keep_with_next = True
    inches = converter("docx.shared", "A Word file").Inches
    width = min(float(block.figure.get_size_inches()[0]), text_width(turned=False))
    drawn = place.add_run().add_picture(io.BytesIO(canvas.png(block.figure)), width=inches(width))
    describe(drawn, block.alt, block.name)
    add_caption(page, words("label.figure", number=block.number) if block.number else "", block.caption, above=False)


_WRITERS: Mapping[str, Callable[[Page, Any, Words], None]] = {
    Paragraph.kind: _write_paragraph,
    Heading.kind: _write_heading,
    Bullets.kind: _write_bullets,
    Statement.kind: _write_statement,
    Callout.kind: _write_callout,
    Table.kind: _write_table,
    Picture.kind: _write_picture,
}


# ---------------------------------------------------------------------------------------------- the file
def _bytes(page: Page) -> bytes:
    """The file without the time at which it was made."""
    dated, undated = io.BytesIO(), io.BytesIO()
    page.save(dated)
    with zipfile.ZipFile(dated) as old, zipfile.ZipFile(undated, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, LONG_AGO)
            part.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(part, old.read(name))
    return undated.getvalue()
