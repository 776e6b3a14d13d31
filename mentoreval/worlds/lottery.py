"""A made-up lottery for mentoring within schools, with a true effect on compliers: students, not a whole district."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.errors import OptionError, suggest
from mentoreval.worlds.folder import csv_bytes, write_contents

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
    lost : share of the offered, and of the others, who leave in each year, whatever their absence; of them nothing is
        known from that year on
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
    lost: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not 0 < self.take_up <= 1:
            raise OptionError(f"take_up is a share above 0 and up to 1; got {self.take_up}.")
        if min(self.schools, self.caseload) < 1 or min(self.offered, self.not_offered) < 2:
            raise OptionError("A lottery needs a school, a caseload of 1 or more, and two students in each arm.")
        if len(self.lost) != 2 or not all(0 <= share < 1 for share in self.lost):
            raise OptionError(
                f"lost is two shares, from 0 to below 1: of the offered and of the others; got {self.lost}."
            )

    def draw(self, seed: int) -> pd.DataFrame:
        """One row for each student and year.

        returns : student, year (0 = before the lottery), school, mentor (missing for who does not take part), offered
            (0/1), took_part (0/1), days_absent (whole days; missing once a student has left), prior_days_absent (of
            year 0). The same seed gives the same frame
        """
        return self._with_potential(seed).drop(columns="without_a_mentor")

    def truth(self, seed: int) -> pd.DataFrame:
        """What the program truly changed for the students of ``draw(seed)``, also for those who left.

        returns : year, effect_on_participants and effect_of_offer in days, n_participants, n_offered
        """
        students = self._with_potential(seed, lose=False).query("offered == 1 and year > 0")
        changes = students.assign(change=students["days_absent"] - students["without_a_mentor"])
        rows = [
            {
                "year": year,
                "effect_on_participants": float(rows.loc[rows["took_part"] == 1, "change"].mean()),
                "effect_of_offer": float(rows["change"].mean()),
                "n_participants": int(rows["took_part"].sum()),
                "n_offered": len(rows),
            }
            for year in range(1, len(self.effects) + 1)
            for rows in [changes[changes["year"] == year]]
        ]
        return pd.DataFrame(rows)

    def _with_potential(self, seed: int, lose: bool = True) -> pd.DataFrame:
        """As ``draw``, with the days absent that each student had without a mentor."""
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
        years = [students.assign(year=0, days_absent=_days(before), without_a_mentor=_days(before))]
        spread = self.sd_absent * np.sqrt(1 - self.stays**2)
        for year, effect in enumerate(self.effects, 1):
            usual = self.mean_absent + self.stays * (before - self.mean_absent) + rng.normal(0, spread, size=n)
            change = np.where(took_part == 1, effect + np.where(effect == 0, 0.0, own[mentor]), 0.0)
            years.append(students.assign(year=year, days_absent=_days(usual + change), without_a_mentor=_days(usual)))
        gone = np.zeros(n, dtype=bool)
        for rows in years[1:] if lose else ():
            gone |= rng.uniform(size=n) < np.where(offered == 1, *self.lost)
            rows["days_absent"] = rows["days_absent"].mask(gone)
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


@dataclass(frozen=True)
class CommittedLottery:
    """A lottery whose students are committed, with the seed that draws them."""

    lottery: MentorLottery
    seed: int


LOTTERIES: Mapping[str, CommittedLottery] = MappingProxyType(
    {
        "check_and_connect_chicago": CommittedLottery(
            MentorLottery(schools=23, offered=765, not_offered=765, caseload=33, take_up=0.8, effects=(-3.0, -4.0),
                          lost=(0.04, 0.05)),
            seed=27661,
        ),
        "bbbs_school_based": CommittedLottery(
            MentorLottery(schools=71, offered=570, not_offered=569, caseload=1, take_up=0.9, effects=(-2.0, -0.5),
                          mentor_sd=0.0, lost=(0.07, 0.08)),
            seed=1139,
        ),
    }
)  # fmt: skip
"""Lotteries of the size of two published trials, by name; effects and losses are choices of the maker."""


def write_lottery(name: str, folder: str | Path) -> Path:
    """Write a committed lottery: students.csv, truth.json and manifest.json; the same bytes each time.

    students.csv has one row for each student: student, school, mentor, offered, took_part, days_absent_before, then
    days_absent_year_1 and so on.

    Errors: OptionError for a name that is not in LOTTERIES; DataError where the folder holds anything else.
    """
    if name not in LOTTERIES:
        raise OptionError(f"There is no lottery {name!r}.{suggest(name, LOTTERIES)}")
    drawn = LOTTERIES[name]
    spec = {"kind": "mentor_lottery", "seed": drawn.seed, **asdict(drawn.lottery)}
    truth = {"effects": drawn.lottery.truth(drawn.seed).round(6).to_dict("records")}
    contents = {
        "students.csv": csv_bytes(one_row_each(drawn.lottery.draw(drawn.seed))),
        "truth.json": (json.dumps(truth, indent=1, sort_keys=True) + "\n").encode(),
    }
    return write_contents(contents, spec, folder)


def one_row_each(students: pd.DataFrame) -> pd.DataFrame:
    """The frame of ``MentorLottery.draw`` with one row for each student and a column of days absent for each year."""
    wide = students.pivot(index="student", columns="year", values="days_absent")
    wide.columns = pd.Index([f"days_absent_year_{year}" if year else "days_absent_before" for year in wide.columns])
    fixed = students.loc[students["year"] == 0, ["student", "school", "mentor", "offered", "took_part"]]
    return fixed.merge(wide, left_on="student", right_index=True, validate="one_to_one").reset_index(drop=True)
