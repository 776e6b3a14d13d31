"""Placebos: nothing is found where nothing is, a false effect is found, and a small study can not tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError

SEED = 21


def students(drift: float = 0.0, other: float = 0.0, pushed: float = 0.0, n: int = 600) -> pd.DataFrame:
    """Starts in 2003 and 2004 and never, effect −2 days.

    drift : days a year of those who start, program or not
    other : what the program's students gain, from the start on, in an outcome that it can not move
    pushed : what students of school C, where nobody starts, gain from 2003 on
    """
    rng = np.random.default_rng(SEED)
    start = np.array([2003.0, 2004.0, np.nan, np.nan])[np.arange(n) % 4]
    school = np.array(["A", "A", "B", "C"])[np.arange(n) % 4]
    years = np.arange(2000, 2006)
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 6), "year": np.tile(years, n)})
    frame["start"], frame["site"] = start[frame["student"]], school[frame["student"]]
    frame["absent"] = rng.normal(10, 2, n)[frame["student"]] + rng.normal(0, 1, len(frame))
    frame["absent"] += np.where(frame["start"].notna(), drift * (frame["year"] - 2000), 0.0)
    frame["absent"] -= np.where(frame["year"] >= frame["start"], 2.0, 0.0)
    frame["absent"] += np.where((frame["site"] == "C") & (frame["year"] >= 2003), pushed, 0.0)
    frame["height"] = rng.normal(150, 5, n)[frame["student"]] + rng.normal(0, 1, len(frame))
    frame["height"] += np.where(frame["year"] >= frame["start"], other, 0.0)
    return frame


def estimate(frame: pd.DataFrame, estimator: Any = None, pool: Any = "never_treated") -> me.Estimate:
    panel = me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent", "height"], covariates=["site"]
    )
    design = me.choose_design(panel, covariates=[], pool=pool)
    return me.estimate_effect(design, "absent", estimator or me.CallawaySantAnna())


PERIOD, OUTCOME = me.PlaceboPeriod(), me.PlaceboOutcome(outcome="height")
GROUP = me.PlaceboGroup(column="site", level="C")


@pytest.mark.parametrize("check", [PERIOD, OUTCOME, GROUP], ids=lambda one: one.name)
@pytest.mark.parametrize("estimator", [me.CallawaySantAnna(), me.Twfe(), me.Imputation()], ids=lambda one: one.name)
def test_where_nothing_is_nothing_is_found(check: Any, estimator: Any) -> None:
    finding = me.run_check(check, estimate(students(), estimator))
    assert (finding.verdict, finding.key) == ("pass", f"{check.name}.none_found")
    assert finding.frame["kind"].tolist() == ["real", "placebo"]


@pytest.mark.parametrize(
    ("check", "broken", "expected"),
    [(PERIOD, {"drift": 0.6}, 0.6), (OUTCOME, {"other": 2.0}, 2.0), (GROUP, {"pushed": 1.5}, 1.5)],
    ids=["placebo_period", "placebo_outcome", "placebo_group"],
)
def test_a_false_effect_is_found(check: Any, broken: dict[str, float], expected: float) -> None:
    finding = me.run_check(check, estimate(students(**broken)))
    assert (finding.verdict, finding.key) == ("fail", f"{check.name}.found")
    assert finding.numbers["placebo"] == pytest.approx(expected, abs=0.35)


@pytest.mark.parametrize("check", [PERIOD, GROUP], ids=lambda one: one.name)
def test_a_small_study_can_not_tell(check: Any) -> None:
    """With 12 students an effect of a fifth of the real one can not be told from none."""
    finding = me.run_check(replace(check, small=0.2), estimate(students(n=12)))
    assert (finding.verdict, finding.key) == ("caution", f"{check.name}.too_wide")


def test_the_earlier_program_is_the_difference_in_differences_before_the_start() -> None:
    """One cohort: mean change from 2001 to 2002 of those who start in 2003, less that of those who never do."""
    frame = students(drift=0.3, n=80)
    frame = frame[~frame["start"].eq(2004)]
    finding = me.run_check("placebo_period", estimate(frame, me.Did2x2()))
    wide = frame.pivot(index="student", columns="year", values="absent")
    change = wide[2002] - wide[2001]
    starts = frame.groupby("student")["start"].first().notna()
    assert finding.numbers["placebo"] == pytest.approx(change[starts].mean() - change[~starts].mean())


def test_later_cohorts_serve_as_comparison_only_before_their_own_start() -> None:
    finding = me.run_check("placebo_period", estimate(students(), me.CallawaySantAnna(control="not_yet_treated"),
                                                      pool="not_yet_treated"))  # fmt: skip
    assert finding.verdict == "pass"


def chosen_for_last_year(years: int = 3, drift: float = 0.0) -> me.Estimate:
    """Half of those below −0.5 in the last year before the start are in the program; effect 0.5.

    drift : what those who will be chosen gained from the year before to the last one; they are not chosen for that
    """
    rng = np.random.default_rng(SEED)
    n = 3000
    y = rng.normal(0, 0.7, n)[:, None] + rng.normal(0, 0.7, (n, years))
    chosen = (y[:, -2] < -0.5) & (rng.random(n) < 0.5)
    y[chosen, -1] += 0.5
    if years > 2:
        y[chosen, -3] -= drift
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), years), "year": np.tile(np.arange(years), n)})
    frame["y"], frame["start"] = y.ravel(), np.repeat(np.where(chosen, years - 1.0, np.nan), years)
    panel = me.panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["y"])
    rule = [me.Eligibility("prior_y", at_most=-0.5)]
    design = me.choose_design(panel, me.Nearest(caliper=0.2), covariates=["prior_y"], eligibility=rule)
    return me.estimate_effect(design, "y", me.RegressionAdjustment(), inference=me.ClusterRobust("student"))


def test_who_was_chosen_for_last_year_is_compared_in_the_year_before_it() -> None:
    """Chosen at random among those with the same last year, so their past is the same, and a drift is seen as it is."""
    finding = me.run_check("placebo_period", chosen_for_last_year())
    assert (finding.verdict, finding.key) == ("pass", "placebo_period.none_found_before")
    assert finding.numbers["real"] == pytest.approx(0.5, abs=0.15)
    finding = me.run_check("placebo_period", chosen_for_last_year(drift=0.4))
    assert (finding.verdict, finding.key) == ("fail", "placebo_period.found_before")
    assert finding.numbers["placebo"] == pytest.approx(-0.4, abs=0.15)


def test_where_the_year_of_the_choice_is_the_first_nothing_can_be_said() -> None:
    finding = me.run_check("placebo_period", chosen_for_last_year(years=2))
    assert (finding.verdict, finding.key) == ("cannot_judge", "placebo_period.selection_period")
    assert "outcome" in str(finding.numbers["reason"])


def test_periods_that_are_texts() -> None:
    frame = students()
    frame["year"] = frame["year"].astype(str) + "-x"
    frame["start"] = frame["start"].map(lambda year: f"{year:.0f}-x", na_action="ignore").astype(object)
    assert me.run_check(PERIOD, estimate(frame)).verdict == "pass"
    assert me.run_check(GROUP, estimate(frame)).verdict == "pass"


def test_a_score_from_before_is_a_placebo_in_one_cross_section() -> None:
    """Students with higher scores are picked; the score before the program differs as much as that after it."""
    rng = np.random.default_rng(4)
    before = rng.normal(size=2000)
    picked = rng.uniform(size=2000) < 1 / (1 + np.exp(-before))
    frame = pd.DataFrame({"student": range(2000), "picked": picked, "before": before})
    frame["after"] = before + rng.normal(0, 0.5, 2000)
    panel = me.panel_from_frame(frame, unit="student", treated="picked", covariates=["before"], outcomes=["after"])
    effect = me.estimate_effect(me.choose_design(panel, covariates=[]), "after", me.DifferenceInMeans())
    finding = me.run_check(me.PlaceboOutcome(outcome="before"), effect)
    assert finding.verdict == "fail"
    assert finding.numbers["placebo"] == pytest.approx(before[picked].mean() - before[~picked].mean())
    assert me.run_check("placebo_period", effect).key == "placebo_period.one_period"


def test_what_can_not_be_judged_says_why() -> None:
    effect = estimate(students(n=80))
    assert me.run_check("placebo_outcome", effect).key == "placebo_outcome.not_named"
    assert me.run_check("placebo_group", effect).key == "placebo_group.not_named"
    assert me.run_check(me.PlaceboOutcome(outcome="absent"), effect).key == "placebo_outcome.the_outcome_itself"
    assert me.run_check(me.PlaceboGroup(column="site", level="A"), effect).key == "placebo_group.nobody"
    assert me.run_check(me.PlaceboPeriod(periods=4), effect).key == "placebo_period.too_few_periods"


def test_options_are_checked() -> None:
    effect = estimate(students(n=80))
    for wrong in (
        lambda: me.PlaceboPeriod(periods=0),
        lambda: me.PlaceboOutcome(small=0.0),
        lambda: me.PlaceboGroup(small=-1.0),
        lambda: me.run_check(me.PlaceboOutcome(outcome="weight"), effect),
        lambda: me.run_check(me.PlaceboGroup(column="weight"), effect),
    ):
        with pytest.raises(OptionError):
            wrong()
