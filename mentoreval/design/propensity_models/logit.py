"""Logit: a propensity score from logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.design import Baseline
from mentoreval.design.propensity import PropensityModel, Scores, known_covariates, with_cohorts
from mentoreval.design.separation import refuse_combined_separation, refuse_separation
from mentoreval.errors import DesignError
from mentoreval.numerics.logit import LogitFit, fit_logit


@dataclass(frozen=True)
class Logit(PropensityModel):
    """Main effects of all covariates on the log odds of treatment, by maximum likelihood, with sampling weights.

    Several cohorts share one model with an indicator for each. Covariates that are sums of others are left out, which
    changes no score, and named in the facts. References: Rosenbaum & Rubin (1983), Biometrika 70:41.
    """

    name: ClassVar[str] = "logit"

    def score(self, baseline: Baseline, considered: BoolArray, within: tuple[str, ...] = ()) -> Scores:
        """Fitted probabilities and log odds; DesignError for covariates that are constant or separate the arms."""
        covariates = known_covariates(baseline, considered)
        treated = baseline.treated[considered]
        refuse_separation(covariates, treated, within)
        model = with_cohorts(covariates, baseline.cohort[considered])
        fit = fit_logit(model.values, treated, baseline.weight[considered])
        refuse_combined_separation(model, treated, fit, within)
        if not fit.converged and not within:
            raise DesignError(
                f"The propensity model did not settle in {fit.iterations} iterations, although no covariate separates "
                "the arms. Look for covariates with a few extreme values, and cap or coarsen them."
            )
        return Scores(
            _spread(fit.probability, considered), _spread(fit.linear_predictor, considered), _facts(model, fit)
        )


def _spread(values: FloatArray, considered: BoolArray) -> FloatArray:
    """(m,) values of the considered entries in their places, NaN elsewhere."""
    everywhere = np.full(len(considered), np.nan)
    everywhere[considered] = values
    return everywhere


def _facts(model: CovariateMatrix, fit: LogitFit) -> dict[str, object]:
    labels = [column.label for column in model.columns]
    return {
        "propensity_model": Logit.name,
        "propensity_coefficients": dict(zip(labels, fit.coefficients.tolist(), strict=True)),
        "propensity_iterations": fit.iterations,
        "aliased_covariates": tuple(labels[place] for place in fit.aliased),
    }
