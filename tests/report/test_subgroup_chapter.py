"""The chapters on subgroups, on what took place, on costs, and the appendix, as they are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentoreval.errors import StudyError
from mentoreval.report.disclosure import protect_all
from mentoreval.report.document import Paragraph, Table
from mentoreval.report.exhibits import EXHIBITS, BalanceComparison, DosageTable, LovePlot, MeetingWeeks
from mentoreval.report.plain import say_result
from mentoreval.report.section import Material
from mentoreval.report.sections import SECTIONS
from mentoreval.report.sections.findings import say_finding
from mentoreval.report.summary import summarize
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation, run_study
from mentoreval.study.intervention import InterventionPlan
from mentoreval.study.read import read_study

WORDS = Words("en")


@pytest.fixture(scope="module")
def material(evaluation) -> Material:
    return Material.gather(evaluation, EXHIBITS)


def chapter(material: Material, name: str, words: Words = WORDS) -> str:
    """Every text of a chapter."""
    said: list[str] = []
    for block in SECTIONS[name]().write(material, words):
        said += getattr(block, "items", ()) or [getattr(block, "text", "")]
        for row in getattr(block, "rows", ()):
            said.append(" | ".join(row))
    return "\n".join(said)


def tables(material: Material, name: str) -> dict[str, Table]:
    return {block.name: block for block in SECTIONS[name]().write(material, WORDS) if isinstance(block, Table)}


# ---------------------------------------------------------------------------------------------- subgroups
def test_every_level_has_a_row_and_a_baseline_table_of_its_own(evaluation, material):
    found = tables(material, "subgroups")
    assert [row[1] for row in found["table-subgroup_table-gender"].rows[:3]] == [
        "Everyone",
        "Female",
        "Male",
    ]
    levels = {(one.name, group.level) for one in evaluation.subgroups for group in one.found.estimated}
    assert levels == {("gender", "F"), ("gender", "M"), ("grades", "lower"), ("grades", "upper")}
    captions = [table.caption for name, table in found.items() if "subgroup_baseline" in name]
    for level in ("Gender: female", "Gender: male", "Grade level: lower", "Grade level: upper"):
        assert any(caption.startswith(level) for caption in captions)


def test_each_test_of_a_difference_is_said_with_both_p_values(evaluation, material):
    text = chapter(material, "subgroups")
    assert "This report makes 6 such tests" in text
    for one in evaluation.subgroups:
        p, adjusted = WORDS.p_value(one.found.test.p_value), WORDS.p_value(one.p_adjusted)
        assert f"p\u00a0{p}; {adjusted} once all such tests are counted" in text
        assert one.p_adjusted >= one.found.test.p_value - 1e-12


def test_levels_are_called_by_their_names_in_spanish(material):
    text = chapter(material, "subgroups", Words("es", choices={"lower": "grados 6 y 7"}))
    assert "Grados 6 y 7" in text
    assert "Femenino" in text


def test_the_file_of_estimates_has_the_levels(material):
    rows = material.estimates.frame.query("role == 'subgroup'")
    assert len(rows) == 3 * 4
    assert rows["name"].str.contains("/gender=F").sum() == 3


def test_a_study_may_name_subgroups_and_is_told_what_is_wrong(evaluation, tmp_path):
    text = evaluation.study.path.read_text(encoding="utf-8")
    file = tmp_path / "study.toml"
    wrong = {
        'by = "gender"': ('cuts = ["x"]', "has no by"),
        "cells = { lower = [6, 7], upper = [8] }": ("cells = [6, 7]", "cells is a table of lists"),
        'by = "grade_level"': ('by = "grade_level"\nleast = 3', "has no key 'least'"),
    }
    for old, (new, message) in wrong.items():
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(StudyError, match=message):
            read_study(file)


# ---------------------------------------------------------------------------------------------- what took place
def test_the_dosage_chapter_says_that_it_describes(evaluation, material):
    text = chapter(material, "dosage")
    assert "It says nothing of what the program did." in text
    matches = evaluation.fidelity.matches
    assert f"Matches of a mentor and a student | {len(matches)}" in text
    per_month = matches["sessions"] / (matches["weeks_matched"] * 12 / 52)
    assert f"{per_month.median():.1f}" in text
    without = Material.gather(replace(evaluation, fidelity=None), EXHIBITS)
    assert "do not hold the meetings" in chapter(without, "dosage")


def test_matches_in_bands_of_weeks_are_all_of_them_and_few_are_hidden(evaluation):
    (bands,) = MeetingWeeks.gather(evaluation)
    assert bands.frame["n"].sum() == len(evaluation.fidelity.matches)
    assert bands.frame["n"].iloc[0] == (evaluation.fidelity.matches["sessions"] == 0).sum()
    few = replace(bands, frame=pd.DataFrame({"entry": list(bands.frame["entry"]), "n": [4, 40, 40, 40, 36]}))
    together = {"meeting_weeks": (few,), "dosage_table": DosageTable.gather(evaluation)}
    (shown,) = protect_all(together).exhibits["meeting_weeks"]
    texts = [row[1] for row in shown.table(WORDS).rows]
    assert texts[0] == "<10"
    assert texts.count("not shown") >= 1, "160 less the others would be four"


def test_quartiles_of_few_matches_are_not_shown(evaluation):
    some = replace(evaluation.fidelity, matches=evaluation.fidelity.matches.head(39))
    (exhibit,) = protect_all({"dosage_table": DosageTable.gather(replace(evaluation, fidelity=some))}).exhibits[
        "dosage_table"
    ]
    assert exhibit.frame[["low", "median", "high"]].isna().all().all()


# ---------------------------------------------------------------------------------------------- the appendix
def test_the_appendix_has_the_eight_tables_in_order(evaluation, material):
    found = tables(material, "appendix")
    assert list(found) == [f"table-appendix-t{number}" for number in range(1, 8)]
    text = chapter(material, "appendix")
    assert "What the comparison got | not stated by the authors" in text
    assert "This table is for studies in which chance decided" in text
    said = InterventionPlan(what="An hour a week with a coach", conflicts="none")
    stated = replace(evaluation, study=replace(evaluation.study, intervention=said))
    assert "An hour a week with a coach" in chapter(Material.gather(stated, EXHIBITS), "appendix")
    means = found["table-appendix-t6"].rows
    assert [row[0] for row in means[:2]] == ["Attendance rate before the program", "Attendance rate"]


def test_after_a_lottery_the_appendix_says_who_is_missing_and_the_first_page_excuses_gaps(evaluation):
    lottery = replace(evaluation.panel, assignment="random")
    results = []
    for result in evaluation.results:
        design = replace(result.estimate.design, panel=lottery)
        fit = replace(result.estimate.fit, design=design)
        far = result.baseline.assign(band="not_satisfied", effect_size=0.4)
        results.append(replace(result, estimate=replace(result.estimate, fit=fit), baseline=far))
    drawn = Material.gather(replace(evaluation, results=tuple(results), panel=lottery), {})
    observed = Material.gather(evaluation, {})
    for one, other in zip(drawn.headlines, observed.headlines, strict=True):
        lost = say_result(drawn, one, WORDS)
        kept = say_result(observed, replace(other, baseline=one.baseline), WORDS)
        assert kept.label == "Not a fair comparison"
        from mentoreval.evidence.attrition import measure_attrition

        low = measure_attrition(one.estimate).case == "low"
        assert (lost.label == "Not a fair comparison") is not low


# ---------------------------------------------------------------------------------------------- too few
def test_of_too_few_students_no_number_is_given(evaluation):
    first = evaluation.results[0]
    few = replace(first, headline=first.headline.copy())
    few.headline["n_treated"] = 7
    small = Material.gather(replace(evaluation, results=(few, *evaluation.results[1:])), EXHIBITS)
    statement = say_result(small, few, WORDS)
    assert statement.label == "Too few to say"
    assert "fewer than 10 students" in statement.sentences[0]
    (plot,) = small.shown("impact_plot")
    assert plot.frame.loc[0, ["estimate", "conf_low", "conf_high"]].isna().all()
    assert plot.frame.loc[1, ["estimate", "conf_low", "conf_high"]].notna().all()
    row = small.estimates.frame.iloc[0]
    assert row[["estimate", "std_error", "conf_low", "p_value", "mean_treated"]].isna().all()
    plot.picture(WORDS)


def test_a_love_plot_has_no_mark_of_a_trait_that_few_have(evaluation):
    design = evaluation.designs["matched"]
    everything = LovePlot.of_design(design).frame
    assert everything["after"].notna().all()
    n = int(design.flow[-1].n_treated)
    hidden = LovePlot.of_design(design, limit=n).frame
    rare = hidden["covariate"].isin(["gender", "prior_chronic_absence"])
    assert hidden.loc[rare, "after"].isna().all()
    assert hidden.loc[~rare, "after"].notna().all()


def test_a_comparison_of_designs_has_no_mark_of_a_trait_that_few_have(evaluation):
    everything = BalanceComparison.of_designs(evaluation.designs).frame
    assert everything["after"].notna().all()
    assert set(everything.loc[everything["covariate"] == "gender", "level"]) == {"F", "M"}
    n = int(evaluation.designs["matched"].flow[-1].n_treated)
    hidden = BalanceComparison.of_designs(evaluation.designs, limit=n).frame
    rare = hidden["covariate"].isin(["gender", "prior_chronic_absence"])
    assert hidden.loc[rare, "after"].isna().all()
    assert hidden.loc[~rare, "after"].notna().all()


def test_neither_findings_nor_the_summary_speak_in_numbers_of_too_few(evaluation):
    first = evaluation.results[0]
    few = replace(first, headline=first.headline.copy())
    few.headline["n_treated"] = 7
    small = replace(evaluation, results=(few, *evaluation.results[1:]))
    material = Material.gather(small, EXHIBITS)
    for finding in few.findings:
        (sentence,) = say_finding(material, few, finding, WORDS).sentences
        assert "fewer than 10 students" in sentence
    said, other, _ = summarize(small, "en")
    assert said.startswith("Attendance rate: One of the groups has fewer than 10 students")
    assert "fewer than 10" not in other


def test_a_change_in_a_share_that_is_not_said_is_not_said_either(evaluation):
    result = evaluation.results[1]
    assert result.plan.outcome == "chronic_absence"
    finding = next(one for one in result.findings if one.check == "regression_to_the_mean")
    material = Material.gather(evaluation, EXHIBITS)
    rare = result.baseline.assign(mean_treated=0.01)
    assert "how few students" in say_finding(material, replace(result, baseline=rare), finding, WORDS).sentences[0]
    common = result.baseline.assign(mean_treated=0.5, mean_comparison=0.4)
    size = replace(result.effect_size, mean_treated=0.5, mean_comparison=0.5)
    told = say_finding(material, replace(result, baseline=common, effect_size=size), finding, WORDS)
    assert "how few students" not in told.sentences[0]


# ---------------------------------------------------------------------------------------------- dosage
@pytest.fixture(scope="module")
def by_dosage(tmp_path_factory) -> Evaluation:
    """Eighty students of whom forty had 1 to 40 meetings; marks rise by half a point with every meeting."""
    folder = tmp_path_factory.mktemp("dosage")
    meetings = np.where(np.arange(80) < 40, np.arange(80) + 1.0, np.nan)
    frame = pd.DataFrame({"student": np.arange(80), "mentored": np.arange(80) < 40, "meetings": meetings})
    frame["marks"] = 50 + 0.5 * frame["meetings"].fillna(0) + np.tile([-1.0, 1.0], 40)
    frame.assign(mentored=frame["mentored"].astype(int)).to_csv(folder / "students.csv", index=False)
    (folder / "study.toml").write_text(DOSAGE)
    return run_study(folder / "study.toml")


DOSAGE = """
title = "Meetings"
question = "Do meetings help?"

