"""LaLonde's data in strata, subclasses and full matches: weights, sets and effects of MatchIt and sandwich (R)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me

POINT, STD_ERROR = 1e-8, 1e-6
COVARIATES = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
DESIGNS = {"subclass6": me.Subclass(n=6), "cem_default": me.CoarsenedExact()}
ESTIMATORS = {"diff_in_means": me.DifferenceInMeans(), "adjusted": me.RegressionAdjustment()}
ERRORS = {
    "se_hc1": me.HeteroskedasticityRobust(small_sample="HC1"),
    "se_hc3": me.HeteroskedasticityRobust(small_sample="HC3"),
    "se_cluster_subclass": me.ClusterRobust(cluster="matched_set", small_sample="CR1"),
}
BALANCE = {
    "smd_after": "Diff.Adj",
    "variance_ratio_after": "V.Ratio.Adj",
    "ks_after": "KS.Adj",
}
EVERY_CASE = pytest.mark.parametrize("case", DESIGNS)


@pytest.fixture(scope="module")
def panel(reference: Path) -> me.Panel:
    frame = pd.read_csv(reference / "data" / "lalonde.csv")
    return me.panel_from_frame(frame, unit="id", treated="treat", covariates=COVARIATES, outcomes=["re78"])


@pytest.fixture(scope="module")
def stored(reference: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("lalonde_matching", "lalonde_full"):
        found |= json.loads((reference / f"{name}.json").read_text(encoding="utf-8"))["results"]
    return found


@pytest.fixture(scope="module")
def designs(panel: me.Panel) -> dict[str, me.Design]:
    return {case: me.choose_design(panel, method) for case, method in DESIGNS.items()}


@EVERY_CASE
def test_weights(case: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    np.testing.assert_allclose(designs[case].weighting.weights, stored[case]["weights"], atol=1e-13, rtol=0)


@EVERY_CASE
def test_sets(case: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    expected = [-1 if label is None else int(label) - 1 for label in stored[case]["subclass"]]
    np.testing.assert_array_equal(designs[case].weighting.matched_set, expected)


def test_cut_points_of_the_subclasses(designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    quantiles = designs["subclass6"].weighting.facts["quantiles"]
    np.testing.assert_allclose(list(quantiles.values()), [stored["subclass6"]["quantile_cut"]], atol=POINT)  # type: ignore[attr-defined]


@EVERY_CASE
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("error", ERRORS)
def test_effects(case: str, estimator: str, error: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    expected = stored[case]["effects"][estimator]
    estimate = me.estimate_effect(designs[case], "re78", ESTIMATORS[estimator], inference=ERRORS[error])
    row = estimate.frame.iloc[0]
    assert row["estimate"] == pytest.approx(expected["estimate"], rel=POINT)
    assert row["std_error"] == pytest.approx(expected[error], rel=STD_ERROR)


@EVERY_CASE
@pytest.mark.parametrize("column", BALANCE)
def test_balance_table(case: str, column: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    cobalt = stored[case]["cobalt"]
    frame = designs[case].balance().frame
    named = frame["covariate"].where(frame["level"] == "", frame["covariate"] + "_" + frame["level"])
    found = pd.Series(frame[column].to_numpy(dtype=float), index=named.replace("propensity", "distance"))
    expected = np.array(cobalt["table"][BALANCE[column]], dtype=float)
    np.testing.assert_allclose(found[cobalt["covariate"]], expected, atol=POINT, rtol=0)


@EVERY_CASE
def test_sizes(case: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    sizes = dict(zip(stored[case]["n"]["rownames"], stored[case]["n"]["rows"], strict=True))
    found = designs[case].balance().n
    columns = ["ess_comparison", "ess_treated"], ["n_comparison", "n_treated"]
    np.testing.assert_allclose(found.loc["after", columns[0]].to_numpy(dtype=float), sizes["Matched (ESS)"])
    np.testing.assert_array_equal(found.loc["after", columns[1]].to_numpy(dtype=float), sizes["Matched"])


# ---------------------------------------------------------------------- full matching, up to ties
def test_the_full_match_has_the_total_of_optmatch(panel: me.Panel, stored: dict[str, Any]) -> None:
    """optmatch's default tolerance gives a total above the optimum; with 1e-7 it finds the optimum."""
    facts = me.choose_design(panel, me.Full()).weighting.facts
    assert facts["total_distance"] == pytest.approx(stored["full_tol1e7"]["total_distance"], abs=1e-9)
    assert facts["total_distance"] < stored["full"]["total_distance"]
    assert facts["n_sets"] == len(set(stored["full_tol1e7"]["subclass"]))


def test_the_full_match_has_its_weights_but_among_equal_scores(panel: me.Panel, stored: dict[str, Any]) -> None:
    """Which of two students with the same score is the centre of a set is arbitrary; together they weigh the same.

    That is all that can differ: four weights of 614 do, and the effects by what these four differ in.
    """
    design = me.choose_design(panel, me.Full())
    weighting, treated = design.weighting, design.baseline.treated
    expected = np.array(stored["full_tol1e7"]["weights"])
    alike = pd.DataFrame({"score": weighting.propensity.round(12), "treated": treated})
    alike["ours"], alike["theirs"] = weighting.weights, expected
    sums = alike.groupby(["score", "treated"])[["ours", "theirs"]].sum()
    np.testing.assert_allclose(sums["ours"], sums["theirs"], atol=1e-8)
    differ = np.abs(weighting.weights - expected) > 1e-8
    assert differ.sum() == 4
