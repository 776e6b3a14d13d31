"""wwc_baseline_equivalence: were the arms alike on the analytic sample, by the WWC's bands?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mentoreval.aliases import Verdict
from mentoreval.effects.estimate import Estimate
from mentoreval.evidence.attrition import measure_attrition
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.wwc import BaselineCase, baseline_equivalence, judge_baseline


@dataclass(frozen=True)
class WwcBaselineEquivalence(Check):
    """Baseline equivalence of this estimate's own analytic sample, with the weights of the estimate.

    What the outcomes of the same domain were before the program decides: each must lie within .05 standard deviations,
    or within .25 and be in the impact model. One beyond .25 sinks the domain. Where nothing of the kind is known, the
    other covariates can sink it but not save it: equivalence can not be judged.

    After a lottery with low attrition the arms need not be shown to be alike, and the verdict is pass.
    """

    name: ClassVar[str] = "wwc_baseline_equivalence"

    def examine(self, subject: Estimate) -> Finding:
        """pass, caution (met only through adjustment), fail, or cannot_judge."""
        frame = baseline_equivalence(subject)
        decisive = frame[frame["decides"] & frame["effect_size"].notna()]
        opinion = judge_baseline(frame)
        verdict, key = _VERDICTS[opinion.case]
        if opinion.case == "unknown" and not decisive.empty:
            key = "partly_unknown"
        if opinion.case in ("alike", "adjusted") and not decisive["pretest"].any():
            verdict, key = "cannot_judge", "no_pretest"
        attrition = measure_attrition(subject)
        if attrition is not None and attrition.case == "low":
            verdict, key = "pass", "lottery"
        numbers: dict[str, object] = {"n_far_apart": int((frame["band"] == "not_satisfied").sum())}
        if not decisive.empty:
            worst = decisive.iloc[int(decisive["effect_size"].abs().to_numpy().argmax())]
            numbers |= {name: worst[name] for name in ("covariate", "level", "effect_size")}
        if key == "partly_unknown":
            numbers |= {"covariate": opinion.covariates[0], "level": ""}
        return Finding(self.name, verdict, f"{self.name}.{key}", numbers, frame)


_VERDICTS: dict[BaselineCase, tuple[Verdict, str]] = {
    "alike": ("pass", "alike"),
    "adjusted": ("caution", "adjusted"),
    "not_adjusted": ("fail", "not_adjusted"),
    "not_alike": ("fail", "too_far_apart"),
    "unknown": ("cannot_judge", "no_baseline"),
}