[data]
file = "students.csv"

[panel]
unit = "student"
treated = "mentored"
dosage = "meetings"
outcomes = ["marks"]

[design.all]
method = "unadjusted"

[[estimate]]
outcome = "marks"
design = "all"
estimator = "difference_in_means"
role = "headline"

[[estimate]]
outcome = "marks"
design = "all"
estimator = "dose_response"
name = "by meetings"
"""


def test_results_by_dosage_are_tabled_where_the_program_is_described(by_dosage):
    material = Material.gather(by_dosage, EXHIBITS)
    (table,) = [one for name, one in tables(material, "dosage").items() if "dose_response" in name]
    ((outcome, compared, students, slope, interval, _),) = table.rows
    meetings = np.arange(1, 41)
    expected = np.polyfit(meetings, 50 + 0.5 * meetings + np.tile([-1.0, 1.0], 20), 1)[0]
    assert (outcome, compared) == ("Marks", "one unit more of the program")
    assert (students, slope) == ("40", f"+{expected:.2f}")
    low, high = map(float, interval.split(" to "))
    assert low < 0.5 < high
    assert material.shown("robustness_table") == ()
    for text in ("It is a description", "no effect of the program"):
        assert text in chapter(material, "dosage")


def test_bins_of_dosage_and_points_of_a_curve_have_a_row_each(by_dosage):
    path = by_dosage.study.path
    bins = 'estimator = { kind = "dose_response", shape = "bins", bins = [11, 31] }'
    curve = 'estimator = { kind = "dose_response", shape = "spline", knots = [5, 20, 35] }'
    both = f'{bins}\nname = "bins"\n\n[[estimate]]\noutcome = "marks"\ndesign = "all"\n{curve}'
    path.write_text(DOSAGE.replace('estimator = "dose_response"', both))
    material = Material.gather(run_study(path), EXHIBITS)
    (table,) = [one for name, one in tables(material, "dosage").items() if "dose_response" in name]
    assert [row[1] for row in table.rows] == [
        "11 to under 31, against under 11", "31 or more, against under 11",
        "20, against the lowest value on the curve", "35, against the lowest value on the curve",
    ]  # fmt: skip
    marks = 50 + 0.5 * np.arange(1, 41) + np.tile([-1.0, 1.0], 20)
    assert [row[2:4] for row in table.rows[:2]] == [
        ("20", f"+{marks[10:30].mean() - marks[:10].mean():.2f}"),
        ("10", f"+{marks[30:].mean() - marks[:10].mean():.2f}"),
    ]
    sizes = material.evaluation.results[1].effect_size
    assert (sizes.reason, np.isnan(sizes.value)) == ("it_describes", True)
    assert list(material.evaluation.estimates) == ["marks_all_difference_in_means"]


def test_a_description_is_no_headline(by_dosage):
    path = by_dosage.study.path
    path.write_text(DOSAGE.replace('name = "by meetings"', 'role = "headline"'))
    with pytest.raises(StudyError, match="describes, and shows no effect"):
        read_study(path)


def test_a_study_that_knows_no_price_says_so(material):
    blocks = SECTIONS["cost"]().write(material, WORDS)
    assert blocks == (Paragraph("The study does not say what the program costs."),)
