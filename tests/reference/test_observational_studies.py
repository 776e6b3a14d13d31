"""Studies of real students whose treatment was not drawn by lot: what must be said is what could not be reached."""

import pytest

import mentoreval as me


@pytest.fixture(scope="module")
def school_support(real_data, root):
    return me.run_study(root / "reports/uci_school_support/study.toml")


@pytest.fixture(scope="module")
def tutoring(real_data, root):
    return me.run_study(root / "reports/online_tutoring/study.toml")


def by_name(evaluation, name):
    return next(result for result in evaluation.results if result.plan.name == name)


def test_support_goes_to_students_who_struggle(school_support):
    """Raw, supported students end 1.13 grade points lower (published means); at equal starts they do not."""
    raw = by_name(school_support, "final_grade_everyone_difference_in_means")
    assert raw.headline["estimate"] == pytest.approx(9.431372549 - 10.561046512, abs=1e-8)
    before = raw.baseline.set_index("covariate").loc["first_period_grade"]
    assert before["effect_size"] < -0.25
    assert before["band"] == "not_satisfied"
    matched = by_name(school_support, "final_grade_matched_regression_adjustment")
    assert matched.headline["estimate"] > 0


def test_the_unadjusted_comparison_fails_and_the_matched_one_needs_adjustment(school_support):
    verdict = {
        name: {finding.check: finding.verdict for finding in by_name(school_support, name).findings}
        for name in ("final_grade_everyone_difference_in_means", "final_grade_matched_regression_adjustment")
    }
    assert verdict["final_grade_everyone_difference_in_means"]["wwc_baseline_equivalence"] == "fail"
    assert verdict["final_grade_matched_regression_adjustment"]["wwc_baseline_equivalence"] in ("caution", "fail")


def test_absences_have_no_pretest_so_equivalence_cannot_be_judged_better_than_that(school_support):
    absences = by_name(school_support, "absences_matched_regression_adjustment")
    verdicts = {finding.check: finding.verdict for finding in absences.findings}
    assert verdicts["wwc_baseline_equivalence"] in ("cannot_judge", "fail")


def test_tutoring_published_counts_and_raw_difference(tutoring):
    """918 students without, 224 with tutoring (134 once, 90 more often); mean grades 2.791 against 3.179 and 3.489."""
    raw = by_name(tutoring, "course_grade_everyone_difference_in_means").headline
    assert (raw["n_treated"], raw["n_comparison"]) == (224, 918)
    assert raw["estimate"] == pytest.approx((134 * 3.179 + 90 * 3.489) / 224 - 2.791, abs=1e-3)


def test_tutoring_is_matched_within_its_course(tutoring):
    design = tutoring.designs["matched"]
    pairs = design.matched_sets
    course = tutoring.panel.frame.set_index("student_id")["course"]
    assert (course.loc[pairs["treated"]].to_numpy() == course.loc[pairs["comparison"]].to_numpy()).all()
    assert by_name(tutoring, "course_grade_matched_regression_adjustment").headline["conf_low"] > 0


def test_the_report_says_that_selection_was_negative_and_what_is_not_alike(school_support, tmp_path):
    page, *_ = me.write_report(school_support, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "stood worse than the others in first period grade" in text
    worst = school_support.designs["matched"].balance().opinion
    assert worst.verdict in ("caution", "fail")
    assert f"{abs(worst.value):.2f} (study time)" in text
