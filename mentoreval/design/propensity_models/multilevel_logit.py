"""Multilevel logit: a propensity score with an intercept for each school that borrows strength from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import expit

from mentoreval.aliases import BoolArray, IntArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.design import Baseline
from mentoreval.design.propensity import PropensityModel, Scores, known_covariates
from mentoreval.design.score_fitting import model_rows, scores_of
from mentoreval.design.separation import refuse_combined_separation, refuse_separation
from mentoreval.errors import DesignError
from mentoreval.numerics.gram import linear_predictor
from mentoreval.numerics.logit import fit_logit
from mentoreval.numerics.random_intercepts import SMALLEST_SPREAD, fit_random_intercepts


@dataclass(frozen=True)
class MultilevelLogit(PropensityModel):
    """A logit with a random intercept for each school: some schools mentor many of their students, others few.

    Schools with few students are drawn towards the others, and one without a treated student has a low score, where
    indicators of schools would have none. Penalized least squares and Laplace's approximation, as lme4's glmer with
    nAGQ = 0; scores count the predicted school intercepts. Cohorts share one model with an indicator for each.

    group : the column of the school, at the start; it is not a covariate as well

    References: Arpino & Mealli (2011), Computational Statistics & Data Analysis 55:1770; Li, Zaslavsky & Landrum
    (2013), Statistics in Medicine 32:3373; Bates et al. (2015), J. of Statistical Software 67.
    """

    name: ClassVar[str] = "multilevel_logit"
    group: str = "school"

    def score(self, baseline: Baseline, considered: BoolArray, within: tuple[str, ...] = ()) -> Scores:
        """Fitted probabilities and log odds; DesignError for a missing school, one school, and separation."""
        codes, schools = self._groups(baseline, considered)
        covariates = self._without_group(known_covariates(baseline, considered))
        treated = baseline.treated[considered]
        refuse_separation(covariates, treated, within)
        rows = model_rows(covariates, baseline, considered)
        refuse_combined_separation(rows.model, treated, fit_logit(rows.model.values, treated, rows.weight), within)
        fit = fit_random_intercepts(rows.scaled, rows.treated, rows.weight, codes)
        if not fit.converged and not within:
            raise DesignError(
                "The multilevel logit did not settle, although no covariate separates the arms. Look for covariates "
                "with a few extreme values, and cap or coarsen them."
            )
        linear = linear_predictor(rows.scaled, fit.coefficients) + fit.intercepts[codes]
        facts = rows.facts(self.name, fit.coefficients, 0) | {
            "school_spread": fit.spread if fit.spread > 2 * SMALLEST_SPREAD else 0.0,
            "school_intercepts": dict(zip(schools, fit.intercepts.tolist(), strict=True)),
        }
        facts.pop("propensity_iterations")
        return scores_of(considered, expit(linear), linear, facts)

    def _groups(self, baseline: Baseline, considered: BoolArray) -> tuple[IntArray, list[str]]:
        """(n,) codes of the schools, and their names."""
        school = baseline.column(self.group)[considered]
        missing = int(school.isna().sum())
        if missing:
            raise DesignError(
                f"{self.group!r} is missing for {missing:,} of {len(school):,} students, who are thus in no group of "
                f"the multilevel logit. Fill it in, or add {self.group!r} to the covariates, so that they are left out."
            )
        codes, names = pd.factorize(school, sort=True)
        if len(names) < 2:
            raise DesignError(f"All students have the same {self.group!r}: use the propensity model 'logit'.")
        return codes.astype(np.int64), [str(name) for name in names]

    def _without_group(self, covariates: CovariateMatrix) -> CovariateMatrix:
        kept = [place for place, column in enumerate(covariates.columns) if column.covariate != self.group]
        return CovariateMatrix(covariates.values[:, kept], tuple(covariates.columns[place] for place in kept))
