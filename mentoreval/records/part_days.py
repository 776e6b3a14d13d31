"""Parts of days: minutes and class periods as a share of the day, and when a part counts as a whole day absent."""

from __future__ import annotations

from collections.abc import Mapping

import narwhals as nw

from mentoreval.records.checked import Checked, Options, ask, first_values, how_many
from mentoreval.records.conflicts import SEVERITY
from mentoreval.records.records import LedgerEntry
from mentoreval.records.tables.attendance import ABSENT_CODES
from mentoreval.records.validation import Problem

STUDENT_DAY = ["student_id", "date"]
SHARES = (("minutes_absent", "minutes_in_day"), ("periods_absent", "periods_in_day"))
ABSENT_FROM = 0.5
"""Federal rule of thumb: absent if missing half of the day or more. It holds for shares that are computed here."""


def gather_class_periods(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """Rows of single class periods as one row for each student-day, with how many of its periods were missed.

    A day has as many periods as ``periods_in_day`` says, or as many as are listed where every period is.
    """
    if not table.has(*STUDENT_DAY, "class_period", "code"):
        return table
    if options.attendance == "absences_only" and not table.has("periods_in_day"):
        finding = "attendance lists class periods that were missed, and not how many periods the day has."
        advice = "Add a column periods_in_day with the number of periods of that day."
        return table.blaming(Problem("attendance", "periods_in_day", "missing_column", finding, advice))
    absent, rank = nw.col("code").is_in(ABSENT_CODES), nw.lit(len(SEVERITY))
    for place, code in enumerate(SEVERITY):
        rank = nw.when(nw.col("code") == code).then(nw.lit(place)).otherwise(rank)
    rows = table.frame.with_columns(_missed=absent.cast(nw.Int64), _rank=rank)
    whole = rows.filter(~nw.col("student_id").is_null(), ~nw.col("date").is_null())
    in_day = nw.col("periods_in_day").max() if table.has("periods_in_day") else nw.len()
    schools = {"school_id": nw.col("school_id").min()} if table.has("school_id") else {}
    days = whole.group_by(STUDENT_DAY).agg(
        periods_absent=nw.col("_missed").sum(), periods_in_day=in_day, _rank=nw.col("_rank").min(), **schools
    )
    worst: nw.Expr = nw.lit(None, dtype=nw.String)
    for place, name in enumerate(SEVERITY):
        worst = nw.when(nw.col("_rank") == place).then(nw.lit(name)).otherwise(worst)
    shaped = days.select(
        *STUDENT_DAY,
        *schools,
        code=worst,
        fraction=nw.lit(1.0),
        periods_absent=nw.col("periods_absent").cast(nw.Float64),
        periods_in_day=nw.col("periods_in_day").cast(nw.Float64),
    )
    kept = ask(days, days=nw.len())["days"]
    entry = LedgerEntry(
        table.name, "class_period_of_a_day", "dropped", table.rows_kept - kept, first_values(days, "student_id")
    )
    gathered = table.keeping(shaped, entry)
    columns = (*STUDENT_DAY, *schools, "code", "fraction", "periods_absent", "periods_in_day")
    return Checked(table.schema, shaped, columns, table.rows_read, gathered.entries, gathered.problems)


def count_part_days(table: Checked, others: Mapping[str, Checked], options: Options) -> Checked:
    """The column ``fraction`` from minutes or periods, where the table has them; and whole days by the rule.

    See ``Conventions.absent_from``. Only absences have a part; the ledger says how many rows the rule changed. Where no
    rule is stated, a row that states its share and has no minutes or periods keeps that share.
    """
    pairs = [pair for pair in SHARES if table.has(*pair)]
    if not pairs and options.absent_from is None:
        return table
    share, ruled_by = nw.col("fraction"), nw.lit(options.absent_from is not None)
    for missed, in_day in pairs:
        known = (~nw.col(missed).is_null() & (nw.col(in_day) > 0)).fill_null(False)
        share = nw.when(known).then(nw.col(missed) / nw.col(in_day)).otherwise(share)
        ruled_by = ruled_by | known
    absent = nw.col("code").is_in(ABSENT_CODES).fill_null(False)
    shared = table.frame.with_columns(fraction=nw.when(absent).then(share).otherwise(nw.col("fraction")))
    limit = options.absent_from or ABSENT_FROM
    if limit == "part":
        return table.keeping(shared)
    part = nw.col("code").is_in(ABSENT_CODES) & (nw.col("fraction") < 1) & ruled_by
    whole, none = part & (nw.col("fraction") >= limit), part & (nw.col("fraction") < limit)
    answers = ask(shared, whole=how_many(whole), none=how_many(none))
    entries = [
        LedgerEntry(table.name, rule, "mapped", answers[name], first_values(shared.filter(rows), "student_id"))
        for name, rule, rows in (("whole", "part_day_as_absent", whole), ("none", "part_day_as_present", none))
        if answers[name]
    ]
    ruled = nw.when(whole).then(nw.lit(1.0)).otherwise(nw.when(none).then(nw.lit(0.0)).otherwise(nw.col("fraction")))
    return table.keeping(shared.with_columns(fraction=ruled), *entries)
