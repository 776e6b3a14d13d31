"""Imputation: effects and errors with every weight written out, and what can not be imputed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import Imputation
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame
from tests.twins.dummy_regressions import imputation_variance, imputed

BY_STUDENT = ClusterRobust("student", "CR0")


def panel_of(frame: pd.DataFrame, **roles: Any) -> Panel:
    return panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"], **roles)


@pytest.fixture
def some(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows and outcomes lost at random; every student keeps the first two years, which are before any start."""
    rng = np.random.default_rng(4)
    kept = frame[(rng.random(len(frame)) > 0.15) | (frame["year"] <= 2002)].copy()
    kept.loc[(rng.random(len(kept)) < 0.05) & (kept["year"] > 2002), "absent"] = np.nan
    return kept


def test_effects_and_errors_are_those_with_every_weight_written_out(some: pd.DataFrame) -> None:
    effect = estimate_effect(choose_design(panel_of(some)), "absent", Imputation(), inference=BY_STUDENT)
    known = some[some["absent"].notna()].reset_index(drop=True)
    left = imputed(known)
    assert effect.fit.facts["rows_without_outcome"] == int(some["absent"].isna().sum())
    assert [(row.cohort, row.period) for row in effect.frame.itertuples()] == [
        (start, year) for start in (2003, 2004) for year in range(start, 2006)
    ]
    for row in effect.frame.itertuples():
        cell = ((known["start"] == row.cohort) & (known["year"] == row.period)).to_numpy()
        assert row.estimate == pytest.approx(left[cell].mean(), abs=1e-10)
        variance = imputation_variance(known, cell / cell.sum(), np.full(len(known), left[cell].mean()))
        assert row.std_error == pytest.approx(np.sqrt(variance), abs=1e-10)
        assert row.n_treated == cell.sum()
        waiting = known["start"].isna() & (known["year"] == row.period)
        assert row.n_comparison == waiting.sum()


def test_fixed_shares_average_all_treated_rows_with_the_variance_of_the_paper(some: pd.DataFrame) -> None:
    design = choose_design(panel_of(some))
    effect = estimate_effect(design, "absent", Imputation(shares="fixed"), inference=BY_STUDENT)
    known = some[some["absent"].notna()].reset_index(drop=True)
    left = imputed(known)
    centre = pd.Series(left).groupby([known["start"], known["year"]], dropna=False).transform("mean").to_numpy()
    relative = (known["year"] - known["start"]).to_numpy()
    for row in effect.frame.itertuples():
        chosen = relative >= 0 if row.term == "average" else relative == row.event_time
        assert row.estimate == pytest.approx(left[chosen].mean(), abs=1e-10)
        variance = imputation_variance(known, chosen / chosen.sum(), centre)
        assert row.std_error == pytest.approx(np.sqrt(variance), abs=1e-10)


def test_not_yet_treated_rows_help_to_impute_and_compare(some: pd.DataFrame) -> None:
    """Everyone who is not treated yet predicts the others, whatever the pool; the pool says whom the counts name."""
    never = estimate_effect(choose_design(panel_of(some)), "absent", Imputation())
    waiting = estimate_effect(choose_design(panel_of(some), pool="not_yet_treated"), "absent", Imputation())
    np.testing.assert_allclose(waiting.fit.theta, never.fit.theta, atol=1e-12)
    assert waiting.frame["n_comparison"].iloc[0] > never.frame["n_comparison"].iloc[0]


def test_covariates_change_over_time(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    frame["snow"], frame["heat"] = rng.normal(size=len(frame)), rng.normal(size=len(frame))
    frame["absent"] += 3 * frame["snow"]
    design = choose_design(panel_of(frame, covariates=["snow", "heat", "gpa"]))
    fit = Imputation(covariates=("snow", "heat"), shares="fixed").fit(design, "absent")
    left = imputed(frame, ["snow", "heat"])
    treated = (frame["year"] >= frame["start"]).to_numpy()
    assert fit.theta[-1] == pytest.approx(left[treated].mean(), abs=1e-10)
    with pytest.raises(EffectError, match=r"told exactly by unit and period effects.*gpa"):
        Imputation(covariates=("gpa",)).fit(design, "absent")


def test_two_covariates_that_say_the_same_are_named(frame: pd.DataFrame) -> None:
    frame["snow"] = np.random.default_rng(2).normal(size=len(frame))
    frame["inches"] = 12 * frame["snow"] + frame["year"]
    design = choose_design(panel_of(frame, covariates=["snow", "inches"]))
    with pytest.raises(EffectError, match="inches"):
        Imputation(covariates=("snow", "inches")).fit(design, "absent")


def test_rows_that_can_not_be_imputed_are_left_out_and_counted(frame: pd.DataFrame) -> None:
    """Students of 2004 are not seen before 2004, and nobody untreated in 2005."""
    lost = (frame["start"] == 2004) & (frame["year"] < 2004) | frame["start"].isna() & (frame["year"] == 2005)
    some = frame[~lost]
    effect = estimate_effect(choose_design(panel_of(some)), "absent", Imputation())
    assert [(row.cohort, row.period) for row in effect.frame.itertuples()] == [(2003, 2003), (2003, 2004)]
    assert effect.fit.facts["rows_not_imputed"] == 40 + 40 + 40  # 2004 and 2005 of 2004's students, 2005 of 2003's


def test_chosen_event_times(frame: pd.DataFrame) -> None:
    design = choose_design(panel_of(frame))
    every = estimate_effect(design, "absent", Imputation(shares="fixed")).frame.set_index("term")["estimate"]
    one = estimate_effect(design, "absent", Imputation(event_times=(1,), shares="fixed")).frame
    assert one["term"].tolist() == ["event_time=1", "average"]
    assert one["estimate"].to_numpy() == pytest.approx(every["event_time=1"], abs=1e-12)
    with pytest.raises(EffectError, match="ask for other event_times"):
        Imputation(event_times=(9,)).fit(design, "absent")


def test_a_design_that_chose_for_each_cohort_is_stacked(panel: Panel, frame: pd.DataFrame, given: Any) -> None:
    """With weights, a balanced stack is the weighted difference of changes from the mean of the years before."""
    baseline = choose_design(panel).baseline
    weights = np.where(baseline.treated, 1.0, 1.0 + (baseline.unit + baseline.cohort) % 3)
    fit = Imputation().fit(choose_design(panel, given(tuple(weights))), "absent")
    y = panel.outcome_matrix("absent")
    for place, row in enumerate(fit.terms.itertuples()):
        chosen = baseline.cohort == row.cohort
        unit, treated, weight = baseline.unit[chosen], baseline.treated[chosen], weights[chosen]
        before = y[unit][:, : int(row.cohort) - 2001].mean(axis=1)
        change = y[unit, int(row.period) - 2001] - before
        expected = change[treated].mean() - np.average(change[~treated], weights=weight[~treated])
        assert fit.theta[place] == pytest.approx(expected, abs=1e-10)
    assert fit.facts["stacked"] is True
    assert fit.influence is not None
    np.testing.assert_allclose(fit.influence.mean(axis=0), 0.0, atol=1e-10)
