"""Thirty districts: what docstring and truth say must be found in the tables; estimators must find the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentoreval.errors import OptionError
from mentoreval.worlds import Draw, draw_world
from mentoreval.worlds.thirty_districts import ThirtyDistricts

from .from_tables import (
    KEYS,
    assert_same_seed_same_bytes,
    assert_valid_records,
    assert_without_an_effect_only_days_of_mentees_differ,
    first_years,
    outcomes,
    student_years,
    with_last_year,
)
from .studies import StudyOf, ancova, days, estimated_days, naive_days

SIZE = 15_000


@pytest.fixture(scope="module")
def thirty() -> Draw:
    return draw_world("thirty_districts", n_students=SIZE)


@pytest.fixture(scope="module")
def without_effect() -> Draw:
    return draw_world("thirty_districts", n_students=SIZE, effect_share=0.0)


@pytest.fixture(scope="module")
def years(thirty: Draw) -> pd.DataFrame:
    return with_last_year(student_years(thirty.tables))


@pytest.fixture(scope="module")
def sites(thirty: Draw) -> pd.DataFrame:
    """Per district: mentees, sessions for each match and year from its start, and the true effect."""
    matches = thirty.tables["matches"].merge(thirty.tables["students"], on="student_id")
    held = matches["match_id"].map(thirty.tables["sessions"].groupby("match_id").size()).fillna(0)
    told = thirty.truth.effects.query("term == 'site' and outcome == 'days_absent'").set_index("level")
    by = matches["district"]
    frame = pd.DataFrame({"mentees": by.value_counts(), "sessions": held.groupby(by).mean()})
    return frame.assign(effect=told["effect"], mentee_years=told["n_mentees"])


# --- the districts -------------------------------------------------------------------------------------------------


def test_ten_districts_start_in_one_year_and_twenty_in_the_next(thirty: Draw) -> None:
    starts = pd.Series(thirty.truth.rule["program_starts"])
    by_district = starts.groupby(starts.index.str[:3]).agg(["nunique", "first", "size"])
    assert by_district["first"].value_counts().to_dict() == {"2016-17": 10, "2017-18": 20}
    assert (by_district["nunique"] == 1).all()
    assert (by_district["size"] == 2).all(), "a middle and a high school"


def test_every_student_has_one_district_whose_schools_are_the_students(thirty: Draw) -> None:
    spells = thirty.tables["enrolment"].merge(thirty.tables["students"][["student_id", "district"]], how="left")
    assert (spells["school_id"].str[:3] == spells["district"]).all()
    size = thirty.tables["students"]["district"].value_counts()
    assert len(size) == 30
    assert size.min() > 0.8 * size.max()


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique_and_rows_sorted(thirty: Draw, name: str) -> None:
    assert not thirty.tables[name].duplicated(KEYS[name]).any()
    assert thirty.tables[name][KEYS[name][0]].is_monotonic_increasing


def test_the_written_folder_is_read_without_a_complaint(tmp_path: Path) -> None:
    assert_valid_records(draw_world("thirty_districts", **ThirtyDistricts.committed), tmp_path / "thirty")


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert_same_seed_same_bytes(ThirtyDistricts(n_students=600, n_districts=10), tmp_path)


def test_the_effect_changes_nothing_but_the_days_of_mentees(thirty: Draw, without_effect: Draw) -> None:
    assert_without_an_effect_only_days_of_mentees_differ(thirty, without_effect)


def test_absences_have_the_mean_the_spread_and_the_tail_of_the_literature(without_effect: Draw) -> None:
    years = student_years(without_effect.tables)
    rate = years["absent"] / years["enrolled"]
    assert 0.050 < rate.mean() < 0.056
    assert 0.08 < rate.std() < 0.10
    assert rate.skew() > 3


# --- the program ---------------------------------------------------------------------------------------------------


def test_mentees_are_in_grades_6_and_9_and_missed_a_tenth_of_their_days(thirty: Draw, years: pd.DataFrame) -> None:
    spells = thirty.tables["enrolment"].drop_duplicates(["student_id", "school_year"])
    mentees = first_years(thirty.tables).merge(spells).merge(years)
    assert len(mentees) == thirty.truth.n_mentees
    assert set(mentees["grade_level"]) == {"6", "9"}
    assert mentees["eligible"].eq(True).all()
    same = years.merge(spells)
    starts = same["school_id"].map(thirty.truth.rule["program_starts"])
    same = same[same["eligible"].eq(True) & same["grade_level"].isin(["6", "9"]) & (starts <= same["school_year"])]
    chosen = same["student_id"].isin(mentees["student_id"])
    assert 0.5 < chosen.mean() < 0.75, "enough are left of those who met the same rule"


def test_mentors_have_three_to_five_mentees(thirty: Draw) -> None:
    big = draw_world("thirty_districts")
    assert big.tables["matches"].groupby("mentor_id").size().between(3, 5).mean() > 0.95
    assert thirty.tables["matches"].groupby("mentor_id").size().max() <= 5


def test_meetings_are_held_nearly_three_times_a_week_or_hardly_ever(thirty: Draw, sites: pd.DataFrame) -> None:
    hardly = sites["sessions"] < 10
    assert hardly.sum() == thirty.truth.rule["districts_without_fidelity"] == 6
    assert (sites.loc[~hardly, "sessions"] > 40).all(), "for each match, which may end early or be renewed"
    matches = thirty.tables["matches"].merge(thirty.tables["students"][["student_id", "district"]])
    matches = matches[~matches["district"].map(hardly)]
    sessions = thirty.tables["sessions"].merge(matches[["match_id", "start_date"]])
    weeks = pd.to_datetime(sessions["date"]).dt.strftime("%G-%V")
    in_january = sessions["date"].str[5:7] == "01"
    a_week = weeks[in_january].groupby([sessions["match_id"], weeks]).size()
    assert 2 < a_week.mean() < 3, "of three planned, where a day absent is a day without a meeting"


# --- the truth -----------------------------------------------------------------------------------------------------


def test_districts_differ_in_their_effect_and_nothing_happens_where_nobody_meets(sites: pd.DataFrame) -> None:
    hardly = sites["sessions"] < 10
    assert (sites.loc[hardly, "effect"] == 0).all()
    others = sites[~hardly]
    assert -5 < np.average(others["effect"], weights=others["mentee_years"]) < -3.4, "about four days"
    assert others["effect"].std() > 1
    assert (others["effect"] <= 0).all()


def test_without_site_effects_districts_with_fidelity_share_one_effect() -> None:
    same = draw_world("thirty_districts", n_students=SIZE, site_sd=0.0, n_without_fidelity=0)
    told = same.truth.effects.query("term == 'site' and outcome == 'days_absent'")
    averted = -told["effect"] / told["mean_unmentored"]
    assert averted.std() < 0.04, "what mentors differ by, and chance"
    assert averted.mean() == pytest.approx(0.18, abs=0.02)


def test_the_truth_of_each_district_is_what_the_same_draw_without_an_effect_says(
    thirty: Draw, without_effect: Draw
) -> None:
    by = ["student_id", "school_year"]
    names = ["attendance_rate", "days_absent", "chronic_absence", "gpa", "course_failure"]
    mentored, unmentored = (outcomes(draw).set_index(by)[names] for draw in (thirty, without_effect))
    effects = (mentored - unmentored).reset_index()
    cohort = first_years(thirty.tables).rename(columns={"school_year": "cohort"})
    effects = effects.merge(cohort).query("school_year >= cohort").merge(thirty.tables["students"], on="student_id")
    for name in names:
        told = thirty.truth.effects.query("term == 'site' and outcome == @name").set_index("level")
        expected = effects.groupby("district")[name].agg(["count", "mean"])
        assert told.index.tolist() == expected.index.tolist()
        assert told["n_mentees"].tolist() == expected["count"].tolist()
        np.testing.assert_allclose(told["effect"].astype(float), expected["mean"], atol=1e-12)
        assert thirty.truth.effect(name, None) == pytest.approx(effects[name].mean(), abs=1e-12)


def test_no_effect_is_exactly_none_and_sessions_are_held_all_the_same(without_effect: Draw) -> None:
    assert (without_effect.truth.effects["effect"] == 0).all()
    assert len(without_effect.tables["sessions"]) > 50_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_students": 500}, "too few for 30 districts"),
        ({"effect_share": 0.9}, "not between 0 and 0.25"),
        ({"site_sd": 2.0}, "not between 0 and 1"),
        ({"n_without_fidelity": 30}, "leaves no district of 30"),
        ({"n_districts": 31}, "not between 3 and 30"),
    ],
)
def test_what_can_not_be_drawn_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        draw_world("thirty_districts", **options)


# --- estimators ----------------------------------------------------------------------------------------------------


def test_before_and_after_is_several_times_the_truth_and_the_matched_comparison_is_not(thirty: Draw) -> None:
    study = StudyOf()
    panel = study.panel(thirty)
    truth = days(thirty.truth.effect("attendance_rate"))
    assert naive_days(panel) < 3 * truth
    estimate = ancova(study.match(panel))
    standard_error = 180 * float(estimate.headline()["std_error"])
    assert abs(estimated_days(estimate) - truth) < 3 * standard_error
    assert estimated_days(estimate) > naive_days(panel) / 2
