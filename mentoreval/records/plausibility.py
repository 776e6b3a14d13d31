"""What no rule forbids and a person should know: days in the future, too few rows, identifiers of unlike lengths."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from mentoreval.records.checked import Checked, Options, ask, distinct, fate, first_values, settle
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.validation import IdLength, percent

FEW_ROWS = 0.5
"""Below this share of student-days with a row, a table of all student-days may well be one of absences."""
SPELL = ("student_id", "school_id", "entry_date", "exit_date")


def drop_future_days(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Days after the last one that the export can know have not happened: they are dropped."""
    if options.as_of is None or not table.has("date"):
        return table
    later = nw.col("date") > nw.lit(options.as_of)
    if not ask(table.frame, rows=later.cast(nw.Int64).sum())["rows"]:
        return table
    example = "student_id" if table.has("student_id") else "date"
    return settle(table, table.frame.with_columns(fate((later, "future_date"))), {"future_date": "dropped"}, example)


def flag_few_rows(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Where every student-day is to be listed and less than half of them are, absent days may be all that is there."""
    enrolment, calendar = others.get("enrolment"), others.get("calendar")
    if options.attendance != "positive" or enrolment is None or calendar is None:
        return table
    if not enrolment.has(*SPELL) or not calendar.has("school_id", "date"):
        return table
    days = _student_days(enrolment.frame, calendar.frame)
    if not days or table.rows_kept >= FEW_ROWS * days:
        return table
    said = f"{percent(table.rows_kept / days)} of {days:,} student-days"
    return table.keeping(
        table.frame, LedgerEntry(table.name, "few_student_days_listed", "flagged", table.rows_kept, (said,))
    )


def _student_days(spells: LazyTable, calendar: LazyTable) -> int:
    """Days in session over all spells; spells with the same dates at the same school are looked up once."""
    kinds = spells.group_by("school_id", "entry_date", "exit_date").agg(spells=nw.len())
    days = distinct(calendar, "school_id", "date")
    within = (nw.col("entry_date") <= nw.col("date")) & (
        nw.col("exit_date").is_null() | (nw.col("date") <= nw.col("exit_date"))
    )
    return ask(kinds.join(days, on="school_id").filter(within), days=nw.col("spells").sum())["days"]


def flag_two_schools(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """An identifier that is in two schools on one day: a shared enrolment, or two students with one local number."""
    if not table.has(*SPELL):
        return table
    spells = table.frame.select(SPELL)
    other = spells.rename({"school_id": "_school", "entry_date": "_entry", "exit_date": "_exit"})
    pairs = spells.join(other, on="student_id").filter(
        nw.col("school_id") < nw.col("_school"),
        nw.col("entry_date") <= nw.col("_exit"),
        nw.col("_entry") <= nw.col("exit_date"),
    )
    rows = ask(pairs, rows=nw.len())["rows"]
    examples = first_values(pairs, "student_id") if rows else ()
    return table.keeping(table.frame, LedgerEntry(table.name, "in_two_schools_at_once", "flagged", rows, examples))


def id_lengths(tables: Mapping[str, Checked]) -> tuple[IdLength, ...]:
    """The lengths of student identifiers in each table: one that lost its leading zeros is shorter than the others."""
    found: list[IdLength] = []
    for name, table in tables.items():
        if table.has("student_id"):
            lengths = table.frame.select(length=nw.col("student_id").str.len_chars())
            counted = lengths.group_by("length").agg(rows=nw.len()).sort("length").collect("pyarrow").to_native()
            rows = counted.to_pylist()
            found += [IdLength(name, int(r["length"]), int(r["rows"])) for r in rows if r["length"]]
    return tuple(found)
