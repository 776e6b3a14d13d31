"""Pretrends: the leads that imputation and TWFE lack, found where trends differ and not found where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me


def students(trend: float, n: int = 240, years: int = 6, seed: int = 4) -> pd.DataFrame:
    """Starts in 2003 and 2004 and never; those who start drift by ``trend`` days a year, program or not."""
    rng = np.random.default_rng(seed)
    start = np.array([2003.0, 2004.0, np.nan])[np.arange(n) % 3]
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), years), "year": np.tile(np.arange(2000, 2000 + years), n)})
    frame["start"] = start[frame["student"]]
    frame["absent"] = rng.normal(10, 2, n)[frame["student"]] + rng.normal(0, 1, len(frame))
    frame["absent"] += np.where(frame["start"].notna(), trend * (frame["year"] - 2000), 0.0)
    frame["absent"] -= np.where(frame["year"] >= frame["start"], 2.0, 0.0)
    return frame


def estimate(frame: pd.DataFrame, estimator: Any, pool: Any = "never_treated") -> me.Estimate:
    panel = me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], covariates=[]
    )
    return me.estimate_effect(me.choose_design(panel, pool=pool), "absent", estimator)


LACKING = [me.Imputation(), me.Imputation(shares="fixed"), me.GardnerTwoStage(), me.Twfe()]


@pytest.mark.parametrize("estimator", LACKING, ids=lambda one: one.name)
def test_a_trend_before_the_start_is_found(estimator: Any) -> None:
    finding = me.run_check("pretrends", estimate(students(trend=0.5), estimator))
    assert finding.verdict == "fail"
    assert finding.numbers["n_terms"] == 3


@pytest.mark.parametrize("estimator", LACKING, ids=lambda one: one.name)
def test_nothing_is_found_where_nothing_is(estimator: Any) -> None:
    assert me.run_check("pretrends", estimate(students(trend=0.0), estimator)).verdict == "pass"


def test_the_leads_of_imputation_are_ols_on_untreated_rows_with_dummies() -> None:
    """Borusyak, Jaravel & Spiess: unit and year dummies and event times -3, -2, -1; the reference is -4."""
    frame = students(trend=0.3, n=45)
    found = me.run_check("pretrends", estimate(frame, me.Imputation())).frame
    rows = frame[~(frame["year"] >= frame["start"])]
    leads = np.column_stack([(rows["year"] - rows["start"]).eq(lead) for lead in (-3, -2, -1)]).astype(float)
    dummies = pd.get_dummies(rows[["student", "year"]].astype(str), dtype=float).to_numpy()
    X = np.column_stack([leads, dummies])
    expected = np.linalg.lstsq(X, rows["absent"].to_numpy(), rcond=None)[0][:3]
    assert found["event_time"].tolist() == [-3, -2, -1]
    np.testing.assert_allclose(found["estimate"], expected, atol=1e-10)


def test_the_test_rejects_as_often_as_it_says() -> None:
    verdicts = [
        me.run_check("pretrends", estimate(students(trend=0.0, n=90, seed=seed), me.Imputation())).verdict
        for seed in range(1000, 1040)
    ]
    assert 0 <= verdicts.count("fail") <= 6  # 2 expected; 7 or more has probability 0.003


def test_one_period_before_the_start_tells_nothing() -> None:
    frame = students(trend=0.5)
    late = frame[(frame["year"] >= 2002) & ~frame["start"].eq(2004)]
    finding = me.run_check("pretrends", estimate(late, me.Imputation()))
    assert (finding.verdict, finding.key) == ("cannot_judge", "pretrends.not_testable")


def test_without_never_treated_units_a_trend_can_not_be_told() -> None:
    everyone = students(trend=0.5).dropna(subset=["start"])
    finding = me.run_check("pretrends", estimate(everyone, me.Imputation(), pool="not_yet_treated"))
    assert (finding.verdict, finding.key) == ("cannot_judge", "pretrends.not_testable")


def test_a_weak_test_that_finds_nothing_earns_a_caution() -> None:
    """An effect that is small beside the noise: a trend that would make it up is not found often enough."""
    panel = estimate(students(trend=0.0, n=30, seed=7), me.CallawaySantAnna())
    weak = me.run_check(me.Pretrends(matters=0.3), panel)
    assert (weak.verdict, weak.key) == ("caution", "pretrends.could_not_see")
    strong = me.run_check(me.Pretrends(matters=10.0), panel)
    assert strong.verdict == "pass"
    assert 0.05 < float(str(weak.numbers["power_matters"])) < 0.8 < float(str(strong.numbers["power_matters"]))


@pytest.mark.parametrize("base_period", ["varying", "universal"])
def test_power_is_how_often_the_test_finds_the_trend(base_period: Any) -> None:
    """The slope that is said to be found half of the time is found so in fresh draws; and the bias is that of those
    that pass. Both forms of the effects before the start are the same test."""
    estimator = me.CallawaySantAnna(base_period=base_period)
    calm = me.run_check("pretrends", estimate(students(trend=0.0, n=90, seed=1), estimator))
    slope = float(str(calm.numbers["slope_50"]))
    found = [
        me.run_check("pretrends", estimate(students(trend=slope, n=90, seed=seed), estimator)).verdict == "fail"
        for seed in range(60)
    ]
    assert abs(np.mean(found) - 0.5) < 3 * np.sqrt(0.25 / 60) + 0.05  # 0.05: slope and errors are estimated too
    expected = calm.numbers["slope_matters"] * np.mean([1, 2, 3])  # type: ignore[operator]
    assert calm.numbers["matters"] == pytest.approx(expected)


def test_leads_that_stand_alone_tell_slopes_and_no_more() -> None:
    numbers = me.run_check("pretrends", estimate(students(trend=0.0), me.Imputation())).numbers
    assert float(str(numbers["slope_80"])) > float(str(numbers["slope_50"])) > 0
    assert "power_matters" not in numbers


def test_shares_are_shares() -> None:
    for options in ({"level": 0.0}, {"power": 1.0}, {"matters": -1.0}):
        with pytest.raises(me.OptionError):
            me.Pretrends(**options)
