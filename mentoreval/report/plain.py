"""Plain: what was found for an outcome, in sentences for people who have never seen a confidence interval."""

from __future__ import annotations

from mentoreval.evidence.wwc import BaselineOpinion, judge_arms
from mentoreval.report import amounts
from mentoreval.report.amounts import Scale
from mentoreval.report.chances import find_chance, spoken_share
from mentoreval.report.document import Statement, Tone
from mentoreval.report.judgement import judge_effect
from mentoreval.report.section import Material, other_program
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result

_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "not_alike": "bad", "cannot_tell": "unsure"}


def say_result(material: Material, result: Result, words: Words) -> Statement:
    """Verdict, size and uncertainty of a headline result.

    Where the arms were not alike before the program, that comes first and the number is not offered as its effect.
    """
    if not material.smaller_arm(result):
        return _too_few(result, words)
    opinion = judge_arms(result.estimate, result.baseline)
    speech = _Speech(material, result, words)
    case = "not_alike" if opinion.case == "not_alike" else speech.case
    sentences = speech.sentences(case, opinion)
    return Statement(
        title=opened(words.outcome(result.plan.outcome, result.plan.contrast)),
        mark=words(f"case.{case}.mark"),
        label=words(f"case.{case}.label"),
        tone=_TONES.get(case, "plain"),
        sentences=sentences,
    )


def _too_few(result: Result, words: Words) -> Statement:
    """That an arm has too few students for anything to be said of them."""
    return Statement(
        title=opened(words.outcome(result.plan.outcome, result.plan.contrast)),
        mark=words("case.too_few.mark"),
        label=words("case.too_few.label"),
        tone="unsure",
        sentences=(words("first.too_few", limit=words.smallest_shown),),
    )


class _Speech:
    """The sentences about one result."""

    def __init__(self, material: Material, result: Result, words: Words) -> None:
        facts = material.facts(result.plan.outcome)
        self.words = words
        self.scale: Scale = amounts.reader_scale(facts)
        self.meaningful = material.study.meaningful.get(result.plan.outcome)
        self.case: str = judge_effect(result.headline, facts, self.meaningful)
        self.outcome = words.outcome(result.plan.outcome)
        self.chance = find_chance(material, result)
        self.program, self.other = material.program(words, result), other_program(result.estimate.design, words)
        row = result.headline
        self.estimate, self.low, self.high = (float(row[name]) for name in ("estimate", "conf_low", "conf_high"))

    def sentences(self, case: str, opinion: BaselineOpinion) -> tuple[str, ...]:
        """With which program it is compared, if any; what is said in a case; and doubts about the baseline after it."""
        return (*self._compared_with(), *self._said(case, opinion))

    def _compared_with(self) -> tuple[str, ...]:
        return (self.words("first.other_program", program=self.other),) if self.other else ()

    def _said(self, case: str, opinion: BaselineOpinion) -> tuple[str, ...]:
        if case == "not_alike":
            return (self._not_alike(opinion), self._effect(), self.words("first.do_not_read", program=self.program))
        if case == "cannot_tell":
            said = [self._uncertain(), self._best(), *self._may_matter(), *self._chance(case)]
        elif case == "small_at_most":
            said = [self._small(), self._likely()]
        elif case == "no_interval":
            said = [self._effect(), self.words("first.no_interval")]
        else:
            said = [self._effect(), self._likely(), *(self._too_small() or self._chance(case))]
        if opinion.case in ("unknown", "not_adjusted"):
            covariates = [self.words.covariate(name) for name in opinion.covariates]
            said.append(self.words(f"first.{opinion.case}_baseline", covariates=covariates))
        return tuple(said)

    def _effect(self) -> str:
        way = amounts.direction(self.scale, self.estimate)
        numbers = {"program": self.program, "outcome": opened(self.outcome)}
        digits = amounts.digits(self.words, self.scale, abs(self.estimate))
        key = f"effect.{self.scale.phrases}.{way}"
        return self.words(key, **numbers, number=digits, size=self._size(self.estimate))

    def _range(self) -> str:
        return amounts.spoken_range(self.words, self.scale, self.low, self.high)

    def _size(self, value: float) -> str:
        return amounts.size(self.words, self.scale, value)

    def _likely(self) -> str:
        return self.words("first.likely", range=self._range())

    def _uncertain(self) -> str:
        return self.words("first.cannot_tell", program=self.program, outcome=self.outcome)

    def _best(self) -> str:
        way = amounts.direction(self.scale, self.estimate)
        digits = amounts.digits(self.words, self.scale, abs(self.estimate))
        key = f"phrase.{self.scale.phrases}.{way}"
        phrase = self.words(key, number=digits, size=self._size(self.estimate))
        return self.words("first.best_estimate", phrase=phrase, range=self._range())

    def _may_matter(self) -> list[str]:
        if self.meaningful is None:
            return []
        return [self.words("first.may_matter", size=self._size(self.meaningful))]

    def _chance(self, case: str) -> list[str]:
        """How likely the difference is large enough to matter; nothing where the study did not say what would."""
        if self.chance is None or self.meaningful is None:
            return []
        share = self.chance.worse if case == "worse" else self.chance.better
        key = {"worse": "first.chance_worse", "cannot_tell": "first.chance_that_large"}.get(case, "first.chance")
        return [self.words(key, size=self._size(self.meaningful), chance=spoken_share(share, self.words))]

    def _small(self) -> str:
        numbers = {"program": self.program, "outcome": self.outcome}
        return self.words("first.small_at_most", **numbers, size=self._size(self.meaningful or 0.0))

    def _too_small(self) -> list[str]:
        """Said where even the far end of the interval is smaller than what would matter."""
        if self.meaningful is None or max(abs(self.low), abs(self.high)) >= self.meaningful:
            return []
        return [self.words("first.too_small", size=self._size(self.meaningful))]

    def _not_alike(self, opinion: BaselineOpinion) -> str:
        return self.words("first.not_alike", covariates=[self.words.covariate(name) for name in opinion.covariates])
