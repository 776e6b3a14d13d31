"""Comparative interrupted time series: the textbook regression, staggered starts, seasons, and the New York design."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mentoreval.aliases import FloatArray
from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators.callaway_santanna import CallawaySantAnna
from mentoreval.effects.estimators.comparative_interrupted_time_series import ComparativeInterruptedTimeSeries
from mentoreval.effects.inference_methods import ClusterRobust, WildClusterBootstrap
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame

CR0, CR1 = ClusterRobust("school", "CR0"), ClusterRobust("school", "CR1")


def make_frame(starts: list[float], each: int = 6, periods: int = 12, seed: int = 1) -> pd.DataFrame:
    """Schools of each start (nan = never) with levels and slopes of their own and shocks that all share."""
    rng = np.random.default_rng(seed)
    n = each * len(starts)
    frame = pd.DataFrame({"school": np.repeat(np.arange(n), periods), "month": np.tile(np.arange(periods), n)})
    frame["start"] = np.repeat(starts, each)[frame["school"]]
    slope = np.repeat(rng.normal(0, 0.3, len(starts)), each) + rng.normal(0, 0.1, n)
    frame["absent"] = rng.normal(20, 3, n)[frame["school"]] + slope[frame["school"]] * frame["month"]
    frame["absent"] += rng.normal(0, 1, periods)[frame["month"]] + rng.normal(0, 1, len(frame))
    since = (frame["month"] - frame["start"]).fillna(-1.0)
    frame["absent"] -= (since >= 0) * (1.5 + 0.2 * since)
    return frame


def panel_of(frame: pd.DataFrame, **roles: Any) -> Panel:
    return panel_from_frame(frame, unit="school", period="month", first_treated="start", outcomes=["absent"], **roles)


def estimate(
    frame: pd.DataFrame, inference: Any = CR1, roles: dict[str, Any] | None = None, **options: Any
) -> Estimate:
    estimator = ComparativeInterruptedTimeSeries(**options)
    design = choose_design(panel_of(frame.assign(site=frame["school"]), school="site", **(roles or {})))
    return estimate_effect(design, "absent", estimator, inference=inference)


def row(effect: Estimate, term: str) -> pd.Series:
    return effect.frame.set_index("term").loc[term]


def indicators(values: pd.Series) -> FloatArray:
    return np.asarray(pd.get_dummies(values, dtype=float).to_numpy()[:, 1:])


def changes(frame: pd.DataFrame, start: float) -> list[Any]:
    """Indicator of the cohort's start, and the periods since then."""
    after = ((frame["start"] == start) & (frame["month"] >= start)).astype(float)
    return [after, after * (frame["month"] - start)]


def trend(frame: pd.DataFrame, start: float) -> Any:
    return (frame["start"] == start) * frame["month"].astype(float)


def least_squares(frame: pd.DataFrame, columns: list[Any], **options: Any) -> Any:
    """statsmodels, errors clustered by school; the columns come first, without an intercept of its own."""
    clusters = {"groups": frame["school"].to_numpy(), **options}
    fitted = sm.OLS(frame["absent"].to_numpy(), np.column_stack(columns))
    return fitted.fit(cov_type="cluster", cov_kwds=clusters)


def test_one_cohort_and_a_full_panel_is_the_textbook_regression() -> None:
    frame = make_frame([6.0, np.nan])
    group, time = frame["start"].notna().astype(float), frame["month"].astype(float)
    after, since = (time >= 6).astype(float), (time >= 6) * (time - 6.0)
    columns = [group * after, group * since, group, group * time, after, since, time, np.ones(len(frame))]
    theirs = least_squares(frame, columns)
    for units in ("cohort", "level", "level_and_slope"):
        ours = estimate(frame, units=units)
        np.testing.assert_allclose(ours.fit.theta[:2], theirs.params[:2], rtol=1e-10)
        np.testing.assert_allclose(row(ours, "event_time=4")["estimate"], theirs.params @ [1, 4, 0, 0, 0, 0, 0, 0])
        np.testing.assert_allclose(row(ours, "average")["estimate"], theirs.params @ [1, 2.5, 0, 0, 0, 0, 0, 0])


