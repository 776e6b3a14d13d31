"""Ed-Fi: dumps of the resources of an Ed-Fi API or data store, as CSV or Parquet files.

A resource is a file of its name. A nested field such as ``studentReference.studentUniqueId`` may be nested (Parquet) or
a column of that name with dots, underscores or two underscores, or of its last part only. A descriptor may have its
namespace: ``uri://ed-fi.org/AttendanceEventCategoryDescriptor#Tardy`` is ``Tardy``. A list is nested (Parquet), or has
a column for each entry, such as ``races.0.raceDescriptor``. Resources and descriptor values are those of the Ed-Fi data
standard 3 to 6 (github.com/Ed-Fi-Alliance-OSS/Ed-Fi-Data-Standard, its folder Descriptors).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import narwhals as nw

from mentoreval.records.checked import Checked, ask
from mentoreval.records.ed_fi_students import STUDENT, demographics, of_students, programs, with_flags, word
from mentoreval.records.format import Format, Translation
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.source_rows import (
    CannotTranslate,
    Wanted,
    drop,
    flagged,
    kept_as,
    source_problem,
    spring_year,
    take,
    translate_codes,
)
from mentoreval.records.sources import Sources
from mentoreval.records.tables import TABLES
from mentoreval.records.tables.attendance import ABSENT_CODES
from mentoreval.records.validation import Problem

GRADE_LEVELS = {
    "Preschool/Prekindergarten": "PK", "Prekindergarten": "PK", "Kindergarten": "KG", "First grade": "1",
    "Second grade": "2", "Third grade": "3", "Fourth grade": "4", "Fifth grade": "5", "Sixth grade": "6",
    "Seventh grade": "7", "Eighth grade": "8", "Ninth grade": "9", "Tenth grade": "10", "Eleventh grade": "11",
    "Twelfth grade": "12",
}  # fmt: skip
ATTENDANCE_CODES = {
    "In Attendance": "present", "Excused Absence": "absent_excused", "Unexcused Absence": "absent_unexcused",
    "Tardy": "tardy", "Early departure": "present", "Partial": "present",
}  # fmt: skip
CALENDAR_EVENTS = {
    "Instructional day": "in_session", "Make-up day": "in_session",
    "Student late arrival/early dismissal": "in_session",
    "Holiday": "closed", "Weather day": "closed", "Teacher only day": "closed", "Non-instructional day": "closed",
    "Emergency day": "closed", "Strike": "closed", "Other": "closed",
}  # fmt: skip
TERMS = {"Fall Semester": "S1", "Spring Semester": "S2", "Year Round": "Y", "Full Year": "Y"}
EXIT_CODES = {"Dropout": "dropout", "Graduated": "graduated", "Transferred": "transferred_out"}
"""Reasons of leaving that measures ask for. A transfer within the district is one to whom is enrolled again."""
MADE_OF_RESOURCES = ("students", "enrolment", "calendar", "attendance", "grades", "sessions")
SCHOOL = ("schoolReference.schoolId", "schoolId")
YEAR = ("schoolYearTypeReference.schoolYear", "schoolYear")
NO_FINAL_MARKS = (
    "The resource grades has marks of grading periods and is left alone; final marks are in courseTranscripts."
)


@dataclass(frozen=True)
class EdFi(Format):
    """Ed-Fi resources as CSV or Parquet files: students, their associations, calendar dates, attendance events, marks.

    school_year : of the whole dump, such as "2021-22", where the associations of students with schools have none; a
        year of Ed-Fi is the one in which the school year ends
    attendance_codes, grade_levels, calendar_events, terms : a district's own descriptors beside those of Ed-Fi; events
        are "in_session" or "closed"
    exit_codes : a district's own reasons of leaving → such as dropout, graduated or transferred_out; others stay
    english_learner_codes : a district's own descriptors of English proficiency → 1 for an English learner, else 0
    demographics_of : the education organization whose demographics of a student count, where several have some
    """

    name: ClassVar[str] = "ed_fi"
    beside: ClassVar[tuple[str, ...]] = tuple(name for name in TABLES if name not in MADE_OF_RESOURCES)
    homes: ClassVar[Mapping[str, str]] = {
        "students": "students.csv",
        "enrolment": "studentSchoolAssociations.csv",
        "sessions": "mentoring_sessions.csv (sessions.csv is Ed-Fi's resource of terms)",
    }
    school_year: str | None = None
    attendance_codes: Mapping[str, str] = field(default_factory=dict)
    grade_levels: Mapping[str, str] = field(default_factory=dict)
    calendar_events: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    exit_codes: Mapping[str, str] = field(default_factory=dict)
    english_learner_codes: Mapping[str, str] = field(default_factory=dict)
    demographics_of: str | None = None

    def translate(self, sources: Sources) -> Translation:
        """Our tables of the resources that are there."""
        makers = {
            "students": self._students,
            "enrolment": self._enrolment,
            "calendar": self._calendar,
            "attendance": self._attendance,
            "grades": self._grades,
            "sessions": _mentoring_sessions,
        }
        frames: dict[str, LazyTable] = {}
        titles: dict[str, str] = {}
        rows: list[Checked] = []
        problems: list[Problem] = []
        for table, maker in makers.items():
            try:
                made = maker(sources)
            except CannotTranslate as error:
                problems += error.problems
                continue
            if made:
                frames[table], titles[table] = made[0].frame, made[0].name
                rows += made
        problems += [problem for table in rows for problem in table.problems]
        notes = (NO_FINAL_MARKS,) if "grades" in sources.tables else ()
        return Translation(frames, titles, tuple(rows), problems=tuple(problems), notes=notes)

    def _students(self, sources: Sources) -> list[Checked]:
        columns = {
            "student_id": ("studentUniqueId",), "birth_date": ("birthDate",), "gender": ("birthSexDescriptor",)
        }  # fmt: skip
        students = take(sources, Wanted("students", "students", columns, ("birth_date", "gender")))
        if students is None:
            return []
        people = demographics(sources, self.demographics_of, self.english_learner_codes)
        people = None if people is None else of_students(people, students)
        rosters = [(of_students(roster, students), flag) for roster, flag in programs(sources)]
        made = with_flags(students, people, rosters)
        return [made, *([] if people is None else [people]), *(roster for roster, _ in rosters)]

    def _enrolment(self, sources: Sources) -> list[Checked]:
        columns = {
            "student_id": STUDENT, "school_id": SCHOOL, "school_year": YEAR,
            "grade_level": ("entryGradeLevelDescriptor",), "entry_date": ("entryDate",),
            "exit_date": ("exitWithdrawDate",), "exit_code": ("exitWithdrawTypeDescriptor",),
        }  # fmt: skip
        optional = ("school_year", "exit_date", "exit_code")
        spells = take(sources, Wanted("studentSchoolAssociations", "enrolment", columns, optional))
        if spells is None:
            return []
        spells = self._with_exit_codes(spells)
        advice = "Give each a grade level in grade_levels = { … }."
        spells = _with_words(spells, "grade_level")
        known = {
            **{str(n): str(n) for n in range(13)},
            **{f"{n:02d}": str(n) for n in range(10)},
            "PK": "PK",
            "KG": "KG",
        }
        levels = {**GRADE_LEVELS, **known, **self.grade_levels}
        spells = translate_codes(spells, ("enrolment", "grade_level"), levels, advice)
        return [self._with_school_year(spells)]

    def _with_exit_codes(self, spells: Checked) -> Checked:
        """Why spells ended, in our words where we have one, else as described; no column where nothing is said."""
        if not ask(spells.frame, rows=nw.col("exit_code").count())["rows"]:
            return kept_as(spells, spells.frame.drop("exit_code"))
        codes = {**EXIT_CODES, **self.exit_codes}
        return translate_codes(
            _with_words(spells, "exit_code"), ("enrolment", "exit_code"), codes, "", others_stay=True
        )

    def _with_school_year(self, spells: Checked) -> Checked:
        year = nw.col("school_year")
        unsaid = ask(spells.frame, rows=year.is_null().cast(nw.Int64).sum())["rows"]
        if unsaid and self.school_year is None:
            advice = 'Say which year the dump is of, with school_year = "2021-22".'
            problem = source_problem(
                spells, ("enrolment", "school_year"), "missing_value", unsaid, "is empty", advice, ()
            )
            return spells.blaming(problem)
        filled = spring_year(year if self.school_year is None else year.fill_null(self.school_year))
        entry = LedgerEntry(spells.name, "school_year_of_export", "mapped", unsaid, (str(self.school_year),))
        return spells.keeping(spells.frame.with_columns(school_year=filled), entry)

    def _calendar(self, sources: Sources) -> list[Checked]:
        columns = {
            "school_id": ("calendarReference.schoolId", "schoolId"),
            "school_year": ("calendarReference.schoolYear", "schoolYear"), "date": ("date",),
            "event": ("calendarEventDescriptor", "calendarEvents.calendarEventDescriptor",
                      "calendarEvents.0.calendarEventDescriptor"),
            "_second": ("calendarEvents.1.calendarEventDescriptor",),
        }  # fmt: skip
        days = take(sources, Wanted("calendarDates", "calendar", columns, ("_second",)))
        if days is None:
            return []
        days = flagged(days, "further_calendar_events", ~nw.col("_second").is_null(), "date")
        advice = 'Say of each "in_session" or "closed", in calendar_events = { … }.'
        events = {**CALENDAR_EVENTS, **self.calendar_events}
        days = translate_codes(_with_words(days, "event"), ("calendar", "event"), events, advice)
        days = drop(days, {"not_in_session": (nw.col("event") != "in_session").fill_null(True)}, "date")
        year = spring_year(nw.col("school_year")).alias("school_year")
        return [kept_as(days, days.frame.select("school_id", "date", year).unique())]

    def _attendance(self, sources: Sources) -> list[Checked]:
        columns = {
            "student_id": STUDENT, "school_id": SCHOOL, "date": ("eventDate",),
            "code": ("attendanceEventCategoryDescriptor",), "fraction": ("eventDuration",),
        }  # fmt: skip
        events = take(sources, Wanted("studentSchoolAttendanceEvents", "attendance", columns, ("fraction",)))
        if events is None:
            return []
        advice = "Give each a meaning in attendance_codes = { … }, such as absent_excused."
        codes = {**ATTENDANCE_CODES, **self.attendance_codes}
        events = translate_codes(_with_words(events, "code"), ("attendance", "code"), codes, advice)
        if sources.conventions.attendance == "absences_only":
            came = ~nw.col("code").is_in(ABSENT_CODES) & nw.col("code").is_in(list(codes.values()))
            events = drop(events, {"no_absence": came}, "student_id")
        return [events]

    def _grades(self, sources: Sources) -> list[Checked]:
        record = "studentAcademicRecordReference"
        columns = {
            "student_id": (f"{record}.studentUniqueId", "studentUniqueId"),
            "school_year": (f"{record}.schoolYear", "schoolYear"),
            "term": (f"{record}.termDescriptor", "termDescriptor"),
            "course_id": ("courseReference.courseCode", "courseCode"), "mark": ("finalLetterGradeEarned",),
            "credits": ("attemptedCredits",),
        }  # fmt: skip
        marks = take(sources, Wanted("courseTranscripts", "grades", columns, ("credits",)))
        if marks is None:
            return []
        advice = "Say of each S1, S2 or Y, in terms = { … }."
        marks = translate_codes(_with_words(marks, "term"), ("grades", "term"), {**TERMS, **self.terms}, advice)
        return [kept_as(marks, marks.frame.with_columns(school_year=spring_year(nw.col("school_year"))))]


def _with_words(table: Checked, name: str) -> Checked:
    return replace(table, frame=table.frame.with_columns(word(name)))


def _mentoring_sessions(sources: Sources) -> list[Checked]:
    """The mentors' sessions, in our columns, under a name that is no resource of Ed-Fi."""
    names = ("match_id", "date", "minutes", "mode")
    met = take(sources, Wanted("mentoring_sessions", "sessions", {name: (name,) for name in names}, ("mode",)))
    return [] if met is None else [met]
