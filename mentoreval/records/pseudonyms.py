"""Pseudonyms: a district's tables with keyed hashes in place of identifiers, and without what names a person.

A plain hash of an identifier of six digits is found again by trying them all; with a secret key (HMAC, RFC 2104) it is
not. The same key gives the same pseudonyms, so that exports of several years can be joined.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from mentoreval.errors import DataError, OptionError
from mentoreval.records.cells import SCIENTIFIC_ID, read_cells
from mentoreval.records.checked import ask, how_many
from mentoreval.records.conventions import CONVENTIONS_FILE, Conventions
from mentoreval.records.engines import engine_errors, in_duckdb, reason
from mentoreval.records.format import Format, choose_format, open_tables
from mentoreval.records.records import LazyTable
from mentoreval.records.schema import Column
from mentoreval.records.sources import open_sources
from mentoreval.records.tables import ATTENDANCE, TABLES

if TYPE_CHECKING:
    import pyarrow as pa

SHORTEST_KEY = 32
PSEUDONYM_DIGITS = 32  # hexadecimal: 128 bits, so that no two of a billion people share one
PEOPLE = ("student_id", "mentor_id", "person_id")
NO_PERSON = ("school_id", "course_id")
NEVER_OUT = ("birth_date",)
_MAKE = "Make one with: python -c 'import secrets; print(secrets.token_hex(32))'"


@dataclass(frozen=True)
class Pseudonymized:
    """What was written.

    files : the tables, in the new folder
    dropped : columns that were left out, by table
    people : how many identifiers of students, mentors and other persons were replaced
    """

    files: tuple[Path, ...]
    dropped: Mapping[str, tuple[str, ...]]
    people: int


def read_key(text: str) -> bytes:
    """The secret key of a text; OptionError where there is none, or it is too short to be secret."""
    key = text.strip().encode()
    if not key:
        raise OptionError(
            f"There is no key. Put one into a file and name it with --key-file, or into MENTOREVAL_KEY. {_MAKE}"
        )
    if len(key) < SHORTEST_KEY or len(set(key)) < 8:
        raise OptionError(
            f"The key is too short, or repeats itself: it needs at least {SHORTEST_KEY} characters. {_MAKE}"
        )
    return key


def pseudonym(value: str, key: bytes, family: str = "person") -> str:
    """HMAC-SHA-256 of an identifier. Identifiers of two families never share a pseudonym."""
    return hmac.new(key, f"{family}\0{value}".encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]


def pseudonymize(
    source: str | Path | Mapping[str, Any],
    out: str | Path,
    *,
    key: bytes,
    format: str | Path | Mapping[str, Any] | Format = "plain",
    keep: Sequence[str] = (),
    crosswalk: str | Path | None = None,
) -> Pseudonymized:
    """Write a district's tables as CSV files with pseudonyms, into a folder that does not exist yet or is empty.

    Parameters
    ----------
    source, format : as ``read_records``
    out : the new folder
    key : from ``read_key``; it is never written
    keep : columns that our tables do not know and that are to stay, such as covariates; all others are left out, as
        are names, birth dates and free text
    crosswalk : a file outside ``out`` for the pairs of identifier and pseudonym; it stays with the district

    Raises
    ------
    OptionError : the folder is not empty, or the crosswalk would be written into it
    DataError : a table can not be read, or has identifiers that lost digits
    """
    folder, pairs_file = Path(out), None if crosswalk is None else Path(crosswalk)
    _refuse_places(folder, pairs_file)
    opened = open_tables(open_sources(source, Conventions()), choose_format(format))
    broken = [problem for problem in opened.problems if problem.rule.startswith(("un", "missing_folder", "no_table"))]
    if broken or not opened.frames:
        raise DataError("\n".join(str(problem) for problem in broken) or f"There is no table in {opened.name}.")
    pairs: dict[tuple[str, str], str] = {}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".mentoreval-") as place:
        written, dropped = [], {}
        for name, frame in opened.frames.items():
            table, dropped[name] = _replaced(name, in_duckdb(frame), key, keep, pairs)
            _write_csv(table, Path(place) / f"{name}.csv")
            written.append(folder / f"{name}.csv")
        if not isinstance(source, Mapping) and (Path(source) / CONVENTIONS_FILE).is_file():
            shutil.copy(Path(source) / CONVENTIONS_FILE, place)
        folder.mkdir(exist_ok=True)
        for file in sorted(Path(place).iterdir()):
            shutil.move(file, folder / file.name)
    if pairs_file is not None:
        _write_crosswalk(pairs, pairs_file)
    people = sum(family == "person" for family, _ in pairs)
    return Pseudonymized(tuple(written), {name: names for name, names in dropped.items() if names}, people)


def _refuse_places(folder: Path, crosswalk: Path | None) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(f"{str(folder)!r} exists and is not an empty folder; nothing was written. Name a new one.")
    if crosswalk is not None and crosswalk.resolve().is_relative_to(folder.resolve()):
        raise OptionError(f"The crosswalk {str(crosswalk)!r} would lie among the pseudonyms. Keep it elsewhere.")
    if crosswalk is not None and crosswalk.exists():
        raise OptionError(f"The crosswalk {str(crosswalk)!r} exists already; it is not overwritten.")


def _columns_of(table: str) -> dict[str, Column]:
    schemas = ATTENDANCE.values() if table == "attendance" else (TABLES[table],)
    return {column.name: column for schema in schemas for column in schema.columns}


def _replaced(
    table: str, frame: LazyTable, key: bytes, keep: Iterable[str], pairs: dict[tuple[str, str], str]
) -> tuple[pa.Table, tuple[str, ...]]:
    """The table with pseudonyms, and the columns that were left out."""
    known, kept = _columns_of(table), set(keep)
    names = frame.collect_schema().names()
    stay = [n for n in names if n in kept or (n in known and known[n].kind != "text" and n not in NEVER_OUT)]
    arrow = frame.select(
        _text(table, frame, name, known) if name in known and known[name].kind == "id" else nw.col(name)
        for name in stay
    )
    collected: pa.Table = arrow.collect("pyarrow").to_native().select(stay)
    for place, name in enumerate(stay):
        if name in known and known[name].kind == "id" and name not in NO_PERSON:
            family = "person" if name in PEOPLE else name
            collected = collected.set_column(place, name, _hashed(collected[name], key, family, pairs))
    return collected, tuple(name for name in names if name not in stay)


def _text(table: str, frame: LazyTable, name: str, known: Mapping[str, Column]) -> nw.Expr:
    """An identifier as every table reads it, so that 40017.0 and 40017 have one pseudonym."""
    cells = read_cells(name, "id", frame.collect_schema()[name])
    text = cells.text.str.strip_chars()
    try:
        lost = ask(frame, rows=how_many(text.str.contains(SCIENTIFIC_ID)))["rows"]
    except engine_errors() as error:
        raise DataError(f"{table} can not be read: {reason(error)}.") from error
    if lost:
        raise DataError(
            f"{table} has {lost:,} rows whose {name} was exported in scientific notation, so digits are lost. "
            "Export the column as text."
        )
    return nw.when(text != "").then(text.str.replace_all(r"^(\d+)\.0+$", r"\1")).alias(name)


def _hashed(column: pa.ChunkedArray, key: bytes, family: str, pairs: dict[tuple[str, str], str]) -> pa.Array:
    import pyarrow as pa

    coded = column.combine_chunks().dictionary_encode()
    values = [None if value is None else str(value) for value in coded.dictionary.to_pylist()]
    hashes = [
        None if value is None else pairs.setdefault((family, value), pseudonym(value, key, family)) for value in values
    ]
    return pa.array(hashes, pa.string()).take(coded.indices)


def _write_csv(table: pa.Table, file: Path) -> None:
    from pyarrow import csv

    csv.write_csv(table, file)


def _write_crosswalk(pairs: Mapping[tuple[str, str], str], file: Path) -> None:
    import pyarrow as pa

    rows = sorted((family, value, hashed) for (family, value), hashed in pairs.items())
    names = ("family", "identifier", "pseudonym")
    _write_csv(pa.table({name: [row[place] for row in rows] for place, name in enumerate(names)}), file)
    file.chmod(0o600)
