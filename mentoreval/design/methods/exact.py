"""Exact: students are compared who agree in every value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import Estimand
from mentoreval.design.design import Baseline, DesignMethod, Weighting
from mentoreval.design.matched_sets import SET_ESTIMANDS, exact_strata, refuse_empty, weighting_of_sets
from mentoreval.design.propensity import Scores
from mentoreval.design.reweighting import refuse_estimand
from mentoreval.errors import DesignError


@dataclass(frozen=True)
class Exact(DesignMethod):
    """Strata of students with identical values, within a cohort; strata with only one arm leave the comparison.

    In a stratum the comparison students together weigh what the treated do (ATT), the other way round (ATC), or both
    arms weigh what the stratum does (ATE); scaled to a mean of 1 in each arm, as MatchIt (R). Time grows as n log n,
    memory as n.

    on : columns to agree on, covariates or the school at the start; by default all covariates that are categories
        (texts, true/false, 0/1). A number is matched on to its last digit, and only where it is named.

    References: Stuart (2010), Statistical Science 25:1; Iacus, King & Porro (2012), Political Analysis 20:1.
    """

    name: ClassVar[str] = "exact"
    estimands: ClassVar[tuple[Estimand, ...]] = SET_ESTIMANDS
    on: tuple[str, ...] = ()

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """The columns to match on."""
        return self.on

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Strata and their weights; DesignError for the ATO, without a column, and where no stratum has both arms."""
        refuse_estimand(self.name, self.estimands, estimand)
        on = self.on or _categories(baseline.frame)
        considered = baseline.comparable(on)
        rows = np.flatnonzero(considered)
        codes = exact_strata(baseline, rows, on)
        refuse_empty(
            codes,
            baseline.treated[rows],
            f"strata of {', '.join(on)}",
            "Match on fewer columns, or on coarser ones: CoarsenedExact().",
        )
        scores = Scores.none(baseline.size)
        return weighting_of_sets(baseline, considered, codes, estimand, scores, {"matched_on": on})


def _categories(frame: pd.DataFrame) -> tuple[str, ...]:
    """The covariates that are texts, true/false or 0/1; DesignError where there is none."""
    found = tuple(str(name) for name in frame.columns if _is_category(frame[name]))
    if not found:
        raise DesignError(
            "Exact matching needs columns to agree on, and no covariate is a category: name them, Exact(on=[…]), or "
            "cut the numbers into classes: CoarsenedExact()."
        )
    return found


def _is_category(column: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(column):
        return True
    return bool(column.dropna().isin([0, 1]).all())