def test_points_and_cr1_are_those_of_the_saturated_regression() -> None:
    """Levels and slopes of cohorts, period effects, and every coefficient counted as statsmodels counts it."""
    frame = make_frame([5.0, 8.0, np.nan])
    frame = frame[np.random.default_rng(2).random(len(frame)) > 0.15]
    own = [part for start in (5.0, 8.0) for part in (frame["start"] == start, trend(frame, start))]
    columns = [*changes(frame, 5.0), *changes(frame, 8.0), *own, np.ones(len(frame)), indicators(frame["month"])]
    theirs = least_squares(frame, columns)
    ours = estimate(frame, units="cohort", shares="fixed")
    seen = [frame[frame["start"] == start] for start in (5.0, 8.0)]
    treated = [cohort[cohort["month"] >= cohort["start"]] for cohort in seen]
    schools, rows = [cohort["school"].nunique() for cohort in treated], [len(cohort) for cohort in treated]
    since = [(cohort["month"] - cohort["start"]).sum() for cohort in treated]
    at_two = [int(((cohort["month"] - cohort["start"]) == 2).sum()) for cohort in treated]
    contrasts = {
        "level change": np.array([schools[0], 0, schools[1], 0]) / sum(schools),
        "slope change": np.array([0, schools[0], 0, schools[1]]) / sum(schools),
        "event_time=2": np.array([at_two[0], 2 * at_two[0], at_two[1], 2 * at_two[1]]) / sum(at_two),
        "event_time=6": np.array([1, 6, 0, 0]),  # the second cohort is not seen so far
        "average": np.array([rows[0], since[0], rows[1], since[1]]) / sum(rows),
    }
    for term, contrast in contrasts.items():
        expected = theirs.t_test(np.append(contrast, np.zeros(len(theirs.params) - 4)))
        np.testing.assert_allclose(row(ours, term)["estimate"], expected.effect[0], rtol=1e-9)
        np.testing.assert_allclose(row(ours, term)["std_error"], expected.sd.item(), rtol=1e-9)


@pytest.mark.parametrize("units", ["level", "level_and_slope"])
def test_own_levels_and_slopes_of_schools_are_those_of_their_dummies(units: str) -> None:
    frame = make_frame([5.0, 8.0, np.nan])
    frame = frame[np.random.default_rng(2).random(len(frame)) > 0.15]
    schools = pd.get_dummies(frame["school"], dtype=float).to_numpy()
    columns = [*changes(frame, 5.0), *changes(frame, 8.0), schools, indicators(frame["month"])]
    if units == "level_and_slope":  # the slope of one school is the period effects' own
        columns[-1:] = [indicators(frame["month"])[:, :-1], schools * frame[["month"]].to_numpy(dtype=float)]
    else:
        columns += [trend(frame, 5.0), trend(frame, 8.0)]
    theirs = least_squares(frame, columns, use_correction=False)
    ours = estimate(frame, CR0, units=units)
    late = row(ours, "event_time=6")  # of the first cohort alone
    expected = theirs.t_test(np.append([1, 6, 0, 0], np.zeros(len(theirs.params) - 4)))
    np.testing.assert_allclose(late["estimate"], expected.effect[0], rtol=1e-8)
    np.testing.assert_allclose(late["std_error"], expected.sd.item(), rtol=1e-7)
    # Lines of schools lie in the clusters and do not count; changes, slopes of cohorts, periods and a constant do.
    n, counted = len(frame), {"level": 4 + 2 + 11 + 1, "level_and_slope": 4 + 10 + 1}[units]
    factor = 18 / 17 * (n - 1) / (n - counted)
    np.testing.assert_allclose(
        row(estimate(frame, units=units), "event_time=6")["std_error"], np.sqrt(factor) * late["std_error"]
    )


def test_calendar_effects_of_program_schools_are_taken_out() -> None:
    """Program schools have another spring: without calendar effects the level change takes it for an effect."""
    frame = make_frame([28.0, np.nan], each=10, periods=48)
    spring = frame["start"].notna() & (frame["month"] % 12).isin([4, 5, 6])
    frame["absent"] += 6.0 * spring
    plain, seasonal = estimate(frame), estimate(frame, periods_per_year=12, seasonal=True)
    assert abs(row(plain, "level change")["estimate"] + 1.5) > 1.5
    assert abs(row(seasonal, "level change")["estimate"] + 1.5) < 3 * row(seasonal, "level change")["std_error"]
    group = frame["start"].notna().to_numpy(dtype=float)[:, None]
    season = group * indicators(frame["month"] % 12)
    schools = pd.get_dummies(frame["school"], dtype=float).to_numpy()
    columns = [*changes(frame, 28.0), trend(frame, 28.0), season, schools, indicators(frame["month"])]
    np.testing.assert_allclose(seasonal.fit.theta[:2], least_squares(frame, columns).params[:2], rtol=1e-8)
    assert row(seasonal, "end of year one")["estimate"] == row(seasonal, "event_time=11")["estimate"]


