"""Difference in means: arithmetic on a small table, and who is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import ESTIMATE_COLUMNS, estimate_effect
from mentoreval.effects.estimators import DifferenceInMeans
from mentoreval.effects.inference_methods import ClusterRobust, HeteroskedasticityRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame

SMALL = pd.DataFrame(
    {"student": ["a", "b", "c", "d", "e"], "mentored": [1, 1, 0, 0, 0], "absent": [4.0, 6.0, 9.0, 11.0, np.nan]}
)


def test_a_small_table() -> None:
    panel = panel_from_frame(SMALL, unit="student", treated="mentored", outcomes=["absent"])
    effect = estimate_effect(
        choose_design(panel), "absent", DifferenceInMeans(), inference=HeteroskedasticityRobust("HC0")
    )
    row = effect.frame.iloc[0]
    assert tuple(effect.frame.columns) == ESTIMATE_COLUMNS
    assert row["estimate"] == pytest.approx((4 + 6) / 2 - (9 + 11) / 2)
    assert row["std_error"] == pytest.approx(np.sqrt((1 + 1) / 2**2 + (1 + 1) / 2**2))  # Σ e² / n² in each arm
    assert row["statistic"] == pytest.approx(-5 / 1)
    assert (row["n_treated"], row["n_comparison"], row["df"]) == (2, 2, 4 - 2)
    assert effect.fit.facts["comparison_without_outcome"] == 1
    assert effect.fit.facts["treated_without_outcome"] == 0


def test_weights_of_the_design_weight_the_means(given: Any) -> None:
    panel = panel_from_frame(SMALL, unit="student", treated="mentored", outcomes=["absent"])
    design = choose_design(panel, given((1.0, 1.0, 3.0, 1.0, 2.0)))
    effect = estimate_effect(design, "absent", DifferenceInMeans())
    assert effect.frame["estimate"].iloc[0] == pytest.approx((4 + 6) / 2 - (3 * 9 + 1 * 11) / 4)


def test_several_cohorts_are_compared_each_at_its_own_time(panel: Panel, frame: pd.DataFrame) -> None:
    """Two cohorts of 40 against the same 40: least squares weights the two differences alike."""
    wide = frame.pivot(index="student", columns="year", values="absent")
    start = frame.groupby("student")["start"].first()
    differences = [wide.loc[start == g, g + 1].mean() - wide.loc[start.isna(), g + 1].mean() for g in (2003, 2004)]
    effect = estimate_effect(choose_design(panel), "absent", DifferenceInMeans(event_time=1))
    row = effect.frame.iloc[0]
    assert row["estimate"] == pytest.approx(np.mean(differences))
    assert (row["n_treated"], row["n_comparison"], row["event_time"]) == (80, 40, 1)
    assert pd.isna(row["cohort"])


def test_a_comparison_unit_that_has_started_by_then_compares_no_longer(panel: Panel, frame: pd.DataFrame) -> None:
    design = choose_design(panel, pool="not_yet_treated")
    now = estimate_effect(design, "absent", DifferenceInMeans())
    later = estimate_effect(design, "absent", DifferenceInMeans(event_time=1))
    assert now.fit.facts["comparison_started_by_then"] == 0
    assert later.fit.facts["comparison_started_by_then"] == 40  # the cohort of 2004, in 2004
    assert now.frame["n_comparison"].iloc[0] == 80
    assert later.frame["n_comparison"].iloc[0] == 40


def test_an_event_time_that_nobody_reached_is_an_error_that_counts(panel: Panel) -> None:
    with pytest.raises(EffectError, match=r"treated without outcome: 80.*Choose an event_time"):
        estimate_effect(choose_design(panel), "absent", DifferenceInMeans(event_time=7))


def test_a_cohort_whose_arm_is_lost_is_left_out(panel: Panel) -> None:
    """Three years after the start only the cohort of 2003 would be seen in 2006, and there is no 2006."""
    effect = estimate_effect(choose_design(panel), "absent", DifferenceInMeans(event_time=2))
    row = effect.frame.iloc[0]
    assert (row["cohort"], row["period"]) == (2003, 2005)
    assert effect.fit.facts["treated_without_outcome"] == 40


def test_an_outcome_without_variation_is_an_error() -> None:
    panel = panel_from_frame(SMALL.assign(absent=7.0), unit="student", treated="mentored", outcomes=["absent"])
    with pytest.raises(EffectError, match="The outcome is 7 in all 5 rows"):
        estimate_effect(choose_design(panel), "absent", DifferenceInMeans())


def test_one_period_has_no_event_time() -> None:
    panel = panel_from_frame(SMALL, unit="student", treated="mentored", outcomes=["absent"])
    with pytest.raises(EffectError, match="event_time is 0, not 1"):
        estimate_effect(choose_design(panel), "absent", DifferenceInMeans(event_time=1))


def test_the_error_by_school_is_that_of_the_residuals_summed_by_school(panel: Panel) -> None:
    effect = estimate_effect(choose_design(panel), "absent", DifferenceInMeans(), inference=ClusterRobust("school"))
    fit = effect.fit
    assert fit.influence is not None
    assert fit.linear is not None
    sums = pd.Series(fit.influence[:, 0]).groupby(fit.clusters["school"]).sum()
    n, g = len(fit.influence), len(sums)
    expected = np.sqrt((sums**2).sum()) / n * np.sqrt(g / (g - 1) * (n - 1) / (n - 3))  # 2 cohorts and treatment
    assert effect.frame["std_error"].iloc[0] == pytest.approx(expected)
    assert (effect.frame["df"].iloc[0], effect.n_clusters) == (g - 1, 8)
