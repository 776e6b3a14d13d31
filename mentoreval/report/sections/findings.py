"""Findings: what the checks found, in words, with marks that do not rest on colour."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

from mentoreval.evidence.check import Finding
from mentoreval.report import amounts
from mentoreval.report.disclosure import coded_numbers, says_share
from mentoreval.report.document import Block, Heading, Paragraph, Statement, Tone
from mentoreval.report.section import Material, Section
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result

_TONES: dict[str, Tone] = {"pass": "good", "caution": "unsure", "fail": "bad", "cannot_judge": "unsure"}
REGRESSION_TO_THE_MEAN = "regression_to_the_mean"
TOLD_IN_WORDS = ("headline", "over_time")


class Findings(Section):
    """How far the numbers can be trusted."""

    name: ClassVar[str] = "findings"

    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """Findings on the headlines and on the estimates over time in words, each sentence once; all in a table."""
        results = [result for result in material.evaluation.results if result.findings]
        if not results:
            return (Paragraph(words("findings.none")),)
        blocks: list[Block] = [Paragraph(words("findings.intro"))]
        told: set[Statement] = set()
        for result in results:
            if result.plan.role in TOLD_IN_WORDS:
                outcome = opened(words.outcome(result.plan.outcome, result.plan.contrast))
                blocks.append(Heading(words(f"findings.{result.plan.role}", outcome=outcome)))
                said = [say_finding(material, result, finding, words) for finding in result.findings]
                blocks += [statement for statement in said if statement not in told]
                pairs = zip(result.findings, said, strict=True)
                if again := [words.named("check", finding.check) for finding, one in pairs if one in told]:
                    blocks.append(Paragraph(words("findings.as_above", checks=again), "note"))
                told.update(said)
                if material.smaller_arm(result):
                    blocks += material.pictures("omitted_variable", words, result.plan.name)
                    blocks += material.pictures("honest_did", words, result.plan.name)
        blocks.append(Heading(words("findings.all_title")))
        return (*blocks, *material.tables("findings_table", words))


def say_finding(material: Material, result: Result, finding: Finding, words: Words) -> Statement:
    """One finding as a statement."""
    return Statement(
        title=opened(words.named("check", finding.check)),
        mark=words(f"verdict.{finding.verdict}.mark"),
        label=words(f"verdict.{finding.verdict}.label"),
        tone=_TONES.get(finding.verdict, "plain"),
        sentences=(_sentence(material, result, finding, words),),
    )


def _sentence(material: Material, result: Result, finding: Finding, words: Words) -> str:
    """What was found; without numbers where they would be about too few students."""
    if not material.smaller_arm(result):
        return words("first.too_few", limit=words.smallest_shown)
    if finding.check == REGRESSION_TO_THE_MEAN and _has_coded_share(material, result, words):
        return words("findings.rates_not_shown")
    return words(f"finding.{finding.key}", **_told(material, result, finding, words))


def _has_coded_share(material: Material, result: Result, words: Words) -> bool:
    """Whether of a yes-or-no outcome a share is not said exactly, so that a change in it would lead to it."""
    facts, size = material.facts(result.plan.outcome), result.effect_size
    if facts is None or facts.unit != "flag":
        return False
    pretest = result.estimate.design.panel.pretest(result.plan.outcome)
    before = result.baseline[result.baseline["covariate"] == pretest]
    shares = [(getattr(size, f"mean_{arm}"), result.headline[f"n_{arm}"]) for arm in ("treated", "comparison")] + [
        (row[f"mean_{arm}"], row[f"n_{arm}"]) for _, row in before.iterrows() for arm in ("treated", "comparison")
    ]
    return not all(says_share(float(share), n, words.smallest_shown) for share, n in shares)


def _told(material: Material, result: Result, finding: Finding, words: Words) -> dict[str, object]:
    """The numbers of a finding as its sentence needs them.

    Outcomes and covariates by their names; beside every number ``x`` also ``x_amount``, the number as a difference in
    the outcome's unit.
    """
    scale = amounts.reader_scale(material.facts(result.plan.outcome))
    told: dict[str, object] = {
        "outcome": words.outcome(result.plan.outcome),
        "program": material.program(words, result),
    }
    coded = coded_numbers(finding, material.smaller_arm(result), words)
    for name, value in finding.numbers.items():
        told[name] = coded.get(name, value)
        if isinstance(value, Real) and not isinstance(value, bool):
            signed = amounts.digits(words, scale, float(value), signed=True)
            told[f"{name}_amount"] = words(f"size.{scale.name}", number=signed)
    if "covariate" in told:
        told["covariate"] = words.covariate(str(told["covariate"]), str(told.get("level") or ""))
    return told
