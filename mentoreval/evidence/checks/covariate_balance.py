"""covariate_balance: did the design make the arms alike?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.effects.estimate import Estimate
from mentoreval.evidence.check import Check, Finding


@dataclass(frozen=True)
class CovariateBalance(Check):
    """Whether the weighted arms of the design are alike in every covariate that the design set out to make alike.

    The verdict is that of the worst covariate, in the WWC's bands: up to .05 standard deviations apart, up to .25
    (adjust for it in the model), or more (no adjustment cures it).
    """

    name: ClassVar[str] = "covariate_balance"

    def examine(self, subject: Estimate) -> Finding:
        """The opinion of the design's balance table."""
        balance = subject.design.balance()
        opinion = balance.opinion
        key = {"pass": "alike", "caution": "nearly_alike", "fail": "not_alike", "cannot_judge": "no_covariates"}
        numbers = {"covariate": opinion.covariate, "level": opinion.level, "value": opinion.value}
        return Finding(self.name, opinion.verdict, f"{self.name}.{key[opinion.verdict]}", numbers, balance.frame)
