"""Randomization inference equals a loop over all assignments, and its interval is the inverse of its test."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, DifferenceInMeans, EventStudy, RegressionAdjustment
from mentoreval.effects.inference_methods.randomization import RandomizationInference
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import panel_from_frame

TWIN = runpy.run_path(str(Path(__file__).resolve().parents[2] / "twins" / "permutation_loop.py"))
twin_p: Any = TWIN["randomization_p_value"]


def small(n: int = 12, seed: int = 5) -> pd.DataFrame:
    """12 students in 4 schools, 2 of 3 mentored in half of the schools and 1 of 3 in the others."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"student": range(n), "school": np.arange(n) // 3})
    frame["mentored"] = (np.arange(n) % 3 < 1 + frame["school"] % 2).astype(int)
    frame["before"] = rng.normal(size=n)
    frame["absent"] = frame["before"] - 1.5 * frame["mentored"] + rng.normal(size=n)
    return frame


def design_of(frame: pd.DataFrame, **roles: Any) -> Design:
    panel = panel_from_frame(
        frame,
        unit="student",
        treated="mentored",
        covariates=["before"],
        outcomes=["absent"],
        school="school",
        **roles,
    )
    return choose_design(panel)


@pytest.mark.parametrize("within", [None, "school"])
def test_every_assignment_is_a_regression_of_its_own(within: str | None) -> None:
    frame = small()
    treated, absent = frame["mentored"].to_numpy(float), frame["absent"].to_numpy()
    others = np.column_stack([np.ones(12), frame["before"]])
    block = np.zeros(12) if within is None else frame["school"].to_numpy()
    effect = RandomizationInference(within=within).apply(RegressionAdjustment().fit(design_of(frame), "absent"))
    row = effect.frame.iloc[0]
    assert row["p_value"] == pytest.approx(twin_p(treated, others, absent, block), abs=1e-12)
    low, high = row["conf_low"], row["conf_high"]
    for limit, outward in ((low, -1e-6), (high, 1e-6)):
        assert twin_p(treated, others, absent, block, limit - outward) >= 0.05
        assert twin_p(treated, others, absent, block, limit + outward) < 0.05


def test_schools_are_assigned_as_a_whole() -> None:
    """Of 8 schools 4 have the program: 70 assignments, and the mean of schools is what moves."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"student": range(40), "school": np.arange(40) // 5, "before": rng.normal(size=40)})
    frame["mentored"] = frame["school"] % 2
    frame["absent"] = 10 - 2.0 * frame["mentored"] + rng.normal(size=8)[frame["school"]] + rng.normal(size=40)
    effect = RandomizationInference("school").apply(DifferenceInMeans().fit(design_of(frame), "absent"))
    means = frame.groupby("school")["absent"].mean().to_numpy()
    expected = twin_p(np.array([0.0, 1.0] * 4), np.ones((8, 1)), means, np.zeros(8))
    assert effect.frame["p_value"].iloc[0] == pytest.approx(expected, abs=1e-12)
    assert (effect.cluster, effect.n_clusters) == ("school", 8)


def test_four_schools_can_reject_nothing_and_it_is_said() -> None:
    frame = small()
    frame["mentored"] = frame["school"] % 2
    effect = RandomizationInference("school").apply(DifferenceInMeans().fit(design_of(frame), "absent"))
    assert effect.frame[["conf_low", "conf_high"]].to_numpy().tolist() == [[-np.inf, np.inf]]
    assert effect.frame["p_value"].iloc[0] >= 2 / 6
    assert any(note.key == "no_bound" for note in effect.notes)


def test_drawn_assignments_come_near_to_all_of_them() -> None:
    fit = DifferenceInMeans().fit(design_of(small()), "absent")  # 924 assignments among all
    exact = RandomizationInference(draws=1_999).apply(fit).frame["p_value"].iloc[0]
    drawn = RandomizationInference(draws=900, seed=1).apply(fit).frame["p_value"].iloc[0]
    assert exact * 924 == pytest.approx(round(exact * 924), abs=1e-9)
    assert drawn == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 900))
    assert drawn == RandomizationInference(draws=900, seed=1).apply(fit).frame["p_value"].iloc[0]


def test_fixed_effects_are_taken_out_of_every_assignment() -> None:
    frame = small()
    estimator = RegressionAdjustment(covariates=(), fixed_effects=("school",))
    effect = RandomizationInference(within="school").apply(estimator.fit(design_of(frame), "absent"))
    expected = twin_p(
        frame["mentored"].to_numpy(float), np.eye(4)[frame["school"]], frame["absent"].to_numpy(), frame["school"]
    )
    assert effect.frame["p_value"].iloc[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_under_the_sharp_null_it_rejects_as_often_as_it_says() -> None:
    """300 lotteries of 8 students without an effect; an outcome with heavy tails."""
    rng = np.random.default_rng(9)
    rejected = []
    for _ in range(300):
        frame = small(8).assign(mentored=rng.permutation(np.repeat([0, 1], 4)), absent=rng.standard_cauchy(8))
        row = RandomizationInference(draws=99).apply(DifferenceInMeans().fit(design_of(frame), "absent")).frame
        rejected.append(row["p_value"].iloc[0] <= 0.1)
    assert 0.05 < np.mean(rejected) < 0.15  # 0.1, within three Monte Carlo errors; 6 of 70 assignments can be that far


def test_what_it_does_not_serve_it_refuses_by_name(panel: Any) -> None:
    design = choose_design(panel)
    for estimator in (EventStudy(), CallawaySantAnna()):
        with pytest.raises(EffectError, match=f"can not compute {estimator.name}"):
            RandomizationInference().apply(estimator.fit(design, "absent"))
    with pytest.raises(EffectError, match="one cohort, and this comparison has several"):
        RandomizationInference().apply(Did2x2().fit(design, "absent"))
    with pytest.raises(EffectError, match="treatment differs between students"):
        RandomizationInference("school").apply(DifferenceInMeans().fit(design_of(small()), "absent"))
    with pytest.raises(OptionError, match="nothing to assign anew"):
        RandomizationInference("school", within="school")
