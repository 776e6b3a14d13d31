"""Small made-up panels whose true effects are known: one function each, from random numbers to a panel and its truths.

A truth is a number that follows from the rule by which outcomes are made. Where an estimator speaks of the very units
that it sees, its truth is computed from those units; the name then starts with ``sample_``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.panel.panel import Panel, panel_from_frame


@dataclass(frozen=True)
class Draw:
    """One draw of a world.

    panel : its outcome is ``y``
    truths : true effects by name
    """

    panel: Panel
    truths: Mapping[str, float]


# ---- one period


def lottery(rng: np.random.Generator) -> Draw:
    """100 students, 50 of whom win a place; the effect is −2 days for everybody."""
    x = rng.normal(size=100)
    treated = rng.permutation(100) < 50
    y = 10 + 2 * x - 2 * treated + rng.normal(size=100)
    return Draw(_students(treated=treated, x=x, y=y), {"effect": -2.0})


def uneven_lottery(rng: np.random.Generator) -> Draw:
    """48 students, 12 of whom win a place; outcomes of those vary three times as much."""
    treated = rng.permutation(48) < 12
    y = 10 - 2 * treated + np.where(treated, 3.0, 1.0) * rng.normal(size=48)
    return Draw(_students(treated=treated, y=y), {"effect": -2.0})


def tiny_lottery(rng: np.random.Generator) -> Draw:
    """12 students, 6 of whom win a place; outcomes are skewed, and the effect is −2 for everybody."""
    treated = rng.permutation(12) < 6
    y = 10 - 2 * treated + rng.exponential(2.0, size=12)
    return Draw(_students(treated=treated, y=y), {"effect": -2.0})


def chosen_by_need(rng: np.random.Generator) -> Draw:
    """240 students; who misses more days is mentored more often, and the effect grows with that: −2 − x."""
    x = rng.normal(size=240)
    treated = rng.random(240) < _need(x)
    y = 10 + 3 * x + treated * (-2 - x) + rng.normal(size=240)
    truths = {"att": -2 - _mean_of_the_mentored(), "ate": -2.0, "sample_att": float(np.mean(-2 - x[treated]))}
    return Draw(_students(treated=treated, x=x, y=y), truths)


def counted_days(rng: np.random.Generator) -> Draw:
    """300 students by lottery; days absent are negative binomial out of the days enrolled, a mentor takes a fifth."""
    x, enrolled = rng.normal(size=300), rng.choice([60.0, 120.0, 180.0], size=300)
    treated = rng.random(300) < 0.5
    expected = enrolled * np.exp(-2.5 + 0.4 * x) * np.where(treated, 0.8, 1.0)
    days = rng.poisson(expected * rng.gamma(2.0, 1 / 2.0, size=300)).astype(float)
    truth = 120.0 * float(np.exp(-2.5 + 0.4**2 / 2)) * (0.8 - 1.0)
    return Draw(_students(treated=treated, x=x, enrolled=enrolled, y=days), {"att": truth})


def mentors(rng: np.random.Generator) -> Draw:
    """12 mentors with 6 mentees each, who share half of what varies; 72 comparison students, each alone."""
    treated = np.arange(144) < 72
    mentor = np.where(treated, np.arange(144) // 6, -1)
    y = 10 - 2 * treated + treated * rng.normal(size=12)[mentor] + rng.normal(size=144)
    return Draw(_students(treated=treated, mentor=mentor, y=y), {"effect": -2.0})


def mentors_in_schools(rng: np.random.Generator) -> Draw:
    """10 schools with 16 students each; half of these are mentored, by two mentors with four mentees each."""
    school, seat = np.repeat(np.arange(10), 16), np.tile(np.arange(16), 10)
    treated = seat < 8
    mentor = np.where(treated, 2 * school + seat // 4, -1)
    shared = 1.5 * rng.normal(size=10)[school] + treated * 0.7 * rng.normal(size=20)[mentor]
    y = 10 - 2 * treated + shared + rng.normal(size=160)
    return Draw(_students(treated=treated, school=school, mentor=mentor, y=y), {"effect": -2.0})


def visiting_mentors(rng: np.random.Generator) -> Draw:
    """25 schools; in each 6 students have one of 25 mentors, who go from school to school, and 6 have none.

    What a mentor brings differs by mentor and by school, so mentees share something with others on both sides.
    """
    school, seat = np.repeat(np.arange(25), 12), np.tile(np.arange(12), 25)
    treated = seat < 6
    mentor = np.where(treated, (school + 4 * seat) % 25, -1)
    shared = rng.normal(size=25)[school] + treated * (2 * rng.normal(size=25)[mentor] + rng.normal(size=25)[school])
    y = 10 - 2 * treated + shared + rng.normal(size=300)
    return Draw(_students(treated=treated, school=school, mentor=mentor, y=y), {"effect": -2.0})


def whole_schools(rng: np.random.Generator) -> Draw:
    """14 schools of uneven size, 5 of which have the program as a whole; students of a school share a part."""
    return _by_school(rng, 14, 5, np.array([5, 10, 15, 20]))


def nine_schools(rng: np.random.Generator) -> Draw:
    """9 schools of 8 students, 4 of which have the program as a whole."""
    return _by_school(rng, 9, 4, np.array([8]))


def ten_schools_by_lot(rng: np.random.Generator) -> Draw:
    """10 schools of 6 students, 5 of which have the program as a whole, by lot."""
    return _by_school(rng, 10, 5, np.array([6]))


def six_schools(rng: np.random.Generator) -> Draw:
    """6 schools of uneven size, 2 of which have the program as a whole."""
    return _by_school(rng, 6, 2, np.array([10, 10, 30]))


def pairs_of_schools(rng: np.random.Generator) -> Draw:
    """16 schools with 8 students each, half of them mentored; what a mentor brings differs by school."""
    school, treated = np.repeat(np.arange(16), 8), np.tile(np.arange(8), 16) < 4
    x = rng.normal(size=128)
    y = 10 + x - 2 * treated + rng.normal(size=16)[school] + treated * rng.normal(size=16)[school]
    return Draw(_students(treated=treated, school=school, x=x, y=y + rng.normal(size=128)), {"effect": -2.0})


def offered(rng: np.random.Generator) -> Draw:
    """200 students, half of whom are offered a mentor by lot; 7 of 10 would take the offer, and they miss more days."""
    offer = rng.permutation(200) < 100
    complier = rng.random(200) < 0.7
    took = offer & complier
    y = 10 + 3 * complier + rng.normal(size=200) - 2 * took
    frame = {"treated": offer, "took": took.astype(float), "y": y}
    return Draw(_students(**frame, participated="took", assignment="random"), {"effect": -2.0})


# ---- several periods


def one_start(rng: np.random.Generator) -> Draw:
    """100 students over 5 years, about half mentored from year 3 on: −1, −2, −3; mentored ones are at another level."""
    treated = rng.random(100) < 0.5
    start = np.where(treated, 3, NEVER)
    effect = np.where(treated[:, None], -np.array([0.0, 0.0, 1.0, 2.0, 3.0]), 0.0)
    y = _parallel(rng, 100, 5) + 4 * treated[:, None] + effect
    return Draw(_long(start, y), {"first": -1.0, "average": -2.0})


def staggered(rng: np.random.Generator) -> Draw:
    """120 students over 5 years who start in years 2, 3 or 4 or never; early starters gain more, and gains grow."""
    return _staggered(rng, np.array([2.0, 1.0, 0.5]))


def staggered_many(rng: np.random.Generator) -> Draw:
    """As ``staggered``, with 600 students, so that 120 to 180 of them are in each cohort and not 24 to 36."""
    return _staggered(rng, np.array([2.0, 1.0, 0.5]), n=600)


def staggered_alike(rng: np.random.Generator) -> Draw:
    """As ``staggered``, with an effect of −2 in every cohort and year: what two-way fixed effects assume."""
    start = rng.choice(STARTS, size=120, p=SHARES)
    acts = start[:, None] <= np.arange(1, 6)
    return Draw(_long(start, _parallel(rng, 120, 5) + start[:, None] % 3 - 2 * acts), {"average": -2.0})


def broken_trends(rng: np.random.Generator) -> Draw:
    """150 students over 5 years; the mentored get better by a day a year, for which no mentor is needed."""
    treated = rng.random(150) < 0.5
    y = _parallel(rng, 150, 5) - treated[:, None] * np.arange(5)
    return Draw(_long(np.where(treated, 4, NEVER), y), {"average": 0.0})


def bad_year(rng: np.random.Generator) -> Draw:
    """150 students over 2 years; two thirds of those with a bad first year are mentored in the second, for −2 days."""
    usual = 15 + 4 * rng.normal(size=150)
    before, after = (usual + 4 * rng.normal(size=150) for _ in range(2))
    treated = (before > 15) & (rng.random(150) < 2 / 3)
    y = np.column_stack([before, after - 2 * treated])
    return Draw(_long(np.where(treated, 2, NEVER), y), {"effect": -2.0})


def program_ends(rng: np.random.Generator) -> Draw:
    """120 students over 5 years; a program starts in year 2 or 3, ends a year or two later, and its effect stays −2.

    The effect is −2 in each year with the program and 0 afterwards, so it is −2 for each year of it.
    """
    start, length = rng.choice([2, 3, NEVER], size=120), rng.integers(1, 3, size=120)
    years = np.arange(1, 6)
    acts = (years >= start[:, None]) & (years < (start + length)[:, None])
    return Draw(_long(None, _parallel(rng, 120, 5) - 2 * acts, acts=acts), {"average": -2.0})


def for_some_only(rng: np.random.Generator) -> Draw:
    """160 students over 2 years; the program is meant for half of those in its schools, all hit by a shock of −3."""
    treated, meant = rng.random(160) < 0.5, rng.random(160) < 0.5
    y = _parallel(rng, 160, 2) + 2 * meant[:, None]
    y[:, 1] += -3 * treated + 1 * meant - 2 * (treated & meant)
    return Draw(_long(np.where(treated, 2, NEVER), y, meant=meant), {"effect": -2.0})


def own_slopes(rng: np.random.Generator) -> Draw:
    """24 schools over 10 months, 10 of which start in month 6: −2 at once and −0.3 a month; they had got better before.

    The average over the five months from the start on is −2 − 0.3 · 2 = −2.6.
    """
    treated = np.arange(24) < 10
    since = np.maximum(np.arange(1, 11) - 6, 0)
    effect = np.where(np.arange(1, 11) >= 6, -2 - 0.3 * since, 0.0)
    y = _parallel(rng, 24, 10) + treated[:, None] * (effect - 0.5 * np.arange(10))
    return Draw(_long(np.where(treated, 6, NEVER), y, school=np.arange(24)), {"average": -2.6})


def common_factor(rng: np.random.Generator) -> Draw:
    """40 schools over 20 months; 8 start in month 18, for −2. A season moves all schools, and those 8 more than others.

    When the season peaks differs from draw to draw, so that it is now for and now against the 8.
    """
    treated = np.arange(40) < 8
    pull = np.where(treated, 1.0 + 0.75 * rng.random(40), 2 * rng.random(40))
    season = 2 * np.sin(np.arange(20) / 2 + rng.uniform(0, 2 * np.pi))
    y = 10 + rng.normal(size=40)[:, None] + pull[:, None] * season + 0.5 * rng.normal(size=(40, 20))
    y[treated, 17:] -= 2
    return Draw(_long(np.where(treated, 18, NEVER), y), {"effect": -2.0})


# ---- how they are made

NEVER = 99
STARTS, SHARES = np.array([2, 3, 4, NEVER]), np.array([0.25, 0.25, 0.2, 0.3])
STARTS.flags.writeable = SHARES.flags.writeable = False


def _need(x: FloatArray) -> FloatArray:
    """Chance of a mentor."""
    return np.asarray(1 / (1 + np.exp(0.6 - 0.8 * x)))


def _mean_of_the_mentored() -> float:
    """E[x | mentored] for x standard normal, by Gauss–Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    return float(weights @ (nodes * _need(nodes)) / (weights @ _need(nodes)))


