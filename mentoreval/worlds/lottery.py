"""A made-up lottery for mentoring within schools, with a true effect on compliers: students, not a whole district."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.errors import OptionError

LEAST_ABSENT, MOST_ABSENT = 0.0, 180.0


@dataclass(frozen=True)
class MentorLottery:
    """Students of some schools who are drawn by lot for a mentor, of whom not all take up the place.

    Days absent are whole numbers. All numbers are choices of the maker, with no student behind them.

    schools, caseload : mentees of a mentor are of one school and as many as the caseload at most
    offered, not_offered : students in each arm
    take_up : share of the offered who take part; nobody takes part without an offer
    mean_absent, sd_absent : of days absent in the year before
    stays : how much of a student's distance from the mean comes back in the next year
    effects : days absent by which a mentor changes each year of the program, then the years after it
    mentor_sd : standard deviation of mentors' own effects, in days: what mentees of one mentor share
    """

    schools: int = 23
    offered: int = 765
    not_offered: int = 765
    caseload: int = 33
    take_up: float = 0.8
    mean_absent: float = 18.0
    sd_absent: float = 9.0
    stays: float = 0.5
    effects: tuple[float, ...] = (-3.0, -4.0)
    mentor_sd: float = 1.5

    def __post_init__(self) -> None:
        if not 0 < self.take_up <= 1:
            raise OptionError(f"take_up is a share above 0 and up to 1; got {self.take_up}.")
        if min(self.schools, self.caseload) < 1 or min(self.offered, self.not_offered) < 2:
            raise OptionError("A lottery needs a school, a caseload of 1 or more, and two students in each arm.")

    def draw(self, seed: int) -> pd.DataFrame:
        """One row for each student and year.

        returns : student, year (0 = before the lottery), school, mentor (missing for who does not take part), offered
            (0/1), took_part (0/1), days_absent (whole days), prior_days_absent (of year 0). The same seed gives the
            same frame
        """
        rng = np.random.default_rng(seed)
        n = self.offered + self.not_offered
        school = rng.permutation(np.arange(n) % self.schools)
        offered = np.zeros(n, dtype=int)
        offered[rng.permutation(n)[: self.offered]] = 1
        took_part = offered * (rng.uniform(size=n) < self.take_up)
        mentor = self._mentors(school, took_part.astype(bool))
        own = rng.normal(0.0, self.mentor_sd, size=mentor.max() + 1)
        before = rng.normal(self.mean_absent, self.sd_absent, size=n)
        students = pd.DataFrame(
            {
                "student": [f"student {number:04d}" for number in range(n)],
                "school": [f"school {number:02d}" for number in school],
                "mentor": pd.Series([f"mentor {code:02d}" for code in mentor]).where(took_part == 1),
                "offered": offered,
                "took_part": took_part,
                "prior_days_absent": _days(before),
            }
        )
        years = [students.assign(year=0, days_absent=students["prior_days_absent"])]
        spread = self.sd_absent * np.sqrt(1 - self.stays**2)
        for year, effect in enumerate(self.effects, 1):
            usual = self.mean_absent + self.stays * (before - self.mean_absent) + rng.normal(0, spread, size=n)
            change = np.where(took_part == 1, effect + np.where(effect == 0, 0.0, own[mentor]), 0.0)
            years.append(students.assign(year=year, days_absent=_days(usual + change)))
        return pd.concat(years, ignore_index=True)

    def _mentors(self, school: IntArray, mentored: np.ndarray) -> IntArray:
        """(n,) code of a mentor: mentees of a school in turn, as many as a caseload; 0 for who has none."""
        codes = np.zeros(len(school), dtype=np.int64)
        first = 0
        for place in range(self.schools):
            mentees = np.flatnonzero((school == place) & mentored)
            needed = max(1, -(-len(mentees) // self.caseload))
            codes[mentees] = first + np.arange(len(mentees)) % needed
            first += needed
        return codes


def _days(values: FloatArray) -> FloatArray:
    """Whole days of a school year."""
    return np.clip(np.rint(values), LEAST_ABSENT, MOST_ABSENT)
