"""Doubly robust: equal to statsmodels, to its formula written out, and right where one of its models is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.design.methods import Nearest, OddsWeighting
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import DoublyRobust
from mentoreval.effects.inference_methods import HeteroskedasticityRobust
from mentoreval.errors import DesignError, EffectError
from mentoreval.panel.panel import panel_from_frame

HC0 = HeteroskedasticityRobust("HC0")


def cross_section(n: int = 400, seed: int = 3) -> pd.DataFrame:
    """Students with low marks are mentored more often; the effect is −2 − (gpa − 2.7), so −2 on average of all."""
    rng = np.random.default_rng(seed)
    gpa, lunch = rng.normal(2.7, 0.5, n), rng.random(n) < 0.5
    chosen = rng.random(n) < 1 / (1 + np.exp(0.5 + 1.2 * (gpa - 2.7) - 0.5 * lunch))
    data = pd.DataFrame({"student": np.arange(n), "mentored": chosen.astype(int), "gpa": gpa, "lunch": lunch})
    data["w"] = rng.uniform(0.5, 2.0, n)
    data["absent"] = 12 - 3 * gpa + 2 * lunch + rng.normal(0, 2, n) + chosen * (-2 - (gpa - 2.7))
    return data


def design_of(data: pd.DataFrame, method: Any = None, estimand: Any = "ATT", **roles: Any) -> Any:
    named = {"covariates": ["gpa", "lunch"], "outcomes": ["absent"], **roles}
    return choose_design(panel_from_frame(data, unit="student", treated="mentored", **named), method, estimand=estimand)


def arrays(data: pd.DataFrame) -> tuple[Any, Any, Any, Any]:
    X = np.column_stack([np.ones(len(data)), data["gpa"], data["lunch"].astype(float)])
    return X, data["mentored"].to_numpy(float), data["absent"].to_numpy(), data["w"].to_numpy()


def by_newton(X: Any, D: Any, w: Any) -> Any:
    gamma = np.zeros(X.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-X @ gamma))
        gamma += np.linalg.solve((X.T * (w * p * (1 - p))) @ X, X.T @ (w * (D - p)))
    return 1 / (1 + np.exp(-X @ gamma))


def by_hand(data: pd.DataFrame, estimand: str) -> float:
    """The formulas of the docstring, with predictions of two regressions and probabilities by Newton's method."""
    X, D, y, w = arrays(data)
    p = by_newton(X, D, w)
    root = np.sqrt(w)[:, None]
    m1, m0 = (
        X @ np.linalg.lstsq((X * root)[arm == D], (y * root[:, 0])[arm == D], rcond=None)[0] for arm in (1.0, 0.0)
    )
    if estimand == "ATT":
        return float(np.sum(w * (D * (y - m0) - (1 - D) * (y - m0) * p / (1 - p))) / np.sum(w * D))
    return float(np.average(m1 - m0 + D * (y - m1) / p - (1 - D) * (y - m0) / (1 - p), weights=w))


def test_the_ate_and_its_error_are_those_of_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    treatment = pytest.importorskip("statsmodels.treatment.treatment_effects")
    data = cross_section()
    X, D, y, _ = arrays(data)
    selection = sm.Logit(D, X).fit(disp=0, tol=1e-12, maxiter=100)
    peer = treatment.TreatmentEffect(sm.OLS(y, X), D, results_select=selection)
    solved = peer.aipw(return_results=True, disp=False)  # by an optimiser and numerical derivatives
    row = estimate_effect(design_of(data, estimand="ATE"), "absent", DoublyRobust(), inference=HC0).frame.iloc[0]
    assert row["estimate"] == pytest.approx(peer.aipw(return_results=False)[0], rel=1e-8)
    assert row["std_error"] == pytest.approx(solved.results_gmm.bse[0], rel=1e-6)


@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
def test_it_is_the_formula_written_out(estimand: str) -> None:
    data = cross_section()
    weighted = DoublyRobust().fit(design_of(data, estimand=estimand, weight="w"), "absent")
    assert weighted.theta[0] == pytest.approx(by_hand(data, estimand), rel=1e-10)
    plain = DoublyRobust().fit(design_of(data, estimand=estimand), "absent")
    assert plain.theta[0] == pytest.approx(by_hand(data.assign(w=1.0), estimand), rel=1e-10)


@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
def test_the_influence_is_the_derivative_by_a_weight_and_sums_to_zero(estimand: str) -> None:
    data = cross_section(120, seed=8)
    fit = DoublyRobust().fit(design_of(data, estimand=estimand, weight="w"), "absent")
    assert fit.influence is not None
    assert abs(fit.influence.sum()) < 1e-8
    for student in (0, 1, 17, 63):
        theta = []
        for step in (1e-4, -1e-4):
            changed = data["w"] * np.where(data["student"] == student, 1 + step, 1.0)
            theta.append(by_hand(data.assign(w=changed), estimand))
        assert fit.influence[student, 0] / 120 == pytest.approx((theta[0] - theta[1]) / 2e-4, abs=1e-7)


