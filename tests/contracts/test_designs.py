"""What every design method promises. A new method is tested here as soon as it is listed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Design, DesignMethod, choose_design
from mentoreval.design.methods import METHODS
from mentoreval.panel.panel import Panel, panel_from_frame
from mentoreval.registry import build, spec_of

EVERY_METHOD = pytest.mark.parametrize("name", sorted(METHODS))
EVERY_DATA = pytest.mark.parametrize("data", ["cross_section", "cohorts"])


def cross_section() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n = 200
    frame = pd.DataFrame({"id": [f"u{number:03d}" for number in rng.permutation(n)], "age": rng.normal(13, 1, n)})
    frame["grade"], frame["w"] = rng.choice(["6", "7"], n), rng.uniform(0.5, 2, n)
    frame["treated"] = (rng.random(n) < 1 / (1 + np.exp(1 - 0.5 * (frame["age"] - 13)))).astype(int)
    return frame.assign(absent=rng.poisson(8, n).astype(float))


def cohorts() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    n = 120
    start = rng.choice([2020.0, 2021.0, np.nan], n, p=[0.2, 0.2, 0.6])
    age, grade, weight = rng.normal(13, 1, n), rng.choice(["6", "7"], n), rng.uniform(0.5, 2, n)
    years = [
        pd.DataFrame({"id": np.arange(n) * 7, "year": year, "start": start, "age": age + year - 2018, "grade": grade})
        .assign(w=weight, absent=rng.poisson(8, n).astype(float))
        for year in range(2018, 2023)
    ]  # fmt: skip
    return pd.concat(years, ignore_index=True)


FRAMES: dict[str, Callable[[], pd.DataFrame]] = {"cross_section": cross_section, "cohorts": cohorts}


def panel_of(data: str, frame: pd.DataFrame) -> Panel:
    roles = {"treated": "treated"} if data == "cross_section" else {"period": "year", "first_treated": "start"}
    return panel_from_frame(frame, unit="id", covariates=["age", "grade"], outcomes=["absent"], weight="w", **roles)  # type: ignore[arg-type]


def design_of(name: str, data: str, frame: pd.DataFrame | None = None) -> Design:
    """The design by a method's default options, for the first estimand that it serves (ATT where it does not say)."""
    estimand = getattr(METHODS[name], "estimands", ("ATT",))[0]
    return choose_design(panel_of(data, FRAMES[data]() if frame is None else frame), METHODS[name](), estimand=estimand)


def expect_same(left: Design, right: Design) -> None:
    np.testing.assert_array_equal(left.weighting.weights, right.weighting.weights)
    np.testing.assert_array_equal(left.weighting.pairs, right.weighting.pairs)
    np.testing.assert_array_equal(left.weighting.matched_set, right.weighting.matched_set)


@EVERY_METHOD
@EVERY_DATA
def test_outcomes_from_the_start_on_are_not_seen(name: str, data: str) -> None:
    """Every outcome that the program could have changed is replaced by noise; the design stays as it was."""
    frame = FRAMES[data]()
    seen = np.ones(len(frame), dtype=bool) if data == "cross_section" else frame["year"] >= frame["start"].fillna(2020)
    scrambled = frame.copy()
    scrambled.loc[seen, "absent"] = np.random.default_rng(5).normal(1000, 500, int(seen.sum()))
    if data == "cohorts":  # a never-treated student is a comparison for 2020 and 2021: 2020 is before one of them
        scrambled.loc[(frame["year"] == 2020) & frame["start"].isna(), "absent"] = frame["absent"]
    expect_same(design_of(name, data, scrambled), design_of(name, data))


@EVERY_METHOD
@EVERY_DATA
def test_weights_are_finite_not_negative_and_in_both_arms(name: str, data: str) -> None:
    design = design_of(name, data)
    weights, treated = design.weighting.weights, design.baseline.treated
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert weights[treated].sum() > 0
    assert weights[~treated].sum() > 0
    assert (weights[~design.weighting.considered] == 0).all()


@EVERY_METHOD
@EVERY_DATA
def test_nobody_is_matched_to_themselves_or_to_their_own_arm(name: str, data: str) -> None:
    design = design_of(name, data)
    pairs, base = design.weighting.pairs, design.baseline
    assert (base.unit[pairs[:, 0]] != base.unit[pairs[:, 1]]).all()
    assert base.treated[pairs[:, 0]].all()
    assert not base.treated[pairs[:, 1]].any()
    assert (base.cohort[pairs[:, 0]] == base.cohort[pairs[:, 1]]).all()


@EVERY_METHOD
@EVERY_DATA
def test_other_identifiers_give_the_same_design(name: str, data: str) -> None:
    frame = FRAMES[data]()
    codes = pd.factorize(frame["id"])[0]
    shuffled = np.random.default_rng(9).permutation(codes.max() + 1)
    expect_same(design_of(name, data, frame.assign(id=shuffled[codes])), design_of(name, data))


@EVERY_METHOD
@EVERY_DATA
def test_the_order_of_the_rows_changes_nobodys_comparison(name: str, data: str) -> None:
    """No two scores are equal here, so that no tie is broken by the order."""
    frame = FRAMES[data]()
    left = design_of(name, data)
    right = design_of(name, data, frame.sample(frac=1, random_state=4))
    columns = ["cohort", "treated", "comparison"]
    both = [design.matched_sets[columns].sort_values(columns, ignore_index=True) for design in (left, right)]
    pd.testing.assert_frame_equal(*both)
    keys = ["unit", "cohort", "treated"]
    weights = [d.weights[[*keys, "weight"]].sort_values(keys, ignore_index=True) for d in (left, right)]
    pd.testing.assert_frame_equal(*weights)


@EVERY_METHOD
@EVERY_DATA
def test_the_same_question_has_the_same_answer(name: str, data: str) -> None:
    expect_same(design_of(name, data), design_of(name, data))


@EVERY_METHOD
@EVERY_DATA
def test_the_users_frame_is_left_as_it_was(name: str, data: str) -> None:
    frame = FRAMES[data]()
    before = frame.copy(deep=True)
    design_of(name, data, frame)
    pd.testing.assert_frame_equal(frame, before)


@EVERY_METHOD
@EVERY_DATA
def test_arrays_have_one_element_for_each_entry(name: str, data: str) -> None:
    design = design_of(name, data)
    weighting, size = design.weighting, design.baseline.size
    for array in (weighting.weights, weighting.matched_set, weighting.propensity, weighting.considered):
        assert array.shape == (size,)
    assert weighting.pairs.shape == (len(weighting.pair_distance), 2)
    known = weighting.propensity[~np.isnan(weighting.propensity)]
    assert ((known > 0) & (known < 1)).all()


@EVERY_METHOD
def test_it_can_be_written_in_a_study_file_and_read_back(name: str) -> None:
    made: DesignMethod = METHODS[name]()
    assert made.name == name
    assert build(METHODS, spec_of(made), "design") == made
    assert hash(made) == hash(build(METHODS, name, "design"))
