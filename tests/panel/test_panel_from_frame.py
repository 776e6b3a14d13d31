"""Panels from a researcher's own frame: what they hold, and the message for every mistake."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.panel.panel import Panel, panel_from_frame
from mentoreval.panel.timeline import Timeline


def long_frame() -> pd.DataFrame:
    """Zoe starts in 2020, Ana in 2021, Bo never; Bo moved and is not there in 2019."""
    return pd.DataFrame(
        {
            "student": ["zoe", "zoe", "zoe", "ana", "ana", "ana", "bo", "bo"],
            "year": [2020, 2019, 2021, 2019, 2020, 2021, 2020, 2021],
            "start": [2020, 2020, 2020, 2021, 2021, 2021, None, None],
            "school": ["east", "east", "east", "west", "west", "east", "west", "west"],
            "lunch": [True, True, True, False, False, True, False, False],
            "age": [11, 10, 12, 14, 15, 16, 9, 10],
            "absent": [4.0, 9.0, 3.0, 7.0, 6.0, np.nan, 1.0, 2.0],
            "w": [2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 3.0, 3.0],
        }
    )


def make(df: pd.DataFrame | None = None, **changes: object) -> Panel:
    roles: dict[str, object] = {
        "unit": "student",
        "period": "year",
        "first_treated": "start",
        "covariates": ["age"],
        "outcomes": ["absent"],
        "school": "school",
    }
    roles.update(changes)
    return panel_from_frame(long_frame() if df is None else df, **roles)  # type: ignore[arg-type]


def cross_section(df: pd.DataFrame | None = None, **changes: object) -> Panel:
    frame = pd.DataFrame({"id": [3, 1, 2], "t": [1, 0, 0], "x": [1.0, 2.0, 3.0], "y": [5.0, 6.0, 7.0]})
    roles: dict[str, object] = {"unit": "id", "treated": "t", "covariates": ["x"], "outcomes": ["y"]}
    roles.update(changes)
    return panel_from_frame(frame if df is None else df, **roles)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- what a panel holds
def test_units_keep_the_order_of_the_frame_and_periods_are_in_time() -> None:
    panel = make()
    assert list(panel.units) == ["zoe", "ana", "bo"]
    assert panel.frame["year"].tolist() == [2019, 2020, 2021, 2019, 2020, 2021, 2020, 2021]
    assert panel.row_unit.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert panel.start.tolist() == [2020, 2021, Timeline.NEVER]
    assert panel.cohorts.tolist() == [2020, 2021]


def test_other_labels_for_the_same_units_change_nothing_but_the_labels() -> None:
    other = long_frame().replace({"student": {"zoe": "a1", "ana": "z9", "bo": "m5"}})
    left, right = make(), make(other)
    assert list(right.units) == ["a1", "z9", "m5"]
    pd.testing.assert_frame_equal(left.frame.drop(columns="student"), right.frame.drop(columns="student"))


def test_matrix_has_one_row_per_unit_and_nan_where_the_unit_was_not_there() -> None:
    expected = [[9.0, 4.0, 3.0], [7.0, 6.0, np.nan], [np.nan, 1.0, 2.0]]
    np.testing.assert_array_equal(make().outcome_matrix("absent"), expected)


def test_covariates_are_those_of_the_period_before_the_start() -> None:
    panel = make()
    units, cohort = np.array([0, 1, 2]), np.array([2020, 2021, 2020])
    frame = panel.covariates_at_baseline(units, cohort, ["age", "prior_absent", "school"])
    assert frame["age"].tolist()[:2] == [10, 15]
    assert frame["prior_absent"].tolist()[:2] == [9.0, 6.0]
    assert frame[["age", "prior_absent"]].iloc[2].isna().all()  # Bo has no row in 2019
    assert frame["school"].tolist() == ["east", "east", "west"]  # at the start: Ana's school of 2021, not of 2020


def test_a_start_between_two_periods_is_read_at_the_next_period() -> None:
    df = long_frame()
    df["year"] = df["year"].map({2019: 2019, 2020: 2021, 2021: 2023})
    df["start"] = df["start"].map({2020: 2020, 2021: 2023})
    panel = make(df)
    zoe = np.array([0])
    assert panel.frame["year"].to_numpy()[panel.rows_at_start(zoe, np.array([2020]))].tolist() == [2021]
    assert panel.frame["year"].to_numpy()[panel.rows_before(zoe, np.array([2020]))].tolist() == [2019]


def test_school_at_start_falls_back_on_the_last_row_before() -> None:
    df = long_frame()
    df = df[~((df["student"] == "ana") & (df["year"] == 2021))]
    panel = make(df)
    names = sorted(set(df["school"]))
    assert [names[code] for code in panel.school_at_start(np.array([0, 1]), np.array([2020, 2021]))] == ["east", "west"]


def test_text_periods_are_numbered_in_order_and_a_start_after_the_last_is_never_in_them() -> None:
    df = long_frame()
    df["year"] = df["year"].map({2019: "2019-20", 2020: "2020-21", 2021: "2021-22"})
    df["start"] = ["2020-21"] * 3 + ["2022-23"] * 3 + [None] * 2
    panel = make(df)
    assert panel.timeline.clock.tolist() == [0, 1, 2]
    assert panel.cohorts.tolist() == [1]
    assert panel.timeline.label(int(panel.cohorts[0])) == "2020-21"


def test_weights_come_from_the_first_row_and_default_to_one() -> None:
    assert make(weight="w").unit_weight.tolist() == [2.0, 1.0, 3.0]
    assert make().unit_weight.tolist() == [1.0, 1.0, 1.0]


def test_a_cross_section_takes_treated_and_has_no_prior_outcomes() -> None:
    panel = cross_section()
    assert panel.is_cross_section
    assert list(panel.units) == [3, 1, 2]
    assert (panel.start <= panel.timeline.clock[-1]).tolist() == [True, False, False]
    assert panel.default_covariates == ("x",)
    with pytest.raises(DataError, match="one period only"):
        panel.check_covariate("prior_y")


@pytest.mark.parametrize("values", [[1, 0, 0], [True, False, False], [1.0, 0.0, 0.0], ["1", "0", "0"]])
@pytest.mark.parametrize("dtype", [None, object])
def test_treated_may_be_written_in_every_usual_way(values: list[object], dtype: type | None) -> None:
    frame = pd.DataFrame({"id": [3, 1, 2], "x": [1.0, 2.0, 3.0], "y": [5.0, 6.0, 7.0]})
    frame["t"] = pd.Series(values, dtype=dtype)
    assert (cross_section(frame).start < Timeline.NEVER).tolist() == [True, False, False]


def test_made_up_columns_do_not_hide_the_users() -> None:
    frame = pd.DataFrame({"id": [1, 2], "t": [1, 0], "period": [4.0, 5.0], "y": [0.0, 1.0]})
    panel = cross_section(frame, covariates=["period"])
    values = panel.covariates_at_baseline(np.array([0, 1]), panel.cohorts[[0, 0]], ["period"])
    assert values["period"].tolist() == [4.0, 5.0]


def test_the_users_frame_is_left_as_it_was() -> None:
    df = long_frame()
    before = df.copy(deep=True)
    make(df)
    pd.testing.assert_frame_equal(df, before)


def test_numbers_that_are_stored_as_objects_are_numbers() -> None:
    df = long_frame()
    df["absent"] = pd.Series([4, 9, 3, 7, 6, None, True, 2.5], dtype=object)
    assert make(df).frame["absent"].tolist()[-2:] == [1.0, 2.5]


def test_categories_are_read_as_their_labels() -> None:
    df = long_frame().astype({"student": "category", "year": "category", "start": "category", "school": "category"})
    panel = make(df)
    assert panel.cohorts.tolist() == [2020, 2021]
    assert panel.timeline.counts


def test_it_shows_itself() -> None:
    panel = make()
    assert repr(panel) == "Panel: 3 units × 3 periods, 8 rows; 2 treated in 2 cohorts; outcomes absent"
    assert "<table" in panel._repr_html_()


# ---------------------------------------------------------------------- every mistake has its message
def changed(**columns: object) -> pd.DataFrame:
    return long_frame().assign(**columns)


MISTAKES_IN_THE_CALL = {
    "unknown_column": ({"unit": "studnt"}, "no column 'studnt'. Did you mean 'student'"),
    "two_unknown": ({"unit": "studnt", "covariates": ["agee"]}, "no column 'studnt'. The frame has no column 'agee'"),
    "no_outcome": ({"outcomes": []}, "at least one outcome"),
    "text_for_list": ({"covariates": "age"}, r"takes a list of columns, not the text 'age': write \['age'\]"),
    "outcome_as_covariate": (
        {"covariates": ["absent"]},
        "absent can not be a covariate and an outcome.*'prior_absent'",
    ),
    "start_as_covariate": ({"covariates": ["start"]}, "'start' can not be a covariate.*already is the start"),
    "mentor_as_covariate": ({"covariates": ["w"], "mentor": "w"}, "only mentored students have a mentor"),
    "both_ways": ({"treated": "lunch"}, "exactly one of first_treated"),
    "neither_way": ({"first_treated": None}, "exactly one of first_treated"),
    "start_without_period": ({"period": None}, "first_treated= needs period="),
    "text_outcome": ({"outcomes": ["school"], "school": None}, "school must be numbers; 8 of 8 rows .*east, west"),
}


@pytest.mark.parametrize("case", MISTAKES_IN_THE_CALL)
def test_a_mistake_in_the_call_is_named(case: str) -> None:
    changes, message = MISTAKES_IN_THE_CALL[case]
    with pytest.raises(DataError, match=message):
        make(**changes)


MISTAKES_IN_THE_FRAME = {
    "not_a_frame": ([1, 2], "from a pandas DataFrame, not from list"),
    "empty": (long_frame().head(0), "no rows"),
    "two_columns_of_a_name": (
        pd.concat([long_frame(), long_frame()[["age"]]], axis=1),
        "more than one column named age",
    ),
    "no_unit": (changed(student=["zoe", None, *["bo"] * 6]), r"1 rows have no student \(rows 1\)"),
    "no_period": (changed(year=[2020, None, *[2021] * 6]), r"1 rows have no year"),
    "half_period": (changed(year=[2020.5, *range(2001, 2008)]), "must be whole numbers.*2020.5"),
    "mixed_periods": (changed(year=[2020, "2019", *range(2001, 2007)]), "mixes int and str"),
    "periods_out_of_order": (
        changed(year=pd.Categorical(["spring", "fall", *["spring"] * 6], ["spring", "fall"], ordered=True)),
        "ordered spring, fall, but",
    ),
    "twice": (changed(year=[2020, 2020, *range(2001, 2007)]), "1 student × year stand more than once.*zoe in 2020"),
    "moving_start": (changed(start=[2020, 2020, 2021, *[None] * 5]), r"changes within 1 units \(zoe\)"),
    "start_zero": (changed(start=[0] * 3 + [2021] * 3 + [None] * 2), r"3 rows that are not a period.*\(0.0\)"),
    "start_infinite": (changed(start=[2020] * 3 + [np.inf] * 5), "5 rows that are not a period"),
    "start_half": (changed(start=[2020.5] * 3 + [None] * 5), r"3 rows that are not a period.*\(2020.5\)"),
    "start_text": (changed(start=["fall"] * 3 + [None] * 5), "3 rows that are not a period.*fall"),
    "start_unlike_text_period": (
        changed(year=["2019-20", "2020-21", "2021-22"] * 2 + ["2020-21", "2021-22"], start=[2020] * 3 + [None] * 5),
        "write both in the same way",
    ),
    "start_misspelt": (
        changed(
            year=["2019-20", "2020-21", "2021-22"] * 2 + ["2020-21", "2021-22"], start=["2020-2021"] * 3 + [None] * 5
        ),
        "start of 1 units is no year of this panel .2020-2021..*2019-20, 2020-21, 2021-22",
    ),
    "infinite_outcome": (changed(absent=[np.inf, *[1.0] * 7]), "absent is infinite in 1 rows"),
    "text_in_numbers": (changed(absent=["4", "x", *["1"] * 6]), "absent must be numbers; 8 of 8 rows"),
    "one_text_in_numbers": (
        changed(absent=pd.Series([4, "ill", *[1] * 6], dtype=object)),
        r"absent must be numbers; 1 of 8 rows hold something else \(ill\)",
    ),
    "nobody_treated": (changed(start=None), "No unit is treated: 'start' is missing.*all 3 units"),
    "everybody_treated": (changed(start=2020), "All 3 units are treated, and at the same time"),
}


@pytest.mark.parametrize("case", MISTAKES_IN_THE_FRAME)
def test_a_mistake_in_the_frame_is_named(case: str) -> None:
    frame, message = MISTAKES_IN_THE_FRAME[case]
    with pytest.raises(DataError, match=message):
        make(frame)


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_a_weight_that_is_missing_or_negative_is_refused(bad: float) -> None:
    df = changed(w=[bad, *[1.0] * 7])
    with pytest.raises(DataError, match="w must be known and at least 0 in every row; it is not in 1 of 8 rows"):
        make(df, weight="w")


@pytest.mark.parametrize("values", [[1, 0, 2], ["Yes", "No", "No"], [1.0, np.nan, 0.0], [True, None, False]])
def test_treated_that_is_not_zero_or_one_is_refused(values: list[object]) -> None:
    frame = pd.DataFrame({"id": [3, 1, 2], "x": [1.0, 2.0, 3.0], "y": [5.0, 6.0, 7.0], "t": values})
    with pytest.raises(DataError, match=r"t must be 0 or 1 in every row; [13] of 3 rows hold something else"):
        cross_section(frame)


def test_the_arm_can_not_be_a_covariate() -> None:
    with pytest.raises(DataError, match=r"'t' can not be a covariate.*already is the arm"):
        cross_section(covariates=["x", "t"])


def test_duplicate_identifiers_in_a_cross_section_are_named_without_a_period() -> None:
    frame = pd.DataFrame({"id": [3, 1, 1], "x": [1.0, 2.0, 3.0], "y": [5.0, 6.0, 7.0], "t": [1, 0, 0]})
    with pytest.raises(DataError, match=r"1 id stand more than once \(1\)"):
        cross_section(frame)


def test_one_period_with_starts_before_it_is_refused() -> None:
    df = long_frame().query("year == 2021")
    with pytest.raises(DataError, match="1 units start before year 2021, the only period"):
        make(df)


def test_an_unknown_outcome_and_covariate_are_named() -> None:
    panel = make()
    with pytest.raises(DataError, match=r"'absnt' is not an outcome of this panel. Outcomes: absent"):
        panel.outcome_matrix("absnt")
    with pytest.raises(DataError, match=r"no covariate 'agee' in this panel. Did you mean 'age'"):
        panel.check_covariate("agee")
    with pytest.raises(DataError, match=r"'absent' is an outcome and can not be a covariate.*'prior_absent'"):
        panel.check_covariate("absent")