def _by_school(rng: np.random.Generator, n: int, n_treated: int, sizes: IntArray) -> Draw:
    """Schools that take part as a whole, by lot; the effect is −2, and a third of what varies is between schools."""
    school = np.repeat(np.arange(n), np.resize(sizes, n))
    treated = (rng.permutation(n) < n_treated)[school]
    y = 10 - 2 * treated + 0.7 * rng.normal(size=n)[school] + rng.normal(size=len(school))
    return Draw(_students(treated=treated, school=school, y=y), {"effect": -2.0})


def _staggered(rng: np.random.Generator, gain: FloatArray, n: int = 120) -> Draw:
    """Effects −gain · (1 + years since the start), where gain is that of the cohort."""
    start, years = rng.choice(STARTS, size=n, p=SHARES), np.arange(1, 6)
    of_cohort = -gain[:, None] * np.maximum(years - STARTS[:3, None] + 1, 0)
    cohort = np.minimum(start - 2, 3)
    effect = np.vstack([of_cohort, np.zeros(5)])[cohort]
    y = _parallel(rng, n, 5) + (cohort % 2)[:, None] + effect
    counts = np.bincount(cohort, minlength=4)[:3]
    truths = {"average": _over_cells(of_cohort, SHARES[:3]), "sample_average": _over_cells(of_cohort, counts)}
    truths["two_years"] = float(SHARES[:3] @ of_cohort.sum(axis=1, where=_first_two(years)) / SHARES[:3].sum() / 2)
    for row, first in enumerate(STARTS[:3]):
        truths |= {f"cell_{first}_{year}": float(of_cohort[row, year - 1]) for year in years}
    return Draw(_long(start, y), truths)


