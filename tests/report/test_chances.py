"""Chances and costs in words: never certain, never a cost that has no bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mentoreval.errors import StudyError
from mentoreval.evidence.decision import Prior
from mentoreval.report.chances import find_chance, say_chances, say_costs, spoken_share
from mentoreval.report.plain import say_result
from mentoreval.report.section import Material
from mentoreval.report.words import Words
from mentoreval.study.read import read_study
from mentoreval.study.study import CostPlan

WORDS = Words("en")


def told(evaluation, say, language="en", **changes) -> str:
    material = Material.gather(replace(evaluation, study=replace(evaluation.study, **changes)), {})
    out = []
    for block in say(material, Words(language)):
        out += list(block.items) if block.kind == "bullets" else [block.text]
    return "\n".join(out)


def test_a_chance_for_each_result_of_which_it_is_known_what_matters(evaluation):
    text = told(evaluation, say_chances)
    assert "Attendance rate: the chance is" in text
    assert "Grade point average: the chance is" in text
    assert "Chronic absence:" not in text
    assert "1.8 days a year or more" in text  # 0.01 of 180 days
    assert "100%" not in text
    assert told(evaluation, say_chances, meaningful={}) == ""


def test_the_first_page_says_the_same_chance_in_one_sentence(evaluation):
    material = Material.gather(evaluation, {})
    results = {result.plan.outcome: result for result in evaluation.with_role("headline")}
    first = {name: " ".join(say_result(material, result, WORDS).sentences) for name, result in results.items()}
    better = find_chance(material, results["attendance_rate"]).better
    assert better > 0.5
    expected = f"The chance of an improvement of 1.8 days a year or more is {spoken_share(better, WORDS)}."
    assert first["attendance_rate"].endswith(expected)
    assert find_chance(material, results["chronic_absence"]) is None, "the study does not say what would matter"
    assert "chance" not in first["chronic_absence"]
    assert "likely smaller than 0.30" in first["gpa"]
    assert "chance" not in first["gpa"], "a difference that is small at most is said to be small"


@pytest.mark.parametrize(("chance", "said"), [(0.999, "more than 99%"), (0.001, "less than 1%"), (0.634, "about 63%")])
def test_no_chance_is_certain(chance, said):
    assert spoken_share(chance, WORDS) == said


def test_a_prior_is_stated(evaluation):
    text = told(evaluation, say_chances, prior={"gpa": Prior(0.0, 0.2)})
    assert "0.20 grade points (normal prior)" in text
    spanish = told(evaluation, say_chances, "es", prior={"gpa": Prior(0.0, 0.2)})
    assert "distribución previa normal" in spanish


def test_a_day_has_a_price_only_where_the_effect_has_a_sign(evaluation):
    cost = CostPlan(450, "USD", "mentors and snacks")
    text = told(evaluation, say_costs, cost=cost)
    assert "The program costs USD 450 for each student: mentors and snacks." in text
    result = next(each for each in evaluation.results if each.plan.outcome == "attendance_rate")
    low, high = (float(result.headline[name]) for name in ("conf_low", "conf_high"))
    assert low > 0
    words = Words("en")
    ends = [450 / (180 * end) for end in (high, low)]
    for end in ends:
        assert f"USD {words.number(end, 0 if max(ends) >= 100 else 2)}" in text
    wide = replace(result.estimate, limits=result.estimate.frame[["conf_low", "conf_high"]].to_numpy() - [[high, 0.0]])
    unsure = replace(evaluation, results=(replace(result, estimate=wide),))
    hidden = told(unsure, say_costs, cost=cost)
    assert "no cost of one more day is given. The difference may be zero" in hidden
    assert told(evaluation, say_costs) == ""


def test_the_study_file_may_name_families_priors_and_a_cost(evaluation, tmp_path):
    text = evaluation.study.path.read_text(encoding="utf-8")
    more = '\n[prior.gpa]\nmean = 0.0\nsd = 0.2\n\n[cost]\nper_student = 450\ncurrency = "USD"\nwhat = "mentors"\n'
    file = tmp_path / "study.toml"
    first = 'role = "headline"\n'
    file.write_text(text.replace(first, first + 'family = "school life"\n', 1) + more, encoding="utf-8")
    study = read_study(file)
    assert study.cost == CostPlan(450, "USD", "mentors")
    assert study.prior == {"gpa": Prior(0.0, 0.2)}
    assert [plan.family for plan in study.estimates if plan.family] == ["school life"]
    for wrong, message in (
        (more.replace("450", "-3"), "per_student is a number above 0"),
        (more.replace("per_student", "per_pupil"), r"\[cost\] has no key 'per_pupil'"),
        (more.replace("sd = 0.2", "sd = 0.0"), "sd above 0"),
    ):
        file.write_text(text + wrong, encoding="utf-8")
        with pytest.raises(StudyError, match=message):
            read_study(file)
