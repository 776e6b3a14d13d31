"""What Works Clearinghouse (WWC) quantities of one estimate, all on its own analytic sample with its own weights.

Sources: WWC Standards Handbook 5.0, appendix E, through open implementations that cite it; the improvement index is
that of WWC 2.0, appendix F. That a weighted sample is judged with the weights of its estimate is standard practice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.equivalence import wwc_band, wwc_effect_size
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.sample import outcome_at
from mentoreval.evidence.attrition import measure_attrition
from mentoreval.numerics.effect_sizes import COX_SCALE, cox_index, hedges_g, improvement_index, omega, pooled_sd
from mentoreval.numerics.two_samples import BalanceTable, balance_tables
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import Panel

BASELINE_COLUMNS = (
    "covariate", "level", "kind", "n_treated", "mean_treated", "sd_treated", "n_comparison", "mean_comparison",
    "sd_comparison", "effect_size", "effect_size_kind", "band", "adjusted", "pretest", "decides",
)  # fmt: skip


BaselineCase = Literal["alike", "adjusted", "not_adjusted", "not_alike", "unknown", "lottery"]


@dataclass(frozen=True)
class BaselineOpinion:
    """Whether the arms were alike before the program in what bears on an outcome.

    case : alike; adjusted = somewhat different, and the estimate takes it into account; not_adjusted = it does not;
        not_alike = so different that no adjustment helps; unknown; lottery = a lottery with low attrition formed them,
        so that what is between them is chance
    covariates : those that decided it
    largest : the largest absolute effect size among them; NaN where there is none
    """

    case: BaselineCase
    covariates: tuple[str, ...] = ()
    largest: float = math.nan


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
    binary = np.array([column.binary for column in matrix.columns], dtype=bool)
    (arms,) = balance_tables(matrix.values, treated, [weights], binary=binary)
    sizes = wwc_effect_size(arms)
    named = [column.covariate for column in matrix.columns]
    columns = {
        "covariate": named,
        "level": [column.level or "" for column in matrix.columns],
        "kind": np.where(binary, "binary", "continuous").tolist(),
        **arm_columns(arms),
        "effect_size": sizes,
        "effect_size_kind": np.where(binary, "cox_index", "hedges_g").tolist(),
        "band": [wwc_band(float(size)) for size in sizes],
        "adjusted": [name in adjusted for name in named],
        "pretest": [name == pretest for name in named],
    }
    table = pd.DataFrame(columns)
    decisive = table["covariate"].isin(_same_domain(panel, estimate.outcome))
    table["decides"] = decisive if decisive.any() else True
    return table[list(BASELINE_COLUMNS)]


def _same_domain(panel: Panel, outcome: str) -> set[str | None]:
    """The covariates that measure outcomes of the same WWC domain before the program, the outcome itself first."""
    facts = panel.measures.get(outcome, MeasureFacts())
    siblings = {name for name, other in panel.measures.items() if other.domain == facts.domain != "other"}
    return {panel.pretest(name) for name in siblings | {outcome}}


def judge_baseline(table: pd.DataFrame) -> BaselineOpinion:
    """What a table of ``baseline_equivalence`` says, by the covariates on which equivalence hangs.

    One of them beyond adjustment sinks the estimate; one that can not be judged leaves it unknown.
    """
    rows = table[table["decides"].astype(bool)]
    judged = rows[rows["band"] != "cannot_judge"]
    if judged.empty:
        return BaselineOpinion("unknown", _names(rows))
    far = judged[judged["band"] == "not_satisfied"]
    if len(far):
        return BaselineOpinion("not_alike", _names(far), _largest(far))
    if len(judged) < len(rows):
        return BaselineOpinion("unknown", _names(rows[rows["band"] == "cannot_judge"]), _largest(judged))
    near = judged[judged["band"] == "needs_adjustment"]
    left = near[~near["adjusted"].astype(bool)]
    if len(left):
        return BaselineOpinion("not_adjusted", _names(left), _largest(left))
    if len(near):
        return BaselineOpinion("adjusted", _names(near), _largest(near))
    return BaselineOpinion("alike", _names(judged), _largest(judged))


def judge_arms(estimate: Estimate, table: pd.DataFrame) -> BaselineOpinion:
    """``judge_baseline`` of the table of an estimate, save that a lottery with low attrition excuses every gap."""
    opinion, attrition = judge_baseline(table), measure_attrition(estimate)
    if attrition is None or attrition.case != "low":
        return opinion
    return BaselineOpinion("lottery", opinion.covariates, opinion.largest)


def _names(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for name in rows["covariate"]))


def _largest(rows: pd.DataFrame) -> float:
    return float(rows["effect_size"].abs().max())


def effect_size(estimate: Estimate) -> EffectSize:
    """The headline effect in standard deviations: Hedges' g, or Cox's index for an outcome that is 0 or 1.

    The numerator is the adjusted effect, the denominator the unadjusted pooled standard deviation of the outcome on the
    analytic sample. For a share, the adjusted share of the treated is the comparison's plus the adjusted effect.
    What only describes shows no effect, and so has no size of one.
    """
    fit = estimate.fit
    values = outcome_at(estimate.design, estimate.outcome, estimate.headline_event_time)[fit.entries]
    weights = estimate.design.weighting.weights[fit.entries]
    treated = estimate.design.baseline.treated[fit.entries]
    (table,) = balance_tables(values[:, None], treated, [weights])
    arms = {name: column[0].item() for name, column in arm_columns(table).items()}
    is_share = bool(table.binary[0])
    size, error, reason = _standardized(estimate, arms, is_share)
    return EffectSize(
        kind="cox_index" if is_share else "hedges_g",
        value=size,
        std_error=error,
        improvement_index=float(improvement_index(size)),
        **arms,
        sd_pooled=_pooled(arms),
        reason=reason,
    )


def _standardized(estimate: Estimate, arms: Arms, is_share: bool) -> tuple[float, float, str]:
    """The size of the headline effect, its standard error, and why there is none."""
    estimator = estimate.fit.estimator
    if estimator.descriptive:
        return float("nan"), float("nan"), "it_describes"
    head, n_adjusted = estimate.headline(), len(estimator.adjusts_for(estimate.design))
    return (_cox if is_share else _hedges)(arms, float(head["estimate"]), float(head["std_error"]), n_adjusted)


def _pooled(arms: Arms) -> float:
    return float(pooled_sd(arms["sd_treated"], arms["sd_comparison"], arms["n_treated"], arms["n_comparison"]))


def _hedges(arms: Arms, effect: float, error: float, n_adjusted: int) -> tuple[float, float, str]:
    """Hedges' g, its standard error, and why there is none."""
    sizes = arms["n_treated"], arms["n_comparison"]
    spread = _pooled(arms)
    if not spread > 0:
        return float("nan"), float("nan"), "outcome_does_not_vary"
    g = float(hedges_g(effect, arms["sd_treated"], arms["sd_comparison"], *sizes))
    free = max(sum(sizes) - 2 - n_adjusted, 1)
    return g, float(np.sqrt((float(omega(sum(sizes))) * error / spread) ** 2 + g**2 / (2 * free))), ""


def _cox(arms: Arms, effect: float, error: float, n_adjusted: int) -> tuple[float, float, str]:
    """Cox's index of the adjusted shares, its standard error by the delta method, and why there is none."""
    sizes, before = (arms["n_treated"], arms["n_comparison"]), arms["mean_comparison"]
    share = before + effect
    if not (0 < share < 1 and 0 < before < 1):
        return float("nan"), float("nan"), "share_at_its_limit"
    index = float(cox_index(share, before, *sizes))
    return index, float(omega(sum(sizes))) * error / (share * (1 - share)) / COX_SCALE, ""


Arms = dict[str, Any]
"""n, mean and sd of both arms, by their names in BASELINE_COLUMNS."""


def arm_columns(table: BalanceTable) -> Arms:
    """n, mean and SD of both arms of a table, by their names in BASELINE_COLUMNS."""
    return {
        "n_treated": table.treated.n,
        "mean_treated": table.treated.mean,
        "sd_treated": table.treated.sd,
        "n_comparison": table.comparison.n,
        "mean_comparison": table.comparison.mean,
        "sd_comparison": table.comparison.sd,
    }
