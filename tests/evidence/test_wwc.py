"""WWC quantities on the analytic sample, against arithmetic on small samples."""

import math

import numpy as np
import pandas as pd
import pytest

import mentoreval as me


def panel_of(frame, **roles):
    return me.panel_from_frame(frame, unit="student", treated="mentored", **roles)


@pytest.fixture
def eight():
    """Eight students; the mentored had 2 days less before and have 3 days less after."""
    return pd.DataFrame(
        {
            "student": list("abcdefgh"),
            "mentored": [1, 1, 1, 1, 0, 0, 0, 0],
            "before": [8.0, 9, 10, 13, 10, 11, 12, 15],
            "poor": [1, 1, 1, 0, 1, 0, 0, 0],
            "after": [4.0, 6, 8, 10, 7, 9, 11, 13],
            "passed": [1, 1, 1, 0, 1, 1, 0, 0],
        }
    )


def test_baseline_effect_sizes_are_hedges_g_and_cox_index(eight):
    panel = panel_of(eight, covariates=["before", "poor"], outcomes=["after"], pretests={"after": "before"})
    effect = me.estimate_effect(me.choose_design(panel), "after", me.DifferenceInMeans())
    table = me.baseline_equivalence(effect).set_index("covariate")
    variance = ((8 - 10) ** 2 + (9 - 10) ** 2 + 0 + 3**2) / 3  # the same in both arms
    omega = 1 - 3 / (4 * 8 - 9)
    assert table.loc["before", "effect_size"] == pytest.approx(omega * (10 - 12) / math.sqrt(variance))
    assert table.loc["poor", "effect_size"] == pytest.approx(omega * (math.log(3) - math.log(1 / 3)) / 1.65)
    assert table.loc["before", "effect_size_kind"] == "hedges_g"
    assert table.loc["poor", "effect_size_kind"] == "cox_index"
    assert list(table["pretest"]) == [True, False]
    assert not table["adjusted"].any()
    assert (table["band"] == "not_satisfied").all()


def test_hedges_g_of_the_effect(eight):
    panel = panel_of(eight, covariates=["before"], outcomes=["after"])
    effect = me.estimate_effect(me.choose_design(panel), "after", me.DifferenceInMeans())
    size = me.effect_size(effect)
    variance = (9 + 1 + 1 + 9) / 3
    expected = (1 - 3 / 23) * (7 - 10) / math.sqrt(variance)
    assert size.value == pytest.approx(expected)
    assert size.improvement_index == pytest.approx(100 * 0.5 * (1 + math.erf(expected / math.sqrt(2))) - 50)
    assert (size.mean_treated, size.mean_comparison, size.n_treated, size.n_comparison) == (7, 10, 4, 4)


def test_cox_index_of_a_share(eight):
    panel = panel_of(eight, covariates=["before"], outcomes=["passed"])
    size = me.effect_size(me.estimate_effect(me.choose_design(panel), "passed", me.DifferenceInMeans()))
    assert size.kind == "cox_index"
    assert size.value == pytest.approx((1 - 3 / 23) * (math.log(3) - math.log(1)) / 1.65)


def test_a_share_at_its_limit_has_no_cox_index_and_says_why(eight):
    panel = panel_of(eight.assign(passed=[1, 1, 1, 0, 0, 0, 0, 0]), covariates=["before"], outcomes=["passed"])
    size = me.effect_size(me.estimate_effect(me.choose_design(panel), "passed", me.DifferenceInMeans()))
    assert math.isnan(size.value)
    assert size.reason == "share_at_its_limit"


