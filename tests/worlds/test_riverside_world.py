"""Riverside: what its docstring and its truth say must be found in its tables, computed here from the tables alone."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentoreval.panel.build import build_panel
from mentoreval.panel.programs import OneToOne
from mentoreval.records.read import read_records
from mentoreval.worlds import Draw, draw_world, write_world

from .from_tables import (
    KEYS,
    closed_spells,
    considered_students,
    first_years,
    next_year,
    outcomes,
    school_year,
    student_years,
    with_last_year,
)

COMMITTED = Path(__file__).parents[2] / "data" / "synthetic" / "riverside"


@pytest.fixture(scope="module")
def riverside() -> Draw:
    return draw_world("riverside")


@pytest.fixture(scope="module")
def without_effect() -> Draw:
    return draw_world("riverside", effect_share=0.0)


# --- the committed files -------------------------------------------------------------------------------------------


def content(path: Path) -> bytes:
    """What is in a file. Compressed bytes differ between builds of zlib; what is in them does not."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_drawing_again_gives_the_bytes_of_the_committed_files(riverside: Draw, tmp_path: Path) -> None:
    drawn = write_world(riverside, tmp_path / "riverside")
    assert {path.name for path in drawn.iterdir()} == {path.name for path in COMMITTED.iterdir()}
    different = [path.name for path in drawn.iterdir() if content(path) != content(COMMITTED / path.name)]
    assert different == []


def test_the_committed_files_are_small() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 5_000_000


# --- chance --------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_tables_and_another_seed_others() -> None:
    first, again, other = (draw_world("riverside", seed, n_students=900) for seed in (3, 3, 4))
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])
        assert name == "calendar" or not table.equals(other.tables[name])
    assert first.truth.to_json() == again.truth.to_json() != other.truth.to_json()
    assert first.truth.rule == other.truth.rule


def test_the_effect_changes_nothing_but_what_it_is_an_effect_on(riverside: Draw, without_effect: Draw) -> None:
    for name in ("students", "enrolment", "calendar", "matches"):
        pd.testing.assert_frame_equal(riverside.tables[name], without_effect.tables[name])
    both = riverside.tables["attendance"].merge(without_effect.tables["attendance"], how="outer", indicator=True)
    assert (both["_merge"] != "left_only").all(), "mentoring averts absences and adds none"
    averted = both[both["_merge"] == "right_only"].merge(riverside.tables["matches"], on="student_id", how="left")
    assert (averted["date"] >= averted["start_date"]).all(), "only mentees, and only from the match on"


# --- the tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique_and_rows_sorted(riverside: Draw, name: str) -> None:
    table = riverside.tables[name]
    assert not table.duplicated(KEYS[name]).any()
    assert table["match_id" if name == "matches" else KEYS[name][0]].is_monotonic_increasing


def test_every_school_has_180_days_a_year_and_its_own_calendar(riverside: Draw) -> None:
    calendar = riverside.tables["calendar"]
    assert (calendar.groupby(["school_id", "school_year"]).size() == 180).all()
    assert calendar["school_id"].nunique() == 12
    assert calendar["school_year"].unique().tolist() == ["2021-22", "2022-23", "2023-24", "2024-25"]
    assert (pd.to_datetime(calendar["date"]).dt.day_of_week < 5).all()
    assert (school_year(calendar["date"]) == calendar["school_year"]).all()
    closed = {"2021-09-06", "2021-11-25", "2021-12-24", "2022-01-17", "2022-02-21", "2022-05-30"}
    assert not closed & set(calendar["date"]), "Labor Day, Thanksgiving, Christmas, MLK, Presidents and Memorial Day"
    dates = calendar[calendar["school_year"] == "2023-24"].groupby("school_id")["date"].agg(tuple)
    assert dates.nunique() > 1


def test_no_absence_lies_outside_enrolment_or_calendar(riverside: Draw) -> None:
    spells = closed_spells(riverside.tables)
    absences = riverside.tables["attendance"].assign(school_year=school_year(riverside.tables["attendance"]["date"]))
    there = absences.merge(spells[["student_id", "school_year", "school_id", "entry_date", "exit_date"]])
    there = there[there["date"].between(there["entry_date"], there["exit_date"])]
    there = there.merge(riverside.tables["calendar"][["school_id", "date"]])
    assert len(there) == len(absences)


def test_spells_of_a_student_do_not_overlap(riverside: Draw) -> None:
    spells = closed_spells(riverside.tables).sort_values(["student_id", "entry_date"])
    follows = spells["student_id"].shift(-1) == spells["student_id"]
    assert (spells["exit_date"] < spells["entry_date"].shift(-1))[follows].all()