def _first_two(years: IntArray) -> BoolArray:
    """(cohorts, years) True in the year of the start and the next."""
    since = years - STARTS[:3, None]
    return np.asarray((since >= 0) & (since <= 1))


def _over_cells(of_cohort: FloatArray, counts: FloatArray | IntArray) -> float:
    """Average over all treated student-years, with cohorts in these proportions."""
    n_years = 6 - STARTS[:3]
    return float(counts @ of_cohort.sum(axis=1) / (counts @ n_years))


def _parallel(rng: np.random.Generator, n: int, periods: int) -> FloatArray:
    """(n, periods) a level of each unit, common shocks, and errors of which half carries over to the next period."""
    errors = rng.normal(size=(n, periods))
    for period in range(1, periods):
        errors[:, period] = 0.5 * errors[:, period - 1] + np.sqrt(0.75) * errors[:, period]
    level, common = 2 * rng.normal(size=(n, 1)), np.linspace(0, 1, periods) ** 2
    return np.asarray(12 + level + common + errors)


def _students(*, participated: str | None = None, assignment: str = "observed", **columns: object) -> Panel:
    """A panel of one period; the columns school and mentor have these roles, x and enrolled are covariates."""
    frame = pd.DataFrame(columns)
    frame["treated"] = frame["treated"].astype(int)
    if "mentor" in frame:
        frame["mentor"] = frame["mentor"].astype("Int64").mask(frame["mentor"] < 0)
    frame.insert(0, "student", np.arange(len(frame)))
    return panel_from_frame(
        frame,
        unit="student",
        treated="treated",
        outcomes=["y"],
        covariates=[name for name in ("x", "enrolled") if name in frame],
        school="school" if "school" in frame else None,
        mentor="mentor" if "mentor" in frame else None,
        participated=participated,
        assignment=assignment,  # type: ignore[arg-type]
    )


def _long(
    start: IntArray | None,
    y: FloatArray,
    *,
    acts: BoolArray | None = None,
    school: IntArray | None = None,
    meant: BoolArray | None = None,
) -> Panel:
    """A panel from outcomes (n, periods), with periods counted from 1, and starts (n,) or the status (n, periods)."""
    n, periods = y.shape
    unit = np.repeat(np.arange(n), periods)
    frame = pd.DataFrame({"unit": unit, "year": np.tile(np.arange(1, periods + 1), n), "y": y.ravel()})
    if acts is not None:
        frame["acts"] = acts.ravel().astype(int)
    if start is not None:
        frame["start"] = pd.Series(start[unit], dtype="Int64").mask(start[unit] == NEVER)
    if school is not None:
        frame["school"] = school[unit]
    if meant is not None:
        frame["meant"] = meant[unit].astype(int)
    return panel_from_frame(
        frame,
        unit="unit",
        period="year",
        first_treated=None if start is None else "start",
        treated=None if acts is None else "acts",
        outcomes=["y"],
        covariates=[] if meant is None else ["meant"],
        school=None if school is None else "school",
    )
