"""LaLonde's data under many options: what MatchIt 4.5.1 (R 4.2.2) makes of the same calls.

Each case is one call on ``lalonde`` with ``z = sin(1.7 * row)`` (row from 1), so that no two distances tie:

- F0 = treat ~ age + educ + race + married + nodegree + re74 + re75; F1 = F0 + z; FX = treat ~ race + married + nodegree
- s.weights = 1 + row %% 3 where named

MatchIt 4.5.1 does not always take the nearest control on a propensity score (its later versions do), so that nearest
matching on the score is not compared here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.aliases import Estimand
from mentoreval.design.design import DesignMethod

F0 = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
F1 = [*F0, "z"]
FX = ["race", "married", "nodegree"]
NUMBERS = ("age", "educ", "married", "nodegree", "re74", "re75")

Cuts = dict[str, object]
BY_FD: Cuts = dict.fromkeys(NUMBERS, "fd")
BY_SCOTT: Cuts = dict.fromkeys(NUMBERS, "scott")
GIVEN: Cuts = {"age": [20, 25, 30], "educ": 4, "re74": "q4", "re75": "exact"}

Case = tuple[list[str], DesignMethod, Estimand, tuple[float, float, float, float]]

CASES: dict[str, Case] = {
    'matchit(F1, method = "nearest", distance = "mahalanobis")': (
        F1,
        me.Nearest(distance="mahalanobis"),
        "ATT",
        (93.0, 185.0, 427.7837837837838, 185.0),
    ),
    'matchit(F1, method = "nearest", distance = "scaled_euclidean")': (
        F1,
        me.Nearest(distance="scaled_euclidean"),
        "ATT",
        (93.0, 185.0, 427.6756756756757, 185.0),
    ),
    'matchit(F1, method = "nearest", distance = "glm", mahvars = F1[-2], discard = "treated")': (
        F1,
        me.Nearest(distance="mahalanobis", order="largest", discard="treated"),
        "ATT",
        (91.94972067039106, 179.0, 438.508379888268, 179.0),
    ),
    'matchit(F1, method = "nearest", distance = "glm", mahvars = F1[-2], discard = "control")': (
        F1,
        me.Nearest(distance="mahalanobis", order="largest", discard="comparison"),
        "ATT",
        (93.0, 185.0, 441.037837837838, 185.0),
    ),
    'matchit(F1, method = "nearest", distance = "glm", mahvars = F1[-2], discard = "both")': (
        F1,
        me.Nearest(distance="mahalanobis", order="largest", discard="both"),
        "ATT",
        (91.94972067039106, 179.0, 439.256983240223, 179.0),
    ),
    'matchit(F0, method = "subclass", subclass = 6, estimand = "ATC")': (
        F0,
        me.Subclass(n=6),
        "ATC",
        (99.80447488584474, 16.67317915882048, 400.0, 429.0),
    ),
    'matchit(F0, method = "subclass", subclass = 6, estimand = "ATE")': (
        F0,
        me.Subclass(n=6),
        "ATE",
        (100.85773705349202, 23.930154997180512, 416.7114066301354, 335.5398899024928),
    ),
    'matchit(F0, method = "subclass", subclass = 10)': (
        F0,
        me.Subclass(n=10),
        "ATT",
        (93.0, 185.0, 438.5318838668839, 72.62747637209175),
    ),
    'matchit(F0, method = "cem", estimand = "ATC")': (
        F0,
        me.CoarsenedExact(),
        "ATC",
        (76.79641025641025, 27.14488407871346, 483.0933333333333, 75.0),
    ),
    'matchit(F0, method = "cem", estimand = "ATE")': (
        F0,
        me.CoarsenedExact(),
        "ATE",
        (75.9337912087912, 46.42114660151133, 487.5303287981859, 63.77605040931747),
    ),
    'matchit(F0, method = "cem", cutpoints = "fd")': (
        F0,
        me.CoarsenedExact(cutpoints=BY_FD),
        "ATT",
        (66.33333333333333, 39.0, 534.2478632478633, 28.341614906832298),
    ),
    'matchit(F0, method = "cem", cutpoints = "fd", estimand = "ATE")': (
        F0,
        me.CoarsenedExact(cutpoints=BY_FD),
        "ATE",
        (66.09953703703704, 37.99193843898863, 532.3009259259259, 31.48178137651822),
    ),
    'matchit(F0, method = "cem", cutpoints = "scott")': (
        F0,
        me.CoarsenedExact(cutpoints=BY_SCOTT),
        "ATT",
        (75.86666666666666, 60.0, 516.137037037037, 28.17391304347826),
    ),
    'matchit(F0, method = "cem", cutpoints = list(age = c(20, 25, 30), educ = 4, re74 = "q4", re75 = 0, married = 0, '
    "nodegree = 0))": (
        F0,
        me.CoarsenedExact(cutpoints=GIVEN),
        "ATT",
        (52.78787878787879, 66.0, 576.8577441077441, 15.039993861853347),
    ),
    'matchit(F0, method = "cem", grouping = list(race = list(c("white", "hispan"), c("black"))))': (
        F0,
        me.CoarsenedExact(groupings={"race": [["white", "hispan"]]}),
        "ATT",
        (75.05882352941177, 68.0, 487.9952253628724, 44.015411558669),
    ),
    'matchit(F1, method = "cem", k2k = TRUE, cutpoints = list(z = 2))': (
        F1,
        me.CoarsenedExact(k2k=True, cutpoints={"z": 2}),
        "ATT",
        (73.90697674418605, 43.0, 492.48837209302326, 43.0),
    ),
    'matchit(F1, method = "cem", k2k = TRUE, cutpoints = list(z = 2), estimand = "ATC")': (
        F1,
        me.CoarsenedExact(k2k=True, cutpoints={"z": 2}),
        "ATC",
        (77.88372093023256, 43.0, 469.5813953488372, 43.0),
    ),
    'matchit(FX, method = "exact")': (
        FX,
        me.Exact(),
        "ATT",
        (93.0, 185.0, 450.6607747938599, 111.52542484457982),
    ),
    'matchit(FX, method = "exact", estimand = "ATC")': (
        FX,
        me.Exact(),
        "ATC",
        (102.2514240296849, 14.370874217125907, 400.0, 429.0),
    ),
    'matchit(FX, method = "exact", estimand = "ATE")': (
        FX,
        me.Exact(),
        "ATE",
        (99.4639428481023, 27.22085588547338, 415.2642399623194, 340.90114906381154),
    ),
}


@pytest.fixture(scope="module")
def lalonde(reference: Path) -> pd.DataFrame:
    frame = pd.read_csv(reference / "data" / "lalonde.csv")
    row = np.arange(1, len(frame) + 1)
    return frame.assign(z=np.sin(1.7 * row), sampling=1.0 + row % 3)


def summed_up(design: me.Design) -> list[float]:
    """Of the treated, then of the others: the weighted mean of the row number, and the effective sample size."""
    numbers = []
    row = np.arange(1, design.baseline.size + 1)
    for arm in (design.baseline.treated, ~design.baseline.treated):
        weights = design.weighting.weights[arm]
        numbers += [weights @ row[arm] / weights.sum(), weights.sum() ** 2 / (weights @ weights)]
    return numbers


@pytest.mark.parametrize("call", CASES)
def test_weights(call: str, lalonde: pd.DataFrame) -> None:
    covariates, method, estimand, expected = CASES[call]
    panel = me.panel_from_frame(lalonde, unit="id", treated="treat", covariates=covariates, outcomes=["re78"])
    design = me.choose_design(panel, method, estimand=estimand)
    np.testing.assert_allclose(summed_up(design), expected, rtol=1e-11)


def test_sampling_weights_in_subclasses_and_their_balance(lalonde: pd.DataFrame) -> None:
    """summary(matchit(F0, method = "subclass", subclass = 5, s.weights = sampling))."""
    panel = me.panel_from_frame(
        lalonde, unit="id", treated="treat", covariates=F0, outcomes=["re78"], weight="sampling"
    )
    design = me.choose_design(panel, me.Subclass(n=5))
    expected = (93.08355795148248, 158.75547866205306, 436.99060141762396, 97.0855073792434)
    np.testing.assert_allclose(summed_up(design), expected, rtol=1e-11)
    balance = design.balance()
    columns = ["smd_before", "variance_ratio_before", "ecdf_mean_before", "ks_before"]
    columns += ["smd_after", "variance_ratio_after", "ecdf_mean_after", "ks_after"]
    of_age = [-0.3265192087019378, 0.441836183440595, 0.0793935624124304, 0.156896562556940]
    of_age += [-0.0233852503925628, 0.455733136158321, 0.0765984771504615, 0.2201088714622379]
    of_educ = [0.0970584367269435, 0.460816542739259, 0.0405185678274060, 0.103864688770349]
    of_educ += [-0.0627383973701865, 0.556585435882141, 0.0254558689830749, 0.0693766815960122]
    found = balance.frame.set_index("covariate").loc[["age", "educ"], columns].to_numpy(dtype=float)
    np.testing.assert_allclose(found, [of_age, of_educ], rtol=1e-10)
    sizes = balance.n[["ess_treated", "ess_comparison"]].to_numpy(dtype=float)
    np.testing.assert_allclose(sizes, [[158.755478662053, 367.714285714286], [158.755478662053, 97.0855073792434]])
