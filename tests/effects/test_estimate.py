"""The one tidy result: its columns, its intervals, and its words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mentoreval.aliases import Estimand
from mentoreval.design.design import DesignMethod, choose_design
from mentoreval.design.methods import InverseProbability, Nearest, OddsWeighting, OverlapWeighting, Unadjusted
from mentoreval.effects.estimate import ESTIMATE_COLUMNS, critical_value, estimate_effect, two_sided_p
from mentoreval.effects.estimators import CallawaySantAnna, DifferenceInMeans, EventStudy, RegressionAdjustment
from mentoreval.effects.inference import Inference
from mentoreval.effects.inference_methods import (
    ClusterRobust,
    HeteroskedasticityRobust,
    RefitBootstrap,
    WildClusterBootstrap,
)
from mentoreval.effects.note import Note
from mentoreval.errors import DataError, EffectError
from mentoreval.panel.panel import Panel, panel_from_frame


def test_p_values_and_limits_are_those_of_t_and_normal() -> None:
    statistic, df = np.array([0.5, -2.0, 3.0]), np.array([3.0, 40.5, np.inf])
    expected = [2 * stats.t.sf(0.5, 3), 2 * stats.t.sf(2.0, 40.5), 2 * stats.norm.sf(3.0)]
    np.testing.assert_allclose(two_sided_p(statistic, df), expected, rtol=1e-12)
    limits = [stats.t.ppf(0.95, 3), stats.t.ppf(0.95, 40.5), stats.norm.ppf(0.95)]
    np.testing.assert_allclose(critical_value(0.9, df), limits, rtol=1e-12)


def test_the_default_is_regression_adjustment_with_what_suits_eight_schools(panel: Panel) -> None:
    effect = estimate_effect(choose_design(panel), "absent")
    assert effect.fit.estimator == RegressionAdjustment()
    assert (effect.inference, effect.cluster, effect.n_clusters) == (WildClusterBootstrap(), "school", 8)
    assert effect.reason == "few_clusters"
    assert estimate_effect(choose_design(panel), "absent", inference=ClusterRobust()).reason == ""
    assert tuple(effect.frame.columns) == ESTIMATE_COLUMNS


def test_the_interval_follows_the_confidence(panel: Panel) -> None:
    design = choose_design(panel)
    wide = estimate_effect(design, "absent", inference=ClusterRobust(), confidence=0.99).frame.iloc[0]
    half = stats.t.ppf(0.995, 7) * wide["std_error"]
    assert wide["conf_high"] - wide["estimate"] == pytest.approx(half)
    assert wide["estimate"] - wide["conf_low"] == pytest.approx(half)
    assert np.isnan(wide["band_low"])
    for confidence in (0.3, 1.0, 95.0):
        with pytest.raises(EffectError, match=r"share between 0\.5 and 1"):
            estimate_effect(design, "absent", confidence=confidence)


def test_few_clusters_are_said(panel: Panel) -> None:
    design = choose_design(panel)
    effect = estimate_effect(design, "absent")
    assert effect.few_clusters
    assert "few clusters: count = 8, cluster = school" in repr(effect)
    assert "few clusters: count = 8, cluster = school" in effect._repr_html_()
    assert not estimate_effect(design, "absent", inference=ClusterRobust("student")).few_clusters


def test_labels_keep_their_type(panel: Panel) -> None:
    found = estimate_effect(choose_design(panel), "absent", CallawaySantAnna()).frame
    assert found["event_time"].tolist()[:2] == [-1, 0]
    assert found["cohort"].tolist()[0] == 2003
    assert pd.api.types.is_integer_dtype(found["event_time"].dtype)
    pooled = estimate_effect(choose_design(panel), "absent", CallawaySantAnna()).pool("event_time").frame
    assert pd.api.types.is_integer_dtype(pooled["event_time"].dtype)
    assert pd.isna(pooled["event_time"].iloc[-1])


def test_the_headline_is_the_one_row_that_answers(panel: Panel) -> None:
    design = choose_design(panel)
    assert estimate_effect(design, "absent", DifferenceInMeans()).headline()["term"] == "effect"
    assert estimate_effect(design, "absent", EventStudy()).headline()["term"] == "average"
    staggered = estimate_effect(design, "absent", CallawaySantAnna())
    assert staggered.headline()["estimate"] == staggered.pool().frame["estimate"].iloc[0]
    assert staggered.pool("cohort").headline()["term"] == "average"


def test_the_headline_is_about_its_event_time_or_the_start(panel: Panel) -> None:
    design = choose_design(panel)
    assert estimate_effect(design, "absent", RegressionAdjustment(event_time=1)).headline_event_time == 1
    assert estimate_effect(design, "absent", EventStudy()).headline_event_time == 0


def test_an_unknown_outcome_names_those_that_exist(panel: Panel) -> None:
    with pytest.raises(DataError, match=r"'present' is not an outcome of this panel\. Outcomes: absent"):
        estimate_effect(choose_design(panel), "present")


def test_an_error_of_zero_is_said_and_not_printed_as_certainty(frame: pd.DataFrame, panel: Panel) -> None:
    exact = frame.assign(absent=frame["year"] + (frame["year"] >= frame["start"]) * -2.0)
    flat = panel_from_frame(exact, unit="student", period="year", first_treated="start", outcomes=["absent"])
    inference = HeteroskedasticityRobust()
    effect = estimate_effect(choose_design(flat), "absent", CallawaySantAnna(), inference=inference)
    assert effect.frame["std_error"].isna().all()
    np.testing.assert_allclose(effect.frame["estimate"], [0, -2, -2, -2, 0, 0, -2, -2], atol=1e-12)
    assert effect.notes[0].key == "no_error_can_be_estimated"


@pytest.mark.parametrize(
    ("method", "estimand", "inference", "expected"),
    [
        (InverseProbability(), "ATE", HeteroskedasticityRobust(), "weights_as_given_ate"),
        (OddsWeighting(), "ATT", HeteroskedasticityRobust(), "weights_as_given"),
        (OverlapWeighting(), "ATO", ClusterRobust(cluster="student"), "weights_as_given"),
        (OddsWeighting(), "ATT", RefitBootstrap(cluster="student", draws=10), ""),
        (Nearest(), "ATT", HeteroskedasticityRobust(), ""),
        (Unadjusted(), "ATT", HeteroskedasticityRobust(), ""),
    ],
)
def test_an_estimate_says_where_it_takes_estimated_weights_as_given(
    method: DesignMethod, estimand: Estimand, inference: Inference, expected: str
) -> None:
    rng = np.random.default_rng(2)
    need = rng.normal(size=200)
    treated = rng.random(200) < 1 / (1 + np.exp(-need))
    df = pd.DataFrame({"id": range(200), "need": need, "mentored": treated, "score": need + rng.normal(size=200)})
    panel = panel_from_frame(df, unit="id", treated="mentored", covariates=["need"], outcomes=["score"])
    design = choose_design(panel, method, estimand=estimand)
    effect = estimate_effect(design, "score", DifferenceInMeans(), inference=inference)
    keys = {note.key for note in effect.notes if note.key.startswith("weights")}
    assert keys == ({expected} if expected else set())


def test_a_text_as_a_note_is_said_as_it_is_written() -> None:
    note = Note.of("Handle with care.")
    assert (note.key, note.numbers["text"]) == ("as_written", "Handle with care.")
    assert Note.of(note) is note
    assert note.concerns("att")
    assert not Note("no_bound", ("a",)).concerns("b")
    assert str(Note("no_bound", ("att",), {"confidence": 0.9})) == "no bound: att, confidence = 0.9"
