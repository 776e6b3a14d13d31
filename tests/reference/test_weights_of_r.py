"""Scores and weights of R 4.2.2 (glm, nnet 7.3-18, brglm2 0.9, lme4 1.1-31) on made-up students, and weights from their
moment conditions where no installed package has them.

F = treat ~ gpa + absent + grade + lunch, p = fitted(glm(F, binomial, d)); with sampling weights glm(F, quasibinomial,
d, weights = weight). Trimming is quantile(w, at, type = 3) over those who are weighted, as WeightIt documents it.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.aliases import Estimand
from mentoreval.design.design import DesignMethod
from mentoreval.design.propensity import PropensityModel

HERE = Path(__file__).parent
SAMPLE = runpy.run_path(str(HERE / "design_sample.py"))
TWIN = runpy.run_path(str(HERE.parent / "twins" / "moment_conditions.py"))

RAW = {"stabilized": False}
SETTLED = 1e-8
"""Iterative fits of R stop where the deviance or the likelihood hardly changes."""

Weights = tuple[DesignMethod, Estimand, str | None, tuple[float, ...]]

WEIGHTS: dict[str, Weights] = {
    "ifelse(treat, 1, p / (1 - p))": (
        me.InverseProbability(**RAW),
        "ATT",
        None,
        (62.0555555555556, 36, 36, 57.3439867568075, 53.9575254805747, 36.1585576720457),
    ),
    "ifelse(treat, 1, p / (1 - p)) * weight": (
        me.OddsWeighting(normalized=False),
        "ATT",
        "weight",
        (60.9348880971026, 33.1347202020585, 34.6376434857361, 57.4784458207513, 53.9423369527801, 34.8602828090395),
    ),
    "ifelse(treat, (1 - p) / p, 1)": (
        me.OddsWeighting(normalized=False),
        "ATC",
        None,
        (60.7501641191998, 19.0312386132673, 87.5054041636259, 59.8333333333333, 84, 84),
    ),
    "ifelse(treat, (1 - p) / p, 1) * weight": (
        me.InverseProbability(**RAW),
        "ATC",
        "weight",
        (59.4197865610241, 21.8718144706399, 87.5777690840262, 59.5886233876335, 78.0880331727709, 86.4202738289147),
    ),
    "ifelse(treat, 1 / p, 1 / (1 - p))": (
        me.InverseProbability(**RAW),
        "ATE",
        None,
        (61.1306664302286, 24.868910491052, 123.505404163626, 59.0842299527927, 79.9680691868527, 120.158557672046),
    ),
    "ifelse(treat, 1 / p, 1 / (1 - p)) * weight": (
        me.InverseProbability(**RAW),
        "ATE",
        "weight",
        (59.8491885959059, 26.0267760675047, 122.215412569762, 58.9820843940964, 75.5588391291249, 121.280556637954),
    ),
    "ifelse(treat, 1 - p, p)": (
        me.OverlapWeighting(normalized=False),
        "ATO",
        None,
        (60.5474144373646, 34.5387238440322, 22.9320184843918, 57.6796224276728, 68.8189445379352, 22.9320184843918),
    ),
    "ifelse(treat, 1 - p, p) * weight": (
        me.OverlapWeighting(),
        "ATO",
        "weight",
        (59.6952607687908, 31.3222819068635, 22.9509837759772, 57.7949563481766, 66.4700653471956, 22.9509837759772),
    ),
    "trimmed at .9 among treat == 0": (
        me.InverseProbability(trim=0.9, **RAW),
        "ATT",
        None,
        (62.0555555555556, 36, 36, 57.1380148410134, 61.4082096709596, 33.6304710748342),
    ),
    "trimmed at .9 among treat == 0, then * weight": (
        me.InverseProbability(trim=0.9, **RAW),
        "ATT",
        "weight",
        (60.9348880971026, 33.1347202020585, 34.6376434857361, 57.3812146306471, 61.6619000992548, 32.6737012093696),
    ),
    "trimmed at .95 among treat == 1": (
        me.InverseProbability(trim=0.95, **RAW),
        "ATC",
        None,
        (58.9093658985999, 25.6786479658556, 78.4189725626855, 59.8333333333333, 84, 84),
    ),
    "trimmed at .98 among all": (
        me.InverseProbability(trim=0.98, **RAW),
        "ATE",
        None,
        (59.8992614125484, 30.2825420972176, 114.418972562685, 59.0842299527927, 79.9680691868527, 120.158557672046),
    ),
    "0 where p < .15 | p > .6": (
        me.InverseProbability(overlap=(0.15, 0.6), **RAW),
        "ATE",
        None,
        (56.6955349392615, 28.5422698225577, 100.450315432142, 57.9433870001077, 66.7812695398683, 100.214208752147),
    ),
}
"""Of the treated, then of the others: the mean of the row number with the weights, the effective sample size, Σw."""


def panel_of(frame: pd.DataFrame, weight: str | None = None, **roles: object) -> me.Panel:
    given: dict[str, object] = {"unit": "id", "treated": "treat", "covariates": SAMPLE["COVARIATES"], "outcomes": ["y"]}
    return me.panel_from_frame(frame, weight=weight, **(given | roles))  # type: ignore[arg-type]


def with_totals(weights: np.ndarray, treated: np.ndarray) -> list[float]:
    of_treated, of_others = np.split(np.array(SAMPLE["summed_up"](weights, treated)), 2)
    return [*of_treated, weights[treated].sum(), *of_others, weights[~treated].sum()]


@pytest.mark.parametrize("formula", WEIGHTS)
def test_weights_from_a_score(formula: str) -> None:
    method, estimand, weight, expected = WEIGHTS[formula]
    design = me.choose_design(panel_of(SAMPLE["students"](), weight), method, estimand=estimand)
    found = with_totals(design.weighting.weights, design.baseline.treated)
    np.testing.assert_allclose(found, expected, rtol=1e-11)


# ---------------------------------------------------------------------- weights from moment conditions
@pytest.mark.parametrize("base", [None, "base"])
@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("moments", [1, 2, 3])
@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
def test_entropy_balancing_solves_its_equations(
    estimand: Estimand, moments: int, weight: str | None, base: str | None
) -> None:
    frame = SAMPLE["students"]()
    frame["base"] = 0.5 + frame["id"] % 4
    panel = panel_of(frame, weight, covariates=[*SAMPLE["COVARIATES"], "base"])
    method = me.EntropyBalancing(moments=moments, tolerance=1e-12, base_weights=base)
    design = me.choose_design(panel, method, estimand=estimand, covariates=SAMPLE["COVARIATES"])
    treated = design.baseline.treated
    X = TWIN["columns_of"](frame, ["gpa", "absent"], ["grade", "lunch"], moments)
    sampling = np.ones(120) if weight is None else frame[weight].to_numpy()
    start = sampling if base is None else sampling * frame[base].to_numpy()
    expected = sampling.copy()
    target = {"ATT": treated, "ATC": ~treated, "ATE": np.ones(120, dtype=bool)}[estimand]
    for arm in (treated, ~treated):
        if estimand == "ATE" or not (arm & target).any():
            expected[arm] = TWIN["entropy_weights"](X[arm], X[target], start[arm], sampling[target])
    np.testing.assert_allclose(design.weighting.weights, expected, rtol=1e-7)


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
def test_the_covariate_balancing_score_solves_its_equations(estimand: Estimand, weight: str | None) -> None:
    frame = SAMPLE["students"]()
    method = me.CovariateBalancing(tolerance=1e-12)
    design = me.choose_design(panel_of(frame, weight), method, estimand=estimand)
    treated = design.baseline.treated
    X = TWIN["columns_of"](frame, ["gpa", "absent"], ["grade", "lunch"])
    sampling = np.ones(120) if weight is None else frame[weight].to_numpy()
    score = TWIN["balancing_scores"](X, treated, sampling, estimand)
    np.testing.assert_allclose(design.weighting.propensity, score, rtol=1e-8)
    factor = {
        "ATT": np.where(treated, 1, score / (1 - score)),
        "ATC": np.where(treated, (1 - score) / score, 1),
        "ATE": np.where(treated, 1 / score, 1 / (1 - score)),
    }[estimand]
    np.testing.assert_allclose(design.weighting.weights, sampling * factor, rtol=1e-8)


# ---------------------------------------------------------------------- propensity models
CORNERS: dict[str, tuple[PropensityModel, str | None, tuple[float, float, float]]] = {
    "glm(F, binomial)": (me.Logit(), None, (0.337348943404504, 0.135142732006924, 13.003162249348659)),
    "glm(F, quasibinomial, weights = weight)": (
        me.Logit(),
        "weight",
        (0.332782479391057, 0.135748138174546, 12.034624702989943),
    ),
    'glm(F, binomial("probit"))': (me.Probit(), None, (0.335152791386121, 0.137226854705225, 12.893842981552261)),
    'glm(F, quasibinomial("probit"), weights = weight)': (
        me.Probit(),
        "weight",
        (0.332064374621585, 0.135722511854128, 11.958325055658051),
    ),
    'glm(F, binomial, method = "brglmFit", type = "AS_mean")': (
        me.PenalizedLogit(),
        None,
        (0.347691810403545, 0.147876752561452, 13.42407201751316),
    ),
    'glm(F, binomial, weights = weight, method = "brglmFit", type = "AS_mean")': (
        me.PenalizedLogit(),
        "weight",
        (0.342914485830325, 0.148323377438047, 12.498560853215272),
    ),
}
"""Fitted probabilities of the first and the last student, and the sum of their squares."""


@pytest.mark.parametrize("call", CORNERS)
def test_scores(call: str) -> None:
    model, weight, expected = CORNERS[call]
    panel = panel_of(SAMPLE["students"](), weight)
    score = me.choose_design(panel, me.OverlapWeighting(propensity=model), estimand="ATO").weighting.propensity
    np.testing.assert_allclose([score[0], score[-1], score @ score], expected, rtol=SETTLED)


def test_firth_where_a_covariate_separates() -> None:
    """glm(treat ~ gpa + absent + sep, binomial, method = "brglmFit", type = "AS_mean"): sep is 1 for treated only."""
    frame = SAMPLE["students"]()
    frame["sep"] = ((frame["treat"] == 1) & (frame["id"] % 3 == 0)).astype(int)
    panel = panel_of(frame, covariates=["gpa", "absent", "sep"])
    design = me.choose_design(panel, me.OverlapWeighting(propensity=me.PenalizedLogit()), estimand="ATO")
    score = design.weighting.propensity
    np.testing.assert_allclose(
        [score[0], score[2], score @ score], (0.291424546747394, 0.96676723858225, 17.786926630019437), rtol=SETTLED
    )
    with pytest.raises(me.DesignError, match="'sep' predicts treatment perfectly"):
        me.choose_design(panel, me.OverlapWeighting(), estimand="ATO")


def test_a_multilevel_logit() -> None:
    """glmer(some ~ scale(gpa) + scale(absent) + grade + lunch + (1 | school), binomial, nAGQ = 0); tolPwrss = 1e-13."""
    frame = SAMPLE["students"]()
    draw = frame["id"] * 0.6180339887 % 1
    of_school = np.array([-1.6, 1.2, 0.3, -0.8, 1.5, 0.2])[frame["id"] % 6]
    frame["some"] = (np.log(draw / (1 - draw)) < -0.6 + of_school - 0.5 * (frame["gpa"] - 2.7)).astype(int)
    frame["school"] = "s" + (frame["id"] % 6).astype(str)
    panel = panel_of(frame, treated="some", school="school")
    design = me.choose_design(panel, me.OverlapWeighting(propensity=me.MultilevelLogit()), estimand="ATO")
    score = design.weighting.propensity
    assert frame["some"].sum() == 50
    np.testing.assert_allclose(
        [score[0], score[-1], score @ score], (0.577388469936272, 0.113708943147038, 26.34898000035525), rtol=5e-7
    )
    assert design.weighting.facts["school_spread"] == pytest.approx(1.08468439141273, rel=1e-6)


# ---------------------------------------------------------------------- several arms
ARMS = {
    "1 / own": (
        {"estimand": "ATE"},
        (61.7911058770552, 51.4308214398697, 55.0186429973263, 33.0722131003976, 60.1153327579354, 20.7562624720739),
    ),
    'g[, "peer"] / own': (
        {"estimand": "ATT", "target": "peer"},
        (61.1479244879444, 35.8078128912734, 48.5744121720673, 21.9469369203036, 55.8888888888889, 27),
    ),
    'g[, "none"] / own': (
        {"estimand": "ATT", "target": "none"},
        (62.1636363636364, 55, 53.7057246264439, 29.7711480553451, 63.893751830233, 17.9699426074047),
    ),
    "1 / rowSums(1 / g) / own": (
        {"estimand": "ATO"},
        (61.3741111037935, 46.6529801054498, 54.3670862724196, 31.9708381107508, 59.1919961884206, 22.58337519214),
    ),
}
"""g = fitted(multinom(arm ~ gpa + absent + grade + lunch)), own = that of the own arm; of none, group and peer: the
mean of the row number with the weights, and the effective sample size."""


@pytest.mark.parametrize("formula", ARMS)
def test_weights_of_several_arms(formula: str) -> None:
    frame = SAMPLE["students"]()
    draw, gap = frame["id"] * 0.7548776662 % 1, frame["gpa"] - 2.7
    group, peer = np.exp(-0.4 + 0.5 * gap), np.exp(-0.8 - 0.6 * gap + 0.03 * (frame["absent"] - 8))
    total = 1 + group + peer
    frame["arm"] = np.select([draw < group / total, draw < (group + peer) / total], ["group", "peer"], "none")
    frame["some"] = (frame["arm"] != "none").astype(int)
    panel = panel_of(frame, treated="some", covariates=[*SAMPLE["COVARIATES"], "arm"])
    asked, expected = ARMS[formula]
    covariates = SAMPLE["COVARIATES"]
    found = me.compare_arms(panel, "arm", covariates=covariates, common_support=False, **asked)  # type: ignore[arg-type]
    numbers = []
    for arm in ("none", "group", "peer"):
        own = (frame["arm"] == arm).to_numpy()
        numbers += SAMPLE["summed_up"](found.weights, own)[:2]
    np.testing.assert_allclose(numbers, expected, rtol=1e-7)
