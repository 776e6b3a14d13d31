"""Event study: the regression with all its dummies, stacks, and covariates that change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import FloatArray
from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import EventStudy
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame


def by_dummies(
    frame: pd.DataFrame, unit: list[str], period: list[str], weights: FloatArray | None = None
) -> dict[int, float]:
    """Coefficients of event times from the regression with a dummy for each unit and each period."""
    relative = frame["year"] - frame["start"]
    times = sorted(int(time) for time in relative.dropna().unique() if time != -1)
    columns = [(relative == time).to_numpy(dtype=float) for time in times]
    for names in (unit, period):
        codes = frame.groupby(names, sort=False).ngroup().to_numpy()
        columns += list(np.eye(codes.max() + 1)[codes].T)
    root = np.sqrt(np.ones(len(frame)) if weights is None else weights)
    X = np.column_stack(columns) * root[:, None]
    beta, *_ = np.linalg.lstsq(X, frame["absent"].to_numpy() * root, rcond=None)
    return dict(zip(times, beta, strict=False))


def effects(found: pd.DataFrame) -> dict[int, float]:
    plain = found[found["term"].str.startswith("event_time")]
    return dict(zip(plain["event_time"].astype(int), plain["estimate"], strict=True))


def test_it_is_the_regression_with_all_dummies(panel: Panel, frame: pd.DataFrame) -> None:
    found = estimate_effect(choose_design(panel), "absent", EventStudy()).frame
    expected = by_dummies(frame, ["student"], ["year"])
    assert effects(found).keys() == expected.keys()
    for time, value in effects(found).items():
        assert value == pytest.approx(expected[time], abs=1e-10)
    average = found[found["term"] == "average"].iloc[0]
    assert average["estimate"] == pytest.approx(np.mean([value for time, value in expected.items() if time >= 0]))
    reference = found[found["event_time"] == -1].iloc[0]
    assert (reference["term"], reference["estimate"]) == ("reference event_time=-1", 0.0)
    assert np.isnan(reference["std_error"])


def test_missing_rows_leave_the_other_rows_of_a_unit(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(4)
    lost = frame.copy()
    lost.loc[rng.random(len(frame)) < 0.05, "absent"] = np.nan
    some = lost[rng.random(len(frame)) > 0.1]
    panel = panel_from_frame(some, unit="student", period="year", first_treated="start", outcomes=["absent"])
    effect = estimate_effect(choose_design(panel), "absent", EventStudy())
    expected = by_dummies(some[some["absent"].notna()], ["student"], ["year"])
    for time, value in effects(effect.frame).items():
        assert value == pytest.approx(expected[time], abs=1e-10)
    assert effect.fit.facts["rows_without_outcome"] == int(some["absent"].isna().sum())


def test_a_design_that_chose_for_each_cohort_is_stacked(panel: Panel, frame: pd.DataFrame, given: Any) -> None:
    baseline = choose_design(panel).baseline
    weights = np.where(baseline.treated, 1.0, 1.0 + (baseline.unit + baseline.cohort) % 3)
    effect = estimate_effect(choose_design(panel, given(tuple(weights))), "absent", EventStudy())
    stacks = []
    for cohort in (2003, 2004):
        entries = baseline.cohort == cohort
        weight = pd.Series(weights[entries], index=panel.units[baseline.unit[entries]])
        stack = frame[frame["student"].isin(weight.index)]
        stacks.append(stack.assign(stack=cohort, w=stack["student"].map(weight)))
    stacked = pd.concat(stacks, ignore_index=True)
    expected = by_dummies(stacked, ["student", "stack"], ["year", "stack"], stacked["w"].to_numpy(dtype=float))
    for time, value in effects(effect.frame).items():
        assert value == pytest.approx(expected[time], abs=1e-10)
    assert effect.fit.facts["stacked"] is True
    assert effect.frame["n_comparison"].iloc[0] == 40  # each of them stands in both stacks


def test_not_yet_treated_comparisons_leave_a_stack_when_they_start(panel: Panel, given: Any) -> None:
    baseline = choose_design(panel, pool="not_yet_treated").baseline
    weights = np.where(baseline.treated, 1.0, 1.0 + baseline.unit % 2)
    design = choose_design(panel, given(tuple(weights)), pool="not_yet_treated")
    fit = EventStudy().fit(design, "absent")
    waiting = (panel.start[baseline.unit] == 2004) & ~baseline.treated
    assert fit.linear is not None
    n_rows = 5 * np.count_nonzero(~waiting) + 3 * np.count_nonzero(waiting)  # 2001, 2002 and 2003 only
    assert len(fit.linear.response) == n_rows


def test_covariates_are_read_in_each_period(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    frame["snow"] = rng.normal(size=len(frame))
    frame["absent"] += 3 * frame["snow"]
    panel = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], covariates=["snow", "grade"]
    )
    effect = estimate_effect(choose_design(panel), "absent", EventStudy(covariates=("snow",)))
    assert effect.fit.linear is not None
    assert effect.fit.linear.coefficients[-1] == pytest.approx(3, abs=0.15)
    with pytest.raises(EffectError, match=r"'grade' is no numeric covariate.*It has: snow"):
        EventStudy(covariates=("grade",)).fit(choose_design(panel), "absent")


def test_a_covariate_that_never_changes_is_named(panel: Panel) -> None:
    with pytest.raises(EffectError, match="and the fixed effects: gpa"):
        EventStudy(covariates=("gpa",)).fit(choose_design(panel), "absent")


def test_it_needs_units_that_are_never_treated(frame: pd.DataFrame) -> None:
    everyone = frame[frame["start"].notna()]
    panel = panel_from_frame(everyone, unit="student", period="year", first_treated="start", outcomes=["absent"])
    with pytest.raises(EffectError, match="never treated, and no outcome of one is known"):
        EventStudy().fit(choose_design(panel, pool="not_yet_treated"), "absent")


def test_students_as_clusters_count_periods_and_not_students(panel: Panel) -> None:
    """k = 6 event times + 5 periods, as fixest counts."""
    effect = estimate_effect(choose_design(panel), "absent", EventStudy(), inference=ClusterRobust("student"))
    linear = effect.fit.linear
    assert linear is not None
    assert linear.n_parameters(effect.fit.clusters["student"]) == linear.regressors.shape[1] + 5
    assert linear.n_parameters() == linear.regressors.shape[1] + 120 + 5 - 1
