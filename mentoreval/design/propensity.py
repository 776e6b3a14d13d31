"""Propensity: how likely a student was to be mentored, given what was known before the program."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.covariate_matrix import Column, CovariateMatrix
from mentoreval.design.design import Baseline
from mentoreval.errors import DesignError
from mentoreval.registry import Kind

INTERCEPT = Column("intercept", None, True)
COHORT = "cohort"


@dataclass(frozen=True, eq=False)
class Scores:
    """Propensity scores of the entries of a baseline.

    probability : (m,) estimated probability of treatment; NaN where the entry was not considered
    linear : (m,) the same on the scale of the linear predictor (log odds for a logit); NaN likewise
    facts : what the report says of the model
    """

    probability: FloatArray
    linear: FloatArray
    facts: dict[str, object] = field(default_factory=dict)

    @classmethod
    def none(cls, size: int) -> Scores:
        """The scores of a design that estimates none."""
        return cls(np.full(size, np.nan), np.full(size, np.nan))


@dataclass(frozen=True)
class PropensityModel(Kind):
    """A model of who is treated. One method to write: ``score``."""

    folder: ClassVar[str] = "mentoreval.design.propensity_models:PROPENSITY_MODELS"

    @abstractmethod
    def score(self, baseline: Baseline, considered: BoolArray, within: tuple[str, ...] = ()) -> Scores:
        """Scores for the considered entries of a baseline.

        considered : (m,) entries to estimate on; each cohort among them has both arms
        within : columns within whose values students will be compared anyway, so that it does no harm if one of these
            values tells the arms apart

        Raises DesignError, naming the covariate, where the model can not be estimated.
        """


def known_covariates(baseline: Baseline, considered: BoolArray) -> CovariateMatrix:
    """The covariates of the considered entries, all levels; DesignError where there are none or one is constant."""
    if not baseline.covariates:
        raise DesignError("This design needs covariates to compare students by, and has none: covariates=[…].")
    covariates = baseline.matrix(considered)
    covariates.refuse_constants()
    return covariates


def with_cohorts(covariates: CovariateMatrix, cohort: IntArray) -> CovariateMatrix:
    """The columns of a model: intercept, covariates without one level of each text, an indicator of each later cohort.

    All cohorts share one model: its coefficients say how covariates go with being chosen, and a cohort's indicator how
    large the cohort is beside its pool.
    """
    model = covariates.for_model()
    later = np.sort(pd.unique(cohort))[1:]
    columns = (INTERCEPT, *model.columns, *(Column(COHORT, str(clock), True) for clock in later))
    values = np.empty((len(cohort), len(columns)), order="F")
    values[:, 0] = 1.0
    values[:, 1 : 1 + len(model.columns)] = model.values
    for place, clock in enumerate(later, 1 + len(model.columns)):
        values[:, place] = cohort == clock
    return CovariateMatrix(values, columns)
