"""Callaway–Sant'Anna in every option: csdid, the port of R's did 2.5 whose numbers it repeats, on made-up students.

csdid_options.json holds, for each case, what csdid 0.4.3 (drdid 1.1.7) gives on ``six_years().to_csv(...)``:

    ATTgt(yname="absent", gname="start", idname="student", tname="year", data=d, xformla=..., control_group=...,
          weights_name=..., anticipation=..., clustervar=...).fit(est_method=..., base_period=..., bstrap=False)
    .aggte(typec=..., bstrap=False, cband=False, min_e=..., max_e=..., balance_e=...)

rows: "unbalanced" are those with seen = 1 and allow_unbalanced_panel=True; "sections" all rows with panel=False, each
another student; "complete" the students with seen = 1 in all years, which is what did leaves of a panel by default.
A cell is [start, year, effect, error]; a pooled term [event time, start or year, effect, error].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from tests.reference.made_up import six_years

STORED: dict[str, Any] = json.loads(Path(__file__).with_name("csdid_options.json").read_text(encoding="utf-8"))
POINT, ERROR = 1e-10, 1e-9
COLUMN = {"event_time": "event_time", "cohort": "cohort", "period": "period"}


def rows_of(kind: str) -> pd.DataFrame:
    data = six_years()
    data = data.assign(start=data["start"].where(data["start"] > 0), one=1.0)
    if kind == "sections":
        return data.assign(student=np.arange(len(data)))
    if kind == "complete":
        return data[data.groupby("student")["seen"].transform("min") == 1]
    return data if kind == "balanced" else data[data["seen"] == 1]


def estimate(options: dict[str, Any]) -> me.Estimate:
    panel = me.panel_from_frame(
        rows_of(options["rows"]),
        unit="student",
        period="year",
        first_treated="start",
        covariates=["gpa", "health"],
        outcomes=["absent"],
        school="school",
        weight=options["weights"],
    )
    design = me.choose_design(panel, pool=options["control"], covariates=[])
    estimator = me.CallawaySantAnna(
        control=options["control"],
        method=options["method"],
        base_period=options["base_period"],
        anticipation=options["anticipation"],
        covariates=tuple(options["covariates"]),
        missing="cross_sections" if options["rows"] in ("unbalanced", "sections") else "complete_pairs",
    )
    return me.estimate_effect(design, "absent", estimator, inference=me.ClusterRobust(options["cluster"], "CR0"))


def compare(found: pd.DataFrame, expected: list[list[Any]]) -> None:
    """Effects, and errors where there are any: a reference cell has none."""
    effects, errors = (np.array([row[place] for row in expected], dtype=float) for place in (-2, -1))
    np.testing.assert_allclose(found["estimate"], effects, atol=POINT)
    np.testing.assert_allclose(found["std_error"], errors, atol=ERROR)


@pytest.mark.parametrize("name", STORED)
def test_cells_and_averages_are_those_of_did(name: str) -> None:
    case = STORED[name]
    effect = estimate(case["options"])
    assert effect.frame[["cohort", "period"]].values.tolist() == [row[:2] for row in case["cells"]]
    compare(effect.frame, case["cells"])
    for pool in case["pools"]:
        frame = effect.pool(pool["by"], **pool["window"]).frame
        average = frame["term"] == "average"
        compare(frame[average], [pool["average"]])
        if pool["terms"]:
            terms = frame[~average]
            assert terms[COLUMN[pool["by"]]].tolist() == [row[0] for row in pool["terms"]]
            compare(terms, pool["terms"])
