"""Pooling: averages written out, the noise of cohort shares, and joint tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, EventStudy
from mentoreval.effects.inference_methods import ClusterRobust, MultiplierBootstrap
from mentoreval.effects.pooling import pool_fit
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame


def uneven_frame() -> pd.DataFrame:
    """40 students start in 2003 (effect −1), 20 in 2004 (effect −3), 60 never; 2001 to 2005."""
    rng = np.random.default_rng(11)
    start = np.repeat([2003.0, 2004.0, np.nan], [40, 20, 60])
    frame = pd.DataFrame({"student": np.repeat(np.arange(120), 5), "year": np.tile(np.arange(2001, 2006), 120)})
    frame["start"] = start[frame["student"]]
    size = frame["start"].map({2003.0: -1.0, 2004.0: -3.0})
    frame["absent"] = np.where(frame["year"] >= frame["start"], size, 0.0) + rng.normal(size=600)
    frame["w"] = rng.uniform(0.5, 2.0, 120)[frame["student"]]
    return frame


@pytest.fixture
def effect() -> Estimate:
    return estimate(uneven_frame())


def estimate(frame: pd.DataFrame, weight: str | None = None) -> Estimate:
    panel = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], weight=weight
    )
    return estimate_effect(
        choose_design(panel), "absent", CallawaySantAnna(), inference=ClusterRobust("student", "CR0")
    )


def att(effect: Estimate) -> dict[tuple[int, int], float]:
    return {(int(row.cohort), int(row.period)): row.estimate for row in effect.frame.itertuples()}


def test_simple_weights_every_cell_from_the_start_by_its_cohort(effect: Estimate) -> None:
    cell = att(effect)
    early, late = [cell[2003, year] for year in (2003, 2004, 2005)], [cell[2004, year] for year in (2004, 2005)]
    expected = (40 * sum(early) + 20 * sum(late)) / (40 * 3 + 20 * 2)
    row = effect.pool().frame.iloc[0]
    assert row["term"] == "average"
    assert row["estimate"] == pytest.approx(expected, abs=1e-13)
    assert (row["n_treated"], row["n_comparison"]) == (60, 60)
    pd.testing.assert_series_equal(effect.headline(), row)


def test_event_time(effect: Estimate) -> None:
    cell, found = att(effect), effect.pool("event_time").frame.set_index("term")
    assert found.loc["event_time=0", "estimate"] == pytest.approx((40 * cell[2003, 2003] + 20 * cell[2004, 2004]) / 60)
    assert found.loc["event_time=2", "estimate"] == pytest.approx(cell[2003, 2005])
    assert found.loc["event_time=-2", "n_treated"] == 20
    assert found.index.tolist() == [f"event_time={e}" for e in (-2, -1, 0, 1, 2)] + ["average"]
    after = [found.loc[f"event_time={e}", "estimate"] for e in (0, 1, 2)]
    assert found.loc["average", "estimate"] == pytest.approx(np.mean(after))


def test_cohort(effect: Estimate) -> None:
    cell, found = att(effect), effect.pool("cohort").frame
    early = np.mean([cell[2003, year] for year in (2003, 2004, 2005)])
    late = np.mean([cell[2004, year] for year in (2004, 2005)])
    np.testing.assert_allclose(found["estimate"], [early, late, (40 * early + 20 * late) / 60], atol=1e-13)
    assert found["cohort"].tolist()[:2] == [2003, 2004]


def test_period(effect: Estimate) -> None:
    cell, found = att(effect), effect.pool("period").frame
    by_year = [cell[2003, 2003]]
    by_year += [(40 * cell[2003, year] + 20 * cell[2004, year]) / 60 for year in (2004, 2005)]
    np.testing.assert_allclose(found["estimate"], [*by_year, np.mean(by_year)], atol=1e-13)
    assert found["period"].tolist()[:3] == [2003, 2004, 2005]


def test_a_pooled_error_carries_the_noise_of_the_cohort_shares(effect: Estimate) -> None:
    """By hand: with p = 40/60 the share of the first cohort, the variance of p·a + (1 − p)·b has a part from p."""
    pooled = effect.pool("cohort")
    a, b = pooled.frame["estimate"].iloc[:2]
    vcov = pooled.vcov[:2, :2]
    p = 40 / 60
    from_effects = np.array([p, 1 - p]) @ vcov @ np.array([p, 1 - p])
    from_share = (a - b) ** 2 * p * (1 - p) / 60
    assert pooled.vcov[2, 2] == pytest.approx(from_effects + from_share, rel=1e-10)
    assert from_share > 0.1 * from_effects


@pytest.mark.parametrize("by", ["simple", "event_time", "cohort", "period"])
def test_the_influence_of_a_student_is_the_derivative_by_the_students_weight(by: str) -> None:
    frame = uneven_frame()
    pooled = pool_fit(estimate(frame, "w").fit, by)  # type: ignore[arg-type]
    assert pooled.influence is not None
    np.testing.assert_allclose(pooled.influence.sum(axis=0), 0.0, atol=1e-9)
    for student in (0, 45, 100):
        shifted = []
        for step in (1e-4, -1e-4):
            changed = frame.assign(w=frame["w"] * np.where(frame["student"] == student, 1 + step, 1.0))
            shifted.append(pool_fit(estimate(changed, "w").fit, by).theta)  # type: ignore[arg-type]
        derivative = (shifted[0] - shifted[1]) / 2e-4
        np.testing.assert_allclose(pooled.influence[student] / 120, derivative, atol=1e-8)


def test_pooling_keeps_the_inference_and_its_clusters(effect: Estimate) -> None:
    pooled = effect.pool("cohort")
    assert pooled.inference == effect.inference
    assert (pooled.cluster, pooled.n_clusters) == ("student", 120)
    assert pooled.fit.pooled_by == "cohort"


def test_anticipation_is_no_pre_period_and_no_effect_of_the_program() -> None:
    frame = uneven_frame()
    panel = panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])
    effect = estimate_effect(choose_design(panel), "absent", CallawaySantAnna(anticipation=1))
    assert set(effect.joint_test().terms) == {"att(2004,2002)"}
    cell = att(effect)
    simple = effect.pool().frame["estimate"].iloc[0]
    after = [(g, t) for g, t in cell if t >= g]
    weight = np.array([{2003: 40, 2004: 20}[g] for g, _ in after])
    assert simple == pytest.approx(np.average([cell[key] for key in after], weights=weight))


def test_only_group_time_effects_can_be_pooled_and_once(effect: Estimate) -> None:
    with pytest.raises(EffectError, match="is pooled already"):
        effect.pool("cohort").pool("simple")
    for estimator in (Did2x2(), EventStudy()):
        other = estimate_effect(effect.design, "absent", estimator)
        with pytest.raises(EffectError, match="no group-time effects"):
            other.pool()
    with pytest.raises(OptionError, match="Did you mean 'cohort'"):
        effect.pool("cohorts")  # type: ignore[arg-type]


def test_nothing_from_a_start_on_is_an_error(effect: Estimate) -> None:
    cells = effect.fit.group_time
    assert cells is not None
    before = cells.cell_period < cells.cell_cohort
    assert effect.fit.influence is not None
    part = replace(
        effect.fit,
        terms=effect.fit.terms[before],
        theta=effect.fit.theta[before],
        influence=effect.fit.influence[:, before],
        group_time=replace(
            cells,
            in_cell=cells.in_cell[:, before],
            cell_cohort=cells.cell_cohort[before],
            cell_period=cells.cell_period[before],
        ),
    )
    with pytest.raises(EffectError, match="nothing to average"):
        pool_fit(part, "simple")


def test_the_joint_test_is_wald_and_f_where_clusters_are_few(effect: Estimate) -> None:
    before = effect.frame["event_time"].to_numpy() < 0
    theta, vcov = effect.fit.theta[before], effect.vcov[np.ix_(before, before)]
    expected = theta @ np.linalg.inv(vcov) @ theta
    test = effect.joint_test()
    assert test.terms == ("att(2003,2002)", "att(2004,2002)", "att(2004,2003)")
    assert test.statistic == pytest.approx(expected)
    assert test.p_value == pytest.approx(stats.chi2.sf(expected, 3))
    corrected = ClusterRobust("student", "CR1").apply(effect.fit).joint_test()
    assert corrected.statistic == pytest.approx(expected * 119 / 120)
    assert corrected.p_value == pytest.approx(stats.f.sf(corrected.statistic / 3, 3, 119))


def test_named_terms_are_tested(effect: Estimate) -> None:
    test = effect.joint_test(["att(2003,2004)"])
    row = effect.frame[effect.frame["term"] == "att(2003,2004)"].iloc[0]
    assert test.statistic == pytest.approx(row["statistic"] ** 2)
    assert test.p_value == pytest.approx(row["p_value"])
    with pytest.raises(EffectError, match="Did you mean 'att\\(2003,2004\\)'"):
        effect.joint_test(["att(2003, 2004)"])


def test_more_effects_than_clusters_can_not_be_tested(effect: Estimate) -> None:
    frame = uneven_frame().assign(school=lambda d: d["student"] % 3)
    panel = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school"
    )
    by_school = estimate_effect(choose_design(panel), "absent", CallawaySantAnna())
    with pytest.raises(EffectError, match="3 school clusters behind it"):
        by_school.joint_test()
    with pytest.raises(EffectError, match="no effect from before the start"):
        estimate_effect(effect.design, "absent", Did2x2()).joint_test()


def test_a_balance_keeps_the_cohorts_seen_so_long(panel: Panel) -> None:
    """Of starts in 2003 and 2004 and years to 2005, only 2003 is seen at event time 2; event times from -2 on."""
    effect = estimate_effect(choose_design(panel), "absent", CallawaySantAnna())
    balanced = effect.pool("event_time", balance=2)
    cells = effect.frame[effect.frame["cohort"] == 2003].set_index("event_time")
    assert balanced.frame["event_time"].iloc[:-1].tolist() == [-1, 0, 1, 2]
    np.testing.assert_allclose(balanced.fit.theta[:-1], cells.loc[[-1, 0, 1, 2], "estimate"], atol=1e-12)
    assert balanced.fit.theta[-1] == pytest.approx(cells.loc[[0, 1, 2], "estimate"].mean(), abs=1e-12)
    both = effect.pool("event_time", balance=1).frame
    assert both["event_time"].iloc[:-1].tolist() == [-2, -1, 0, 1]
    assert (both["n_treated"].iloc[1:] == 80).all()


def test_a_window_limits_the_event_times_of_every_pooling(panel: Panel) -> None:
    effect = estimate_effect(choose_design(panel), "absent", CallawaySantAnna())
    cells = effect.frame[effect.frame["event_time"].between(0, 1)]
    assert effect.pool("event_time", earliest=-1, latest=1).frame["event_time"].iloc[:-1].tolist() == [-1, 0, 1]
    simple = effect.pool("simple", latest=1).fit.theta[0]
    assert simple == pytest.approx(cells["estimate"].mean(), abs=1e-12)  # cohorts of 40 students each
    with pytest.raises(EffectError, match="nothing to average"):
        effect.pool("event_time", latest=-1)
    with pytest.raises(OptionError, match="0 or more"):
        effect.pool("event_time", balance=-1)


def test_pooling_at_once_is_pooling_afterwards(panel: Panel) -> None:
    design = choose_design(panel)
    inference = MultiplierBootstrap(draws=99, seed=3)
    at_once = estimate_effect(design, "absent", CallawaySantAnna(), inference=inference, pool="event_time")
    later = estimate_effect(design, "absent", CallawaySantAnna(), inference=inference).pool("event_time")
    pd.testing.assert_frame_equal(at_once.frame, later.frame)
