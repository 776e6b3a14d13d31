"""How one table of ours is made of a district's own file: a block of a study file or of a mapping file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_args

import narwhals as nw

from mentoreval.errors import OptionError, suggest
from mentoreval.records.conventions import SchoolYearsAre
from mentoreval.records.day_columns import DayColumns, day_columns
from mentoreval.records.dialect import Dialect, dialect_of
from mentoreval.records.source_rows import spring_year
from mentoreval.records.tables import ATTENDANCE, TABLES
from mentoreval.records.written_dates import EXCEL, NAMED_DATES, date_pattern


@dataclass(frozen=True)
class Unpivot:
    """Columns that are rows: a mark in each subject's column becomes a row for each subject.

    columns : the district's columns
    names_to : our column for their names
    values_to : our column for what is in their cells; an empty cell makes no row
    """

    columns: tuple[str, ...]
    names_to: str
    values_to: str


@dataclass(frozen=True)
class TableMapping:
    """One table's mapping.

    source : the file, sheet ("book.xlsx:Sheet1") or table that it is made of; several, such as one for each year, in a list
    columns : our column = their column; without any the table is taken as it is
    codes : our column = { their code = our code }; a code without an entry is an error
    constants : our column = a value for every row
    dates : how dates are written, such as "MM/DD/YYYY", or "excel"; without it only 2021-09-01 is a date
    school_years : what a single year such as 2022 means: the "spring" in which the school year ends, or its "autumn"
    drop : their column = values; such rows are left out, and the ledger says so
    unpivot : columns that become rows
    days : for attendance: columns that are days, each cell of which becomes a row, see ``DayColumns``
    text : how a text file is written, such as { delimiter = "^", names = ["…"] }, see ``Dialect``
    """  # noqa: E501

    source: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    dates: str | None = None
    school_years: SchoolYearsAre | None = None
    drop: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unpivot: Unpivot | None = None
    days: DayColumns | None = None
    text: Dialect | None = None

    def named_columns(self) -> tuple[str, ...]:
        """Our names of the columns that the mapping makes."""
        made = (self.unpivot.names_to, self.unpivot.values_to) if self.unpivot else ()
        of_days = ("date", "code") if self.days else ()
        return (*self.columns, *self.constants, *made, *of_days)


def table_mapping(table: str, spec: Any) -> TableMapping:
    """The mapping that a table of a TOML file describes; OptionError names the key that is wrong."""
    where = f"[tables.{table}]"
    if table not in TABLES:
        raise OptionError(f"The mapping has a table {table!r}.{suggest(table, TABLES)}")
    known = [option.name for option in fields(TableMapping)]
    _check_keys(spec, known, where)
    if "source" not in spec:
        raise OptionError(f"{where} has no source. Say which file, sheet or table holds it.")
    options: dict[str, Any] = {
        name: _texts(spec[name], f"{where} {name}") for name in ("columns", "constants") if name in spec
    }
    if "codes" in spec:
        options["codes"] = {c: _texts(codes, f"{where} codes.{c}") for c, codes in _table(spec["codes"], where).items()}
    if "drop" in spec:
        options["drop"] = {c: _list(values) for c, values in _table(spec["drop"], where).items()}
    if "unpivot" in spec:
        options["unpivot"] = _unpivot(spec["unpivot"], where)
    if "days" in spec:
        options["days"] = day_columns(spec["days"], table, where)
    if "text" in spec:
        options["text"] = dialect_of(spec["text"], f"{where} text")
    rest = {name: spec[name] for name in ("dates", "school_years") if name in spec}
    made = TableMapping(source=_list(spec["source"]), **options, **rest)
    _check(made, table, where)
    return made


def _check(made: TableMapping, table: str, where: str) -> None:
    if made.school_years not in (None, *get_args(SchoolYearsAre)):
        allowed = get_args(SchoolYearsAre)
        raise OptionError(f"{where} school_years = {made.school_years!r} is not allowed.{suggest('', allowed)}")
    if made.dates is not None:
        if made.dates != EXCEL:
            date_pattern(made.dates)
        two_digits = made.dates != EXCEL and "YYYY" not in NAMED_DATES.get(made.dates, made.dates)
        if two_digits and "birth_date" in made.named_columns():
            raise OptionError(f"{where} dates = {made.dates!r}: birth_date needs years of four digits.")
    twice = [name for name in dict.fromkeys(made.named_columns()) if made.named_columns().count(name) > 1]
    if twice:
        raise OptionError(f"{where} makes the column {', '.join(twice)} in more than one way. Keep one.")
    if made.days and (made.unpivot or "student_id" not in made.columns):
        raise OptionError(f"{where} days needs columns with a student_id, and goes without unpivot.")
    if made.columns:
        for name in made.codes:
            if name not in made.named_columns():
                raise OptionError(f"{where} codes.{name} has no column.{suggest(name, made.named_columns())}")


def kinds_of(table: str) -> dict[str, str]:
    """The kind of each column of a table of ours; attendance has those of all its modes."""
    schemas = ATTENDANCE.values() if table == "attendance" else [TABLES[table]]
    return {column.name: column.kind for schema in schemas for column in schema.columns}


def school_years(text: nw.Expr, are: SchoolYearsAre) -> nw.Expr:
    """2021-22 of 2022 where single years are those of spring, or of 2021 where they are those of autumn."""
    if are == "spring":
        return spring_year(text)
    year = nw.when(text.str.contains(r"^(?:19|20)\d\d(?:\.0+)?$")).then(text.str.slice(0, 4)).cast(nw.Int64)
    return nw.coalesce(spring_year((year + 1).cast(nw.String)), text)


def _unpivot(spec: Any, where: str) -> Unpivot:
    names = [option.name for option in fields(Unpivot)]
    _check_keys(spec, names, f"{where} unpivot")
    if missing := [name for name in names if name not in spec]:
        raise OptionError(f"{where} unpivot has no {', '.join(missing)}.")
    return Unpivot(_list(spec["columns"]), str(spec["names_to"]), str(spec["values_to"]))


def _check_keys(spec: Any, known: Iterable[str], where: str) -> None:
    for key in _table(spec, where):
        if key not in known:
            raise OptionError(f"{where} has no key {key!r}.{suggest(key, known)}")


def _table(spec: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(spec, Mapping):
        raise OptionError(f'{where} is {spec!r}; it takes a table such as {{ student_id = "STU_ID" }}.')
    return spec


def _texts(spec: Any, where: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in _table(spec, where).items()}


def _list(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else (str(value),)
