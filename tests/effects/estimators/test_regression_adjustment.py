"""Regression adjustment: equal to statsmodels and to R after matching; every bad covariate is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import RegressionAdjustment
from mentoreval.effects.inference_methods import ClusterRobust, HeteroskedasticityRobust
from mentoreval.errors import DesignError, EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame


def cross_section(n: int = 90, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "student": np.arange(n),
            "mentored": (np.arange(n) % 3 == 0).astype(int),
            "gpa": rng.normal(2.7, 0.5, n),
            "grade": rng.choice(["6", "7", "8"], n),
            "lunch": rng.random(n) < 0.5,
            "school": rng.choice([f"s{i}" for i in range(12)], n),
            "w": rng.uniform(0.5, 2.0, n),
        }
    )
    data["absent"] = 12 - 2 * data["mentored"] - 3 * data["gpa"] + 2 * (data["grade"] == "8") + rng.normal(0, 2, n)
    return data


def make_panel(data: pd.DataFrame, **roles: Any) -> Panel:
    named = {"covariates": ["gpa", "grade", "lunch"], "school": "school", "weight": "w", **roles}
    return panel_from_frame(data, unit="student", treated="mentored", outcomes=["absent"], **named)


def first(effect: Estimate) -> pd.Series:
    return effect.frame.iloc[0]


@pytest.mark.parametrize("inference", [HeteroskedasticityRobust(), ClusterRobust("school")], ids=["HC1", "school"])
def test_it_is_the_weighted_regression_of_statsmodels(inference: Any) -> None:
    smf = pytest.importorskip("statsmodels.formula.api")
    data = cross_section()
    row = first(estimate_effect(choose_design(make_panel(data)), "absent", inference=inference))
    model = smf.wls("absent ~ mentored + gpa + C(grade) + lunch", data, weights=data["w"])
    options = {"cov_type": "HC1"}
    if isinstance(inference, ClusterRobust):
        options = {"cov_type": "cluster", "cov_kwds": {"groups": data["school"].factorize()[0]}}
    peer = model.fit(use_t=True, **options)
    assert row["estimate"] == pytest.approx(peer.params["mentored"], rel=1e-10)
    assert row["std_error"] == pytest.approx(peer.bse["mentored"], rel=1e-9)
    df = 11 if isinstance(inference, ClusterRobust) else 90 - 6
    assert row["df"] == df
    if isinstance(inference, HeteroskedasticityRobust):
        assert row["p_value"] == pytest.approx(peer.pvalues["mentored"], rel=1e-8)
        assert row["conf_low"] == pytest.approx(peer.conf_int().loc["mentored", 0], rel=1e-9)


@pytest.mark.parametrize("small_sample", ["HC1", "HC2", "HC3"])
def test_absorbed_schools_are_dummies_of_schools(small_sample: Any) -> None:
    smf = pytest.importorskip("statsmodels.formula.api")
    data = cross_section()
    panel = make_panel(data, weight=None)
    estimator = RegressionAdjustment(covariates=("gpa",), fixed_effects=("school",))
    inference = HeteroskedasticityRobust(small_sample)
    row = first(estimate_effect(choose_design(panel), "absent", estimator, inference=inference))
    peer = smf.ols("absent ~ mentored + gpa + C(school)", data).fit(cov_type=small_sample)
    assert row["estimate"] == pytest.approx(peer.params["mentored"], rel=1e-10)
    assert row["std_error"] == pytest.approx(peer.bse["mentored"], rel=1e-9)
    assert row["df"] == peer.df_resid


def test_two_absorbed_categories_are_dummies_of_both() -> None:
    smf = pytest.importorskip("statsmodels.formula.api")
    data = cross_section()
    estimator = RegressionAdjustment(covariates=("gpa",), fixed_effects=("school", "grade"))
    design = choose_design(make_panel(data))
    for small_sample in ("HC1", "HC3"):
        row = first(estimate_effect(design, "absent", estimator, inference=HeteroskedasticityRobust(small_sample)))
        model = smf.wls("absent ~ mentored + gpa + C(school) + C(grade)", data, weights=data["w"])
        peer = model.fit(cov_type=small_sample)
        assert row["estimate"] == pytest.approx(peer.params["mentored"], rel=1e-9)
        assert row["std_error"] == pytest.approx(peer.bse["mentored"], rel=1e-8)


def test_effects_nested_in_the_clusters_do_not_count_as_coefficients() -> None:
    design = choose_design(make_panel(cross_section()))
    estimator = RegressionAdjustment(covariates=("gpa",), fixed_effects=("school",))
    by_school = estimate_effect(design, "absent", estimator, inference=ClusterRobust("school"))
    plain = estimate_effect(design, "absent", estimator, inference=ClusterRobust("school", "CR0"))
    factor = 12 / 11 * 89 / (90 - 3)  # treatment, gpa and one intercept
    assert first(by_school)["std_error"] == pytest.approx(first(plain)["std_error"] * np.sqrt(factor))


def test_prior_outcomes_adjust_where_there_is_a_period_before(panel: Panel) -> None:
    design = choose_design(panel)
    effect = estimate_effect(design, "absent")  # the default
    assert design.covariates == ("gpa", "grade", "prior_absent")
    assert effect.fit.linear is not None
    assert effect.fit.linear.regressors.shape[1] == 2 + 1 + 2 + 1 + 1  # cohorts, gpa, grades, prior, treatment
    assert abs(first(effect)["estimate"] - -2.0) < 4 * first(effect)["std_error"]


def test_complete_cases_are_counted() -> None:
    data = cross_section()
    data.loc[[0, 1, 2, 3], "gpa"] = np.nan
    effect = estimate_effect(choose_design(make_panel(data)), "absent")
    assert effect.fit.facts["treated_without_covariates"] == 2
    assert effect.fit.facts["comparison_without_covariates"] == 2
    assert len(effect.fit.entries) == 86
    complete = estimate_effect(choose_design(make_panel(data.drop(index=[0, 1, 2, 3]))), "absent")
    assert first(effect)["std_error"] == pytest.approx(first(complete)["std_error"])


def test_a_constant_covariate_is_named() -> None:
    design = choose_design(make_panel(cross_section().assign(lunch=True)))
    with pytest.raises(DesignError, match="lunch"):
        estimate_effect(design, "absent")


def test_a_covariate_that_repeats_others_is_named() -> None:
    data = cross_section().assign(double=lambda d: 2 * d["gpa"] + 1)
    design = choose_design(make_panel(data, covariates=["gpa", "double"]))
    with pytest.raises(EffectError, match="1 regressors are combinations of the other regressors: double"):
        estimate_effect(design, "absent")


def test_a_covariate_that_tells_who_is_treated_is_an_error() -> None:
    data = cross_section().assign(mentor_list=lambda d: d["mentored"] * 5 + 1)
    design = choose_design(make_panel(data, covariates=["mentor_list"]))
    with pytest.raises(EffectError, match="tell exactly who is treated"):
        estimate_effect(design, "absent")


def test_schools_that_are_wholly_treated_or_not_leave_no_comparison_within_schools() -> None:
    data = cross_section()
    data["mentored"] = data["school"].isin(["s0", "s1", "s2"]).astype(int)
    estimator = RegressionAdjustment(covariates=(), fixed_effects=("school",))
    with pytest.raises(EffectError, match="the fixed effects: they tell exactly who is treated"):
        estimate_effect(choose_design(make_panel(data)), "absent", estimator)


def test_schools_with_numbers_are_categories() -> None:
    data = cross_section()
    numbered = data.assign(school=data["school"].str[1:].astype(int))
    estimator = RegressionAdjustment(covariates=("gpa", "school"))
    found = estimate_effect(choose_design(make_panel(numbered)), "absent", estimator)
    expected = estimate_effect(choose_design(make_panel(data)), "absent", estimator)
    assert first(found)["estimate"] == pytest.approx(first(expected)["estimate"], rel=1e-12)


def test_fixed_effects_that_are_not_there() -> None:
    design = choose_design(make_panel(cross_section(), school=None))
    with pytest.raises(EffectError, match="the panel has none"):
        estimate_effect(design, "absent", RegressionAdjustment(fixed_effects=("school",)))
    with pytest.raises(EffectError, match="90 of 90 entries are in no matched set"):
        estimate_effect(design, "absent", RegressionAdjustment(fixed_effects=("matched_set",)))


def test_more_coefficients_than_students_are_refused() -> None:
    data = cross_section(6).assign(more=[1.0, 2, 4, 8, 16, 31], grade=list("676878"))
    design = choose_design(make_panel(data, covariates=["gpa", "grade", "more"], weight=None))
    with pytest.raises(EffectError, match="6 rows can not carry 6 coefficients"):
        estimate_effect(design, "absent")


@pytest.mark.parametrize("case", ["nearest_default", "nearest_replace", "nearest_caliper02", "nearest_exact_race"])
def test_after_matching_it_has_the_numbers_of_r(case: str, reference: Path, given: Any) -> None:
    """MatchIt 4.7.2 weights and sets, lm with weights, sandwich::vcovCL by subclass or vcovHC."""
    stored = json.loads((reference / "lalonde_matching.json").read_text())["results"][case]
    data = pd.read_csv(reference / "data" / "lalonde.csv")
    panel = panel_from_frame(
        data,
        unit="id",
        treated="treat",
        outcomes=["re78"],
        covariates=["age", "educ", "race", "married", "nodegree", "re74", "re75"],
    )
    order = pd.Index(data["id"]).get_indexer(panel.units)
    weights = np.array(stored["weights"], dtype=float)[order]
    sets: tuple[int, ...] = ()
    if "subclass" in stored:
        subclass = [-1 if s is None else int(s) for s in stored["subclass"]]
        sets = tuple(np.array(subclass)[order].tolist())
    design = choose_design(panel, given(tuple(weights.tolist()), sets))
    for name, covariates in (("diff_in_means", ()), ("adjusted", None)):
        values = stored["effects"][name]
        estimator = RegressionAdjustment(covariates=covariates)
        for kind, key in (("HC1", "se_hc1"), ("HC3", "se_hc3")):
            row = first(estimate_effect(design, "re78", estimator, inference=HeteroskedasticityRobust(kind)))
            assert row["estimate"] == pytest.approx(values["estimate"], rel=1e-8)
            assert row["std_error"] == pytest.approx(values[key], rel=1e-8)
        if "se_cluster_subclass" in values:
            effect = estimate_effect(design, "re78", estimator)  # matched sets are the natural cluster
            assert effect.cluster == "matched_set"
            assert effect.n_clusters == values["n_clusters"]
            assert first(effect)["std_error"] == pytest.approx(values["se_cluster_subclass"], rel=1e-8)
        else:
            with pytest.raises(EffectError, match="Matched sets exist where"):
                estimate_effect(design, "re78", estimator, inference=ClusterRobust("matched_set"))


@pytest.mark.parametrize("estimand", ["ATT", "ATE", "ATC"])
@pytest.mark.parametrize(
    "inference", [HeteroskedasticityRobust("HC0"), ClusterRobust("school", "CR0")], ids=["HC0", "school"]
)
def test_the_interacted_form_is_g_computation_with_the_delta_method(estimand: Any, inference: Any) -> None:
    """Predictions of statsmodels with and without the program, averaged; their gradient gives the error."""
    sm = pytest.importorskip("statsmodels.api")
    data = cross_section()
    data["absent"] += data["mentored"] * (data["gpa"] - 2.7)
    own = np.column_stack([np.ones(90), data["gpa"], data["grade"] == "7", data["grade"] == "8", data["lunch"]]).astype(
        float
    )
    D, w = data["mentored"].to_numpy(float), data["w"].to_numpy()
    options: dict[str, Any] = {"cov_type": "HC0"}
    if isinstance(inference, ClusterRobust):
        groups = data["school"].factorize()[0]
        options = {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": False}}
    peer = sm.WLS(data["absent"], np.column_stack([own, D[:, None] * own]), weights=w).fit(**options)
    target = w * {"ATT": D, "ATC": 1 - D, "ATE": np.ones(90)}[estimand]
    gradient = np.concatenate([np.zeros(5), target @ own / target.sum()])
    design = choose_design(make_panel(data), estimand=estimand)
    row = first(estimate_effect(design, "absent", RegressionAdjustment(interacted=True), inference=inference))
    assert row["estimate"] == pytest.approx(gradient @ peer.params, rel=1e-8)
    assert row["std_error"] == pytest.approx(np.sqrt(gradient @ peer.cov_params() @ gradient), rel=1e-6)


def test_the_interacted_form_averages_the_effects_of_cohorts_over_the_treated() -> None:
    """Two cohorts whose effects are −1 and −3, of 10 and 20 treated: (−10 − 60)/30 exactly, for nothing else varies."""
    n = 90
    start = np.select([np.arange(n) < 10, np.arange(n) < 30], [2.0, 3.0], np.nan)
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 3), "year": np.tile([1, 2, 3], n)})
    frame["start"] = start[frame["student"]]
    frame["absent"] = 10.0 + frame["year"] + np.where(frame["year"] >= frame["start"], 3.0 - 2 * frame["start"], 0.0)
    panel = panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])
    fit = RegressionAdjustment(covariates=(), interacted=True).fit(choose_design(panel, covariates=[]), "absent")
    assert fit.theta[0] == pytest.approx((10 * -1 + 20 * -3) / 30, abs=1e-10)


def test_interactions_are_refused_where_they_have_no_meaning() -> None:
    with pytest.raises(OptionError, match="Leave out one of the two"):
        RegressionAdjustment(interacted=True, fixed_effects=("school",))
