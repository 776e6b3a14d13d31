"""Given scores: propensity scores that were estimated elsewhere, or are known because chance decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import logit

from mentoreval.aliases import BoolArray
from mentoreval.design.design import Baseline
from mentoreval.design.propensity import PropensityModel, Scores
from mentoreval.design.score_fitting import scores_of
from mentoreval.errors import DesignError, OptionError, first_few


@dataclass(frozen=True)
class GivenScores(PropensityModel):
    """Scores from a covariate of the panel; nothing is estimated.

    column : the covariate that holds the probability of treatment, between 0 and 1 and neither
    """

    name: ClassVar[str] = "given_scores"
    column: str

    def check(self) -> None:
        """Refuse an empty name."""
        if not self.column:
            raise OptionError("GivenScores: column names the covariate that holds the propensity score.")

    def score(self, baseline: Baseline, considered: BoolArray, within: tuple[str, ...] = ()) -> Scores:
        """The scores as given, and their log odds; DesignError for values that are no probabilities."""
        given = baseline.column(self.column)[considered]
        values = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        wrong = ~((values > 0) & (values < 1))
        if wrong.any():
            raise DesignError(
                f"{self.column!r} is no propensity score for {int(wrong.sum()):,} of {len(values):,} students (first: "
                f"{first_few(given[wrong])}): a score lies between 0 and 1 and is neither. Correct them, or add "
                f"{self.column!r} to the covariates if it is missing for some, so that they are left out."
            )
        return scores_of(
            considered, values, logit(values), {"propensity_model": self.name, "propensity_column": self.column}
        )
