"""Triple difference: the saturated regression, shocks that hit an arm, and groups that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import Did2x2, TripleDifference
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame


def two_years(n: int = 80) -> pd.DataFrame:
    """Half of the students start in 2; a shock of +5 hits their arm then; the program does −3 for those it is for."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 2), "year": np.tile([1, 2], n)})
    arm, meant = frame["student"] % 2, (frame["student"] // 2) % 2
    frame["start"] = np.where(arm == 1, 2.0, np.nan)
    frame["meant"], frame["gpa"] = meant, rng.normal(2.7, 0.5, n)[frame["student"]]
    frame["absent"] = 10 + meant + rng.normal(0, 0.5, 2 * n)
    frame["absent"] += (frame["year"] == 2) * (1 + 2 * meant + 5 * arm - 3 * arm * meant)
    return frame


def panel_of(frame: pd.DataFrame, *covariates: str) -> Panel:
    return panel_from_frame(
        frame,
        unit="student",
        period="year",
        first_treated="start",
        outcomes=["absent"],
        covariates=["meant", *covariates],
    )


def test_it_is_the_saturated_regression_and_the_difference_of_eight_means() -> None:
    frame = two_years()
    effect = estimate_effect(
        choose_design(panel_of(frame)), "absent", TripleDifference("meant"), inference=ClusterRobust("student", "CR0")
    )
    arm, meant, after = frame["start"].notna(), frame["meant"] == 1, frame["year"] == 2
    mean = frame["absent"].groupby([arm, meant, after]).mean()
    change = mean.xs(True, level=2) - mean.xs(False, level=2)
    expected = (change[True, True] - change[False, True]) - (change[True, False] - change[False, False])
    found = effect.frame.iloc[0]
    assert found["estimate"] == pytest.approx(expected, abs=1e-10)
    one, two, three = (np.where(mask, 1.0, 0.0) for mask in (arm, meant, after))
    columns = [np.ones(len(frame)), one, two, three, one * two, one * three, two * three, one * two * three]
    beta, *_ = np.linalg.lstsq(np.column_stack(columns), frame["absent"].to_numpy(), rcond=None)
    assert found["estimate"] == pytest.approx(beta[-1], abs=1e-10)
    assert (found["n_treated"], found["n_comparison"]) == (20, 60)
    assert (found["cohort"], found["period"], found["event_time"]) == (2, 2, 0)


def test_a_shock_that_hits_an_arm_biases_the_double_difference_only() -> None:
    design = choose_design(panel_of(two_years()))
    triple = estimate_effect(design, "absent", TripleDifference("meant")).frame.iloc[0]
    double = estimate_effect(design, "absent", Did2x2()).frame.iloc[0]
    assert abs(triple["estimate"] - -3.0) < 3 * triple["std_error"] < 1.5
    assert double["estimate"] > 2.5


def test_covariates_and_missing_outcomes_follow_the_rule_of_complete_cases() -> None:
    frame = two_years()
    frame.loc[[1, 6], "absent"] = np.nan
    frame.loc[frame["student"] == 5, "gpa"] = np.nan
    fit = TripleDifference("meant", covariates=("gpa",)).fit(choose_design(panel_of(frame, "gpa")), "absent")
    wide = frame.pivot_table(index="student", columns="year", values="absent", dropna=False)
    students = frame.drop_duplicates("student").set_index("student")
    data = students.assign(change=wide[2] - wide[1]).dropna(subset=["change", "gpa"])
    one, two = data["start"].notna().to_numpy(dtype=float), data["meant"].to_numpy(dtype=float)
    X = np.column_stack([np.ones(len(data)), one, two, one * two, data["gpa"]])
    beta, *_ = np.linalg.lstsq(X, data["change"].to_numpy(dtype=float), rcond=None)
    assert fit.theta[0] == pytest.approx(beta[3], abs=1e-10)
    assert len(fit.entries) == 77
    assert (fit.facts["treated_without_outcome"], fit.facts["comparison_without_outcome"]) == (1, 1)
    assert fit.facts["treated_without_covariates"] == 1


def test_two_cohorts_have_arms_and_groups_of_their_own(frame: pd.DataFrame) -> None:
    frame["meant"] = frame["student"].str[-1].astype(int) % 2
    effect = estimate_effect(choose_design(panel_of(frame)), "absent", TripleDifference("meant"))
    wide = frame.pivot_table(index=["student", "start", "meant"], columns="year", values="absent", dropna=False)
    wide = wide.dropna().reset_index()
    rows = []
    for cohort in (2003, 2004):
        stack = wide[(wide["start"] == cohort) | wide["start"].isna()]
        one, two = (stack["start"] == cohort).to_numpy(dtype=float), stack["meant"].to_numpy(dtype=float)
        own = np.column_stack([np.ones(len(stack)), one, two])
        block = [own, 0 * own] if cohort == 2003 else [0 * own, own]
        rows.append(np.column_stack([*block, one * two, stack[cohort] - stack[cohort - 1]]))
    data = np.vstack(rows)
    beta, *_ = np.linalg.lstsq(data[:, :-1], data[:, -1], rcond=None)
    assert effect.fit.theta[0] == pytest.approx(beta[-1], abs=1e-10)


def test_a_cohort_without_one_of_the_four_cells_is_left_out_and_named(frame: pd.DataFrame) -> None:
    frame["meant"] = frame["student"].str[-1].astype(int) % 2
    frame.loc[frame["start"] == 2004, "meant"] = 1
    fit = TripleDifference("meant").fit(choose_design(panel_of(frame)), "absent")
    assert fit.facts["cohorts_left_out"] == (2004,)
    assert fit.terms["cohort"].tolist() == [2003]
    frame.loc[frame["start"] == 2003, "meant"] = 1
    with pytest.raises(EffectError, match="all four cells"):
        TripleDifference("meant").fit(choose_design(panel_of(frame)), "absent")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda frame: frame["student"] % 3, r"'meant' has 0, 1, 2"),
        (lambda frame: np.where(frame["student"] == 7, frame["year"] - 1, 1), r"changes within 1 units \(first: 7\)"),
    ],
)
def test_a_group_is_zero_or_one_for_good(values: Any, message: str) -> None:
    frame = two_years()
    frame["meant"] = values(frame)
    with pytest.raises(EffectError, match=message):
        TripleDifference("meant").fit(choose_design(panel_of(frame)), "absent")


def test_the_group_is_no_covariate_besides() -> None:
    with pytest.raises(OptionError, match="can not be a covariate besides"):
        TripleDifference("meant", covariates=("meant",))
