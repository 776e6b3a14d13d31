"""New York's mentors: what docstring and truth say must be found in the tables; estimators must find the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError
from mentoreval.worlds import Draw, draw_world
from mentoreval.worlds.nyc_success_mentors import NycSuccessMentors

from .from_tables import (
    KEYS,
    assert_same_seed_same_bytes,
    assert_valid_records,
    assert_without_an_effect_only_days_of_mentees_differ,
    considered_students,
    first_years,
    next_year,
    outcomes,
    student_years,
    with_last_year,
)
from .studies import StudyOf, ancova, days, estimated_days, naive_days

YEARS = ["2009-10", "2010-11", "2011-12", "2012-13"]
# A third of the schools, with as many students in each as in the whole city.
THIRD = NycSuccessMentors(n_students=11_000, one_school_in=3)


@pytest.fixture(scope="module")
def third() -> Draw:
    return draw_world(THIRD)


@pytest.fixture(scope="module")
def third_without_effect() -> Draw:
    return draw_world("nyc_success_mentors", n_students=11_000, one_school_in=3, effect_share=0.0)


@pytest.fixture(scope="module")
def all_schools() -> Draw:
    """All 146 schools, with few students in each."""
    return draw_world("nyc_success_mentors", n_students=6000)


@pytest.fixture(scope="module")
def all_schools_without_effect() -> Draw:
    return draw_world("nyc_success_mentors", n_students=6000, effect_share=0.0)


@pytest.fixture(scope="module")
def years(third: Draw) -> pd.DataFrame:
    return with_last_year(student_years(third.tables))


# --- the schools ---------------------------------------------------------------------------------------------------


def test_25_and_25_and_50_schools_start_in_three_years_and_46_never(all_schools: Draw) -> None:
    starts = pd.Series(all_schools.truth.rule["program_starts"])
    assert starts.value_counts().to_dict() == {"2010-11": 25, "2011-12": 25, "2012-13": 50, "never": 46}
    assert set(all_schools.tables["calendar"]["school_id"]) == set(starts.index)
    assert all_schools.tables["enrolment"].groupby("school_year")["school_id"].nunique().eq(146).all()


def test_matches_begin_in_the_first_autumn_of_the_school_and_never_before(third: Draw) -> None:
    mentees = first_years(third.tables)
    spells = third.tables["enrolment"].sort_values("entry_date").drop_duplicates(["student_id", "school_year"])
    starts = mentees.merge(spells)["school_id"].map(third.truth.rule["program_starts"])
    cohort = mentees.merge(spells)["school_year"]
    assert (starts != "never").all()
    assert (starts <= cohort).all()
    assert (starts == cohort).mean() > 0.8


def test_records_go_by_month_from_september_2009_to_february_2013(third: Draw) -> None:
    calendar = third.tables["calendar"]
    assert calendar["school_year"].drop_duplicates().tolist() == YEARS
    assert (calendar["date"].min()[:7], calendar["date"].max()) == ("2009-09", "2013-02-28")
    assert not calendar["date"].str[5:7].isin(["07", "08"]).any()
    in_session = calendar.groupby(["school_id", "school_year"]).size().unstack()
    assert (in_session[YEARS[:3]] == 180).all(axis=None)
    assert in_session["2012-13"].between(105, 115).all()
    last = third.tables
    assert max(table["date"].max() for table in (last["attendance"], last["sessions"])) <= "2013-02-28"
    assert last["enrolment"]["exit_date"].dropna().max() <= "2013-02-28"


def test_nothing_is_recorded_of_the_semester_that_had_not_ended(third: Draw) -> None:
    marks = third.tables["grades"].groupby("school_year")["term"].nunique()
    assert marks.to_dict() == {"2009-10": 2, "2010-11": 2, "2011-12": 2, "2012-13": 1}
    ended = third.tables["matches"].query("end_reason == 'end_of_school_year'")["end_date"]
    assert (ended.str[:7] < "2012-07").all(), "no match ends with a year whose end is not on record"


def test_groups_of_schools_begin_with_similar_rates(third: Draw, years: pd.DataFrame) -> None:
    first = years[years["school_year"] == "2009-10"].merge(third.tables["enrolment"])
    rate = first["absent"].ge(20).groupby(first["school_id"].map(third.truth.rule["program_starts"])).mean()
    assert rate.max() - rate.min() < 0.04
    by_school = first["absent"].ge(20).groupby(first["school_id"]).mean()
    assert by_school.std() > 0.03, "schools differ, groups do not"


# --- the tables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique_and_rows_sorted(third: Draw, name: str) -> None:
    assert not third.tables[name].duplicated(KEYS[name]).any()
    assert third.tables[name][KEYS[name][0]].is_monotonic_increasing


def test_the_written_folder_is_read_without_a_complaint(tmp_path: Path) -> None:
    assert_valid_records(draw_world("nyc_success_mentors", **NycSuccessMentors.committed), tmp_path / "nyc")


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert_same_seed_same_bytes(NycSuccessMentors(n_students=700, one_school_in=16), tmp_path)


def test_the_effect_changes_nothing_but_the_days_of_mentees(third: Draw, third_without_effect: Draw) -> None:
    assert_without_an_effect_only_days_of_mentees_differ(third, third_without_effect)


def test_absences_have_the_mean_the_spread_and_the_tail_of_the_literature(third_without_effect: Draw) -> None:
    years = with_last_year(student_years(third_without_effect.tables))
    rate = years["absent"] / years["enrolled"]
    assert 0.050 < rate.mean() < 0.055
    assert 0.08 < rate.std() < 0.10
    assert rate.skew() > 3, "a few students have most of the absences"
    assert rate.sort_values().tail(len(rate) // 10).sum() / rate.sum() > 0.4
    assert 0.5 < rate.corr(years["prior"]) < 0.65


# --- the program ---------------------------------------------------------------------------------------------------


def test_every_mentee_missed_20_days_or_more_in_the_year_before(third: Draw, years: pd.DataFrame) -> None:
    mentees = first_years(third.tables).merge(years, how="left")
    assert len(mentees) == third.truth.n_mentees
    assert mentees["prior_absent"].min() == 20
    considered = considered_students(third).merge(years)
    eligible = considered[considered["prior_absent"] >= 20]
    chosen = eligible["student_id"].isin(mentees["student_id"])
    assert first_years(third.tables).merge(considered, how="left")["school_id"].notna().all(), "considered once"
    assert 0.6 < chosen.mean() < 0.8
    high = eligible["prior"] > eligible["prior"].median()
    assert chosen[high].mean() > chosen[~high].mean() + 0.05


def test_mentors_are_of_three_types_and_have_15_to_20_mentees_when_a_school_starts(third: Draw) -> None:
    matches = third.tables["matches"]
    assert set(matches["mentor_type"]) == {"external", "internal", "peer"}
    assert (matches.groupby("mentor_id")["mentor_type"].nunique() == 1).all()
    spells = third.tables["enrolment"].sort_values("entry_date").drop_duplicates(["student_id", "school_year"])
    first = first_years(third.tables).assign(mentor_id=matches["mentor_id"]).merge(spells)
    first = first[first["school_id"].map(third.truth.rule["program_starts"]) == first["school_year"]]
    caseload = first.groupby("mentor_id").size()
    assert 15 <= caseload.mean() <= 20
    assert caseload.between(12, 24).mean() > 0.75


# --- the truth -----------------------------------------------------------------------------------------------------


def days_gained(draw: Draw) -> float:
    """Days gained by mentees in the school years that the records have whole."""
    potential = draw.truth.potential
    assert potential is not None
    mentored = potential[(potential["event_time"] >= 0).fillna(False) & (potential["period"] < "2012-13")]
    return float((mentored["days_absent_unmentored"] - mentored["days_absent_mentored"]).mean())


def test_the_published_version_gives_about_nine_days_and_the_randomized_one_about_four(third: Draw) -> None:
    assert 8 < days_gained(third) < 10
    randomized = draw_world("nyc_success_mentors", n_students=11_000, one_school_in=3, version="randomized")
    assert 3.4 < days_gained(randomized) < 4.2
    assert randomized.truth.rule["program_starts"] == third.truth.rule["program_starts"]
    pd.testing.assert_frame_equal(randomized.tables["matches"], third.tables["matches"])


def test_the_truth_is_what_the_same_draw_without_an_effect_says(third: Draw, third_without_effect: Draw) -> None:
    by = ["student_id", "school_year"]
    names = ["attendance_rate", "days_absent", "chronic_absence", "gpa", "course_failure"]
    mentored, unmentored = (outcomes(draw).set_index(by)[names] for draw in (third, third_without_effect))
    effects = (mentored - unmentored).reset_index()
    cohort = first_years(third.tables).rename(columns={"school_year": "cohort"})
    effects = effects.merge(cohort).query("school_year >= cohort").merge(third.tables["students"], on="student_id")
    for name in names:
        assert third.truth.effect(name, None) == pytest.approx(effects[name].mean(), abs=1e-12)
    told = third.truth.effects.query("outcome == 'days_absent' and term == 'subgroup' and cohort.isna()")
    for subgroup in ("gender", "economically_disadvantaged"):
        expected = effects.groupby(effects[subgroup].astype(str))["days_absent"].agg(["size", "mean"])
        rows = told[told["subgroup"] == subgroup].set_index("level").loc[expected.index]
        assert rows["n_mentees"].tolist() == expected["size"].tolist()
        np.testing.assert_allclose(rows["effect"], expected["mean"], atol=1e-12)
    assert told[told["subgroup"] == "grade_band"]["level"].tolist() == ["6-8", "9-12", "K-5"]


def test_the_effect_on_schools_is_what_all_their_students_gained(third: Draw, third_without_effect: Draw) -> None:
    by = ["student_id", "school_year"]
    gained = outcomes(third).set_index(by)["days_absent"] - outcomes(third_without_effect).set_index(by)["days_absent"]
    spells = third.tables["enrolment"].sort_values("entry_date").drop_duplicates(by)
    of_school = gained.rename("gained").reset_index().merge(spells[[*by, "school_id"]])
    start = of_school["school_id"].map(third.truth.rule["program_starts"])
    running = of_school[(start != "never") & (start <= of_school["school_year"])]
    told = third.truth.effects.query("outcome == 'days_absent' and term == 'school' and cohort.isna()").iloc[0]
    assert told["n_students"] == len(running)
    assert told["effect"] == pytest.approx(running["gained"].mean(), abs=1e-12)


def test_no_effect_is_exactly_none(third_without_effect: Draw) -> None:
    assert (third_without_effect.truth.effects["effect"] == 0).all()
    assert third_without_effect.truth.n_mentees > 400


def test_work_on_the_whole_school_reaches_students_without_a_mentor() -> None:
    options = {"n_students": 3000, "one_school_in": 6, "effect_share": 0.0, "culture_share": 0.1}
    draw = draw_world("nyc_success_mentors", **options)
    spells = draw.tables["enrolment"].sort_values("entry_date").drop_duplicates(["student_id", "school_year"])
    potential = draw.truth.potential
    assert potential is not None
    years = student_years(draw.tables).merge(spells[["student_id", "school_year", "school_id"]])
    years = years.merge(potential.drop(columns="school_id").rename(columns={"period": "school_year"}))
    assert (years["absent"] == years["days_absent_mentored"]).all()
    start = years["school_id"].map(draw.truth.rule["program_starts"])
    running = (start != "never") & (start <= years["school_year"])
    sums = years.groupby(running)[["days_absent_mentored", "days_absent_unmentored"]].sum()
    averted = 1 - sums["days_absent_mentored"] / sums["days_absent_unmentored"]
    assert averted[False] == 0
    assert averted[True] == pytest.approx(0.1, abs=0.01)


def test_volunteers_change_by_themselves_when_told_to() -> None:
    options = {"n_students": 6000, "one_school_in": 6, "effect_share": 0.0}
    draws = [draw_world("nyc_success_mentors", volunteer_trend=trend, **options) for trend in (-0.3, 0.0)]
    rates = []
    for draw in draws:
        years = student_years(draw.tables).merge(
            draw.tables["enrolment"].drop_duplicates(["student_id", "school_year"])
        )
        group = years["school_id"].str[0].eq("A").map({True: "volunteers", False: "others"})
        sums = years.groupby([group, years["school_year"]])[["absent", "enrolled"]].sum()
        rates.append((sums["absent"] / sums["enrolled"]).unstack(0))
    changed, same = rates
    pd.testing.assert_series_equal(changed.loc["2009-10"], same.loc["2009-10"])
    ratio = changed["volunteers"] / same["volunteers"]
    assert (ratio.diff().dropna() < -0.1).all(), "fewer every year"
    assert ratio["2011-12"] < 0.75
    assert (changed["others"] / same["others"]).between(0.97, 1.03).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": "hoped_for"}, "'published', 'randomized'"),
        ({"n_students": 500}, "too few for 146 schools"),
        ({"effect_share": 0.9}, "not between 0 and 0.5"),
        ({"culture_share": 0.5}, "not between 0 and 0.2"),
        ({"volunteer_trend": -1.0}, "not between -0.3 and 0.3"),
        ({"one_school_in": 0}, "takes 1 or more"),
    ],
)
def test_what_can_not_be_drawn_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        draw_world("nyc_success_mentors", **options)


# --- estimators ----------------------------------------------------------------------------------------------------


def test_students_of_the_46_schools_who_met_the_same_rule_are_a_fair_comparison(third_without_effect: Draw) -> None:
    """Least squares on what selection depends on finds nothing where there is nothing."""
    tables = third_without_effect.tables
    years = with_last_year(student_years(tables)).merge(tables["students"])
    years = years.merge(tables["enrolment"].drop_duplicates(["student_id", "school_year"]))
    years = years[years["prior_absent"] >= 20].merge(first_years(tables).assign(mentored=1.0), how="left")
    ever = years["student_id"].isin(tables["matches"]["student_id"])
    years = years[years["mentored"].notna() | (~ever & years["school_id"].str.startswith("N"))].fillna({"mentored": 0})
    cells = pd.get_dummies(years["grade_level"] + years["school_year"], dtype=float)
    prior = np.stack([years["prior"] ** power for power in (1, 2, 3)], axis=1)
    x = np.column_stack([years["mentored"], prior, years["economically_disadvantaged"], cells])
    rate = (years["absent"] / years["enrolled"]).to_numpy(float)
    found, *_ = np.linalg.lstsq(x, rate, rcond=None)
    residual = rate - x @ found
    n_mentees = years["mentored"].sum()
    standard_error = residual.std() * np.sqrt(1 / n_mentees + 1 / (len(years) - n_mentees))
    assert abs(found[0]) < 3 * standard_error
    assert 180 * standard_error < 2, "in days: a difference of half a dozen would be seen"


def test_before_and_after_of_mentees_is_far_off_and_the_matched_comparison_is_not(third: Draw) -> None:
    study = StudyOf()
    panel = study.panel(third)
    truth = days(third.truth.effect("attendance_rate"))
    assert naive_days(panel) < 2 * truth
    estimate = ancova(study.match(panel))
    row = estimate.headline()
    assert abs(estimated_days(estimate) - truth) < 3 * days(-float(row["std_error"]))
    assert estimated_days(estimate) < -5, "found, and not by a hair"


def school_months(draw: Draw) -> me.Panel:
    """School and month; the program starts in September, since the first matches do."""
    autumn = {year: f"{year[:4]}-09-01" for year in YEARS}
    starts = draw.truth.rule["program_starts"]
    program = me.SchoolWide(starts=tuple((school, autumn[year]) for school, year in starts.items() if year != "never"))
    records = me.read_records(dict(draw.tables), **draw.conventions)
    return me.build_panel(records, program=program, measures=["attendance_rate"], period="month")


def test_staggered_did_on_school_months_finds_what_the_schools_gained(
    all_schools: Draw, all_schools_without_effect: Draw
) -> None:
    """The estimate is linear in the outcomes, so that with an effect less without one is the truth without any noise.

    The true effect by school and month is the difference of the two draws; Callaway and Sant'Anna's simple mean takes
    every school and month after the start with equal weight.
    """
    panels = [school_months(draw) for draw in (all_schools, all_schools_without_effect)]
    by = ["school_id", "period", "first_treated"]
    frames = [panel.frame.set_index(by)["attendance_rate"] for panel in panels]
    gained = (frames[0] - frames[1]).rename("gained").reset_index()
    treated = gained[gained["period"] >= gained["first_treated"].fillna("9999")]
    truth = treated["gained"].mean()
    assert truth > 0.003
    designs = [me.choose_design(panel, me.Unadjusted()) for panel in panels]
    found = [me.estimate_effect(design, "attendance_rate", me.CallawaySantAnna()).pool("simple") for design in designs]
    estimates = [float(estimate.headline()["estimate"]) for estimate in found]
    assert estimates[0] - estimates[1] == pytest.approx(truth, rel=0.05)
    standard_error = float(found[0].headline()["std_error"])
    assert abs(estimates[0] - truth) < 3 * standard_error
    assert abs(estimates[1]) < 3 * standard_error


def test_most_of_what_before_and_after_shows_comes_back_by_itself(third_without_effect: Draw) -> None:
    years = student_years(third_without_effect.tables)[["student_id", "school_year", "absent", "enrolled"]]
    years = years.assign(rate=years["absent"] / years["enrolled"])[["student_id", "school_year", "rate"]]
    before = years.assign(school_year=years["school_year"].map(next_year)).rename(columns={"rate": "before"})
    mentees = first_years(third_without_effect.tables).merge(years).merge(before)
    assert 180 * (mentees["rate"] - mentees["before"]).mean() < -9, "and nobody did anything"
