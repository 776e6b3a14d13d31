"""Refits: the bootstrap and the jackknife choose the design again, and agree with errors that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.methods import Nearest
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, DifferenceInMeans, EventStudy
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.jackknife import Jackknife
from mentoreval.effects.inference_methods.refit_bootstrap import RefitBootstrap
from mentoreval.effects.refit import Refitter
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame


def test_the_jackknife_of_a_regression_is_cr3(panel: Panel) -> None:
    """Leaving out a school and fitting again is what CR3 computes from leverages, but for (G − 1)/G."""
    fit = Did2x2().fit(choose_design(panel), "absent")
    found, closed = Jackknife("school").apply(fit), ClusterRobust("school", "CR3").apply(fit)
    assert found.std_error[0] == pytest.approx(closed.std_error[0] * np.sqrt(7 / 8), rel=1e-9)
    assert (found.n_clusters, found.df[0]) == (8, 7.0)


def test_the_bootstrap_of_a_mean_is_its_standard_error() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"student": range(100), "mentored": np.arange(100) % 2, "absent": rng.normal(size=100)})
    panel = panel_from_frame(frame, unit="student", treated="mentored", outcomes=["absent"])
    fit = DifferenceInMeans().fit(choose_design(panel), "absent")
    found, known = RefitBootstrap("student", 150).apply(fit), ClusterRobust("student").apply(fit)
    # 150 draws know a standard deviation to 6 %.
    assert found.std_error[0] == pytest.approx(known.std_error[0], rel=0.18)


def test_the_design_is_chosen_again(panel: Panel) -> None:
    """Without a school other students are matched, so that the effect differs from one with the old matches."""
    design = choose_design(panel, Nearest(), covariates=["gpa"])
    fit = Did2x2().fit(design, "absent")
    refitter = Refitter.of(fit, "school")
    spared = np.arange(1, refitter.n_clusters)
    kept = panel.frame[np.isin(refitter.cluster[panel.row_unit], spared)].reset_index(drop=True)
    smaller = panel_from_frame(
        kept,
        unit="student",
        period="year",
        first_treated="start",
        covariates=["gpa", "grade"],
        outcomes=["absent"],
        school="school",
    )
    expected = Did2x2().fit(choose_design(smaller, Nearest(), covariates=["gpa"]), "absent").theta
    found = refitter.effects(spared)
    assert found is not None
    assert found[0] == pytest.approx(expected[0], rel=1e-6)
    assert Refitter.of(fit, "school").effects(np.arange(refitter.n_clusters)) == pytest.approx(fit.theta[0], rel=0.5)


def test_copies_of_a_school_are_schools_of_their_own(panel: Panel) -> None:
    refitter = Refitter.of(Did2x2().fit(choose_design(panel), "absent"), "school")
    twice = refitter._panel(np.array([0, 0, 1]))
    assert twice.n_units == 2 * (refitter.cluster == 0).sum() + (refitter.cluster == 1).sum()
    assert twice.frame["school"].nunique() == 3


def test_every_effect_of_an_event_study_has_an_error(panel: Panel) -> None:
    fit = EventStudy().fit(choose_design(panel), "absent")
    effect = RefitBootstrap("student", 20, seed=1).apply(fit)
    pd.testing.assert_frame_equal(effect.frame, RefitBootstrap("student", 20, seed=1).apply(fit).frame)
    assert (effect.std_error[~effect.is_reference] > 0).all()
    assert (effect.std_error[effect.is_reference] == 0).all()


@pytest.mark.slow
def test_pooled_effects_are_pooled_again(panel: Panel) -> None:
    """The errors of the average carry the noise of cohort shares, as the influence of the pooled effect does."""
    effect = Jackknife("student").apply(CallawaySantAnna().fit(choose_design(panel), "absent"))
    pooled = effect.pool("simple")
    assert pooled.inference == effect.inference
    known = ClusterRobust("student").apply(pooled.fit)
    assert pooled.std_error[0] == pytest.approx(known.std_error[0], rel=0.02)


def test_too_many_failures_stop(panel: Panel) -> None:
    """With one treated school of two, half of the draws have one arm only."""
    frame = panel.frame.assign(school=np.where(panel.frame["start"].notna(), "a", "b"))
    two = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school"
    )
    fit = Did2x2().fit(choose_design(two), "absent")
    with pytest.raises(EffectError, match="refits gave no estimate"):
        RefitBootstrap("school", 20).apply(fit)
    with pytest.raises(EffectError, match="2 of 2 refits"):
        Jackknife("school").apply(fit)


def test_rules_of_eligibility_hold_in_every_refit(panel: Panel) -> None:
    rule = Eligibility("gpa", at_least=2.0)
    fit = Did2x2().fit(choose_design(panel, eligibility=[rule]), "absent")
    refitter = Refitter.of(fit, "school")
    everyone = refitter.effects(np.arange(refitter.n_clusters))
    np.testing.assert_allclose(everyone, fit.theta, rtol=1e-10)
    without_rule = Did2x2().fit(choose_design(panel), "absent")
    assert abs(without_rule.theta[0] - fit.theta[0]) > 1e-6


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(OptionError, match="too few"):
        RefitBootstrap(draws=5)
