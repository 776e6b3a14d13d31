"""Enrolled days: how many days in session a student was enrolled at each school in each period.

A spell of enrolment counts the days in session of its school and its school year, from the entry date to the exit date,
both included. Where spells overlap each day counts once: a student-day belongs to the school in session on that day
whose spell began last (of two that began on the same day, the one whose school_id sorts last).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.identifiers import stand_in_order
from mentoreval.panel.session_days import SessionDays, day_number, disjoint_pieces
from mentoreval.records.records import LazyTable, LedgerEntry

SPELL = ("student_id", "school_id", "school_year", "grade_level", "entry_date", "exit_date")
DATED_SPELL = ("student_id", "school_id", "start", "stop")

IDLE = "no_session_day"
"""The ledger's key for spells without one day in session."""

LONG_AFTER = pd.Timedelta(days=183)
"""An exit date that is later than this after the last day of the calendar can not belong to that school year."""


@dataclass(frozen=True, eq=False)
class EnrolledDays:
    """Days in session while enrolled.

    frame : one row per student × school × period: student_id, school_id, period, days (whole days), last_day,
        grade_level (of the last spell there)
    spells : the spells behind it: student_id, school_id, start, stop
    overlaps : True where some student had two spells on one day
    entries : what the ledger is to say
    """

    frame: pd.DataFrame
    spells: pd.DataFrame
    overlaps: bool
    entries: tuple[LedgerEntry, ...] = ()

    @property
    def idle_spells(self) -> int:
        """Spells without one day in session, which are in none of the tables."""
        return sum(entry.rows for entry in self.entries if entry.rule == IDLE)

    @property
    def main_school(self) -> pd.DataFrame:
        """One row per student × period, sorted: the school with most days (of equals the later one), and all days."""
        keys = ["student_id", "period"]
        if stand_in_order(self.frame, keys):
            return self.frame
        ordered = self.frame.sort_values([*keys, "days", "last_day", "school_id"], kind="stable")
        total = ordered.groupby(keys, sort=False)["days"].sum()
        return ordered.drop_duplicates(keys, keep="last", ignore_index=True).assign(days=total.to_numpy())


def spells_in_session(enrolment: LazyTable, calendar: LazyTable) -> LazyTable:
    """Spells with ``start`` and ``stop``: their dates within the first and last day of their school's own year.

    A missing exit date stops at the last day of that year. Spells of a school and year without a calendar, and spells
    outside it, are not in the result.
    """
    years = calendar.group_by("school_id", "school_year").agg(
        first_day=nw.col("date").min(), final_day=nw.col("date").max()
    )
    entry, leave = nw.col("entry_date"), nw.col("exit_date")
    first, final = nw.col("first_day"), nw.col("final_day")
    return (
        enrolment.select(*SPELL)
        .join(years, on=["school_id", "school_year"], how="inner")
        .with_columns(
            start=nw.when(entry < first).then(first).otherwise(entry),
            stop=nw.when(leave.is_null() | (leave > final)).then(final).otherwise(leave),
        )
        .filter(nw.col("start") <= nw.col("stop"))
    )


def count_enrolled_days(enrolment: LazyTable, calendar: LazyTable) -> EnrolledDays:
    """Count days from enrolment and from a calendar whose days have a ``period``."""
    session = SessionDays.of(collect_frame(calendar.select("school_id", "school_year", "date", "period")))
    spells = collect_frame(spells_in_session(enrolment, calendar))
    pieces, overlaps = disjoint_pieces(_in_numbers(spells, session), session)
    count = session.count(pieces)
    counts = spells[["student_id", "school_id", "grade_level"]].iloc[count.spell].reset_index(drop=True)
    last_day = pd.to_datetime(count.last_day, unit="D")
    counts = counts.assign(period=pd.Series(count.period, dtype="str"), days=count.days, last_day=last_day)
    held = np.flatnonzero(np.bincount(count.spell, minlength=len(spells)))
    used = spells if len(held) == len(spells) else spells.iloc[held]
    entries = (_idle_spells(enrolment, used), _late_exits(used))
    return EnrolledDays(_by_school(counts), used[list(DATED_SPELL)], overlaps, entries)


def years_of_enrolment(enrolment: LazyTable) -> EnrolledDays:
    """The same table by school year where there is no calendar.

    ``days`` is then the length of the spell with weekends and holidays: it finds the main school and is no measure. A
    missing exit date is June 30.
    """
    spells = collect_frame(enrolment.select(*SPELL))
    june = pd.to_datetime((spells["school_year"].str[:4].astype(int) + 1).astype(str) + "-06-30")
    last_day = spells["exit_date"].fillna(june)
    days = ((last_day - spells["entry_date"]).dt.days + 1).clip(lower=0)
    counts = spells.assign(period=spells["school_year"], days=days, last_day=last_day)
    dated = spells.assign(start=spells["entry_date"], stop=last_day)[list(DATED_SPELL)]
    return EnrolledDays(_by_school(counts), dated, overlaps=False)


def _in_numbers(spells: pd.DataFrame, session: SessionDays) -> pd.DataFrame:
    school, year = (pd.factorize(spells[name], sort=True)[0] for name in ("school_id", "school_year"))
    order = np.lexsort((year, school, day_number(spells["entry_date"])))
    rank = np.empty(len(spells), dtype=np.int64)
    rank[order] = np.arange(len(spells))
    columns: dict[str, IntArray] = {
        "spell": np.arange(len(spells)),
        "student": pd.factorize(spells["student_id"])[0].astype(np.int64),
        "block": session.block_of(spells),
        "start": day_number(spells["start"]),
        "stop": day_number(spells["stop"]),
        "rank": rank,
    }
    return pd.DataFrame(columns)


def _by_school(counts: pd.DataFrame) -> pd.DataFrame:
    keys = ["student_id", "school_id", "period"]
    columns = [*keys, "days", "last_day", "grade_level"]
    ordered = counts.sort_values("last_day", kind="stable", ignore_index=True)[columns]
    if not ordered.duplicated(keys).any():
        return ordered
    grouped = ordered.groupby(keys, sort=False)
    return grouped.agg({"days": "sum", "last_day": "last", "grade_level": "last"}).reset_index()


def _idle_spells(enrolment: LazyTable, used: pd.DataFrame) -> LedgerEntry:
    """Spells without one day in session: no calendar for that school and year, or dates outside it."""
    key = ["student_id", "school_id", "school_year", "entry_date"]
    rows = int(collect_frame(enrolment.select(rows=nw.len()))["rows"].iloc[0]) - len(used)
    examples: tuple[str, ...] = ()
    if rows:
        every = collect_frame(enrolment.select(*key))
        idle = ~pd.MultiIndex.from_frame(every).isin(pd.MultiIndex.from_frame(used[key]))
        examples = first_examples(every.loc[idle, "student_id"])
    return LedgerEntry("enrolment", IDLE, "dropped", rows, examples)


def _late_exits(spells: pd.DataFrame) -> LedgerEntry:
    late = spells.loc[spells["exit_date"] > spells["final_day"] + LONG_AFTER, "student_id"]
    return LedgerEntry("enrolment", "exit_long_after_school_year", "flagged", len(late), first_examples(late))


def first_examples(identifiers: Iterable[object], limit: int = 5) -> tuple[str, ...]:
    """The first few distinct identifiers in sorted order, for a ledger entry."""
    return tuple(sorted({str(identifier) for identifier in identifiers})[:limit])
