"""Complier effect: what the program did for those who took part because a lottery offered it to them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.linalg import block_diag

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.design import Design
from mentoreval.design.propensity import with_cohorts
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, LinearModel, make_terms
from mentoreval.effects.inference import natural_cluster
from mentoreval.effects.note import Note
from mentoreval.effects.regression import sample_term
from mentoreval.effects.sample import Sample, analytic_sample, outcome_at
from mentoreval.errors import EffectError, first_few
from mentoreval.numerics.least_squares import AliasedColumnsError, solve_least_squares
from mentoreval.numerics.sandwich import cluster_vcov, count_clusters

WEAK = 10.0
"""First-stage F below which two-stage least squares leans to the biased comparison (Staiger & Stock 1997)."""

NO_FIRST_STAGE = 1e-10
"""Difference in participation that is rounding."""

CONFIDENCE = 0.95
"""Of the Anderson–Rubin set in ``facts``."""


@dataclass(frozen=True)
class ComplierEffect(Estimator):
    """Two-stage least squares with the random offer as the instrument for taking part.

    event_time : periods since the start in which the outcome is taken; 0 in a cross-section
    covariates : to adjust for, read at the baseline; by default those of the design

    Estimand
        The average effect of taking part on compliers: those who take part if the program is offered and not if it is
        not (LATE, also TOT or CACE). Where nobody takes part without an offer it is the effect on those who take part.

    Assumptions
        The arms of the panel are those of a lottery (``assignment = "random"``); the offer works through taking part
        alone; nobody takes part because it was not offered. It is refused where assignment was not random, for those
        whom a program chooses differ in other ways than by the offer.

    Estimator
        The difference that the offer makes to the outcome (intention to treat) over the difference that it makes to
        taking part, both in weighted least squares on covariates and one intercept for each cohort: two-stage least
        squares, as ``IV2SLS`` of linearmodels. Taking part is the highest value of the role ``participated`` from the
        start to the period of the outcome. ``facts`` has ``itt`` (whose uncertainty regression_adjustment gives on the
        same design), ``first_stage``, ``took_part_offered`` and ``took_part_not_offered``, and
        ``control_complier_mean``: the mean outcome of compliers had it not been offered, from the same equations with
        the outcome of those who do not take part. Without others taking part and without covariates it is the mean of
        the offered who take part less the effect, as Guryan et al. report.

    Standard errors
        From the influence function of two-stage least squares; the corrections HC1 to HC3 and CR1 to CR3 take its
        second stage as the regression, as ``estimatr::iv_robust`` does. ``facts["first_stage_f"]`` is the squared t of
        the offer in the first stage, CR1 by the highest level at which students share fate; below 10 a note says that
        interval and p-value can not be relied on. ``facts["anderson_rubin"]`` are 95 % intervals that hold with weak
        instruments also, with the same clusters: one interval, two half-lines, or the whole line.

    Edge cases
        Complete cases, by the rule of ``regression_adjustment``. Participation that is not known of a student whose
        outcome is, an offer that changes nobody's participation, and covariates that tell who was offered the program
        are errors.

    References
        Angrist, Imbens & Rubin (1996), Journal of the American Statistical Association 91; Katz, Kling & Liebman
        (2001), Quarterly Journal of Economics 116, for the control complier mean; Anderson & Rubin (1949), Annals of
        Mathematical Statistics 20; Guryan et al. (2020), NBER Working Paper 27661.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 2, 3, 4, 5, 6, 7, 8],
        ...         "offered": [1, 1, 1, 1, 0, 0, 0, 0],
        ...         "took_part": [1, 1, 0, 0, 0, 0, 0, 0],
        ...         "absent": [4, 6, 9, 9, 9, 11, 8, 10],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame,
        ...     unit="student",
        ...     treated="offered",
        ...     participated="took_part",
        ...     assignment="random",
        ...     outcomes=["absent"],
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.ComplierEffect())
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # (7 - 9.5) / (2 / 4 - 0)
        -5.0
    """

    name: ClassVar[str] = "complier_effect"
    event_time: int = 0
    covariates: tuple[str, ...] | None = None

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effect on compliers, and each entry's influence on it."""
        _refuse_without_lottery(design)
        response = outcome_at(design, outcome, self.event_time)
        sample = analytic_sample(design, response, self.event_time, self.adjusts_for(design))
        took_part = _took_part(sample, self.event_time)
        stages = _stages(sample, took_part)
        fit = Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms([sample_term(sample, self.event_time)]),
            theta=np.array([stages.effect]),
            influence=stages.second.arrays.influence,
            clusters={name: codes[sample.unit] for name, codes in unit_clusters(design).items()},
            entries=sample.entries,
            second_stage=stages.second,
        )
        strength, sets = _weak_instrument(stages, fit.cluster_codes(natural_cluster(fit)))
        offered = [
            float(np.average(took_part[arm], weights=sample.weights[arm])) for arm in (sample.treated, ~sample.treated)
        ]
        facts = {
            **sample.facts,
            "itt": stages.itt,
            "first_stage": stages.first,
            "took_part_offered": offered[0],
            "took_part_not_offered": offered[1],
            "control_complier_mean": stages.control_complier_mean,
            "first_stage_f": strength,
            "anderson_rubin": sets,
        }
        return replace(fit, facts=facts, notes=_notes(strength))


