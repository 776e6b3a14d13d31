"""In a district whose truth is known: the naive answer is far off, the matched and the DiD answers hold the truth."""

import json

import numpy as np
import pytest

import mentoreval as me

COVARIATES = [
    "prior_attendance_rate", "grade_level", "gender", "race_ethnicity", "economically_disadvantaged", "english_learner",
    "disability",
]  # fmt: skip
RULE = [me.Eligibility("prior_attendance_rate", at_most=0.90)]


def build(folder):
    records = me.read_records(folder)
    return me.build_panel(records, program=me.OneToOne(), measures=["attendance_rate", "days_absent"])


def match(panel):
    method = me.Nearest(ratio=1, caliper=0.2, exact=("grade_level",))
    return me.choose_design(panel, method, covariates=COVARIATES, eligibility=RULE)


@pytest.fixture(scope="module")
def truth(root):
    """The true effects that the world wrote beside its tables."""
    effects = json.loads((root / "data/synthetic/riverside/truth.json").read_text(encoding="utf-8"))["effects"]
    first = {row["outcome"]: row for row in effects if row["term"] == "event_time" and row["event_time"] == 0}
    return {outcome: row["effect"] for outcome, row in first.items()}


@pytest.fixture(scope="module")
def panel(root):
    return build(root / "data/synthetic/riverside")


@pytest.fixture(scope="module")
def design(panel):
    return match(panel)


def test_the_naive_before_and_after_is_far_off(design, truth):
    found = me.run_check("regression_to_the_mean", me.estimate_effect(design, "days_absent")).frame.set_index("arm")
    naive = found.loc["treated", "change"]
    assert truth["days_absent"] == pytest.approx(-4, abs=1)
    assert naive < 2.5 * truth["days_absent"]  # more than twice as large
    assert found.loc["comparison", "change"] < -6  # what students gained with no program at all


@pytest.mark.parametrize("estimator", [me.RegressionAdjustment(), me.Did2x2(), me.CallawaySantAnna()])
@pytest.mark.parametrize("outcome", ["attendance_rate", "days_absent"])
def test_matched_and_did_estimates_hold_the_truth(design, truth, outcome, estimator):
    effect = me.estimate_effect(design, outcome, estimator, inference=me.ClusterRobust("school"))
    if isinstance(estimator, me.CallawaySantAnna):
        frame = effect.pool("event_time").frame
        row = frame[frame["event_time"] == 0].iloc[0]
    else:
        row = effect.headline()
    assert row["conf_low"] < truth[outcome] < row["conf_high"]
    assert np.sign(row["estimate"]) == np.sign(truth[outcome])


def test_without_the_same_rule_and_without_matching_did_misses(panel, truth):
    """Everyone never mentored is no comparison for students who were picked in their worst year."""
    design = me.choose_design(panel, covariates=())
    effect = me.estimate_effect(design, "days_absent", me.Did2x2(), inference=me.ClusterRobust("school")).headline()
    assert effect["conf_high"] < truth["days_absent"]


@pytest.mark.slow
def test_matched_estimates_are_unbiased_over_draws(tmp_path):
    """30 districts: the mean error of the matched estimate is within three Monte Carlo errors of 0."""
    errors = []
    for seed in range(30):
        draw = me.draw_world("riverside", seed=seed)
        folder = me.write_world(draw, tmp_path / str(seed))
        effect = me.estimate_effect(match(build(folder)), "days_absent").headline()
        first = draw.truth.effects.query("outcome == 'days_absent' and term == 'event_time' and event_time == 0")
        errors.append(effect["estimate"] - first["effect"].iloc[0])
    assert abs(np.mean(errors)) < 3 * np.std(errors, ddof=1) / np.sqrt(len(errors))
