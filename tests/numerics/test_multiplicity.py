"""Adjusted p-values: the federal study's table, another implementation, and the size under dependence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from mentoreval.numerics.multiplicity import benjamini_hochberg, critical_values, holm, romano_wolf

FEDERAL = np.array([0.08, 0.04, 0.04, 0.23, 0.40, 0.48, 0.78, 0.41, 0.37])
"""NCEE 2009-4047, Exhibit ES.1: school efficacy, future orientation, absence, four grades, two tests."""

PRINTED = np.array([0.02, 0.01, 0.01, 0.02, 0.03, 0.04, 0.05, 0.04, 0.03])
"""The critical values printed beside them."""


def test_the_nine_critical_values_of_the_federal_study() -> None:
    found = critical_values(9, 0.05)
    np.testing.assert_allclose(found, [k * 0.05 / 9 for k in range(1, 10)], rtol=1e-14)
    rank = np.argsort(np.argsort(FEDERAL, kind="stable"), kind="stable")
    np.testing.assert_array_equal(np.round(found[rank], 2), PRINTED)


def test_nothing_in_the_federal_study_is_significant_when_adjusted() -> None:
    adjusted = benjamini_hochberg(FEDERAL)
    assert (FEDERAL < 0.05).sum() == 2
    assert adjusted.min() == pytest.approx(0.04 * 9 / 2)
    assert not (FEDERAL[np.argsort(FEDERAL)] <= critical_values(9, 0.05)).any()


@pytest.mark.parametrize(("ours", "theirs"), [(benjamini_hochberg, "fdr_bh"), (holm, "holm")])
def test_another_implementation_agrees(ours, theirs) -> None:
    p = np.random.default_rng(2).uniform(size=25) ** 3
    p[3] = p[7]
    np.testing.assert_allclose(ours(p), multipletests(p, method=theirs)[1], rtol=1e-13)
    assert ours(p[:1]) == pytest.approx(p[0])


def test_romano_wolf_of_independent_tests_is_between_holm_and_nothing() -> None:
    rng = np.random.default_rng(5)
    p = np.array([0.012, 0.4, 0.03, 0.2])
    found = romano_wolf(p, rng.normal(size=(40_000, 4)))
    sidak = 1 - (1 - 0.012) ** 4, 1 - (1 - 0.03) ** 3, 1 - (1 - 0.2) ** 2, 0.4
    np.testing.assert_allclose(found, [sidak[0], sidak[3], sidak[1], sidak[2]], atol=0.01)
    assert (found >= p).all()
    assert (found <= holm(p) + 0.01).all()


def test_romano_wolf_counts_the_same_test_once() -> None:
    drawn = np.random.default_rng(6).normal(size=(40_000, 1)) @ np.ones((1, 5))
    np.testing.assert_allclose(romano_wolf(np.full(5, 0.03), drawn), 0.03, atol=0.004)
    np.testing.assert_allclose(holm(np.full(5, 0.03)), 0.15)


def test_romano_wolf_does_not_ask_for_the_scale_of_the_draws() -> None:
    drawn = np.random.default_rng(7).normal(size=(5_000, 3))
    p = np.array([0.01, 0.02, 0.5])
    np.testing.assert_allclose(romano_wolf(p, drawn), romano_wolf(p, drawn * [1e-6, 1.0, 1e6]), rtol=1e-12)


def test_one_false_claim_in_twenty_families_at_most() -> None:
    """Six strongly dependent tests without effect: at .05 the smallest adjusted p-value is below .05 in 5 %."""
    rng = np.random.default_rng(8)
    root = np.linalg.cholesky(0.8 + 0.2 * np.eye(6))
    drawn = rng.normal(size=(4_000, 6)) @ root.T
    claims = {"holm": 0, "romano_wolf": 0}
    for _ in range(1500):
        p = 2 * stats.norm.sf(np.abs(root @ rng.normal(size=6)))
        claims["holm"] += holm(p).min() < 0.05
        claims["romano_wolf"] += romano_wolf(p, drawn).min() < 0.05
    assert claims["romano_wolf"] / 1500 == pytest.approx(0.05, abs=0.018)
    assert claims["holm"] < claims["romano_wolf"]
