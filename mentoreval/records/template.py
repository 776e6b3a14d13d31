"""Template: tables in our own columns, each with one example row, and a data dictionary, made from the schemas."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from mentoreval.errors import OptionError
from mentoreval.records.conventions import CONVENTIONS_FILE
from mentoreval.records.schema import Column, ColumnKind, TableSchema
from mentoreval.records.tables import TABLES

LANGUAGES = ("en", "es")
CONVENTIONS = 'attendance = "absences_only"\nexit_date_is = "last_day"\n'
OF_KIND: dict[ColumnKind, str] = {
    "id": "001", "text": "", "category": "", "number": "1", "integer": "1", "flag": "0", "date": "2021-09-15",
    "school_year": "2021-22", "grade_level": "9",
}  # fmt: skip
OF_COLUMN = {
    "school_id": "north", "course_id": "algebra", "mentor_id": "M01", "match_id": "P01", "form_id": "F01",
    "birth_date": "2007-03-14", "entry_date": "2021-09-01", "exit_date": "", "end_date": "", "term": "S1",
    "code": "absent_excused", "mark": "B+", "minutes": "30", "minutes_absent": "", "minutes_in_day": "",
    "periods_absent": "", "periods_in_day": "", "test": "state", "subject": "math", "scale_score": "512",
    "item": "belonging", "answer": "4", "model": "one_to_one", "mentor_type": "external", "attended": "1",
    "person_id": "", "role": "student", "language": "en", "gender": "F",
}  # fmt: skip
NO_STUDENT = ("mentors",)
NO_EXAMPLE = ("attendance_totals",)
"""Tables of which a folder has none where others hold the same: they are in the dictionary only."""


def write_template(folder: str | Path) -> tuple[Path, ...]:
    """Write <table>.csv for every table but those in place of another, records.toml, and the dictionary (en, es).

    returns : the files
    OptionError where one of them exists already; then nothing is written.
    """
    place = Path(folder)
    contents: dict[str, list[list[str]]] = {}
    for name, schema in ((name, schema) for name, schema in TABLES.items() if name not in NO_EXAMPLE):
        contents[f"{name}.csv"] = [[column.name for column in schema.columns], example_row(schema)]
    for language in LANGUAGES:
        contents[f"dictionary.{language}.csv"] = [list(row) for row in dictionary(language)]
    there = [name for name in (*contents, CONVENTIONS_FILE) if (place / name).exists()]
    if there or (place.exists() and not place.is_dir()):
        what = ", ".join(there) or "a file of that name"
        raise OptionError(f"{str(folder)!r} has {what} already; nothing was written. Name an empty folder.")
    place.mkdir(parents=True, exist_ok=True)
    for name, rows in contents.items():
        _write(place / name, rows)
    (place / CONVENTIONS_FILE).write_text(CONVENTIONS, encoding="utf-8")
    return tuple(place / name for name in (*contents, CONVENTIONS_FILE))


def example_row(schema: TableSchema) -> list[str]:
    """One row that holds every rule of the table, and of the tables that it refers to."""
    return [_example(schema, column) for column in schema.columns]


def _example(schema: TableSchema, column: Column) -> str:
    if schema.name in NO_STUDENT and column.name == "student_id":
        return ""
    return OF_COLUMN.get(column.name, OF_KIND[column.kind])


def dictionary(language: str) -> Iterator[Sequence[str]]:
    """The data dictionary: a header, then one row for each column of each table."""
    words, other = _words(), LANGUAGES.index(language)
    yield words["header"][language]
    for schema in TABLES.values():
        for column in schema.columns:
            own = column.description if language == "en" else ""
            yield (
                schema.name,
                column.name,
                words["yes"][language] if column.required else "",
                words["kinds"][column.kind][other],
                ", ".join(column.allowed),
                own or words["columns"][column.name][other],
            )


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(files("mentoreval.records.languages").joinpath("dictionary.toml").read_text(encoding="utf-8"))


def _write(file: Path, rows: Iterable[Sequence[str]]) -> None:
    with file.open("x", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