def test_straight_trends_that_differ_are_no_effect() -> None:
    """Without noise the effects are found to the digit, and a difference-in-differences takes the trend for one."""
    frame = make_frame([4.0, 9.0, np.nan], each=2)
    since = (frame["month"] - frame["start"]).fillna(-1.0)
    trends = {4.0: -0.7, 9.0: 0.4}
    frame["absent"] = frame["school"] + frame["start"].map(trends).fillna(0.1) * frame["month"] + np.sin(frame["month"])
    frame["absent"] -= (since >= 0) * np.where(frame["start"] == 4, 2 + 0.5 * since, 1.0)
    effect = estimate(frame)
    assert row(effect, "level change")["estimate"] == pytest.approx(-1.5)
    assert row(effect, "slope change")["estimate"] == pytest.approx(-0.25)
    assert row(effect, "event_time=2")["estimate"] == pytest.approx((-3 - 1) / 2)
    assert row(effect, "event_time=7")["estimate"] == pytest.approx(-2 - 0.5 * 7)
    did = estimate_effect(choose_design(panel_of(frame)), "absent", CallawaySantAnna()).headline()
    assert did["estimate"] < effect.headline()["estimate"] - 1


def new_york(seed: int) -> pd.DataFrame:
    """Percent of students chronically absent, monthly from September 2009 to February 2013, ten months a year.

    25 schools start in September 2010, 25 in 2011, 50 in 2012, 46 compare. Program schools begin worse and fall
    behind; the effect is −1 at the start and −0.1 more each month.
    """
    rng = np.random.default_rng(seed)
    months = [f"{y}-{m:02d}" for y in range(2009, 2014) for m in range(1, 13) if m not in (7, 8)]
    months = [month for month in months if "2009-09" <= month <= "2013-02"]
    starts = np.repeat(["2010-09", "2011-09", "2012-09", ""], [25, 25, 50, 46])
    n, time = len(starts), np.arange(len(months))
    began = np.array([months.index(start) if start else 10_000 for start in starts])
    program = starts != ""
    chronic = (24 + 3 * program + rng.normal(0, 4, n))[:, None] + (0.05 + 0.08 * program + rng.normal(0, 0.03, n))[
        :, None
    ] * time
    chronic = (
        chronic + 2 * np.cos(2 * np.pi * time / 10) + rng.normal(0, 0.5, len(time)) + rng.normal(0, 1.5, (n, len(time)))
    )
    since = time - began[:, None]
    chronic += np.where(since >= 0, -1.0 - 0.1 * since, 0.0)
    frame = pd.DataFrame({"school": np.repeat(np.arange(n), len(time)), "month": np.tile(months, n)})
    frame["start"] = pd.Series(np.repeat(starts, len(time)), dtype=object).replace("", None)
    return frame.assign(absent=chronic.ravel())


def test_the_new_york_design_finds_its_effect() -> None:
    effect = estimate(new_york(1), periods_per_year=10)
    year_one = row(effect, "end of year one")
    assert (year_one["event_time"], year_one["n_treated"], year_one["n_comparison"]) == (9, 50, 46)
    assert abs(year_one["estimate"] + 1.9) < 3 * year_one["std_error"] < 1.5
    assert row(effect, "level change")["n_treated"] == row(effect, "event_time=5")["n_treated"] == 100
    assert (
        abs(effect.headline()["estimate"] + 1 + 0.1 * np.mean([*range(25)] * 25 + [*range(15)] * 25 + [*range(6)] * 50))
        < 0.6
    )
    assert effect.n_clusters == 146


def test_intervals_cover_in_the_new_york_design() -> None:
    """60 draws: the 95 % interval of the end of year one misses at most 8 (p < 0.01 at 95 %)."""
    found = [row(estimate(new_york(100 + seed), periods_per_year=10), "end of year one") for seed in range(60)]
    covered = sum(one["conf_low"] < -1.9 < one["conf_high"] for one in found)
    assert covered >= 52
    error = np.std([one["estimate"] for one in found]) / np.sqrt(60)
    assert abs(np.mean([one["estimate"] for one in found]) + 1.9) < 3 * error


