"""RecordsByPeriod: a district's records seen by year, semester or month. What several measures need is counted once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import narwhals as nw
import pandas as pd

from mentoreval.errors import DataError
from mentoreval.panel.attendance_days import DAY, AttendanceDays, count_listed_days, needed_attendance, read_totals
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.course_marks import CourseMarks, count_failures, count_marks
from mentoreval.panel.enrolled_days import EnrolledDays, count_enrolled_days, years_of_enrolment
from mentoreval.panel.identifiers import left_join
from mentoreval.panel.mark_rule import MarkRule
from mentoreval.panel.periods import PeriodRule, school_year_of
from mentoreval.panel.yearly_totals import count_with_totals, together, without_years, years_with_totals
from mentoreval.records.checked import distinct
from mentoreval.records.engines import hold_if_embedded
from mentoreval.records.records import LazyTable, LedgerEntry, Records

COUNTED = ("calendar", "session_days", "enrolled", "attendance_counted", "_marks", "student_periods")
"""What is counted once and kept."""


@dataclass(frozen=True, eq=False)
class RecordsByPeriod:
    """What a measure and a program read.

    records : the tables, lazy
    rule : how days become periods
    schools_apart : attendance is counted in each school of a student apart, with a row and a ``school_id`` for each

    The tables below are counted when they are first asked for and kept; all have one row per student × period (and
    school), with columns ``student_id`` and ``period``.
    """

    records: Records
    rule: PeriodRule = field(default_factory=PeriodRule)
    schools_apart: bool = False

    @cached_property
    def calendar(self) -> LazyTable | None:
        """Days in session (school_id, school_year, date, period); None where they can not be known.

        Where every student-day is listed and there is no calendar, a school is in session on the days on which one of
        its students is listed.
        """
        days = self.records.calendar
        if days is None and self.records.attendance_mode == "positive" and self.records.attendance is not None:
            days = hold_if_embedded(_listed_days(self.records.attendance, self.records.enrolment))
        return None if days is None else self.rule.label_days(days)

    @cached_property
    def session_days(self) -> pd.DataFrame:
        """Collected calendar: school_id, date, period, sorted by date; empty where there is none."""
        if self.calendar is None:
            return pd.DataFrame({"school_id": [], "date": pd.to_datetime([]), "period": []})
        days = collect_frame(self.calendar.select("school_id", "date", "period"))
        return days.sort_values(["date", "school_id"], kind="stable", ignore_index=True)

    @cached_property
    def enrolled(self) -> EnrolledDays:
        """Days in session while enrolled, by student, school and period."""
        if self.calendar is not None and self.totals_years and self.rule.length == "year":
            return count_with_totals(self.records.enrolment, self.calendar, self.totals_years)
        if self.calendar is not None:
            return count_enrolled_days(self.records.enrolment, self.calendar)
        if self.rule.length != "year":
            raise DataError(
                f"{self.records.source} has no calendar, so nobody can say in which {self.rule.length} a student was "
                'enrolled. Add calendar.csv (school_id, date, school_year), or use period = "year".'
            )
        return years_of_enrolment(self.records.enrolment)

    @cached_property
    def totals_years(self) -> frozenset[str]:
        """The school years that are known by totals, where attendance has the days of others."""
        return years_with_totals(self.records)

    @property
    def attendance(self) -> AttendanceDays:
        """Days enrolled and absent, by student and period (or school of the student), in thousandths of a day."""
        return self.attendance_counted.of_each_school if self.schools_apart else self.attendance_counted

    @cached_property
    def attendance_counted(self) -> AttendanceDays:
        """As ``attendance``, all schools of a student together."""
        mode = self.records.attendance_mode
        table = needed_attendance(self.records)
        if mode == "yearly_totals":
            if self.rule.length != "year":
                raise DataError(
                    f"Attendance is kept as yearly totals, which can not be split into {self.rule.length}s. "
                    'Use period = "year", or give the days on which students were absent.'
                )
            return read_totals(table)
        if self.calendar is None:
            raise DataError(
                f"{self.records.source} lists absences only and has no calendar, so the days enrolled are not known. "
                "Add calendar.csv (school_id, date, school_year) with one row per day in session."
            )
        if not self.totals_years:
            return count_listed_days(self.records, self.calendar, self.enrolled)
        return self._days_and_totals(self.calendar)

    def _days_and_totals(self, calendar: LazyTable) -> AttendanceDays:
        years, totals = self.totals_years, self.records.attendance_totals
        if self.rule.length != "year" or totals is None:
            raise DataError(
                f"Attendance of {', '.join(sorted(years))} is kept as totals (attendance_totals), which can not be "
                f'split into {self.rule.length}s. Use period = "year", or leave attendance_totals out.'
            )
        daily = count_listed_days(self.records, calendar, without_years(self.enrolled, years))
        return together(daily, read_totals(totals))

    def marks_by(self, marks: MarkRule) -> CourseMarks:
        """Grade points, credits and failed courses, by student and period, by a scale of one's own."""
        if marks not in self._marks:
            self._marks[marks] = count_marks(self.records, self.rule, marks)
        return self._marks[marks]

    def core_failures(self, subjects: tuple[str, ...], marks: MarkRule) -> pd.DataFrame:
        """Marks and failed semesters in courses of these subjects: student_id, period, semesters, failed_core."""
        self.marks_by(marks)  # so that the ledger lists the marks that could not be read
        return count_failures(self.records, subjects, marks)

    @cached_property
    def _marks(self) -> dict[MarkRule, CourseMarks]:
        """Marks that were counted so far, by their rule."""
        return {}

    @property
    def each_school(self) -> RecordsByPeriod:
        """The same records with the schools of a student apart; what was counted is kept."""
        apart = RecordsByPeriod(self.records, self.rule, schools_apart=True)
        counted = {name: self.__dict__[name] for name in COUNTED if name in self.__dict__}
        apart.__dict__.update(counted)
        return apart

    @cached_property
    def student_periods(self) -> pd.DataFrame:
        """One row per student × period of enrolment: student_id, period, school_id, grade_level, days_enrolled.

        The school is that with most days enrolled in the period, of equals the later one. The days enrolled are those
        of enrolment and calendar; where every day is listed or totals are given, as listed or given; missing where
        none of these is known.
        """
        rows = self.enrolled.main_school
        frame = rows[["student_id", "period", "school_id", "grade_level"]].copy()
        if self._states_enrolled_days:
            keys, listed = ["student_id", "period"], self.attendance_counted.frame
            days = listed[keys].assign(days_enrolled=listed["enrolled"] / DAY)
            frame = left_join(frame, days, keys)
        else:
            frame["days_enrolled"] = rows["days"].astype(float) if self.calendar is not None else float("nan")
        return self._with_totals(frame) if self.totals_years and self.rule.length == "year" else frame

    def _with_totals(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With the days enrolled of the years of totals as these state them."""
        keys, days = ["student_id", "period"], self.attendance_counted.frame
        stated = left_join(frame[keys], days[keys].assign(stated=days["enrolled"] / DAY), keys)["stated"]
        told = frame["period"].isin(self.totals_years)
        return frame.assign(days_enrolled=frame["days_enrolled"].mask(told, stated.to_numpy()))

    @property
    def _states_enrolled_days(self) -> bool:
        """Whether the attendance table itself says how many days of a period a student was enrolled."""
        mode = self.records.attendance_mode
        return self.records.attendance is not None and (
            mode == "positive" or (mode == "yearly_totals" and self.rule.length == "year")
        )

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """What the ledger is to say of the tables that were counted so far."""
        counted = [self.__dict__[name] for name in ("enrolled", "attendance_counted") if name in self.__dict__]
        of_marks = dict.fromkeys(entry for marks in self._marks.values() for entry in marks.entries)
        return (*(entry for table in counted for entry in table.entries), *of_marks)


def _listed_days(attendance: LazyTable, enrolment: LazyTable) -> LazyTable:
    """school_id, school_year and date of every day on which an enrolled student of that school is listed."""
    names = attendance.collect_schema().names()
    school = [nw.col("school_id").alias("listed_school")] if "school_id" in names else []
    days = attendance.select("student_id", "date", *school, date_year=school_year_of(nw.col("date")))
    spells = enrolment.select("student_id", "school_id", "school_year", "entry_date", "exit_date")
    days = days.join(spells, left_on=["student_id", "date_year"], right_on=["student_id", "school_year"], how="inner")
    date, leave = nw.col("date"), nw.col("exit_date")
    days = days.filter(nw.col("entry_date") <= date, leave.is_null() | (date <= leave))
    if school:
        days = days.filter(nw.col("listed_school").is_null() | (nw.col("listed_school") == nw.col("school_id")))
    named = days.select("school_id", nw.col("date_year").alias("school_year"), "date")
    return distinct(named, *named.collect_schema().names())
