"""Project STAR: published results from real classrooms, reproduced with the public verbs.

Stock & Watson, Introduction to Econometrics, Table 13.1: reading plus math score on small class and aide, HC1 errors.
Grade 1 as published 29.78 (2.83), aide 11.96 (2.65), n 6,379; the public file has 6,377 of them. Grade 2 as published
19.39 (2.71); grade 3 as published 15.59 (2.40).
"""

import importlib.util

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

import mentoreval as me


@pytest.fixture(scope="module")
def star(real_data, root):
    """The wide file, and the study's own prepare script."""
    spec = importlib.util.spec_from_file_location("star_prepare", root / "reports/star_small_classes/prepare.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    wide = pd.read_csv(real_data / "star_students.csv.gz", low_memory=False)
    return lambda grade: script.prepare_grade(wide, grade)


def panel_of(frame, outcomes):
    return me.panel_from_frame(
        frame,
        unit="student_id",
        treated="small_class",
        covariates=["aide"],
        outcomes=outcomes,
        school="school_id",
        mentor="teacher_id",
    )


@pytest.mark.parametrize(
    ("grade", "effect", "error", "n"),
    [("g1", 29.79, 2.83, 6377), ("g2", 19.39, 2.71, 6049), ("g3", 15.59, 2.40, 5967)],
)
def test_small_classes_as_published(star, grade, effect, error, n):
    design = me.choose_design(panel_of(star(grade), ["reading_math_score"]))
    found = me.estimate_effect(
        design, "reading_math_score", me.RegressionAdjustment(), inference=me.HeteroskedasticityRobust("HC1")
    ).headline()
    assert found["estimate"].round(2) == effect
    assert found["std_error"].round(2) == error
    assert found["n_treated"] + found["n_comparison"] == n


@pytest.mark.parametrize("grade", ["gk", "g1", "g3"])
def test_days_absent_with_school_effects_and_teacher_clusters_equals_statsmodels(star, grade):
    frame = star(grade)
    design = me.choose_design(panel_of(frame, ["days_absent"]))
    found = me.estimate_effect(
        design,
        "days_absent",
        me.RegressionAdjustment(fixed_effects=("school",)),
        inference=me.ClusterRobust("mentor", small_sample="CR1"),
    ).headline()
    known = frame.dropna(subset=["days_absent"])
    teacher = known["teacher_id"].fillna("unknown")  # one student of grade 3: a cluster of his own
    oracle = smf.ols("days_absent ~ small_class + aide + C(school_id)", known).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(teacher)[0]}
    )
    assert found["estimate"] == pytest.approx(oracle.params["small_class"], abs=1e-8)
    # statsmodels counts the 70-odd school effects as parameters: so do we, since schools are not nested in teachers.
    assert found["std_error"] == pytest.approx(oracle.bse["small_class"], rel=1e-6)
    assert found["n_clusters"] == teacher.nunique()


def test_small_classes_did_not_change_attendance_in_grade_1(star):
    design = me.choose_design(panel_of(star("g1"), ["days_absent"]))
    found = me.estimate_effect(
        design, "days_absent", me.RegressionAdjustment(fixed_effects=("school",)), inference=me.ClusterRobust("mentor")
    ).headline()
    assert found["conf_low"] < 0 < found["conf_high"]
    assert abs(found["estimate"]) < 1


def test_grade_2_has_no_days_absent_and_says_so(star):
    with pytest.raises(me.MentorevalError, match=r"days_absent|outcome"):
        me.estimate_effect(me.choose_design(panel_of(star("g2"), ["days_absent"])), "days_absent")


def test_the_study_runs_from_its_file(real_data, root):
    evaluation = me.run_study(root / "reports/star_small_classes/study.toml")
    score = evaluation.with_role("headline")[0]
    assert score.headline["estimate"].round(2) == 29.79
    assert np.isfinite(score.effect_size.value)
