"""The design methods, by the name that study files use."""

from __future__ import annotations

from mentoreval.design.design import DesignMethod
from mentoreval.design.methods.cardinality import Cardinality
from mentoreval.design.methods.coarsened_exact import CoarsenedExact
from mentoreval.design.methods.covariate_balancing import CovariateBalancing
from mentoreval.design.methods.entropy_balancing import EntropyBalancing
from mentoreval.design.methods.exact import Exact
from mentoreval.design.methods.full import Full
from mentoreval.design.methods.inverse_probability import InverseProbability
from mentoreval.design.methods.nearest import Nearest
from mentoreval.design.methods.odds_weighting import OddsWeighting
from mentoreval.design.methods.optimal_pairs import OptimalPairs
from mentoreval.design.methods.overlap_weighting import OverlapWeighting
from mentoreval.design.methods.subclass import Subclass
from mentoreval.design.methods.unadjusted import Unadjusted

METHODS: dict[str, type[DesignMethod]] = {
    "unadjusted": Unadjusted,
    "nearest": Nearest,
    "odds_weighting": OddsWeighting,
    "inverse_probability": InverseProbability,
    "overlap_weighting": OverlapWeighting,
    "entropy_balancing": EntropyBalancing,
    "covariate_balancing": CovariateBalancing,
    "exact": Exact,
    "coarsened_exact": CoarsenedExact,
    "subclass": Subclass,
    "optimal_pairs": OptimalPairs,
    "full": Full,
    "cardinality": Cardinality,
}

__all__ = [
    "METHODS",
    "Cardinality",
    "CoarsenedExact",
    "CovariateBalancing",
    "EntropyBalancing",
    "Exact",
    "Full",
    "InverseProbability",
    "Nearest",
    "OddsWeighting",
    "OptimalPairs",
    "OverlapWeighting",
    "Subclass",
    "Unadjusted",
]
