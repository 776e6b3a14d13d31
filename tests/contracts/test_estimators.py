"""What every estimator promises, whatever it is; a new one is tested the moment it is registered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import ESTIMATE_COLUMNS, Estimate, estimate_effect
from mentoreval.effects.estimator import PROMISES, TERM_COLUMNS, Estimator, Fit
from mentoreval.effects.estimators import ESTIMATORS
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError, MentorevalError
from mentoreval.panel.panel import panel_from_frame
from mentoreval.registry import build, spec_of

PANELS = ("cross_section", "two_periods", "staggered")
BY_STUDENT = ClusterRobust("student", "CR0")

NEEDED: dict[str, dict[str, Any]] = {"triple_difference": {"group": "club"}, "negative_binomial": {"exposure": None}}
PERIODS_NEEDED = {"comparative_interrupted_time_series": 3}  # two for a trend before the start, and one after it
EFFECT = {
    "triple_difference": 0.0,  # of a program that does as much for students out of the club
    "dose_response": 0.0,  # of a program that does as much whatever the number of sessions
    "complier_effect": -2.0 / 0.75,  # three in four of the offered take part, and the offer alone does nothing here
}

every_estimator = pytest.mark.parametrize(
    "estimator", [cls(**NEEDED.get(name, {})) for name, cls in ESTIMATORS.items()], ids=ESTIMATORS
)
every_panel = pytest.mark.parametrize("kind", PANELS)


def make_frame(kind: str, n: int = 60, seed: int = 1) -> pd.DataFrame:
    """A third of the students starts first, a third later (staggered) or never, a third never; the effect is −2."""
    rng = np.random.default_rng(seed)
    years = {"cross_section": [3], "two_periods": [2, 3], "staggered": [1, 2, 3, 4]}[kind]
    periods = len(years)
    second = 4.0 if kind == "staggered" else np.nan
    start = np.array([3.0, second, np.nan])[np.arange(n) % 3]
    gpa = rng.normal(2.7, 0.5, n)
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), periods), "year": np.tile(years, n)})
    frame["start"], frame["gpa"] = start[frame["student"]], gpa[frame["student"]]
    frame["school"], frame["club"] = (frame["student"] // 3) % 6, (frame["student"] // 18) % 2
    frame["w"] = rng.uniform(0.5, 2.0, n)[frame["student"]]
    frame["absent"] = 20 + rng.normal(0, 2, n)[frame["student"]] - frame["gpa"] + 0.3 * frame["year"]
    frame["absent"] += np.where(frame["year"] >= frame["start"], -2.0, 0.0) + rng.normal(0, 1, len(frame))
    frame["took_part"] = ((frame["year"] >= frame["start"]) & (frame["student"] // 3 % 4 > 0)).astype(int)
    frame["sessions"] = frame["took_part"] * (1 + frame["student"] % 7)
    return frame


def make_design(frame: pd.DataFrame, **roles: Any) -> Design:
    named = {"unit": "student", "covariates": ["gpa", "club"], "outcomes": ["absent"], "school": "school", **roles}
    named |= {"participated": "took_part", "dosage": "sessions", "assignment": "random"}
    if frame["year"].nunique() == 1:
        flagged = frame.assign(mentored=frame["start"].notna().astype(int))
        return choose_design(panel_from_frame(flagged, treated="mentored", **named))
    return choose_design(panel_from_frame(frame, period="year", first_treated="start", **named))


def fit_or_skip(estimator: Estimator, design: Design) -> Fit:
    """The fit; a panel that the estimator can not serve it must refuse in plain words."""
    try:
        return estimator.fit(design, "absent")
    except EffectError as error:
        refusal = str(error)
    served = len(design.panel.timeline.periods) >= PERIODS_NEEDED.get(estimator.name, 2)
    assert not served, f"a panel with a period before and after must be served: {refusal}"
    assert "one period" in refusal
    pytest.skip(f"{estimator.name} needs a period before the start, and says so")


def estimate(estimator: Estimator, frame: pd.DataFrame, **roles: Any) -> Estimate:
    design = make_design(frame, **roles)
    fit_or_skip(estimator, design)
    inference = None if "influence" in estimator.exempt else BY_STUDENT
    return estimate_effect(design, "absent", estimator, inference=inference)


def skip_if_exempt(estimator: Estimator, promise: str) -> None:
    """Skip what the class says that it can not promise; the reason is its own."""
    if promise in estimator.exempt:
        pytest.skip(f"{estimator.name} does not promise {promise}, for {estimator.exempt[promise]}")


@every_estimator
@every_panel
def test_what_it_does_not_promise_it_says_with_a_reason(estimator: Estimator, kind: str) -> None:
    fit = fit_or_skip(estimator, make_design(make_frame(kind)))
    assert set(estimator.exempt) <= set(PROMISES)
    assert all(len(reason.split()) > 3 for reason in estimator.exempt.values())
    assert (fit.influence is None) == ("influence" in estimator.exempt)
    assert fit.influence is not None or fit.own_variance is not None, "else nothing tells how sure it is"


@every_estimator
@every_panel
def test_a_fit_is_well_formed(estimator: Estimator, kind: str) -> None:
    fit = fit_or_skip(estimator, make_design(make_frame(kind)))
    k = len(fit.theta)
    assert tuple(fit.terms.columns) == TERM_COLUMNS
    assert len(fit.terms) == k == fit.terms["term"].nunique()
    assert np.isfinite(fit.theta).all()
    assert (fit.terms["n_treated"] > 0).all()
    assert (fit.terms["n_comparison"] > 0).all()
    assert "student" in fit.clusters
    assert "school" in fit.clusters
    if fit.influence is not None:
        assert fit.influence.shape[1] == k
        assert all(len(codes) == len(fit.influence) for codes in fit.clusters.values())
    assert len(np.unique(fit.entries)) == len(fit.entries)
    assert (fit.design.weighting.weights[fit.entries] > 0).all()


@every_estimator
@every_panel
def test_influence_sums_to_zero(estimator: Estimator, kind: str) -> None:
    fit = fit_or_skip(estimator, make_design(make_frame(kind)))
    if fit.influence is not None:
        np.testing.assert_allclose(fit.influence.mean(axis=0), 0.0, atol=1e-10)


@every_estimator
@every_panel
def test_adding_a_constant_changes_nothing(estimator: Estimator, kind: str) -> None:
    skip_if_exempt(estimator, "shift")
    frame = make_frame(kind)
    plain, shifted = estimate(estimator, frame), estimate(estimator, frame.assign(absent=frame["absent"] + 1000.0))
    np.testing.assert_allclose(shifted.fit.theta, plain.fit.theta, atol=1e-9)
    np.testing.assert_allclose(shifted.std_error, plain.std_error, atol=1e-9)


@every_estimator
def test_who_compares_changes_does_not_feel_a_gap_that_was_always_there(estimator: Estimator) -> None:
    frame = make_frame("staggered")
    apart = frame.assign(absent=frame["absent"] + np.where(frame["start"].notna(), 1.5, 0.0))
    plain, gapped = estimate(estimator, frame), estimate(estimator, apart)
    if estimator.compares_changes:
        np.testing.assert_allclose(gapped.fit.theta, plain.fit.theta, atol=1e-7)
        return
    knows_before = "prior_absent" in estimator.adjusts_for(plain.design)
    if not estimator.descriptive and not knows_before:  # a description looks at one arm only
        assert gapped.headline()["estimate"] - plain.headline()["estimate"] > 1


@every_estimator
@every_panel
def test_another_unit_of_measurement_rescales_effect_and_error(estimator: Estimator, kind: str) -> None:
    skip_if_exempt(estimator, "scale")
    frame = make_frame(kind)
    plain, scaled = estimate(estimator, frame), estimate(estimator, frame.assign(absent=frame["absent"] * -180.0))
    np.testing.assert_allclose(scaled.fit.theta, -180.0 * plain.fit.theta, atol=1e-9)
    np.testing.assert_allclose(scaled.std_error, 180.0 * plain.std_error, atol=1e-9)


@every_estimator
@every_panel
def test_order_of_rows_and_names_of_students_change_nothing(estimator: Estimator, kind: str) -> None:
    frame = make_frame(kind)
    names = np.random.default_rng(3).permutation(60)
    other = frame.assign(student=[f"student {names[number]:03d}" for number in frame["student"]])
    plain, renamed = estimate(estimator, frame), estimate(estimator, other.sample(frac=1.0, random_state=4))
    np.testing.assert_allclose(renamed.fit.theta, plain.fit.theta, atol=1e-10)
    np.testing.assert_allclose(renamed.std_error, plain.std_error, atol=1e-10)
    pd.testing.assert_frame_equal(renamed.fit.terms, plain.fit.terms)


@every_estimator
@every_panel
def test_the_frame_is_left_as_it_was_and_the_same_question_has_the_same_answer(estimator: Estimator, kind: str) -> None:
    frame = make_frame(kind)
    before = frame.copy(deep=True)
    design = make_design(frame)
    kept = design.panel.frame.copy(deep=True)
    fit_or_skip(estimator, design)
    first, second = (estimate_effect(design, "absent", estimator).frame for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(design.panel.frame, kept)


@every_estimator
@every_panel
def test_nothing_is_missing_in_the_frame_without_a_note(estimator: Estimator, kind: str) -> None:
    effect = estimate(estimator, make_frame(kind))
    assert tuple(effect.frame.columns) == ESTIMATE_COLUMNS
    assert effect.frame["estimate"].notna().all()
    for row in effect.frame[effect.frame["std_error"].isna()].itertuples():
        assert any(str(row.term) in note.terms for note in effect.notes)
    whole = effect.frame[effect.frame["std_error"].notna()]
    assert whole[["statistic", "p_value", "conf_low", "conf_high", "df"]].notna().all(axis=None)


@every_estimator
@every_panel
def test_the_influence_of_a_student_is_the_derivative_by_the_students_weight(estimator: Estimator, kind: str) -> None:
    skip_if_exempt(estimator, "influence")
    frame = make_frame(kind)
    fit = estimate(estimator, frame, weight="w").fit
    assert fit.influence is not None
    by_student = np.zeros((60, len(fit.theta)))
    np.add.at(by_student, fit.clusters["student"], fit.influence / len(fit.influence))
    for student in (0, 1, 2, 31):
        theta = []
        for step in (1e-4, -1e-4):
            changed = frame.assign(w=frame["w"] * np.where(frame["student"] == student, 1 + step, 1.0))
            theta.append(estimate(estimator, changed, weight="w").fit.theta)
        np.testing.assert_allclose(by_student[student], (theta[0] - theta[1]) / 2e-4, atol=1e-7)


@every_estimator
def test_the_error_agrees_with_drawing_students_again(estimator: Estimator) -> None:
    """150 refits on students drawn with replacement; 1/√300 of Monte Carlo error, and about as much from small n."""
    skip_if_exempt(estimator, "refits")
    frame, rng = make_frame("staggered", n=150, seed=5), np.random.default_rng(6)
    effect = estimate(estimator, frame)
    rows = frame.groupby("student").indices
    draws = []
    for _ in range(150):
        drawn = rng.integers(0, 150, 150)
        again = frame.iloc[np.concatenate([rows[student] for student in drawn])]
        again = again.assign(student=np.repeat(np.arange(150), 4))
        draws.append(estimator.fit(make_design(again), "absent").theta)
    kept = ~effect.is_reference
    ratio = effect.std_error[kept] / np.std(draws, axis=0, ddof=1)[kept]
    assert np.all(np.abs(ratio - 1) < 0.25)
    assert abs(ratio.mean() - 1) < 0.12


@every_estimator
@every_panel
def test_a_known_effect_is_found(estimator: Estimator, kind: str) -> None:
    effect = estimate(estimator, make_frame(kind, n=900, seed=2))
    row = effect.headline()
    assert abs(row["estimate"] - EFFECT.get(estimator.name, -2.0)) < 4 * row["std_error"]
    assert row["std_error"] < 0.5


@every_estimator
@every_panel
def test_one_school_everyone_mentored_and_nobody_to_compare_with_are_plain_errors(
    estimator: Estimator, kind: str
) -> None:
    frame = make_frame(kind)
    design = make_design(frame.assign(school="only"))
    fit_or_skip(estimator, design)
    with pytest.raises(EffectError, match="one school"):
        estimate_effect(design, "absent", estimator, inference=ClusterRobust("school"))
    with pytest.raises(MentorevalError, match="nobody is left to compare with"):
        estimate(estimator, frame.assign(start=3.0))
    with pytest.raises(MentorevalError, match="No unit is treated"):
        estimate(estimator, frame.assign(start=np.nan))


@every_estimator
@every_panel
def test_no_known_outcome_in_one_arm_is_a_plain_error(estimator: Estimator, kind: str) -> None:
    frame = make_frame(kind)
    fit_or_skip(estimator, make_design(frame))
    for arm in (frame["start"].isna(), frame["start"].notna()):
        design = make_design(frame.assign(absent=frame["absent"].mask(arm)))
        with pytest.raises(EffectError):
            estimator.fit(design, "absent")


@every_estimator
def test_it_can_be_written_in_a_study_file_and_read_again(estimator: Estimator) -> None:
    assert ESTIMATORS[estimator.name] is type(estimator)
    assert build(ESTIMATORS, spec_of(estimator), "estimator") == estimator
    assert replace(estimator) == estimator
