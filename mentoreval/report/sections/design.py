"""Design: how the comparison students were chosen, and whether the groups were alike before the program."""

from __future__ import annotations

from typing import Any, ClassVar

from mentoreval.design.arms import ArmContrast
from mentoreval.design.design import Design
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.equivalence import ALIKE
from mentoreval.evidence.wwc import judge_arms
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import PRIOR
from mentoreval.registry import spec_of
from mentoreval.report.document import Block, Bullets, Heading, Paragraph
from mentoreval.report.section import Material, Section, other_program
from mentoreval.report.words import Words, opened
from mentoreval.study.study import DesignPlan


class DesignSection(Section):
    """How the comparison was made."""

    name: ClassVar[str] = "design"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Each headline design: rule, covariates, love plot; then the opinion on each outcome, baseline tables."""
        blocks: list[Block] = [Paragraph(words("design.intro"))]
        for name, design in material.designs.items():
            if len(material.designs) > 1:
                blocks.append(Heading(words("design.of", design=material.design_name(name, words))))
            blocks += _rule(material, material.study.designs[name], design, words)
            blocks += material.pictures("love_plot", words, name)
        blocks.append(Heading(words("design.baseline_title")))
        blocks.append(Bullets(tuple(_opinions(material, words))))
        tables = material.tables("baseline_table", words)
        blocks += tables or (Paragraph(words("design.no_baseline")),)
        return tuple(blocks)


def _rule(material: Material, plan: DesignPlan, design: Design, words: Words) -> list[Block]:
    """How one design chose, in words and with its settings."""
    method = design.method.name
    key = f"design_text.{method}" if words.has(f"design_text.{method}") else "design_text_other"
    arms = _arms_of(design, words)
    text = words(key, method=words.named("design_method", method), **arms)
    pool = "other_program" if other_program(design, words) else plan.pool
    sentences = [text, words(f"estimand.{design.estimand}"), words(f"pool.{pool}", **arms)]
    blocks: list[Block] = [Paragraph(" ".join(sentences))]
    rules = tuple(
        _eligibility(rule, material.facts(rule.covariate.removeprefix(PRIOR)), words) for rule in plan.eligibility
    )
    if rules:
        blocks += [Paragraph(words("design.eligibility")), Bullets(rules)]
    key = "design.covariates" if design.covariates else "design.no_covariates"
    blocks.append(Paragraph(words(key, covariates=[words.covariate(name) for name in design.covariates])))
    blocks += [Paragraph(sentence) for sentence in _selection(material, design, words)]
    settings = [_setting(name, value) for name, value in spec_of(design.method).items() if name != "kind"]
    if settings:
        blocks.append(Paragraph(words("design.settings", settings="; ".join(settings)), "note"))
    return blocks


def _arms_of(design: Design, words: Words) -> dict[str, str]:
    """The two programs of a pair as sentences name them; empty for a design of one program."""
    if not isinstance(design.method, ArmContrast):
        return {}
    return {name: words.arm(getattr(design.method, name)) for name in ("treated", "comparison")}


def _selection(material: Material, design: Design, words: Words) -> list[str]:
    """Whom the program reached, where the groups were apart in a pretest before the comparison was chosen."""
    frame = design.balance().frame
    gaps = dict(zip(frame["covariate"].astype(str), frame["wwc_before"].astype(float), strict=True))
    said = []
    for outcome in dict.fromkeys(result.plan.outcome for result in material.headlines):
        pretest, facts = design.panel.pretest(outcome), material.facts(outcome)
        if facts is None or pretest is None or pretest not in gaps:
            continue
        gap = gaps[pretest]
        if abs(gap) > ALIKE:
            side = "better" if (gap > 0) == facts.higher_is_better else "worse"
            said.append(words(f"design.selected_{side}", covariate=words.covariate(pretest), gap=abs(gap)))
    return list(dict.fromkeys(said))


def _setting(name: str, value: Any) -> str:
    """An option as the study file has it."""
    if isinstance(value, dict):
        inner = [_setting(key, part) for key, part in value.items() if key != "kind"]
        return f"{name} = {value['kind']}" + (f" ({', '.join(inner)})" if inner else "")
    return f"{name} = {', '.join(map(str, value)) if isinstance(value, tuple) else value}"


def _eligibility(rule: Eligibility, facts: MeasureFacts | None, words: Words) -> str:
    covariate = opened(words.covariate(rule.covariate))
    if rule.equals is not None:
        return words("eligible.equals", covariate=covariate, value=str(rule.equals))
    bounds = [
        words(f"eligible.{side}", covariate=covariate, value=_bound(getattr(rule, side), facts, words))
        for side in ("at_least", "at_most")
        if getattr(rule, side) is not None
    ]
    return " ".join(bounds)


def _bound(value: float, facts: MeasureFacts | None, words: Words) -> str:
    """A bound with as many decimals as it was given with; of a share, as a percentage."""
    if facts is not None and facts.unit == "share":
        return words.percent(value, 0 if round(100 * value, 6) == round(100 * value) else 1)
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return words.number(value, len(text.partition(".")[2]))


def _opinions(material: Material, words: Words) -> list[str]:
    """One sentence on each headline outcome: were the groups alike before the program?"""
    said = []
    for result in material.headlines:
        opinion = judge_arms(result.estimate, result.baseline)
        covariates = [words.covariate(name) for name in opinion.covariates]
        numbers = {
            "outcome": opened(words.outcome(result.plan.outcome, result.plan.contrast)),
            "largest": opinion.largest,
        }
        said.append(words(f"balance.{opinion.case}", covariates=covariates or [words("sign.none")], **numbers))
    return said
