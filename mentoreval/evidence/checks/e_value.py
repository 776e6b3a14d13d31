"""e_value: how strong would something unobserved have to be to explain the effect away?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.wwc import effect_size
from mentoreval.numerics.hidden_bias import e_value, e_value_of_interval, risk_ratio_of_g


@dataclass(frozen=True)
class EValue(Check):
    """The E-value of the estimate and of the end of its interval that is nearer to no effect.

    It is the risk ratio that something unobserved would need both with being mentored and with the outcome. An outcome
    of 0 and 1 has a risk ratio of its own: the adjusted share of the treated to that of the comparison, whose share is
    taken as known; other outcomes take the approximation by Hedges' g. How large is large depends on what one knows of
    the program, so that the verdict is info.

    References: VanderWeele and Ding (2017), Sensitivity analysis in observational research, Annals of Internal Medicine
    167.
    """

    name: ClassVar[str] = "e_value"

    def examine(self, subject: Estimate) -> Finding:
        """info, with both E-values; cannot_judge where the effect has no standardized size."""
        size = effect_size(subject)
        if not math.isfinite(size.value):
            return Finding(self.name, "cannot_judge", f"{self.name}.no_effect_size")
        head = subject.headline()
        if size.kind == "cox_index":
            ratios = [
                (size.mean_comparison + float(head[name])) / size.mean_comparison
                for name in ("estimate", "conf_low", "conf_high")
            ]
        else:
            ratios = list(risk_ratio_of_g(size.value, size.std_error))
        if not all(ratio > 0 and math.isfinite(ratio) for ratio in ratios):
            return Finding(self.name, "cannot_judge", f"{self.name}.share_out_of_range")
        numbers = {"e_value": e_value(ratios[0]), "e_value_interval": e_value_of_interval(*ratios[1:])}
        frame = pd.DataFrame([{"risk_ratio": ratios[0], "low": ratios[1], "high": ratios[2], **numbers}])
        holds_none = numbers["e_value_interval"] == 1
        return Finding(self.name, "info", f"{self.name}.{'nothing_to_undo' if holds_none else 'value'}", numbers, frame)
