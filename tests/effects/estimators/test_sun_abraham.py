"""Sun–Abraham: the regression with all its dummies, its averages, and what it leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, SunAbraham
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame
from tests.twins.dummy_regressions import coefficients

BY_STUDENT = ClusterRobust("student", "CR0")


def panel_of(frame: pd.DataFrame) -> Panel:
    return panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])


def estimate(panel: Panel, **options: Any) -> Estimate:
    return estimate_effect(choose_design(panel), "absent", SunAbraham(**options), inference=BY_STUDENT)


def cells_by_dummies(frame: pd.DataFrame, reference: int = -1) -> dict[tuple[int, int], float]:
    """Coefficients of (start, year) from the regression with a dummy for every student and year."""
    cells = [
        (start, year) for start in (2003, 2004) for year in sorted(frame["year"].unique()) if year - start != reference
    ]
    X = np.column_stack([((frame["start"] == s) & (frame["year"] == y)).to_numpy(dtype=float) for s, y in cells])
    return dict(zip(cells, coefficients(frame, X), strict=True))


@pytest.mark.parametrize("reference", [-1, -2])
def test_it_is_the_regression_with_all_dummies_on_all_rows_observed(frame: pd.DataFrame, reference: int) -> None:
    some = frame[np.random.default_rng(4).random(len(frame)) > 0.15]
    found = estimate(panel_of(some), reference=reference).frame
    expected = cells_by_dummies(some, reference)
    own = found[~found["term"].str.startswith("reference")]
    assert len(own) == len(expected)
    for row in own.itertuples():
        assert row.estimate == pytest.approx(expected[(row.cohort, row.period)], abs=1e-10)
        inside = some[(some["start"] == row.cohort) & (some["year"] == row.period)]
        assert row.n_treated == inside["student"].nunique()
        assert row.n_comparison == (some["start"].isna() & (some["year"] == row.period)).sum()


def test_fixed_shares_are_those_of_the_rows_at_that_event_time(frame: pd.DataFrame) -> None:
    some = frame[np.random.default_rng(4).random(len(frame)) > 0.15]
    found = estimate(panel_of(some), shares="fixed").frame.set_index("term")["estimate"]
    cells = cells_by_dummies(some)
    rows = some.groupby(["start", "year"]).size()
    early, late = rows[2003, 2004], rows[2004, 2005]
    expected = (early * cells[2003, 2004] + late * cells[2004, 2005]) / (early + late)
    assert found["event_time=1"] == pytest.approx(expected, abs=1e-10)
    after = [cell for cell in cells if cell[1] >= cell[0]]
    mean = np.average([cells[cell] for cell in after], weights=[rows[cell] for cell in after])
    assert found["average"] == pytest.approx(mean, abs=1e-10)


def test_pooling_adds_the_noise_of_cohort_shares_and_nothing_else(panel: Panel) -> None:
    """Without missing rows it is Callaway–Sant'Anna with a universal base, errors and pooling too."""
    sound = CallawaySantAnna(base_period="universal")
    other = estimate_effect(choose_design(panel), "absent", sound, inference=BY_STUDENT)
    found = estimate(panel)
    for by in ("simple", "event_time", "cohort", "period"):
        ours, theirs = found.pool(by), other.pool(by)  # type: ignore[arg-type]
        np.testing.assert_allclose(ours.fit.theta, theirs.fit.theta, atol=1e-10)
        np.testing.assert_allclose(ours.std_error, theirs.std_error, atol=1e-10)
        pd.testing.assert_frame_equal(ours.fit.terms, theirs.fit.terms)


def test_fixed_shares_make_one_regression_that_bias_reduction_applies_to(panel: Panel) -> None:
    design = choose_design(panel)
    effect = estimate_effect(design, "absent", SunAbraham(shares="fixed"), inference=ClusterRobust("school", "CR2"))
    kept = ~effect.is_reference
    assert (effect.std_error[kept] > 0).all()
    assert (effect.df[kept] < 8).all()


def test_a_cohort_that_is_not_seen_before_its_start_is_left_out(frame: pd.DataFrame) -> None:
    late = frame[(frame["start"] != 2004) | (frame["year"] >= 2004)]
    effect = estimate(panel_of(late))
    assert effect.fit.facts["without_a_reference"] == 40
    assert set(effect.frame["cohort"]) == {2003}


def test_a_cohort_without_the_reference_period_takes_the_last_before(frame: pd.DataFrame) -> None:
    gap = frame[(frame["start"] != 2004) | (frame["year"] != 2003)]
    terms = estimate(panel_of(gap)).frame["term"]
    assert [term for term in terms if term.startswith("reference")] == [
        "reference att(2003,2002)",
        "reference att(2004,2002)",
    ]


def test_it_needs_units_that_are_never_treated(frame: pd.DataFrame) -> None:
    panel = panel_of(frame[frame["start"].notna()])
    with pytest.raises(EffectError, match="never treated"):
        SunAbraham().fit(choose_design(panel, pool="not_yet_treated"), "absent")


def test_a_reference_after_the_start_is_refused() -> None:
    with pytest.raises(OptionError, match="before the start"):
        SunAbraham(reference=0)
