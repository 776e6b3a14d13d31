"""Rules about keys: no two rows for one thing, and no row about a thing that does not exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from mentoreval.records.checked import Checked, Options, ask, count, distinct, first_values
from mentoreval.records.day_marks import DayMarks
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.validation import Problem, rows_problem


def check_duplicates(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Rows that are equal in every column are one row (unless options say otherwise); unequal ones are a problem."""
    key = list(table.schema.key_of(table.columns))
    if not key or not table.has(*key):
        return table
    if (marked := _with_marks(table, key)) is not None:
        return marked
    repeated = _repeated(table.frame, key)
    if not ask(repeated, groups=nw.len())["groups"]:
        return table
    if options.duplicates == "drop_exact":
        table = _drop_exact(table, repeated, key)
        if (marked := _with_marks(table, key)) is not None:
            return marked
        repeated = _repeated(table.frame, key)
    rows = ask(repeated, rows=nw.col("times").sum())["rows"]
    return table.blaming(_duplicates(table, repeated, key, rows, options)) if rows else table


def _with_marks(table: Checked, key: list[str]) -> Checked | None:
    """The table with the marks of its days; None where some row has no day, or some day comes twice."""
    if key[-1] != "date":
        return None
    codes = next((column.allowed for column in table.schema.columns if column.name == "code"), ())
    marks = DayMarks.of(table.frame, key[:-1], key[-1], codes)
    of_rows = ask(marks.sums, rows=nw.col("_rows").sum())["rows"]
    return replace(table, marks=marks) if of_rows == table.rows_kept and not marks.repeat() else None


def _repeated(frame: LazyTable, key: list[str]) -> LazyTable:
    """The keys that more than one row has, and how many rows; a key with an empty part is none."""
    whole = frame.filter(*(~nw.col(name).is_null() for name in key))
    return whole.group_by(key).agg(times=nw.len()).filter(nw.col("times") > 1)


def _drop_exact(table: Checked, repeated: LazyTable, key: list[str]) -> Checked:
    rows = distinct(table.frame, *table.frame.collect_schema().names())
    dropped = table.rows_kept - count(rows)
    examples = first_values(repeated, *key) if dropped else ()
    return table.keeping(rows, LedgerEntry(table.name, "exact_duplicate", "dropped", dropped, examples))


def _duplicates(table: Checked, repeated: LazyTable, key: list[str], rows: int, options: Options) -> Problem:
    names, examples = ", ".join(key), first_values(repeated, *key)
    if options.duplicates == "drop_exact":
        finding, advice = f"that share {names} but differ elsewhere", f"Keep one row for each {names}."
    else:
        finding, advice = f"that share {names}", 'Keep one row for each, or set duplicates = "drop_exact".'
    return rows_problem(
        (table.name, names, "duplicate_key"), rows, table.rows_kept, finding, advice, ("first", examples)
    )


def check_references(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Every reference points to a row that is there; orphans are a problem, or dropped if options say so."""
    for column, target in table.schema.references:
        if target in others and table.has(column):
            table = _check_reference(table, column, others[target], options)
    return table


def _tally(table: Checked, column: str) -> LazyTable:
    """How many rows each value of a column has, as _rows."""
    marks = table.day_marks
    if marks is not None and marks.key == [column]:
        return marks.sums.group_by(column).agg(nw.col("_rows").sum())
    return table.frame.group_by(column).agg(_rows=nw.len())


def _check_reference(table: Checked, column: str, target: Checked, options: Options) -> Checked:
    (key,) = target.schema.key
    if not target.has(key):
        return table
    known = distinct(target.frame.select(nw.col(key).alias(column)), column)
    orphans = _tally(table, column).filter(~nw.col(column).is_null()).join(known, on=column, how="anti")
    rows = ask(orphans, rows=nw.col("_rows").sum())["rows"]
    if not rows:
        return table
    examples = first_values(orphans, column)
    if options.orphans == "drop":
        # Joined on the orphans and not on the known, so that rows without any identifier stay to be reported.
        left = table.frame.join(orphans.select(column), on=column, how="anti")
        rule = f"orphan_{column.removesuffix('_id')}"
        return table.keeping(left, LedgerEntry(table.name, rule, "dropped", rows, examples))
    finding = f"whose {column} is not in {target.name}"
    advice = f'Add those {target.name}, or set orphans = "drop".'
    where = (table.name, column, "orphan")
    return table.blaming(rows_problem(where, rows, table.rows_kept, finding, advice, ("first", examples)))
