"""PDF: a document as PDF/UA-1, which every reader can hear. The standard is on: what breaks it stops the report.

The texts reach the template as data and not as markup, so that nothing that an author writes is taken for a command.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from mentoreval.errors import ReportError
from mentoreval.report import canvas
from mentoreval.report.converters import converter
from mentoreval.report.document import Block, Document, Picture, Table
from mentoreval.report.paper import FIRST_PICTURE, SHORT, lay, sheets
from mentoreval.report.words import Words

BREAK_AFTER = 8
"""Letters after which a word that is wider than its column may be broken."""
ZERO_WIDTH_SPACE = "\u200b"


def pdf_file(document: Document, words: Words) -> bytes:
    """The document as a PDF/UA-1 file; ReportError says what keeps it from being one, such as a figure without a text.

    Needs the extra ``documents``.
    """
    typst = converter("typst", "A PDF")
    template = files("mentoreval.report").joinpath("templates/report.typ").read_bytes()
    try:
        made = typst.compile(
            template,
            format="pdf",
            pdf_standards="ua-1",
            sys_inputs={"document": json.dumps(as_data(document, words))},
            font_paths=[str(_fonts())],
            ignore_system_fonts=True,
        )
    except typst.TypstError as error:
        raise ReportError(f"The PDF can not be written: {error}") from error
    return bytes(made)


def as_data(document: Document, words: Words) -> dict[str, Any]:
    """The document as plain data for the template."""
    return {
        "language": document.language,
        "title": document.title,
        "title_language": document.title_language,
        "banner": document.banner,
        "contents": words("page.contents"),
        "footer": words("page.footer"),
        "first_picture": FIRST_PICTURE,
        "chapters": [
            {
                "title": chapter.title,
                "sheets": [
                    {"turned": turned, "blocks": [_block(block, words) for block in blocks]}
                    for turned, blocks in sheets(chapter.blocks)
                ],
            }
            for chapter in document.chapters
        ],
    }


def _block(block: Block, words: Words) -> Mapping[str, Any]:
    if isinstance(block, Table):
        return _table(block, words)
    if isinstance(block, Picture):
        return {
            "kind": block.kind,
            "svg": canvas.svg(block.figure),
            "alt": block.alt or None,
            "label": words("label.figure", number=block.number) if block.number else "",
            "caption": block.caption,
        }
    return {"kind": block.kind, **asdict(block)}


def _table(table: Table, words: Words) -> dict[str, Any]:
    layout = lay(table)
    cell = _breakable if layout.broken else str
    return {
        "kind": table.kind,
        "label": words("label.table", number=table.number) if table.number else "",
        "caption": table.caption,
        "whole": len(table.rows) <= SHORT,
        "size": layout.size,
        "widths": layout.widths,
        "groups": table.groups,
        "columns": [{"label": cell(column.label), "numeric": column.numeric} for column in table.columns],
        "rows": [[cell(text) for text in row] for row in table.rows],
        "notes": table.notes,
    }


def _breakable(text: str) -> str:
    """The text with places in its long words where a line may end."""
    return " ".join(
        ZERO_WIDTH_SPACE.join(word[start : start + BREAK_AFTER] for start in range(0, len(word), BREAK_AFTER))
        for word in text.split(" ")
    )


def _fonts() -> Path:
    """The folder of the font of the figures, for signs that the font of the texts does not have."""
    from matplotlib import get_data_path

    return Path(get_data_path()) / "fonts" / "ttf"
