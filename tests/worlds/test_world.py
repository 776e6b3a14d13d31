"""Worlds: how they are named and drawn, what is refused, and how effects are pooled."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from mentoreval.errors import OptionError
from mentoreval.worlds import WORLDS, Draw, Riverside, Truth, draw_world


@pytest.fixture(scope="module")
def small() -> Draw:
    return draw_world("riverside", seed=5, n_students=900)


def test_a_world_is_drawn_by_name_or_as_an_object(small: Draw) -> None:
    same = draw_world(Riverside(n_students=900), seed=5)
    assert same.spec == small.spec == {"kind": "riverside", "n_students": 900, "seed": 5}
    for name, table in small.tables.items():
        pd.testing.assert_frame_equal(table, same.tables[name])


@pytest.mark.parametrize("name", WORLDS)
def test_every_world_names_itself(name: str) -> None:
    assert WORLDS[name].name == name


@pytest.mark.parametrize(
    ("world", "options", "message"),
    [
        ("riversid", {}, "Did you mean 'riverside'"),
        ("riverside", {"students": 900}, "no option 'students'"),
        ("riverside", {"n_students": 100}, "too few for twelve schools"),
        ("riverside", {"effect_share": 0.9}, "not between 0 and 0.4"),
        ("riverside", {"seed": -1}, "seed = -1"),
        ("riverside", {"seed": 1.5}, "seed = 1.5"),
        (Riverside(), {"n_students": 900}, "this one is already made"),
    ],
)
def test_what_can_not_be_drawn_is_refused(world: str | Riverside, options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        draw_world(world, **options)  # type: ignore[arg-type]


def test_a_draw_shows_what_it_holds(small: Draw) -> None:
    assert f"{small.truth.n_mentees} mentees" in repr(small)
    assert "n_students=900" in repr(small)


@pytest.fixture
def truth() -> Truth:
    """Ana and Bo are matched in 2022-23, Cy in 2023-24, and Di never; Bo has no marks."""
    rows = [
        # student, year, cohort, since, absent without and with, points without and with
        ("ana", "2021-22", "2022-23", -1, 30, 30, 2.0, 2.0),
        ("ana", "2022-23", "2022-23", 0, 20, 14, 2.0, 2.5),
        ("bo", "2022-23", "2022-23", 0, 18, 16, None, None),
        ("cy", "2023-24", "2023-24", 0, 40, 39, 1.0, 1.5),
        ("ana", "2023-24", "2022-23", 1, 10, 5, 3.0, 3.1),
        ("di", "2023-24", None, None, 4, 4, 4.0, 4.0),
    ]
    columns = ["student_id", "period", "cohort", "event_time", "absent_0", "absent_1", "gpa_0", "gpa_1"]
    frame = pd.DataFrame(rows, columns=columns).astype({"event_time": "Int64"})
    potential = frame[["student_id", "period", "cohort", "event_time"]].copy()
    for name, source in (("days_absent", "absent"), ("gpa", "gpa")):
        potential[f"{name}_unmentored"] = frame[f"{source}_0"]
        potential[f"{name}_mentored"] = frame[f"{source}_1"]
    for name in ("attendance_rate", "chronic_absence", "course_failure"):
        potential[f"{name}_unmentored"] = potential[f"{name}_mentored"] = 0.5
    return Truth.of({"selection": "by hand"}, potential)


def test_effects_are_means_over_the_mentored(truth: Truth) -> None:
    assert truth.n_mentees == 3
    assert truth.effect("days_absent") == pytest.approx(((14 - 20) + (16 - 18) + (39 - 40)) / 3)
    assert truth.effect("days_absent", event_time=1) == 5 - 10
    assert truth.effect("days_absent", event_time=None) == pytest.approx((-6 - 2 - 1 - 5) / 4)
    assert truth.effect("attendance_rate") == 0


def test_students_with_nothing_to_measure_are_left_out_of_an_effect(truth: Truth) -> None:
    assert truth.effect("gpa") == pytest.approx((0.5 + 0.5) / 2)
    gpa = truth.effects.query("outcome == 'gpa' and term == 'cohort_period' and event_time == 0")
    assert gpa["n_mentees"].tolist() == [1, 1]


def test_effects_by_cohort_and_year(truth: Truth) -> None:
    days = truth.effects.query("outcome == 'days_absent' and term == 'cohort_period'")
    assert days[["cohort", "period", "event_time", "n_mentees", "effect"]].values.tolist() == [
        ["2022-23", "2022-23", 0, 2, -4.0],
        ["2022-23", "2023-24", 1, 1, -5.0],
        ["2023-24", "2023-24", 0, 1, -1.0],
    ]


@pytest.fixture
def told(truth: Truth) -> pd.DataFrame:
    """The effects on days absent where gender, district and the school's first year are known too."""
    assert truth.potential is not None
    gender = {"ana": "female", "bo": "male", "cy": "female", "di": "male"}
    site = {"ana": "D1", "bo": "D2", "cy": "D2", "di": "D2"}
    start = {"ana": "2022-23", "bo": "2022-23", "cy": "2023-24", "di": "2023-24"}
    who = truth.potential["student_id"]
    facts = {"gender": who.map(gender), "site": who.map(site), "program_start": who.map(start)}
    return Truth.of({}, truth.potential.assign(**facts)).effects.query("outcome == 'days_absent'")


