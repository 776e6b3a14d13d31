"""Appendix: the tables T1 to T8 of the What Works Clearinghouse's reporting guide, in its order."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import fields
from typing import ClassVar, cast

import pandas as pd

from mentoreval.evidence.attrition import measure_attrition
from mentoreval.evidence.check import Finding
from mentoreval.panel.match_program import MatchProgram
from mentoreval.report import amounts
from mentoreval.report.disclosure import coded_numbers, shown_count
from mentoreval.report.document import Block, Column, Heading, Paragraph, Table
from mentoreval.report.section import Material, Section
from mentoreval.report.uncertainty import degrees_of_freedom
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result

Rows = tuple[tuple[str, ...], ...]
ARMS = ("treated", "comparison")
LOST = ("overall", "differential", "lost_treated", "lost_comparison")


class Appendix(Section):
    """For reviewers."""

    name: ClassVar[str] = "appendix"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Eight tables; what the authors alone can say and did not is said to be not stated."""
        blocks: list[Block] = [Paragraph(words("appendix.intro"))]
        parts = (_intervention, _sample, _registration, _measures, _formation)
        blocks += [_facts(f"t{number}", tuple(part(material, words)), words) for number, part in enumerate(parts, 1)]
        blocks += [_descriptive(material, words), _results(material, words), *_attrition(material, words)]
        return tuple(blocks)


def _facts(name: str, rows: Rows, words: Words) -> Table:
    """A table of items and what is said of them."""
    columns = (Column(words("column.item"), numeric=False), Column(words("column.stated"), numeric=False))
    return Table(f"table-appendix-{name}", words(f"appendix.{name}"), columns, rows)


def _stated(material: Material, words: Words, *names: str) -> Iterator[tuple[str, str]]:
    """What the authors say, or that they do not."""
    known = {option.name for option in fields(material.study.intervention)}
    for name in (name for name in names if name in known):
        text = getattr(material.study.intervention, name)
        yield words(f"appendix_item.{name}"), text or words("appendix.not_stated")


def _intervention(material: Material, words: Words) -> Iterator[tuple[str, str]]:
    yield words("appendix_item.program"), opened(material.program(words))
    program = getattr(material.study.panel, "program", None)
    if program is not None and words.has(f"program_text.{program.name}"):
        rule = ""
        if isinstance(program, MatchProgram):
            key = "as_treated" if program.min_sessions else "intent_to_treat"
            rule = " " + words(f"program_rule.{key}", min_sessions=program.min_sessions)
        yield words("appendix_item.who_counts"), words(f"program_text.{program.name}") + rule
    yield from _stated(material, words, "what", "comparison", "provider")


def _sample(material: Material, words: Words) -> Iterator[tuple[str, str]]:
    panel, study = material.evaluation.panel, material.study
    yield words("appendix_item.setting"), study.setting or words("appendix.not_stated")
    yield words("appendix_item.source"), study.data.source or words("appendix.not_stated")
    flows = material.shown("sample_flow")
    if flows:
        units = shown_count(flows[0].facts.get("units", panel.n_units), words)
        yield words("appendix_item.in_records"), words("appendix.students", count=units)
    if panel.school is not None:
        yield words("appendix_item.schools"), words.count(panel.frame[panel.school].nunique())
    periods = panel.timeline.periods
    yield words("appendix_item.periods"), ", ".join(str(period) for period in periods)
    yield words("appendix_item.starts"), words.listing([str(panel.timeline.label(clock)) for clock in panel.cohorts])


def _registration(material: Material, words: Words) -> Iterator[tuple[str, str]]:
    yield from _stated(material, words, "registration")
    locked = material.evaluation.registration
    if locked is None:
        yield words("appendix_item.locked"), words("plan.not_locked")
    else:
        day = words.date(datetime.date.fromisoformat(locked.locked_on))
        yield words("appendix_item.locked"), words("plan.locked", day=day, digest=locked.digest[:12])
    yield from _stated(material, words, "conflicts", "funding")


def _measures(material: Material, words: Words) -> Iterator[tuple[str, str]]:
    yield words("appendix_item.assignment"), words(f"appendix.assignment_{material.evaluation.panel.assignment}")
    for name, design in material.designs.items():
        method = words.named("design_method", design.method.name)
        said = words("label.design", method=method, estimand=design.estimand)
        yield words("appendix_item.design", design=material.design_name(name, words)), said
    for outcome in dict.fromkeys(result.plan.outcome for result in material.headlines):
        facts = material.facts(outcome)
        label = words("appendix_item.measure", outcome=words.outcome(outcome))
        if facts is None:
            yield label, words("appendix.not_stated")
            continue
        better = words("direction.higher" if facts.higher_is_better else "direction.lower")
        unit = words(f"unit.{amounts.table_scale(facts).name}")
        yield label, words("appendix.measure", domain=words(f"domain.{facts.domain}"), unit=unit, better=better)


