"""Several rows for one student-day, or for one course: which one counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import narwhals as nw

from mentoreval.records.checked import KEPT, Action, Checked, Options, ask, count, fate, first_values, settle
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.tables.grades import POINTS, POINTS_AS_NUMBER
from mentoreval.records.validation import Problem, rows_problem

SEVERITY = ("suspended", "absent_unexcused", "absent", "absent_excused", "tardy", "present")
"""From the most severe on. An absence without a reason may be unexcused, so it comes before one that is excused."""
STUDENT_DAY = ["student_id", "date"]
WITHOUT_POINTS = {"P": 0.5, "CR": 0.5, "NP": 0.0, "NC": 0.0, "W": -1.0}
"""What marks without grade points are worth beside those with points, to say which of several is the best."""
FATES: dict[str, Action] = {"conflicting_code": "dropped", "day_reported_twice": "dropped"}


def settle_conflicts(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Of several codes for one student-day the most severe counts, or the first one of the rule table of the options.

    Of equal codes the longest absence counts. Rows that are equal in both, such as the same absence reported by two
    schools, are one absence.
    """
    blamed = any(problem.rule == "duplicate_key" for problem in table.problems)
    if not blamed or options.duplicates == "error" or options.conflicts == "error":
        return table
    fated = _decided(table, STUDENT_DAY, _rank(options), {"code", "fraction"}).with_columns(
        fate(
            (nw.col("_rank") > nw.col("_best"), "conflicting_code"),
            (nw.col("_row") > nw.col("_first"), "day_reported_twice"),
        )
    )
    left = tuple(problem for problem in table.problems if problem.rule != "duplicate_key")
    return replace(settle(table, fated, FATES, "student_id"), problems=left)


def _rank(options: Options) -> nw.Expr:
    """Lower is more decisive; half of what a code counts is left for how long the absence was."""
    order = SEVERITY if options.conflicts == "most_severe" else tuple(options.conflicts)
    rank: nw.Expr = nw.lit(float(len(order)))
    for place, code in enumerate(order):
        rank = nw.when(nw.col("code") == code).then(nw.lit(float(place))).otherwise(rank)
    return rank - nw.col("fraction").fill_null(0.0) / 2


def _decided(table: Checked, key: list[str], rank: nw.Expr, ranked_by: set[str]) -> LazyTable:
    """The rows with their rank and the lowest one of their key, how many rows the key has and how many have a rank.

    Of rows with the lowest rank ``_first`` is the ``_row`` of the one that counts.
    """
    ranked = table.frame.with_columns(_rank=rank, _row=_rest(table, {*key, *ranked_by}))
    best = ranked.group_by(key).agg(_best=nw.col("_rank").min(), _rows=nw.len(), _read=nw.col("_rank").count())
    ranked = ranked.join(best, on=key, how="left")
    decisive = ranked.filter(nw.col("_rank") == nw.col("_best"))
    first = decisive.group_by(key).agg(_first=nw.col("_row").min(), _equals=nw.len())
    return ranked.join(first, on=key, how="left")


def _rest(table: Checked, known: set[str]) -> nw.Expr:
    """What else the row says, as one text, so that the same row is kept whatever the order of the file."""
    rest = [name for name in table.frame.collect_schema().names() if name not in known]
    texts = [nw.col(name).cast(nw.String).fill_null("") for name in rest]
    return nw.concat_str(texts, separator="\t") if texts else nw.lit("")


def settle_retakes(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Of several marks of one course and term all count, or the best, or the last, where the options say so."""
    if options.retakes == "error" or not any(problem.rule == "duplicate_key" for problem in table.problems):
        return table
    if options.retakes == "last" and not table.has("date"):
        finding = "grades has several marks of one course and term, and no column date that says which is the last."
        advice = 'Add date, the day on which a mark was given, or set retakes = "best" or "all".'
        return table.blaming(Problem(table.name, "date", "missing_column", finding, advice))
    left = tuple(problem for problem in table.problems if problem.rule != "duplicate_key")
    table = replace(table, problems=left)
    return _all_marks(table) if options.retakes == "all" else _one_mark(table, options.retakes)


def _all_marks(table: Checked) -> Checked:
    repeated = table.frame.group_by(list(table.schema.key)).agg(times=nw.len()).filter(nw.col("times") > 1)
    rows = ask(repeated, rows=nw.col("times").sum())["rows"]
    entry = LedgerEntry(table.name, "retaken_course", "flagged", rows, first_values(repeated, "student_id"))
    return table.keeping(table.frame, entry)


def _one_mark(table: Checked, which: Literal["best", "last"]) -> Checked:
    """The best or the last mark of each course and term; those that can not be compared are a problem."""
    key = list(table.schema.key)
    rank, by = (-_worth(nw.col("mark")), {"mark"}) if which == "best" else (_lateness(nw.col("date")), {"date"})
    rows = _decided(table, key, rank, by)
    unclear = (nw.col("_rows") > 1) & (nw.col("_read") < nw.col("_rows"))
    if which == "last":
        unclear = unclear | (nw.col("_equals") > 1)
    out = (nw.col("_rank") > nw.col("_best")) | (nw.col("_row") > nw.col("_first"))
    open_rows = rows.filter(unclear)
    unsettled = count(open_rows)
    fated = rows.with_columns(fate((unclear, KEPT), (out, "retaken_course")))
    settled = settle(table, fated, {"retaken_course": "dropped"}, "student_id")
    if not unsettled:
        return settled
    names, what = (
        ", ".join(key),
        {"best": "marks that no usual scale reads", "last": "dates that are missing or the same"},
    )
    finding, advice = f"that share {names} and have {what[which]}", f"Keep one row for each {names}."
    shown = ("first", first_values(open_rows, *key))
    return settled.blaming(
        rows_problem((table.name, names, "duplicate_key"), unsettled, table.rows_kept, finding, advice, shown)
    )


def _worth(mark: nw.Expr) -> nw.Expr:
    """Grade points of a mark. Credit without points is worth more than no credit, and withdrawn is worth least."""
    tidy = mark.str.to_uppercase().str.replace_all("−", "-", literal=True)
    worth: nw.Expr = nw.when(tidy.str.contains(f"^{POINTS_AS_NUMBER}$")).then(tidy).cast(nw.Float64)
    for text, value in {**POINTS, **WITHOUT_POINTS}.items():
        worth = nw.when(tidy == text).then(nw.lit(value)).otherwise(worth)
    return worth


def _lateness(date: nw.Expr) -> nw.Expr:
    """A whole number that is lower for a later day."""
    return -(date.dt.year().cast(nw.Int64) * 366 + date.dt.ordinal_day().cast(nw.Int64))
