"""The checks, by the name that study files use."""

from mentoreval.evidence.check import Check
from mentoreval.evidence.checks.covariate_balance import CovariateBalance
from mentoreval.evidence.checks.e_value import EValue
from mentoreval.evidence.checks.honest_did import HonestDid
from mentoreval.evidence.checks.omitted_variable import OmittedVariable
from mentoreval.evidence.checks.oster_delta import OsterDelta
from mentoreval.evidence.checks.pretrends import Pretrends
from mentoreval.evidence.checks.regression_to_the_mean import RegressionToTheMean
from mentoreval.evidence.checks.rosenbaum_bounds import RosenbaumBounds
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
    "honest_did": HonestDid,
}
