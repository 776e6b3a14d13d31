"""Several rows for one student-day, or for one course: which one counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import narwhals as nw

from mentoreval.records.checked import Action, Checked, Options, ask, fate, first_values, settle
from mentoreval.records.records import LedgerEntry

SEVERITY = ("suspended", "absent_unexcused", "absent", "absent_excused", "tardy", "present")
"""From the most severe on. An absence without a reason may be unexcused, so it comes before one that is excused."""
STUDENT_DAY = ["student_id", "date"]
FATES: dict[str, Action] = {"conflicting_code": "dropped", "day_reported_twice": "dropped"}


def settle_conflicts(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Of several codes for one student-day the most severe counts, or the first one of the rule table of the options.

    Of equal codes the longest absence counts. Rows that are equal in both, such as the same absence reported by two
    schools, are one absence.
    """
    blamed = any(problem.rule == "duplicate_key" for problem in table.problems)
    if not blamed or options.duplicates == "error" or options.conflicts == "error":
        return table
    ranked = table.frame.with_columns(_rank=_rank(options), _row=_rest(table))
    best = ranked.group_by(STUDENT_DAY).agg(_best=nw.col("_rank").min())
    ranked = ranked.join(best, on=STUDENT_DAY, how="left")
    decisive = ranked.filter(nw.col("_rank") == nw.col("_best"))
    first = decisive.group_by(STUDENT_DAY).agg(_first=nw.col("_row").min())
    fated = ranked.join(first, on=STUDENT_DAY, how="left").with_columns(
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


def _rest(table: Checked) -> nw.Expr:
    """What else the row says, as one text, so that the same row is kept whatever the order of the file."""
    known = {*STUDENT_DAY, "code", "fraction"}
    rest = [name for name in table.frame.collect_schema().names() if name not in known]
    texts = [nw.col(name).cast(nw.String).fill_null("") for name in rest]
    return nw.concat_str(texts, separator="\t") if texts else nw.lit("")


def settle_retakes(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Several marks of one course and term all count where the options say so; the ledger says how many there are."""
    if options.retakes != "all" or not any(problem.rule == "duplicate_key" for problem in table.problems):
        return table
    key = list(table.schema.key)
    repeated = table.frame.group_by(key).agg(times=nw.len()).filter(nw.col("times") > 1)
    rows = ask(repeated, rows=nw.col("times").sum())["rows"]
    entry = LedgerEntry(table.name, "retaken_course", "flagged", rows, first_values(repeated, "student_id"))
    left = tuple(problem for problem in table.problems if problem.rule != "duplicate_key")
    return replace(table.keeping(table.frame, entry), problems=left)
