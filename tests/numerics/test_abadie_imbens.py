"""Matching with ties and Abadie–Imbens errors: equal to R's Matching, and to loops that follow the definitions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.errors import DesignError
from mentoreval.numerics.abadie_imbens import TIE, match_with_ties, matched_effect, scaled_columns
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
    pairs = match_with_ties(scaled_columns(X, metric), treated)
    found = {(data["id"][i], data["id"][j]) for i, j in zip(pairs.treated, pairs.nearest, strict=True)}
    assert found == set(zip(stored["treated"], stored["control"], strict=True))
    effect = matched_effect(y, treated, pairs)
    assert effect.theta == pytest.approx(stored["est"], rel=1e-8)
    assert effect.std_error == pytest.approx(stored["se_AI"], rel=1e-6)


def test_the_bias_adjusted_effect_is_that_of_r() -> None:
    _, X, y, treated = lalonde()
    pairs = match_with_ties(scaled_columns(X, "mahalanobis"), treated)
    assert matched_effect(y, treated, pairs, X).theta == pytest.approx(R_BIAS_ADJUSTED, abs=6e-4)


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
    effect = matched_effect(y, treated, match_with_ties(scaled_columns(X, "mahalanobis"), treated, matches))
    assert max(len(chosen) for chosen, _ in squares) > matches
    assert effect.theta == pytest.approx(theta, rel=1e-12)
    assert effect.std_error == pytest.approx(np.sqrt(variance) / len(seekers), rel=1e-12)


def test_the_bias_adjustment_takes_out_what_is_linear() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(0, 1, (200, 2))
    treated = rng.random(200) < 1 / (1 + np.exp(1 - X[:, 0]))
    y = 3.0 * X[:, 0] - X[:, 1] + 1.5 * treated
    pairs = match_with_ties(scaled_columns(X, "inverse_variance"), treated)
    assert abs(matched_effect(y, treated, pairs).theta - 1.5) > 0.05
    assert matched_effect(y, treated, pairs, X).theta == pytest.approx(1.5, abs=1e-10)


def test_the_error_holds_where_effects_are_drawn_again() -> None:
    """400 samples; the spread of their effects is known to 1/√800, and the error's mean must be within three of it."""
    rng = np.random.default_rng(9)
    effects, errors = [], []
    for _ in range(400):
        X = rng.normal(0, 1, (150, 1))
        treated = rng.random(150) < 1 / (1 + np.exp(1 - 0.5 * X[:, 0]))
        y = X[:, 0] + treated * (1 + 0.5 * X[:, 0]) + rng.normal(0, 1, 150)
        effect = matched_effect(y, treated, match_with_ties(scaled_columns(X, "inverse_variance"), treated))
        effects.append(effect.theta)
        errors.append(effect.std_error)
    assert np.mean(errors) / np.std(effects) == pytest.approx(1.0, abs=0.11)


def test_units_of_measurement_and_order_change_nothing() -> None:
    X, y, treated = made_up()
    plain = matched_effect(y, treated, match_with_ties(scaled_columns(X, "mahalanobis"), treated))
    order = np.random.default_rng(1).permutation(len(y))
    Z = scaled_columns((X * [180.0, 0.01] + 7.0)[order], "mahalanobis")
    other = matched_effect(y[order], treated[order], match_with_ties(Z, treated[order]))
    assert other.theta == pytest.approx(plain.theta, rel=1e-12)
    assert other.std_error == pytest.approx(plain.std_error, rel=1e-12)


def test_what_can_not_be_matched_is_a_plain_error() -> None:
    X, _, treated = made_up()
    with pytest.raises(DesignError, match=r"Columns \[1\] are constant"):
        scaled_columns(X * [1.0, 0.0] + 0.1, "mahalanobis")
    with pytest.raises(DesignError, match="repeat each other"):
        scaled_columns(np.column_stack([X, X.sum(axis=1)]), "mahalanobis")
    with pytest.raises(DesignError, match="can not be had from"):
        match_with_ties(scaled_columns(X, "mahalanobis"), treated, matches=60)
    with pytest.raises(DesignError, match="0 treated"):
        match_with_ties(scaled_columns(X, "mahalanobis"), np.zeros(len(X), dtype=bool))