@dataclass(frozen=True, eq=False)
class _Stages:
    """Both stages after covariates are taken out.

    itt, first : difference that the offer makes to the outcome and to taking part
    control_complier_mean : mean outcome of compliers without the offer
    second : the regression on what the offer tells of taking part, with the residuals of the equation itself
    of_stages : (n, 2) influence on itt and first
    """

    itt: float
    first: float
    control_complier_mean: float
    second: LinearModel
    of_stages: FloatArray

    @property
    def effect(self) -> float:
        """The effect on compliers."""
        return self.itt / self.first


def _refuse_without_lottery(design: Design) -> None:
    panel = design.panel
    if panel.assignment != "random":
        raise EffectError(
            "complier_effect takes the offer of the program as an instrument, which it is only where a lottery made "
            "it, and this panel does not say so. If the arms are those of a lottery, whoever took part, make the panel "
            'with assignment = "random"; if the program or the students chose, use another estimator.'
        )
    if panel.participated is None:
        raise EffectError(
            "complier_effect compares what was offered with who took part, and this panel has no participation. Name "
            "the column of 0/1 with participated = when the panel is made; first_treated or treated says what was "
            "offered."
        )


def _took_part(sample: Sample, event_time: int) -> FloatArray:
    """(m,) 1 where the entry's student took part from the start to the period of the outcome, else 0."""
    panel = sample.design.panel
    known = panel.matrix(str(panel.participated))[sample.unit]
    clock = panel.timeline.clock
    inside = (clock >= sample.cohort[:, None]) & (clock <= sample.cohort[:, None] + event_time)
    took_part: FloatArray = np.max(np.where(inside & ~np.isnan(known), known, -1.0), axis=1)
    unknown = took_part < 0
    if unknown.any():
        raise EffectError(
            f"{panel.participated} is not known of {int(unknown.sum()):,} of {len(unknown):,} students whose outcome "
            f"is (first: {first_few(panel.units[sample.unit[unknown]])}). Complete it: 0 for who did not take part."
        )
    return took_part


def _stages(sample: Sample, took_part: FloatArray) -> _Stages:
    matrix = covariate_matrix(sample.covariates)
    if matrix.columns:
        matrix.refuse_constants()
    controls = with_cohorts(matrix, sample.cohort)
    y, offer, w = sample.response, sample.treated.astype(float), sample.weights
    try:
        partial = solve_least_squares(
            controls.values, np.column_stack([y, took_part, offer, y * (1 - took_part), 1 - took_part]), w
        )
    except AliasedColumnsError as error:
        names = first_few(controls.columns[place].label for place in error.columns)
        raise EffectError(f"Covariates are combinations of others: {names}. Leave them out.") from None
    y, took_part, offer, away_outcome, away = partial.residuals.T
    variation = float(w @ offer**2)
    if variation <= NO_FIRST_STAGE * w.sum():
        raise EffectError("The covariates tell exactly who was offered the program. Leave out the one that does.")
    itt, first = float(w @ (offer * y)) / variation, float(w @ (offer * took_part)) / variation
    if abs(first) <= NO_FIRST_STAGE:
        raise EffectError(
            "As many take part with the offer as without it, so the offer tells nothing about taking part. Check which "
            "column is the offer (treated, first_treated) and which is participation (participated)."
        )
    pull = len(y) * w * offer / variation
    return _Stages(
        itt=itt,
        first=first,
        control_complier_mean=float(w @ (offer * away_outcome)) / float(w @ (offer * away)),
        second=LinearModel(
            columns=np.column_stack([controls.values, first * offer]),
            response=sample.response,
            weights=w,
            coefficients=np.append(partial.coefficients[:, 0], itt / first),
            residuals=y - itt / first * took_part,
            bread=block_diag(partial.bread, 1.0 / (first**2 * variation)),
            contrasts=np.eye(1, controls.values.shape[1] + 1, controls.values.shape[1]),
        ),
        of_stages=np.column_stack([pull * (y - itt * offer), pull * (took_part - first * offer)]),
    )


def _weak_instrument(stages: _Stages, cluster: IntArray) -> tuple[float, tuple[tuple[float, float], ...]]:
    """The first-stage F, and the Anderson–Rubin set as intervals.

    The set is every effect b for which itt − b first is not told from zero: (itt − b first)² is at most t² times its
    variance, a quadratic in b.
    """
    from scipy import special

    n_clusters = count_clusters(cluster)
    if n_clusters < 2:
        return math.nan, ()
    n = len(cluster)
    factor = n_clusters / (n_clusters - 1.0) * (n - 1.0) / (n - stages.second.n_parameters(cluster))
    vcov = factor * cluster_vcov(stages.of_stages, cluster)
    limit = float(special.stdtrit(n_clusters - 1.0, 0.5 + CONFIDENCE / 2)) ** 2
    itt, first = stages.itt, stages.first
    a = first**2 - limit * vcov[1, 1]
    b = itt * first - limit * vcov[0, 1]
    c = itt**2 - limit * vcov[0, 0]
    root = b**2 - a * c
    strength = float(first**2 / vcov[1, 1]) if vcov[1, 1] > 0 else math.inf
    if root < 0:
        return strength, ((-math.inf, math.inf),)
    low, high = sorted(((b - math.sqrt(root)) / a, (b + math.sqrt(root)) / a))
    if a > 0:
        return strength, ((low, high),)
    return strength, ((-math.inf, low), (high, math.inf))


def _notes(strength: float) -> tuple[Note, ...]:
    """A note where the offer moves participation too little for the interval to be relied on."""
    return (Note("weak_instrument", numbers={"f": strength, "weak": WEAK}),) if strength < WEAK else ()
