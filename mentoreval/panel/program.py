"""Program: from records to who was mentored, by whom, and from which period on."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pandas as pd

from mentoreval.panel.identifiers import among
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records.records import LedgerEntry
from mentoreval.registry import Kind

TREATED_COLUMNS = ("student_id", "first_treated", "mentor_id", "start_date", "excluded")

LONGEST_BREAK = pd.Timedelta(days=120)
"""Longer than a summer: a match that starts in the holidays belongs to the period in which school begins again."""


@dataclass(frozen=True, eq=False)
class Course:
    """How the program went on for the students who took part; what is not known is None.

    models : student_id, model: the kinds of mentoring a student got, joined by " + " in the order of their starts
    acts : student_id, first, last: labels of the periods in which the program acts on the student, of which there may
        be several runs; last is missing where it goes on. None = from the start on, whatever comes later
    dosage : student_id, period, participated (0/1) and columns of how much of the program the student got
    dose : the column of ``dosage`` that is the panel's dosage
    entries : what the ledger is to say
    """

    models: pd.DataFrame | None = None
    acts: pd.DataFrame | None = None
    dosage: pd.DataFrame | None = None
    dose: str | None = None
    entries: tuple[LedgerEntry, ...] = ()


@dataclass(frozen=True)
class Program(Kind):
    """A rule that says which students took part, and since when. One method to write: ``treat``.

    dosage : names that measure how much of the program a student got; they are known only after it started and are
        refused as covariates
    unit : what a panel of this program has rows of
    """

    dosage: ClassVar[tuple[str, ...]] = ()
    unit: ClassVar[Literal["student", "school"]] = "student"

    @abstractmethod
    def treat(self, records: RecordsByPeriod) -> pd.DataFrame:
        """One row per student who took part or can not be judged; who is not in it was never mentored.

        returns : student_id, first_treated (label of the period, see ``start_periods``), mentor_id, start_date, and
            ``excluded`` (text): a key that says why the student can be neither mentored nor a comparison, with
            first_treated missing; itself missing for everybody else
        """

    def course(self, records: RecordsByPeriod) -> Course:
        """How the program went on after the start; by default nothing is known of that."""
        return Course()

    def starts_of_schools(self, records: RecordsByPeriod) -> pd.Series[str] | None:
        """First period of each school that is in the program, by school_id; None = when its first student starts."""
        return None


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
    at_school = _next_day(_at_school(starts, _spells_of(starts, records)), session)
    anywhere = _next_day(starts, session.drop_duplicates("date").drop(columns="school_id"))
    near = at_school["session_date"] - starts["date"] <= LONGEST_BREAK
    label = at_school["period"].where(near, anywhere["period"])
    early = starts["date"] < session["date"].iloc[0] - LONGEST_BREAK
    return label.where(label.notna() & ~early, own).set_axis(students.index)


def last_periods(records: RecordsByPeriod, students: pd.Series[Any], dates: pd.Series[Any]) -> pd.Series[Any]:
    """Label of the last period in which something that happened on a date, or ended on it, met a student at school.

    The mirror of ``start_periods``: the period of the last day in session on or before the date, at the school of the
    student's spell on that date or the one before; else of any school; else the label of the date itself.

    students, dates : aligned; returns labels with the same index
    """
    events = pd.DataFrame({"student_id": students, "date": dates}).reset_index(drop=True)
    session, own = records.session_days, records.rule.label_dates(events["date"])
    if session.empty:
        return own.set_axis(students.index)
    spells = _spells_of(events, records)
    begun = spells.assign(date=spells["start"]).sort_values("date", kind="stable")
    at = _merge_by_date(events, begun, by="student_id", direction="backward")
    at = at.assign(date=at["date"].where(~(at["stop"] < at["date"]), at["stop"]))
    last = session.assign(session_date=session["date"])
    at_school = _merge_by_date(at, last, by="school_id", direction="backward")
    every = last.drop_duplicates("date").drop(columns="school_id")
    anywhere = _merge_by_date(events, every, by=None, direction="backward")
    near = events["date"] - at_school["session_date"] <= LONGEST_BREAK
    label = at_school["period"].where(near, anywhere["period"])
    late = events["date"] > session["date"].iloc[-1] + LONGEST_BREAK
    return label.where(label.notna() & ~late, own).set_axis(students.index)


def _spells_of(events: pd.DataFrame, records: RecordsByPeriod) -> pd.DataFrame:
    """The spells of the students to whom something happened: of a whole district these are few."""
    spells = records.enrolled.spells
    return spells[among(spells["student_id"], events["student_id"])]


def _at_school(starts: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Starts with the school of the student's spell on that date or the next one, moved to its first day if later."""
    ends = spells.assign(date=spells["stop"]).sort_values("date", kind="stable")
    found = _merge_by_date(starts, ends, by="student_id")
    return found.assign(date=found["date"].where(~(found["start"] > found["date"]), found["start"]))


def _next_day(starts: pd.DataFrame, session: pd.DataFrame) -> pd.DataFrame:
    """The first day in session on or after each date, at the school if both sides name one: session_date, period."""
    by = "school_id" if "school_id" in starts and "school_id" in session else None
    return _merge_by_date(starts, session.assign(session_date=session["date"]), by=by)


def _merge_by_date(
    left: pd.DataFrame, right: pd.DataFrame, by: str | None, direction: Literal["forward", "backward"] = "forward"
) -> pd.DataFrame:
    """For each row of the left, in its order, the first row of the right, sorted by date, that is not earlier.

    Backward: the last that is not later.
    """
    ordered = left.sort_values("date", kind="stable")
    found = pd.merge_asof(ordered, right, on="date", by=by, direction=direction)
    return found.set_axis(ordered.index).sort_index()
