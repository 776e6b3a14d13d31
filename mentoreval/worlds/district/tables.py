"""From arrays to the plain tables: text and whole numbers, sorted by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mentoreval.aliases import ObjectArray
from mentoreval.worlds.district.absences import CODES
from mentoreval.worlds.district.calendar import SchoolYear, dates_of
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
        row, day = a.absences.row[~a.averted], a.absences.day[~a.averted]
        columns = {"student_id": a.roster.student[row], "date": a.year.iso_dates[day]}
        parts.append({**columns, "code": CODES[a.absences.code[~a.averted]]})
    return _by_student(parts, ids)


def grades_table(attended: Sequence[Attended], marks: Sequence[Marks], ids: Ids) -> pd.DataFrame:
    """One row for each student, semester and course."""
    parts = []
    for a, m in zip(attended, marks, strict=True):
        student = a.roster.student[m.row]
        columns = {"student_id": student, "school_year": np.full(len(student), a.year.label, dtype=object)}
        columns |= {"term": TERMS[m.term], "course_id": COURSES[m.course], "mark": LETTERS[m.mentored]}
        parts.append({**columns, "credits": HALF_CREDITS[m.course] / 2.0})
    return _by_student(parts, ids)


def matches_table(matches: Matches, history: History, years: Sequence[SchoolYear], ids: Ids) -> pd.DataFrame:
    """One row for each match."""
    columns = {
        "match_id": ids.match,
        "student_id": ids.student[matches.student],
        "mentor_id": number_ids("T", int(matches.mentor.max(initial=-1)) + 1)[matches.mentor],
        "start_date": dates_of(years, matches.cohort, matches.start),
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


def _by_student(parts: Sequence[Mapping[str, NDArray[Any]]], ids: Ids) -> pd.DataFrame:
    """The years one below the other, sorted by student; what a student has within a year is in order already.

    The long tables are sorted by number and become text once, which is several times faster than sorting the text.
    """
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rank = np.argsort(np.argsort(ids.student))
    order = np.argsort(rank[columns["student_id"]], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    return pd.DataFrame({**columns, "student_id": ids.student[columns["student_id"]]})
