"""What a district's tables say of every student and school year, and the study of it; from the tables alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

import mentoreval as me
from mentoreval.design.design import Design
from mentoreval.effects.estimate import Estimate
from mentoreval.panel.panel import Panel
from mentoreval.worlds import Draw

OUTCOME = "attendance_rate"
SCHOOL_DAYS = 180
LEAST_DAYS = 90
"""A rate counts where the student was enrolled for so many days of the year."""
TRAITS = ("grade_level", "economically_disadvantaged", "english_learner", "disability")
COVARIATES = (f"prior_{OUTCOME}", *TRAITS)
RULE = (me.Eligibility(f"prior_{OUTCOME}", at_most=0.90),)
BY_SCHOOL = me.ClusterRobust("school", "CR2")


def student_years(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row for each student and school year: school, grade, days enrolled and absent, rate, year of the match."""
    calendar, spells = tables["calendar"], tables["enrolment"]
    last = spells["school_year"].map(calendar.groupby("school_year")["date"].max())
    stop = spells["exit_date"].astype(object).where(spells["exit_date"].notna(), last).to_numpy(str)
    start, days = spells["entry_date"].to_numpy(str), np.zeros(len(spells), dtype=int)
    for school, dates in calendar.groupby("school_id")["date"]:
        here = (spells["school_id"] == school).to_numpy()
        in_session = np.sort(dates.to_numpy(str))
        before = np.searchsorted(in_session, start[here])
        days[here] = np.searchsorted(in_session, stop[here], side="right") - before
    by = ["student_id", "school_year"]
    first = {"enrolled": ("days", "sum"), "school_id": ("school_id", "first"), "grade_level": ("grade_level", "first")}
    years = spells.assign(days=days).sort_values("entry_date").groupby(by, as_index=False).agg(**first)
    year_of = calendar.drop_duplicates("date").set_index("date")["school_year"]
    absent = tables["attendance"].assign(school_year=tables["attendance"]["date"].map(year_of)).groupby(by).size()
    years = years.merge(absent.rename("absent").reset_index(), on=by, how="left").fillna({"absent": 0})
    years[OUTCOME] = (1 - years["absent"] / years["enrolled"]).where(years["enrolled"] >= LEAST_DAYS)
    matches = tables["matches"].assign(first_treated=tables["matches"]["start_date"].map(year_of))
    return years.merge(matches[["student_id", "first_treated"]], how="left").merge(tables["students"])


def panel_of(draw: Draw) -> Panel:
    """The panel of a draw."""
    return me.panel_from_frame(
        student_years(draw.tables), unit="student_id", period="school_year", school="school_id",
        first_treated="first_treated", covariates=list(TRAITS), outcomes=[OUTCOME],
    )  # fmt: skip


def everyone(panel: Panel) -> Design:
    """All who met the rule."""
    return me.choose_design(panel, covariates=COVARIATES, eligibility=RULE)


def matched(panel: Panel) -> Design:
    """Mentees and two others each who met the rule."""
    method = me.Nearest(ratio=2, caliper=0.2, exact=("grade_level",))
    return me.choose_design(panel, method, covariates=COVARIATES, eligibility=RULE)


def ancova(design: Design, *, within_schools: bool = False, cluster: str = "school") -> Estimate:
    """The analysis of covariance, of students of all schools or within schools."""
    estimator = me.RegressionAdjustment(fixed_effects=("school",) if within_schools else ())
    inference = BY_SCHOOL if cluster == "school" and not within_schools else me.ClusterRobust(cluster)
    return me.estimate_effect(design, OUTCOME, estimator, inference=inference)


def did(design: Design) -> Estimate:
    """Group-time effects of difference-in-differences, with their leads."""
    return me.estimate_effect(design, OUTCOME, me.CallawaySantAnna(), inference=me.ClusterRobust("school"))


def days(estimate: Estimate) -> float:
    """The headline, in days absent of a school year."""
    return -SCHOOL_DAYS * float(estimate.headline()["estimate"])


def true_days(draw: Draw, event_time: int = 0) -> float:
    """The true effect on mentees, in the same days."""
    return -SCHOOL_DAYS * draw.truth.effect(OUTCOME, event_time)


def before_and_after(panel: Panel) -> float:
    """Days absent of mentees in their first year less those in the year before."""
    rates = panel.frame.pivot(index="student_id", columns="school_year", values=OUTCOME)
    first = panel.frame["first_treated"].dropna().unique()[0]
    mentees = panel.frame.loc[panel.frame["first_treated"].notna(), "student_id"].unique()
    before = rates.columns[list(rates.columns).index(first) - 1]
    return float(-SCHOOL_DAYS * (rates.loc[mentees, first] - rates.loc[mentees, before]).mean())
