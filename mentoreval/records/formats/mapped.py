"""Mapped: any files with any columns and codes, by a mapping that says what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import narwhals as nw

from mentoreval.errors import OptionError, suggest
from mentoreval.records.checked import Checked
from mentoreval.records.engines import CannotRead
from mentoreval.records.format import Format, Translation
from mentoreval.records.records import LazyTable
from mentoreval.records.source_rows import CannotTranslate, Wanted, drop, kept_as, take, translate_codes
from mentoreval.records.sources import Sources
from mentoreval.records.table_mapping import TableMapping, iso_dates, kinds_of, school_years, table_mapping
from mentoreval.records.validation import Problem

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
            frames[table] = _one_table([part.frame for part in parts])
            rows += parts
        problems += [problem for part in rows for problem in part.problems]
        return Translation(frames, titles, tuple(rows), problems=tuple(problems))


def _one_table(frames: list[LazyTable]) -> LazyTable:
    return frames[0] if len(frames) == 1 else nw.concat(frames, how="vertical")


def _part(sources: Sources, table: str, mapping: TableMapping, source: str) -> Checked:
    """One source of a table, translated."""
    columns = _columns(sources, mapping, source)
    columns |= {f"{DROP}{name}": (name,) for name in mapping.drop}
    if mapping.unpivot:
        columns |= {name: (name,) for name in mapping.unpivot.columns}
    part = take(sources, Wanted(source, table, columns))
    if part is None:
        raise CannotTranslate(_no_source(sources, table, source))
    left_out = {f"{DROP}{name}": values for name, values in mapping.drop.items()}
    for name, values in left_out.items():
        part = drop(part, {"left_out_by_mapping": nw.col(name).is_in(values)}, name)
    part = _reshape(part, mapping, [name for name in columns if name not in left_out])
    for name, codes in mapping.codes.items():
        advice = f"Give each a meaning in [tables.{table}.codes], {name} = {{ … }}, or leave those rows out with drop."
        part = translate_codes(part, (table, name), codes, advice)
    return kept_as(part, part.frame.with_columns(_typed(part, table, mapping)))


def _columns(sources: Sources, mapping: TableMapping, source: str) -> dict[str, tuple[str, ...]]:
    if mapping.columns or mapping.unpivot:
        return {ours: (theirs,) for ours, theirs in mapping.columns.items()}
    try:
        raw = sources.find(source)
        names = raw.open().collect_schema().names() if raw is not None else []
    except CannotRead:
        names = []  # said by ``take``, which opens it again
    return {name: (name,) for name in names if name not in mapping.constants}


def _reshape(part: Checked, mapping: TableMapping, names: list[str]) -> Checked:
    """Without the columns that only said which rows to leave out, with constants, and long where it was wide."""
    frame = part.frame.select(names)
    if wide := mapping.unpivot:
        index = [name for name in names if name not in wide.columns]
        long = [
            frame.select(*index, **{wide.names_to: nw.lit(name), wide.values_to: nw.col(name)}) for name in wide.columns
        ]
        frame = nw.concat(long, how="vertical").filter(~nw.col(wide.values_to).is_null())
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
