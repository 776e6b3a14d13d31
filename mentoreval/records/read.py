"""Read a district's tables: cast, check all of them together, and say every problem at once.

A table passes through its rules one after the other, in the order of ``TABLES``, so that what a rule looks up in
another table has been checked before. Everything stays lazy: a rule asks its table for counts, and only a rule that is
broken asks for examples.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import narwhals as nw

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.records.attendance_mode import attendance_mode, mode_problems, schema_of
from mentoreval.records.checked import Checked, Options
from mentoreval.records.columns import read_columns
from mentoreval.records.conflicts import settle_conflicts, settle_retakes
from mentoreval.records.conventions import Conventions, ExitDateIs
from mentoreval.records.engines import engine_errors, in_duckdb, reason
from mentoreval.records.fingerprint import hash_sources
from mentoreval.records.format import Format, OpenSource, choose_format, open_tables, unreadable
from mentoreval.records.keys import check_duplicates, check_references
from mentoreval.records.part_days import count_part_days, gather_class_periods
from mentoreval.records.plausibility import drop_future_days, flag_few_rows, flag_two_schools, id_lengths
from mentoreval.records.records import AttendanceMode, LazyTable, Ledger, Records
from mentoreval.records.schema import TableSchema
from mentoreval.records.school_days import flag_missing_calendar, keep_enrolled_years, keep_school_days
from mentoreval.records.school_year_names import check_years_against_calendar, check_years_against_days
from mentoreval.records.sources import Sources, open_sources
from mentoreval.records.spells import close_spells
from mentoreval.records.table_mapping import school_years
from mentoreval.records.tables import TABLES
from mentoreval.records.totals import check_years_apart
from mentoreval.records.validation import Problem, ValidationReport, worst_first
from mentoreval.records.written_dates import iso_dates

__all__ = ["hash_sources", "read_records", "validate_records"]

Source = str | Path | Mapping[str, Any]
Layout = str | Path | Mapping[str, Any] | Format
Orphans = Literal["error", "drop"]
Duplicates = Literal["error", "drop_exact"]
Progress = Callable[[str], None]
Rule = Callable[[Checked, Mapping[str, Checked], Options], Checked]


def read_records(  # noqa: PLR0913 (one keyword for each choice)
    source: Source,
    *,
    format: Layout = "plain",
    attendance: AttendanceMode | None = None,
    exit_date_is: ExitDateIs | None = None,
    orphans: Orphans = "error",
    duplicates: Duplicates = "drop_exact",
    conventions: Conventions | None = None,
    progress: Progress | None = None,
) -> Records:
    """Read a district's tables and check them together.

    Parameters
    ----------
    source : a folder with <table>.csv, <table>.csv.gz, <table>.parquet, Excel, Stata, SPSS or SAS files; a workbook or
        a DuckDB file with one table in each sheet or table; "postgresql://host/database", with the password in
        PGPASSWORD or ~/.pgpass; or a mapping from table names to frames (pandas, Polars, Arrow, DuckDB, Spark). The
        tables are those of ``mentoreval.records.tables.TABLES``; students and enrolment are required. Other files of
        the folder are left alone; a format or mapping may name texts with another suffix too (.txt, .tsv).
    format : how the export is laid out: the name of a format ("oneroster"), a table with its kind and options, a
        format, or a TOML file that holds such a table; "plain" has our own tables and columns
    attendance : only absences are listed, every student-day is, or totals of years; wins over records.toml
    exit_date_is : the last day of a spell of enrolment, or the day after; wins over records.toml, "last_day" if unsaid
    orphans : rows whose student or match does not exist are a problem, or are dropped
    duplicates : rows that are equal in every column are dropped but for one, or are a problem
    conventions : what else can be read in more than one way: conflicting codes, parts of days, retaken courses, the
        last day that is known, how dates and school years are written; wins over records.toml
    progress : is called with one short text at each step

    Returns
    -------
    Records with lazy tables in canonical types (``schema.DTYPES``), inclusive exit dates, and the ledger of every row
    that was dropped, repaired or mapped. An extra column passes through; if all its texts are plain numbers, and its
    name does not end in "_id", it is read as numbers. A frame of pandas comes out with Arrow types.

    Raises
    ------
    DataError : with every problem of every table, the worst first
    OptionError : an option has a value that does not exist
    """
    sources = open_sources(source, _stated(attendance, exit_date_is, conventions))
    options = _options(orphans, duplicates)
    report, records = _inspect(sources, choose_format(format), options, progress or _say_nothing)
    if records is None:
        raise DataError(report.message)
    return records


def validate_records(  # noqa: PLR0913 (one keyword for each choice)
    source: Source,
    *,
    format: Layout = "plain",
    attendance: AttendanceMode | None = None,
    exit_date_is: ExitDateIs | None = None,
    orphans: Orphans = "error",
    duplicates: Duplicates = "drop_exact",
    conventions: Conventions | None = None,
    progress: Progress | None = None,
) -> ValidationReport:
    """What ``read_records`` would say of the same source: every problem and the ledger.

    No state of the data makes it raise; OptionError if an option has a value that does not exist.
    """
    sources = open_sources(source, _stated(attendance, exit_date_is, conventions))
    options = _options(orphans, duplicates)
    return _inspect(sources, choose_format(format), options, progress or _say_nothing, lengths=True)[0]


RULES: dict[str, tuple[Rule, ...]] = {
    "students": (check_duplicates,),
    "calendar": (check_duplicates, drop_future_days),
    "enrolment": (
        check_duplicates,
        check_references,
        check_years_against_calendar,
        close_spells,
        flag_missing_calendar,
        flag_two_schools,
    ),
    "attendance": (
        check_duplicates,
        gather_class_periods,
        settle_conflicts,
        count_part_days,
        check_references,
        drop_future_days,
        check_years_against_days,
        keep_school_days,
        flag_few_rows,
    ),
    "attendance_totals": (check_duplicates, check_references, keep_enrolled_years, check_years_apart),
    "grades": (check_duplicates, settle_retakes, check_references),
    "mentors": (check_duplicates, check_references),
    "matches": (check_duplicates, check_references),
    "sessions": (check_references,),
    "assessments": (check_duplicates, check_references),
    "surveys": (check_duplicates,),
}


def _inspect(
    sources: Sources, layout: Format, options: Options, say: Progress, lengths: bool = False
) -> tuple[ValidationReport, Records | None]:
    say("Opening the tables")
    opened = open_tables(sources, layout)
    mode = attendance_mode(opened, opened.conventions.attendance)
    checked, closed = _check_tables(opened, _with_conventions(options, opened.conventions, mode), say)
    found = [*opened.problems, *closed, *mode_problems(opened.titles, mode)]
    said = {(problem.table, problem.column) for problem in opened.problems}
    of_tables = [problem for table in checked.values() for problem in table.problems]
    found += [problem for problem in of_tables if (problem.table, problem.column) not in said]
    every = [*opened.rows, *checked.values()]
    ledger = Ledger(
        tuple(entry for table in every for entry in table.entries),
        rows_read={table.name: table.rows_read for table in every},
        rows_kept={table.name: table.rows_kept for table in every},
    )
    report = ValidationReport(
        worst_first(found), ledger, opened.name, opened.notes, id_lengths(checked) if lengths else ()
    )
    return report, _records(checked, report, mode) if report.ok else None


def _check_tables(
    opened: OpenSource, options: Options, say: Progress
) -> tuple[dict[str, Checked], tuple[Problem, ...]]:
    """Every table that can be read, checked; and the problems of those that turn out not to be readable."""
    checked: dict[str, Checked] = {}
    closed: list[Problem] = []
    for name in TABLES:
        if name not in opened.frames:
            continue
        say(f"Checking {name}")
        try:
            schema = schema_of(name, options.attendance)
            table = read_columns(schema, _as_written(schema, opened.frames[name], opened.conventions))
        except engine_errors() as error:
            closed.append(unreadable(name, opened.titles[name], reason(error)))
            continue
        for rule in _rules(name, options.attendance):
            table = rule(table, checked, options)
        checked[name] = table
    return checked, tuple(closed)


def _rules(table: str, mode: AttendanceMode | None) -> tuple[Rule, ...]:
    if table == "attendance" and mode == "yearly_totals":
        return (check_duplicates, check_references, keep_enrolled_years)
    return RULES[table]


def _records(checked: Mapping[str, Checked], report: ValidationReport, mode: AttendanceMode | None) -> Records:
    held: dict[str, Any] = {name: table.frame for name, table in checked.items()}
    if mode is not None:
        held["attendance_mode"] = mode
    if "attendance" in checked:
        held["day_marks"] = checked["attendance"].day_marks
    if "attendance" in checked and checked["attendance"].own_days:
        held["counted_days"] = tuple(held[name] for name in ("attendance", "enrolment", "calendar"))
    return Records(**held, ledger=report.ledger, source=report.source)


def _options(orphans: Orphans, duplicates: Duplicates) -> Options:
    for name, value, allowed in (("orphans", orphans, Orphans), ("duplicates", duplicates, Duplicates)):
        if value not in get_args(allowed):
            raise OptionError(f"{name} = {value!r} is not allowed.{suggest(str(value), get_args(allowed))}")
    return Options(orphans=orphans, duplicates=duplicates)


def _stated(
    attendance: AttendanceMode | None, exit_date_is: ExitDateIs | None, conventions: Conventions | None
) -> Conventions:
    return Conventions(attendance, exit_date_is).over(conventions or Conventions())


def _with_conventions(options: Options, said: Conventions, mode: AttendanceMode | None) -> Options:
    return replace(
        options,
        attendance=mode,
        exit_date_is=said.exit_date_is or "last_day",
        conflicts=said.conflicts or "most_severe",
        absent_from=said.absent_from,
        retakes=said.retakes or "error",
        as_of=said.as_of or dt.date.today(),
    )


def _as_written(schema: TableSchema, frame: LazyTable, said: Conventions) -> LazyTable:
    """The table with dates and school years as our own tables write them, where it is said how they are written."""
    if said.dates is None and said.school_years is None:
        return frame
    frame = in_duckdb(frame)
    columns = frame.collect_schema()
    changed = []
    for column in (c for c in schema.columns if c.name in columns):
        text, dtype = nw.col(column.name), columns[column.name]
        if column.kind == "date" and said.dates is not None and (isinstance(dtype, nw.String) or dtype.is_numeric()):
            changed.append(iso_dates(text.cast(nw.String), said.dates).alias(column.name))
        if column.kind == "school_year" and said.school_years is not None and isinstance(dtype, nw.String):
            changed.append(school_years(text, said.school_years).alias(column.name))
    return frame.with_columns(changed) if changed else frame


def _say_nothing(step: str) -> None:
    """The progress of a caller who wants none."""
