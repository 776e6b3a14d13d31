"""Chances: how likely each difference matters, and what a day in school costs, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mentoreval.evidence.decision import Chance, chance_of_mattering, cost_per_unit
from mentoreval.evidence.wwc import judge_arms
from mentoreval.report import amounts
from mentoreval.report.document import Block, Bullets, Heading, Paragraph
from mentoreval.report.section import Material
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result

NEARLY_SURE = 0.99
"""Chances beyond it, and below what is left of it, are not told apart: the model behind them is not that exact."""


def say_chances(material: Material, words: Words) -> list[Block]:
    """A chance for each main result of which the study said what would matter; nothing where it said it of none."""
    told = [
        _chance(material, result, words)
        for result in material.headlines
        if result.plan.outcome in material.study.meaningful
        and material.facts(result.plan.outcome) is not None
        and material.smaller_arm(result)
    ]
    if not told:
        return []
    return [Heading(words("decision.title")), Paragraph(words("decision.intro")), Bullets(tuple(told))]


def _chance(material: Material, result: Result, words: Words) -> str:
    name, facts = result.plan.outcome, material.facts(result.plan.outcome)
    outcome = opened(words.outcome(name, result.plan.contrast))
    if judge_arms(result.estimate, result.baseline).case == "not_alike":
        return words("decision.not_alike", outcome=outcome)
    found = find_chance(material, result)
    if found is None:
        return words("decision.no_chance", outcome=outcome)
    meaningful, prior = material.study.meaningful[name], material.study.prior.get(name)
    scale = amounts.reader_scale(facts)
    numbers = {
        "outcome": outcome,
        "program": material.program(words, result),
        "size": amounts.size(words, scale, meaningful),
        **{part: _share(getattr(found, part), words) for part in ("better", "worse", "between")},
    }
    if prior is None:
        return words("decision.chance", **numbers)
    numbers["prior_mean"] = words(f"size.{scale.name}", number=amounts.digits(words, scale, prior.mean, signed=True))
    numbers["prior_sd"] = amounts.size(words, scale, prior.sd)
    return words("decision.chance_with_prior", **numbers)


def find_chance(material: Material, result: Result) -> Chance | None:
    """The chance that a result matters; None where the study did not say what would, or it can not be worked out."""
    name, facts = result.plan.outcome, material.facts(result.plan.outcome)
    meaningful, prior = material.study.meaningful.get(name), material.study.prior.get(name)
    if meaningful is None or facts is None:
        return None
    found = chance_of_mattering(result.estimate, meaningful, higher_is_better=facts.higher_is_better, prior=prior)
    return None if math.isnan(found.better) else found


def spoken_share(chance: float, words: Words) -> str:
    """A chance as a rounded percentage in words, never as certain."""
    key, share = "about", chance
    if chance > NEARLY_SURE:
        key, share = "above", NEARLY_SURE
    elif chance < 1 - NEARLY_SURE:
        key, share = "below", 1 - NEARLY_SURE
    return words(f"first.share.{key}", value=words.percent(share))


def _share(chance: float, words: Words) -> str:
    """A chance as a percentage, never as certain."""
    if chance > NEARLY_SURE:
        return words("sign.above", value=words.percent(NEARLY_SURE))
    rest = 1 - NEARLY_SURE
    return words("sign.below", value=words.percent(rest)) if chance < rest else words.percent(chance)


def say_costs(material: Material, words: Words) -> list[Block]:
    """What a day in school costs by each main result that is counted in days; nothing where no cost was given."""
    cost = material.study.cost
    if cost is None:
        return []
    key = "decision.cost_of_what" if cost.what else "decision.cost_of"
    paid = Paragraph(words(key, cost=_money(material, cost.per_student, words, cost.per_student), what=cost.what))
    told = tuple(_costs(material, cost.per_student, words)) or (words("decision.no_cost.no_days"),)
    return [Heading(words("decision.cost_title")), paid, Bullets(told)]


def _costs(material: Material, per_student: float, words: Words) -> Iterator[str]:
    for result in material.headlines:
        facts = material.facts(result.plan.outcome)
        scale = amounts.reader_scale(facts)
        in_days = facts is not None and facts.domain == "attendance" and scale.name in ("school_days", "days")
        if facts is None or not in_days or not material.smaller_arm(result):
            continue
        outcome = opened(words.outcome(result.plan.outcome, result.plan.contrast))
        if judge_arms(result.estimate, result.baseline).case == "not_alike":
            yield words("decision.no_cost.not_alike", outcome=outcome)
            continue
        found = cost_per_unit(result.estimate, per_student, higher_is_better=facts.higher_is_better, scale=scale.factor)
        if found.reason:
            yield words(f"decision.no_cost.{found.reason}", outcome=outcome)
            continue
        prices = {"per_day": found.per_unit, "low": found.low, "high": found.high}
        said = {name: _money(material, price, words, found.high) for name, price in prices.items()}
        yield words("decision.cost", outcome=outcome, **said)


def _money(material: Material, amount: float, words: Words, largest: float) -> str:
    """An amount with its currency; cents only where the largest of those beside it is below one hundred."""
    currency = "" if material.study.cost is None else material.study.cost.currency
    return words("label.cost", currency=currency, number=words.number(amount, 0 if largest >= 100 else 2))
