"""Placebo errors: the same program given to units that never had it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mentoreval.aliases import IntArray
from mentoreval.effects.clusters import keeps_everyone
from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit
from mentoreval.effects.inference import Inference
from mentoreval.effects.refit import Refitter, check_failures
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel


@dataclass(frozen=True)
class Placebo(Inference):
    """Errors from the spread of the effect over made-up programs among the never treated.

    draws : number of made-up programs
    seed : of the draws

    Assumptions
        Outcomes vary among treated units as among those never treated: the errors of the latter are what is measured.
        Units (schools, in a panel of schools) are independent. It is what serves where one unit is treated.

    What is computed
        For each draw as many never-treated units as were treated are given their starts, the treated are left out, and
        the design and the estimator are run again. ``std_error`` is √(mean squared deviation over draws), the interval
        normal (Arkhangelsky et al. 2021, Algorithm 4; ``vcov(method = "placebo")`` of synthdid).

    Edge cases
        It takes more never-treated than treated units. Where units are students of schools that share their fate, the
        errors are too small: make a panel of schools. A panel in which the program ends is refused. Draws without an
        estimate are counted in ``fit.facts["refits_failed"]``; more than a tenth of them is an error.

    References
        Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), American Economic Review 111.
    """

    name: ClassVar[str] = "placebo"
    refits: ClassVar[bool] = True
    draws: int = 200
    seed: int = 0

    def check(self) -> None:
        """At least 10 draws."""
        if self.draws < 10:
            raise OptionError(f"Placebo: draws = {self.draws} are too few for a standard deviation; take 10 or more.")

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError where too few units were never treated, or too many draws give no estimate."""
        refitter = Refitter.of(fit, "student")
        made_up, rng = _MadeUp.of(fit, refitter.cluster), np.random.default_rng(self.seed)
        drawn = [refitter.effects_on(made_up.draw(rng)) for _ in range(self.draws)]
        found = np.array([values for values in drawn if values is not None and not np.isnan(values).any()])
        failed = self.draws - len(found)
        check_failures(failed, self.draws)
        df = np.full(len(fit.theta), np.inf)
        return Estimate(
            fit=replace(fit, facts={**fit.facts, "refits_failed": failed}),
            vcov=np.atleast_2d(np.cov(found, rowvar=False, ddof=0)),
            df=df,
            critical=critical_value(confidence, df),
            inference=self,
            confidence=confidence,
            n_clusters=len(made_up.never),
            cluster="student",
        )


@dataclass(frozen=True, eq=False)
class _MadeUp:
    """Programs among the never treated: made-up starts in place of those of the treated.

    never : (m,) units, in an order that no label decides
    like : (t,) for each treated unit a row of the frame with its start; t below m
    """

    fit: Fit
    never: IntArray
    like: IntArray

    @classmethod
    def of(cls, fit: Fit, rank: IntArray) -> _MadeUp:
        """The made-up programs of a fit; ``rank`` (n_units,) orders the units."""
        panel, baseline = fit.design.panel, fit.design.baseline
        if panel.status is not None:
            raise EffectError(
                "Placebo gives starts to units that never started, and can not make up how a program ends. Use "
                "ClusterRobust or RefitBootstrap."
            )
        taking_part = fit.entries if keeps_everyone(fit.design) else np.arange(baseline.size)
        compared = np.unique(baseline.unit[taking_part[~baseline.treated[taking_part]]])
        never = compared[panel.start[compared] > panel.timeline.clock[-1]]
        treated = np.unique(baseline.unit[fit.entries[baseline.treated[fit.entries]]])
        if len(never) <= len(treated):
            raise EffectError(
                f"Placebo gives the program to {len(treated):,} of the never-treated units, and there are "
                f"{len(never):,}: nobody would be left to compare with. Use Jackknife or RefitBootstrap."
            )
        like = panel.row_of[treated].max(axis=1)
        return cls(fit, never[np.argsort(rank[never])], like[np.lexsort((rank[treated], panel.start[treated]))])

    def draw(self, rng: np.random.Generator) -> Panel:
        """A panel of the never treated, some of whom are given the starts of the treated."""
        panel = self.fit.design.panel
        source = np.full(panel.n_units, -1, dtype=np.int64)
        source[self.never] = panel.row_of[self.never].max(axis=1)
        source[rng.permutation(self.never)[: len(self.like)]] = self.like
        rows = np.flatnonzero(source[panel.row_unit] >= 0)
        frame = panel.frame.iloc[rows].reset_index(drop=True)
        start = panel.frame[panel.first_treated].take(source[panel.row_unit[rows]])
        frame[panel.first_treated] = start.reset_index(drop=True)
        return replace(panel, frame=frame)
