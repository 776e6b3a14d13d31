"""Attrition boundaries: rows that two transcriptions share, the federal study, and what is not known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import mentoreval as me
from mentoreval.evidence.attrition import (
    CAUTIOUS,
    LARGEST_JUDGED,
    OPTIMISTIC,
    attrition_of_counts,
    judge_attrition,
    measure_attrition,
)


def test_rows_that_both_transcriptions_print() -> None:
    assert (CAUTIOUS[0], OPTIMISTIC[0]) == (5.7, 10.0)
    assert (CAUTIOUS[13], OPTIMISTIC[13]) == (6.1, 10.8)
    assert (CAUTIOUS[16], OPTIMISTIC[16]) == (5.9, 10.6)
    assert len(CAUTIOUS) == len(OPTIMISTIC) == LARGEST_JUDGED + 1 == 57


@pytest.mark.parametrize("column", [CAUTIOUS, OPTIMISTIC], ids=["cautious", "optimistic"])
def test_the_columns_follow_the_latent_response_model(column) -> None:
    """A bias of .05 where response and outcome share a latent tendency: α φ(z)/(1 − a) in each arm, z the a-quantile.

    Two α are fitted to a column; a row that was copied wrongly would stand out by more than rounding to one decimal.
    """
    rows = np.arange(10, LARGEST_JUDGED + 1)

    def predicted(alpha: tuple[float, float], percent: int) -> float:
        def excess(differential: float) -> float:
            lost = np.array([percent + differential / 2, percent - differential / 2]) / 100
            parts = alpha * stats.norm.pdf(stats.norm.ppf(lost)) / (1 - lost)
            return float(parts[0] - parts[1] - 0.05)

        return float(optimize.brentq(excess, -5, 18))

    def misses(alpha):
        return [predicted(alpha, percent) - column[percent] for percent in rows]

    start = (0.409, 0.355) if column is CAUTIOUS else (0.250, 0.204)
    assert np.abs(optimize.least_squares(misses, start).fun).max() < 0.08


def test_the_federal_study_lies_inside_the_cautious_boundary() -> None:
    """NCEE 2009-4047: attendance is missing for 15 % of the program and 18 % of the comparison, arms of equal size."""
    found = attrition_of_counts(1000, 1000, 850, 820)
    assert found.overall == pytest.approx(0.165)
    assert found.differential == pytest.approx(0.03)
    assert found.cautious == pytest.approx((0.059 + 0.058) / 2)
    assert found.case == "low"


def test_between_and_beyond_the_boundaries() -> None:
    assert judge_attrition(0.20, 0.054).case == "low"
    assert judge_attrition(0.20, 0.055).case == "low_optimistic"
    assert judge_attrition(0.20, 0.101).case == "high"
    assert judge_attrition(0.205, 0.0).cautious == pytest.approx(0.0535)


def test_what_no_transcription_shows_is_not_judged() -> None:
    assert judge_attrition(0.56, 0.001).case == "low"
    beyond = judge_attrition(0.57, 0.0)
    assert beyond.case == "cannot_judge"
    assert math.isnan(beyond.cautious)
    assert math.isnan(beyond.optimistic)


def test_attrition_is_counted_for_a_lottery_only() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"student": range(400), "offered": [1, 0] * 200, "after": rng.normal(size=400)})
    frame.loc[frame["student"] % 20 == 0, "after"] = np.nan  # 20 of the 200 who were offered
    roles = {"unit": "student", "treated": "offered", "outcomes": ["after"]}
    lottery = me.panel_from_frame(frame, **roles, assignment="random")
    effect = me.estimate_effect(me.choose_design(lottery), "after", me.DifferenceInMeans())
    found = measure_attrition(effect)
    assert (found.lost_treated, found.lost_comparison) == pytest.approx((0.1, 0.0))
    assert found.overall == pytest.approx(0.05)
    assert found.case == "low_optimistic"
    observed = me.choose_design(me.panel_from_frame(frame, **roles))
    assert measure_attrition(me.estimate_effect(observed, "after", me.DifferenceInMeans())) is None
