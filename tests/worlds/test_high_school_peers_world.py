"""High school peers: mentees and mentors both change, attendance does not, and the logs are those of the program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError
from mentoreval.worlds import Draw, draw_world
from mentoreval.worlds.high_school_peers import HighSchoolPeers

from .from_tables import assert_same_seed_same_bytes, assert_valid_records, school_year

KEYS = ["student_id", "school_year"]
POINTS = {"A": 4.0, "A-": 3.7, "B+": 3.3, "B": 3.0, "B-": 2.7, "C+": 2.3, "C": 2.0, "C-": 1.7}
POINTS |= {"D+": 1.3, "D": 1.0, "D-": 0.7, "F": 0.0}


@pytest.fixture(scope="module")
def drawn() -> Draw:
    return draw_world(HighSchoolPeers(n_students=2400))


@pytest.fixture(scope="module")
def without_effect() -> Draw:
    return draw_world(HighSchoolPeers(n_students=2400, mentee_points=0.0, mentor_points=0.0, dropout_averted=0.0))


def gpa_of(draw: Draw) -> pd.Series:
    """Grade point average by student and school year."""
    marks = draw.tables["grades"].assign(points=draw.tables["grades"]["mark"].map(POINTS))
    sums = marks.assign(quality=marks["points"] * marks["credits"]).groupby(KEYS)[["quality", "credits"]].sum()
    return sums["quality"] / sums["credits"]


def first_year_of(draw: Draw, who: str) -> pd.MultiIndex:
    """Mentees or mentors, with the school year of their first match."""
    matches = draw.tables["matches"].merge(
        draw.tables["mentors"][["mentor_id", "student_id"]], on="mentor_id", suffixes=("_mentee", "_mentor")
    )
    first = matches.groupby(f"student_id_{who}")["start_date"].min()
    return pd.MultiIndex.from_arrays([first.index, school_year(first)], names=KEYS)


def test_ninth_graders_are_mentored_by_students_of_grades_11_and_12_of_their_school(drawn: Draw) -> None:
    matches = drawn.tables["matches"].assign(school_year=school_year(drawn.tables["matches"]["start_date"]))
    place = drawn.tables["enrolment"].drop_duplicates(KEYS)[[*KEYS, "school_id", "grade_level"]]
    mentees = matches.merge(place, on=KEYS)
    assert (mentees["grade_level"] == "9").all()
    assert set(mentees["school_id"]) == {"H1", "H2"}
    mentors = matches.drop(columns="student_id").merge(drawn.tables["mentors"], on="mentor_id").merge(place, on=KEYS)
    assert set(mentors["grade_level"]) == {"11", "12"}
    assert mentors.set_index("match_id")["school_id"].equals(mentees.set_index("match_id")["school_id"])
    assert not drawn.tables["mentors"]["student_id"].duplicated().any()
    assert matches.groupby("mentor_id").size().isin([1, 2, 3]).all()


def test_mentees_have_worse_and_mentors_better_marks_before(drawn: Draw) -> None:
    gpa = gpa_of(drawn)
    for who, low, high in (("mentee", -0.6, -0.1), ("mentor", 0.4, 1.2)):
        first = first_year_of(drawn, who).to_frame(index=False)
        before = first.assign(school_year=first["school_year"].map({"2022-23": "2021-22", "2023-24": "2022-23"}))
        assert low < gpa.reindex(pd.MultiIndex.from_frame(before)).mean() - gpa.mean() < high


def test_the_logs_say_how_pairs_were_made_how_often_they_met_and_why_they_ended(drawn: Draw) -> None:
    matches, sessions = drawn.tables["matches"], drawn.tables["sessions"]
    assert (matches["model"] == "peer_cross_age").all()
    assert set(matches["matched_by"]) == {"interests", "schedule", "language", "draw"}
    assert matches["end_date"].notna().all()
    early = matches["end_reason"].isin(["schedule_conflict", "mentor_left", "mentee_withdrew"])
    assert 0.08 < early.mean() < 0.22
    dated = sessions.merge(matches, on="match_id")
    assert dated["date"].between(dated["start_date"], dated["end_date"]).all()
    assert set(sessions["activity"]) == {"check_in", "homework", "goal_setting", "conversation"}
    assert 0.03 < (sessions["attended"] == 0).mean() < 0.11
    weeks = (pd.to_datetime(matches["end_date"]) - pd.to_datetime(matches["start_date"])).dt.days.sum() / 7
    assert 0.3 < len(sessions) / weeks < 0.8, "fewer meetings than the one a week that is planned"
    assert (matches["planned_per_week"] == 1).all()
    assert drawn.tables["mentors"]["training_hours"].between(6, 20).all()
    assert (drawn.tables["mentors"]["mentor_type"] == "peer").all()


def test_who_dropped_out_is_in_no_later_table(drawn: Draw) -> None:
    enrolment = drawn.tables["enrolment"]
    out = enrolment[enrolment["exit_code"] == "dropout"].set_index("student_id")["exit_date"]
    assert 0.01 < len(out) / enrolment["student_id"].nunique() < 0.06
    for name, when in (("attendance", "date"), ("enrolment", "entry_date")):
        table = drawn.tables[name]
        last = table["student_id"].map(out)
        assert (last.isna() | (table[when] <= last.fillna(""))).all(), name
    marks = drawn.tables["grades"]
    left = marks["student_id"].map(school_year(out))
    assert (left.isna() | (marks["school_year"] <= left.fillna(""))).all()
    codes = enrolment.groupby("exit_code")["grade_level"].agg(set)
    assert codes["graduated"] == {"12"}
    assert codes["dropout"] <= {"9", "10", "11"}


def test_attendance_and_matches_do_not_hang_on_the_effect(drawn: Draw, without_effect: Draw) -> None:
    pd.testing.assert_frame_equal(drawn.tables["matches"], without_effect.tables["matches"])
    first = without_effect.tables["attendance"]["date"] < "2023-07"
    own = drawn.tables["attendance"]["date"] < "2023-07"
    pd.testing.assert_frame_equal(
        drawn.tables["attendance"][own].reset_index(drop=True),
        without_effect.tables["attendance"][first].reset_index(drop=True),
    )
    effects = drawn.truth.effects.query("outcome in ('attendance_rate', 'days_absent', 'chronic_absence')")
    assert (effects["effect"] == 0).all()
    assert (without_effect.truth.effects["effect"] == 0).all()


@pytest.mark.parametrize(("who", "prefix"), [("mentee", ""), ("mentor", "peer_mentors_")])
def test_the_truth_is_what_the_same_draw_without_an_effect_says(
    drawn: Draw, without_effect: Draw, who: str, prefix: str
) -> None:
    first = first_year_of(drawn, who)
    difference = (gpa_of(drawn) - gpa_of(without_effect)).reindex(first).dropna()
    rows = drawn.truth.effects.query("term == @prefix + 'event_time' and event_time == 0 and outcome == 'gpa'")
    assert rows["effect"].item() == pytest.approx(difference.mean(), abs=1e-12)
    assert rows["n_mentees"].item() == len(difference)
    assert 0.05 < difference.mean() < 0.15


def test_the_true_effect_on_dropout_is_counted_in_the_enrolment() -> None:
    both = [draw_world(HighSchoolPeers(n_students=8000, dropout_averted=share)) for share in (0.9, 0.0)]
    shares = []
    for draw in both:
        first = first_year_of(draw, "mentee").to_frame(index=False).query("school_year == '2022-23'")
        years = draw.tables["enrolment"].drop_duplicates(KEYS, keep="last").merge(first, on=KEYS)
        out = years["exit_code"] == "dropout"
        shares.append(out[~(years["exit_code"] == "transfer")].mean())
    assert both[0].truth.effect("dropout") == pytest.approx(shares[0] - shares[1], abs=1e-12)
    assert both[0].truth.effect("dropout") < -0.01


def test_the_measures_of_the_package_find_the_outcomes_of_the_truth(drawn: Draw, tmp_path: Path) -> None:
    records = assert_valid_records(drawn, tmp_path / "peers")
    names = ["gpa", "course_failure", "dropout", "persistence", "on_track"]
    frame = me.build_panel(records, program=me.Peer(), measures=names).frame
    potential = drawn.truth.potential
    assert potential is not None
    mentors = set(drawn.tables["mentors"]["student_id"])
    both = frame.merge(potential, on=["student_id", "period"])
    assert len(both) == len(frame) == (~potential["student_id"].isin(mentors)).sum(), "mentors are in neither arm"
    for name in ("gpa", "course_failure", "dropout"):
        np.testing.assert_allclose(both[name], both[f"{name}_mentored"].astype(float), atol=1e-12)
    assert (both["persistence"] == 1 - both["dropout"])[both["persistence"].notna()].all()
    assert 0.6 < both["on_track"].mean() < 0.98


def mentees_estimates(draw: Draw) -> tuple[float, float, float]:
    """Regression among ninth-graders, before and after, and mentees less others, in grade points."""
    records = me.read_records(dict(draw.tables), **draw.conventions)
    panel = me.build_panel(records, program=me.Peer(), measures=["gpa", "attendance_rate"])
    design = me.choose_design(
        panel,
        covariates=["prior_gpa", "prior_attendance_rate", "economically_disadvantaged", "grade_level"],
        eligibility=[me.Eligibility("grade_level", at_least=8, at_most=8)],
    )
    adjusted = me.RegressionAdjustment(covariates=("prior_gpa", "prior_attendance_rate", "economically_disadvantaged"))
    right = me.estimate_effect(design, "gpa", adjusted, inference=me.ClusterRobust("student", "CR1")).frame
    frame = panel.frame
    now = frame[frame["period"] == frame["first_treated"]].set_index("student_id")["gpa"]
    before = frame[frame["period"] < frame["first_treated"]].sort_values("period").groupby("student_id")["gpa"].last()
    others = frame[frame["first_treated"].isna() & (frame["grade_level"] == 9) & (frame["period"] > "2022")]["gpa"]
    return float(right["estimate"].item()), float((now - before).mean()), float(now.mean() - others.mean())


def test_the_right_comparison_of_mentees_finds_the_truth_and_simple_ones_do_not() -> None:
    draws = [draw_world(HighSchoolPeers(n_students=3000), seed) for seed in range(1, 6)]
    found = np.array([mentees_estimates(draw) for draw in draws])
    errors = found - np.array([[draw.truth.effect("gpa")] for draw in draws])
    monte_carlo_error = errors[:, 0].std(ddof=1) / np.sqrt(len(draws))
    assert abs(errors[:, 0].mean()) < 3 * monte_carlo_error
    assert abs(errors[:, 0].mean()) < 0.06, "the effect is about a tenth of a grade point"
    assert errors[:, 1].mean() > 0.02, "marks that were low for once rise by themselves"
    assert errors[:, 2].mean() < -0.2, "mentees had worse marks before"


def mentors_estimates(draw: Draw) -> tuple[float, float]:
    """Least squares with cubes of what mentors were chosen by, and mentors less other students of their grades."""
    place = draw.tables["enrolment"].drop_duplicates(KEYS).set_index(KEYS)[["school_id", "grade_level"]]
    years = place.assign(gpa=gpa_of(draw)).reset_index()
    days = draw.tables["attendance"].assign(school_year=school_year(draw.tables["attendance"]["date"]))
    absent = days.groupby(KEYS).size().rename("absent").reset_index()
    years = years.merge(absent, on=KEYS, how="left").fillna({"absent": 0})
    later = years["school_year"].map({"2021-22": "2022-23", "2022-23": "2023-24"})
    years = years.merge(
        years.assign(school_year=later)[[*KEYS, "gpa", "absent"]], on=KEYS, suffixes=("", "_before")
    ).dropna(subset=["gpa", "gpa_before"])
    first = first_year_of(draw, "mentor")
    mentor = pd.MultiIndex.from_frame(years[KEYS]).isin(first)
    considered = (years["grade_level"] == "11") | ((years["grade_level"] == "12") & (years["school_year"] == "2022-23"))
    kept = considered & (mentor | ~years["student_id"].isin(draw.tables["mentors"]["student_id"]))
    years, mentor = years[kept], mentor[kept].astype(float)
    cells = pd.get_dummies(years["school_id"] + years["grade_level"] + years["school_year"], dtype=float)
    powers = [years[name] ** power for name in ("gpa_before", "absent_before") for power in (1, 2, 3)]
    columns = np.column_stack([mentor, *powers, cells])
    right = np.linalg.lstsq(columns, years["gpa"].to_numpy(), rcond=None)[0][0]
    return float(right), float(years["gpa"][mentor == 1].mean() - years["gpa"][mentor == 0].mean())


def test_the_right_comparison_of_mentors_finds_their_own_effect() -> None:
    draws = [draw_world(HighSchoolPeers(n_students=4000), seed) for seed in range(1, 7)]
    terms = [draw.truth.effects.query("term == 'peer_mentors_event_time' and event_time == 0") for draw in draws]
    truth = np.array([[rows.query("outcome == 'gpa'")["effect"].item()] for rows in terms])
    errors = np.array([mentors_estimates(draw) for draw in draws]) - truth
    monte_carlo_error = errors[:, 0].std(ddof=1) / np.sqrt(len(draws))
    assert abs(errors[:, 0].mean()) < 3 * monte_carlo_error
    assert abs(errors[:, 0].mean()) < 0.06
    assert errors[:, 1].mean() > 0.5, "mentors are the better students"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert_same_seed_same_bytes(HighSchoolPeers(n_students=600), tmp_path)


def test_impossible_options_are_refused() -> None:
    with pytest.raises(OptionError, match="too few for six schools"):
        HighSchoolPeers(n_students=300)
    with pytest.raises(OptionError, match="dropout_averted from 0 to 1"):
        HighSchoolPeers(dropout_averted=2.0)
