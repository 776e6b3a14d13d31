"""Worlds that break one assumption each: what breaks, by how much, and which check says so."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.design.design import Design
from mentoreval.errors import OptionError
from mentoreval.worlds import Draw, draw_world
from tests.worlds import student_years as study

SEED, SIZE, SMALL = 1, 12_000, 600
PLAIN = {"effect_share": 0.19}
UNBROKEN: dict[str, dict[str, float]] = {
    "broken_trends": {"drift": 0.0},
    "selection_on_unobservables": {"hidden": 0.0},
    "regression_to_the_mean": {"fleeting": 0.0, **PLAIN},
    "spillover": {"to_classmates": 0.0},
    "attrition": {"leaving": 0.0},
    "missing_records": {"lost": 0.0},
    "school_shocks": {"spread": 0.0},
    "six_schools": {"spread": 0.0, "schools": 12},
    "anticipation": {"before": 0.0},
    "composition_change": {"losing": 0.0},
}
ALL = ["no_effect", *UNBROKEN]


@cache
def world(name: str, **options: float) -> Draw:
    return draw_world(name, SEED, n_students=SIZE, **options)


@cache
def plain() -> Draw:
    """The district that every world breaks."""
    return world("no_effect", **PLAIN)


@cache
def everyone(draw: Draw) -> Design:
    return study.everyone(study.panel_of(draw))


@cache
def matched(draw: Draw) -> Design:
    return study.matched(everyone(draw).panel)


def verdict(check: str, draw: Draw) -> str:
    estimate = study.did(matched(draw)) if check == "pretrends" else study.ancova(matched(draw))
    return me.run_check(check, estimate).verdict


def without_comparison_in_program_schools(draw: Draw) -> Design:
    """Everybody who met the rule, comparison students of schools without the program alone."""
    years = study.student_years(draw.tables)
    beside = years["school_id"].str.startswith("P").groupby(years["student_id"]).transform("any")
    frame = years[years["first_treated"].notna() | ~beside]
    panel = me.panel_from_frame(
        frame, unit="student_id", period="school_year", school="school_id", first_treated="first_treated",
        covariates=list(study.TRAITS), outcomes=[study.OUTCOME],
    )  # fmt: skip
    return study.everyone(panel)


# --- every world ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_tables_and_another_seed_others(name: str) -> None:
    first, again, other = (draw_world(name, seed, n_students=SMALL) for seed in (3, 3, 4))
    for table, rows in first.tables.items():
        pd.testing.assert_frame_equal(rows, again.tables[table])
    assert first.truth.to_json() == again.truth.to_json()
    assert not first.tables["attendance"].equals(other.tables["attendance"])
    assert first.truth.rule == other.truth.rule


@pytest.mark.parametrize("name", UNBROKEN)
def test_with_nothing_broken_it_is_the_plain_district(name: str) -> None:
    drawn = draw_world(name, 3, n_students=SMALL, **UNBROKEN[name])
    expected = draw_world("no_effect", 3, n_students=SMALL, **PLAIN)
    for table, rows in expected.tables.items():
        pd.testing.assert_frame_equal(drawn.tables[table], rows)
    assert drawn.truth.potential is not None
    assert expected.truth.potential is not None
    pd.testing.assert_frame_equal(drawn.truth.potential, expected.truth.potential)


@pytest.mark.parametrize("name", ["spillover", "attrition", "missing_records", "composition_change"])
def test_what_comes_after_selection_changes_neither_students_nor_mentees(name: str) -> None:
    drawn, expected = draw_world(name, 3, n_students=SMALL), draw_world("no_effect", 3, n_students=SMALL, **PLAIN)
    for table in ("students", "calendar"):
        pd.testing.assert_frame_equal(drawn.tables[table], expected.tables[table])
    keys = ["match_id", "student_id", "mentor_id", "start_date"]
    pd.testing.assert_frame_equal(drawn.tables["matches"][keys], expected.tables["matches"][keys])
    for table, rows in drawn.tables.items():
        assert len(rows) <= len(expected.tables[table])


@pytest.mark.parametrize("name", [name for name in ALL if name != "missing_records"])
def test_the_tables_say_what_happened(name: str) -> None:
    """Rates from the tables are the potential outcomes that came true, for all who are in the tables to the end."""
    draw = draw_world(name, 3, n_students=SMALL)
    assert draw.truth.potential is not None
    both = study.student_years(draw.tables).merge(
        draw.truth.potential, left_on=["student_id", "school_year"], right_on=["student_id", "period"]
    )
    whole = both[both["enrolled"] == both["days_enrolled"]]
    assert len(whole) > 0.95 * len(draw.truth.potential)
    np.testing.assert_allclose(whole["absent"], whole["days_absent_mentored"].astype(float))
    assert whole["first_treated"].isna().equals(whole["cohort"].isna())


@pytest.mark.parametrize("name", ALL)
def test_the_package_reads_the_tables(name: str) -> None:
    draw = draw_world(name, 3, n_students=SMALL)
    records = me.read_records(dict(draw.tables), attendance="absences_only", exit_date_is="last_day")
    frame = me.build_panel(records, program=me.OneToOne(), measures=["days_absent"]).frame
    years = study.student_years(draw.tables).rename(columns={"school_year": "period"})
    both = frame.merge(years, on=["student_id", "period"], how="outer")
    assert len(both) == len(frame) == len(years)
    known = both["days_absent"].notna()
    assert known.mean() > 0.95
    np.testing.assert_allclose(both.loc[known, "days_absent"], both.loc[known, "absent"])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("no_effect", {"n_students": 300}),
        ("no_effect", {"effect_share": 0.5}),
        ("broken_trends", {"drift": 2.0}),
        ("selection_on_unobservables", {"hidden": -1.0}),
        ("regression_to_the_mean", {"fleeting": 1.5}),
        ("spillover", {"to_classmates": 0.9}),
        ("attrition", {"leaving": 1.1}),
        ("missing_records", {"lost": 1.0}),
        ("school_shocks", {"spread": -0.1}),
        ("six_schools", {"schools": 5}),
        ("anticipation", {"before": 1.0}),
        ("composition_change", {"losing": 1.0}),
    ],
)
def test_sizes_that_can_not_be_drawn_are_refused(name: str, options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=rf"{name}: {next(iter(options))} = "):
        draw_world(name, **options)


# --- the plain district: everything is right and quiet -----------------------------------------------------------


def test_the_plain_district_is_found_as_it_is() -> None:
    truth = study.true_days(plain())
    assert -5.0 < truth < -3.5
    for estimate in (study.ancova(everyone(plain())), study.ancova(everyone(plain()), within_schools=True)):
        assert study.days(estimate) == pytest.approx(truth, abs=1.5)
    assert study.before_and_after(everyone(plain()).panel) < 3 * truth


@pytest.mark.parametrize("check", ["attrition", "composition_change", "pretrends", "spillover"])
def test_checks_find_nothing_in_the_plain_district(check: str) -> None:
    assert verdict(check, plain()) in {"pass", "caution"}


# --- one world after the other -----------------------------------------------------------------------------------


def test_no_effect_is_none_and_before_and_after_claims_twelve_days() -> None:
    draw = world("no_effect")
    assert (draw.truth.effects["effect"] == 0).all()
    assert study.before_and_after(everyone(draw).panel) == pytest.approx(-12, abs=2)
    row = study.ancova(everyone(draw)).headline()
    assert row["conf_low"] < 0 < row["conf_high"]
    arms = me.run_check("regression_to_the_mean", study.ancova(matched(draw))).frame.set_index("arm")["change"]
    assert arms["comparison"] == pytest.approx(arms["treated"], abs=0.02), "the others gained the same"


def test_broken_trends_mislead_across_schools_not_within_and_show_before_the_start() -> None:
    draw = world("broken_trends")
    truth = study.true_days(draw)
    assert study.days(study.ancova(everyone(draw))) - truth == pytest.approx(-5.5, abs=1.5)
    assert study.days(study.ancova(everyone(draw), within_schools=True)) == pytest.approx(truth, abs=1.5)
    assert verdict("pretrends", draw) == "fail"
    assert verdict("pretrends", plain()) != "fail"


def test_selection_on_unobservables_misleads_everybody_and_nothing_shows_it() -> None:
    draw = world("selection_on_unobservables")
    truth = study.true_days(draw)
    for estimate in (study.ancova(everyone(draw)), study.ancova(matched(draw)), study.did(everyone(draw))):
        head = estimate if estimate.fit.group_time is None else estimate.pool("event_time")
        found = head.frame[head.frame["event_time"].fillna(0) == 0]["estimate"].iloc[0]
        assert -study.SCHOOL_DAYS * found - truth < -1
    for check in ("pretrends", "spillover", "attrition", "composition_change"):
        assert verdict(check, draw) != "fail"
    for check in ("omitted_variable", "e_value"):
        assert verdict(check, draw) == verdict(check, plain()), "they say how strong it would have to be, no more"


def test_regression_to_the_mean_claims_weeks_for_nothing() -> None:
    draw = world("regression_to_the_mean")
    assert (draw.truth.effects["effect"] == 0).all()
    assert study.before_and_after(everyone(draw).panel) == pytest.approx(-23, abs=2)
    row = study.ancova(everyone(draw)).headline()
    assert row["conf_low"] < 0 < row["conf_high"]
    unadjusted = me.choose_design(everyone(draw).panel, covariates=())
    assert study.days(me.estimate_effect(unadjusted, study.OUTCOME, me.Did2x2())) < -15
    assert me.run_check("pretrends", study.did(unadjusted)).verdict == "fail"


def test_spillover_hides_the_effect_beside_mentees_and_the_check_sees_it() -> None:
    draw = world("spillover")
    truth = study.true_days(draw)
    assert truth == study.true_days(plain()), "the direct effect is the same"
    assert study.days(study.ancova(everyone(draw))) - truth == pytest.approx(1.5, abs=1)
    assert study.days(study.ancova(everyone(draw), within_schools=True)) - truth == pytest.approx(3.5, abs=1)
    elsewhere = study.ancova(without_comparison_in_program_schools(draw))
    assert study.days(elsewhere) == pytest.approx(truth, abs=1.5)
    assert verdict("spillover", draw) == "fail"


def test_spillover_tells_the_effect_on_classmates() -> None:
    draw, without = (draw_world("spillover", 3, n_students=SMALL, to_classmates=size) for size in (0.15, 0.0))
    effects = draw.truth.effects.query("outcome == 'days_absent'").set_index("term")
    on_classmates = effects.loc["classmates_all_years"]
    before, after = (study.student_years(d.tables).set_index(["student_id", "school_year"]) for d in (without, draw))
    change = (after["absent"] - before["absent"])[after["first_treated"].isna()]
    assert change.sum() == pytest.approx(on_classmates["effect"] * on_classmates["n_mentees"])
    assert (change <= 0).all()
    started = change[change.index.get_level_values("school_year") < "2023-24"]
    assert (started == 0).all()
    mentees = after["first_treated"].notna()
    assert after["absent"][mentees].equals(before["absent"][mentees])


def test_attrition_flatters_the_program_and_is_counted() -> None:
    draw = world("attrition")
    truth = study.true_days(draw)
    assert truth == study.true_days(plain()), "the truth is that of all mentees"
    assert study.days(study.ancova(everyone(draw))) - truth == pytest.approx(-4, abs=1.5)
    assert verdict("attrition", draw) == "caution"
    assert verdict("attrition", plain()) == "pass"


def test_attrition_tells_the_effect_on_those_who_stayed() -> None:
    draw = draw_world("attrition", 3, n_students=2_000)
    terms = draw.truth.effects.query("outcome == 'days_absent' and event_time == 0").set_index("term")
    years = study.student_years(draw.tables)
    mentees = years[(years["first_treated"] == years["school_year"])]
    stayed = mentees[mentees["enrolled"] >= study.LEAST_DAYS]
    assert 0.4 < len(stayed) / len(mentees) < 0.75
    in_tables = draw.tables["matches"]["end_reason"].eq("left_district")
    assert in_tables.sum() >= len(mentees) - len(stayed)
    everybody, observed = terms.loc["event_time"], terms.loc["observed_event_time"]
    assert observed["n_mentees"] < everybody["n_mentees"] == len(mentees)
    assert observed["mean_mentored"] < everybody["mean_mentored"] - 2


def test_nothing_is_known_of_leavers_after_their_last_day() -> None:
    tables = draw_world("attrition", 3, n_students=2_000).tables
    last = tables["enrolment"].sort_values("entry_date").drop_duplicates("student_id", keep="last")
    left = last.dropna(subset=["exit_date"]).set_index("student_id")["exit_date"]
    for name in ("attendance", "sessions"):
        table = tables[name]
        if name == "sessions":
            table = table.merge(tables["matches"][["match_id", "student_id", "end_date"]], on="match_id")
            assert (table["date"] <= table["end_date"].fillna("9999")).all()
        known = table[table["student_id"].isin(left.index)]
        assert (known["date"].astype(object) <= known["student_id"].map(left)).all()


def test_missing_records_flatter_the_schools_that_lost_them() -> None:
    draw = world("missing_records")
    truth = study.true_days(draw)
    assert truth == study.true_days(plain()), "what happened is the same"
    assert study.days(study.ancova(everyone(draw))) - truth == pytest.approx(-3.5, abs=1.5)
    within = study.days(study.ancova(everyone(draw), within_schools=True))
    assert within == pytest.approx(0.7 * study.days(study.ancova(everyone(plain()), within_schools=True)), abs=1)
    assert verdict("spillover", draw) == "fail"


def test_missing_records_are_whole_days_of_the_program_schools_from_the_start_on() -> None:
    draw, whole = (draw_world("missing_records", 3, n_students=3_000, lost=lost) for lost in (0.3, 0.0))
    keys = ["student_id", "date"]
    both = whole.tables["attendance"].merge(draw.tables["attendance"], how="left", on=keys, indicator=True)
    assert len(draw.tables["attendance"]) == (both["_merge"] == "both").sum()
    spells = whole.tables["enrolment"].assign(exit_date=whole.tables["enrolment"]["exit_date"].fillna("9999"))
    both = both.merge(spells, on="student_id")
    both = both[both["date"].between(both["entry_date"], both["exit_date"])]
    both = both.sort_values("entry_date").drop_duplicates(keys, keep="last")
    gone = both["_merge"] == "left_only"
    assert both.loc[gone, "school_id"].str.startswith("P").all()
    assert (both.loc[gone, "date"] > "2023-08").all()
    by_day = gone[(both["date"] > "2023-08") & both["school_id"].str.startswith("P")]
    shares = by_day.groupby([both["school_id"], both["date"]]).mean()
    assert set(shares.unique()) == {0.0, 1.0}
    assert shares.mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("name", ["school_shocks", "six_schools"])
def test_shocks_of_schools_make_errors_of_independent_students_too_small(name: str) -> None:
    broken, quiet = everyone(world(name)), everyone(plain())
    ratio = [
        study.ancova(design).headline()["std_error"]
        / study.ancova(design, cluster="student").headline()["std_error"]
        for design in (broken, quiet)
    ]  # fmt: skip
    assert ratio[0] > 1.5
    assert ratio[1] < 1.35
    assert verdict("spillover", world(name)) != "pass", "a school's year could be taken for spillover"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "students_hold", "cr2_holds"), [("school_shocks", 0.85, 0.88), ("six_schools", 0.65, 0.85)]
)
def test_intervals_of_independent_students_miss_the_truth_and_those_by_school_hold_it(
    name: str, students_hold: float, cr2_holds: float
) -> None:
    """40 districts of 3,000 students."""
    held = {"student": 0, "school": 0}
    for seed in range(40):
        draw = draw_world(name, seed, n_students=3_000, spread=0.35)
        design = study.everyone(study.panel_of(draw))
        for cluster in held:
            row = study.ancova(design, cluster=cluster).headline()
            held[cluster] += row["conf_low"] < draw.truth.effect(study.OUTCOME) < row["conf_high"]
    assert held["student"] / 40 < students_hold
    assert held["school"] / 40 >= cr2_holds


def test_six_schools_are_six() -> None:
    enrolment = draw_world("six_schools", 3, n_students=SMALL).tables["enrolment"]
    assert sorted(enrolment["school_id"].unique()) == ["P1", "P2", "P3", "Q1", "Q2", "Q3"]
    row = study.ancova(everyone(world("six_schools"))).headline()
    assert row["n_clusters"] == 6
    assert row["df"] < 5, "Satterthwaite"


def test_anticipation_spoils_the_baseline_and_shows_before_it() -> None:
    draw = world("anticipation")
    truth = study.true_days(draw)
    assert study.true_days(draw, -1) < -2, "future mentees gained a year early"
    assert study.days(study.ancova(everyone(draw))) - truth == pytest.approx(4.5, abs=1.5)
    assert study.days(study.ancova(everyone(draw), within_schools=True)) == pytest.approx(truth, abs=2)
    assert verdict("pretrends", draw) == "fail"


def test_anticipation_is_in_the_year_before_alone_and_in_the_program_schools_alone() -> None:
    draw = draw_world("anticipation", 3, n_students=SMALL)
    potential = draw.truth.potential
    assert potential is not None
    moved = potential["days_absent_mentored"] < potential["days_absent_unmentored"]
    early = potential[moved & ~(potential["event_time"] >= 0).fillna(False)]
    assert set(early["period"]) == {"2022-23"}
    assert early["school_id"].str.startswith("P").all()
    mentees = potential[(potential["event_time"] == -1).fillna(False)]
    gained = (mentees["days_absent_mentored"] - mentees["days_absent_unmentored"]).mean()
    assert draw.truth.effect("days_absent", -1) == pytest.approx(gained)


def test_composition_change_misleads_school_means_not_students_and_is_seen() -> None:
    draw = world("composition_change")
    truth = study.true_days(draw)
    assert study.days(study.ancova(everyone(draw))) == pytest.approx(truth, abs=1.5)
    of_all = draw.truth.effects.query("outcome == 'attendance_rate' and term == 'school' and event_time == 0")
    whole_school = -study.SCHOOL_DAYS * of_all["effect"].iloc[0]
    assert -0.6 < whole_school < -0.2
    assert did_of_school_means(draw) - did_of_school_means(plain()) == pytest.approx(-0.9, abs=0.4)
    for check in ("composition_change", "attrition"):
        assert verdict(check, draw) == "caution"
        assert verdict(check, plain()) == "pass"


def did_of_school_means(draw: Draw) -> float:
    """Days absent: the change of all students of the program's schools less that of the others, whoever they are."""
    years = study.student_years(draw.tables).dropna(subset=[study.OUTCOME])
    means = years.groupby([years["school_id"].str[0], "school_year"])[study.OUTCOME].mean().unstack()
    change = -study.SCHOOL_DAYS * (means["2023-24"] - means["2022-23"])
    return float(change["P"] - change["Q"])