@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
def test_where_both_models_are_right_the_efficient_influence_function_gives_the_error(estimand: str) -> None:
    data = cross_section(8_000, seed=5)
    X, D, y, w = arrays(data.assign(w=1.0))
    p, error = by_newton(X, D, w), y - (12 - 3 * X[:, 1] + 2 * X[:, 2]) - D * (-2 - (X[:, 1] - 2.7))
    gain = -2 - (X[:, 1] - 2.7)
    if estimand == "ATT":
        efficient = (D * (gain - gain[D == 1].mean()) + D * error - (1 - D) * error * p / (1 - p)) / D.mean()
    else:
        efficient = gain - gain.mean() + D * error / p - (1 - D) * error / (1 - p)
    effect = estimate_effect(design_of(data, estimand=estimand), "absent", DoublyRobust(), inference=HC0)
    assert effect.std_error[0] == pytest.approx(efficient.std() / np.sqrt(len(data)), rel=0.03)


@pytest.mark.parametrize("wrong", ["outcome", "propensity"])
def test_one_wrong_model_does_no_harm(wrong: str) -> None:
    """The wrong model would need the square of gpa; by itself it misses by much more than is allowed here."""
    rng, n = np.random.default_rng(11), 40_000
    gpa = rng.normal(0, 1, n)
    square = gpa**2 - 1
    log_odds = -0.5 + 0.7 * gpa if wrong == "outcome" else -0.5 + 0.7 * gpa + 0.3 * square
    D = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(int)
    y = 1.0 * gpa + (2.0 * square if wrong == "outcome" else 0.0) + 0.5 * D + rng.normal(0, 1, n)
    data = pd.DataFrame({"student": np.arange(n), "mentored": D, "gpa": gpa, "absent": y})
    for estimand in ("ATT", "ATE"):
        design = design_of(data, estimand=estimand, covariates=["gpa"])
        effect = estimate_effect(design, "absent", DoublyRobust(), inference=HC0)
        assert abs(effect.fit.theta[0] - 0.5) < 4 * effect.std_error[0]
        assert effect.std_error[0] < 0.08


def test_without_covariates_it_is_the_difference_in_means() -> None:
    data = cross_section()
    means = data.groupby("mentored")["absent"].mean()
    for estimand in ("ATT", "ATE"):
        fit = DoublyRobust(covariates=()).fit(design_of(data, estimand=estimand), "absent")
        assert fit.theta[0] == pytest.approx(means[1] - means[0], rel=1e-10)


def test_complete_cases_and_extreme_propensities_are_told() -> None:
    data = cross_section()
    data.loc[data.index[data["mentored"] == 1][:3], "gpa"] = np.nan
    fit = DoublyRobust().fit(design_of(data), "absent")
    assert fit.facts["treated_without_covariates"] == 3
    assert len(fit.entries) == 397
    p = by_newton(*(array[data["gpa"].notna()] for array in arrays(data.assign(w=1.0))[:2]), np.ones(397))
    assert fit.facts["propensity_lowest"] == pytest.approx(p.min(), rel=1e-8)
    assert fit.facts["propensity_highest"] == pytest.approx(p.max(), rel=1e-8)


@pytest.mark.parametrize("method", [Nearest(), OddsWeighting()], ids=["nearest", "odds_weighting"])
def test_a_design_that_chose_already_is_refused_by_name(method: Any) -> None:
    with pytest.raises(EffectError, match=f"{method.name!r} has matched or weighted them already"):
        DoublyRobust().fit(design_of(cross_section(), method), "absent")


@pytest.mark.parametrize("estimand", ["ATC", "ATO"])
def test_other_estimands_are_refused(estimand: str) -> None:
    with pytest.raises(EffectError, match=f"the design is for the {estimand}"):
        DoublyRobust().fit(design_of(cross_section(), estimand=estimand), "absent")


def test_covariates_that_tell_who_is_treated_are_named() -> None:
    data = cross_section().assign(list_number=lambda d: d["mentored"] * 5 + 1)
    with pytest.raises(DesignError, match="'list_number' predicts treatment perfectly"):
        DoublyRobust().fit(design_of(data, covariates=["gpa", "list_number"]), "absent")
    hidden = cross_section().assign(noise=lambda d: d["gpa"] + 3 * d["mentored"] - 8 * d["lunch"])
    with pytest.raises(DesignError, match="predict treatment perfectly together"):
        DoublyRobust().fit(design_of(hidden, covariates=["gpa", "lunch", "noise"]), "absent")


def test_covariates_that_repeat_or_do_not_vary_are_named() -> None:
    data = cross_section().assign(double=lambda d: 2 * d["gpa"] + 1, club=lambda d: (d["student"] % 5 == 0) * 1)
    with pytest.raises(EffectError, match="among all students: double"):
        DoublyRobust().fit(design_of(data, covariates=["gpa", "double"]), "absent")
    with pytest.raises(DesignError, match="lunch"):
        DoublyRobust().fit(design_of(data.assign(lunch=True)), "absent")


def test_too_few_students_in_an_arm_are_counted() -> None:
    data = cross_section()
    few = pd.concat([data[data["mentored"] == 1].iloc[:3], data[data["mentored"] == 0]]).reset_index(drop=True)
    few.loc[:2, "gpa"], few.loc[:2, "lunch"] = [2.2, 2.7, 3.2], [True, False, True]
    with pytest.raises(EffectError, match="3 of the treated can not carry 3 coefficients"):
        DoublyRobust().fit(design_of(few), "absent")
