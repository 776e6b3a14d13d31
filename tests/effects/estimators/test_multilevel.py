"""Multilevel: the analysis of variance in balanced data, mentors in one arm, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mentoreval.design.design import choose_design
from mentoreval.design.methods import Unadjusted
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators.multilevel import Multilevel
from mentoreval.effects.estimators.regression_adjustment import RegressionAdjustment
from mentoreval.effects.inference_methods import ClusterRobust, OneArmClustering, OwnVariance
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import panel_from_frame


def estimate(
    frame: pd.DataFrame, inference: Any = None, roles: dict[str, Any] | None = None, **options: Any
) -> Estimate:
    named = {"school": "school", **(roles or {})}
    panel = panel_from_frame(frame, unit="student", treated="mentored", outcomes=["absent"], **named)
    design = choose_design(panel, Unadjusted(), covariates=list(named.get("covariates", ())))
    return estimate_effect(design, "absent", Multilevel(**options), inference=inference)


def schools(each: int = 8, size: int = 15, seed: int = 0) -> pd.DataFrame:
    """Whole schools are treated: each arm has as many, of one size."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"school": np.repeat(np.arange(2 * each), size), "student": np.arange(2 * each * size)})
    frame["mentored"] = (frame["school"] < each).astype(int)
    frame["absent"] = (
        rng.normal(0, 2, 2 * each)[frame["school"]] - 1.0 * frame["mentored"] + rng.normal(0, 4, len(frame))
    )
    return frame


def mentees(mentors: int = 7, size: int = 4, alone: int = 30, seed: int = 0) -> pd.DataFrame:
    """Mentees of one mentor share an effect of standard deviation 2; comparison students are alone."""
    rng = np.random.default_rng(seed)
    n = mentors * size + alone
    frame = pd.DataFrame({"student": np.arange(n), "mentored": (np.arange(n) < mentors * size).astype(int)})
    frame["mentor"] = [f"m{i // size}" if i < mentors * size else None for i in range(n)]
    shared = np.append(np.repeat(rng.normal(0, 2, mentors), size), np.zeros(alone))
    frame["absent"] = 12 - 3.0 * frame["mentored"] + shared + rng.normal(0, 1, n) * np.where(frame["mentored"], 3, 4)
    return frame


def test_balanced_schools_are_their_analysis_of_variance() -> None:
    frame = schools()
    effect = estimate(frame, residual_variance="common")
    means = frame.groupby("school")["absent"].mean().to_numpy()
    between = (means[:8].var(ddof=1) + means[8:].var(ddof=1)) / 2
    within = frame.groupby("school")["absent"].var().mean()
    row = effect.frame.iloc[0]
    assert row["estimate"] == pytest.approx(means[:8].mean() - means[8:].mean(), rel=1e-10)
    assert row["std_error"] == pytest.approx(np.sqrt(between * 2 / 8), rel=1e-7)
    assert row["df"] == pytest.approx(14, rel=1e-4)
    assert effect.fit.facts["variance_school"] == pytest.approx(between - within / 15, rel=1e-6)
    assert effect.fit.facts["residual_variance_treated"] == pytest.approx(within, rel=1e-7)
    assert effect.fit.facts["icc_school"] == pytest.approx(1 - within / (between + within * 14 / 15), rel=1e-6)
    assert (effect.cluster, effect.n_clusters) == ("school", 16)


def test_balanced_mentors_in_one_arm_are_welchs_test_of_mentors_against_students() -> None:
    frame = mentees()
    effect = estimate(frame, roles={"school": None, "mentor": "mentor"})
    means = frame.groupby("mentor")["absent"].mean()
    treated, comparison = means.var() / 7, frame["absent"][frame["mentored"] == 0].var() / 30
    row = effect.frame.iloc[0]
    assert row["std_error"] == pytest.approx(np.sqrt(treated + comparison), rel=1e-7)
    assert row["df"] == pytest.approx((treated + comparison) ** 2 / (treated**2 / 6 + comparison**2 / 29), rel=1e-4)
    within = frame.groupby("mentor")["absent"].var().mean()
    assert effect.fit.facts["variance_mentor"] == pytest.approx(means.var() - within / 4, rel=1e-6)
    assert (effect.cluster, effect.n_clusters) == ("mentor", 37)


