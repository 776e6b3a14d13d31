"""Inference: from a fit to an estimate with its uncertainty."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mentoreval.effects.estimator import Fit
from mentoreval.errors import EffectError
from mentoreval.registry import Kind

if TYPE_CHECKING:
    from mentoreval.effects.estimate import Estimate


@dataclass(frozen=True)
class Inference(Kind):
    """A rule for standard errors, degrees of freedom and intervals. One method to write: ``apply``."""

    folder: ClassVar[str] = "mentoreval.effects.inference_methods:INFERENCE_METHODS"

    @abstractmethod
    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; raises EffectError where the method does not apply to this fit, naming one that does."""


def natural_cluster(fit: Fit) -> str:
    """The highest level at which students share fate in this design: school, else matched set, else student.

    A school counts where there are at least two; in a design without schools, matched sets share a comparison.
    """
    for name in ("school", "matched_set"):
        codes = fit.clusters.get(name)
        if codes is not None and len(np.unique(codes[codes >= 0])) > 1:
            return name
    if "student" not in fit.clusters:
        raise EffectError(f"{fit.estimator.name} names no clusters; choose an inference method that needs none.")
    return "student"
