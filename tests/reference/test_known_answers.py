"""Studies whose answer is known: LaLonde's job training, and the minimum wages of Callaway and Sant'Anna."""

import json

import pytest

import mentoreval as me


def headlines(evaluation):
    return {result.plan.name: result.headline for result in evaluation.results}


def test_minimum_wages_equal_the_stored_pooled_effects(real_data, reference, root):
    stored = json.loads((reference / "mpdta_att_gt.json").read_text(encoding="utf-8"))["results"]
    found = headlines(me.run_study(root / "reports/minimum_wages/study.toml"))
    for name, case in (
        ("never_raised", "never_dr"),
        ("never_raised_same_size", "never_dr_lpop"),
        ("not_yet_raised", "notyet_dr"),
    ):
        simple = stored[case]["aggte"]["simple"]
        assert found[name]["estimate"] == pytest.approx(simple["overall_att"], abs=1e-8), name
        assert found[name]["std_error"] == pytest.approx(simple["overall_se"], abs=1e-6), name


def test_job_training_is_far_off_unadjusted_and_near_the_experiment_matched(real_data, root):
    """Published: treated less CPS −8,498; the experiment 1,794. The report says that balance was not reached."""
    evaluation = me.run_study(root / "reports/job_training/study.toml")
    found = headlines(evaluation)
    assert round(found["earnings_1978_everyone_difference_in_means"]["estimate"]) == -8498
    matched = found["earnings_1978_matched_regression_adjustment"]
    assert matched["conf_low"] < 1794 < matched["conf_high"]
    verdicts = {finding.check: finding.verdict for finding in evaluation.with_role("headline")[0].findings}
    assert verdicts["covariate_balance"] == "fail"