def test_it_agrees_with_the_analysis_of_variance_of_one_arm_clustering() -> None:
    """Two routes to the same model, which meet where mentors have as many mentees each."""
    frame = mentees(mentors=12, seed=4)
    mixed = estimate(frame, roles={"school": None, "mentor": "mentor"}).frame.iloc[0]
    panel = panel_from_frame(frame, unit="student", treated="mentored", outcomes=["absent"], mentor="mentor")
    plain = estimate_effect(
        choose_design(panel, Unadjusted()), "absent", RegressionAdjustment(), inference=OneArmClustering()
    ).frame.iloc[0]
    assert mixed["estimate"] == pytest.approx(plain["estimate"], rel=1e-8)
    assert mixed["std_error"] == pytest.approx(plain["std_error"], rel=1e-6)
    assert mixed["df"] == pytest.approx(plain["df"], rel=1e-3)


def test_uneven_schools_and_covariates_are_the_mixed_model_of_statsmodels() -> None:
    rng = np.random.default_rng(5)
    frame = schools(each=10, size=20, seed=5)
    frame = frame[rng.random(len(frame)) > 0.4].reset_index(drop=True)
    frame["mentored"] = (rng.random(len(frame)) < 0.4).astype(int)
    frame["gpa"] = rng.normal(size=len(frame))
    frame["absent"] += frame["gpa"]
    ours = estimate(frame, roles={"covariates": ["gpa"]}, residual_variance="common")
    X = np.column_stack([np.ones(len(frame)), frame[["gpa", "mentored"]]]).astype(float)
    model: Any = sm.MixedLM(frame["absent"].to_numpy(), X, groups=frame["school"].to_numpy())
    theirs = model.fit(reml=True, method="powell", xtol=1e-12, ftol=1e-14)
    assert ours.fit.theta[0] == pytest.approx(theirs.fe_params[2], rel=1e-7)
    assert ours.fit.facts["variance_school"] == pytest.approx(theirs.cov_re[0, 0], rel=1e-5)


def test_its_error_is_the_default_and_others_are_refused_by_name() -> None:
    frame = schools()
    effect = estimate(frame)
    assert isinstance(effect.inference, OwnVariance)
    assert effect.reason == "own_variance"
    with pytest.raises(EffectError, match="multilevel"):
        estimate(frame, ClusterRobust("school"))


def test_a_student_compared_with_several_cohorts_has_an_intercept() -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"student": np.repeat(np.arange(120), 4), "year": np.tile([1, 2, 3, 4], 120)})
    frame["start"] = np.array([3.0, 4.0, np.nan])[frame["student"] % 3]
    frame["school"] = frame["student"] // 12
    frame["absent"] = rng.normal(0, 3, 120)[frame["student"]] - 2.0 * (frame["year"] >= frame["start"])
    frame["absent"] += rng.normal(0, 2, 10)[frame["school"]] + rng.normal(size=len(frame))
    panel = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school"
    )
    effect = estimate_effect(choose_design(panel, Unadjusted(), covariates=[]), "absent", Multilevel())
    assert 4 < float(effect.fit.facts["variance_student"]) < 16  # type: ignore[arg-type]
    assert abs(effect.fit.theta[0] + 2) < 3 * effect.std_error[0]


def test_intervals_cover_with_few_mentors_where_errors_that_ignore_them_miss() -> None:
    """50 draws, six mentors with eight mentees: nominal 95 %; students as independent cover far less."""
    covered = np.zeros(2)
    for seed in range(50):
        frame = mentees(mentors=6, size=8, alone=60, seed=1000 + seed)
        roles = {"school": None, "mentor": "mentor"}
        mixed = estimate(frame, roles=roles).frame.iloc[0]
        panel = panel_from_frame(frame, unit="student", treated="mentored", outcomes=["absent"])
        design = choose_design(panel, Unadjusted())
        alone = estimate_effect(
            design, "absent", RegressionAdjustment(), inference=ClusterRobust("student")
        ).frame.iloc[0]
        covered += [one["conf_low"] < -3 < one["conf_high"] for one in (mixed, alone)]
    assert covered[0] >= 45
    assert covered[1] <= 42


def test_levels_that_can_not_be_told_are_left_out_and_named() -> None:
    frame = mentees()
    one = estimate(frame.assign(school="only"), roles={"mentor": "mentor"})
    assert one.fit.facts["levels_left_out"] == ("school",)
    assert "variance_school" not in one.fit.facts
    with pytest.raises(EffectError, match="random intercepts for school and mentor, and this panel names none"):
        estimate(frame, roles={"school": None})
    with pytest.raises(EffectError, match=r"no school"):
        estimate(frame.assign(school=["a", None] * 29), levels=("school",))
    with pytest.raises(EffectError, match="exactly"):
        estimate(frame.assign(school=frame["student"] % 5, absent=3.0 * frame["mentored"]))
    with pytest.raises(OptionError, match="needs a level"):
        Multilevel(levels=())
