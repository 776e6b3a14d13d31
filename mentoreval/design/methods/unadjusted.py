"""Unadjusted: everybody is compared with everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import Estimand
from mentoreval.design.design import NO_SET, Baseline, DesignMethod, Weighting


@dataclass(frozen=True)
class Unadjusted(DesignMethod):
    """Every entry keeps its sampling weight; nobody is matched and nobody is left out.

    Any estimand may be asked for: without weighting, all of them are the same comparison. Students with missing
    covariates stay, because the covariates are not used.
    """

    name: ClassVar[str] = "unadjusted"

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Sampling weights for everyone."""
        return Weighting(
            weights=baseline.weight.astype(float),
            matched_set=np.full(baseline.size, NO_SET, dtype=np.int64),
            propensity=np.full(baseline.size, np.nan),
            pairs=np.empty((0, 2), dtype=np.int64),
            considered=np.ones(baseline.size, dtype=bool),
        )
