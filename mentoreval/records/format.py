"""Format: how an export of a district becomes tables in our own column names."""

from __future__ import annotations

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mentoreval.errors import OptionError, suggest
from mentoreval.records.checked import Checked
from mentoreval.records.conventions import Conventions
from mentoreval.records.engines import CannotRead, engine_errors, on_one_engine, reason
from mentoreval.records.records import LazyTable
from mentoreval.records.sources import Sources
from mentoreval.records.tables import TABLES
from mentoreval.records.validation import Problem
from mentoreval.registry import Kind, make


@dataclass(frozen=True)
class Translation:
    """What a format makes of its sources.

    frames : lazy tables with our own names and columns; cells may still be texts
    titles : for each of them what the user knows it by
    rows : every source table that was used, with the ledger of what was dropped or mapped on the way
    conventions : what the format itself fixes; what a person states wins
    problems : what keeps it from being translated
    notes : sentences a person should know, about what such an export can not hold
    """

    frames: Mapping[str, LazyTable] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Checked, ...] = ()
    conventions: Conventions = field(default_factory=Conventions)
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format(Kind, ABC):
    """How an export is laid out. The one method to write is ``translate``.

    beside : tables that such an export does not hold, and that are taken as they are if they lie beside it
    homes : for our tables the file of the export that holds them, for the message when it is not there
    """

    folder: ClassVar[str] = "mentoreval.records.formats:FORMATS"
    beside: ClassVar[tuple[str, ...]] = ()
    homes: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def translate(self, sources: Sources) -> Translation:
        """Tables in our own column names. What can not be translated is a problem of the result, not an exception."""


@dataclass(frozen=True)
class OpenSource:
    """What was found at a source.

    name : the folder as it was given, or "frames"
    frames : the tables that could be opened
    titles : every table that is there, by the name that the user knows it by
    rows : the source tables that a format translated
    """

    name: str
    frames: Mapping[str, LazyTable]
    titles: Mapping[str, str]
    conventions: Conventions
    problems: tuple[Problem, ...]
    rows: tuple[Checked, ...] = ()
    notes: tuple[str, ...] = ()


def choose_format(spec: str | Path | Mapping[str, Any] | Format) -> Format:
    """The format of a name, of a table with kind and options, or of a TOML file that holds such a table.

    A file or table that has ``tables`` and no kind is a mapping. OptionError where there is no such format or file.
    """
    if isinstance(spec, Format):
        return spec
    if isinstance(spec, Path) or (isinstance(spec, str) and spec.endswith(".toml")):
        spec = _read_toml(Path(spec))
    if isinstance(spec, Mapping) and "kind" not in spec and "tables" in spec:
        spec = {"kind": "mapped", **spec}
    return make(Format, spec)  # type: ignore[type-abstract]


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"There is no file {str(file)!r} that says how the export is laid out.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{file.name} can not be read: {error}.") from error


def open_tables(sources: Sources, layout: Format) -> OpenSource:
    """Every table that the format makes or that lies beside its export; problems for what is missing or broken."""
    unopened = bool(sources.problems) and not sources.tables
    made = Translation() if unopened else _translate(layout, sources)
    beside, closed = _beside(sources, [name for name in layout.beside if name not in made.titles])
    present = [name for name in layout.beside if name in sources.tables and name not in made.titles]
    titles = {**made.titles, **{name: sources.tables[name][0].title for name in present}}
    problems = [*sources.problems, *made.problems]
    if sources.given and set(layout.beside) == set(TABLES):
        problems += [_unknown(name) for name in sorted(set(sources.tables) - set(TABLES))]
    if not unopened:
        problems += _absent_and_unsaid(made, titles, sources, layout)
    frames = on_one_engine({**made.frames, **beside})
    conventions = sources.conventions.over(made.conventions)
    return OpenSource(sources.name, frames, titles, conventions, (*problems, *closed), made.rows, made.notes)


def _translate(layout: Format, sources: Sources) -> Translation:
    """The translation; a file whose damage shows only when its rows are looked at is a problem and no exception."""
    try:
        return layout.translate(sources)
    except engine_errors() as error:
        finding = f"A table in {sources.where} can not be read: {reason(error)}."
        return Translation(problems=(Problem("folder", "", "unreadable_table", finding, "Export it again."),))


def _absent_and_unsaid(
    made: Translation, titles: Mapping[str, str], sources: Sources, layout: Format
) -> Iterator[Problem]:
    """What is missing, but for tables that are missing because of a problem that the format has named already."""
    blamed = {problem.table for problem in made.problems}
    gave_up = bool(made.problems) and not made.frames
    for problem in _absent(titles, sources, layout):
        if problem.table not in blamed and not (gave_up and problem.table not in layout.beside):
            yield problem


def _beside(sources: Sources, names: list[str]) -> tuple[dict[str, LazyTable], tuple[Problem, ...]]:
    frames: dict[str, LazyTable] = {}
    problems: list[Problem] = []
    for name in names:
        found = sources.tables.get(name, ())
        if len(found) > 1:
            problems.append(_several(name, [table.title for table in found]))
        if found:
            try:
                frames[name] = found[0].open()
            except CannotRead as error:
                problems.append(unreadable(name, found[0].title, str(error)))
    return frames, tuple(problems)


def _absent(present: Mapping[str, str], sources: Sources, layout: Format) -> Iterator[Problem]:
    """What has to be there and is not: required tables, and tables that others refer to."""
    strange, where = set(sources.tables) - set(TABLES), sources.where
    if not present:
        finding = f"There is no table in {where}.{suggest('students', strange)}"
        advice = f"Expected are {', '.join(TABLES)}, each as .csv, .csv.gz or .parquet, or as a frame."
        if layout.homes:
            advice = f"The format {layout.name} expects {', '.join(dict.fromkeys(layout.homes.values()))}."
        yield Problem("folder", "", "no_table", finding, advice)
        return
    for table, schema in TABLES.items():
        if schema.required and table not in present:
            home = layout.homes.get(table)
            finding = f"There is no {table} table in {where}.{'' if home else suggest(table, strange)}"
            advice = f"Add {table}, with the columns {', '.join(schema.required_columns)}."
            if home:
                advice = f"The format {layout.name} keeps it in {home}; add that file."
            yield Problem(table, "", "missing_table", finding, advice)
        for column, target in schema.references:
            if table in present and target not in present and not TABLES[target].required:
                finding = f"{table} refers to {target} by {column}, and there is no {target} table in {where}."
                yield Problem(target, "", "missing_table", finding, f"Add {target}, or take {table} out.")


def unreadable(table: str, title: str, why: str) -> Problem:
    """The problem of a table whose bytes, or whose object, are no table."""
    return Problem(table, "", "unreadable_table", f"{title} can not be read: {why}.", f"Export {table} again.")


def _several(table: str, names: list[str]) -> Problem:
    finding = f"{table} is there more than once: {' and '.join(names)}."
    return Problem(table, "", "several_files", finding, "Keep one of them.")


def _unknown(table: str) -> Problem:
    finding = f"There is no table of the name {table!r}.{suggest(table, TABLES)}"
    return Problem(table, "", "unknown_table", finding, "Rename it, or leave it out.")
