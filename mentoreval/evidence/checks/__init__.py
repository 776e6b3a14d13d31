"""The checks, by the name that study files use."""

from mentoreval.evidence.check import Check
from mentoreval.evidence.checks.attrition import AttritionCheck
from mentoreval.evidence.checks.bacon_decomposition import BaconDecomposition
from mentoreval.evidence.checks.composition_change import CompositionChange
from mentoreval.evidence.checks.covariate_balance import CovariateBalance
from mentoreval.evidence.checks.e_value import EValue
from mentoreval.evidence.checks.honest_did import HonestDid
from mentoreval.evidence.checks.leave_one_mentor_out import LeaveOneMentorOut
from mentoreval.evidence.checks.leave_one_school_out import LeaveOneSchoolOut
from mentoreval.evidence.checks.negative_weights import NegativeWeights
from mentoreval.evidence.checks.omitted_variable import OmittedVariable
from mentoreval.evidence.checks.oster_delta import OsterDelta
from mentoreval.evidence.checks.overlap import OverlapCheck
from mentoreval.evidence.checks.placebo_group import PlaceboGroup
from mentoreval.evidence.checks.placebo_outcome import PlaceboOutcome
from mentoreval.evidence.checks.placebo_period import PlaceboPeriod
from mentoreval.evidence.checks.pretrends import Pretrends
from mentoreval.evidence.checks.regression_to_the_mean import RegressionToTheMean
from mentoreval.evidence.checks.rehearsal import RehearsalCheck
from mentoreval.evidence.checks.rosenbaum_bounds import RosenbaumBounds
from mentoreval.evidence.checks.spillover import Spillover
from mentoreval.evidence.checks.wwc_baseline_equivalence import WwcBaselineEquivalence

CHECKS: dict[str, type[Check]] = {
    "covariate_balance": CovariateBalance,
    "wwc_baseline_equivalence": WwcBaselineEquivalence,
    "pretrends": Pretrends,
    "regression_to_the_mean": RegressionToTheMean,
    "omitted_variable": OmittedVariable,
    "oster_delta": OsterDelta,
    "e_value": EValue,
    "rosenbaum_bounds": RosenbaumBounds,
    "overlap": OverlapCheck,
    "leave_one_school_out": LeaveOneSchoolOut,
    "leave_one_mentor_out": LeaveOneMentorOut,
    "spillover": Spillover,
    "honest_did": HonestDid,
    "placebo_period": PlaceboPeriod,
    "placebo_outcome": PlaceboOutcome,
    "placebo_group": PlaceboGroup,
    "bacon_decomposition": BaconDecomposition,
    "negative_weights": NegativeWeights,
    "composition_change": CompositionChange,
    "attrition": AttritionCheck,
    "rehearsal": RehearsalCheck,
}
