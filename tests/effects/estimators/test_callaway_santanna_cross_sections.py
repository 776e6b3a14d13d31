"""Callaway–Sant'Anna from cross-sections: students who come and go, and other students in each year."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.cells import Control
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError
from mentoreval.numerics.did_cells import CellMethod
from mentoreval.panel.panel import panel_from_frame


def estimate(frame: pd.DataFrame, unit: str = "student", pool: Any = "never_treated", **options: Any) -> Estimate:
    panel = panel_from_frame(
        frame, unit=unit, period="year", first_treated="start", outcomes=["absent"], covariates=["gpa", "grade"]
    )
    estimator = CallawaySantAnna(missing="cross_sections", control=pool, **options)
    design = choose_design(panel, pool=pool, covariates=[])
    return estimate_effect(design, "absent", estimator, inference=ClusterRobust("student", "CR0"))


def gappy(frame: pd.DataFrame, share: float = 0.15) -> pd.DataFrame:
    return frame[np.random.default_rng(5).random(len(frame)) > share].copy()


@pytest.mark.parametrize("control", get_args(Control))
def test_every_cell_is_four_means_of_all_rows_of_two_years(frame: pd.DataFrame, control: Control) -> None:
    rows = gappy(frame)
    found = estimate(rows, pool=control).frame
    assert len(found) == 8
    for cell in found.itertuples():
        base = min(int(cell.period) - 1, int(cell.cohort) - 1)
        later = max(base, int(cell.period))
        waits = rows["start"].isna() | ((rows["start"] > later) if control == "not_yet_treated" else False)
        arms = [rows[rows["start"] == cell.cohort], rows[waits & (rows["start"] != cell.cohort)]]
        mean = [[arm.loc[arm["year"] == year, "absent"].mean() for year in (base, cell.period)] for arm in arms]
        assert cell.estimate == pytest.approx(mean[0][1] - mean[0][0] - mean[1][1] + mean[1][0], abs=1e-12)
        seen = arms[0][arms[0]["year"].isin([base, cell.period])]
        assert cell.n_treated == seen["student"].nunique()


def test_where_nobody_is_missing_it_is_the_comparison_of_changes(frame: pd.DataFrame) -> None:
    panel = panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])
    design = choose_design(panel)
    pairs = estimate_effect(design, "absent", CallawaySantAnna(), inference=ClusterRobust("student", "CR0")).frame
    found = estimate(frame).frame
    np.testing.assert_allclose(found["estimate"], pairs["estimate"], atol=1e-12)
    np.testing.assert_allclose(found["std_error"], pairs["std_error"], atol=1e-12)


@pytest.mark.parametrize("method", get_args(CellMethod))
def test_rows_of_a_student_are_added_up_and_rows_of_other_students_are_not(
    frame: pd.DataFrame, method: CellMethod
) -> None:
    rows = gappy(frame).assign(row=lambda data: np.arange(len(data)))
    options: dict[str, Any] = {"method": method, "covariates": ("gpa",)}
    same, others = estimate(rows, **options), estimate(rows, unit="row", **options)
    np.testing.assert_allclose(same.fit.theta, others.fit.theta, atol=1e-10)
    assert (same.std_error < 0.8 * others.std_error).all()  # a student's two years share what sets students apart
    assert others.n_clusters == len(others.fit.influence)  # type: ignore[arg-type]


def test_sampling_weights_weigh_rows(frame: pd.DataFrame) -> None:
    """A weight of two is the same student twice."""
    rows = gappy(frame)
    code = pd.factorize(rows["student"])[0]
    twice = pd.concat([rows, rows[code % 3 == 0].assign(student=lambda data: data["student"] + " again")])
    panel = panel_from_frame(
        rows.assign(w=1.0 + (code % 3 == 0)), unit="student", period="year", first_treated="start",
        outcomes=["absent"], covariates=["gpa"], weight="w",
    )  # fmt: skip
    estimator = CallawaySantAnna(missing="cross_sections", covariates=("gpa",))
    weighted = estimate_effect(choose_design(panel, covariates=[]), "absent", estimator)
    copied = estimate(twice, covariates=("gpa",))
    np.testing.assert_allclose(weighted.fit.theta, copied.fit.theta, atol=1e-9)
    np.testing.assert_allclose(weighted.pool().fit.theta, copied.pool().fit.theta, atol=1e-9)


def test_a_universal_base_and_anticipation(frame: pd.DataFrame) -> None:
    found = estimate(gappy(frame), base_period="universal", anticipation=1)
    assert found.frame["term"].str.startswith("reference").sum() == 2
    assert found.pool("event_time").frame["event_time"].iloc[:-1].tolist() == [-3, -2, -1, 0, 1, 2]


def test_a_text_covariate_and_a_missing_one(frame: pd.DataFrame) -> None:
    rows = gappy(frame)
    rows.loc[rows.index[::11], "grade"] = None
    found = estimate(rows, covariates=("gpa", "grade"))
    expected = estimate(rows.dropna(subset=["grade"]), covariates=("gpa", "grade"))
    np.testing.assert_allclose(found.fit.theta, expected.fit.theta, atol=1e-10)


def test_an_earlier_outcome_is_no_covariate_of_a_row(frame: pd.DataFrame) -> None:
    with pytest.raises(EffectError, match="each row stands for itself"):
        estimate(frame, covariates=("prior_absent",))
