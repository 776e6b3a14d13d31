"""Who is chosen for mentoring, by which mentor and from when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.worlds.district.calendar import SchoolYear
from mentoreval.worlds.district.matches import MENTOR_TYPES, Matches
from mentoreval.worlds.district.roster import Roster


@dataclass(frozen=True, eq=False)
class Eligible:
    """Students who meet the rule in one school year (m of them), and what choosing among them may depend on.

    row : row in the year's roster
    rate : absence rate of the year before, 0 to 1
    log_odds : what else moves the log-odds of being chosen (grade, economic disadvantage)
    """

    row: IntArray
    rate: FloatArray
    log_odds: FloatArray


@dataclass(frozen=True)
class Mentoring:
    """A one-to-one program of the Success Mentors kind.

    Three to five mentees for each mentor and meetings up to three times a week in school all year are the national
    Success Mentors model (My Brother's Keeper, 2016); external, internal and peer mentors are New York City's. How
    many are chosen, match dates, renewals and minutes are assumptions.

    share : share of would-be absences that mentoring averts in the first year, on average over mentees
    later_years : factor on that share in later years. A mentee has fewer absences to avert by then, but the whole year
        is covered: the days gained are a few more (Check & Connect in Chicago: more in the second year, though the
        difference was not significant; Guryan et al. 2020, NBER 27661)
    threshold_tenths : tenths of last year's days that a student must have been absent to be eligible
    threshold_days : days that a student must have been absent last year, where the rule is one of days
    per_rate : log-odds of being chosen for each point (0.01) of last year's absence rate above the threshold
    without_session : share of mentees who never meet their mentor and whom mentoring does not change
    culture_share : share of would-be absences averted among the other students of a school with the program, by what
        mentors do for the whole school
    renewal : chance that a match goes on in the next school year
    """

    share: float
    later_years: float = 1.25
    threshold_tenths: int = 1
    threshold_days: int | None = None
    intercept: float = -0.70
    per_rate: float = 0.05
    most_points: float = 20.0
    without_session: float = 0.06
    renewal: float = 0.55
    caseload: int = 4
    culture_share: float = 0.0

    def meets_rule(self, absent: IntArray, enrolled: IntArray) -> BoolArray:
        """(m,) whether last year's days absent, of so many days enrolled, make a student eligible."""
        if self.threshold_days is not None:
            return absent >= self.threshold_days
        return absent * 10 >= enrolled * self.threshold_tenths

    def choose(self, eligible: Eligible, rng: np.random.Generator) -> BoolArray:
        """(m,) chosen or not. Depends on last year's absences and the other observed facts, and on nothing else."""
        points = np.minimum(100.0 * (eligible.rate - self.threshold_tenths / 10), self.most_points)
        log_odds = self.intercept + self.per_rate * points + eligible.log_odds
        return rng.random(len(log_odds)) * (1.0 + np.exp(-log_odds)) < 1.0

    def match(self, row: IntArray, number: int, roster: Roster, year: SchoolYear, rng: np.random.Generator) -> Matches:
        """Matches of the students chosen in one year, by school and mentor; mentors are numbered from 0 in the year.

        row : (m,) rows of the chosen in the roster; number : of the school year
        """
        order = np.lexsort((rng.random(len(row)), roster.school[row]))
        row = row[order]
        school = roster.school[row]
        mentor = _share_out(school, self.caseload)
        n_mentors = int(mentor.max(initial=-1)) + 1
        kind, skill = rng.integers(0, len(MENTOR_TYPES), size=n_mentors), 0.7 + 0.6 * rng.random(n_mentors)
        earliest, latest = (int(np.searchsorted(year.dates, day)) for day in _window(year))
        start = rng.integers(earliest, latest, size=len(row))
        meets = rng.random(len(row)) >= self.without_session
        weekly = np.where(meets, 1.0 + 2.0 * rng.random(len(row)), 0.0)
        response = np.where(meets, (0.5 + 0.25 * weekly) / (1.0 - self.without_session), 0.0)
        return Matches(
            student=roster.student[row],
            school=school,
            mentor=mentor,
            mentor_type=kind[mentor],
            cohort=np.full(len(row), number),
            start=start,
            share=self.share * response * skill[mentor],
            weekly=weekly,
        )


def _window(year: SchoolYear) -> tuple[np.datetime64, np.datetime64]:
    """Matches start from 15 September and before 1 November."""
    autumn = int(year.label[:4])
    return np.datetime64(f"{autumn}-09-15"), np.datetime64(f"{autumn}-11-01")


def _share_out(school: IntArray, caseload: int) -> IntArray:
    """Mentor of each mentee, numbered over schools; ``school`` is sorted. Caseloads differ by one at most."""
    _, first, n_mentees = np.unique(school, return_index=True, return_counts=True)
    n_mentors = np.maximum(1, (n_mentees + caseload // 2) // caseload)
    place = np.arange(len(school)) - np.repeat(first, n_mentees)
    before = np.cumsum(n_mentors) - n_mentors
    return np.asarray(np.repeat(before, n_mentees) + place % np.repeat(n_mentors, n_mentees))
