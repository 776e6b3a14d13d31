"""Who is enrolled where and when: kindergartners, joiners, leavers, transfers and promotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray, ObjectArray
from mentoreval.worlds.district.calendar import SchoolYear

N_GRADES = 13  # kindergarten (0) to grade 12
NOBODY = -1
LEAST_STAY = 10  # days of records of a student who joins late in a year whose records end early


@dataclass(frozen=True)
class School:
    """A school of a made-up district.

    grades : lowest and highest grade, kindergarten is 0
    feeds : school to which most of its last grade is promoted; None for the last level
    starts : number of the school year (0, 1, …) in which the program starts there; None for never
    absence_shift : how far the log-odds of an absence in this school are from the district's
    site : district of the school, where there are several
    """

    school_id: str
    grades: tuple[int, int]
    feeds: str | None = None
    starts: int | None = None
    absence_shift: float = 0.0
    site: str | None = None


@dataclass(frozen=True, eq=False)
class Roster:
    """Enrolment in one school year, one row for each student (n rows). Days are positions in the year's dates.

    student : number of the student in the district
    previous : the student's row in last year's roster, NOBODY where there is none
    grade : 0 to 12
    school : school on the day of entry
    next_school : school after a transfer during the year, NOBODY without one
    entry : first day enrolled
    move : first day in ``next_school``; the number of days without a transfer
    exit : first day no longer enrolled; the number of days where the student stays to the end
    """

    student: IntArray
    previous: IntArray
    grade: IntArray
    school: IntArray
    next_school: IntArray
    entry: IntArray
    move: IntArray
    exit: IntArray

    @property
    def last_school(self) -> IntArray:
        """(n,) school at the end of the student's year."""
        return np.where(self.next_school == NOBODY, self.school, self.next_school)

    def enrolled(self, year: SchoolYear) -> BoolArray:
        """(n, n_days) the student is enrolled in a school that is in session."""
        day = np.arange(year.n_days)
        first = (self.entry[:, None] <= day) & (day < np.minimum(self.move, self.exit)[:, None])
        second = (self.move[:, None] <= day) & (day < self.exit[:, None])
        return (first & year.in_session[self.school]) | (second & year.in_session[self.last_school])

    def rows_of(self, students: IntArray, n_students: int) -> IntArray:
        """(m,) row of each student in this roster, NOBODY for those not enrolled this year."""
        place = np.full(n_students, NOBODY, dtype=np.int64)
        place[self.student] = np.arange(len(self.student))
        return place[students]

    def frame(self, year: SchoolYear, student_ids: ObjectArray, school_ids: ObjectArray) -> pd.DataFrame:
        """The enrolment table of the year: one row for each spell; exit_date is the last day, empty if to the end."""
        moved = np.flatnonzero(self.next_school != NOBODY)
        row = np.concatenate([np.arange(len(self.student)), moved])
        school = np.concatenate([self.school, self.next_school[moved]])
        first = np.concatenate([self.entry, self.move[moved]])
        stop = np.concatenate([np.minimum(self.move, self.exit), self.exit[moved]])
        last_date = np.where(stop < year.n_days, year.iso_dates[stop - 1], None)
        grade = np.array(["KG", *map(str, range(1, N_GRADES))], dtype=object)[self.grade[row]]
        spells = {"student_id": student_ids[self.student[row]], "school_id": school_ids[school]}
        spells |= {"school_year": year.label, "grade_level": grade, "entry_date": year.iso_dates[first]}
        return pd.DataFrame({**spells, "exit_date": last_date})


