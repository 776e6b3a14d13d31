"""Propensity models beside the logit: likelihood equations, other software, simulated truth, and what they refuse."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

import mentoreval as me
from mentoreval.design.design import Baseline, stand_at_start
from mentoreval.design.propensity import PropensityModel
from mentoreval.design.propensity_models import PROPENSITY_MODELS
from mentoreval.panel.panel import Panel
from mentoreval.registry import build, spec_of

FITTED = [me.Probit(), me.PenalizedLogit(), me.PenalizedLogit(penalty="ridge"), me.MultilevelLogit()]
EVERY_FITTED = pytest.mark.parametrize(
    "model", FITTED, ids=lambda model: f"{model.name}-{getattr(model, 'penalty', '')}"
)
TREES = pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="the extra `trees` is not installed")


def baseline_of(panel: Panel, covariates: list[str] | None = None) -> Baseline:
    return stand_at_start(panel, tuple(panel.covariates if covariates is None else covariates))


def scores_of(model: PropensityModel, panel: Panel, covariates: list[str] | None = None) -> Any:
    base = baseline_of(panel, covariates)
    return model.score(base, base.comparable())


def design_matrix(students: pd.DataFrame) -> np.ndarray:
    levels = [(students["grade"] == grade).astype(float) for grade in ("7", "8")]
    columns = [np.ones(len(students)), students["gpa"], students["absent"], *levels, students["lunch"].astype(float)]
    return np.column_stack(columns)


def refusal(model: PropensityModel, panel: Panel) -> str:
    base = baseline_of(panel)
    with pytest.raises(me.DesignError) as caught:
        model.score(base, base.comparable())
    return str(caught.value)


# ---------------------------------------------------------------------- what all of them do
@pytest.mark.parametrize(
    "model", [me.Probit(), me.PenalizedLogit(), me.MultilevelLogit()], ids=lambda model: model.name
)
def test_sampling_weights_count_students_as_often(
    model: PropensityModel, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    """Firth's penalty included: the information is that of the doubled sample. (A ridge is per spread of the rows.)"""
    once = panel_of(students.assign(w=np.where(students["grade"] == "6", 2.0, 1.0)), weight="w")
    twice = students[students["grade"] == "6"].assign(id=lambda frame: frame["id"] + "b")
    doubled = panel_of(pd.concat([students, twice], ignore_index=True))
    left, right = (scores_of(model, panel).probability for panel in (once, doubled))
    np.testing.assert_allclose(left, right[: len(students)], atol=1e-5)


