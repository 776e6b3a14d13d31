"""Render: an evaluation as files that can be handed out. All of them, or none."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mentoreval.errors import ReportError, first_few, suggest
from mentoreval.report.disclosure import suppression_csv
from mentoreval.report.document import Chapter, Document, number_exhibits
from mentoreval.report.docx import docx_file
from mentoreval.report.exhibits import EXHIBITS
from mentoreval.report.html import html_page
from mentoreval.report.manifest import manifest_json
from mentoreval.report.pdf import pdf_file
from mentoreval.report.section import Material
from mentoreval.report.sections import SECTIONS
from mentoreval.report.words import Words, available_languages, unit_of
from mentoreval.study.evaluation import Evaluation

FORMATS: Mapping[str, Callable[[Document, Words], bytes]] = {"html": html_page, "pdf": pdf_file, "docx": docx_file}


def write_report(
    evaluation: Evaluation,
    folder: str | Path,
    *,
    languages: Sequence[str] | None = None,
    formats: Sequence[str] | None = None,
) -> list[Path]:
    """Write the report of an evaluation.

    Everything is made in memory before the first file is written, so that a report that can not be made whole leaves
    nothing behind. Two runs give the same bytes.

    Parameters
    ----------
    evaluation : from ``run_study``
    folder : where the files go; it is made if it is not there, and other files in it stay
    languages : by default those of the study
    formats : by default those of the study: "html", one self-contained file for each language; "pdf", which is
        PDF/UA-1, and "docx" need the extra ``documents``

    Returns the paths: ``report.<language>.<format>`` for each, ``estimates.csv``, ``suppressed.csv``, which says what
    was left out of them, and ``manifest.json``.

    Raises
    ------
    ReportError : an unknown language or format, a text that a language does not have, or an exhibit that can not be
        drawn; the message names it.
    """
    unit = unit_of(evaluation.panel.unit)
    said = {name: evaluation.study.said_in(name) for name in _wanted(evaluation, languages)}
    tongues = [
        Words(name, study.outcome_names, unit, study.choice_names, evaluation.study.disclosure_threshold)
        for name, study in said.items()
    ]
    chosen = _checked_formats(evaluation.study.formats if formats is None else formats)
    material = Material.gather(evaluation, EXHIBITS)
    written: dict[str, bytes] = {}
    for words in tongues:
        document = compose(material.said_in(words.language), words)
        for name in chosen:
            written[f"report.{words.language}.{name}"] = FORMATS[name](document, words)
    written["estimates.csv"] = material.estimates.csv(evaluation.study.disclosure_threshold)
    written["suppressed.csv"] = suppression_csv(material.suppressed)
    written["manifest.json"] = manifest_json(evaluation, written)
    return _place(written, Path(folder))


def compose(material: Material, words: Words) -> Document:
    """Every section of the report in one language, with its exhibits numbered."""
    study = material.study
    chapters = []
    for name, section in SECTIONS.items():
        writer = section()
        chapters.append(Chapter(name, writer.title(words), writer.write(material, words)))
    banner = words("synthetic.banner") if study.synthetic else ""
    document = Document(words.language, study.title, tuple(chapters), banner, material.authors_language(words))
    return number_exhibits(document)


def _wanted(evaluation: Evaluation, languages: Sequence[str] | None) -> list[str]:
    """The languages, each once; ReportError for none or one that does not exist."""
    wanted = list(dict.fromkeys(evaluation.study.languages if languages is None else _names(languages, "languages")))
    if not wanted:
        raise ReportError(f"A report needs at least one language.{suggest('', available_languages())}")
    return wanted


def _checked_formats(formats: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(_names(formats, "formats")))
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown or not wanted:
        raise ReportError(f"Reports can not be written as {first_few(unknown) or 'nothing'}.{suggest('', FORMATS)}")
    return wanted


def _names(names: Sequence[str], option: str) -> Sequence[str]:
    if isinstance(names, str):
        raise ReportError(f"{option} takes a list, not the text {names!r}: write [{names!r}].")
    return names


def _place(written: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write all files beside the folder first, then move each to its place."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".report-", dir=folder))
    except OSError as error:
        raise ReportError(f"The report can not be written to {folder}: {error.strerror}.") from error
    try:
        for name, content in written.items():
            (draft / name).write_bytes(content)
        for name in written:
            os.replace(draft / name, folder / name)
    except OSError as error:
        raise ReportError(f"The report can not be written to {folder}: {error.strerror}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return [folder / name for name in written]
