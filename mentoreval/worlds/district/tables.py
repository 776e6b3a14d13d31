"""From arrays to the plain tables: text and whole numbers, sorted by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import ObjectArray
from mentoreval.worlds.district.absences import CODES
from mentoreval.worlds.district.calendar import SchoolYear
from mentoreval.worlds.district.marks import COURSES, HALF_CREDITS, LETTERS, Marks
from mentoreval.worlds.district.matches import END_REASONS, MENTOR_TYPES, History, Matches
from mentoreval.worlds.district.outcomes import Attended
from mentoreval.worlds.district.people import number_ids

TERMS: ObjectArray = np.array(["S1", "S2"], dtype=object)


@dataclass(frozen=True, eq=False)
class Ids:
    """Identifiers by number of the student, school and match."""

    student: ObjectArray
    school: ObjectArray
    match: ObjectArray


def students_table(traits: pd.DataFrame, ids: Ids) -> pd.DataFrame:
    """One row for each student who was ever enrolled."""
    table = traits.copy()
    table.insert(0, "student_id", ids.student)
    return _sorted(table, "student_id")


def enrolment_table(attended: Sequence[Attended], ids: Ids) -> pd.DataFrame:
    """One row for each spell in a school."""
    spells = pd.concat([a.roster.frame(a.year, ids.student, ids.school) for a in attended], ignore_index=True)
    return _sorted(spells, "student_id", "school_year", "entry_date")


def calendar_table(years: Sequence[SchoolYear], ids: Ids) -> pd.DataFrame:
    """One row for each school and day in session."""
    return _sorted(pd.concat([year.frame(ids.school) for year in years], ignore_index=True), "school_id", "date")


def attendance_table(attended: Sequence[Attended], ids: Ids) -> pd.DataFrame:
    """One row for each day absent."""
    parts = []
    for a in attended:
        happened = ~a.averted
        student, day = a.roster.student[a.absences.row[happened]], a.absences.day[happened]
        columns = {"student_id": ids.student[student], "date": a.year.iso_dates[day]}
        parts.append(pd.DataFrame({**columns, "code": CODES[a.absences.code[happened]]}))
    return _sorted(pd.concat(parts, ignore_index=True), "student_id", "date")


def grades_table(attended: Sequence[Attended], marks: Sequence[Marks], ids: Ids) -> pd.DataFrame:
    """One row for each student, semester and course."""
    parts = []
    for a, m in zip(attended, marks, strict=True):
        columns = {"student_id": ids.student[a.roster.student[m.row]], "school_year": a.year.label}
        columns |= {"term": TERMS[m.term], "course_id": COURSES[m.course], "mark": LETTERS[m.mentored]}
        parts.append(pd.DataFrame({**columns, "credits": HALF_CREDITS[m.course] / 2.0}))
    return _sorted(pd.concat(parts, ignore_index=True), "student_id", "school_year", "term", "course_id")


def matches_table(matches: Matches, history: History, years: Sequence[SchoolYear], ids: Ids) -> pd.DataFrame:
    """One row for each match."""
    dates = np.stack([year.iso_dates for year in years])
    columns = {
        "match_id": ids.match,
        "student_id": ids.student[matches.student],
        "mentor_id": number_ids("T", int(matches.mentor.max(initial=-1)) + 1)[matches.mentor],
        "start_date": dates[matches.cohort, matches.start],
        "end_date": history.end_dates(years),
        "model": "one_to_one",
        "end_reason": END_REASONS[history.reason],
        "mentor_type": MENTOR_TYPES[matches.mentor_type],
    }
    return _sorted(pd.DataFrame(columns), "match_id")


def sessions_table(
    attended: Sequence[Attended], history: History, matches: Matches, ids: Ids, rng: np.random.Generator
) -> pd.DataFrame:
    """One row for each session; mentees meet their mentor in school, on days on which they are there."""
    parts = []
    for a, running in zip(attended, history.running, strict=True):
        match, day, minutes = running.sessions(a.present, matches.weekly, rng)
        columns = {"match_id": ids.match[match], "date": a.year.iso_dates[day], "minutes": minutes}
        parts.append(pd.DataFrame(columns))
    return _sorted(pd.concat(parts, ignore_index=True), "match_id", "date")


def _sorted(table: pd.DataFrame, *keys: str) -> pd.DataFrame:
    return table.sort_values(list(keys), kind="stable", ignore_index=True)