def test_effects_by_subgroup_pooled_and_by_cohort_and_year(told: pd.DataFrame) -> None:
    rows = told[told["term"] == "subgroup"]
    pooled = rows[rows["cohort"].isna()][["subgroup", "level", "n_mentees", "effect"]]
    assert pooled.values.tolist() == [["gender", "female", 3, (-6 - 5 - 1) / 3], ["gender", "male", 1, -2]]
    by_year = rows[rows["cohort"].notna()][["level", "cohort", "period", "event_time", "effect"]]
    assert by_year.values.tolist() == [
        ["female", "2022-23", "2022-23", 0, -6],
        ["female", "2022-23", "2023-24", 1, -5],
        ["female", "2023-24", "2023-24", 0, -1],
        ["male", "2022-23", "2022-23", 0, -2],
    ]


def test_effects_by_site(told: pd.DataFrame) -> None:
    rows = told[told["term"] == "site"][["level", "n_mentees", "effect"]]
    assert rows.values.tolist() == [["D1", 2, (-6 - 5) / 2], ["D2", 2, (-2 - 1) / 2]]


def test_the_effect_on_schools_is_over_all_their_students_once_the_program_runs(told: pd.DataFrame) -> None:
    rows = told[told["term"] == "school"]
    pooled = rows[rows["cohort"].isna()].iloc[0]
    assert (pooled["n_students"], pooled["n_mentees"]) == (5, 4), "di too, and not ana in 2021-22"
    by_year = rows[rows["cohort"].notna()][["cohort", "period", "event_time", "n_students", "effect"]]
    assert by_year.values.tolist() == [
        ["2022-23", "2022-23", 0, 2, (-6 - 2) / 2],
        ["2022-23", "2023-24", 1, 1, -5],
        ["2023-24", "2023-24", 0, 2, -1 / 2],
    ]


def test_an_effect_that_nobody_had_is_refused(truth: Truth) -> None:
    with pytest.raises(OptionError, match="no true effect on 'days_absent' 7 years"):
        truth.effect("days_absent", event_time=7)
    with pytest.raises(OptionError, match="Outcomes: attendance_rate, days_absent"):
        truth.effect("happiness")


def test_the_json_says_the_same_with_sorted_keys_and_six_decimals(truth: Truth) -> None:
    text = truth.to_json()
    content = json.loads(text)
    assert list(content) == ["effects", "n_mentees", "rule"]
    assert content["n_mentees"] == 3
    first_year = [row for row in content["effects"] if row["outcome"] == "days_absent" and row["term"] == "event_time"]
    assert first_year[0] == {
        "outcome": "days_absent",
        "term": "event_time",
        "event_time": 0,
        "n_mentees": 3,
        "mean_unmentored": 26.0,
        "mean_mentored": 23.0,
        "effect": -3.0,
    }
    assert "NaN" not in text
