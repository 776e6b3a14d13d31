"""How the attendance table is to be read. It is stated by a person and never guessed: a day without a row is a day
present in one district and an unknown day in the next."""

from __future__ import annotations

from collections.abc import Iterable

from mentoreval.records.format import OpenSource
from mentoreval.records.records import AttendanceMode
from mentoreval.records.schema import TableSchema
from mentoreval.records.tables import ATTENDANCE, TABLES
from mentoreval.records.validation import Problem


def attendance_mode(opened: OpenSource, stated: AttendanceMode | None) -> AttendanceMode | None:
    """The mode that was stated, or yearly totals where the columns can be nothing else; None where it is open."""
    if stated is None and "attendance" in opened.frames:
        columns = opened.frames["attendance"].collect_schema().names()
        return "yearly_totals" if "days_absent" in columns and "date" not in columns else None
    return stated


def schema_of(table: str, mode: AttendanceMode | None) -> TableSchema:
    """The schema of a table; for attendance without a mode the daily one that knows every code."""
    return ATTENDANCE[mode or "positive"] if table == "attendance" else TABLES[table]


def mode_problems(tables: Iterable[str], mode: AttendanceMode | None) -> tuple[Problem, ...]:
    """What is wrong with the mode, given which tables there are."""
    present = set(tables)
    if "attendance_totals" in present and ("attendance" not in present or mode == "yearly_totals"):
        finding = "attendance_totals is for school years beside those of which attendance has the days."
        advice = "There are only totals here: put all of them into the table attendance."
        return (Problem("attendance_totals", "", "totals_alone", finding, advice),)
    if "attendance" not in present:
        return ()
    if mode is None:
        finding = "It is not said how attendance is kept."
        advice = (
            'Set attendance = "absences_only" if only absences are listed, "positive" if every student-day is, or '
            '"yearly_totals"; as a parameter, or as a line of records.toml.'
        )
        return (Problem("attendance", "", "attendance_mode", finding, advice),)
    if mode == "absences_only" and "calendar" not in present:
        finding = "attendance lists absences only, and there is no calendar that says which other days were in session."
        advice = "Add a calendar table with the columns school_id, date, school_year."
        return (Problem("calendar", "", "missing_calendar", finding, advice),)
    return ()
