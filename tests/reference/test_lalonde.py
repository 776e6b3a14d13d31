"""LaLonde's data: pairs, weights, balance and effects of MatchIt, cobalt and sandwich (R), and published numbers.

The 614 rows are those of MatchIt's ``lalonde``; the stored results and their exact calls are in the reference folder.
The larger comparison groups are those of LaLonde (1986) as used by Dehejia & Wahba (1999).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me

POINT, STD_ERROR = 1e-8, 1e-6
"""Agreement with the reference software: relative to the size of the number, absolute near zero."""

COVARIATES = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]
DESIGNS = {
    "nearest_default": me.Nearest(),
    "nearest_replace": me.Nearest(replace=True),
    "nearest_caliper02": me.Nearest(caliper=0.2),
    "nearest_exact_race": me.Nearest(exact=["race"]),
    "mahalanobis": me.Nearest(distance="mahalanobis"),
}
ESTIMATORS = {"diff_in_means": me.DifferenceInMeans(), "adjusted": me.RegressionAdjustment()}
ERRORS = {
    "se_hc1": me.HeteroskedasticityRobust(small_sample="HC1"),
    "se_hc3": me.HeteroskedasticityRobust(small_sample="HC3"),
    "se_cluster_subclass": me.ClusterRobust(cluster="matched_set", small_sample="CR1"),
}
BALANCE = {
    "smd_before": "Diff.Un",
    "smd_after": "Diff.Adj",
    "variance_ratio_before": "V.Ratio.Un",
    "variance_ratio_after": "V.Ratio.Adj",
    "ks_before": "KS.Un",
    "ks_after": "KS.Adj",
}
EVERY_CASE = pytest.mark.parametrize("case", DESIGNS)


@pytest.fixture(scope="module")
def lalonde(reference: Path) -> pd.DataFrame:
    return pd.read_csv(reference / "data" / "lalonde.csv")


@pytest.fixture(scope="module")
def stored(reference: Path) -> dict[str, Any]:
    return dict(json.loads((reference / "lalonde_matching.json").read_text(encoding="utf-8"))["results"])


def panel_of(frame: pd.DataFrame) -> me.Panel:
    return me.panel_from_frame(frame, unit="id", treated="treat", covariates=COVARIATES, outcomes=["re78"])


@pytest.fixture(scope="module")
def designs(lalonde: pd.DataFrame) -> dict[str, me.Design]:
    panel = panel_of(lalonde)
    return {case: me.choose_design(panel, method) for case, method in DESIGNS.items()}


# ---------------------------------------------------------------------- MatchIt's 614 rows
def test_propensity_scores(designs: dict[str, me.Design], reference: Path) -> None:
    stored = json.loads((reference / "lalonde_propensity.json").read_text(encoding="utf-8"))["results"]
    weighting = designs["nearest_default"].weighting
    np.testing.assert_allclose(weighting.propensity, stored["all"], atol=POINT, rtol=0)
    assert weighting.facts["propensity_iterations"] == stored["iterations"]
    found = weighting.facts["propensity_coefficients"]
    renamed = {"(Intercept)": "intercept", "racehispan": "race = hispan", "racewhite": "race = white"}
    expected = {renamed.get(name, name): value for name, value in stored["coef"].items()}
    assert found == pytest.approx(expected, rel=POINT)


@EVERY_CASE
def test_pairs(case: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    pairs = stored[case]["pairs"]
    expected = {t: c for t, c in zip(pairs["treated"], pairs["controls"][0], strict=True) if c is not None}
    found = designs[case].matched_sets
    assert dict(zip(found["treated"], found["comparison"], strict=True)) == expected


@EVERY_CASE
def test_weights(case: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    np.testing.assert_allclose(designs[case].weighting.weights, stored[case]["weights"], atol=1e-14, rtol=0)


@EVERY_CASE
def test_matched_sets(case: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    expected = stored[case].get("subclass")
    sets = designs[case].weighting.matched_set
    if expected is None or all(label is None for label in expected):
        assert (sets == -1).all()
        return
    np.testing.assert_array_equal(sets, [-1 if label is None else int(label) - 1 for label in expected])


def test_width_of_the_caliper(designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    expected = stored["nearest_caliper02"]["info"]["caliper"]["distance"]
    facts = designs["nearest_caliper02"].weighting.facts
    assert facts["caliper_width"] == pytest.approx(expected, rel=1e-12)
    assert (facts["n_matched"], facts["n_unmatched"]) == (113, 185 - 113)


@EVERY_CASE
@pytest.mark.parametrize("column", BALANCE)
def test_balance_table(case: str, column: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    cobalt = stored[case]["cobalt"]
    frame = designs[case].balance().frame
    named = frame["covariate"].where(frame["level"] == "", frame["covariate"] + "_" + frame["level"])
    assert named.replace("propensity", "distance").tolist() == cobalt["covariate"]
    expected = np.array(cobalt["table"][BALANCE[column]], dtype=float)
    np.testing.assert_allclose(frame[column], expected, atol=POINT, rtol=0)


@EVERY_CASE
def test_sizes(case: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    observations = stored[case]["cobalt"]["observations"]
    rows = dict(zip(observations["rownames"], observations["rows"], strict=True))
    found = designs[case].balance().n
    columns = ["ess_comparison", "ess_treated"], ["n_comparison", "n_treated"]
    np.testing.assert_allclose(found.loc["before", columns[0]].to_numpy(), rows["All (ESS)"])
    np.testing.assert_allclose(found.loc["after", columns[0]].to_numpy(), rows["Matched (ESS)"])
    np.testing.assert_array_equal(found.loc["after", columns[1]].to_numpy(), rows["Matched (Unweighted)"])


@EVERY_CASE
@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("error", ERRORS)
def test_effects(case: str, estimator: str, error: str, designs: dict[str, me.Design], stored: dict[str, Any]) -> None:
    expected = stored[case]["effects"][estimator]
    if error not in expected:
        assert case == "nearest_replace", "only a match with replacement has no sets to cluster by"
        return
    found = me.estimate_effect(designs[case], "re78", ESTIMATORS[estimator], inference=ERRORS[error]).frame.iloc[0]
    assert found["estimate"] == pytest.approx(expected["estimate"], rel=POINT)
    assert found["std_error"] == pytest.approx(expected[error], rel=STD_ERROR)


@EVERY_CASE
def test_other_identifiers_give_the_same_pairs(case: str, designs: dict[str, me.Design], lalonde: pd.DataFrame) -> None:
    """Ties are broken by the order of the rows, not by how the identifiers sort."""
    numbers = np.random.default_rng(1).permutation(len(lalonde))
    design = me.choose_design(panel_of(lalonde.assign(id=numbers)), DESIGNS[case])
    np.testing.assert_array_equal(design.weighting.pairs, designs[case].weighting.pairs)


# ---------------------------------------------------------------------- NSW against CPS and PSID
LARGE = {"cps": (2, 15_992, -8_498), "psid": (3, 2_490, -15_205)}
"""Number of the sample, its size, and the published difference from the 185 treated."""

LARGE_COVARIATES = ["age", "educ", "black", "hisp", "married", "nodegree", "re74", "re75"]


@pytest.fixture(scope="module", params=LARGE)
def large(request: pytest.FixtureRequest, real_data: Path) -> tuple[str, me.Panel]:
    everyone = pd.read_csv(real_data / "lalonde_nsw_cps_psid.csv.gz")
    sample, _, _ = LARGE[request.param]
    treated = (everyone["sample"] == 1) & (everyone["dwincl"] == 1) & (everyone["treated"] == 1)
    frame = everyone[treated | (everyone["sample"] == sample)].reset_index()
    frame["trained"] = frame["sample"] == 1
    panel = me.panel_from_frame(frame, unit="index", treated="trained", covariates=LARGE_COVARIATES, outcomes=["re78"])
    return request.param, panel


def test_published_unadjusted_differences(large: tuple[str, me.Panel]) -> None:
    name, panel = large
    _, size, published = LARGE[name]
    found = me.estimate_effect(me.choose_design(panel, me.Unadjusted()), "re78", me.DifferenceInMeans()).frame.iloc[0]
    assert (found["n_treated"], found["n_comparison"]) == (185, size)
    assert found["estimate"] == pytest.approx(published, abs=0.5)


@pytest.mark.parametrize("method", [me.Nearest(), me.Nearest(replace=True)], ids=["without", "with replacement"])
def test_matching_says_that_it_does_not_reach_balance(large: tuple[str, me.Panel], method: me.Nearest) -> None:
    """Everybody finds a partner and the arms come far nearer, but no match makes all covariates alike, and it is said.

    One to one without replacement comes nearest with CPS (the worst covariate .24 apart, an impact model must adjust)
    and fails with PSID; with replacement both fail.
    """
    name, panel = large
    raw = me.choose_design(panel, me.Unadjusted()).balance().opinion
    design = me.choose_design(panel, method)
    assert (design.weighting.facts["n_matched"], design.weighting.facts["n_unmatched"]) == (185, 0)
    opinion = design.balance().opinion
    assert raw.verdict == "fail"
    assert opinion.verdict == ("caution" if name == "cps" and not method.replace else "fail")
    assert 0.2 < abs(opinion.value) < 1 < abs(raw.value)


def test_matching_brings_the_estimate_nearer_to_the_experiment(large: tuple[str, me.Panel]) -> None:
    """The experiment found 1,794 (published): 10,000 or more off before, the adjusted match is less than 1,000 off."""
    _, panel = large
    found = me.estimate_effect(me.choose_design(panel, me.Nearest()), "re78", me.RegressionAdjustment()).frame.iloc[0]
    assert abs(found["estimate"] - 1_794) < 1_000
