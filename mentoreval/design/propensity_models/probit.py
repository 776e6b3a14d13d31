"""Probit: a propensity score from probit regression."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from scipy.special import ndtr

from mentoreval.aliases import BoolArray
from mentoreval.design.design import Baseline
from mentoreval.design.propensity import PropensityModel, Scores, known_covariates
from mentoreval.design.score_fitting import model_rows, scores_of
from mentoreval.design.separation import refuse_combined_separation, refuse_separation
from mentoreval.errors import DesignError
from mentoreval.numerics.gram import linear_predictor
from mentoreval.numerics.logit import fit_logit
from mentoreval.numerics.scoring import climb, probit_at


@dataclass(frozen=True)
class Probit(PropensityModel):
    """Main effects of all covariates on the normal quantile of treatment, by maximum likelihood, with sampling weights.

    Several cohorts share one model with an indicator for each. Its scores are hardly ever far from those of a logit;
    it is offered for studies that planned it. Reference: McCullagh & Nelder (1989), Generalized Linear Models, ch. 4.
    """

    name: ClassVar[str] = "probit"

    def score(self, baseline: Baseline, considered: BoolArray, within: tuple[str, ...] = ()) -> Scores:
        """Fitted probabilities and quantiles; DesignError for covariates that are constant or separate the arms."""
        covariates = known_covariates(baseline, considered)
        treated = baseline.treated[considered]
        refuse_separation(covariates, treated, within)
        rows = model_rows(covariates, baseline, considered)
        refuse_combined_separation(rows.model, treated, fit_logit(rows.model.values, treated, rows.weight), within)
        found = climb(partial(probit_at, rows.scaled, rows.treated, rows.weight), rows.scaled.shape[1])
        if not found.converged and not within:
            raise DesignError(
                f"The probit did not settle in {found.iterations} iterations, although no covariate separates the "
                "arms. Look for covariates with a few extreme values, and cap or coarsen them."
            )
        linear = linear_predictor(rows.scaled, found.coefficients)
        return scores_of(considered, ndtr(linear), linear, rows.facts(self.name, found.coefficients, found.iterations))
