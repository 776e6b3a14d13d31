"""What Works Clearinghouse (WWC) quantities of one estimate, all on its own analytic sample with its own weights.

Sources: WWC Standards Handbook 5.0, appendix E, through open implementations that cite it; the improvement index is
that of WWC 2.0, appendix F. That a weighted sample is judged with the weights of its estimate is standard practice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.design.balance import wwc_band, wwc_effect_size
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.sample import outcome_at
from mentoreval.numerics.effect_sizes import COX_SCALE, cox_index, hedges_g, improvement_index, omega, pooled_sd
from mentoreval.numerics.two_samples import Difference, TwoSamples
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import Panel

BASELINE_COLUMNS = (
    "covariate", "level", "kind", "n_treated", "mean_treated", "sd_treated", "n_comparison", "mean_comparison",
    "sd_comparison", "effect_size", "effect_size_kind", "band", "adjusted", "pretest", "decides",
)  # fmt: skip


@dataclass(frozen=True)
class EffectSize:
    """A standardized effect.

    kind : "hedges_g", or "cox_index" for an outcome that is 0 or 1
    value : the adjusted effect in standard deviations; NaN with ``reason``, a message key, where it can not be had
    std_error : √((ω·SE/S)² + g²/(2h)) with h = N − 2 less the covariates; for Cox's index by the delta method
    improvement_index : expected change in percentile rank of an average comparison student, −50 to 50
    mean, sd : unadjusted, weighted, of the outcome on the analytic sample; sd_pooled is S
    n_treated, n_comparison : entries of the analytic sample
    """

    kind: str
    value: float
    std_error: float
    improvement_index: float
    mean_treated: float
    sd_treated: float
    n_treated: int
    mean_comparison: float
    sd_comparison: float
    n_comparison: int
    sd_pooled: float
    reason: str = ""


def baseline_equivalence(estimate: Estimate) -> pd.DataFrame:
    """Baseline means, spreads and effect sizes of both arms on the analytic sample of an estimate.

    The covariates are those of the design, and the outcome's own value in the last period before the program.

    Returns
    -------
    One row for each number and each level of a text, with BASELINE_COLUMNS. effect_size is Hedges' g, for a share the
    Cox index; band is "satisfied" up to .05, "needs_adjustment" up to .25, "not_satisfied" beyond, "cannot_judge" where
    an arm has fewer than two students with a value. adjusted: the covariate is in the impact model. pretest: it is the
    outcome's own value before the program. decides: equivalence hangs on it. These are the values before the program of
    the outcomes of the same domain; where there is none, every covariate.
    """
    design, entries = estimate.design, estimate.fit.entries
    base, panel = design.baseline, design.panel
    pretest = panel.pretest(estimate.outcome)
    names = dict.fromkeys((pretest, *design.covariates) if pretest else design.covariates)
    frame = panel.covariates_at_baseline(base.unit[entries], base.cohort[entries], names)
    matrix = covariate_matrix(frame)
    adjusted = set(estimate.fit.estimator.adjusts_for(design))
    treated, weights = base.treated[entries], design.weighting.weights[entries]
    rows = []
    for place, column in enumerate(matrix.columns):
        values = matrix.values[:, place]
        known = ~np.isnan(values)
        arms = TwoSamples(values[known], treated[known], column.binary).under(weights[known])
        size = wwc_effect_size(arms, column.binary)
        rows.append(
            {
                "covariate": column.covariate,
                "level": column.level or "",
                "kind": "binary" if column.binary else "continuous",
                **_of_arms(arms),
                "effect_size": size,
                "effect_size_kind": "cox_index" if column.binary else "hedges_g",
                "band": wwc_band(size),
                "adjusted": column.covariate in adjusted,
                "pretest": column.covariate == pretest,
            }
        )
    table = pd.DataFrame(rows, columns=list(BASELINE_COLUMNS))
    decisive = table["covariate"].isin(_same_domain(panel, estimate.outcome))
    table["decides"] = decisive if decisive.any() else True
    return table


def _same_domain(panel: Panel, outcome: str) -> set[str | None]:
    """The covariates that measure outcomes of the same WWC domain before the program, the outcome itself first."""
    facts = panel.measures.get(outcome, MeasureFacts())
    siblings = {name for name, other in panel.measures.items() if other.domain == facts.domain != "other"}
    return {panel.pretest(name) for name in siblings | {outcome}}


def effect_size(estimate: Estimate) -> EffectSize:
    """The headline effect in standard deviations: Hedges' g, or Cox's index for an outcome that is 0 or 1.

    The numerator is the adjusted effect, the denominator the unadjusted pooled standard deviation of the outcome on the
    analytic sample. For a share, the adjusted share of the treated is the comparison's plus the adjusted effect.
    """
    head = estimate.headline()
    fit = estimate.fit
    event_time = 0 if pd.isna(head["event_time"]) else int(head["event_time"])
    values = outcome_at(estimate.design, estimate.outcome, event_time)[fit.entries]
    weights = estimate.design.weighting.weights[fit.entries]
    treated = estimate.design.baseline.treated[fit.entries]
    known = ~np.isnan(values)
    values, treated, weights = values[known], treated[known], weights[known]
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    arms = TwoSamples(values, treated, binary).under(weights)
    standardize = _cox if binary else _hedges
    size, error, reason = standardize(arms, float(head["estimate"]), float(head["std_error"]), _n_adjusted(estimate))
    spread = float(pooled_sd(arms.treated.sd, arms.comparison.sd, arms.treated.n, arms.comparison.n))
    return EffectSize(
        kind="cox_index" if binary else "hedges_g",
        value=size,
        std_error=error,
        improvement_index=float(improvement_index(size)),
        **_of_arms(arms),
        sd_pooled=spread,
        reason=reason,
    )


def _n_adjusted(estimate: Estimate) -> int:
    return len(estimate.fit.estimator.adjusts_for(estimate.design))


def _hedges(arms: Difference, effect: float, error: float, n_adjusted: int) -> tuple[float, float, str]:
    """Hedges' g, its standard error, and why there is none."""
    sizes = arms.treated.n, arms.comparison.n
    spread = float(pooled_sd(arms.treated.sd, arms.comparison.sd, *sizes))
    if not spread > 0:
        return float("nan"), float("nan"), "outcome_does_not_vary"
    g = float(hedges_g(effect, arms.treated.sd, arms.comparison.sd, *sizes))
    free = max(sum(sizes) - 2 - n_adjusted, 1)
    return g, float(np.sqrt((float(omega(sum(sizes))) * error / spread) ** 2 + g**2 / (2 * free))), ""


def _cox(arms: Difference, effect: float, error: float, n_adjusted: int) -> tuple[float, float, str]:
    """Cox's index of the adjusted shares, its standard error by the delta method, and why there is none."""
    sizes = arms.treated.n, arms.comparison.n
    share = arms.comparison.mean + effect
    if not (0 < share < 1 and 0 < arms.comparison.mean < 1):
        return float("nan"), float("nan"), "share_at_its_limit"
    index = float(cox_index(share, arms.comparison.mean, *sizes))
    return index, float(omega(sum(sizes))) * error / (share * (1 - share)) / COX_SCALE, ""


def _of_arms(arms: Difference) -> dict[str, Any]:
    return {
        "n_treated": arms.treated.n,
        "mean_treated": arms.treated.mean,
        "sd_treated": arms.treated.sd,
        "n_comparison": arms.comparison.n,
        "mean_comparison": arms.comparison.mean,
        "sd_comparison": arms.comparison.sd,
    }
