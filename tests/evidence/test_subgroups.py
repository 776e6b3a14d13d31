"""Subgroups: each level is an evaluation of its own, none is lost, and the test knows what levels share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import DataError, EffectError, OptionError
from mentoreval.evidence.subgroups import adjust_subgroup_tests
from mentoreval.numerics.heterogeneity import welch_test

EFFECTS = {"lower": 0.0, "upper": 3.0}


def students(n: int = 900, seed: int = 4) -> pd.DataFrame:
    """Two years; the program adds nothing in grades 6 and 7, and 3 in grades 8 and 9. A few are of a rare kind."""
    rng = np.random.default_rng(seed)
    grade, before = rng.integers(6, 10, n), rng.normal(50, 5, n)
    treated = rng.random(n) < 1 / (1 + np.exp((before - 48) / 4))
    gain = np.where(grade >= 8, EFFECTS["upper"], EFFECTS["lower"])
    after = before + rng.normal(1, 2, n) + gain * treated
    kind = np.where(np.arange(n) % 150 == 0, "rare", np.where(np.arange(n) % 2 == 0, "even", "odd"))
    frames = [
        pd.DataFrame(
            {
                "student": np.arange(n), "year": year, "start": np.where(treated, 2024, np.nan),
                "school": np.arange(n) % 20, "grade": grade, "kind": kind, "score": score,
            }
        )
        for year, score in ((2023, before), (2024, after))
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True).astype({"start": "Int64"})


def panel_of(frame: pd.DataFrame) -> me.Panel:
    return me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", school="school", covariates=["grade", "kind"],
        outcomes=["score"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def overall() -> me.Estimate:
    design = me.choose_design(
        panel_of(students()), me.Nearest(ratio=1, caliper=0.3), covariates=["prior_score", "grade"]
    )
    return me.estimate_effect(design, "score", inference=me.ClusterRobust("school", small_sample="CR2"))


CELLS = {"lower": [6, 7], "upper": [8, 9]}


@pytest.fixture(scope="module")
def by_grade(overall) -> me.SubgroupEstimates:
    return me.estimate_subgroups(overall, "grade", cells=CELLS)


def test_each_level_is_what_an_evaluation_of_its_students_alone_finds(overall, by_grade):
    for group in by_grade.groups:
        alone = panel_of(students().query(f"grade in {CELLS[group.level]}"))
        design = me.choose_design(alone, overall.design.method, covariates=overall.design.covariates)
        expected = me.estimate_effect(design, "score", inference=overall.inference)
        columns = ["estimate", "std_error", "df", "conf_low", "conf_high", "p_value", "n_treated", "n_comparison"]
        pd.testing.assert_series_equal(
            group.headline[columns], expected.headline()[columns], rtol=1e-9, check_names=False
        )
        own = me.baseline_equivalence(expected)
        pd.testing.assert_frame_equal(group.baseline, own, rtol=1e-9)
        assert group.effect_size.value == pytest.approx(me.effect_size(expected).value, rel=1e-9)


def test_the_effects_put_into_the_levels_are_found_and_told_apart(by_grade):
    for group in by_grade.groups:
        assert group.headline["conf_low"] < EFFECTS[group.level] < group.headline["conf_high"]
    assert by_grade.test.p_value < 0.001


def test_what_schools_share_is_in_the_test(by_grade):
    """All twenty schools have students of both levels, so the levels are not independent."""
    frame = by_grade.frame
    apart = welch_test(frame["estimate"].to_numpy(float), np.diag(frame["std_error"].astype(float) ** 2),
                       frame["df"].to_numpy(float))  # fmt: skip
    assert by_grade.shared
    assert by_grade.test.statistic != pytest.approx(apart.statistic, rel=1e-3)
    assert by_grade.test.df_denominator == pytest.approx(apart.df_denominator, rel=1e-12)


def test_levels_of_whole_schools_are_independent(overall):
    frame = students()
    frame["school"] = frame["school"] + 100 * (frame["grade"] >= 8)
    design = me.choose_design(panel_of(frame), overall.design.method, covariates=overall.design.covariates)
    found = me.estimate_subgroups(
        me.estimate_effect(design, "score", inference=overall.inference), "grade", cells=CELLS
    )
    rows = found.frame
    apart = welch_test(rows["estimate"].to_numpy(float), np.diag(rows["std_error"].astype(float) ** 2),
                       rows["df"].to_numpy(float))  # fmt: skip
    assert not found.shared
    assert found.test.p_value == pytest.approx(apart.p_value, rel=1e-9)


def test_a_level_of_few_students_is_there_with_its_reason(overall):
    found = me.estimate_subgroups(overall, "kind")
    rows = found.frame.set_index("level")
    assert rows.index.tolist() == ["even", "odd", "rare"]
    assert rows.loc["rare", "reason"] == "too_few_students"
    assert rows.loc["rare", ["estimate", "std_error", "effect_size"]].isna().all()
    assert (rows.loc[["even", "odd"], "reason"] == "").all()
    assert found.test.df == 1, "the level without an estimate is not in the test"


def test_a_level_in_few_schools_is_there_with_its_reason(overall):
    found = me.estimate_subgroups(overall, "grade", cells=CELLS, least_clusters=30)
    assert [group.reason for group in found.groups] == ["too_few_clusters"] * 2
    assert np.isnan(found.test.p_value)


def test_students_of_no_cell_and_of_no_known_level_are_counted(overall):
    frame = students()
    frame["grade"] = frame["grade"].astype(float).mask(frame["student"] % 10 == 0)
    design = me.choose_design(panel_of(frame), overall.design.method, covariates=["prior_score"])
    whole = me.estimate_effect(design, "score", inference=overall.inference)
    found = me.estimate_subgroups(whole, "grade", cells={"sixth": [6], "seventh": [7]}).frame.set_index("level")
    assert found["reason"].tolist() == ["", "", "in_no_cell", "not_known"]
    base, entries = whole.design.baseline, whole.fit.entries
    unit, treated = base.unit[entries], base.treated[entries]
    for arm, column in ((True, "n_treated"), (False, "n_comparison")):
        chosen = frame[frame["student"].isin(unit[treated == arm]) & (frame["year"] == 2023)]
        assert found.loc["in_no_cell", column] == (chosen["grade"] >= 8).sum()
        assert found.loc["not_known", column] == chosen["grade"].isna().sum()


def test_cuts_divide_a_number_and_the_cut_is_above(overall):
    found = me.estimate_subgroups(overall, "prior_score", cuts=[46, 50])
    assert found.frame["level"].tolist() == ["<46", "46–<50", "≥50"]
    before = students().query("year == 2023").set_index("student")["score"]
    design = found.groups[2].estimate.design
    used = design.panel.units[design.baseline.unit[design.weighting.weights > 0]]
    assert (before.loc[used] >= 50).all()


def test_tests_are_adjusted_as_one_family(overall, by_grade):
    other = me.estimate_subgroups(overall, "kind")
    none = me.estimate_subgroups(overall, "grade", cells=CELLS, least_clusters=30)
    p, q = by_grade.test.p_value, other.test.p_value
    adjusted = adjust_subgroup_tests([by_grade, none, other])
    assert adjusted[[0, 2]] == pytest.approx([min(2 * p, q), q], rel=1e-12)
    assert np.isnan(adjusted[1])


@pytest.mark.parametrize(
    ("by", "options", "error", "message"),
    [
        ("school", {}, DataError, "is the school"),
        ("height", {}, DataError, "no covariate 'height'"),
        ("score", {}, DataError, "the program may have changed it"),
        ("prior_score", {}, DataError, "too many for subgroups"),
        ("grade", {"cells": {"a": [6, 7], "b": [7]}}, OptionError, "two cells"),
        ("grade", {"cells": {"a": [6], "b": [12]}}, DataError, "no student has a value of b"),
        ("grade", {"cells": {"a": [6]}, "cuts": [7]}, OptionError, "not both"),
        ("kind", {"cuts": [1]}, OptionError, "divide a number"),
        ("grade", {"cuts": [8, 7]}, OptionError, "rise from one to the next"),
        ("grade", {"least_students": 1}, OptionError, "at least 2"),
    ],
)
def test_what_can_not_be_asked_is_refused_by_name(overall, by, options, error, message):
    with pytest.raises(error, match=message):
        me.estimate_subgroups(overall, by, **options)


def test_one_pair_of_several_programs_is_refused(overall):
    frame = students()
    frame["model"] = np.where(frame["student"] % 3 == 0, "peer", "adult")
    frame["model"] = frame["model"].where(frame["start"].notna(), "none")
    panel = me.panel_from_frame(frame, unit="student", period="year", first_treated="start", school="school",
                                covariates=["grade", "model"], outcomes=["score"])  # fmt: skip
    design = me.compare_arms(panel, "model", covariates=["prior_score"]).design("peer", "none")
    with pytest.raises(EffectError, match="can not be chosen again within a subgroup"):
        me.estimate_subgroups(me.estimate_effect(design, "score"), "grade")
