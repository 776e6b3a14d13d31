"""Matching with ties and Abadie–Imbens errors: equal to R's Matching, and to loops that follow the definitions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.errors import DesignError
from mentoreval.numerics.abadie_imbens import (
    TIE,
    MatchedEffect,
    Space,
    TiedPairs,
    match_with_ties,
    matched_effect,
    noise_within,
    scaled_columns,
)
from mentoreval.numerics.logit import fit_logit

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"

R_BIAS_ADJUSTED = 27.963
"""Match(Y = re78, Tr = treat, X = X, Weight = 2, BiasAdjust = TRUE) on LaLonde by R's Matching, to three digits."""


def lalonde() -> tuple[pd.DataFrame, Any, Any, Any]:
    if not REFERENCE.exists():
        pytest.skip("the reference values of R are not beside this repository")
    data = pd.read_csv(REFERENCE / "data" / "lalonde.csv")
    race = [data["race"] == level for level in ("black", "hispan")]
    X = np.column_stack([data["age"], data["educ"], *race, data[["married", "nodegree", "re74", "re75"]]])
    return data, X.astype(float), data["re78"].to_numpy(float), data["treat"].to_numpy(bool)


def pairs_of(X: Any, treated: Any, metric: Any = "mahalanobis", matches: int = 1) -> TiedPairs:
    return match_with_ties(Space.of(scaled_columns(X, metric)), treated, treated, matches)


def effect_of(y: Any, treated: Any, pairs: TiedPairs, adjusted: Any = None) -> MatchedEffect:
    return matched_effect(y, treated, np.ones(len(y)), pairs, adjusted)


@pytest.mark.parametrize(
    ("case", "metric"),
    [
        ("att_ps_M1", "inverse_variance"),
        ("att_X_invvar_M1", "inverse_variance"),
        ("att_X_mahalanobis_M1", "mahalanobis"),
    ],
)
def test_matches_effect_and_error_are_those_of_r(case: str, metric: Any) -> None:
    data, X, y, treated = lalonde()
    stored = json.loads((REFERENCE / "lalonde_abadie_imbens.json").read_text())["results"][case]
    if case == "att_ps_M1":
        X = fit_logit(np.column_stack([np.ones(len(X)), X]), treated).probability[:, None]
    pairs = pairs_of(X, treated, metric)
    found = {(data["id"][i], data["id"][j]) for i, j in zip(pairs.seeker, pairs.nearest, strict=True)}
    assert found == set(zip(stored["treated"], stored["control"], strict=True))
    effect = effect_of(y, treated, pairs)
    assert effect.theta == pytest.approx(stored["est"], rel=1e-8)
    assert effect.std_error() == pytest.approx(stored["se_AI"], rel=1e-6)


def test_the_bias_adjusted_effect_is_that_of_r() -> None:
    _, X, y, treated = lalonde()
    pairs = pairs_of(X, treated)
    assert effect_of(y, treated, pairs, X).theta == pytest.approx(R_BIAS_ADJUSTED, abs=6e-4)