def test_equivalence_is_judged_on_the_matched_sample_with_its_weights():
    rng = np.random.default_rng(3)
    n = 400
    before = rng.normal(0, 1, n)
    mentored = (before + rng.normal(0, 1, n) > 1).astype(int)
    frame = pd.DataFrame({"student": range(n), "mentored": mentored, "before": before, "after": before})
    panel = panel_of(frame, covariates=["before"], outcomes=["after"], pretests={"after": "before"})
    worlds = {}
    for name, method in (("everyone", me.Unadjusted()), ("matched", me.Nearest(ratio=2, replace=True, caliper=0.1))):
        design = me.choose_design(panel, method)
        robust = me.HeteroskedasticityRobust("HC1")
        effect = me.estimate_effect(design, "after", me.DifferenceInMeans(), inference=robust)
        table = me.baseline_equivalence(effect)
        weights = design.weights.merge(frame, left_on="unit", right_on="student")
        of_comparison = weights[~weights["treated"]]
        assert table["mean_comparison"].iloc[0] == pytest.approx(
            np.average(of_comparison["before"], weights=of_comparison["weight"])
        )
        worlds[name] = (table["band"].iloc[0], me.run_check("wwc_baseline_equivalence", effect).verdict)
    assert worlds == {"everyone": ("not_satisfied", "fail"), "matched": ("satisfied", "pass")}


def test_a_gap_that_needs_adjustment_fails_without_it_and_is_a_caution_with_it():
    frame = pd.DataFrame({"student": range(200), "mentored": [1, 0] * 100, "before": np.repeat(np.arange(100.0), 2)})
    frame["before"] += 4.0 * frame["mentored"]  # 4 / 29 = .14 standard deviations
    frame["after"] = np.sin(frame["before"]) + frame["before"]
    panel = panel_of(frame, covariates=["before"], outcomes=["after"], pretests={"after": "before"})
    design = me.choose_design(panel)
    raw = me.run_check("wwc_baseline_equivalence", me.estimate_effect(design, "after", me.DifferenceInMeans()))
    adjusted = me.run_check("wwc_baseline_equivalence", me.estimate_effect(design, "after", me.RegressionAdjustment()))
    assert (raw.verdict, raw.key) == ("fail", "wwc_baseline_equivalence.not_adjusted")
    assert (adjusted.verdict, adjusted.key) == ("caution", "wwc_baseline_equivalence.adjusted")


def test_without_a_pretest_equivalence_can_not_be_judged():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"student": range(4000), "mentored": [1, 0] * 2000, "age": rng.normal(12, 1, 4000)})
    frame["after"] = rng.normal(0, 1, 4000)
    panel = panel_of(frame, covariates=["age"], outcomes=["after"])
    effect = me.estimate_effect(me.choose_design(panel), "after")
    assert abs(me.baseline_equivalence(effect)["effect_size"].iloc[0]) < 0.25
    assert me.run_check("wwc_baseline_equivalence", effect).verdict == "cannot_judge"


def test_an_unknown_check_is_named(eight):
    panel = panel_of(eight, covariates=["before"], outcomes=["after"])
    effect = me.estimate_effect(me.choose_design(panel), "after")
    with pytest.raises(me.OptionError, match=r"no check named 'pretrend'.*Did you mean 'pretrends'"):
        me.run_check("pretrend", effect)


def test_a_deciding_measure_that_can_not_be_judged_leaves_equivalence_open(eight):
    """One of two pretests is known for one mentored student only: the other one, alike, does not carry the verdict."""
    frame = eight.assign(early=[1.0, None, None, None, 2, 3, 4, 5], before=[8.0, 9, 10, 13, 8, 9, 10, 13])
    facts = {"after": me.MeasureFacts(domain="attendance"), "passed": me.MeasureFacts(domain="attendance")}
    panel = panel_of(
        frame,
        covariates=["before", "early"],
        outcomes=["after", "passed"],
        pretests={"after": "before", "passed": "early"},
        measures=facts,
    )
    finding = me.run_check(
        "wwc_baseline_equivalence", me.estimate_effect(me.choose_design(panel), "after", me.DifferenceInMeans())
    )
    assert list(finding.frame["decides"]) == [True, True]
    assert (finding.verdict, finding.key) == ("cannot_judge", "wwc_baseline_equivalence.partly_unknown")
    assert finding.numbers["covariate"] == "early"
