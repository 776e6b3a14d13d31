"""Entropy balancing: weights that make the means of the covariates equal, and otherwise change as little as can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.moment_balance import Balanced, Resemblance, balance_moments
from mentoreval.design.propensity import Scores, known_covariates
from mentoreval.design.reweighting import refuse_estimand, weighting_of
from mentoreval.errors import OptionError


@dataclass(frozen=True)
class EntropyBalancing(DesignMethod):
    """The weights nearest to the sampling weights that give an arm the means of those whose effect is asked for.

    Nearest in relative entropy. Within each cohort the comparison students are weighted to the treated (ATT), the
    treated to the comparison (ATC), or both arms to all of them (ATE); weights sum to the sampling weights of the
    students to resemble. There is no propensity score. Students with a value that nobody to resemble has get weight 0
    and are counted in the facts.

    moments : 1 equal means (shares of each level of a text), 2 squares of numbers too, 3 cubes too
    tolerance : largest difference of a moment to leave, in standard deviations

    The weights are estimated; errors that take them as given (``conditional`` is False) leave that out.
    References: Hainmueller (2012), Political Analysis 20:25; Zhao & Percival (2017), J. of Causal Inference 5.
    """

    name: ClassVar[str] = "entropy_balancing"
    estimands: ClassVar[tuple[Estimand, ...]] = ("ATT", "ATC", "ATE")
    moments: int = 1
    tolerance: float = 1e-8

    def check(self) -> None:
        """Refuse moments and tolerances that are out of range."""
        if self.moments not in (1, 2, 3):
            raise OptionError(f"EntropyBalancing: moments is 1 (means), 2 (squares) or 3 (cubes); got {self.moments}.")
        if not 1e-12 <= self.tolerance <= 0.1:
            raise OptionError(
                f"EntropyBalancing: tolerance is a difference in standard deviations, from 1e-12 to 0.1; got "
                f"{self.tolerance:g}."
            )

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Balance each cohort; DesignError for the ATO, and for moments that no weights can meet, naming them."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable()
        covariates = known_covariates(baseline, considered)
        rows = np.flatnonzero(considered)
        treated, weight = baseline.treated[rows], baseline.weight[rows]
        weights, found = weight.astype(float), []
        for cohort in np.unique(baseline.cohort[rows]):
            here = baseline.cohort[rows] == cohort
            for arm in {"ATT": (False,), "ATC": (True,), "ATE": (True, False)}[estimand]:
                source = here & (treated == arm)
                target = here if estimand == "ATE" else here & (treated != arm)
                balanced = self._balance(covariates, weight, source, target, arm)
                weights[source] = balanced.weights
                found.append(balanced)
        return weighting_of(baseline, considered, rows, weights, Scores.none(baseline.size), self._facts(found))

    def _balance(
        self, covariates: CovariateMatrix, weight: FloatArray, source: BoolArray, target: BoolArray, arm: bool
    ) -> Balanced:
        names = {True: "treated students", False: "comparison students"}
        whom = "all students" if (source & target).any() else names[not arm]
        asked = Resemblance(covariates, self.moments, weight, source, target, names[arm], whom)
        return balance_moments(asked, self.tolerance)

    def _facts(self, found: list[Balanced]) -> dict[str, object]:
        return {
            "moments": self.moments,
            "n_without_counterpart": sum(balanced.n_unused for balanced in found),
            "largest_imbalance": max(balanced.imbalance for balanced in found),
            "iterations": max(balanced.iterations for balanced in found),
        }