def made_up(n: int = 70, seed: int = 2) -> tuple[Any, Any, Any]:
    """Two covariates in steps, so that ties are common."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, 5, n), rng.integers(0, 4, n)]).astype(float)
    treated = rng.random(n) < 0.4
    return X, X @ [1.0, -0.5] + 2.0 * treated + rng.normal(0, 1, n), treated


@pytest.mark.parametrize("matches", [1, 3])
def test_loops_over_students_give_the_same(matches: int) -> None:
    X, y, treated = made_up()
    inverse = np.linalg.inv(np.cov(X.T))
    seekers, pool = np.flatnonzero(treated), np.flatnonzero(~treated)
    shares: dict[int, list[float]] = {j: [] for j in pool}
    gaps, squares = [], []
    for i in seekers:
        away = np.array([(X[i] - X[j]) @ inverse @ (X[i] - X[j]) for j in pool])
        chosen = pool[away <= np.sort(away)[matches - 1] + TIE]
        gaps.append(y[i] - y[chosen].mean())
        squares.append((chosen, i))
        for j in chosen:
            shares[j].append(1 / len(chosen))
    theta = np.mean(gaps)
    noise = np.mean([np.mean((y[i] - y[chosen] - theta) ** 2) for chosen, i in squares]) / 2
    variance = np.sum((gaps - theta) ** 2) + noise * sum(sum(s) ** 2 - sum(v**2 for v in s) for s in shares.values())
    effect = effect_of(y, treated, pairs_of(X, treated, matches=matches))
    assert max(len(chosen) for chosen, _ in squares) > matches
    assert effect.theta == pytest.approx(theta, rel=1e-12)
    assert effect.std_error() == pytest.approx(np.sqrt(variance) / len(seekers), rel=1e-12)


def test_the_bias_adjustment_takes_out_what_is_linear() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(0, 1, (200, 2))
    treated = rng.random(200) < 1 / (1 + np.exp(1 - X[:, 0]))
    y = 3.0 * X[:, 0] - X[:, 1] + 1.5 * treated
    pairs = pairs_of(X, treated, "inverse_variance")
    assert abs(effect_of(y, treated, pairs).theta - 1.5) > 0.05
    assert effect_of(y, treated, pairs, X).theta == pytest.approx(1.5, abs=1e-10)


def test_the_error_holds_where_effects_are_drawn_again() -> None:
    """400 samples; the spread of their effects is known to 1/√800, and the error's mean must be within three of it."""
    rng = np.random.default_rng(9)
    effects, errors = [], []
    for _ in range(400):
        X = rng.normal(0, 1, (150, 1))
        treated = rng.random(150) < 1 / (1 + np.exp(1 - 0.5 * X[:, 0]))
        y = X[:, 0] + treated * (1 + 0.5 * X[:, 0]) + rng.normal(0, 1, 150)
        effect = effect_of(y, treated, pairs_of(X, treated, "inverse_variance"))
        effects.append(effect.theta)
        errors.append(effect.std_error())
    assert np.mean(errors) / np.std(effects) == pytest.approx(1.0, abs=0.11)


def test_units_of_measurement_and_order_change_nothing() -> None:
    X, y, treated = made_up()
    plain = effect_of(y, treated, pairs_of(X, treated))
    order = np.random.default_rng(1).permutation(len(y))
    other = effect_of(y[order], treated[order], pairs_of((X * [180.0, 0.01] + 7.0)[order], treated[order]))
    assert other.theta == pytest.approx(plain.theta, rel=1e-12)
    assert other.std_error() == pytest.approx(plain.std_error(), rel=1e-12)


def test_what_can_not_be_matched_is_a_plain_error() -> None:
    X, _, treated = made_up()
    with pytest.raises(DesignError, match=r"Columns \[1\] are constant"):
        scaled_columns(X * [1.0, 0.0] + 0.1, "mahalanobis")
    with pytest.raises(DesignError, match="repeat each other"):
        scaled_columns(np.column_stack([X, X.sum(axis=1)]), "mahalanobis")
    with pytest.raises(DesignError, match="can not be had from"):
        pairs_of(X, treated, matches=60)
    with pytest.raises(DesignError, match="0 treated"):
        pairs_of(X, np.zeros(len(X), dtype=bool))


def by_loops(X: Any, y: Any, treated: Any, w: Any, matches: int, apart: Any) -> tuple[float, float, float]:
    """The ATE, its error and that given the covariates, by the definitions; ``apart`` says who may not be matched."""
    n, inverse = len(y), np.linalg.inv(np.cov(X.T))
    share = np.zeros((n, n))
    for i in range(n):
        others = [j for j in range(n) if treated[j] != treated[i] and not apart(i, j)]
        away = {j: float((X[i] - X[j]) @ inverse @ (X[i] - X[j])) for j in others}
        order = sorted(away, key=lambda j, away=away: away[j])  # type: ignore[misc]
        total, reach = 0.0, None
        for j in order:
            total += w[j]
            if total >= matches:
                reach = away[j]
                break
        if reach is not None:
            chosen = [j for j in order if away[j] <= reach + TIE]
            share[i, chosen] = w[chosen] / w[chosen].sum()
    seeks = share.sum(axis=1) > 0
    sign = np.where(treated, 1.0, -1.0)
    gaps = sign * (y - share @ y)
    theta = np.average(gaps[seeks], weights=w[seeks])
    total = w[seeks].sum()
    noise = sum(w[i] * share[i] @ (sign[i] * (y[i] - y) - theta) ** 2 for i in np.flatnonzero(seeks)) / total / 2
    times, squares = w @ share, w @ share**2
    variance = w[seeks] @ (gaps[seeks] - theta) ** 2 + noise * (times**2 + 2 * times * seeks - squares).sum()
    given = noise * ((w * seeks + times) ** 2).sum()
    return theta, float(np.sqrt(variance) / total), float(np.sqrt(given) / total)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("limit", ["none", "groups", "caliper"])
