"""West Kern: everybody in a few small districts has a mentor, schools are compared, and families are asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError
from mentoreval.panel.panel import Panel
from mentoreval.panel.survey_answers import survey_shares
from mentoreval.records.records import Records
from mentoreval.worlds import Draw, draw_world
from mentoreval.worlds.west_kern import WestKern

from .from_tables import (
    assert_same_seed_same_bytes,
    assert_valid_records,
    assert_without_an_effect_only_days_of_mentees_differ,
    school_year,
    student_years,
)

CONSORTIUM = ("W1", "W2", "W3", "W4")
BEFORE, AFTER = ("2021-22", "2022-23"), ("2023-24", "2024-25")
ITEMS = {"child_enjoys_meeting_mentor": 0.92, "mentor_gives_meaningful_support": 0.89}


@pytest.fixture(scope="module")
def drawn() -> Draw:
    return draw_world(WestKern())


@pytest.fixture(scope="module")
def without_effect() -> Draw:
    return draw_world(WestKern(effect_share=0.0))


def years_by_school(draw: Draw) -> pd.DataFrame:
    """Days absent of every student and year, with the school; nobody changes school within a year."""
    school = draw.tables["enrolment"][["student_id", "school_year", "school_id"]]
    assert not school.duplicated(["student_id", "school_year"]).any()
    years = student_years(draw.tables).merge(school, on=["student_id", "school_year"])
    return years.assign(consortium=years["school_id"].isin(CONSORTIUM), after=years["school_year"].isin(AFTER))


def test_every_student_of_the_consortium_has_a_mentor_and_nobody_else(drawn: Draw) -> None:
    years = years_by_school(drawn)
    there = set(years.loc[years["consortium"] & years["after"], "student_id"])
    assert set(drawn.tables["matches"]["student_id"]) == there
    assert not drawn.tables["matches"]["student_id"].duplicated().any()
    first = drawn.tables["matches"].merge(drawn.tables["enrolment"], on="student_id").query("start_date >= entry_date")
    assert first["match_id"].nunique() == len(drawn.tables["matches"])
    assert school_year(drawn.tables["matches"]["start_date"]).isin(AFTER).all()


def test_schools_and_grades_are_small(drawn: Draw) -> None:
    enrolment = drawn.tables["enrolment"]
    assert enrolment.groupby(["school_id", "school_year"]).size().between(60, 110).all()
    assert enrolment.groupby(["school_id", "school_year", "grade_level"]).size().median() < 10


def test_groups_of_about_six_meet_monthly_in_school(drawn: Draw) -> None:
    sessions = drawn.tables["sessions"].merge(drawn.tables["matches"], on="match_id")
    assert (drawn.tables["matches"]["model"] == "group").all()
    assert drawn.tables["matches"].groupby("mentor_id").size().median() in {5, 6, 7}
    held = sessions.groupby(["mentor_id", "date"])["match_id"].transform("size")
    assert (sessions["group_size"] == held).all()
    absent = sessions.merge(drawn.tables["attendance"], on=["student_id", "date"])
    assert absent.empty
    whole_year = sessions[school_year(sessions["date"]) == "2023-24"].groupby("mentor_id")["date"].nunique()
    assert whole_year.between(8, 9).mean() > 0.9


def test_before_and_after_differ_for_everybody_and_level_for_nobody(drawn: Draw) -> None:
    large = years_by_school(draw_world(WestKern(n_students=24_000)))
    mean = large.groupby(["consortium", "after"])["absent"].mean()
    assert mean[(True, False)] == pytest.approx(mean[(False, False)], abs=0.6)
    assert mean[(False, True)] < mean[(False, False)] - 2


def test_the_effect_touches_only_the_consortium_after_the_first_meeting(drawn: Draw, without_effect: Draw) -> None:
    assert_without_an_effect_only_days_of_mentees_differ(drawn, without_effect)
    assert (without_effect.truth.effects["effect"] == 0).all()


def test_the_truth_is_what_the_same_draw_without_an_effect_says(drawn: Draw, without_effect: Draw) -> None:
    years = [years_by_school(draw).query("consortium and after")["absent"] for draw in (drawn, without_effect)]
    difference = (years[0] - years[1]).mean()
    schools = drawn.truth.effects.query("term == 'school' and outcome == 'days_absent' and period.isna()")
    assert schools["effect"].item() == pytest.approx(difference, abs=1e-12)
    assert drawn.truth.effect("days_absent", None) == pytest.approx(difference, abs=1e-12)
    assert -1.5 < difference < -0.6


def school_panel(records: Records) -> Panel:
    program = me.SchoolWide(starts=tuple((school, "2023-09-10") for school in CONSORTIUM))
    return me.build_panel(records, program=program, measures=["days_absent"])


def test_records_are_valid_and_make_a_panel_of_twelve_schools(drawn: Draw, tmp_path: Path) -> None:
    panel = school_panel(assert_valid_records(drawn, tmp_path / "kern"))
    assert panel.frame["school_id"].nunique() == 12
    started = panel.frame.groupby("school_id")["first_treated"].first()
    assert started.dropna().to_dict() == dict.fromkeys(CONSORTIUM, "2023-24")
    counted = years_by_school(drawn).groupby(["school_id", "school_year"])["absent"].mean()
    own = panel.frame.set_index(["school_id", "period"])["days_absent"]
    np.testing.assert_allclose(own.sort_index(), counted.sort_index(), atol=1e-9)


def estimates(draw: Draw) -> tuple[float, float]:
    """School-level difference-in-differences, and before and after in the consortium, in days."""
    panel = school_panel(me.read_records(dict(draw.tables), **draw.conventions))
    effect = me.estimate_effect(
        me.choose_design(panel), "days_absent", me.EventStudy(), inference=me.ClusterRobust("student", "CR1")
    )
    did = effect.frame.query("event_time >= 0")["estimate"].mean()
    consortium = panel.frame[panel.frame["first_treated"].notna()]
    after = consortium["period"].isin(AFTER)
    own = consortium["days_absent"]
    return float(did), float(own[after].mean() - own[~after].mean())


def test_did_of_schools_finds_the_truth_and_before_after_does_not() -> None:
    draws = [draw_world(WestKern(n_students=3000), seed) for seed in range(1, 7)]
    found = np.array([estimates(draw) for draw in draws])
    errors = found - np.array([[draw.truth.effect("days_absent", None)] for draw in draws])
    monte_carlo_error = errors[:, 0].std(ddof=1) / np.sqrt(len(draws))
    assert abs(errors[:, 0].mean()) < 3 * monte_carlo_error
    assert abs(errors[:, 0].mean()) < 0.7, "in days; the effect is about one"
    assert errors[:, 1].mean() < -2


# --- the survey ----------------------------------------------------------------------------------------------------


def test_the_second_year_has_the_published_shares_and_the_first_lower_ones(drawn: Draw) -> None:
    surveys = drawn.tables["surveys"].dropna(subset=["answer"])
    assert set(surveys["role"]) == {"parent"}
    assert set(surveys["language"]) == {"en", "es"}
    shares = surveys.assign(top=surveys["answer"] >= 4).groupby(["item", "school_year"])["top"].agg(["mean", "size"])
    for item, published in ITEMS.items():
        for year, expected in (("2023-24", published - 0.05), ("2024-25", published)):
            share, n = shares.loc[(item, year)]
            assert share == pytest.approx(expected, abs=0.5 / n + 1e-9), "to the nearest form"


def test_forms_are_of_parents_of_the_consortium_and_spanish_ones_of_english_learners(drawn: Draw) -> None:
    forms = drawn.tables["surveys"].drop_duplicates("form_id").merge(drawn.tables["students"], on="student_id")
    years = years_by_school(drawn).query("consortium and after")
    matched = forms.merge(years, on=["student_id", "school_year"])
    assert len(matched) == len(forms)
    assert 0.4 < len(forms) / len(years) < 0.65
    spanish = forms["language"] == "es"
    assert spanish[forms["english_learner"] == 1].mean() > 0.6 > spanish[forms["english_learner"] == 0].mean() + 0.4
    assert 0.01 < drawn.tables["surveys"]["answer"].isna().mean() < 0.06


def test_the_measures_of_answers_read_the_survey(drawn: Draw) -> None:
    records = me.read_records(dict(drawn.tables), **drawn.conventions)
    table = survey_shares(records, "child_enjoys_meeting_mentor", role="parent").set_index("school_year")
    assert table.loc["2024-25", "share"] == pytest.approx(0.92, abs=0.005)
    assert table.loc["2024-25", "change"] == pytest.approx(0.05, abs=0.01)
    items = ("child_enjoys_meeting_mentor", "mentor_gives_meaningful_support", "family_feels_welcome_at_school")
    measures = [me.SurveyScale(items=items, role="parent"), me.TopTwoBox(item=items[0], role="parent")]
    program = me.SchoolWide(starts=tuple((school, "2023-09-10") for school in CONSORTIUM))
    frame = me.build_panel(records, program=program, measures=measures).frame
    asked = frame[frame["school_id"].isin(CONSORTIUM) & frame["period"].isin(AFTER)]
    assert asked["top_two_box"].between(0.7, 1).all()
    assert asked["survey_scale"].between(3.5, 5).all()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert_same_seed_same_bytes(WestKern(n_students=300), tmp_path)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(OptionError, match="too few for twelve"):
        WestKern(n_students=100)
    with pytest.raises(OptionError, match="two shares"):
        WestKern(response_rates=(0.5, 0.0))
    with pytest.raises(OptionError, match="rise from 0"):
        WestKern(rise=0.9)
