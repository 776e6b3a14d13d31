"""The logit propensity score: likelihood equations, cohorts, weights, and each covariate it can not be fitted with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Baseline, stand_at_start
from mentoreval.design.propensity_models import PROPENSITY_MODELS, Logit
from mentoreval.errors import DesignError
from mentoreval.panel.panel import Panel
from mentoreval.registry import build, spec_of


def baseline_of(panel: Panel, covariates: list[str] | None = None) -> Baseline:
    return stand_at_start(panel, tuple(panel.covariates if covariates is None else covariates))


def test_scores_solve_the_likelihood_equations(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """At the maximum the residuals are orthogonal to every covariate, the levels of a text included."""
    base = baseline_of(panel_of(students))
    scores = Logit().score(base, base.comparable())
    residual = base.treated - scores.probability
    for column in (students["gpa"], students["absent"], students["lunch"], *(students["grade"] == g for g in "678")):
        assert abs(float(residual @ column.to_numpy(dtype=float))) < 1e-6
    np.testing.assert_allclose(scores.probability, 1 / (1 + np.exp(-scores.linear)))


def test_sampling_weights_count_students_as_often(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    weighted = students.assign(w=np.where(students["grade"] == "6", 2.0, 1.0))
    twice = students[students["grade"] == "6"].assign(id=lambda frame: frame["id"] + "b")
    once = baseline_of(panel_of(weighted, weight="w"))
    doubled = baseline_of(panel_of(pd.concat([students, twice], ignore_index=True)))
    left, right = (Logit().score(base, base.comparable()).probability for base in (once, doubled))
    np.testing.assert_allclose(left, right[: len(students)], atol=1e-7)


def test_entries_that_are_not_considered_have_no_score(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students.loc[[3, 5], "gpa"] = np.nan
    base = baseline_of(panel_of(students))
    considered = base.comparable()
    assert np.flatnonzero(~considered).tolist() == [3, 5]
    scores = Logit().score(base, considered)
    assert np.flatnonzero(np.isnan(scores.probability)).tolist() == [3, 5]


def test_cohorts_share_one_model_with_a_level_for_each(cohort_panel: Panel) -> None:
    """The cohort indicators make the scores of each cohort sum to its number of treated."""
    base = stand_at_start(cohort_panel, ("gpa", "prior_absent"))
    scores = Logit().score(base, base.comparable())
    for cohort in (2020, 2021):
        here = base.cohort == cohort
        assert scores.probability[here].sum() == pytest.approx(base.treated[here].sum(), abs=1e-5)
    assert list(scores.facts["propensity_coefficients"]) == ["intercept", "gpa", "prior_absent", "cohort = 2021"]


def test_aliased_covariates_are_named_and_change_no_score(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students["missed"] = 2 * students["absent"] + 1
    panel = panel_of(students, covariates=["gpa", "absent", "missed"])
    with_it, without = baseline_of(panel), baseline_of(panel, ["gpa", "absent"])
    found = Logit().score(with_it, with_it.comparable())
    assert found.facts["aliased_covariates"] == ("missed",)
    np.testing.assert_allclose(found.probability, Logit().score(without, without.comparable()).probability, atol=1e-9)


# ---------------------------------------------------------------------- what it refuses
def refusal(panel: Panel, within: tuple[str, ...] = ()) -> str:
    base = baseline_of(panel)
    with pytest.raises(DesignError) as caught:
        Logit().score(base, base.comparable(), within)
    return str(caught.value)


def test_a_constant_is_named_with_its_value(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    message = refusal(panel_of(students.assign(grade="7")))
    assert "Covariate 'grade' (always 7) is constant: the same for all 240 students" in message
    assert "remove it" in message


def test_a_level_without_treated_is_named(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students.loc[students["grade"] == "8", "mentored"] = False
    message = refusal(panel_of(students))
    count = int((students["grade"] == "8").sum())
    assert f"'grade' predicts treatment perfectly: none of the {count} students with grade = 8 is treated" in message
    for remedy in ("Drop 'grade'", "coarsen", "exact = ['grade']", "eligibility"):
        assert remedy in message


def test_a_level_with_treated_only_is_named_also_if_it_is_the_reference(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students.loc[students["grade"] == "6", "mentored"] = True
    assert "each of the" in refusal(panel_of(students))
    assert "students with grade = 6 is treated" in refusal(panel_of(students))


def test_a_flag_that_is_treatment_itself(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    message = refusal(panel_of(students.assign(lunch=students["mentored"])))
    assert f"each of the {int(students['mentored'].sum())} students with lunch = 1 is treated" in message


def test_a_number_with_a_threshold_shows_both_ranges(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["mentored"] = students["absent"] > 12
    message = refusal(panel_of(students))
    low, high = students["absent"][~students["mentored"]], students["absent"][students["mentored"]]
    ranges = f"{high.min():g} to {high.max():g} among the treated and {low.min():g} to {low.max():g} among the others"
    assert f"'absent' predicts treatment perfectly: {ranges}" in message


def test_two_covariates_that_separate_together_are_named(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students["mentored"] = students["gpa"] + 0.1 * students["absent"] > 4
    message = refusal(panel_of(students))
    assert "'gpa'" in message
    assert "'absent'" in message
    assert "together" in message


def test_separation_on_what_is_matched_exactly_does_no_harm(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    """Inside the other grades the scores are those of a model that never saw the grade without mentored students."""
    students.loc[students["grade"] == "8", "mentored"] = False
    base = baseline_of(panel_of(students))
    everyone = Logit().score(base, base.comparable(), within=("grade",)).probability
    others = students[students["grade"] != "8"]
    small = baseline_of(panel_of(others))
    np.testing.assert_allclose(
        everyone[students["grade"] != "8"], Logit().score(small, small.comparable()).probability, atol=1e-6
    )


def test_no_covariates(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    assert "needs covariates" in refusal(panel_of(students, covariates=[]))


def test_it_can_be_written_in_a_study_file() -> None:
    assert build(PROPENSITY_MODELS, "logit", "propensity model") == Logit()
    assert spec_of(Logit()) == {"kind": "logit"}
