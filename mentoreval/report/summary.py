"""Summary: what a study found, as one paragraph for the end of a command and for the page that lists studies."""

from __future__ import annotations

from typing import cast

from mentoreval.evidence.wwc import judge_arms
from mentoreval.report.disclosure import protect
from mentoreval.report.estimates_file import EstimatesFile
from mentoreval.report.plain import say_result
from mentoreval.report.section import Material, other_program
from mentoreval.report.words import Words, unit_of
from mentoreval.study.evaluation import Evaluation, Result

SAID_OF_A_RESULT = 2
"""What was found and how sure it is, after the other program where the comparison has one; a third sentence where the
groups were not alike: not to read it as an effect."""


def summarize(evaluation: Evaluation, language: str) -> tuple[str, ...]:
    """What was found for each outcome with its uncertainty, as on the first page of the report but shorter.

    language : "en" or "es"
    returns : one text for each main outcome, in days or grade points
    """
    study = evaluation.study
    said = study.said_in(language)
    unit = unit_of(evaluation.panel.unit)
    words = Words(language, said.outcome_names, unit, said.choice_names, study.disclosure_threshold)
    (estimates,) = protect({EstimatesFile.name: EstimatesFile.gather(evaluation)}, study.disclosure_threshold)[
        EstimatesFile.name
    ]
    material = Material(evaluation, {}, cast(EstimatesFile, estimates)).said_in(language)
    return tuple(_said(material, result, words) for result in material.headlines)


def _said(material: Material, result: Result, words: Words) -> str:
    statement = say_result(material, result, words)
    if not material.smaller_arm(result):
        return words("first.summary_too_few", outcome=statement.title, why=" ".join(statement.sentences))
    alike = judge_arms(result.estimate, result.baseline).case != "not_alike"
    before = 1 if other_program(result.estimate.design, words) else 0
    return " ".join(statement.sentences[: before + (SAID_OF_A_RESULT if alike else SAID_OF_A_RESULT + 1)])
