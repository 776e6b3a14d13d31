"""Weights, effective sizes, balance and effects of WeightIt, cobalt and sandwich (R) on the 614 rows of ``lalonde``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me

WEIGHT, POINT, STD_ERROR = 1e-6, 1e-8, 1e-6
"""Agreement with the reference software: absolute for weights, for R's glm stops at a change of 1e-8; else relative."""

COVARIATES = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
RAW = [
    pytest.param("att_glm", me.OddsWeighting(normalized=False), "ATT", id="odds-ATT"),
    pytest.param("att_glm", me.InverseProbability(stabilized=False), "ATT", id="inverse-ATT"),
    pytest.param("ate_glm", me.InverseProbability(stabilized=False), "ATE", id="inverse-ATE"),
]
"""WeightIt does not normalize the weights that it returns."""

SCALED = [
    pytest.param("att_glm", me.OddsWeighting(), "ATT", id="odds-ATT"),
    pytest.param("ate_glm", me.InverseProbability(), "ATE", id="inverse-ATE"),
]
HC0 = me.HeteroskedasticityRobust(small_sample="HC0")


@pytest.fixture(scope="module")
def panel(reference: Path) -> me.Panel:
    frame = pd.read_csv(reference / "data" / "lalonde.csv")
    return me.panel_from_frame(frame, unit="id", treated="treat", covariates=COVARIATES, outcomes=["re78"])


@pytest.fixture(scope="module")
def stored(reference: Path) -> dict[str, Any]:
    return dict(json.loads((reference / "lalonde_weightit.json").read_text(encoding="utf-8"))["results"])


@pytest.mark.parametrize(("case", "method", "estimand"), RAW)
def test_weights(case: str, method: Any, estimand: Any, panel: me.Panel, stored: dict[str, Any]) -> None:
    weighting = me.choose_design(panel, method, estimand=estimand).weighting
    np.testing.assert_allclose(weighting.weights, stored[case]["weights"], atol=WEIGHT, rtol=0)


@pytest.mark.parametrize(("case", "method", "estimand"), SCALED)
def test_scaled_weights_are_those_up_to_one_factor_for_each_arm(
    case: str, method: Any, estimand: Any, panel: me.Panel, stored: dict[str, Any]
) -> None:
    design = me.choose_design(panel, method, estimand=estimand)
    ratio = design.weighting.weights / np.array(stored[case]["weights"])
    for arm in (design.baseline.treated, ~design.baseline.treated):
        np.testing.assert_allclose(ratio[arm], ratio[arm][0], rtol=WEIGHT)


@pytest.mark.parametrize(("case", "method", "estimand"), [*RAW, *SCALED])
def test_the_difference_of_weighted_means_and_its_error(
    case: str, method: Any, estimand: Any, panel: me.Panel, stored: dict[str, Any]
) -> None:
    design = me.choose_design(panel, method, estimand=estimand)
    found = me.estimate_effect(design, "re78", me.DifferenceInMeans(), inference=HC0).frame.iloc[0]
    assert found["estimate"] == pytest.approx(stored[case]["effect"]["estimate"], rel=POINT)
    assert found["std_error"] == pytest.approx(stored[case]["effect"]["se_HC0"], rel=STD_ERROR)


@pytest.mark.parametrize(("case", "method", "estimand"), RAW)
def test_the_adjusted_effect_and_its_error(
    case: str, method: Any, estimand: Any, panel: me.Panel, stored: dict[str, Any]
) -> None:
    design = me.choose_design(panel, method, estimand=estimand)
    found = me.estimate_effect(design, "re78", me.RegressionAdjustment(), inference=HC0).frame.iloc[0]
    assert found["estimate"] == pytest.approx(stored[case]["effect_adjusted"]["estimate"], rel=POINT)
    assert found["std_error"] == pytest.approx(stored[case]["effect_adjusted"]["se_HC0"], rel=STD_ERROR)


@pytest.mark.parametrize(("case", "method", "estimand"), [*RAW, *SCALED])
def test_effective_sample_sizes(case: str, method: Any, estimand: Any, panel: me.Panel, stored: dict[str, Any]) -> None:
    facts = me.choose_design(panel, method, estimand=estimand).weighting.facts
    assert facts["ess_treated"] == pytest.approx(stored[case]["ess"]["treated"], rel=POINT)
    assert facts["ess_comparison"] == pytest.approx(stored[case]["ess"]["control"], rel=POINT)


@pytest.mark.parametrize(("case", "method", "estimand"), [*RAW, *SCALED])
def test_balance(case: str, method: Any, estimand: Any, panel: me.Panel, stored: dict[str, Any]) -> None:
    table = stored[case]["balance"]["table"]
    frame = me.choose_design(panel, method, estimand=estimand).balance().frame
    for column, theirs in {
        "smd_before": "Diff.Un",
        "smd_after": "Diff.Adj",
        "variance_ratio_after": "V.Ratio.Adj",
        "ks_after": "KS.Adj",
    }.items():
        np.testing.assert_allclose(frame[column], np.array(table[theirs], dtype=float), atol=POINT, rtol=0)


def test_a_weight_that_is_huge_is_counted(panel: me.Panel, stored: dict[str, Any]) -> None:
    """WeightIt's largest weight for the ATE is 40.08, and the mean of the treated arm's is 2.99: 13 times as much."""
    weights = np.array(stored["ate_glm"]["weights"])
    facts = me.choose_design(panel, me.InverseProbability(), estimand="ATE").weighting.facts
    treated = weights[:185]
    assert facts["largest_weight_treated"] == pytest.approx(treated.max() / treated.mean(), rel=1e-6)
    assert facts["largest_share_treated"] == pytest.approx(treated.max() / treated.sum(), rel=1e-6)
    assert facts["huge_weights"] == 1
    assert me.choose_design(panel, me.OddsWeighting()).weighting.facts["huge_weights"] == 0


def test_entropy_balancing_and_the_covariate_balancing_score_solve_the_same_equations(panel: me.Panel) -> None:
    """WeightIt's two differ by 2e-5 because each stops early; here they are one equation, solved to the end."""
    both = [
        me.choose_design(panel, method).weighting.weights for method in (me.EntropyBalancing(), me.CovariateBalancing())
    ]
    np.testing.assert_allclose(*both, atol=1e-8, rtol=0)
