"""One rule for students who leave, enter or miss a year, held by every estimator.

An outcome is never filled in. A comparison uses every student whose outcome is known in all the periods that it needs;
the others are left out of it, stay in those that need less, and are counted in ``Fit.facts``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import BoolArray
from mentoreval.effects.estimator import Estimator
from tests.contracts.test_estimators import EFFECT, estimate, every_estimator, make_frame


def gaps(frame: pd.DataFrame) -> BoolArray:
    """(n,) rows that are missing: a tenth of the students leaves, a tenth enters late, a tenth of the others misses."""
    n = int(frame["student"].max()) + 1
    rng = np.random.default_rng(8)
    fate, when, year = rng.random(n), rng.integers(2, 5, n), frame["year"].to_numpy()
    fate, when = fate[frame["student"]], when[frame["student"]]
    leaves, enters = (fate < 0.1) & (year >= when), (fate > 0.9) & (year < when)
    misses = (fate > 0.45) & (fate < 0.55) & (year == when)
    return np.asarray(leaves | enters | misses)


@every_estimator
def test_a_missing_row_is_a_missing_outcome(estimator: Estimator) -> None:
    frame = make_frame("staggered", n=150)
    missing = gaps(frame)
    without_rows = estimate(estimator, frame[~missing])
    without_outcomes = estimate(estimator, frame.assign(absent=frame["absent"].mask(missing)))
    np.testing.assert_allclose(without_rows.fit.theta, without_outcomes.fit.theta, atol=1e-9)
    np.testing.assert_allclose(without_rows.std_error, without_outcomes.std_error, atol=1e-9)
    assert list(without_rows.frame["term"]) == list(without_outcomes.frame["term"])
    assert without_rows.frame["n_treated"].tolist() == without_outcomes.frame["n_treated"].tolist()


@every_estimator
def test_what_is_left_out_is_counted(estimator: Estimator) -> None:
    """In facts, or, where each effect has its own sample, in the numbers of students behind each."""
    frame = make_frame("staggered", n=150)
    whole = estimate(estimator, frame)
    found = estimate(estimator, frame.assign(absent=frame["absent"].mask(gaps(frame))))
    before, after = (
        {key: count for key, count in one.fit.facts.items() if type(count) is int} for one in (whole, found)
    )
    in_facts = any(count > before.get(key, 0) for key, count in after.items())
    in_samples = (found.frame[["n_treated", "n_comparison"]] < whole.frame[["n_treated", "n_comparison"]]).all(
        axis=None
    )
    assert in_facts or in_samples, f"nothing counts the missing outcomes: {found.fit.facts}"


@every_estimator
def test_a_student_of_whom_no_outcome_is_known_changes_nothing(estimator: Estimator) -> None:
    frame = make_frame("staggered", n=90)
    strangers = frame[frame["student"] < 6].assign(student=lambda rows: rows["student"] + 1000, absent=np.nan)
    plain, more = estimate(estimator, frame), estimate(estimator, pd.concat([frame, strangers], ignore_index=True))
    np.testing.assert_allclose(more.fit.theta, plain.fit.theta, atol=1e-10)
    np.testing.assert_allclose(more.std_error, plain.std_error, atol=1e-10)
    assert more.frame["n_comparison"].tolist() == plain.frame["n_comparison"].tolist()


@every_estimator
def test_the_effect_is_found_where_gaps_are_random(estimator: Estimator) -> None:
    frame = make_frame("staggered", n=900, seed=2)
    row = estimate(estimator, frame[~gaps(frame)]).headline()
    assert abs(row["estimate"] - EFFECT.get(estimator.name, -2.0)) < 4 * row["std_error"]


@every_estimator
@pytest.mark.parametrize("kind", ["two_periods", "staggered"])
def test_school_years_and_identifiers_may_be_texts(estimator: Estimator, kind: str) -> None:
    frame = make_frame(kind)
    label = {year: f"20{year + 2:02d}-{year + 3:02d}" for year in range(1, 5)}
    texts = frame.assign(
        student=[f"s{number:04d}" for number in frame["student"]],
        school=[f"school {number}" for number in frame["school"]],
        year=frame["year"].map(label),
        start=frame["start"].map(label),
    )
    plain, written = estimate(estimator, frame), estimate(estimator, texts)
    np.testing.assert_allclose(written.fit.theta, plain.fit.theta, atol=1e-10)
    np.testing.assert_allclose(written.std_error, plain.std_error, atol=1e-10)
