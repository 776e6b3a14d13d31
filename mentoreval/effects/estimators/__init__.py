"""The estimators, by the name that study files use."""

from __future__ import annotations

from mentoreval.effects.estimator import Estimator
from mentoreval.effects.estimators.callaway_santanna import CallawaySantAnna
from mentoreval.effects.estimators.did_2x2 import Did2x2
from mentoreval.effects.estimators.difference_in_means import DifferenceInMeans
from mentoreval.effects.estimators.event_study import EventStudy
from mentoreval.effects.estimators.regression_adjustment import RegressionAdjustment

ESTIMATORS: dict[str, type[Estimator]] = {
    "difference_in_means": DifferenceInMeans,
    "regression_adjustment": RegressionAdjustment,
    "did_2x2": Did2x2,
    "event_study": EventStudy,
    "callaway_santanna": CallawaySantAnna,
}

__all__ = ["ESTIMATORS", "CallawaySantAnna", "Did2x2", "DifferenceInMeans", "EventStudy", "RegressionAdjustment"]
