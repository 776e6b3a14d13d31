"""How matches go: renewed or not, cut short by a move, and the sessions they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray, ObjectArray
from mentoreval.worlds.district.calendar import SchoolYear, dates_of
from mentoreval.worlds.district.roster import NOBODY, Roster

OPEN, YEAR_ENDED, CHANGED_SCHOOL, LEFT_DISTRICT = range(4)
END_REASONS: ObjectArray = np.array([None, "end_of_school_year", "changed_school", "left_district"], dtype=object)
MENTOR_TYPES: ObjectArray = np.array(["external", "internal", "peer"], dtype=object)


@dataclass(frozen=True, eq=False)
class Matches:
    """One-to-one matches (m of them).

    student, school, mentor : numbers; the school is the one in which the match began
    mentor_type : place in MENTOR_TYPES
    cohort, start : number of the school year of the first day, and its position in that year's dates
    share : share of the mentee's would-be absences that is averted in the first year
    weekly : meetings in a week of five days in school
    """

    student: IntArray
    school: IntArray
    mentor: IntArray
    mentor_type: IntArray
    cohort: IntArray
    start: IntArray
    share: FloatArray
    weekly: FloatArray

    def __len__(self) -> int:
        return len(self.student)

    @classmethod
    def none(cls) -> Matches:
        """No match at all."""
        nobody, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
        return cls(nobody, nobody, nobody, nobody, nobody, nobody, share=nothing, weekly=nothing)

    def and_then(self, later: Matches) -> Matches:
        """These matches and later ones, whose mentors are other persons and are numbered on."""
        later = replace(later, mentor=later.mentor + int(self.mentor.max(initial=-1)) + 1)
        return Matches(
            **{f.name: np.concatenate([getattr(self, f.name), getattr(later, f.name)]) for f in fields(self)}
        )

    def of(self, which: BoolArray) -> Matches:
        """Some of these matches; ``which`` is (m,)."""
        return Matches(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    def on_roster(
        self, roster: Roster, number: int, later_years: float, n_students: int
    ) -> tuple[FloatArray, IntArray]:
        """Share of absences averted and the first day on which it is, for every student of a year's roster.

        number : of the school year; later_years : factor on the share after the first year. The share is 0 for
        students never matched.
        """
        row = roster.rows_of(self.student, n_students)
        here = row != NOBODY
        first_year = self.cohort == number
        share, start = np.zeros(len(roster.student)), np.zeros(len(roster.student), dtype=np.int64)
        share[row[here]] = (self.share * np.where(first_year, 1.0, later_years))[here]
        start[row[here]] = np.where(first_year, self.start, 0)[here]
        return share, start


@dataclass(frozen=True, eq=False)
class Running:
    """The matches that ran in one school year, r of them.

    match : number of the match
    row : row of the mentee in the year's roster
    first, stop : first day and the day after the last one, as positions in the year's dates
    """

    match: IntArray
    row: IntArray
    first: IntArray
    stop: IntArray

    def sessions(self, present: BoolArray, weekly: FloatArray, rng: np.random.Generator) -> tuple[IntArray, ...]:
        """Sessions of the year: match, day and minutes, each (k,).

        present : (n, n_days) students in school; weekly : (n_matches,) meetings in a week of five days present
        """
        if not weekly.any():
            return (np.zeros(0, dtype=np.int64),) * 3
        day = np.arange(present.shape[1])
        running = (self.first[:, None] <= day) & (day < self.stop[:, None])
        meets = rng.random(running.shape) < weekly[self.match, None] / 5.0
        minutes = 15 + 5 * rng.integers(0, 7, size=running.shape)
        which, on_day = np.nonzero(running & meets & present[self.row])
        return self.match[which], on_day, minutes[which, on_day]


@dataclass(frozen=True, eq=False)
class History:
    """How every match ended (m of them) and when it ran.

    reason : place in END_REASONS; OPEN while the match goes on
    year, day : school year and position in its dates of the last day, of no meaning while the match is open
    running : for each school year
    """

    reason: IntArray
    year: IntArray
    day: IntArray
    running: tuple[Running, ...]

    def end_dates(self, years: Sequence[SchoolYear]) -> ObjectArray:
        """(m,) last day as text, None while the match is open."""
        dates = dates_of(years, self.year, self.day)
        dates[self.reason == OPEN] = None
        return dates


def follow_matches(
    matches: Matches,
    rosters: Sequence[Roster],
    years: Sequence[SchoolYear],
    renewal: float,
    rng: np.random.Generator,
) -> History:
    """Follow every match through the years until it is not renewed or the mentee leaves the school."""
    m, student, school = len(matches), matches.student, matches.school
    n_students = 1 + max(int(roster.student.max()) for roster in rosters)
    reason, last_year, last_day = (np.zeros(m, dtype=np.int64) for _ in range(3))

    def end(which: BoolArray, why: int, number: int, day: IntArray) -> None:
        """Write down why and when these matches end."""
        reason[which], last_year[which], last_day[which] = why, number, day[which]

    running = np.zeros(m, dtype=bool)
    history: list[Running] = []
    for number, (roster, year) in enumerate(zip(rosters, years, strict=True)):
        year_end = np.full(m, year.n_days)
        row = roster.rows_of(student, n_students)
        renewed = running & (row != NOBODY) & (roster.school[row] == school) & (rng.random(m) < renewal)
        end(running & ~renewed, YEAR_ENDED, number - 1, year_end - 1)
        running = renewed | (matches.cohort == number)
        stop = np.where(running, np.minimum(roster.move, roster.exit)[row], year_end)
        which = np.flatnonzero(running)
        first = np.where(matches.cohort == number, matches.start, 0)
        history.append(Running(which, row[which], first[which], stop[which]))
        changes = roster.next_school[row] != NOBODY
        end((stop < year_end) & changes, CHANGED_SCHOOL, number, stop - 1)
        end((stop < year_end) & ~changes, LEFT_DISTRICT, number, stop - 1)
        running &= stop == year_end
    stops = running & (rng.random(m) >= renewal) & years[-1].complete
    end(stops, YEAR_ENDED, len(years) - 1, year_end - 1)
    return History(reason, last_year, last_day, tuple(history))
