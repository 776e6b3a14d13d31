"""Stacked differences in differences: windows, clean comparisons, and weights that make an average on the treated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import FloatArray
from mentoreval.design.design import choose_design
from mentoreval.effects.estimator import Fit
from mentoreval.effects.estimators import Stacked
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame
from tests.twins.dummy_regressions import coefficients


def panel_of(frame: pd.DataFrame) -> Panel:
    return panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])


def stacks_of(frame: pd.DataFrame, before: int, after: int, *, waiting: bool = False) -> pd.DataFrame:
    """One stack below the other: the students of a start, those who never start, if waiting those who start later."""
    stacks = []
    for start in (2003, 2004):
        clean = frame["start"].isna() | (frame["start"] > start + after if waiting else False)
        inside = frame["year"].between(start - before, start + after) & ((frame["start"] == start) | clean)
        stacks.append(frame[inside].assign(stack=start, own=(frame["start"] == start)[inside]))
    return pd.concat(stacks, ignore_index=True)


def by_dummies(stacked: pd.DataFrame, times: list[int], weights: FloatArray | None = None) -> FloatArray:
    relative = stacked["year"] - stacked["stack"]
    X = np.column_stack([((relative == time) & stacked["own"]).to_numpy(dtype=float) for time in times])
    return coefficients(stacked, X, (["student", "stack"], ["year", "stack"]), weights)


def test_it_is_the_stacked_regression_on_all_rows_observed(frame: pd.DataFrame) -> None:
    some = frame[np.random.default_rng(4).random(len(frame)) > 0.15]
    fit = Stacked(window=(2, 1)).fit(choose_design(panel_of(some)), "absent")
    expected = by_dummies(stacks_of(some, 2, 1), [-2, 0, 1])
    np.testing.assert_allclose(fit.theta, [expected[0], 0.0, *expected[1:], expected[1:].mean()], atol=1e-10)
    names = ["event_time=-2", "reference event_time=-1", "event_time=0", "event_time=1", "average"]
    assert fit.terms["term"].tolist() == names
    assert fit.facts["cohorts_left_out"] == ()


def test_units_that_wait_compare_while_they_are_clean(frame: pd.DataFrame) -> None:
    """Those of 2004 compare with 2003 in a window that ends in 2003, and not in one that goes on to 2004."""
    design = choose_design(panel_of(frame), pool="not_yet_treated")
    short = Stacked(window=(2, 0)).fit(design, "absent")
    expected = by_dummies(stacks_of(frame, 2, 0, waiting=True), [-2, 0])
    np.testing.assert_allclose(short.theta, [expected[0], 0.0, expected[1], expected[1]], atol=1e-10)
    assert short.terms["n_comparison"].iloc[0] == 80
    longer = Stacked(window=(2, 1)).fit(design, "absent")
    assert longer.terms["n_comparison"].iloc[0] == 40


def test_trimmed_aggregate_weights_average_stacks_by_their_share_of_the_treated(frame: pd.DataFrame) -> None:
    """20 of 2003 and 40 of 2004, all with the same 40 comparisons: 1/3 and 2/3 of the two differences of changes."""
    students = frame.loc[frame["start"] == 2003, "student"].unique()[:20]
    uneven = frame[~frame["student"].isin(students)].copy()
    uneven["absent"] -= 3.0 * (uneven["year"] >= uneven["start"]) * (uneven["start"] == 2004)
    fit = Stacked(window=(1, 1), weights="trimmed_aggregate").fit(choose_design(panel_of(uneven)), "absent")
    wide = uneven.pivot_table(index=["student", "start"], columns="year", values="absent", dropna=False).dropna()
    start = wide.index.get_level_values("start")
    for place, time in ((1, 0), (2, 1)):
        differences = []
        for cohort in (2003, 2004):
            change = wide[cohort + time] - wide[cohort - 1]
            differences.append(change[start == cohort].mean() - change[start.isna()].mean())
        assert fit.theta[place] == pytest.approx(differences[0] / 3 + 2 * differences[1] / 3, abs=1e-10)
    plain = Stacked(window=(1, 1)).fit(choose_design(panel_of(uneven)), "absent")
    assert abs(plain.theta[1] - fit.theta[1]) > 0.01


def test_the_influence_is_what_another_weight_of_a_student_does(frame: pd.DataFrame) -> None:
    """Shares of stacks and the weights made from them move too, and a comparison may stand in both stacks."""
    some = frame[np.random.default_rng(4).random(len(frame)) > 0.1].assign(weight=1.0)
    estimator = Stacked(window=(1, 1), weights="trimmed_aggregate")

    def fit_of(student: object, step: float) -> Fit:
        weighted = some.assign(weight=1.0 + step * (some["student"] == student))
        panel = panel_from_frame(
            weighted, unit="student", period="year", first_treated="start", outcomes=["absent"], weight="weight"
        )
        return estimator.fit(choose_design(panel, pool="not_yet_treated"), "absent")

    plain = fit_of(None, 0.0)
    units = plain.design.panel.units[plain.clusters["student"]]
    start = some.drop_duplicates("student").set_index("student")["start"].reindex(units).to_numpy()
    for kind in (start == 2003, start == 2004, np.isnan(start)):
        place = int(np.flatnonzero(kind)[3])
        moved = (fit_of(units[place], 1e-4).theta - fit_of(units[place], -1e-4).theta) / 2e-4
        np.testing.assert_allclose(plain.influence[place] / len(units), moved, atol=1e-8)  # type: ignore[index]


def test_the_longest_window_that_every_cohort_has_is_the_default(panel: Panel) -> None:
    fit = Stacked().fit(choose_design(panel), "absent")
    assert fit.facts["window"] == (2, 1)
    np.testing.assert_allclose(fit.theta, Stacked(window=(2, 1)).fit(choose_design(panel), "absent").theta)


def test_a_cohort_whose_window_is_not_whole_is_left_out_and_named(panel: Panel) -> None:
    fit = Stacked(window=(3, 1)).fit(choose_design(panel), "absent")
    assert fit.facts["cohorts_left_out"] == (2003,)
    assert fit.terms["n_treated"].iloc[0] == 40
    with pytest.raises(EffectError, match="Give a shorter window"):
        Stacked(window=(3, 2)).fit(choose_design(panel), "absent")


@pytest.mark.parametrize("window", [(0, 1), (1,), (1, -1), (1, 1, 1)])
def test_a_window_is_two_numbers(window: Any) -> None:
    with pytest.raises(OptionError, match="It takes two numbers"):
        Stacked(window=window)


def test_a_design_that_chose_for_each_cohort_keeps_its_weights(panel: Panel, frame: pd.DataFrame, given: Any) -> None:
    baseline = choose_design(panel).baseline
    weights = np.where(baseline.treated, 1.0, 1.0 + (baseline.unit + baseline.cohort) % 3)
    fit = Stacked(window=(2, 1)).fit(choose_design(panel, given(tuple(weights))), "absent")
    stacked = stacks_of(frame, 2, 1)
    keys = list(zip(panel.units[baseline.unit], baseline.cohort, strict=True))
    of_entry = dict(zip(keys, weights, strict=True))
    w = np.array([of_entry[key] for key in zip(stacked["student"], stacked["stack"], strict=True)])
    expected = by_dummies(stacked, [-2, 0, 1], w)
    np.testing.assert_allclose(fit.theta[[0, 2, 3]], expected, atol=1e-10)