@dataclass(frozen=True)
class Mobility:
    """How students come, go and move. Nothing here depends on absences, marks or mentoring.

    Rates are shares of the students of a year. Nobody who is there on the first day leaves or moves before
    ``first_move_day``, so every student who could be matched in the autumn is enrolled when matches start.
    The rates are assumptions; a district loses and gains about the same number of students. In a year whose records end
    early, the same shares come and go before they end.
    """

    leaves_in_summer: float = 0.04
    joins_in_summer: float = 0.05
    leaves_in_year: float = 0.025
    joins_in_year: float = 0.015
    transfers: float = 0.02
    follows_feeder: float = 0.85
    first_move_day: int = 45
    last_move_day: int = 160
    first_join_day: int = 10
    last_join_day: int = 150

    def draw(
        self, schools: Sequence[School], n_students: int, years: Sequence[SchoolYear], rng: np.random.Generator
    ) -> list[Roster]:
        """A roster for each year; students are numbered 0, 1, … in the order in which they first enrol."""
        places = _Places.of(schools)
        per_place = np.maximum(1, n_students // (len(places.taught) * np.maximum(places.count, 1)))
        rosters: list[Roster] = []
        known = 0
        for number, year in enumerate(years):
            last_days = years[number - 1].n_days
            stayers = self._promote(rosters[-1], last_days, places, rng) if rosters else _Placed.nobody()
            new = self._arrive(per_place, len(stayers.student), places, rng)
            late_grade = places.taught[rng.integers(0, len(places.taught), size=round(self.joins_in_year * n_students))]
            late = _Placed.newcomers(late_grade, places.any_school(late_grade, rng))
            everybody = stayers.and_then(new, known).and_then(late, known + len(new.student))
            known += len(new.student) + len(late.student)
            rosters.append(self._spells(everybody, len(late.student), year.n_days, places, rng))
        return rosters

    def _promote(self, last: Roster, n_days: int, places: _Places, rng: np.random.Generator) -> _Placed:
        """Those who come back after the summer, a grade higher, most of them where their school feeds."""
        returns = rng.random(len(last.grade)) >= self.leaves_in_summer
        previous = np.flatnonzero(returns & (last.exit == n_days) & (last.grade < places.taught[-1]))
        grade, school = last.grade[previous] + 1, last.last_school[previous]
        elsewhere = places.any_school(grade, rng)
        follows = rng.random(len(grade)) < self.follows_feeder
        promoted = np.where(follows, places.feeds[school], elsewhere)
        school = np.where(grade > places.top_grade[school], promoted, school)
        return _Placed(last.student[previous], previous, grade, school)

    def _arrive(self, per_place: IntArray, n_stayers: int, places: _Places, rng: np.random.Generator) -> _Placed:
        """Those who are new on the first day: all in the first year, then the lowest grade and summer joiners."""
        grades = places.taught[:1] if n_stayers else places.taught
        grade = np.concatenate([np.full(per_place[g] * places.count[g], g) for g in grades])
        school = np.concatenate([np.repeat(places.schools[g, : places.count[g]], per_place[g]) for g in grades])
        n_joiners = round(self.joins_in_summer * n_stayers)
        joiners = places.taught[rng.integers(1, len(places.taught), size=n_joiners)]
        school = np.concatenate([school, places.any_school(joiners, rng)])
        return _Placed.newcomers(np.concatenate([grade, joiners]), school)

    def _spells(self, who: _Placed, n_late: int, n_days: int, places: _Places, rng: np.random.Generator) -> Roster:
        """Entry, transfer and exit of everybody; the last ``n_late`` students join during the year."""
        n = len(who.student)
        late = np.arange(n) >= n - n_late
        fate = np.where(late, 1.0, rng.random(n))
        day = rng.integers(self.first_move_day, min(self.last_move_day, n_days), size=n)
        join_day = rng.integers(self.first_join_day, min(self.last_join_day, n_days - LEAST_STAY), size=n)
        other = places.other_school(who.grade, who.school, rng)
        leaves = fate < self.leaves_in_year
        moves = ~leaves & (fate < self.leaves_in_year + self.transfers) & (other != who.school)
        return Roster(
            student=who.student,
            previous=who.previous,
            grade=who.grade,
            school=who.school,
            next_school=np.where(moves, other, NOBODY),
            entry=np.where(late, join_day, 0),
            move=np.where(moves, day, n_days),
            exit=np.where(leaves, day, n_days),
        )


@dataclass(frozen=True, eq=False)
class _Placed:
    """Students with a grade and a school, each (m,); newcomers are numbered when they are put behind the others."""

    student: IntArray
    previous: IntArray
    grade: IntArray
    school: IntArray

    @classmethod
    def nobody(cls) -> _Placed:
        """No student at all."""
        return cls.newcomers(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))

    @classmethod
    def newcomers(cls, grade: IntArray, school: IntArray) -> _Placed:
        """Students who were not enrolled last year, numbered from 0."""
        return cls(np.arange(len(grade)), np.full(len(grade), NOBODY), grade, school)

    def and_then(self, newcomers: _Placed, first_number: int) -> _Placed:
        """These students and then the newcomers, who are numbered from ``first_number``."""
        return _Placed(
            np.concatenate([self.student, newcomers.student + first_number]),
            np.concatenate([self.previous, newcomers.previous]),
            np.concatenate([self.grade, newcomers.grade]),
            np.concatenate([self.school, newcomers.school]),
        )


@dataclass(frozen=True, eq=False)
class _Places:
    """Which schools teach which grade.

    taught : (at least 2,) grades that some school teaches, from the lowest to the highest without a gap
    schools : (N_GRADES, most) schools of each grade, padded
    count : (N_GRADES,) how many
    rank : (n_schools,) place of a school among those of its grades
    feeds, top_grade : (n_schools,)
    """

    taught: IntArray
    schools: IntArray
    count: IntArray
    rank: IntArray
    feeds: IntArray
    top_grade: IntArray

    @classmethod
    def of(cls, schools: Sequence[School]) -> _Places:
        """The grades of these schools, which are numbered in this order."""
        number = {school.school_id: k for k, school in enumerate(schools)}
        teach = [[k for k, s in enumerate(schools) if s.grades[0] <= g <= s.grades[1]] for g in range(N_GRADES)]
        most = max(map(len, teach))
        padded = np.array([row + [0] * (most - len(row)) for row in teach], dtype=np.int64)
        taught = np.array([grade for grade, row in enumerate(teach) if row], dtype=np.int64)
        rank = np.array([teach[s.grades[0]].index(k) for k, s in enumerate(schools)], dtype=np.int64)
        feeds = np.array([number[s.feeds] if s.feeds else k for k, s in enumerate(schools)], dtype=np.int64)
        top = np.array([s.grades[1] for s in schools], dtype=np.int64)
        return cls(taught, padded, np.array([len(row) for row in teach], dtype=np.int64), rank, feeds, top)

    def any_school(self, grade: IntArray, rng: np.random.Generator) -> IntArray:
        """(m,) a school that teaches the grade, all equally likely."""
        return self.schools[grade, _floor(rng.random(len(grade)) * self.count[grade])]

    def other_school(self, grade: IntArray, school: IntArray, rng: np.random.Generator) -> IntArray:
        """(m,) another school that teaches the grade; the same one where there is no other."""
        step = 1 + _floor(rng.random(len(grade)) * (self.count[grade] - 1))
        return np.asarray(self.schools[grade, (self.rank[school] + step) % self.count[grade]])


def _floor(values: FloatArray) -> IntArray:
    return values.astype(np.int64)
