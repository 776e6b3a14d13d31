"""A source opened: its tables as lazy frames, its conventions, and what is wrong before any row is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals as nw

from mentoreval.errors import suggest
from mentoreval.records.conventions import Conventions, read_conventions
from mentoreval.records.engines import SUFFIXES, CannotRead, files_of, scan_files, wrap_frames
from mentoreval.records.records import LazyTable
from mentoreval.records.tables import TABLES
from mentoreval.records.validation import Problem


@dataclass(frozen=True)
class OpenSource:
    """What was found at a source.

    name : the folder as it was given, or "frames"
    frames : the tables that could be opened
    titles : every table that is there, by the name that the user knows it by
    """

    name: str
    frames: Mapping[str, LazyTable]
    titles: Mapping[str, str]
    conventions: Conventions
    problems: tuple[Problem, ...]


def open_source(source: str | Path | Mapping[str, Any]) -> OpenSource:
    """Open a folder of files or a mapping of frames; what can not be opened is a problem, not an exception."""
    if isinstance(source, Mapping):
        return _open_frames(source)
    folder = Path(source)
    if folder.is_dir():
        return _open_folder(folder, str(source))
    what = "is a file, not a folder" if folder.is_file() else "does not exist"
    finding = f"The folder {str(source)!r} {what}."
    problem = Problem("folder", "", "missing_folder", finding, "Give the folder that holds students.csv.")
    return OpenSource(str(source), {}, {}, Conventions(), (problem,))


def _open_folder(folder: Path, name: str) -> OpenSource:
    conventions, problems = read_conventions(folder)
    files = {table: found for table in TABLES if (found := files_of(folder, table))}
    several = tuple(_several(table, paths) for table, paths in files.items() if len(paths) > 1)
    opened = scan_files({table: paths[0] for table, paths in files.items()})
    strange = {path.name.split(".")[0] for path in folder.iterdir() if path.name.endswith(SUFFIXES)} - set(TABLES)
    titles = {table: paths[0].name for table, paths in files.items()}
    absent = tuple(_absent(titles, strange, f"the folder {name!r}"))
    frames, closed = _readable(opened, titles)
    return OpenSource(name, frames, titles, conventions, problems + several + absent + closed)


def _open_frames(source: Mapping[str, Any]) -> OpenSource:
    given = {str(table): frame for table, frame in source.items() if frame is not None}
    titles = {table: table for table in TABLES if table in given}
    strange = set(given) - set(TABLES)
    unknown = tuple(_unknown(table) for table in sorted(strange))
    absent = tuple(_absent(titles, strange, "the mapping"))
    frames, closed = _readable(wrap_frames({table: given[table] for table in titles}), titles)
    return OpenSource("frames", frames, titles, Conventions(), unknown + absent + closed)


def _absent(present: Mapping[str, str], strange: Iterable[str], where: str) -> Iterator[Problem]:
    """What has to be there and is not: required tables, and tables that others refer to."""
    if not present:
        finding = f"There is no table in {where}.{suggest('students', strange)}"
        advice = f"Expected are {', '.join(TABLES)}, each as .csv, .csv.gz or .parquet, or as a frame."
        yield Problem("folder", "", "no_table", finding, advice)
        return
    for table, schema in TABLES.items():
        if schema.required and table not in present:
            finding = f"There is no {table} table in {where}.{suggest(table, strange)}"
            advice = f"Add {table}, with the columns {', '.join(schema.required_columns)}."
            yield Problem(table, "", "missing_table", finding, advice)
        for column, target in schema.references:
            if table in present and target not in present and not TABLES[target].required:
                finding = f"{table} refers to {target} by {column}, and there is no {target} table in {where}."
                yield Problem(target, "", "missing_table", finding, f"Add {target}, or take {table} out.")


def _readable(
    opened: Mapping[str, LazyTable | CannotRead], titles: Mapping[str, str]
) -> tuple[dict[str, LazyTable], tuple[Problem, ...]]:
    frames = {table: frame for table, frame in opened.items() if isinstance(frame, nw.LazyFrame)}
    failed = {table: why for table, why in opened.items() if isinstance(why, CannotRead)}
    return frames, tuple(unreadable(table, titles[table], str(why)) for table, why in failed.items())


def unreadable(table: str, title: str, why: str) -> Problem:
    """The problem of a table whose bytes, or whose object, are no table."""
    return Problem(table, "", "unreadable_table", f"{title} can not be read: {why}.", f"Export {table} again.")


def _several(table: str, paths: list[Path]) -> Problem:
    names = " and ".join(path.name for path in paths)
    return Problem(table, "", "several_files", f"{table} is there more than once: {names}.", "Keep one of them.")


def _unknown(table: str) -> Problem:
    finding = f"There is no table of the name {table!r}.{suggest(table, TABLES)}"
    return Problem(table, "", "unknown_table", finding, "Rename it, or leave it out.")
