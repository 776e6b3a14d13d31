"""The propensity models, by the name that study files use."""

from __future__ import annotations

from mentoreval.design.propensity import PropensityModel
from mentoreval.design.propensity_models.logit import Logit

PROPENSITY_MODELS: dict[str, type[PropensityModel]] = {
    "logit": Logit,
}

__all__ = ["PROPENSITY_MODELS", "Logit"]