def test_the_district_has_about_six_thousand_students_who_come_and_go(riverside: Draw) -> None:
    enrolment = riverside.tables["enrolment"]
    students = enrolment.groupby("school_year")["student_id"].nunique()
    assert students.between(5700, 6400).all()
    in_year = enrolment.groupby(["student_id", "school_year"])["school_id"].nunique()
    assert (in_year == 2).sum() > 200, "transfers between schools during the year"
    last = enrolment.groupby("student_id")["school_year"].max()
    first = enrolment.groupby("student_id")["school_year"].min()
    assert (last < "2024-25").sum() > 1500, "leavers and graduates"
    assert (first > "2021-22").sum() > 1500, "kindergartners and joiners"
    grade = enrolment.drop_duplicates(["student_id", "school_year"]).replace({"grade_level": {"KG": "0"}})
    grade = grade.assign(step=grade["grade_level"].astype(int) - grade["school_year"].str[:4].astype(int))
    assert (grade.groupby("student_id")["step"].nunique() == 1).all(), "one grade up each year"


def test_absence_rates_have_the_level_the_spread_and_the_skew_of_the_literature(riverside: Draw) -> None:
    years = with_last_year(student_years(riverside.tables))
    rate = years["absent"] / years["enrolled"]
    assert 0.05 < rate.mean() < 0.08
    assert 0.08 < rate.std() < 0.10
    assert rate.skew() > 2
    assert 0.5 < rate.corr(years["prior"]) < 0.65, "a tendency lasts, much does not: strong regression to the mean"


def test_mondays_fridays_and_the_winter_have_more_absences(riverside: Draw) -> None:
    absent = riverside.tables["attendance"].groupby("date").size()
    days = pd.to_datetime(pd.Series(absent.index, index=absent.index))
    by_weekday = absent.groupby(days.dt.day_of_week).mean()
    assert by_weekday[[0, 4]].min() > 1.05 * by_weekday[[1, 2, 3]].max()
    assert absent[days.dt.month == 1].mean() > 1.15 * absent[days.dt.month == 10].mean()


# --- the program ---------------------------------------------------------------------------------------------------


def test_every_mentee_met_the_rule_in_the_year_before(riverside: Draw) -> None:
    mentees = first_years(riverside.tables).merge(with_last_year(student_years(riverside.tables)), how="left")
    assert len(mentees) == riverside.truth.n_mentees
    assert mentees["eligible"].eq(True).all()
    assert 500 <= len(mentees) <= 800


def test_nobody_is_considered_twice_and_about_half_of_the_eligible_are_chosen(riverside: Draw) -> None:
    considered = considered_students(riverside).merge(with_last_year(student_years(riverside.tables)))
    mentees = first_years(riverside.tables).merge(considered, how="left")
    assert mentees["school_id"].notna().all(), "mentees were matched in the one autumn in which they were considered"
    eligible = considered[considered["eligible"].eq(True)]
    chosen = eligible["student_id"].isin(riverside.tables["matches"]["student_id"])
    assert 0.35 < chosen.mean() < 0.52
    high = eligible["prior"] > eligible["prior"].median()
    assert chosen[high].mean() > chosen[~high].mean() + 0.05, "more often with more absences"


def test_mentors_have_three_to_five_mentees_matched_in_the_autumn(riverside: Draw) -> None:
    matches = riverside.tables["matches"]
    assert matches.groupby("mentor_id").size().between(3, 5).mean() > 0.95
    assert matches["start_date"].str[5:].between("09-15", "10-31").all()
    ended = matches.dropna(subset=["end_date"])
    assert (ended["end_date"] > ended["start_date"]).all()
    at_the_end = ended["end_reason"] == "end_of_school_year"
    assert ended["end_date"].str[5:7][at_the_end].eq("06").all()
    assert 0 < matches["end_date"].isna().sum() < len(matches) / 2, "some are still open"


def test_sessions_are_held_in_school_while_the_match_runs(riverside: Draw) -> None:
    matches = riverside.tables["matches"].assign(last=riverside.tables["matches"]["end_date"].fillna("2025-06-30"))
    sessions = riverside.tables["sessions"].merge(matches, on="match_id")
    assert sessions["date"].between(sessions["start_date"], sessions["last"]).all()
    absent = sessions.merge(riverside.tables["attendance"], on=["student_id", "date"])
    assert absent.empty
    assert sessions["minutes"].between(15, 45).all()
    without = ~matches["match_id"].isin(sessions["match_id"])
    assert 0.02 < without.mean() < 0.12


# --- the truth -----------------------------------------------------------------------------------------------------


