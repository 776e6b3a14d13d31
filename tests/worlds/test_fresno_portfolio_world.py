"""Fresno portfolio: several kinds of mentoring at once, told apart by the tables and by their effects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError
from mentoreval.worlds import Draw, draw_world
from mentoreval.worlds.fresno_portfolio import FresnoPortfolio

from .from_tables import (
    assert_same_seed_same_bytes,
    assert_valid_records,
    assert_without_an_effect_only_days_of_mentees_differ,
    school_year,
    student_years,
)

KEYS = ["student_id", "school_year"]
MODELS = ("one_to_one", "peer_cross_age", "e_mentoring", "group")
NEXT = {"2021-22": "2022-23", "2022-23": "2023-24"}


@pytest.fixture(scope="module")
def drawn() -> Draw:
    return draw_world(FresnoPortfolio())


@pytest.fixture(scope="module")
def without_effect() -> Draw:
    return draw_world(FresnoPortfolio(one_to_one=0.0, peer=0.0, group=0.0))


def first_year(draw: Draw) -> pd.DataFrame:
    """Mentees with the school year of their first match and their kinds in the order of the starts."""
    matches = draw.tables["matches"].sort_values(["start_date", "match_id"])
    by_student = matches.groupby("student_id")
    frame = pd.DataFrame({"start": by_student["start_date"].min(), "arm": by_student["model"].agg(" + ".join)})
    return frame.assign(school_year=school_year(frame["start"])).reset_index()


def considered(draw: Draw) -> pd.DataFrame:
    """Those who met the rule in the one autumn in which they were considered, with this year and the year before."""
    years = student_years(draw.tables)
    before = years.assign(school_year=years["school_year"].map(NEXT), rate=years["absent"] / years["enrolled"])
    before = before[before["school_year"].notna()]
    place = draw.tables["enrolment"].sort_values("entry_date").drop_duplicates(KEYS)
    there = years.merge(before, on=KEYS, suffixes=("", "_before")).merge(place, on=KEYS)
    there = there[there["school_id"].isin(["A1", "A2", "B1", "B2"])].sort_values("school_year")
    there = there.drop_duplicates("student_id")
    return there[there["absent_before"] * 10 >= there["enrolled_before"]].merge(draw.tables["students"])


def test_every_mentee_met_the_rule_and_kinds_keep_to_their_grades(drawn: Draw) -> None:
    mentees = first_year(drawn).merge(considered(drawn), on=KEYS, how="left")
    assert mentees["rate"].notna().all()
    assert len(mentees) == drawn.truth.n_mentees > 300
    kinds = drawn.tables["matches"].merge(mentees[["student_id", "grade_level"]], on="student_id")
    grades = kinds.groupby("model")["grade_level"].agg(lambda levels: set(map(int, levels)))
    assert grades["peer_cross_age"] <= {6, 7, 8}
    assert grades["e_mentoring"] <= {9, 10, 11, 12}
    assert set(drawn.tables["matches"]["model"]) == set(MODELS)


def test_a_quarter_of_mentees_is_in_two_kinds(drawn: Draw) -> None:
    kinds = drawn.tables["matches"].groupby("student_id")["model"].agg(["size", "nunique"])
    assert (kinds["size"] == kinds["nunique"]).all()
    assert set(kinds["size"]) == {1, 2}
    assert (kinds["size"] == 2).mean() == pytest.approx(0.25, abs=0.06)


def test_mentors_are_shared_and_peers_are_students_of_high_schools_who_are_not_mentored(drawn: Draw) -> None:
    matches, mentors = drawn.tables["matches"], drawn.tables["mentors"].set_index("mentor_id")
    sizes = matches.groupby(["model", "mentor_id"]).size().groupby("model").median()
    assert sizes.drop("group").to_dict() == {"one_to_one": 4, "peer_cross_age": 2, "e_mentoring": 3}
    assert 6 <= sizes["group"] <= 8
    assert matches.groupby("mentor_id")["model"].nunique().eq(1).all()
    peers = mentors[mentors["mentor_type"] == "peer"]
    assert set(peers.index) == set(matches.loc[matches["model"] == "peer_cross_age", "mentor_id"])
    assert peers["student_id"].notna().all()
    assert mentors["student_id"].notna().sum() == len(peers) == peers["student_id"].nunique()
    assert not set(peers["student_id"]) & set(matches["student_id"])
    place = drawn.tables["enrolment"][drawn.tables["enrolment"]["student_id"].isin(peers["student_id"])]
    assert {"10", "11", "12"} >= set(place.sort_values("school_year").groupby("student_id")["grade_level"].last())


def test_sessions_say_how_the_pair_met(drawn: Draw) -> None:
    sessions = drawn.tables["sessions"].merge(drawn.tables["matches"], on="match_id")
    platform = sessions["mode"] == "platform"
    assert set(sessions.loc[platform, "model"]) == {"e_mentoring"}
    assert platform[sessions["model"] == "e_mentoring"].mean() == pytest.approx(0.9, abs=0.03)
    assert sessions.loc[platform, "minutes"].between(0, 20).all()
    groups = sessions[sessions["model"] == "group"]
    assert (groups["minutes"] == 60).all()
    together = groups.groupby(["mentor_id", "date"])["match_id"].transform("size")
    assert (groups["group_size"] == together).all()
    assert sessions.loc[sessions["model"] != "group", "group_size"].isna().all()
    assert sessions.merge(drawn.tables["attendance"], on=["student_id", "date"]).empty
    assert sessions["date"].between(sessions["start_date"], sessions["end_date"].fillna("9999")).all()


def test_the_effect_touches_only_days_of_mentees_after_their_match(drawn: Draw, without_effect: Draw) -> None:
    assert_without_an_effect_only_days_of_mentees_differ(drawn, without_effect)
    assert (without_effect.truth.effects["effect"] == 0).all()


def test_the_truth_of_each_arm_is_what_the_same_draw_without_an_effect_says(drawn: Draw, without_effect: Draw) -> None:
    absent = [student_years(draw.tables).set_index(KEYS)["absent"] for draw in (drawn, without_effect)]
    mentees = first_year(drawn).set_index(KEYS)
    difference = (absent[0] - absent[1]).reindex(mentees.index)
    assert drawn.truth.effect("days_absent") == pytest.approx(difference.mean(), abs=1e-12)
    told = drawn.truth.effects.query("term == 'model_event_time' and outcome == 'days_absent'").set_index("level")
    expected = difference.groupby(mentees["arm"]).mean()
    assert set(told.index) == set(expected.index)
    np.testing.assert_allclose(told["effect"].reindex(expected.index).astype(float), expected, atol=1e-12)
    assert told.loc["e_mentoring", "effect"] == 0
    assert told.loc["one_to_one", "effect"] < told.loc["group", "effect"] < 0


def test_the_portfolio_program_names_the_arms_of_the_truth(drawn: Draw, tmp_path: Path) -> None:
    records = assert_valid_records(drawn, tmp_path / "portfolio")
    frame = me.build_panel(records, program=me.Portfolio(), measures=["days_absent"]).frame
    potential = drawn.truth.potential
    assert potential is not None
    both = frame.merge(potential, on=["student_id", "period"], suffixes=("", "_true"))
    peers = set(drawn.tables["mentors"]["student_id"].dropna())
    assert len(both) == len(frame) == (~potential["student_id"].isin(peers)).sum()
    assert both["model"].fillna("none").tolist() == both["model_true"].fillna("none").tolist()
    np.testing.assert_allclose(both["days_absent"], both["days_absent_mentored"].astype(float), atol=1e-12)
    group = me.build_panel(records, program=me.Group(), measures=["days_absent"]).frame
    assert group.loc[group["first_treated"].notna(), "caseload"].max() > 4


def right(frame: pd.DataFrame, arm: str) -> float:
    """Least squares on what choosing depends on, for one arm and those who met the rule and got nothing."""
    rows = frame[frame["arm"].isna() | (frame["arm"] == arm)]
    mentored = (rows["arm"] == arm).astype(float)
    cell = rows["grade_level"] + " " + rows["school_year"]
    rows, mentored = rows[cell.isin(cell[mentored == 1])], mentored[cell.isin(cell[mentored == 1])]
    cells = pd.get_dummies(cell[rows.index], dtype=float)
    powers = [rows["rate"] ** power for power in (1, 2, 3)]
    traits = rows[["economically_disadvantaged", "disability", "temporary_housing", "english_learner"]]
    columns = np.column_stack([mentored, *powers, traits, cells])
    return float(np.linalg.lstsq(columns, rows["absent"].to_numpy(float), rcond=None)[0][0])


def before_after(frame: pd.DataFrame, arm: str) -> float:
    """Days absent of the mentees of an arm in their first year less those of the year before."""
    rows = frame[frame["arm"] == arm]
    return float((rows["absent"] - rows["absent_before"]).mean())


def errors_of(draws: list[Draw], estimate: Callable[[pd.DataFrame, str], float]) -> np.ndarray:
    """(draws, models) estimates less the truth of the arm."""
    errors = []
    for draw in draws:
        frame = considered(draw).merge(first_year(draw)[["student_id", "arm"]], on="student_id", how="left")
        told = draw.truth.effects.query("term == 'model_event_time' and outcome == 'days_absent'").set_index("level")
        errors.append([estimate(frame, arm) - told.loc[arm, "effect"] for arm in MODELS])
    return np.array(errors)


def test_within_the_rule_every_kind_has_its_true_effect_and_before_after_praises_all_of_them() -> None:
    draws = [draw_world(FresnoPortfolio(n_students=4000), seed) for seed in range(1, 6)]
    errors = errors_of(draws, right)
    monte_carlo_error = errors.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert (abs(errors.mean(axis=0)) < 4 * monte_carlo_error).all()
    # Arms share their comparison students, so that their errors go together within a draw.
    by_draw = errors.mean(axis=1)
    assert abs(by_draw.mean()) < 3 * by_draw.std(ddof=1) / np.sqrt(len(draws))
    assert (errors_of(draws, before_after).mean(axis=0) < -2).all(), "that without any effect too"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert_same_seed_same_bytes(FresnoPortfolio(n_students=700), tmp_path)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(OptionError, match="too few for six schools"):
        FresnoPortfolio(n_students=300)
    with pytest.raises(OptionError, match=r"the share of group is 0\.9"):
        FresnoPortfolio(group=0.9)
