"""Mapped: any files with any columns and codes, by a mapping that says what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import narwhals as nw

from mentoreval.errors import OptionError, suggest
from mentoreval.records.checked import Checked
from mentoreval.records.day_columns import by_day, days_among, refuse_bad_months, settle_blanks
from mentoreval.records.engines import CannotRead, long_rows
from mentoreval.records.format import Format, Translation
from mentoreval.records.records import LazyTable
from mentoreval.records.source_rows import CannotTranslate, Wanted, drop, kept_as, take, translate_codes
from mentoreval.records.sources import Sources
from mentoreval.records.table_mapping import TableMapping, kinds_of, school_years, table_mapping
from mentoreval.records.validation import Problem
from mentoreval.records.written_dates import iso_dates

DROP = "drop "  # before the district's name of a column by which rows are left out, so that it is no column of ours


@dataclass(frozen=True)
class Mapped(Format):
    """A district's own files, columns and codes, each explained in a mapping.

    tables : for each table of ours its mapping, see ``TableMapping``. In a mapping file:

    ::

        [tables.attendance]
        source = "ATT_2021.csv"
        columns = { student_id = "STU_ID", date = "ABS_DATE", code = "ABS_CD" }
        codes.code = { E = "absent_excused", U = "absent_unexcused" }
        dates = "MM/DD/YYYY"
        drop = { ABS_CD = ["T"] }

    Attendance with a column for each day, in a text file with semicolons whose third line has the names:

    ::

        [tables.attendance]
        source = "ATT_WIDE.csv"
        text = { delimiter = ";", header_line = 3 }
        columns = { student_id = "STU_ID" }
        dates = "MM/DD/YYYY"
        days = { columns = "dates", blank = "present" }
        codes.code = { A = "absent", T = "tardy" }
    """

    name: ClassVar[str] = "mapped"
    tables: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse a mapping without a table, and keys that do not exist."""
        if not self.tables:
            raise OptionError("Mapped: tables is empty. Map at least students and enrolment.")
        for table, spec in self.tables.items():
            table_mapping(table, spec)

    def translate(self, sources: Sources) -> Translation:
        """Every table of the mapping, with its codes, dates and school years in our terms."""
        frames: dict[str, LazyTable] = {}
        titles: dict[str, str] = {}
        rows: list[Checked] = []
        problems: list[Problem] = []
        for table, spec in self.tables.items():
            mapping = table_mapping(table, spec)
            titles[table] = " and ".join(mapping.source)
            try:
                parts = [_part(sources, table, mapping, source) for source in mapping.source]
            except CannotTranslate as error:
                problems += error.problems
                continue
            frames[table] = _one_table([part[-1].frame for part in parts])
            rows += [account for part in parts for account in part]
            problems += self._weekends(mapping, sources)
        problems += [problem for part in rows for problem in part.problems]
        return Translation(frames, titles, tuple(rows), problems=tuple(problems))

    def _weekends(self, mapping: TableMapping, sources: Sources) -> list[Problem]:
        """A month has weekends: without a calendar their empty cells would all be days present."""
        if mapping.days is None or mapping.days.columns == "dates" or mapping.days.blank != "present":
            return []
        if "calendar" in self.tables or sources.conventions.attendance == "absences_only":
            return []
        finding = "attendance has a column for each day of a month, and no calendar says which of them had school."
        advice = "Map a calendar too: else the empty cells of weekends would be days present."
        return [Problem("calendar", "", "missing_calendar", finding, advice)]


def _one_table(frames: list[LazyTable]) -> LazyTable:
    return frames[0] if len(frames) == 1 else nw.concat(frames, how="vertical")


def _part(sources: Sources, table: str, mapping: TableMapping, source: str) -> list[Checked]:
    """One source of a table, translated; before it its own rows where it has days as columns, each cell then a row."""
    names = _names(sources, mapping, source)
    columns = {ours: (theirs,) for ours, theirs in mapping.columns.items()}
    if not columns and not mapping.unpivot:
        columns = {name: (name,) for name in names if name not in mapping.constants}
    of_days = _day_columns(table, mapping, source, names)
    columns |= {ours: (theirs,) for ours, theirs in of_days.items()}
    columns |= {f"{DROP}{name}": (name,) for name in mapping.drop}
    if mapping.unpivot:
        columns |= {name: (name,) for name in mapping.unpivot.columns}
    part = take(sources, Wanted(source, table, columns, dialect=mapping.text))
    if part is None:
        raise CannotTranslate(_no_source(sources, table, source))
    left_out = {f"{DROP}{name}": values for name, values in mapping.drop.items()}
    for name, values in left_out.items():
        part = drop(part, {"left_out_by_mapping": nw.col(name).is_in(values)}, name)
    part = _reshape(part, mapping, [name for name in columns if name not in left_out])
    if mapping.days is None:
        return [_coded(part, table, mapping)]
    if mapping.days.of_rows:
        refuse_bad_months(part, mapping.days)
    cells = by_day(part, mapping.days, [name for name in of_days if name not in mapping.days.of_rows])
    return [part, settle_blanks(_coded(cells, table, mapping), mapping.days, sources.conventions.attendance)]


