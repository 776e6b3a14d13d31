"""Penalized logit: a propensity score that stays finite where a covariate tells the arms apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np
from scipy.special import expit

from mentoreval.aliases import BoolArray
from mentoreval.design.design import Baseline
from mentoreval.design.propensity import COHORT, PropensityModel, Scores, known_covariates
from mentoreval.design.score_fitting import ModelRows, model_rows, scores_of
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics.gram import linear_predictor
from mentoreval.numerics.scoring import Peak, climb, firth_at, ridge_at


@dataclass(frozen=True)
class PenalizedLogit(PropensityModel):
    """A logit with a penalty on large coefficients, for small samples, many covariates and separation.

    penalty : "firth" adds half the log determinant of the information, which removes the first-order bias of the
        coefficients and makes them finite whatever the data (as logistf in R); it draws all scores a little towards one
        half. "ridge" subtracts strength · Σ β²/2 with β per standard deviation of the covariate, and leaves intercept
        and cohorts free
    strength : of the ridge; unused for Firth, which has nothing to choose

    A finite score is no overlap: where a covariate separates the arms, weights and matches rest on the penalty.
    References: Firth (1993), Biometrika 80:27; Heinze & Schemper (2002), Statistics in Medicine 21:2409; le Cessie &
    van Houwelingen (1992), Applied Statistics 41:191.
    """

    name: ClassVar[str] = "penalized_logit"
    penalty: Literal["firth", "ridge"] = "firth"
    strength: float = 1.0

    def check(self) -> None:
        """Refuse a strength that is no penalty."""
        if not 0 < self.strength < np.inf:
            raise OptionError(f"PenalizedLogit: strength is a number above 0; got {self.strength:g}.")

    def score(self, baseline: Baseline, considered: BoolArray, within: tuple[str, ...] = ()) -> Scores:
        """Fitted probabilities and log odds; DesignError for constant covariates and where the fit does not settle."""
        rows = model_rows(known_covariates(baseline, considered), baseline, considered)
        found = self._fit(rows)
        if not found.converged:
            raise DesignError(
                f"The penalized logit did not settle in {found.iterations} iterations. Look for covariates with a few "
                "extreme values, and cap or coarsen them, or use penalty = 'ridge' with a greater strength."
            )
        linear = linear_predictor(rows.scaled, found.coefficients)
        facts = rows.facts(self.name, found.coefficients, found.iterations)
        return scores_of(considered, expit(linear), linear, {**facts, "propensity_penalty": self.penalty})

    def _fit(self, rows: ModelRows) -> Peak:
        k = rows.scaled.shape[1]
        if self.penalty == "firth":
            return climb(partial(firth_at, rows.scaled, rows.treated, rows.weight), k)
        columns = [rows.model.columns[place] for place in rows.kept]
        free = np.array([place == 0 or column.covariate == COHORT for place, column in enumerate(columns)])
        penalty = np.where(free, 0.0, self.strength)
        return climb(partial(ridge_at, rows.scaled, rows.treated, rows.weight, penalty), k)
