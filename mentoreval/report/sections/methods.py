"""Methods: how outcomes were measured and effects estimated, with references."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import ClassVar

from mentoreval.panel.match_program import MatchProgram
from mentoreval.report.document import Block, Bullets, Heading, Paragraph
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words, opened


class Methods(Section):
    """How this was done."""

    name: ClassVar[str] = "methods"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Outcomes, estimators, uncertainty, effect sizes, missing data, small numbers, references."""
        blocks: list[Block] = []
        if program := tuple(_program(material, words)):
            blocks += [Heading(words("methods.program_title")), Bullets(program)]
        blocks += [Heading(words("methods.outcomes_title")), Bullets(tuple(_outcomes(material, words)))]
        blocks.append(Heading(words("methods.estimates_title")))
        blocks.append(Bullets(tuple(_named_texts(material, words))))
        blocks.append(Heading(words("methods.conventions_title")))
        points = ("effect_size", "baseline", "missing", "several")
        blocks.append(Bullets(tuple(words(f"methods.{point}") for point in points)))
        blocks.append(Paragraph(words("methods.disclosure", limit=words.smallest_shown)))
        blocks.append(Heading(words("methods.references_title")))
        blocks.append(Bullets(tuple(references(_kinds(material)))))
        return tuple(blocks)


def _program(material: Material, words: Words) -> Iterator[str]:
    """Who counts as having been in the program, where that was read from records."""
    program = getattr(material.study.panel, "program", None)
    if program is None or not words.has(f"program_text.{program.name}"):
        return
    yield words(f"program_text.{program.name}")
    if isinstance(program, MatchProgram):
        rule = "as_treated" if program.min_sessions else "intent_to_treat"
        yield words(f"program_rule.{rule}", min_sessions=program.min_sessions)
        yield words(f"program_rule.{program.ends}")


def _outcomes(material: Material, words: Words) -> Iterator[str]:
    """Each outcome that is estimated: unit, direction, and the rule by which it was measured."""
    for outcome in dict.fromkeys(result.plan.outcome for result in material.evaluation.results):
        facts = material.facts(outcome)
        if facts is None:
            yield words("methods.outcome_unknown", outcome=opened(words.outcome(outcome)))
            continue
        better = words("direction.higher" if facts.higher_is_better else "direction.lower")
        domain = words(f"domain.{facts.domain}")
        rule = _rule(facts.rule, words)
        yield words("methods.outcome", outcome=opened(words.outcome(outcome)), better=better, domain=domain, rule=rule)


def _rule(rule: str, words: Words) -> str:
    """A rule as ``key parameter=value …`` in words, or as it stands where the language does not know it."""
    key, *parameters = rule.split() or [""]
    if not words.has(f"rule.{key}"):
        return words("rule_as_written", rule=rule) if rule else ""
    said = {"True": words("sign.yes"), "False": words("sign.no")}
    pairs = (parameter.split("=", 1) for parameter in parameters)
    return words(f"rule.{key}", **{name: said.get(value, value) for name, value in pairs})


def _named_texts(material: Material, words: Words) -> Iterator[str]:
    """What every estimator and inference method that was used does."""
    results = material.evaluation.results
    for name in dict.fromkeys(result.plan.estimator.name for result in results):
        yield _text("estimator", name, words)
    for name in dict.fromkeys(result.estimate.inference.name for result in results):
        yield _text("inference_method", name, words)
    for reason in dict.fromkeys(result.estimate.reason for result in results if result.estimate.reason):
        yield words(f"inference_reason.{reason}")


def _text(family: str, name: str, words: Words) -> str:
    title, key = opened(words.named(family, name)), f"{family}_text.{name}"
    return words("methods.named_text", name=title, text=words(key)) if words.has(key) else title


def _kinds(material: Material) -> list[str]:
    """Names of everything that was used and may have a reference, in the order of the analysis."""
    evaluation = material.evaluation
    methods = [design.method.name for design in evaluation.designs.values()]
    estimators = [result.plan.estimator.name for result in evaluation.results]
    inference = [result.estimate.inference.name for result in evaluation.results]
    checks = [check.name for check in evaluation.study.checks]
    program = getattr(evaluation.study.panel, "program", None)
    programs = [] if program is None else [program.name]
    curves = ["specification_curve"] if evaluation.study.specifications else []
    rehearsed = ["rehearsal"] if evaluation.rehearsals else []
    adjusted = ["benjamini_hochberg"] if len(evaluation.main_estimates) > 1 else []
    return list(
        dict.fromkeys([*programs, *methods, *estimators, *inference, *checks, *curves, *rehearsed, *adjusted, "wwc"])
    )


def references(kinds: list[str]) -> list[str]:
    """The references of these kinds, each once, in alphabetical order."""
    table = _reference_table()
    return sorted({text for kind in kinds for text in table.get(kind, ())})


@lru_cache
def _reference_table() -> dict[str, list[str]]:
    text = files("mentoreval.report").joinpath("references.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