def _coded(part: Checked, table: str, mapping: TableMapping) -> Checked:
    """With the codes, dates and school years of ours."""
    for name, codes in mapping.codes.items():
        advice = f"Give each a meaning in [tables.{table}.codes], {name} = {{ … }}, or leave those rows out with drop."
        part = translate_codes(part, (table, name), codes, advice)
    return kept_as(part, part.frame.with_columns(_typed(part, table, mapping)))


def _names(sources: Sources, mapping: TableMapping, source: str) -> list[str]:
    """The district's columns, where the mapping does not name every one that it needs."""
    if mapping.unpivot or (mapping.columns and mapping.days is None):
        return []
    try:
        raw = sources.find(source)
        return [] if raw is None else raw.open(mapping.text).collect_schema().names()
    except CannotRead:
        return []  # said by ``take``, which opens it again


def _day_columns(table: str, mapping: TableMapping, source: str, names: list[str]) -> dict[str, str]:
    """The columns that are days, and those that say of which month; CannotTranslate where there is no such column."""
    if mapping.days is None or not names:
        return {}
    taken = {*mapping.columns.values(), *mapping.drop, *mapping.days.of_rows.values()}
    pairs, strange = days_among(mapping.days, mapping.dates, [name for name in names if name not in taken])
    ours = [name for name, _ in pairs]
    kind = "a date as 2021-09-01" if mapping.dates is None else f"a date as {mapping.dates}"
    kind = kind if mapping.days.columns == "dates" else "a day of the month, 1 to 31"
    finding = ""
    if strange or not pairs:
        named = f"the columns {', '.join(strange[:5])}, each" if strange else "no column"
        finding = f"{source} has {named} with a name that is {'not ' if strange else ''}{kind}."
    elif twice := [name for name in dict.fromkeys(ours) if ours.count(name) > 1]:
        finding = f"{source} has more than one column for the same day: {', '.join(twice[:5])}."
    if finding:
        advice = (
            f'Say in [tables.{table}] how dates are written, such as dates = "MM/DD/YYYY", or correct those columns.'
        )
        raise CannotTranslate(Problem(table, "date", "unreadable_day_columns", finding, advice))
    return {**dict(pairs), **mapping.days.of_rows}


def _reshape(part: Checked, mapping: TableMapping, names: list[str]) -> Checked:
    """Without the columns that only said which rows to leave out, with constants, and long where it was wide."""
    frame = part.frame.select(names)
    if wide := mapping.unpivot:
        frame = long_rows(frame, wide.columns, wide.names_to, wide.values_to)
        frame = frame.filter(~nw.col(wide.values_to).is_null())
    constants = {name: nw.lit(value) for name, value in mapping.constants.items()}
    return kept_as(part, frame.with_columns(**constants) if constants else frame)


def _typed(part: Checked, table: str, mapping: TableMapping) -> list[nw.Expr]:
    """The columns of dates and school years as our own tables write them."""
    kinds, typed = kinds_of(table), []
    for name in part.frame.collect_schema().names():
        if kinds.get(name) == "date" and mapping.dates:
            typed.append(iso_dates(nw.col(name), mapping.dates).alias(name))
        if kinds.get(name) == "school_year" and mapping.school_years:
            typed.append(school_years(nw.col(name), mapping.school_years).alias(name))
    return typed


def _no_source(sources: Sources, table: str, source: str) -> Problem:
    titles = [raw.title for tables in sources.tables.values() for raw in tables]
    finding = f"There is no {source!r} in {sources.where}, of which the mapping makes {table}.{suggest(source, titles)}"
    return Problem(table, "", "missing_source", finding, f"Add it, or correct source in [tables.{table}].")
