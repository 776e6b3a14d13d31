"""The estimators, by the name that study files use."""

from __future__ import annotations

from mentoreval.effects.estimator import Estimator
from mentoreval.effects.estimators.abadie_imbens import AbadieImbens
from mentoreval.effects.estimators.callaway_santanna import CallawaySantAnna
from mentoreval.effects.estimators.comparative_interrupted_time_series import ComparativeInterruptedTimeSeries
from mentoreval.effects.estimators.complier_effect import ComplierEffect
from mentoreval.effects.estimators.de_chaisemartin_dhaultfoeuille import DeChaisemartinDHaultfoeuille
from mentoreval.effects.estimators.did_2x2 import Did2x2
from mentoreval.effects.estimators.difference_in_means import DifferenceInMeans
from mentoreval.effects.estimators.dose_response import DoseResponse
from mentoreval.effects.estimators.doubly_robust import DoublyRobust
from mentoreval.effects.estimators.event_study import EventStudy
from mentoreval.effects.estimators.extended_twfe import ExtendedTwfe
from mentoreval.effects.estimators.gardner_two_stage import GardnerTwoStage
from mentoreval.effects.estimators.imputation import Imputation
from mentoreval.effects.estimators.multilevel import Multilevel
from mentoreval.effects.estimators.negative_binomial import NegativeBinomial
from mentoreval.effects.estimators.regression_adjustment import RegressionAdjustment
from mentoreval.effects.estimators.stacked import Stacked
from mentoreval.effects.estimators.sun_abraham import SunAbraham
from mentoreval.effects.estimators.synthetic_did import SyntheticDid
from mentoreval.effects.estimators.triple_difference import TripleDifference
from mentoreval.effects.estimators.twfe import Twfe

ESTIMATORS: dict[str, type[Estimator]] = {
    "difference_in_means": DifferenceInMeans,
    "regression_adjustment": RegressionAdjustment,
    "negative_binomial": NegativeBinomial,
    "multilevel": Multilevel,
    "doubly_robust": DoublyRobust,
    "abadie_imbens": AbadieImbens,
    "complier_effect": ComplierEffect,
    "dose_response": DoseResponse,
    "did_2x2": Did2x2,
    "twfe": Twfe,
    "event_study": EventStudy,
    "callaway_santanna": CallawaySantAnna,
    "sun_abraham": SunAbraham,
    "imputation": Imputation,
    "gardner_two_stage": GardnerTwoStage,
    "extended_twfe": ExtendedTwfe,
    "stacked": Stacked,
    "synthetic_did": SyntheticDid,
    "de_chaisemartin_dhaultfoeuille": DeChaisemartinDHaultfoeuille,
    "triple_difference": TripleDifference,
    "comparative_interrupted_time_series": ComparativeInterruptedTimeSeries,
}

__all__ = [
    "ESTIMATORS",
    "AbadieImbens",
    "CallawaySantAnna",
    "ComparativeInterruptedTimeSeries",
    "ComplierEffect",
    "DeChaisemartinDHaultfoeuille",
    "Did2x2",
    "DifferenceInMeans",
    "DoseResponse",
    "DoublyRobust",
    "EventStudy",
    "ExtendedTwfe",
    "GardnerTwoStage",
    "Imputation",
    "Multilevel",
    "NegativeBinomial",
    "RegressionAdjustment",
    "Stacked",
    "SunAbraham",
    "SyntheticDid",
    "TripleDifference",
    "Twfe",
]
