"""Elementary K2: chosen by the first weeks, matched afterwards, and what the tables say of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError
from mentoreval.panel.panel import Panel
from mentoreval.worlds import Draw, draw_world
from mentoreval.worlds.elementary_k2 import ElementaryK2

from .from_tables import (
    assert_same_seed_same_bytes,
    assert_valid_records,
    assert_without_an_effect_only_days_of_mentees_differ,
    student_years,
)

FIRST_DAY, WINDOW_STOP = "2023-08-30", "2023-10-11"
PROGRAM_SCHOOLS = {"K1", "K2", "K3", "K4", "K5"}


@pytest.fixture(scope="module")
def drawn() -> Draw:
    return draw_world(ElementaryK2())


@pytest.fixture(scope="module")
def without_effect() -> Draw:
    return draw_world(ElementaryK2(effect_share=0.0))


def early_weeks(draw: Draw) -> pd.DataFrame:
    """Students who were there on the first day: what they missed in the first six weeks, and where."""
    weeks = student_years(draw.tables, stop=WINDOW_STOP)
    enrolment = draw.tables["enrolment"].query("entry_date == @FIRST_DAY")
    weeks = weeks.merge(enrolment[["student_id", "school_id", "grade_level"]], on="student_id")
    return weeks.assign(rate=weeks["absent"] / weeks["enrolled"], eligible=weeks["absent"] * 10 >= weeks["enrolled"])


def test_the_year_is_the_only_one_and_the_grades_are_the_first_three(drawn: Draw) -> None:
    assert drawn.tables["enrolment"]["school_year"].unique().tolist() == ["2023-24"]
    assert set(drawn.tables["enrolment"]["grade_level"]) == {"KG", "1", "2"}
    assert drawn.tables["calendar"]["date"].min() == FIRST_DAY
    assert "grades" not in drawn.tables


def test_every_mentee_met_the_rule_in_the_first_six_weeks_and_was_matched_afterwards(drawn: Draw) -> None:
    mentees = drawn.tables["matches"].merge(early_weeks(drawn), on="student_id", how="left")
    assert len(mentees) == drawn.truth.n_mentees > 150
    assert mentees["eligible"].eq(True).all()
    assert set(mentees["school_id"]) == PROGRAM_SCHOOLS
    assert mentees["start_date"].between(WINDOW_STOP, "2023-11-05").all()


def test_about_half_of_the_eligible_are_chosen_more_often_with_more_absences() -> None:
    draw = draw_world(ElementaryK2(n_students=12_000))
    weeks = early_weeks(draw)
    assert weeks["eligible"].mean() < 0.35
    eligible = weeks[weeks["eligible"] & weeks["school_id"].isin(PROGRAM_SCHOOLS)]
    chosen = eligible["student_id"].isin(draw.tables["matches"]["student_id"])
    high = eligible["rate"] > eligible["rate"].median()
    assert 0.4 < chosen.mean() < 0.6
    assert chosen[high].mean() > chosen[~high].mean() + 0.05


def test_a_quarter_of_the_contacts_are_calls_to_the_family(drawn: Draw) -> None:
    sessions = drawn.tables["sessions"]
    calls = sessions["activity"] == "family_call"
    assert calls.mean() == pytest.approx(0.25, abs=0.02)
    assert (sessions.loc[calls, "mode"] == "telephone").all()
    assert (sessions.loc[~calls, "mode"] == "in_person").all()


def test_the_effect_touches_only_mentees_after_their_match(drawn: Draw, without_effect: Draw) -> None:
    assert_without_an_effect_only_days_of_mentees_differ(drawn, without_effect)
    assert (without_effect.truth.effects["effect"] == 0).all()


def test_the_truth_is_what_the_same_draw_without_an_effect_says(drawn: Draw, without_effect: Draw) -> None:
    start = drawn.tables["matches"].set_index("student_id")["start_date"]
    years = [student_years(draw.tables).set_index("student_id").loc[start.index] for draw in (drawn, without_effect)]
    difference = (years[0]["absent"] - years[1]["absent"]).mean()
    assert drawn.truth.effect("days_absent") == pytest.approx(difference, abs=1e-12)
    assert -5 < difference < -2
    after = drawn.truth.effects.query("term == 'after_match'").set_index("outcome")["effect"]
    assert after["days_absent"] == pytest.approx(difference, abs=1e-12)
    assert after["attendance_rate"] == pytest.approx(rate_after_match(drawn) - rate_after_match(without_effect))
    assert after["attendance_rate"] > drawn.truth.effect("attendance_rate") > 0


def rate_after_match(draw: Draw) -> float:
    """Mean attendance rate of mentees from their match on."""
    rates = []
    for start, mentees in draw.tables["matches"].groupby("start_date")["student_id"]:
        years = student_years(draw.tables, first=str(start)).set_index("student_id").loc[mentees]
        rates.append(1 - years["absent"] / years["enrolled"])
    return float(pd.concat(rates).mean())


def panel_of(draw: Draw) -> Panel:
    records = me.read_records(dict(draw.tables), **draw.conventions)
    return me.build_panel(
        records, program=me.OneToOne(), measures=["attendance_rate", "days_absent"], baseline_window=6
    )


def test_records_are_valid_and_the_first_weeks_are_the_baseline(drawn: Draw, tmp_path: Path) -> None:
    records = assert_valid_records(drawn, tmp_path / "k2")
    panel = me.build_panel(records, program=me.OneToOne(), measures=["attendance_rate"], baseline_window=6)
    window = panel.frame.query("baseline_window == 1").merge(early_weeks(drawn), on="student_id")
    assert len(window) > 2300
    np.testing.assert_allclose(window["attendance_rate"], 1 - window["rate"], atol=1e-12)


def estimates(draw: Draw) -> tuple[float, float]:
    """Regression among students with the same bad first weeks, and mentees' year against their first weeks, in days."""
    panel = panel_of(draw)
    design = me.choose_design(
        panel,
        covariates=["prior_attendance_rate", "grade_level", "economically_disadvantaged"],
        eligibility=[me.Eligibility("prior_attendance_rate", at_most=0.9)],
    )
    right = me.estimate_effect(design, "days_absent", inference=me.ClusterRobust("school", "CR1")).frame["estimate"]
    mentees = panel.frame[panel.frame["first_treated"].notna()]
    rate = mentees.groupby("baseline_window")["attendance_rate"].mean()
    return float(right.iloc[0]), -180 * float(rate[0.0] - rate[1.0])


def test_the_right_comparison_finds_the_truth_and_before_after_does_not() -> None:
    draws = [draw_world(ElementaryK2(n_students=4000), seed) for seed in range(1, 6)]
    found = np.array([estimates(draw) for draw in draws])
    errors = found - np.array([[draw.truth.effect("days_absent")] for draw in draws])
    monte_carlo_error = errors[:, 0].std(ddof=1) / np.sqrt(len(draws))
    assert abs(errors[:, 0].mean()) < 3 * monte_carlo_error
    assert abs(errors[:, 0].mean()) < 1.0, "in days; the effect is about four"
    assert errors[:, 1].mean() < -2.5, "most of the improvement would have come by itself"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert_same_seed_same_bytes(ElementaryK2(n_students=500), tmp_path)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(OptionError, match="too few for eight schools"):
        ElementaryK2(n_students=100)
    with pytest.raises(OptionError, match=r"not between 0 and 0\.4"):
        ElementaryK2(effect_share=0.5)
