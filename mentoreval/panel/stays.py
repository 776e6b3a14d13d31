"""Stays: which student is in which school on which days, in numbers that many million listed days are grouped by."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw

from mentoreval.panel.enrolled_days import EnrolledDays, spells_in_session
from mentoreval.records.checked import ask, distinct, how_many
from mentoreval.records.engines import hold_if_embedded
from mentoreval.records.records import LazyTable

SCHOOL_YEAR, PLACE = ["school_id", "school_year"], ["school_id", "period"]


@dataclass(frozen=True, eq=False)
class Stays:
    """Enrolment as listed days are joined to it. Whole numbers stand for texts, which take longer to group by.

    spells : student_id, its number ``student``, school_id, entry_date, start, stop (dates within the school's own
        year), and ``block`` (one school in one school year); without ``session`` also ``place``
    session : block, date and ``place`` of each day in session; None where it is known that every listed day within a
        spell is one, and each block is one place
    students : student_id of each ``student``
    places : school_id and period of each ``place``
    overlaps : whether some student has two spells on one day
    """

    spells: LazyTable
    session: LazyTable | None
    students: LazyTable
    places: LazyTable
    overlaps: bool

    @classmethod
    def of(cls, enrolment: LazyTable, calendar: LazyTable, *, overlaps: bool, certain: bool) -> Stays:
        """From enrolment and a calendar whose days have a ``period``.

        certain : whether it is known that every listed day is a day in session of the one school of the student
        """
        blocks, places = _numbered(calendar, "block", SCHOOL_YEAR), _numbered(calendar, "place", PLACE)
        spells = spells_in_session(enrolment, calendar).join(blocks, on=SCHOOL_YEAR, how="inner")
        students = hold_if_embedded(_numbered(spells, "student", ["student_id"]))
        columns = ["student_id", "student", "school_id", "block", "entry_date", "start", "stop"]
        spells = spells.join(students, on="student_id", how="inner").select(columns)
        session = calendar.select(*SCHOOL_YEAR, "date", "period").join(blocks, on=SCHOOL_YEAR, how="inner")
        session = session.join(places, on=PLACE, how="inner").select("block", "date", "place")
        if not certain or not _years_are_periods(calendar):
            return cls(spells, session, students, places, overlaps)
        placed = spells.join(distinct(session, "block", "place"), on="block", how="inner")
        return cls(placed, None, students, places, overlaps)


def each_in_one_place(enrolled: EnrolledDays, calendar: LazyTable) -> bool:
    """Whether every spell of a student lies in one school and period, so that their days need not be looked up.

    The calendar has one school year and period of each school, and no spell is outside of it: a day in session of the
    student's school can then be in no other place.
    """
    if enrolled.idle_spells or enrolled.frame["student_id"].nunique() < len(enrolled.frame):
        return False
    kinds = distinct(calendar, *SCHOOL_YEAR, "period")
    found = ask(kinds, kinds=nw.len(), schools=nw.col("school_id").n_unique())
    return found["kinds"] == found["schools"]


def _numbered(rows: LazyTable, name: str, by: list[str]) -> LazyTable:
    """The distinct texts of these columns, each with its number."""
    numbered: LazyTable = distinct(rows, *by).with_row_index(name, order_by=by)
    return numbered


def _years_are_periods(calendar: LazyTable) -> bool:
    """Whether each school year of a school is one period, and no day of another year lies between its days."""
    period = nw.col("period")
    years = calendar.group_by(SCHOOL_YEAR).agg(
        _first=nw.col("date").min(), _last=nw.col("date").max(), _from=period.min(), _to=period.max(), _days=nw.len()
    )
    within = nw.col("date").is_between(nw.col("_first"), nw.col("_last"))
    days = calendar.select("school_id", "date").join(years.drop("school_year"), on="school_id", how="inner")
    found = ask(days.filter(within), days=nw.len())["days"]
    of_years = ask(years, days=nw.col("_days").sum(), split=how_many(nw.col("_from") != nw.col("_to")))
    return found == of_years["days"] and not of_years["split"]
