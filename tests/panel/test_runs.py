"""Values that stand together are looked up once, with the codes and labels that pandas gives to each of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.panel.identifiers import differs, factorize_runs
from mentoreval.panel.panel import panel_from_frame

COLUMNS = {
    "numbers": pd.Series([7, 7, 7, 3, 3, 7, 7]),
    "with gaps": pd.Series([1.0, 1.0, np.nan, np.nan, 2.0, 2.0]),
    "nullable": pd.Series([1, 1, None, None, 2, 2], dtype="Int64"),
    "texts": pd.Series(["ana", "ana", None, "ben", "ben", "ben"]),
    "objects": pd.Series(["a", "a", pd.NA, None, "b", "b"], dtype=object),
    "categories": pd.Series(pd.Categorical(["b", "b", "a", "a", None, None])),
    "each its own": pd.Series([4, 2, 9]),
    "one": pd.Series([4]),
    "none": pd.Series([], dtype=float),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_runs_have_the_codes_and_labels_of_pandas(name: str) -> None:
    codes, labels = pd.factorize(COLUMNS[name])
    found, distinct = factorize_runs(COLUMNS[name])
    np.testing.assert_array_equal(found, codes)
    pd.testing.assert_index_equal(distinct, pd.Index(labels))


def test_two_missing_values_do_not_differ() -> None:
    assert differs(COLUMNS["with gaps"]).tolist() == [False, True, False, True, False]
    assert differs(COLUMNS["objects"]).tolist() == [False, True, False, True, False]


@pytest.mark.parametrize("order", ["as they are", "mixed"])
@pytest.mark.parametrize("period", ["numbers", "texts"])
def test_what_a_panel_is_told_of_its_rows_is_what_it_would_find_itself(order: str, period: str) -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {"who": np.repeat([f"s{n}" for n in rng.permutation(30)], 5), "when": [2001, 2002, 2004, 2005, 2009] * 30}
    )
    frame["start"] = np.repeat(np.where(np.arange(30) % 3 == 0, 2004.0, np.nan), 5)
    frame["y"] = rng.normal(size=150)
    frame = frame[rng.random(150) < 0.8]
    if period == "texts":
        frame["when"] = frame["when"].astype(str)
        frame["start"] = frame["start"].map({2004.0: "2004"})
    if order == "mixed":
        frame = frame.sample(frac=1.0, random_state=0)
    panel = panel_from_frame(frame, unit="who", period="when", first_treated="start", outcomes=["y"])
    codes, labels = pd.factorize(panel.frame["who"])
    np.testing.assert_array_equal(panel.row_unit, codes)
    assert panel.units.tolist() == list(labels) == list(pd.unique(frame["who"]))
    np.testing.assert_array_equal(panel.row_period, panel.timeline.position(panel.frame["when"]))
    expected = frame.set_index(["who", "when"])["y"]
    rows = zip(panel.frame["who"], panel.frame["when"], panel.frame["y"], strict=True)
    assert all(expected[who, when] == y for who, when, y in rows)
