"""Every study: all study files of a folder carried out one after the other, and what became of each."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mentoreval.errors import MentorevalError, StudyError
from mentoreval.report.render import write_report
from mentoreval.report.summary import summarize
from mentoreval.study.evaluation import Progress, run_study
from mentoreval.study.read import read_study
from mentoreval.study.study import Study

State = Literal["written", "no data", "failed"]


@dataclass(frozen=True)
class StudyText:
    """What the page that lists studies says of one, in one language.

    findings : one text for each main outcome; empty where there is no report
    """

    title: str
    question: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyEntry:
    """What became of one study.

    name : of its folder
    state : written; no data, where its data are not on this computer; or failed
    reason : why there is no report, in English; "" where there is one
    texts : by language, the study's own first; empty where the study file can not be read
    files : by language the names of the report's files, relative to the study's folder in the output
    """

    name: str
    state: State
    reason: str = ""
    synthetic: bool = False
    texts: Mapping[str, StudyText] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def write_every_study(
    studies: Path, out: Path, *, formats: Sequence[str] | None = None, progress: Progress | None = None
) -> list[StudyEntry]:
    """Write the report of each ``<name>/study.toml`` in a folder to ``<name>`` in another, in the order of their names.

    A study that can not be carried out does not keep the others from it: its entry says why. An older report of it is
    taken away, so that nobody takes it for a result of today.

    formats : None = those that each study names

    Raises StudyError where the folder has no study.
    """
    files = sorted(studies.glob("*/study.toml"))
    if not files:
        raise StudyError(f"There is no study in {str(studies)!r}. Each is a folder with a file study.toml.")
    say = progress or (lambda step: None)
    entries = []
    for file in files:
        name = file.parent.name

        def tell(step: str, name: str = name) -> None:
            """A step with the study that it belongs to."""
            say(f"{name}: {step}")

        entry = _carried_out(file, out / name, formats, tell)
        if entry.state != "written":
            shutil.rmtree(out / name, ignore_errors=True)
        entries.append(entry)
    return entries


def _carried_out(file: Path, folder: Path, formats: Sequence[str] | None, say: Progress) -> StudyEntry:
    name = file.parent.name
    try:
        study = read_study(file)
    except MentorevalError as error:
        return StudyEntry(name, "failed", str(error))
    texts = {language: _text(study, language) for language in study.languages}
    missing = missing_data(study)
    if missing:
        return StudyEntry(name, "no data", f"{missing} is not there", study.synthetic, texts)
    try:
        return _written(study, folder, formats, say)
    except MentorevalError as error:
        return StudyEntry(name, "failed", str(error), study.synthetic, texts)
    except Exception as error:  # a defect in one study must not hide the others; it is named, and the command fails
        return StudyEntry(name, "failed", f"{type(error).__name__}: {error}", study.synthetic, texts)


def _written(study: Study, folder: Path, formats: Sequence[str] | None, say: Progress) -> StudyEntry:
    evaluation = run_study(study, progress=say)
    say("Writing the report")
    paths = write_report(evaluation, folder, formats=formats)
    texts = {language: _text(study, language, summarize(evaluation, language)) for language in study.languages}
    files = {
        language: tuple(path.name for path in paths if path.name.startswith(f"report.{language}."))
        for language in study.languages
    }
    return StudyEntry(study.name, "written", "", study.synthetic, texts, files)


def _text(study: Study, language: str, findings: tuple[str, ...] = ()) -> StudyText:
    said = study.said_in(language)
    return StudyText(said.title, said.question, findings)


def missing_data(study: Study) -> str:
    """The data of a study as its file names them, where they are not on this computer; "" where they are, or where a
    server has them."""
    named = str(study.data.file if study.data.file is not None else study.data.folder)
    return "" if "://" in named or study.locate(named).exists() else named
