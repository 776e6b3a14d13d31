"""The propensity models, by the name that study files use."""

from __future__ import annotations

from mentoreval.design.propensity import PropensityModel
from mentoreval.design.propensity_models.boosted_trees import BoostedTrees
from mentoreval.design.propensity_models.given_scores import GivenScores
from mentoreval.design.propensity_models.logit import Logit
from mentoreval.design.propensity_models.multilevel_logit import MultilevelLogit
from mentoreval.design.propensity_models.penalized_logit import PenalizedLogit
from mentoreval.design.propensity_models.probit import Probit

PROPENSITY_MODELS: dict[str, type[PropensityModel]] = {
    "logit": Logit,
    "probit": Probit,
    "penalized_logit": PenalizedLogit,
    "multilevel_logit": MultilevelLogit,
    "boosted_trees": BoostedTrees,
    "given_scores": GivenScores,
}

__all__ = ["PROPENSITY_MODELS", "BoostedTrees", "GivenScores", "Logit", "MultilevelLogit", "PenalizedLogit", "Probit"]
