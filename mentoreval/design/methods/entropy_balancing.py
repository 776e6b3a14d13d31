"""Entropy balancing: weights that make the means of the covariates equal, and otherwise change as little as can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import Estimand, FloatArray, IntArray
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.moment_balance import Balanced, Resemblance, balance_moments
from mentoreval.design.propensity import Scores, known_covariates
from mentoreval.design.reweighting import refuse_estimand, weighting_of
from mentoreval.errors import DesignError, OptionError, first_few


@dataclass(frozen=True)
class EntropyBalancing(DesignMethod):
    """The weights nearest to the base weights that give an arm the means of those whose effect is asked for.

    Nearest in relative entropy; the base weights are the sampling weights, times those given here. Within each cohort
    the comparison students are weighted to the treated (ATT), the treated to the comparison (ATC), or both arms to all
    of them (ATE); weights sum to the sampling weights of the students to resemble. There is no propensity score.
    Students with a value that nobody to resemble has get weight 0 and are counted in the facts.

    moments : 1 equal means (shares of each level of a text), 2 squares of numbers too, 3 cubes too
    tolerance : largest difference of a moment to leave, in standard deviations
    base_weights : a column of weights above 0 to start from, such as those of an earlier design; they change neither
        the students to resemble nor the sum of the weights. None = 1 for everybody

    The weights are estimated; errors that take them as given (``conditional`` is False) leave that out.
    References: Hainmueller (2012), Political Analysis 20:25; Zhao & Percival (2017), J. of Causal Inference 5.
    """

    name: ClassVar[str] = "entropy_balancing"
    estimands: ClassVar[tuple[Estimand, ...]] = ("ATT", "ATC", "ATE")
    moments: int = 1
    tolerance: float = 1e-8
    base_weights: str | None = None

    def check(self) -> None:
        """Refuse moments and tolerances that are out of range."""
        if self.moments not in (1, 2, 3):
            raise OptionError(f"EntropyBalancing: moments is 1 (means), 2 (squares) or 3 (cubes); got {self.moments}.")
        if not 1e-12 <= self.tolerance <= 0.1:
            raise OptionError(
                f"EntropyBalancing: tolerance is a difference in standard deviations, from 1e-12 to 0.1; got "
                f"{self.tolerance:g}."
            )

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """The column of base weights."""
        return () if self.base_weights is None else (self.base_weights,)

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Balance each cohort; DesignError for the ATO, and for moments that no weights can meet, naming them."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable(self.covariates_needed)
        covariates = known_covariates(baseline, considered)
        rows = np.flatnonzero(considered)
        treated, weight = baseline.treated[rows], baseline.weight[rows]
        base = weight * self._given(baseline, rows)
        weights, found = weight.astype(float), []
        for cohort in np.unique(baseline.cohort[rows]):
            here = baseline.cohort[rows] == cohort
            for arm in {"ATT": (False,), "ATC": (True,), "ATE": (True, False)}[estimand]:
                source = here & (treated == arm)
                target = here if estimand == "ATE" else here & (treated != arm)
                names = {True: "treated students", False: "comparison students"}
                whom = "all students" if estimand == "ATE" else names[not arm]
                asked = Resemblance(covariates, self.moments, weight, source, target, names[arm], whom, base)
                balanced = balance_moments(asked, self.tolerance)
                weights[source] = balanced.weights
                found.append(balanced)
        return weighting_of(baseline, considered, rows, weights, Scores.none(baseline.size), self._facts(found))

    def _given(self, baseline: Baseline, rows: IntArray) -> FloatArray:
        """(rows,) base weights as given, one if none are; DesignError for what is not a number above 0."""
        if self.base_weights is None:
            return np.ones(len(rows))
        given = baseline.column(self.base_weights).iloc[rows]
        values = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        wrong = ~((values > 0) & np.isfinite(values))
        if wrong.any():
            raise DesignError(
                f"EntropyBalancing: the base weight {self.base_weights!r} is not above 0 for {int(wrong.sum()):,} of "
                f"{len(values):,} students (first: {first_few(given[wrong])}). Correct it, or leave them out."
            )
        return values

    def _facts(self, found: list[Balanced]) -> dict[str, object]:
        return {
            "moments": self.moments,
            "n_without_counterpart": sum(balanced.n_unused for balanced in found),
            "largest_imbalance": max(balanced.imbalance for balanced in found),
            "iterations": max(balanced.iterations for balanced in found),
        }