def _formation(material: Material, words: Words) -> Iterator[tuple[str, str]]:
    for name, design in material.designs.items():
        covariates = [words.covariate(one) for one in design.covariates] or [words("sign.none")]
        yield words("appendix_item.covariates", design=material.design_name(name, words)), words.listing(covariates)
    for result in material.headlines:
        estimate, outcome = result.estimate, words.outcome(result.plan.outcome, result.plan.contrast)
        adjusts = [words.covariate(one) for one in estimate.fit.estimator.adjusts_for(estimate.design)]
        said = words(
            "appendix.analysis",
            estimator=words.named("estimator", result.plan.estimator.name),
            inference=words.named("inference_method", estimate.inference.name),
            cluster=words.named("clusters", estimate.cluster or "student"),
            covariates=adjusts or [words("sign.none")],
        )
        yield words("appendix_item.analysis", outcome=outcome), said
    yield words("appendix_item.missing"), words("methods.missing")


def _descriptive(material: Material, words: Words) -> Table:
    """Each measure before and after the program, on the analytic sample, as observed."""
    columns = [Column(words("column.measure"), numeric=False)]
    for arm in ARMS:
        columns += [Column(words(f"column.{key}"), group=words(f"arm.n_{arm}")) for key in ("n", "mean_sd")]
    rows = [row for result in material.headlines for row in _before_and_after(material, result, words)]
    notes = (words("note.appendix_descriptive"),)
    return Table("table-appendix-t6", words("appendix.t6"), tuple(columns), tuple(rows), notes)


def _before_and_after(material: Material, result: Result, words: Words) -> Iterator[tuple[str, ...]]:
    facts, outcome = material.facts(result.plan.outcome), result.plan.outcome
    pretest = result.estimate.design.panel.pretest(outcome)
    for exhibit in material.shown("baseline_table"):
        shared = cast("tuple[str, ...]", exhibit.facts["outcomes"])
        own = exhibit.facts["design"] == result.plan.design and outcome in shared
        for _, row in exhibit.frame[exhibit.frame["covariate"] == pretest].iterrows() if own else ():
            yield opened(words.covariate(str(pretest))), *_arm_cells(row, facts, words)
    for exhibit in material.shown("impact_table"):
        for _, row in exhibit.frame[exhibit.frame["name"] == result.plan.name].iterrows():
            yield opened(words.outcome(outcome, result.plan.contrast)), *_arm_cells(row, facts, words)


def _arm_cells(row: pd.Series, facts: object, words: Words) -> Iterator[str]:
    for arm in ARMS:
        n, mean, sd = row[f"n_{arm}"], float(row[f"mean_{arm}"]), float(row[f"sd_{arm}"])
        yield shown_count(n, words)
        yield amounts.mean_and_sd(words, facts, mean, sd, n)  # type: ignore[arg-type]


def _results(material: Material, words: Words) -> Table:
    """Every main result with its uncertainty and effect size."""
    confidence = material.study.confidence
    keys = (
        "difference", "std_error", "interval", "df", "p_value", "p_adjusted", "effect_size", "effect_size_std_error",
        "improvement_index",
    )  # fmt: skip
    columns = [Column(words("column.outcome"), numeric=False)]
    columns += [Column(words(f"column.{key}", confidence=confidence)) for key in keys]
    rows = [
        _result_row(row, material, words)
        for exhibit in material.shown("impact_details")
        for _, row in exhibit.frame.iterrows()
    ]
    return Table("table-appendix-t7", words("appendix.t7"), tuple(columns), tuple(rows))


def _result_row(row: pd.Series, material: Material, words: Words) -> tuple[str, ...]:
    scale = amounts.table_scale(material.facts(str(row["outcome"])))
    return (
        amounts.named_with_unit(words, opened(words.outcome(row["outcome"], row["pair"])), scale),
        amounts.digits(words, scale, row["estimate"], signed=True),
        amounts.digits(words, scale, row["std_error"]),
        amounts.bounds(words, scale, row["conf_low"], row["conf_high"]),
        degrees_of_freedom(words, float(row["df"])),
        words.p_value(float(row["p_value"])),
        words.p_value(float(row["p_adjusted"])),
        words.number(float(row["effect_size"]), 2, signed=True),
        words.number(float(row["effect_size_std_error"]), 3),
        words.number(float(row["improvement_index"]), 0, signed=True),
    )


def _attrition(material: Material, words: Words) -> list[Block]:
    """Who of a lottery is missing; where there was none, why the table does not apply."""
    rows = []
    for result in material.headlines:
        found = measure_attrition(result.estimate)
        if found is None:
            return [Heading(words("appendix.t8")), Paragraph(words("appendix.no_lottery"))]
        shares: dict[str, object] = {name: getattr(found, name) for name in LOST}
        coded = coded_numbers(Finding("attrition", "info", "", shares), material.smaller_arm(result), words)
        verdict = words(f"appendix_attrition.{found.case}")
        rows.append((opened(words.outcome(result.plan.outcome)), *(coded[name] for name in LOST), verdict))
    columns = [Column(words("column.outcome"), numeric=False)]
    columns += [Column(words(f"column.{name}")) for name in LOST]
    columns.append(Column(words("column.band"), numeric=False))
    return [Table("table-appendix-t8", words("appendix.t8"), tuple(columns), tuple(rows))]