def test_where_every_school_starts_the_last_cohort_is_the_comparison_until_then() -> None:
    frame = make_frame([4.0, 9.0])
    design = choose_design(panel_of(frame), pool="not_yet_treated")
    fit = ComparativeInterruptedTimeSeries().fit(design, "absent")
    seen = frame[frame["month"] < 9]
    schools = pd.get_dummies(seen["school"], dtype=float).to_numpy()
    columns = [*changes(seen, 4.0), trend(seen, 4.0), schools, indicators(seen["month"])]
    np.testing.assert_allclose(fit.theta[:2], least_squares(seen, columns).params[:2], rtol=1e-9)
    assert fit.facts["rows_not_compared"] == 2 * 6 * 3


def test_a_cohort_without_a_trend_is_left_out_and_named() -> None:
    frame = make_frame([1.0, 6.0, np.nan])
    both, one = estimate(frame), estimate(frame[frame["start"] != 1.0])
    assert both.fit.facts["cohorts_left_out"] == (1,)
    np.testing.assert_allclose(both.fit.theta, one.fit.theta, atol=1e-10)
    with pytest.raises(EffectError, match="no trend before the program"):
        estimate(frame[frame["start"] != 6.0])


def test_a_cohort_seen_once_after_its_start_has_no_change_of_slope() -> None:
    effect = estimate(make_frame([5.0, 11.0, np.nan]))
    assert row(effect, "level change")["n_treated"] == 12
    assert row(effect, "slope change")["n_treated"] == 6
    only = estimate(make_frame([11.0, np.nan]))
    assert list(only.frame["term"]) == ["level change", "event_time=0", "average"]


def test_inference_methods_for_few_schools_apply() -> None:
    frame = make_frame([5.0, np.nan])
    for units in ("cohort", "level", "level_and_slope"):
        plain, reduced = estimate(frame, units=units), estimate(frame, ClusterRobust("school", "CR2"), units=units)
        assert (reduced.df < 11).all()
        assert (reduced.std_error > 0.9 * plain.std_error).all()
    wild = estimate(frame, WildClusterBootstrap("school", draws=999))
    assert 0 < row(wild, "average")["p_value"] < 0.1


def test_bias_reduction_is_that_of_the_regression_with_every_dummy() -> None:
    """Own lines stay absorbed: CR2 of the regression without them is that with a dummy and a slope for each school."""
    frame = make_frame([5.0, np.nan], each=4)
    ours = estimate(frame, ClusterRobust("school", "CR2"), units="level_and_slope")
    schools = pd.get_dummies(frame["school"], dtype=float).to_numpy()
    X = np.column_stack(
        [*changes(frame, 5.0), schools, schools * frame[["month"]].to_numpy(), indicators(frame["month"])[:, :-1]]
    )
    bread = np.linalg.inv(X.T @ X)
    residual = frame["absent"].to_numpy() - X @ (bread @ (X.T @ frame["absent"].to_numpy()))
    meat = np.zeros_like(bread)
    for school in range(8):
        own = X[(frame["school"] == school).to_numpy()]
        values, vectors = np.linalg.eigh(np.eye(len(own)) - own @ bread @ own.T)
        root = (vectors * np.where(values > 1e-9, 1 / np.sqrt(np.maximum(values, 1e-9)), 0)) @ vectors.T
        score = own.T @ root @ residual[(frame["school"] == school).to_numpy()]
        meat += np.outer(score, score)
    expected = np.sqrt(np.diag(bread @ meat @ bread))[:2]
    np.testing.assert_allclose(ours.std_error[:2], expected, rtol=1e-8)


def test_calendar_effects_that_would_join_months_are_refused() -> None:
    frame = new_york(1)
    with pytest.raises(EffectError, match="one calendar effect would hold"):
        estimate(frame, periods_per_year=12, seasonal=True)
    with pytest.raises(OptionError, match="seasonal needs periods_per_year"):
        ComparativeInterruptedTimeSeries(seasonal=True)
    with pytest.raises(OptionError, match="2 or more"):
        ComparativeInterruptedTimeSeries(periods_per_year=1)


def test_estimated_shares_add_their_noise() -> None:
    frame = make_frame([4.0, 8.0, np.nan])
    frame.loc[frame["start"] == 4.0, "absent"] -= 8.0 * (frame["month"] >= 4)
    estimated, fixed = estimate(frame, CR0), estimate(frame, CR0, shares="fixed")
    np.testing.assert_array_equal(estimated.fit.theta, fixed.fit.theta)
    assert estimated.fit.linear is not None
    one, other = estimated.fit.linear.coefficients[:2]  # six schools each: the share of one has variance 1/4 / 12
    extra = estimated.std_error[0] ** 2 - fixed.std_error[0] ** 2
    assert abs(one - other) > 6
    assert extra == pytest.approx((one - other) ** 2 / 4 / 12, rel=0.1)