def test_the_truth_is_what_the_same_draw_without_an_effect_says(riverside: Draw, without_effect: Draw) -> None:
    by = ["student_id", "school_year"]
    names = ["attendance_rate", "days_absent", "chronic_absence", "gpa", "course_failure"]
    mentored, unmentored = (outcomes(draw).set_index(by)[names] for draw in (riverside, without_effect))
    effects = (mentored - unmentored).reset_index()
    cohort = first_years(riverside.tables).rename(columns={"school_year": "cohort"})
    effects = effects.merge(cohort).query("school_year >= cohort")
    effects["event_time"] = effects["school_year"].str[:4].astype(int) - effects["cohort"].str[:4].astype(int)
    for name in names:
        assert riverside.truth.effect(name, None) == pytest.approx(effects[name].mean(), abs=1e-12)
        first_year = effects.loc[effects["event_time"] == 0, name]
        assert riverside.truth.effect(name) == pytest.approx(first_year.mean(), abs=1e-12)
    told = riverside.truth.effects.query("term == 'cohort_period' and outcome == 'days_absent'")
    expected = effects.groupby(["cohort", "school_year"])["days_absent"].agg(["size", "mean"])
    assert told["n_mentees"].tolist() == expected["size"].tolist()
    np.testing.assert_allclose(told["effect"].astype(float), expected["mean"], atol=1e-12)


def test_the_measures_of_the_package_find_the_outcomes_of_the_truth(riverside: Draw) -> None:
    names = ["attendance_rate", "days_absent", "chronic_absence", "gpa", "course_failure"]
    frame = build_panel(read_records(COMMITTED), program=OneToOne(), measures=names, period="year").frame
    assert riverside.truth.potential is not None
    both = frame.merge(riverside.truth.potential, on=["student_id", "period"], how="outer")
    assert len(both) == len(frame) == len(riverside.truth.potential)
    assert both["first_treated"].equals(both["cohort"])
    for name in names:
        np.testing.assert_allclose(both[name], both[f"{name}_mentored"].astype(float), atol=1e-12)


def test_the_effect_is_about_four_days_and_less_than_a_tenth_of_a_grade_point(riverside: Draw) -> None:
    assert -4.6 < riverside.truth.effect("days_absent") < -3.4
    assert riverside.truth.effect("days_absent", 1) < riverside.truth.effect("days_absent")
    assert 0.05 < riverside.truth.effect("gpa") < 0.10
    assert riverside.truth.effect("chronic_absence") < 0
    assert riverside.truth.effect("attendance_rate") > 0


def test_no_effect_is_exactly_none(without_effect: Draw) -> None:
    assert (without_effect.truth.effects["effect"] == 0).all()


def test_effects_are_nothing_before_the_match(riverside: Draw) -> None:
    potential = riverside.truth.potential
    assert potential is not None
    before = potential[~(potential["event_time"] >= 0).fillna(False)]
    assert len(before) > 20_000
    assert (before["days_absent_mentored"] == before["days_absent_unmentored"]).all()
    assert before["gpa_mentored"].equals(before["gpa_unmentored"])


def test_before_and_after_is_far_off(riverside: Draw) -> None:
    years = with_last_year(student_years(riverside.tables))[["student_id", "school_year", "absent"]]
    before = years.assign(school_year=years["school_year"].map(next_year)).rename(columns={"absent": "before"})
    mentees = first_years(riverside.tables).merge(years).merge(before)
    naive = (mentees["absent"] - mentees["before"]).mean()
    assert naive < 3 * riverside.truth.effect("days_absent"), "most of the fall would have come by itself"


def oracle_estimate(draw: Draw) -> float:
    """Least squares on what selection depends on, for mentees and never-mentored students who met the same rule."""
    years = with_last_year(student_years(draw.tables))
    years = years[years["eligible"].eq(True)].merge(first_years(draw.tables).assign(mentored=1.0), how="left")
    ever = years["student_id"].isin(draw.tables["matches"]["student_id"])
    years = years[~ever | years["mentored"].notna()].fillna({"mentored": 0.0})
    enrolment = draw.tables["enrolment"].drop_duplicates(["student_id", "school_year"])
    years = years.merge(enrolment[["student_id", "school_year", "grade_level"]]).merge(draw.tables["students"])
    cell = years["grade_level"] + " " + years["school_year"]
    years = years[cell.isin(cell[years["mentored"] == 1])]
    cells = pd.get_dummies(years["grade_level"] + " " + years["school_year"], dtype=float)
    traits = years[["economically_disadvantaged", "english_learner", "disability", "temporary_housing"]]
    rate = np.stack([years["prior"] ** power for power in (1, 2, 3)], axis=1)
    columns = np.column_stack([years["mentored"], rate, traits, cells])
    return float(np.linalg.lstsq(columns, years["absent"].to_numpy(float), rcond=None)[0][0])


def test_regression_on_what_selection_depends_on_finds_the_truth() -> None:
    draws = [draw_world("riverside", seed) for seed in range(1, 9)]
    errors = np.array([oracle_estimate(draw) - draw.truth.effect("days_absent") for draw in draws])
    monte_carlo_error = errors.std(ddof=1) / np.sqrt(len(errors))
    assert abs(errors.mean()) < 3 * monte_carlo_error
    assert abs(errors.mean()) < 1.0, "in days; the effect is about four"
