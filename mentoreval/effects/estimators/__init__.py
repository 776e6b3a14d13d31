"""The estimators, by the name that study files use."""

from __future__ import annotations

from mentoreval.effects.estimator import Estimator
from mentoreval.effects.estimators.callaway_santanna import CallawaySantAnna
from mentoreval.effects.estimators.did_2x2 import Did2x2
from mentoreval.effects.estimators.difference_in_means import DifferenceInMeans
from mentoreval.effects.estimators.doubly_robust import DoublyRobust
from mentoreval.effects.estimators.event_study import EventStudy
from mentoreval.effects.estimators.extended_twfe import ExtendedTwfe
from mentoreval.effects.estimators.gardner_two_stage import GardnerTwoStage
from mentoreval.effects.estimators.imputation import Imputation
from mentoreval.effects.estimators.regression_adjustment import RegressionAdjustment
from mentoreval.effects.estimators.stacked import Stacked
from mentoreval.effects.estimators.sun_abraham import SunAbraham
from mentoreval.effects.estimators.triple_difference import TripleDifference
from mentoreval.effects.estimators.twfe import Twfe

ESTIMATORS: dict[str, type[Estimator]] = {
    "difference_in_means": DifferenceInMeans,
    "regression_adjustment": RegressionAdjustment,
    "doubly_robust": DoublyRobust,
    "did_2x2": Did2x2,
    "twfe": Twfe,
    "event_study": EventStudy,
    "callaway_santanna": CallawaySantAnna,
    "sun_abraham": SunAbraham,
    "imputation": Imputation,
    "gardner_two_stage": GardnerTwoStage,
    "extended_twfe": ExtendedTwfe,
    "stacked": Stacked,
    "triple_difference": TripleDifference,
}

__all__ = [
    "ESTIMATORS",
    "CallawaySantAnna",
    "Did2x2",
    "DifferenceInMeans",
    "DoublyRobust",
    "EventStudy",
    "ExtendedTwfe",
    "GardnerTwoStage",
    "Imputation",
    "RegressionAdjustment",
    "Stacked",
    "SunAbraham",
    "TripleDifference",
    "Twfe",
]
