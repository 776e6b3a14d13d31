"""Index: one page for each language that lists all studies, what each found, and where its reports are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from mentoreval.errors import ReportError
from mentoreval.report.every_study import StudyEntry, StudyText
from mentoreval.report.words import Words, available_languages

FIRST = "en"
"""The language of index.html; the pages of the others are index.<language>.html."""


@dataclass(frozen=True)
class _Link:
    """A link to one file of a report."""

    address: str
    label: str
    language: str = ""


@dataclass(frozen=True)
class _Card:
    """One study on the page; ``language`` is that of its texts where it is not the page's."""

    entry: StudyEntry
    text: StudyText
    language: str
    links: tuple[_Link, ...]


def write_index(entries: Sequence[StudyEntry], folder: Path) -> list[Path]:
    """Write the pages that list studies: ``index.html`` in English and ``index.<language>.html`` in the others.

    entries : from ``write_every_study``
    folder : in which each study has its own folder with its report

    Raises ReportError where the folder can not be written to.
    """
    pages = {page_name(language): index_page(entries, language) for language in _languages()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in pages.items():
            (folder / name).write_bytes(page)
    except OSError as error:
        raise ReportError(f"The page of all reports can not be written to {folder}: {error.strerror}.") from error
    return [folder / name for name in pages]


def index_page(entries: Sequence[StudyEntry], language: str) -> bytes:
    """The page that lists studies in one language, as HTML that needs no network."""
    from jinja2 import Environment, StrictUndefined

    template = files("mentoreval.report").joinpath("templates/index.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    words = Words(language)
    others = [_Link(page_name(other), Words(other)("index.this_language"), other) for other in _languages()]
    page = environment.from_string(template).render(
        language=language,
        words=words,
        cards=[_card(entry, words) for entry in entries],
        written=sum(entry.state == "written" for entry in entries),
        others=[link for link in others if link.language != language],
    )
    return re.sub(r"\n\s*\n+", "\n", page).encode()


def page_name(language: str) -> str:
    """The name of the page in a language."""
    return "index.html" if language == FIRST else f"index.{language}.html"


def _languages() -> list[str]:
    return sorted(available_languages(), key=lambda language: (language != FIRST, language))


def _card(entry: StudyEntry, words: Words) -> _Card:
    """A study as the page shows it: its texts in the page's language, or in its own where it is not translated."""
    spoken = words.language if words.language in entry.texts else next(iter(entry.texts), words.language)
    text = entry.texts.get(spoken, StudyText(entry.name, ""))
    order = sorted(entry.files, key=lambda language: language != words.language)
    links = tuple(
        _Link(f"{entry.name}/{file}", _label(file, language), language)
        for language in order
        for file in entry.files[language]
    )
    return _Card(entry, text, "" if spoken == words.language else spoken, links)


def _label(file: str, language: str) -> str:
    """The name of a link, in the language of what it leads to."""
    words = Words(language)
    return words("index.link", language=words("index.this_language"), format=file.rpartition(".")[2].upper())
