"""Survey answers: the items of a scale by student, and the share of forms that agree, with its interval and change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw
import numpy as np
import pandas as pd

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.numerics.proportions import newcombe_interval, wilson_interval
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.periods import PeriodRule, year_before
from mentoreval.records.records import LazyTable, Records

SHARE_COLUMNS = (
    "item", "school_year", "n_invited", "n_answered", "n_top", "share", "conf_low", "conf_high",
    "change", "change_low", "change_high",
)  # fmt: skip


def answers_of(records: Records, items: tuple[str, ...], role: str | None) -> LazyTable:
    """Answered rows of the surveys to these items, by people in this role; DataError where an item does not occur."""
    surveys = records.surveys
    if surveys is None:
        raise DataError(
            f"{records.source} has no surveys table, and a measure of answers is asked for. "
            "Add surveys.csv (form_id, school_year, item, answer), or leave that measure out."
        )
    if role is not None:
        if "role" not in surveys.collect_schema().names():
            raise DataError(f"The surveys have no column role, and role = {role!r} asks for one. Add it.")
        surveys = surveys.filter(nw.col("role") == role)
    asked = set(collect_frame(surveys.select("item").unique())["item"])
    for item in items:
        if item not in asked:
            raise DataError(
                f"The surveys have no item {item!r}{f' of role {role!r}' if role else ''}.{suggest(item, asked)}"
            )
    return surveys.filter(nw.col("item").is_in(items), ~nw.col("answer").is_null())


def answers_by_student(
    records: Records, rule: PeriodRule, items: tuple[str, ...], role: str | None, bounds: tuple[float, float]
) -> pd.DataFrame:
    """One row per student × period and a column for each item; of several forms about a student the mean answer.

    bounds : the lowest and the highest answer; others are refused with their counts
    """
    answers = rule.label_rows(answers_of(records, items, role), "surveys")
    if "student_id" not in answers.collect_schema().names():
        raise DataError("The surveys have no column student_id, so no answer belongs to a student. Add it.")
    refuse_answers_beyond(answers, bounds)
    keys = ("student_id", "period")
    sums = answers.filter(~nw.col("student_id").is_null()).group_by(*keys, "item").agg(nw.col("answer").mean())
    frame = collect_frame(sums)
    wide = frame.pivot(index=list(keys), columns="item", values="answer").reindex(columns=list(items))
    return wide.reset_index().rename_axis(columns=None)


def refuse_answers_beyond(answers: LazyTable, bounds: tuple[float, float]) -> None:
    """DataError where an answer lies beyond the lowest or highest one."""
    low, high = bounds
    beyond = answers.filter((nw.col("answer") < low) | (nw.col("answer") > high))
    counts = collect_frame(beyond.group_by("answer").agg(rows=nw.len())).sort_values("answer")
    if len(counts):
        shown = ", ".join(f"{answer:g} in {rows:,} rows" for answer, rows in counts.itertuples(index=False))
        raise DataError(
            f"The surveys have answers beyond {low:g} to {high:g}: {shown}. Say lowest and highest, or map them."
        )


def survey_shares(  # noqa: PLR0913 (one keyword for each choice)
    records: Records,
    item: str,
    *,
    lowest: float = 1.0,
    highest: float = 5.0,
    boxes: int = 2,
    role: str | None = None,
    invited: Mapping[str, int] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The share of answered forms in the top boxes of an item, by school year, and its change from the year before.

    Forms need not name a student. Intervals of shares are Wilson's; those of changes are Newcombe's for two independent
    groups, which is cautious where the same people answered in both years.

    Parameters
    ----------
    records : with a surveys table
    item : the question
    lowest, highest : the answers at the ends of its scale
    boxes : how many of the highest answers agree: 2 of 1 to 5 are 4 and 5
    role : only forms of these people; None takes all
    invited : how many were asked in each school year, where known
    confidence : of the intervals

    Returns
    -------
    One row per school year: item, school_year, n_invited, n_answered, n_top, share, conf_low, conf_high, change,
    change_low, change_high; a change is missing without the year before. Small groups are as they are: suppress them
    before they are shown to anybody.
    """
    if not 0 < boxes <= highest - lowest or not 0 < confidence < 1:
        raise OptionError(f"boxes is from 1 to {highest - lowest:g} and confidence between 0 and 1.")
    answers = answers_of(records, (item,), role)
    refuse_answers_beyond(answers, (lowest, highest))
    top = nw.when(nw.col("answer") > highest - boxes).then(nw.lit(1)).otherwise(nw.lit(0))
    counts = answers.select("school_year", top=top).group_by("school_year").agg(n=nw.len(), top=nw.col("top").sum())
    years = collect_frame(counts).sort_values("school_year").set_index("school_year").astype(float)
    before = years.reindex([year_before(year) for year in years.index]).set_axis(years.index)
    low, high = wilson_interval(years["top"].to_numpy(), years["n"].to_numpy(), confidence)
    pairs = [(frame["top"].to_numpy(), frame["n"].to_numpy()) for frame in (before, years)]
    change_low, change_high = newcombe_interval(pairs[0], pairs[1], confidence)
    asked = [float((invited or {}).get(year, np.nan)) for year in years.index]
    share, share_before = years["top"] / years["n"], before["top"] / before["n"]
    columns = (item, years.index, asked, years["n"], years["top"], share, low, high, share - share_before)
    named = dict(zip(SHARE_COLUMNS, (*columns, change_low, change_high), strict=True))
    return pd.DataFrame(named, index=years.index).reset_index(drop=True)


def share_intervals(share: float, sizes: Sequence[int], *, confidence: float = 0.95) -> pd.DataFrame:
    """What a share that was published without the number of answers could mean: its interval for each number.

    share : from 0 to 1, such as 0.92
    sizes : numbers of answers, each 1 or more
    confidence : of the intervals

    Returns
    -------
    One row per number: n_answered; n_top, the whole number of answers whose share is nearest; share, n_top ÷
    n_answered; conf_low and conf_high, Wilson's; smallest_rise, the smallest rise from an earlier survey of as many
    answers, of other people, that Newcombe's interval tells from none; missing where no rise would do.

    Raises OptionError for a share or confidence beyond 0 and 1, and for numbers of answers below 1.
    """
    n = np.asarray(sizes, dtype=float)
    if not 0 <= share <= 1 or not 0 < confidence < 1 or n.ndim != 1 or not (n >= 1).all():
        raise OptionError("share is from 0 to 1, confidence between 0 and 1, and sizes numbers of 1 or more.")
    top = np.round(share * n)
    low, high = wilson_interval(top, n, confidence)
    rises = [_smallest_rise(one, size, confidence) for one, size in zip(top, n, strict=True)]
    columns = {"n_answered": n.astype(int), "n_top": top.astype(int), "share": top / n}
    return pd.DataFrame({**columns, "conf_low": low, "conf_high": high, "smallest_rise": rises})


def _smallest_rise(top: float, n: float, confidence: float) -> float:
    """The smallest rise to top of n answers, from fewer of as many, whose interval is above 0; NaN if none is."""
    before = np.arange(top, -1.0, -1.0)
    size = np.full(before.shape, n)
    low, _ = newcombe_interval((before, size), (np.full(before.shape, top), size), confidence)
    clear = np.flatnonzero(low > 0)
    return float((top - before[clear[0]]) / n) if len(clear) else float("nan")
