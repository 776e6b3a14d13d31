"""Two-way fixed effects: the regression with all its dummies, its weights, and how it misses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, Imputation, SunAbraham, Twfe
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame
from tests.twins.dummy_regressions import coefficients


def post(frame: pd.DataFrame) -> Any:
    return (frame["year"] >= frame["start"]).to_numpy(dtype=float)[:, None]


def test_it_is_the_regression_with_all_dummies_on_all_rows_observed(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)
    lost = frame.copy()
    lost.loc[rng.random(len(frame)) < 0.05, "absent"] = np.nan
    some = lost[rng.random(len(frame)) > 0.1]
    panel = panel_from_frame(some, unit="student", period="year", first_treated="start", outcomes=["absent"])
    fit = Twfe().fit(choose_design(panel), "absent")
    known = some[some["absent"].notna()]
    assert fit.theta[0] == pytest.approx(coefficients(known, post(known))[0], abs=1e-10)
    assert fit.facts["rows_without_outcome"] == int(some["absent"].isna().sum())
    assert fit.terms["n_treated"].iloc[0] == known.loc[known["year"] >= known["start"], "student"].nunique()
    assert fit.terms["n_comparison"].iloc[0] == known.loc[known["start"].isna(), "student"].nunique()


def test_a_design_that_chose_for_each_cohort_is_stacked(panel: Panel, frame: pd.DataFrame, given: Any) -> None:
    baseline = choose_design(panel).baseline
    weights = np.where(baseline.treated, 1.0, 1.0 + (baseline.unit + baseline.cohort) % 3)
    fit = Twfe().fit(choose_design(panel, given(tuple(weights))), "absent")
    stacks = []
    for cohort in (2003, 2004):
        entries = baseline.cohort == cohort
        weight = pd.Series(weights[entries], index=panel.units[baseline.unit[entries]])
        stack = frame[frame["student"].isin(weight.index)]
        stacks.append(stack.assign(stack=cohort, w=stack["student"].map(weight)))
    stacked = pd.concat(stacks, ignore_index=True)
    factors = (["student", "stack"], ["year", "stack"])
    expected = coefficients(stacked, post(stacked), factors, stacked["w"].to_numpy(dtype=float))
    assert fit.theta[0] == pytest.approx(expected[0], abs=1e-10)
    assert fit.facts["stacked"] is True


def growing(n: int = 30) -> tuple[pd.DataFrame, float]:
    """No noise: starts in 2 and in 5, two in thirty never, and an effect of −1 more in each year; the true average."""
    start = np.where(np.arange(n) < 2, np.nan, np.where(np.arange(n) % 2, 2.0, 5.0))
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 6), "year": np.tile(np.arange(1, 7), n)})
    frame["start"] = start[frame["student"]]
    effect = np.where(frame["year"] >= frame["start"], -(frame["year"] - frame["start"] + 1), 0.0)
    frame["absent"] = frame["student"] % 5 + 0.5 * frame["year"] + effect
    return frame, float(effect[effect < 0].mean())


def test_growing_effects_and_staggered_starts_bias_it_and_not_the_others() -> None:
    frame, truth = growing()
    panel = panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])
    design = choose_design(panel)
    by_student = ClusterRobust("student")
    for sound in (CallawaySantAnna(), SunAbraham(), Imputation()):
        effect = estimate_effect(design, "absent", sound, inference=by_student)
        assert effect.pool("simple").fit.theta[0] == pytest.approx(truth, abs=1e-10)
    fit = Twfe().fit(design, "absent")
    assert truth < -2.5
    assert fit.theta[0] > truth + 0.7  # it sees less than three quarters of the effect
    assert float(str(fit.facts["negative_weight_share"])) > 0.1
    assert float(str(fit.facts["negative_weight_sum"])) < -0.01


def test_its_weights_are_those_of_the_cells_in_the_coefficient() -> None:
    """The coefficient for an outcome that is 1 in one treated cell and 0 elsewhere is that cell's weight."""
    frame, _ = growing()
    panel = panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])
    facts = Twfe().fit(choose_design(panel), "absent").facts
    weights, masses = [], []
    for start, year in ((s, y) for s in (2, 5) for y in range(s, 7)):
        cell = (frame["start"] == start) & (frame["year"] == year)
        alone = frame.assign(absent=cell.astype(float))
        weights.append(coefficients(alone, post(alone))[0])
        masses.append(int(cell.sum()))
    negative = np.array(weights) < -1e-12
    assert sum(weights) == pytest.approx(1.0)
    assert facts["negative_weight_sum"] == pytest.approx(np.array(weights)[negative].sum(), abs=1e-10)
    assert facts["negative_weight_share"] == pytest.approx(np.array(masses)[negative].sum() / sum(masses))


def test_one_cohort_has_no_negative_weights_and_is_named(frame: pd.DataFrame) -> None:
    one = frame[frame["start"] != 2004]
    panel = panel_from_frame(one, unit="student", period="year", first_treated="start", outcomes=["absent"])
    fit = Twfe().fit(choose_design(panel), "absent")
    assert fit.facts["negative_weight_share"] == 0.0
    assert fit.terms["cohort"].iloc[0] == 2003


def test_covariates_are_read_in_each_period_and_a_constant_one_is_named(frame: pd.DataFrame, panel: Panel) -> None:
    frame["snow"] = np.random.default_rng(2).normal(size=len(frame))
    frame["absent"] += 3 * frame["snow"]
    snowy = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], covariates=["snow"]
    )
    fit = Twfe(covariates=("snow",)).fit(choose_design(snowy), "absent")
    expected = coefficients(frame, np.column_stack([post(frame), frame["snow"]]))
    assert fit.theta[0] == pytest.approx(expected[0], abs=1e-10)
    with pytest.raises(EffectError, match="and the fixed effects: gpa"):
        Twfe(covariates=("gpa",)).fit(choose_design(panel), "absent")
    with pytest.raises(EffectError, match="'grade' is no numeric covariate"):
        Twfe(covariates=("grade",)).fit(choose_design(panel), "absent")


def test_it_serves_panels_in_which_everyone_starts_some_time(frame: pd.DataFrame) -> None:
    everyone = frame[frame["start"].notna()]
    panel = panel_from_frame(everyone, unit="student", period="year", first_treated="start", outcomes=["absent"])
    fit = Twfe().fit(choose_design(panel, pool="not_yet_treated"), "absent")
    assert fit.theta[0] == pytest.approx(coefficients(everyone, post(everyone))[0], abs=1e-10)
    assert fit.terms["n_comparison"].iloc[0] == 40  # those of 2004, until they start
