"""Parts of a Word file: styles, captions with fields, boxes, sheets, languages and texts that stand for figures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mentoreval.errors import ReportError
from mentoreval.report.converters import converter
from mentoreval.report.paper import LONG_SIDE, MARGIN, SHORT_SIDE

if TYPE_CHECKING:
    from docx.document import Document as Page
    from docx.section import Section as Sheet
    from docx.shape import InlineShape
    from docx.text.paragraph import Paragraph as Line

FONT, INK, SOFT, SHADE = "Calibri", "1A1A1A", "555555", "F5F5F5"
LOCALES = {"en": "en-US", "es": "es-US"}
EDGES = {"good": "0072B2", "bad": "A33C00", "unsure": "B58900", "plain": SOFT}
MARKS = {"good": "00518A", "bad": "8A3200", "unsure": "6B5000", "plain": INK}
# Name of a style, the one that it is based on, points, bold, points before and after.
_STYLES = (
    ("Normal", "", 10, False, 0, 5),
    ("Title", "", 20, True, 0, 6),
    ("Heading 1", "", 14, True, 14, 5),
    ("Heading 2", "", 11.5, True, 8, 3),
    ("List Bullet", "", 10, False, 0, 1),
    ("Caption", "", 9.5, False, 6, 4),
    ("Lead", "Normal", 12, False, 0, 6),
    ("Note", "Normal", 9, False, 3, 4),
    ("Cell", "Normal", 9, False, 1, 1),
)


def element(tag: str, **attributes: str) -> Any:
    """An element of WordprocessingML; its attributes are of the same namespace."""
    made = converter("docx.oxml", "A Word file").OxmlElement(tag)
    for name, value in attributes.items():
        made.set(_qualified(f"w:{name}"), value)
    return made


def set_styles(page: Page, locale: str) -> None:
    """Dark type of one family, headings without blue, and the language of the texts."""
    points = converter("docx.shared", "A Word file").Pt
    color = converter("docx.shared", "A Word file").RGBColor.from_string(INK)
    for name, base, size, bold, before, after in _STYLES:
        style: Any = page.styles.add_style(name, 1) if base else page.styles[name]
        if base:
            style.base_style = page.styles[base]
        style.font.name, style.font.size, style.font.bold, style.font.italic = FONT, points(size), bold, False
        style.font.color.rgb = color
        _set_family(style.element.get_or_add_rPr())
        style.paragraph_format.space_before, style.paragraph_format.space_after = points(before), points(after)
        style.paragraph_format.line_spacing = 1.0
    for border in page.styles["Title"].element.xpath(".//w:pBdr"):
        border.getparent().remove(border)
    for language in page.styles.element.xpath("./w:docDefaults//w:lang"):
        language.set(_qualified("w:val"), locale)


def _set_family(properties: Any) -> None:
    """The font for every script: the template names a font of the theme, which would win."""
    fonts = properties.get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for script in ("ascii", "hAnsi", "cs", "eastAsia"):
        fonts.set(_qualified(f"w:{script}"), FONT)


def add_caption(page: Page, label: str, caption: str, *, above: bool) -> None:
    """A caption whose number Word counts, so that it can list and refer to what is captioned.

    Over a table the number stands on a line of its own, and the title below it in italics.
    """
    line = page.add_paragraph(style="Caption")
    line.paragraph_format.keep_with_next = above
    parts = re.fullmatch(r"(\D*?)(\s?)(\d+)(.*)", label)
    if parts:
        name, space, number, rest = parts.groups()
        line.add_run(name + space).bold = True
        add_field(line, rf"SEQ {name} \* ARABIC", number, bold=True)
        line.add_run(rest if above else f"{rest} ").bold = True
        if above:
            line.add_run().add_break()
    line.add_run(caption).italic = above


def add_field(line: Line, instruction: str, shown: str, *, bold: bool = False) -> None:
    """A field that Word works out; ``shown`` is what stands there until it does."""
    field = element("w:fldSimple", instr=instruction)
    run = line.add_run(shown)
    run.bold = bold
    field.append(run._r)
    line._p.append(field)


def box(line: Line, fill: str, edge: str) -> None:
    """A shaded paragraph with a thick edge on its left, whole on one page."""
    points = converter("docx.shared", "A Word file").Pt
    shape = line.paragraph_format
    shape.keep_together = True
    shape.left_indent, shape.space_before, shape.space_after = points(8), points(4), points(6)
    borders = element("w:pBdr")
    borders.append(element("w:left", val="single", sz="24", space="6", color=edge))
    properties = line._p.get_or_add_pPr()
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    shade = element("w:shd", val="clear", color="auto", fill=fill)
    properties.insert_element_before(shade, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def turn(sheet: Sheet, *, turned: bool) -> None:
    """A letter sheet with the margins of a report, upright or on its side."""
    inches = converter("docx.shared", "A Word file").Inches
    long, short = inches(LONG_SIDE), inches(SHORT_SIDE)
    sheet.orientation = converter("docx.enum.section", "A Word file").WD_ORIENT(int(turned))
    sheet.page_width, sheet.page_height = (long, short) if turned else (short, long)
    for side in ("left", "right", "top", "bottom"):
        setattr(sheet, f"{side}_margin", inches(MARGIN))


def say_language(line: Line, language: str) -> None:
    """Mark a text that is in another language than the report; "" for one that is not."""
    for run in line.runs if language else ():
        run._r.get_or_add_rPr().append(element("w:lang", val=LOCALES.get(language, language)))


def describe(drawn: InlineShape, alt: str, name: str) -> None:
    """Give a figure the text that stands for it; ReportError where there is none."""
    if not alt:
        raise ReportError(f"The Word file can not be written: the figure {name!r} has no alternative text.")
    properties = drawn._inline.docPr
    properties.set("descr", alt)
    properties.set("name", name)


def _qualified(tag: str) -> str:
    return str(converter("docx.oxml.ns", "A Word file").qn(tag))
