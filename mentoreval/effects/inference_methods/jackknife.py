"""The jackknife: everything again without one cluster at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mentoreval.effects.estimate import Estimate, critical_value
from mentoreval.effects.estimator import Fit
from mentoreval.effects.inference import Inference, find_clusters
from mentoreval.effects.refit import Refitter, check_failures, refit_level


@dataclass(frozen=True)
class Jackknife(Inference):
    """Errors from leaving out one cluster at a time and running the design and the estimator again.

    cluster : school or student; None = school where there are two or more, else student

    Assumptions
        Clusters are independent. It errs on the side of too large errors, also with few clusters of unequal sizes.

    What is computed
        (G − 1)/G · Σ (θ₋g − θ̂)(θ₋g − θ̂)' over the clusters left out: for a regression in a design that does not
        change, CR3 of ``clubSandwich`` times (G − 1)/G, which is CV3 of MacKinnon, Nielsen & Webb. t with G − 1.

    Edge cases
        A cluster without which there is no estimate is counted in ``fit.facts["refits_failed"]``; more than a tenth of
        them is an error. Nothing is drawn, so there is no seed. Pairs of several programs are refused,
        for their scores come from all programs. With students as clusters there is one refit for each.

    References
        Tukey (1958); MacKinnon, Nielsen & Webb (2023), Journal of Applied Econometrics 38.
    """

    name: ClassVar[str] = "jackknife"
    refits: ClassVar[bool] = True
    cluster: Literal["school", "student"] | None = None

    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; EffectError where the design can not be chosen again or clusters can not be spared."""
        name, _, n_clusters = find_clusters(fit, refit_level(fit, self.cluster))
        refitter = Refitter.of(fit, name)
        everyone = np.arange(refitter.n_clusters)
        drawn = [refitter.effects(np.delete(everyone, g)) for g in everyone]
        found = np.array([values for values in drawn if values is not None and not np.isnan(values).any()])
        failed = refitter.n_clusters - len(found)
        check_failures(failed, refitter.n_clusters)
        away = found - fit.theta
        df = np.full(len(fit.theta), n_clusters - 1.0)
        return Estimate(
            fit=replace(fit, facts={**fit.facts, "refits_failed": failed}),
            vcov=(len(found) - 1.0) / len(found) * away.T @ away,
            df=df,
            critical=critical_value(confidence, df),
            inference=self,
            confidence=confidence,
            n_clusters=n_clusters,
            cluster=name,
        )
