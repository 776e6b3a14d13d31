"""Extended two-way fixed effects: the saturated regression, imputation without covariates, and covariates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import ExtendedTwfe, Imputation
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame
from tests.twins.dummy_regressions import coefficients

CELLS = [(start, year) for start in (2003, 2004) for year in range(start, 2006)]


def panel_of(frame: pd.DataFrame, **roles: Any) -> Panel:
    return panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"], **roles)


def indicators(frame: pd.DataFrame) -> Any:
    return np.column_stack([((frame["start"] == s) & (frame["year"] == y)).to_numpy(dtype=float) for s, y in CELLS])


def test_it_is_the_saturated_regression_on_all_rows_observed(frame: pd.DataFrame) -> None:
    some = frame[np.random.default_rng(4).random(len(frame)) > 0.15]
    fit = ExtendedTwfe().fit(choose_design(panel_of(some)), "absent")
    np.testing.assert_allclose(fit.theta, coefficients(some, indicators(some)), atol=1e-10)
    assert list(zip(fit.terms["cohort"], fit.terms["period"], strict=True)) == CELLS


def test_without_missing_rows_it_is_imputation(panel: Panel) -> None:
    design = choose_design(panel)
    for shares in ("estimated", "fixed"):
        ours = ExtendedTwfe(shares=shares).fit(design, "absent")  # type: ignore[arg-type]
        theirs = Imputation(shares=shares).fit(design, "absent")  # type: ignore[arg-type]
        np.testing.assert_allclose(ours.theta, theirs.theta, atol=1e-10)
        pd.testing.assert_frame_equal(ours.terms, theirs.terms)


def test_covariates_enter_with_periods_and_centred_with_cells(frame: pd.DataFrame) -> None:
    some = frame[(np.random.default_rng(4).random(len(frame)) > 0.2) | (frame["year"] <= 2003)]
    fit = ExtendedTwfe(covariates=("gpa",)).fit(choose_design(panel_of(some, covariates=["gpa"])), "absent")
    cell, gpa = indicators(some), some["gpa"].to_numpy()
    centred = [column * (gpa - gpa[column > 0].mean()) for column in cell.T]
    trends = [(some["year"] == year).to_numpy() * gpa for year in range(2002, 2006)]
    expected = coefficients(some, np.column_stack([cell, *centred, *trends]))
    np.testing.assert_allclose(fit.theta, expected[: len(CELLS)], atol=1e-9)


def test_the_noise_of_covariate_means_is_in_the_influence(frame: pd.DataFrame) -> None:
    """The derivative of each effect by a student's weight, covariate means among what moves."""
    rng = np.random.default_rng(3)
    frame["w"] = rng.uniform(0.5, 2, 120)[np.arange(len(frame)) // 5]
    frame["absent"] += 2 * frame["gpa"] * (frame["year"] >= frame["start"])

    def fit(data: pd.DataFrame) -> Any:
        design = choose_design(panel_of(data, covariates=["gpa"], weight="w"))
        return ExtendedTwfe(covariates=("gpa",)).fit(design, "absent")

    found = fit(frame)
    for student in (0, 1, 2):
        theta = [
            fit(frame.assign(w=frame["w"] * np.where(frame["student"] == f"s{student:04d}", 1 + step, 1.0))).theta
            for step in (1e-4, -1e-4)
        ]
        own = found.influence[found.clusters["student"] == student].sum(axis=0) / len(found.influence)
        np.testing.assert_allclose(own, (theta[0] - theta[1]) / 2e-4, atol=1e-7)


def test_fixed_shares_make_one_regression_that_bias_reduction_applies_to(panel: Panel) -> None:
    design = choose_design(panel)
    effect = estimate_effect(design, "absent", ExtendedTwfe(shares="fixed"), inference=ClusterRobust("school", "CR2"))
    assert (effect.std_error > 0).all()
    assert (effect.df < 8).all()


def test_rows_without_comparison_are_counted(frame: pd.DataFrame) -> None:
    some = frame[frame["start"].notna() | (frame["year"] < 2005)]
    some = some[(some["start"] != 2004) | (some["year"] >= 2004)]
    fit = ExtendedTwfe().fit(choose_design(panel_of(some)), "absent")
    assert fit.facts["rows_not_compared"] == 40 + 40 * 2  # 2005 of 2003's students, all rows of 2004's
    assert fit.terms["period"].tolist() == [2003, 2004]
    assert set(fit.terms["cohort"]) == {2003}


def test_students_without_the_covariate_at_the_baseline_are_counted(frame: pd.DataFrame) -> None:
    """One has no grade point average, and one no row in the year before the start, which matters where it changes."""
    frame["gpa"] = frame["gpa"].mask(frame["student"] == "s0000")
    some = frame[(frame["student"] != "s0001") | (frame["year"] != 2003)]
    fit = ExtendedTwfe(covariates=("gpa",)).fit(choose_design(panel_of(some, covariates=["gpa"])), "absent")
    assert fit.facts["rows_without_covariates"] == 5
    assert fit.terms["n_treated"].tolist() == [39, 39, 39, 40, 40]
    moving = some.assign(gpa=some["gpa"] + 0.01 * (some["year"] - 2001))
    fit = ExtendedTwfe(covariates=("gpa",)).fit(choose_design(panel_of(moving, covariates=["gpa"])), "absent")
    assert fit.facts["rows_without_covariates"] == 5 + 4
    assert fit.terms["n_treated"].tolist() == [39] * 5


def test_nobody_seen_before_the_start_is_a_plain_error(frame: pd.DataFrame) -> None:
    panel = panel_of(frame[frame["start"].isna() | (frame["year"] >= frame["start"])])
    with pytest.raises(EffectError, match="before its start"):
        ExtendedTwfe().fit(choose_design(panel), "absent")
