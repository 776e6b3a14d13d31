"""Program: from records to who was mentored, by whom, and from which period on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.registry import Kind

TREATED_COLUMNS = ("student_id", "first_treated", "mentor_id", "start_date", "excluded")

LONGEST_BREAK = pd.Timedelta(days=120)
"""Longer than a summer: a match that starts in the holidays belongs to the period in which school begins again."""


@dataclass(frozen=True)
class Program(Kind):
    """A rule that says which students took part, and since when. One method to write: ``treat``.

    dosage : names that measure how much of the program a student got; they are known only after it started and are
        refused as covariates
    """

    dosage: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def treat(self, records: RecordsByPeriod) -> pd.DataFrame:
        """One row per student who took part or can not be judged; who is not in it was never mentored.

        returns : student_id, first_treated (label of the period, see ``start_periods``), mentor_id, start_date, and
            ``excluded`` (text): a key that says why the student can be neither mentored nor a comparison, with
            first_treated missing; itself missing for everybody else
        """


def start_periods(records: RecordsByPeriod, students: pd.Series[Any], dates: pd.Series[Any]) -> pd.Series[Any]:
    """Label of the period in which something that began on a date first meets a student at school.

    That is the period of the first day in session, on or after the date, at the school in which the student is or next
    will be enrolled. Where no such day comes within ``LONGEST_BREAK``, it is the next day in session of any school.
    After the last calendar, long before the first and where there is none, it is the label of the date itself.

    students, dates : aligned; returns labels with the same index
    """
    starts = pd.DataFrame({"student_id": students, "date": dates}).reset_index(drop=True)
    session, own = records.session_days, records.rule.label_dates(starts["date"])
    if session.empty:
        return own.set_axis(students.index)
    at_school = _next_day(_at_school(starts, records.enrolled.spells), session)
    anywhere = _next_day(starts, session.drop_duplicates("date").drop(columns="school_id"))
    near = at_school["session_date"] - starts["date"] <= LONGEST_BREAK
    label = at_school["period"].where(near, anywhere["period"])
    early = starts["date"] < session["date"].iloc[0] - LONGEST_BREAK
    return label.where(label.notna() & ~early, own).set_axis(students.index)


def _at_school(starts: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Starts with the school of the student's spell on that date or the next one, moved to its first day if later."""
    ends = spells.assign(date=spells["stop"]).sort_values("date", kind="stable")
    found = _merge_forward(starts, ends, by="student_id")
    return found.assign(date=found["date"].where(~(found["start"] > found["date"]), found["start"]))


def _next_day(starts: pd.DataFrame, session: pd.DataFrame) -> pd.DataFrame:
    """The first day in session on or after each date, at the school if both sides name one: session_date, period."""
    by = "school_id" if "school_id" in starts and "school_id" in session else None
    return _merge_forward(starts, session.assign(session_date=session["date"]), by=by)


def _merge_forward(left: pd.DataFrame, right: pd.DataFrame, by: str | None) -> pd.DataFrame:
    """For each row of the left the first row of the right, sorted by date, that is not earlier; in the left's order."""
    ordered = left.sort_values("date", kind="stable")
    found = pd.merge_asof(ordered, right, on="date", by=by, direction="forward")
    return found.set_axis(ordered.index).sort_index()
