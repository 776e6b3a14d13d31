"""Where a district's tables are: a folder of files, one workbook or database, a PostgreSQL server, or frames.

Nothing is read here but names. A table is opened when a format asks for it, so that what nobody needs costs nothing
and is never complained about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mentoreval.errors import suggest
from mentoreval.records.conventions import Conventions, read_conventions
from mentoreval.records.dialect import COMMA, TEXT_SUFFIXES, Dialect
from mentoreval.records.engines import (
    SUFFIXES,
    CannotRead,
    engine_errors,
    reason,
    scan_file,
    scan_table,
    tables_in_database,
    wrap_frame,
)
from mentoreval.records.postgres import is_uri, public_name, scan_server_table, tables_on_server
from mentoreval.records.records import LazyTable
from mentoreval.records.statistics_files import STATISTICS_FILES, scan_statistics_file
from mentoreval.records.validation import Problem
from mentoreval.records.workbooks import WORKBOOKS, scan_sheet, sheets_of

DATABASES = (".duckdb",)
OTHER_TEXTS = tuple(suffix for suffix in TEXT_SUFFIXES if not suffix.startswith(".csv"))
"""A folder may hold any text, so that such a file is a table only where it is asked for."""
READABLE = (*SUFFIXES, *WORKBOOKS, *STATISTICS_FILES, *DATABASES)


@dataclass(frozen=True)
class RawTable:
    """One table as the district has it.

    title : what the user knows it by, such as "users.csv"
    scan : makes a lazy frame of it, or raises CannotRead; that of a whole file may be asked for one part of it, and
        that of a text file to read it as it is stated to be written
    """

    title: str
    scan: Callable[..., LazyTable]

    def open(self, dialect: Dialect | None = None) -> LazyTable:
        """The lazy frame; CannotRead says in words why there is none."""
        if dialect is not None and not self.title.lower().endswith(TEXT_SUFFIXES):
            raise CannotRead("it is no text file, so that nothing can be stated of how its text is written")
        try:
            return self.scan() if dialect is None else self.scan(dialect=dialect)
        except engine_errors() as error:
            raise CannotRead(reason(error)) from error


@dataclass(frozen=True)
class Sources:
    """The tables that are there, by the name of their file, sheet or table; more than one where files share a name.

    name : of the place, as messages and manifests give it; never with a password
    where : the place within a sentence
    conventions : what was stated as parameters, and in records.toml
    problems : what is wrong before any table is opened
    given : True where somebody put the tables together, so that a name that means nothing is a slip
    """

    name: str
    where: str
    tables: Mapping[str, tuple[RawTable, ...]] = field(default_factory=dict)
    conventions: Conventions = field(default_factory=Conventions)
    problems: tuple[Problem, ...] = ()
    given: bool = False

    def find(self, name: str) -> RawTable | None:
        """The table of that name or title ("users", "users.csv", "book.xlsx:Sheet"); without regard to case if need be.

        CannotRead where several files have that name.
        """
        every = {key: tables for key, tables in self.tables.items()}
        every |= {table.title: (table,) for tables in self.tables.values() for table in tables}
        found = every.get(name) or next((t for key, t in every.items() if key.lower() == name.lower()), ())
        if not found:
            found = next((t for key, t in every.items() if key.lower() in _as_other_text(name)), ())
        if len(found) > 1:
            titles = " and ".join(table.title for table in found)
            raise CannotRead(f"it is there more than once: {titles}; keep one of them")
        return found[0] if found else self._part(name)

    def _part(self, name: str) -> RawTable | None:
        """A sheet of a workbook, or a table of a database, that lies in the folder."""
        file, mark, part = name.partition(":")
        whole = self.find(file) if mark else None
        return None if whole is None else RawTable(name, partial(whole.scan, part))


def _as_other_text(name: str) -> tuple[str, ...]:
    """A file of that name with the suffix of a text that is no CSV file: found by its name where nothing else is."""
    return tuple(f"{name.lower()}{suffix}" for suffix in OTHER_TEXTS)


def open_sources(source: str | Path | Mapping[str, Any], stated: Conventions) -> Sources:
    """Look at what is there; what can not be opened is a problem, not an exception."""
    if isinstance(source, Mapping):
        return _frames(source, stated)
    if is_uri(source):
        return _server(str(source), stated)
    path = Path(source)
    if path.is_dir():
        return _folder(path, str(source), stated)
    if path.is_file() and path.suffix.lower() in (*WORKBOOKS, *DATABASES):
        return _one_file(path, str(source), stated)
    what = "is a file, not a folder" if path.is_file() else "does not exist"
    finding = f"The folder {str(source)!r} {what}."
    problem = Problem("folder", "", "missing_folder", finding, "Give the folder that holds students.csv.")
    return Sources(str(source), f"the folder {str(source)!r}", {}, stated, (problem,))


def readable_files(folder: Path) -> list[Path]:
    """The files of a folder that a format could read, by name; not those that an office program has open."""
    files = [path for path in folder.iterdir() if path.name.lower().endswith(READABLE) and path.is_file()]
    return sorted(path for path in files if not path.name.startswith(("~$", ".")))


def _folder(folder: Path, name: str, stated: Conventions) -> Sources:
    conventions, problems = read_conventions(folder)
    tables: dict[str, tuple[RawTable, ...]] = {}
    for path in sorted(readable_files(folder), key=lambda path: path.name.lower().endswith(".parquet")):
        stem = path.name if path.suffix.lower() in OTHER_TEXTS else path.name.split(".")[0]
        tables[stem] = (*tables.get(stem, ()), RawTable(path.name, partial(_scan_path, path)))
    for path in (path for path in folder.iterdir() if path.is_dir() and path.name.lower().endswith(READABLE)):
        stem = path.name.split(".")[0]
        tables[stem] = (*tables.get(stem, ()), RawTable(path.name, _refuse_folder))
    return Sources(name, f"the folder {name!r}", tables, stated.over(conventions), problems)


def _refuse_folder(*_: object, **__: object) -> LazyTable:
    """A folder with the name of a file, as Spark writes a table: it is named, so that no table is missed in silence."""
    raise CannotRead("it is a folder of files and not a file; write the table as one file")


def _scan_path(path: Path, part: str | None = None, dialect: Dialect = COMMA) -> LazyTable:
    """The table in a file, or that sheet or table of it; ``dialect`` is for text alone."""
    suffix = path.suffix.lower()
    if suffix in WORKBOOKS:
        return scan_sheet(path, _the_part(sheets_of(path), part, path, "sheet"))
    if suffix in DATABASES:
        tables = tables_in_database(path)
        return scan_table(tables[_the_part(list(tables), part, path, "table")])
    if part is not None:
        raise CannotRead(f"{path.name} holds one table only, so {part!r} can not be taken from it")
    return scan_statistics_file(path) if suffix in STATISTICS_FILES else scan_file(path, dialect)


def _the_part(parts: list[str], wanted: str | None, path: Path, what: str) -> str:
    if wanted is None and len(parts) == 1:
        return parts[0]
    if wanted is None:
        raise CannotRead(f"it has {len(parts)} {what}s ({', '.join(parts)}); name one, as {path.name}:{parts[0]}")
    if wanted not in parts:
        raise CannotRead(f"it has no {what} {wanted!r}.{suggest(wanted, parts)}".removesuffix("."))
    return wanted


def _one_file(path: Path, name: str, stated: Conventions) -> Sources:
    """A workbook or a database whose sheets or tables are the district's."""
    is_workbook = path.suffix.lower() in WORKBOOKS
    where = f"the {'workbook' if is_workbook else 'database'} {name!r}"
    try:
        parts = sheets_of(path) if is_workbook else list(tables_in_database(path))
    except CannotRead as error:
        return Sources(name, where, {}, stated, (_closed(name, error),))
    tables = {part: (RawTable(f"{path.name}:{part}", partial(_scan_path, path, part)),) for part in parts}
    return Sources(name, where, tables, stated)


def _server(uri: str, stated: Conventions) -> Sources:
    name = public_name(uri)
    where = f"the database {name!r}"
    try:
        found = tables_on_server(uri)
    except CannotRead as error:
        return Sources(name, where, {}, stated, (_closed(name, error),))
    tables = {
        table: (RawTable(f"postgresql:{table}", partial(scan_server_table, uri, *place)),)
        for table, place in found.items()
    }
    return Sources(name, where, tables, stated)


def _closed(name: str, error: CannotRead) -> Problem:
    finding = f"{name!r} can not be opened: {error}."
    return Problem("folder", "", "unreadable_source", finding, "Check the address and that you may read there.")


def _frames(source: Mapping[str, Any], stated: Conventions) -> Sources:
    given = {str(table): frame for table, frame in source.items() if frame is not None}
    tables = {table: (RawTable(table, partial(wrap_frame, frame)),) for table, frame in given.items()}
    return Sources("frames", "the mapping", tables, stated, given=True)
