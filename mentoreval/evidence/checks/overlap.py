"""overlap: have those whom the question is about anybody like them in the other arm?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.design.overlap import measure_overlap
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import DesignError
from mentoreval.evidence.check import Check, Finding


@dataclass(frozen=True)
class OverlapCheck(Check):
    """Whether the propensity scores of those asked about lie in the range of the other arm's.

    A design without scores of its own gets those of a logit of its covariates. The lines are this package's own (see
    ``design/overlap.py``): from 95 % on overlap is enough, below 80 % it fails.
    """

    name: ClassVar[str] = "overlap"

    def examine(self, subject: Estimate) -> Finding:
        """The opinion of the design's overlap; cannot_judge without covariates, or where no score can be estimated."""
        if not subject.design.covariates:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_covariates")
        try:
            overlap = measure_overlap(subject.design)
        except DesignError as error:
            return Finding(self.name, "cannot_judge", f"{self.name}.no_scores", {"why": str(error)})
        opinion = overlap.opinion
        numbers = {"share": opinion.share, "outside": overlap.number("before", f"outside_{opinion.arm}")}
        return Finding(self.name, opinion.verdict, f"{self.name}.{opinion.reason}", numbers, overlap.frame)
