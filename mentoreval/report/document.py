"""Document: what a report says, as blocks that any format can write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Tone = Literal["good", "bad", "unsure", "plain"]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph. language : of a text that its author wrote in another language than the report's."""

    kind: ClassVar[str] = "paragraph"
    text: str
    style: Literal["plain", "lead", "note"] = "plain"
    language: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading within a chapter."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True)
class Statement:
    """A verdict and its sentences: a mark and a word, so that it does not rest on its colour."""

    kind: ClassVar[str] = "statement"
    title: str
    mark: str
    label: str
    tone: Tone
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Callout:
    """A box that nobody should overlook."""

    kind: ClassVar[str] = "callout"
    title: str
    text: str
    tone: Tone = "unsure"


@dataclass(frozen=True)
class Column:
    """A column of a table. numeric : its cells are aligned to the right. group : a heading over several columns."""

    label: str
    numeric: bool = True
    group: str = ""


@dataclass(frozen=True)
class Table:
    """A table of finished texts; the first cell of a row names the row.

    name : unique in the document
    notes : said under the table
    number : of the table in the document; 0 before it has one
    """

    kind: ClassVar[str] = "table"
    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    number: int = 0

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Headings over columns and how many columns each spans; empty where no column has one."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return tuple(spans) if any(column.group for column in self.columns) else ()

    def latex(self) -> str:
        """The table as LaTeX in APA style; it needs booktabs, threeparttable, array and amssymb."""
        from mentoreval.report.latex import latex_table

        return latex_table(self)

    def docx(self, language: str = "en") -> bytes:
        """The table as a Word file in APA style. Needs the extra ``documents``.

        language : of the word before its number
        """
        from mentoreval.report.docx import docx_tables
        from mentoreval.report.words import Words

        return docx_tables([self], Words(language))

    def _repr_html_(self) -> str:
        from mentoreval.report.html import block_html

        return block_html(self)


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with its caption and the text that stands for it where it can not be seen."""

    kind: ClassVar[str] = "picture"
    name: str
    figure: Figure
    alt: str
    caption: str
    number: int = 0

    def _repr_html_(self) -> str:
        from mentoreval.report.html import block_html

        return block_html(self)


Block = Paragraph | Heading | Bullets | Statement | Callout | Table | Picture


@dataclass(frozen=True, eq=False)
class Chapter:
    """One section of a report."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, eq=False)
class Document:
    """A report in one language, in no format yet.

    banner : said on every page, such as that the students are made up; "" for none
    title_language : language of a title in another language than the report's
    """

    language: str
    title: str
    chapters: tuple[Chapter, ...]
    banner: str = ""
    title_language: str = ""

    @property
    def blocks(self) -> Iterator[Block]:
        """Every block in reading order."""
        return (block for chapter in self.chapters for block in chapter.blocks)


def number_exhibits(document: Document) -> Document:
    """The document with its tables and figures numbered in reading order, each kind for itself."""
    counts = {"table": 0, "picture": 0}

    def numbered(block: Block) -> Block:
        """The block with the next number of its kind."""
        if isinstance(block, (Table, Picture)):
            counts[block.kind] += 1
            return replace(block, number=counts[block.kind])
        return block

    chapters = tuple(
        replace(chapter, blocks=tuple(numbered(block) for block in chapter.blocks)) for chapter in document.chapters
    )
    return replace(document, chapters=chapters)