@EVERY_FITTED
def test_entries_that_are_not_considered_have_no_score(
    model: PropensityModel, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students.loc[[3, 5], "gpa"] = np.nan
    scores = scores_of(model, panel_of(students))
    assert np.flatnonzero(np.isnan(scores.probability)).tolist() == [3, 5]
    assert np.flatnonzero(np.isnan(scores.linear)).tolist() == [3, 5]


@EVERY_FITTED
def test_units_of_measurement_change_no_score(
    model: PropensityModel, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    left = scores_of(model, panel_of(students))
    right = scores_of(model, panel_of(students.assign(absent=students["absent"] * 1e4 - 7)))
    np.testing.assert_allclose(left.probability, right.probability, atol=1e-7)
    ratio = left.facts["propensity_coefficients"]["absent"] / right.facts["propensity_coefficients"]["absent"]
    assert ratio == pytest.approx(1e4, rel=1e-5)


@EVERY_FITTED
def test_cohorts_share_one_model_with_an_indicator(model: PropensityModel, cohort_panel: Panel) -> None:
    base = stand_at_start(cohort_panel, ("gpa", "prior_absent"))
    scores = model.score(base, base.comparable())
    assert list(scores.facts["propensity_coefficients"]) == ["intercept", "gpa", "prior_absent", "cohort = 2021"]


@EVERY_FITTED
def test_coefficients_in_the_units_of_the_covariates_give_the_scores(
    model: PropensityModel, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    scores = scores_of(model, panel_of(students))
    found = design_matrix(students) @ np.array(list(scores.facts["propensity_coefficients"].values()))
    if isinstance(model, me.MultilevelLogit):
        found = found + students["school"].map(scores.facts["school_intercepts"]).to_numpy()
    np.testing.assert_allclose(scores.linear, found, atol=1e-9)


def test_every_model_can_weight_a_design(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    for model in FITTED:
        raw = me.choose_design(panel_of(students), me.Unadjusted()).balance(["gpa", "absent"]).frame["smd_after"]
        design = me.choose_design(panel_of(students), me.OddsWeighting(model))
        assert design.balance(["gpa", "absent"]).frame["smd_after"].iloc[1:].abs().max() < raw.abs().max() / 2
        assert design.weighting.facts["propensity_model"] == model.name


@pytest.mark.parametrize("name", sorted(PROPENSITY_MODELS))
def test_it_can_be_written_in_a_study_file(name: str) -> None:
    options = {"column": "lottery"} if name == "given_scores" else {}
    made = build(PROPENSITY_MODELS, {"kind": name, **options}, "propensity model")
    assert build(PROPENSITY_MODELS, spec_of(made), "propensity model") == made


# ---------------------------------------------------------------------- probit
def test_a_probit_equals_that_of_statsmodels(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    from statsmodels.discrete.discrete_model import Probit

    theirs = Probit(students["mentored"].astype(float), design_matrix(students)).fit(disp=0, tol=1e-14)
    ours = scores_of(me.Probit(), panel_of(students))
    found = np.array(list(ours.facts["propensity_coefficients"].values()))
    np.testing.assert_allclose(found, theirs.params, atol=1e-8)
    np.testing.assert_allclose(ours.probability, norm.cdf(ours.linear), atol=1e-12)


def test_a_probit_explains_separation(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["mentored"] = students["absent"] > 12
    assert "'absent' predicts treatment perfectly" in refusal(me.Probit(), panel_of(students))
    students["mentored"] = students["gpa"] + 0.1 * students["absent"] > 4
    assert "together" in refusal(me.Probit(), panel_of(students))


# ---------------------------------------------------------------------- penalized logit
def test_firth_adds_half_a_student_to_each_cell_of_a_table(panel_of: Callable[..., Panel]) -> None:
    """With one yes/no covariate the model is saturated, and Firth's estimate is the log odds of the counts plus ½.

    None of the 6 with lunch = 0 is mentored: the logit has no finite estimate, and Firth's log odds are log(½ / 6½).
    """
    frame = pd.DataFrame({"lunch": [False] * 6 + [True] * 10, "mentored": [False] * 6 + [True] * 4 + [False] * 6})
    panel = panel_of(frame.assign(id=range(16), attendance=0.0), covariates=["lunch"], school=None)
    assert "predicts treatment perfectly" in refusal(me.Logit(), panel)
    scores = scores_of(me.PenalizedLogit(), panel)
    np.testing.assert_allclose(scores.linear[:6], np.log(0.5 / 6.5), atol=1e-8)
    np.testing.assert_allclose(scores.linear[6:], np.log(4.5 / 6.5), atol=1e-8)


def test_firth_solves_its_modified_equations(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """Σ (y − p + h(½ − p)) x = 0, with h the diagonal of the hat matrix; on separated data too."""
    students["mentored"] = students["absent"] > 12
    scores = scores_of(me.PenalizedLogit(), panel_of(students))
    X, p = design_matrix(students), scores.probability
    root = np.sqrt(p * (1 - p))[:, None] * X
    hat = np.diag(root @ np.linalg.solve(root.T @ root, root.T))
    left = X.T @ (students["mentored"] - p + hat * (0.5 - p))
    np.testing.assert_allclose(left / np.abs(X).sum(axis=0), 0, atol=1e-8)
    assert np.abs(scores.linear).max() < 100


def test_a_ridge_solves_its_penalized_equations(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """Σ (y − p) x = strength · variance · β for each covariate, and 0 for the intercept."""
    scores = scores_of(me.PenalizedLogit(penalty="ridge", strength=3.0), panel_of(students))
    X = design_matrix(students)
    beta = np.array(list(scores.facts["propensity_coefficients"].values()))
    left = X.T @ (students["mentored"] - scores.probability)
    centred = left - X.mean(axis=0) * left[0]
    np.testing.assert_allclose(centred, 3.0 * X.var(axis=0) * beta, atol=1e-6)
    assert abs(left[0]) < 1e-6


def test_a_ridge_that_does_not_bind_is_a_logit(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    loose = scores_of(me.PenalizedLogit(penalty="ridge", strength=1e-9), panel_of(students))
    np.testing.assert_allclose(loose.probability, scores_of(me.Logit(), panel_of(students)).probability, atol=1e-7)


def test_a_penalty_needs_a_strength() -> None:
    with pytest.raises(me.OptionError, match="strength is a number above 0"):
        me.PenalizedLogit(penalty="ridge", strength=0.0)


# ---------------------------------------------------------------------- multilevel logit
def school_frame(n: int, schools: int, spread: float, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    school, x, of_school = rng.integers(0, schools, n), rng.normal(size=n), rng.normal(0, spread, schools)
    frame = pd.DataFrame({"id": np.arange(n), "gpa": x, "attendance": 0.0})
    frame["school"] = [f"s{code:03d}" for code in school]
    frame["mentored"] = rng.random(n) < expit(-1.5 + 0.7 * x + of_school[school])
    return frame, of_school


def test_school_intercepts_and_their_spread_are_found(panel_of: Callable[..., Panel]) -> None:
    """50 a school: the coefficient within 3 standard errors, the spread within 3 of its own, σ/√(2 · 200)."""
    frame, of_school = school_frame(10_000, 200, 0.8, seed=5)
    facts = scores_of(me.MultilevelLogit(), panel_of(frame, covariates=["gpa"])).facts
    assert facts["propensity_coefficients"]["gpa"] == pytest.approx(0.7, abs=3 * 0.03)
    assert facts["school_spread"] == pytest.approx(0.8, abs=3 * 0.8 / np.sqrt(400) + 0.03)
    predicted = np.array(list(facts["school_intercepts"].values()))
    assert np.corrcoef(predicted, of_school)[0, 1] > 0.85
    assert predicted.std() < of_school.std(), "drawn towards each other"


def test_a_multilevel_logit_is_near_the_exact_likelihood(panel_of: Callable[..., Panel]) -> None:
    """The twin integrates the school intercepts out by quadrature; Laplace's approximation is off by a few percent."""
    from scipy.optimize import minimize

    frame, _ = school_frame(1_500, 30, 1.0, seed=6)
    facts = scores_of(me.MultilevelLogit(), panel_of(frame, covariates=["gpa"])).facts
    nodes, masses = np.polynomial.hermite_e.hermegauss(30)
    codes, sign = pd.factorize(frame["school"])[0], np.where(frame["mentored"], 1.0, -1.0)

    def minus_log_likelihood(theta: np.ndarray) -> float:
        eta = theta[0] + theta[1] * frame["gpa"].to_numpy()[:, None] + np.exp(theta[2]) * nodes
        each = -np.logaddexp(0, -sign[:, None] * eta)
        by_school = np.array([np.bincount(codes, each[:, node]) for node in range(30)]).T
        top = by_school.max(axis=1)
        return -float((top + np.log(np.exp(by_school - top[:, None]) @ masses)).sum())

    exact = minimize(minus_log_likelihood, np.array([-1.5, 0.7, 0.0]), method="BFGS").x
    found = facts["propensity_coefficients"]
    assert found["intercept"] == pytest.approx(exact[0], abs=0.05)
    assert found["gpa"] == pytest.approx(exact[1], rel=0.03)
    assert facts["school_spread"] == pytest.approx(np.exp(exact[2]), rel=0.03)


def test_schools_that_are_all_alike_have_no_spread(panel_of: Callable[..., Panel]) -> None:
    frame, _ = school_frame(10_000, 10, 0.0, seed=7)
    panel = panel_of(frame, covariates=["gpa"])
    scores = scores_of(me.MultilevelLogit(), panel)
    assert scores.facts["school_spread"] < 0.1
    np.testing.assert_allclose(scores.probability, scores_of(me.Logit(), panel).probability, atol=0.02)


def test_a_school_without_treated_students_has_low_scores_and_no_error(panel_of: Callable[..., Panel]) -> None:
    frame, _ = school_frame(1_000, 10, 0.8, seed=8)
    none = frame["school"] == "s003"
    frame.loc[none, "mentored"] = False
    scores = scores_of(me.MultilevelLogit(), panel_of(frame, covariates=["gpa", "school"]))
    assert 0 < scores.probability[none].mean() < scores.probability[~none].mean()
    assert list(scores.facts["propensity_coefficients"]) == ["intercept", "gpa"]


def test_schools_that_are_missing_or_all_the_same(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    assert "All students have the same 'school'" in refusal(me.MultilevelLogit(), panel_of(students.assign(school="a")))
    students.loc[[1, 2], "school"] = None
    message = refusal(me.MultilevelLogit(), panel_of(students))
    assert "'school' is missing for 2 of 240 students" in message


# ---------------------------------------------------------------------- given scores
def test_given_scores_are_taken_as_they_are(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    given = np.random.default_rng(3).uniform(0.1, 0.9, len(students))
    panel = panel_of(students.assign(lottery=given), covariates=["gpa", "lottery"])
    scores = scores_of(me.GivenScores("lottery"), panel)
    np.testing.assert_array_equal(scores.probability, given)
    np.testing.assert_allclose(scores.linear, logit(given))


@pytest.mark.parametrize(("wrong", "shown"), [(1.0, "1.0"), (0.0, "0.0"), (35.0, "35.0")])
def test_given_scores_that_are_no_probabilities(
    wrong: float, shown: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students["lottery"] = 0.3
    students.loc[:3, "lottery"] = wrong
    students.loc[4:6, "lottery"] = 0.4
    message = refusal(me.GivenScores("lottery"), panel_of(students, covariates=["gpa", "lottery"]))
    assert f"'lottery' is no propensity score for 4 of 240 students (first: {shown})" in message


def test_given_scores_need_a_column_that_exists(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(me.OptionError, match="column names the covariate"):
        me.GivenScores("")
    with pytest.raises(me.DataError, match="lotery"):
        scores_of(me.GivenScores("lotery"), panel_of(students))


# ---------------------------------------------------------------------- boosted trees
def tree_panel(panel_of: Callable[..., Panel]) -> tuple[np.ndarray, Panel]:
    """Treatment depends on an interaction that a logit of main effects can not see."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"id": np.arange(2_000), "gpa": rng.normal(size=2_000), "absent": rng.normal(size=2_000)})
    truth = expit(-0.5 + 1.5 * np.sign(frame["gpa"] * frame["absent"])).to_numpy()
    frame = frame.assign(mentored=rng.random(2_000) < truth, attendance=0.0)
    return truth, panel_of(frame, covariates=["gpa", "absent"], school=None)


@TREES
def test_trees_find_an_interaction(panel_of: Callable[..., Panel]) -> None:
    truth, panel = tree_panel(panel_of)
    trees = scores_of(me.BoostedTrees(), panel).probability
    assert np.corrcoef(trees, truth)[0, 1] > 0.85
    assert abs(np.corrcoef(scores_of(me.Logit(), panel).probability, truth)[0, 1]) < 0.3


@TREES
def test_trees_are_grown_on_others_and_can_be_grown_again(panel_of: Callable[..., Panel]) -> None:
    """Where chance decides, scores of one's own trees would tell the arms apart; cross-fitted ones do not."""
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"id": np.arange(600), "gpa": rng.normal(size=600), "mentored": rng.random(600) < 0.4})
    panel = panel_of(frame.assign(attendance=0.0), covariates=["gpa"], school=None)
    first, again = (scores_of(me.BoostedTrees(seed=1), panel).probability for _ in range(2))
    np.testing.assert_array_equal(first, again)
    treated = frame["mentored"].to_numpy()
    assert abs(first[treated].mean() - first[~treated].mean()) < 0.05
    assert (scores_of(me.BoostedTrees(seed=2), panel).probability != first).any()


@TREES
def test_trees_need_students_for_every_fold(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["mentored"] = np.arange(len(students)) % 80 == 0
    message = refusal(me.BoostedTrees(), panel_of(students, covariates=["gpa"]))
    assert "deals students into 5 folds, and one arm has 3" in message


def test_without_scikit_learn_the_extra_is_named(
    students: pd.DataFrame, panel_of: Callable[..., Panel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.ensemble", None)
    message = refusal(me.BoostedTrees(), panel_of(students))
    assert "needs scikit-learn" in message
    assert "mentoreval[trees]" in message


def test_trees_that_can_not_grow() -> None:
    with pytest.raises(me.OptionError, match="folds is 2 or more"):
        me.BoostedTrees(folds=1)