def test_the_effect_on_all_with_weights_groups_and_calipers_is_that_of_loops(weighted: bool, limit: str) -> None:
    X, y, treated = made_up(n=50)
    group = np.arange(50) % 3
    w = np.where(np.arange(50) % 2, 2.0, 1.0) if weighted else np.ones(50)
    Z = scaled_columns(X, "mahalanobis")  # weights move the metric too, which the loops leave out
    box = X[:, :1] / 0.5 if limit == "caliper" else np.empty((50, 0))
    space = Space(Z * np.sqrt(49 / 50), w, group if limit == "groups" else np.zeros(50, dtype=np.int64), box)

    def apart(i: int, j: int) -> bool:
        if limit == "caliper":
            return bool(abs(X[i, 0] - X[j, 0]) > 0.5)
        return limit == "groups" and bool(group[i] != group[j])

    effect = matched_effect(y, treated, w, match_with_ties(space, treated, np.ones(50, dtype=bool), 2))
    theta, error, given = by_loops(X, y, treated, w, 2, apart)
    assert effect.theta == pytest.approx(theta, rel=1e-12)
    assert effect.std_error() == pytest.approx(error, rel=1e-12)
    assert effect.std_error(conditional=True) == pytest.approx(given, rel=1e-12)


def test_a_seeker_without_a_match_in_reach_is_left_out() -> None:
    X, y = np.array([[0.0], [1.0], [0.1], [9.0]]), np.array([5.0, 6.0, 3.0, 100.0])
    treated = np.array([True, True, False, False])
    box = X / 0.5
    pairs = match_with_ties(Space(X, np.ones(4), np.zeros(4, dtype=np.int64), box), treated, treated)
    assert pairs.seeker.tolist() == [0]
    effect = effect_of(y, treated, pairs)
    assert (effect.theta, effect.own.sum()) == (2.0, 1.0)


def test_the_bias_adjustment_of_all_uses_a_line_in_each_arm() -> None:
    """The outcome is linear in each arm with slopes of its own, so the effect is exact: 1.5 + the mean of X."""
    rng = np.random.default_rng(5)
    X = rng.normal(0, 1, (200, 1))
    treated = rng.random(200) < 1 / (1 + np.exp(1 - X[:, 0]))
    y = 3.0 * X[:, 0] + treated * (1.5 + X[:, 0])
    space, everyone = Space.of(scaled_columns(X, "inverse_variance")), np.ones(200, dtype=bool)
    effect = effect_of(y, treated, match_with_ties(space, treated, everyone), X)
    assert effect.theta == pytest.approx(1.5 + X.mean(), abs=1e-10)


def test_the_noise_of_an_outcome_is_the_variance_among_the_nearest_of_its_arm() -> None:
    X, y = np.array([[0.0], [1.0], [3.0], [0.0], [7.0]]), np.array([2.0, 4.0, 10.0, 0.0, 6.0])
    treated = np.array([True, True, True, False, False])
    noise = noise_within(y, treated, Space.of(X), 1)
    np.testing.assert_allclose(noise, [2.0, 2.0, 18.0, 18.0, 18.0])  # (2 − 4)²/2, again, (4 − 10)²/2, (0 − 6)²/2
    with pytest.raises(DesignError, match="fewer than 2 others"):
        noise_within(y, treated, Space.of(X), 2)


def test_one_person_in_two_rows_counts_as_one() -> None:
    """K = 1 in each of two rows: apart 1² + 1², as one person (1 + 1)²."""
    y, treated = np.array([5.0, 7.0, 1.0, 2.0]), np.array([True, True, False, False])
    pairs = TiedPairs(np.array([0, 1]), np.array([2, 3]), np.ones(2))
    effect = effect_of(y, treated, pairs)
    spread = (4.0 - 4.5) ** 2 + (5.0 - 4.5) ** 2
    noise = 0.5 * spread / 2
    assert effect.std_error() == pytest.approx(np.sqrt(spread + noise * (2 - 2)) / 2)
    assert effect.std_error(person=np.array([0, 1, 2, 2])) == pytest.approx(np.sqrt(spread + noise * (4 - 2)) / 2)
