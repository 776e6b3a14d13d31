"""Traffic deaths and drinking laws in nine states: the wild cluster bootstrap of fwildclusterboot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.numerics.inversion import invert_test
from mentoreval.numerics.sandwich import Regression
from mentoreval.numerics.wild_bootstrap import cluster_moments, draw_effects

TIES = 2 / 512  # all-equal signs give the statistic of the data, and rounding decides whether it counts
SEARCH = 1e-3  # relative: fwildclusterboot finds limits by a root search in a p-value that moves in steps


@pytest.fixture(scope="module")
def stored(reference: Path) -> dict[str, Any]:
    return json.loads((reference / "wild_bootstrap.json").read_text())["results"]


@pytest.fixture(scope="module")
def model(reference: Path) -> tuple[Regression, np.ndarray, np.ndarray]:
    data = pd.read_csv(reference / "data" / "mortality_mv9.csv")
    X, y = np.column_stack([np.ones(len(data)), data["legal"], data["beertaxa"]]), data["mrate"].to_numpy()
    bread = np.linalg.inv(X.T @ X)
    effects = bread @ X.T @ y
    return Regression(X, np.ones(len(y)), y - X @ effects, bread, np.eye(3)), effects, data["state"].to_numpy()


@pytest.mark.parametrize(("place", "name"), [(1, "pooled9_legal"), (2, "pooled9_beertaxa")])
def test_p_value_statistic_and_interval(model: Any, stored: dict[str, Any], place: int, name: str) -> None:
    regression, effects, state = model
    draws = draw_effects(cluster_moments(regression, state), "rademacher", 9_999, np.random.default_rng(0))[place]
    assert draws is not None
    effect, n = effects[place], len(state)
    error = np.sqrt(9 / 8 * (n - 1) / (n - 3) * draws.error)
    assert len(draws.n0) == stored[name]["B"]
    assert effect == pytest.approx(stored[name]["estimate"], rel=1e-10)
    assert effect / error == pytest.approx(stored[name]["t"], rel=1e-10)
    assert draws.p_value(effect) == pytest.approx(stored[name]["p"], abs=TIES)
    limits = invert_test(lambda value: draws.p_value(effect - value), effect, error, 0.95)
    assert limits == pytest.approx(stored[name]["ci"], rel=SEARCH)
