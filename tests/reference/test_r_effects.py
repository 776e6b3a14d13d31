"""Estimators of one outcome in one year: estimatr, lm, ivreg, glm.nb and lmer on made-up students.

R 4.2.2, estimatr 1.0.0, sandwich 3.0.2, clubSandwich 0.5.8, AER 1.2.10, MASS 7.3.58.2, lme4 1.1.31, lmerTest 3.1.3;
``d`` is read from ``one_year().to_csv(...)``. The call stands beside each number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from tests.reference.made_up import one_year

AGREE = 1e-9
NUMERIC_DERIVATIVES = 1e-8
"""Of the errors of AIPW, whose estimating equations R differentiates numerically here."""
OPTIMISER = 1e-7
"""Of parameters of glm.nb and of errors of lmer, whose optimisers stop while these digits may still move; variances of
lmer move ten times as much, and effects a tenth."""

COVARIATES = ("gpa", "prior")
HC = me.HeteroskedasticityRobust
CR = me.ClusterRobust


@pytest.fixture(scope="module")
def students() -> pd.DataFrame:
    data = one_year().assign(one=1.0).astype({"grade": str, "block": str})
    return data.assign(mentor=data["mentor"].map("m{}".format).where(data["mentor"] >= 0))


def effect_of(
    data: pd.DataFrame, estimator: Any, inference: Any = None, estimand: Any = "ATT", **roles: Any
) -> me.Estimate:
    named = {
        "treated": "mentored",
        "covariates": ["gpa", "prior", "grade", "block", "days_enrolled"],
        "outcomes": ["absent"],
        "school": "school",
        "weight": "one",
        **roles,
    }
    panel = me.panel_from_frame(data, unit="student", **named)
    design = me.choose_design(panel, covariates=[], estimand=estimand)
    return me.estimate_effect(design, named["outcomes"][0], estimator, inference=inference)


def numbers(effect: me.Estimate) -> list[float]:
    row = effect.frame.iloc[0]
    return [row["estimate"], row["std_error"], row["df"]]


def test_differences_in_means(students: pd.DataFrame) -> None:
    """difference_in_means(absent ~ mentored, d, weights = w) and lm_robust(absent ~ mentored, d), both HC2."""
    plain = me.DifferenceInMeans()
    found = numbers(effect_of(students, plain, HC("HC2")))
    assert found == pytest.approx([-0.571099999999999, 0.539823917503587, 158], rel=AGREE)
    found = numbers(effect_of(students, plain, HC("HC2"), weight="w"))
    assert found == pytest.approx([-0.761031467789986, 0.601572328668899, 158], rel=AGREE)
    # difference_in_means(absent ~ offered, d, clusters = school)
    found = numbers(effect_of(students, plain, CR("school", "CR2"), treated="offered"))
    assert found == pytest.approx([-2.25751262626264, 0.938719390973033, 7.57077662646779], rel=AGREE)


def test_blocks_are_an_interacted_regression_on_them(students: pd.DataFrame) -> None:
    """difference_in_means(absent ~ mentored, d, blocks = block): differences of blocks by their students."""
    blocks = me.RegressionAdjustment(covariates=("block",), interacted=True)
    found = numbers(effect_of(students, blocks, HC("HC2"), "ATE"))
    assert found == pytest.approx([-0.535353305874194, 0.546180419082102, 150], rel=AGREE)


def test_matched_pairs_are_a_regression_within_them(students: pd.DataFrame) -> None:
    """difference_in_means(absent ~ mentored, pairs, blocks = pair), the mentored and others in the order of prior."""
    in_order = students.sort_values("prior", kind="stable")
    arms = [in_order[in_order["mentored"] == arm].head(60).assign(pair=[f"p{i}" for i in range(60)]) for arm in (1, 0)]
    within = me.RegressionAdjustment(covariates=(), fixed_effects=("school",))
    found = numbers(effect_of(pd.concat(arms), within, CR("school", "CR2"), school="pair"))
    assert found == pytest.approx([0.512666666666666, 0.564235489297064, 59], rel=AGREE)


LIN = {  # lm_lin(absent ~ mentored, ~ gpa + prior, d, weights = , clusters = school, se_type = ): std.error, df
    ("one", "HC0"): (0.465791485597272, 154),
    ("one", "HC1"): (0.474778644860418, 154),
    ("one", "HC2"): (0.47753954921169, 154),
    ("one", "HC3"): (0.489782296689655, 154),
    ("one", "CR0"): (0.820901451899955, np.inf),  # estimatr takes t with 13
    ("one", "CR1"): (0.865608609221714, 13),  # stata
    ("one", "CR2"): (0.902551822206777, 9.1870799218972),
    ("w", "HC2"): (0.535056107456127, 154),
    ("w", "CR1"): (0.866362291426787, 13),
    ("w", "CR2"): (0.934295766944069, 8.57642766550706),
}


@pytest.mark.parametrize(("weight", "kind"), LIN)
def test_lin_s_interacted_regression(students: pd.DataFrame, weight: str, kind: Any) -> None:
    inference = HC(kind) if kind.startswith("HC") else CR("school", kind)
    estimator = me.RegressionAdjustment(covariates=COVARIATES, interacted=True)
    found = numbers(effect_of(students, estimator, inference, "ATE", weight=weight))
    estimate = {"one": -1.31966424555063, "w": -1.48711783778322}[weight]
    assert found == pytest.approx([estimate, *LIN[weight, kind]], rel=AGREE)


G_COMPUTATION = {  # estimate, error with vcovCL(m, d$school, type = "HC1"), error with vcovHC(m, type = "HC3")
    ("one", "ATT"): (-1.38081041271624, 0.778169204288412, 0.461975295860838),
    ("one", "ATE"): (-1.40296970592426, 0.843677577578337, 0.4745833559278),
    ("one", "ATC"): (-1.41626528184908, 0.889495340524069, 0.498702035408099),
    ("w", "ATT"): (-1.42911656063665, 0.787705228217732, 0.525409087761042),
    ("w", "ATE"): (-1.52579928840632, 0.842514655101316, 0.533000935245226),
    ("w", "ATC"): (-1.58465410904454, 0.883796084141789, 0.553817205259145),
}


@pytest.mark.parametrize(("weight", "estimand"), G_COMPUTATION)
def test_g_computation_with_the_delta_method(students: pd.DataFrame, weight: str, estimand: Any) -> None:
    """m <- lm(absent ~ mentored * (gpa + prior + factor(grade)), d, weights = wt), X1 and X0 its model matrices with
    mentored 1 and 0; J, the weighted mean of X1 - X0 over the students of the estimand; J b and sqrt(J V J')."""
    estimator = me.RegressionAdjustment(covariates=(*COVARIATES, "grade"), interacted=True)
    effect = effect_of(students, estimator, CR("school"), estimand, weight=weight)
    leverages = HC("HC3").apply(effect.fit)
    found = [effect.fit.theta[0], effect.std_error[0], leverages.std_error[0]]
    assert found == pytest.approx(list(G_COMPUTATION[weight, estimand]), rel=AGREE)


AIPW = {  # estimate, error of rows, error of schools: sandwich of the stacked estimating equations of the three models
    ("one", "ATE"): (-1.41100612387056, 0.442149929051606, 0.779488659905678),
    ("one", "ATT"): (-1.3689919851293, 0.453619229462722, 0.716939065826654),
    ("w", "ATE"): (-1.5333830065869, 0.481713879153411, 0.774890886918087),
    ("w", "ATT"): (-1.42272360823227, 0.507733593960014, 0.763165402383423),
}


@pytest.mark.parametrize(("weight", "estimand"), AIPW)
def test_augmented_inverse_probability_weighting(students: pd.DataFrame, weight: str, estimand: Any) -> None:
    """Models glm(mentored ~ gpa + prior + factor(grade), quasibinomial, weights = wt), lm(absent ~ ...) in each arm."""
    effect = effect_of(students, me.DoublyRobust(covariates=(*COVARIATES, "grade")), HC("HC0"), estimand, weight=weight)
    by_school = CR("school", "CR0").apply(effect.fit)
    estimate, error, clustered = AIPW[weight, estimand]
    assert effect.fit.theta[0] == pytest.approx(estimate, rel=AGREE)
    assert (effect.std_error[0], by_school.std_error[0]) == pytest.approx((error, clustered), rel=NUMERIC_DERIVATIVES)


IV = {  # iv_robust(absent ~ took_part + gpa + prior | mentored + gpa + prior, d, weights, clusters = school, se_type)
    ("one", "HC0"): (0.710420534198033, 156),
    ("one", "HC1"): (0.719470842166957, 156),
    ("one", "HC2"): (0.720732121283619, 156),
    ("one", "HC3"): (0.731248864078821, 156),
    ("one", "CR1"): (1.22799708834035, 13),  # stata
    ("one", "CR2"): (1.28906408386846, 9.28459526504199),  # and vcovCR(ivreg(...), type = "CR2")
    ("w", "CR1"): (1.17433005635232, 13),
    ("w", "CR2"): (1.25613793857272, 8.7932277936932),
}


@pytest.mark.parametrize(("weight", "kind"), IV)
def test_two_stage_least_squares(students: pd.DataFrame, weight: str, kind: Any) -> None:
    roles = {"participated": "took_part", "assignment": "random", "weight": weight}
    inference = HC(kind) if kind.startswith("HC") else CR("school", kind)
    effect = effect_of(students, me.ComplierEffect(covariates=COVARIATES), inference, **roles)
    estimate = {"one": -1.98734974981888, "w": -2.17616062921837}[weight]
    assert numbers(effect) == pytest.approx([estimate, *IV[weight, kind]], rel=AGREE)
    if weight == "one":
        # waldtest(lm(took_part ~ gpa + prior), lm(took_part ~ mentored + ...), vcov = vcovCL by school, type "HC1")$F
        assert effect.fit.facts["first_stage_f"] == pytest.approx(247.745656095804, rel=AGREE)


COUNTS = {  # theta, exp(coef["mentored"]), average effect in days: ATT and ATE, over own days and over 180
    "one": (1.57083176417836, np.exp(-0.285679546912814), -1.74321869289505, -2.69148868440179, -1.73047760853875),
    "whole_weight": (
        1.51351209685584,
        np.exp(-0.199647516402164),
        -1.18793208543424,
        -1.81438426709943,
        -1.19420130621072,
    ),
}


@pytest.mark.parametrize("weight", COUNTS)
def test_negative_binomial_with_days_enrolled(students: pd.DataFrame, weight: str) -> None:
    """glm.nb(days_absent ~ mentored + gpa + prior + offset(log(days_enrolled)), d, weights = wt), and the average of
    days * (exp(X1 b) - exp(X0 b)) over the mentored or all, for control = glm.control(epsilon = 1e-13, maxit = 200)."""
    theta, ratio, *effects = COUNTS[weight]
    options: dict[str, Any] = {"outcomes": ["days_absent"], "weight": weight}
    found = []
    for days, estimand in ((None, "ATT"), (180, "ATT"), (None, "ATE")):
        estimator = me.NegativeBinomial(days=days, covariates=COVARIATES)
        effect = effect_of(students, estimator, CR("school", "CR0"), estimand, **options)
        found.append(effect.fit.theta[0])
        assert effect.fit.facts["rate_ratio"] == pytest.approx(ratio, rel=AGREE)
        assert 1 / float(effect.fit.facts["dispersion"]) == pytest.approx(theta, rel=OPTIMISER)  # type: ignore[arg-type]
    assert found == pytest.approx(effects, rel=AGREE)


MIXED: dict[str, tuple[dict[str, Any], tuple[str, ...], list[float], list[float]]] = {
    # lmer(absent ~ mentored + gpa + prior + (1 | school), d): estimate, error, df; variances: school, residual
    "school": (
        {},
        ("school",),
        [-1.38091736691755, 0.408405258336423, 147.338938346998],
        [2.23742851028412, 5.6342440563654],
    ),
    "whole schools": (
        {"treated": "offered"},
        ("school",),
        [-1.98236443854676, 0.815966549795393, 11.0298687512432],
        [1.48232987032481, 6.00718040139975],
    ),
    # lmer(absent ~ mentored + gpa + prior + (0 + mentored | mentor), d): comparison students share nobody
    "mentor": (
        {"mentor": "mentor"},
        ("mentor",),
        [-1.32699243177991, 0.485465690657267, 37.1757417439551],
        [0.288366171028591, 7.63582457264111],
    ),
    # lmer(..., weights = w)
    "weights": (
        {"weight": "w"},
        ("school",),
        [-1.56798876099253, 0.407985730369973, 148.779901268572],
        [2.2684974342755, 6.77502641015947],
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixed_models(students: pd.DataFrame, name: str) -> None:
    """REML and Satterthwaite's degrees of freedom of lmerTest."""
    roles, levels, expected, variances = MIXED[name]
    estimator = me.Multilevel(levels=levels, residual_variance="common", covariates=COVARIATES)  # type: ignore[arg-type]
    effect = effect_of(students, estimator, **roles)
    assert numbers(effect)[0] == pytest.approx(expected[0], rel=OPTIMISER / 10)
    assert numbers(effect)[1] == pytest.approx(expected[1], rel=OPTIMISER)
    assert numbers(effect)[2] == pytest.approx(expected[2], rel=10 * OPTIMISER)  # lmerTest differentiates numerically
    found = [effect.fit.facts[f"variance_{levels[0]}"], effect.fit.facts["residual_variance_comparison"]]
    assert found == pytest.approx(variances, rel=10 * OPTIMISER)


def test_a_partially_nested_model_with_residuals_of_each_arm(students: pd.DataFrame) -> None:
    """nlme 3.1: lme(absent ~ mentored + gpa + prior, random = ~ 0 + mentored | mentor, weights = varIdent(form = ~ 1 |
    mentored), d, control = lmeControl(opt = "nlminb", tolerance = 1e-13, msTol = 1e-14, niterEM = 200)).

    One mentor's level of comparison students has no part in it. Its default control stops at -1.32565511.
    """
    estimator = me.Multilevel(levels=("mentor",), covariates=COVARIATES)
    effect = effect_of(students, estimator, mentor="mentor")
    assert numbers(effect)[:2] == pytest.approx([-1.32565502363, 0.485062127366], rel=10 * OPTIMISER)
    names = ("variance_mentor", "residual_variance_comparison", "residual_variance_treated")
    found = [effect.fit.facts[name] for name in names]
    assert found == pytest.approx([0.316516, 7.759831, 7.39921416679], rel=1e-5)  # lme prints six digits
