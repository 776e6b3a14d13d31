"""Rules about keys: no two rows for one thing, and no row about a thing that does not exist."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from mentoreval.records.checked import Checked, Options, ask, count, first_values, how_many
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.validation import Problem, rows_problem

HIGHEST_DIGIT = 40
"""Of the sum of up to 500 powers of two up to 2³¹; of more rows in a month there are fewer ones in any case."""


def check_duplicates(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Rows that are equal in every column are one row (unless options say otherwise); unequal ones are a problem."""
    key = list(table.schema.key_of(table.columns))
    if not key or not table.has(*key):
        return table
    if key[-1] == "date" and not _days_repeat(table.frame, key[:-1], "date"):
        return table
    repeated = _repeated(table.frame, key)
    if not ask(repeated, groups=nw.len())["groups"]:
        return table
    if options.duplicates == "drop_exact":
        table = _drop_exact(table, repeated, key)
        repeated = _repeated(table.frame, key)
    rows = ask(repeated, rows=nw.col("times").sum())["rows"]
    return table.blaming(_duplicates(table, repeated, key, rows, options)) if rows else table


def _days_repeat(frame: LazyTable, key: list[str], date: str) -> bool:
    """Whether any date comes more than once for the same key, found without a group for each day.

    Each day of a month is a power of two. Different powers add up to a number with as many binary ones as there are
    days; where one comes twice, two ones become one, and the ones are fewer than the rows.
    """
    whole = frame.filter(*(~nw.col(name).is_null() for name in (*key, date)))
    day = nw.col(date).dt.day().cast(nw.Float64)
    month = nw.col(date).dt.year().cast(nw.Int64) * 12 + nw.col(date).dt.month().cast(nw.Int64)
    marks = whole.select(*key, _month=month, _marks=2.0**day)
    months = marks.group_by(*key, "_month").agg(nw.col("_marks").sum(), _rows=nw.len())
    # Schools share their calendar, so that most months of most students have the same marks: each is looked at once.
    kinds = months.select(nw.col("_marks").cast(nw.Int64), "_rows").group_by("_marks", "_rows").agg(months=nw.len())
    return ask(kinds, repeated=how_many(_binary_ones(nw.col("_marks")) < nw.col("_rows")))["repeated"] > 0


def _binary_ones(number: nw.Expr) -> nw.Expr:
    """How many binary digits of a whole number are one: the number less the sum of its halves, by Legendre."""
    halves = (number // 2**digit for digit in range(1, HIGHEST_DIGIT + 1))
    return number - sum(halves, start=nw.lit(0, dtype=nw.Int64))


def _repeated(frame: LazyTable, key: list[str]) -> LazyTable:
    """The keys that more than one row has, and how many rows; a key with an empty part is none."""
    whole = frame.filter(*(~nw.col(name).is_null() for name in key))
    return whole.group_by(key).agg(times=nw.len()).filter(nw.col("times") > 1)


def _drop_exact(table: Checked, repeated: LazyTable, key: list[str]) -> Checked:
    distinct = table.frame.unique()
    dropped = table.rows_kept - count(distinct)
    examples = first_values(repeated, *key) if dropped else ()
    return table.keeping(distinct, LedgerEntry(table.name, "exact_duplicate", "dropped", dropped, examples))


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


def _check_reference(table: Checked, column: str, target: Checked, options: Options) -> Checked:
    (key,) = target.schema.key
    if not target.has(key):
        return table
    known = target.frame.select(nw.col(key).alias(column)).unique()
    orphans = table.frame.filter(~nw.col(column).is_null()).join(known, on=column, how="anti")
    rows = count(orphans)
    if not rows:
        return table
    examples = first_values(orphans, column)
    if options.orphans == "drop":
        # Joined on the orphans and not on the known, so that rows without any identifier stay to be reported.
        left = table.frame.join(orphans.select(column).unique(), on=column, how="anti")
        rule = f"orphan_{column.removesuffix('_id')}"
        return table.keeping(left, LedgerEntry(table.name, rule, "dropped", rows, examples))
    finding = f"whose {column} is not in {target.name}"
    advice = f'Add those {target.name}, or set orphans = "drop".'
    where = (table.name, column, "orphan")
    return table.blaming(rows_problem(where, rows, table.rows_kept, finding, advice, ("first", examples)))
