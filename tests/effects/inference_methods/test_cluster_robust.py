"""Cluster-robust errors: each correction, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import FloatArray
from mentoreval.design.design import choose_design
from mentoreval.effects.absorbed import spell_out
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, DifferenceInMeans, EventStudy, RegressionAdjustment
from mentoreval.effects.inference_methods import ClusterRobust, HeteroskedasticityRobust
from mentoreval.errors import EffectError, OptionError
from mentoreval.numerics.sandwich import Regression, bias_reduced_vcov, jackknife_vcov, leverage_vcov
from mentoreval.panel.panel import Panel, panel_from_frame


def error(panel: Panel, estimator: Any, inference: Any) -> FloatArray:
    return estimate_effect(choose_design(panel), "absent", estimator, inference=inference).std_error


def test_cr0_and_cr1_differ_by_the_stated_factors(panel: Panel) -> None:
    g, n = 8, 160  # schools; 80 treated and twice 40 comparison entries
    plain = error(panel, Did2x2(), ClusterRobust("school", "CR0"))
    np.testing.assert_allclose(
        error(panel, Did2x2(), ClusterRobust("school")), plain * np.sqrt(g / (g - 1) * (n - 1) / (n - 3)), rtol=1e-12
    )
    plain = error(panel, CallawaySantAnna(), ClusterRobust("school", "CR0"))
    np.testing.assert_allclose(
        error(panel, CallawaySantAnna(), ClusterRobust("school")), plain * np.sqrt(g / (g - 1)), rtol=1e-12
    )


def test_degrees_of_freedom(panel: Panel) -> None:
    design = choose_design(panel)
    for small_sample, df in (("CR0", np.inf), ("CR1", 7.0), ("CR3", 7.0)):
        effect = estimate_effect(design, "absent", Did2x2(), inference=ClusterRobust("school", small_sample))
        assert effect.frame["df"].tolist() == [df]
    satterthwaite = estimate_effect(design, "absent", Did2x2(), inference=ClusterRobust("school", "CR2"))
    assert 1 < satterthwaite.frame["df"].iloc[0] < 7


def with_dummies(panel: Panel, frame: pd.DataFrame) -> Regression:
    """The event study with a column for every student and every year, effects of event times first."""
    relative = (frame["year"] - frame["start"]).to_numpy()
    times = [-3, -2, 0, 1, 2]
    student, year = panel.row_unit, panel.row_period
    X = np.column_stack([*(relative == time for time in times), np.eye(120)[student], np.eye(5)[year][:, 1:]])
    X, y = X.astype(float), frame["absent"].to_numpy()
    bread = np.linalg.inv(X.T @ X)
    return Regression(X, np.ones(len(y)), y - X @ bread @ X.T @ y, bread, np.eye(5, X.shape[1]))


def test_cr2_and_cr3_of_absorbed_effects_are_those_of_all_dummies(panel: Panel, frame: pd.DataFrame) -> None:
    model = with_dummies(panel, frame)
    effect = estimate_effect(choose_design(panel), "absent", EventStudy(), inference=ClusterRobust("student", "CR2"))
    estimated = effect.frame["term"].str.startswith("event_time").to_numpy()
    vcov, df = bias_reduced_vcov(model, panel.row_unit)
    np.testing.assert_allclose(effect.std_error[estimated], np.sqrt(np.diag(vcov)), rtol=1e-8)
    np.testing.assert_allclose(effect.df[estimated], df, rtol=1e-8)
    jackknife = ClusterRobust("student", "CR3").apply(effect.fit)
    np.testing.assert_allclose(
        jackknife.std_error[estimated], np.sqrt(np.diag(jackknife_vcov(model, panel.row_unit))), rtol=1e-8
    )


def test_leverages_of_absorbed_effects_are_those_of_all_dummies(panel: Panel, frame: pd.DataFrame) -> None:
    linear = EventStudy().fit(choose_design(panel), "absent").linear
    assert linear is not None
    model, leverage = spell_out(linear)
    expected = leverage_vcov(with_dummies(panel, frame), np.zeros(len(frame)), 1.0)
    found = leverage_vcov(model, leverage, 1.0)[np.ix_([0, 1, 3, 4, 5], [0, 1, 3, 4, 5])]
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_one_school_is_refused_with_what_to_do(frame: pd.DataFrame) -> None:
    panel = panel_from_frame(
        frame.assign(school="only"),
        unit="student",
        period="year",
        first_treated="start",
        outcomes=["absent"],
        school="school",
    )
    with pytest.raises(EffectError, match=r"in one school, and one school can not carry.*Cluster by student"):
        error(panel, DifferenceInMeans(), ClusterRobust("school"))


def test_a_cluster_that_is_not_there_is_refused_by_name(panel: Panel) -> None:
    with pytest.raises(EffectError, match="no clusters named 'classroom' on this design; it has: student, school"):
        error(panel, Did2x2(), ClusterRobust("classroom"))
    with pytest.raises(EffectError, match="matching with replacement"):
        error(panel, Did2x2(), ClusterRobust("matched_set"))
    with pytest.raises(EffectError, match="Name the column of the mentor"):
        error(panel, Did2x2(), ClusterRobust("mentor"))


@pytest.mark.parametrize("small_sample", ["CR2", "CR3"])
def test_corrections_that_need_the_regression_say_so(panel: Panel, small_sample: Any) -> None:
    with pytest.raises(EffectError, match=f"{small_sample} needs the regression itself, and callaway_santanna"):
        error(panel, CallawaySantAnna(), ClusterRobust("school", small_sample))


def test_a_cluster_is_always_used(panel: Panel) -> None:
    """Three clusters, three errors; none of them is that of independent rows."""
    for estimator in (DifferenceInMeans(), RegressionAdjustment(), Did2x2(), EventStudy(), CallawaySantAnna()):
        by_school = error(panel, estimator, ClusterRobust("school", "CR0"))
        by_student = error(panel, estimator, ClusterRobust("student", "CR0"))
        kept = by_student > 0
        assert not np.allclose(by_school[kept], by_student[kept], rtol=1e-3), estimator.name


def test_an_unknown_correction_is_refused() -> None:
    with pytest.raises(OptionError, match="'CR0', 'CR1', 'CR2', 'CR3'"):
        ClusterRobust(small_sample="CR4")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="'HC0', 'HC1', 'HC2', 'HC3'"):
        HeteroskedasticityRobust("HC4")  # type: ignore[arg-type]


def test_mentees_of_one_mentor_are_one_cluster(frame: pd.DataFrame) -> None:
    mentored = frame["year"] >= frame["start"]
    number = frame["student"].str[1:].astype(int)
    panel = panel_from_frame(
        frame.assign(mentor=("m" + (number // 12).astype(str)).where(mentored)),
        unit="student",
        period="year",
        first_treated="start",
        outcomes=["absent"],
        mentor="mentor",
    )
    effect = estimate_effect(choose_design(panel), "absent", CallawaySantAnna(), inference=ClusterRobust("mentor"))
    assert effect.n_clusters == 10 + 40  # ten mentors, and every comparison student alone


def test_a_joint_test_with_cr2_is_hotellings_and_one_effect_is_its_t(panel: Panel) -> None:
    effect = estimate_effect(choose_design(panel), "absent", EventStudy(), inference=ClusterRobust("school", "CR2"))
    row = effect.frame[effect.frame["event_time"] == -2].iloc[0]
    alone = effect.joint_test([row["term"]])
    assert (alone.scale, alone.df_denominator) == pytest.approx((1.0, row["df"]))
    assert alone.p_value == pytest.approx(row["p_value"])
    both = effect.joint_test()
    assert both.df == 2
    assert both.scale == pytest.approx(both.df_denominator / (both.df_denominator + 1))
    assert both.df_denominator < 7  # of eight schools


def test_more_effects_than_the_clusters_can_test_together_are_refused(frame: pd.DataFrame) -> None:
    panel = panel_from_frame(
        frame.assign(school=(frame["student"].str[1:].astype(int) // 10).clip(upper=4)),
        unit="student",
        period="year",
        first_treated="start",
        outcomes=["absent"],
        school="school",
    )
    effect = estimate_effect(choose_design(panel), "absent", EventStudy(), inference=ClusterRobust("school", "CR2"))
    with pytest.raises(EffectError, match=r"5 school clusters tell 4 effects with .* too few to test them together"):
        effect.joint_test([f"event_time={time}" for time in (-3, -2, 0, 1)])
