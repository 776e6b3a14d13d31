"""Synthetic difference-in-differences: a comparison made of weighted schools and weighted periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, StatedVariance, make_terms
from mentoreval.effects.pooling import AVERAGE
from mentoreval.effects.sample import n_always_treated
from mentoreval.effects.unit_periods import time_varying
from mentoreval.errors import EffectError
from mentoreval.numerics.draws import canonical_order
from mentoreval.numerics.synthetic_did import (
    SyntheticMethod,
    SyntheticWeights,
    leave_one_out,
    partial_out,
    synthesize,
)

MOST_UNITS = 2_000
"""Units from which on a comparison out of whole units makes no sense, nor does its matrix of units by units."""


@dataclass(frozen=True)
class SyntheticDid(Estimator):
    """Weighted schools whose outcomes ran parallel before the start, compared over weighted periods.

    method : synthetic_did; synthetic_control weighs schools so that their level is that of the treated, and compares
        outcomes and not changes; did weighs all schools and periods alike. One formula with other weights
    covariates : numeric columns that change over time, taken out before weights are sought

    Estimand
        The average effect on the treated units over the periods from their start on; with several starts the average
        by treated unit-periods (``average``), and one effect for each start.

    Assumptions
        What drives the outcome without the program is a few common factors, which a weighted mean of donors shares with
        the treated; long stretches before the start; no anticipation; few treated units beside the donors. Donors are
        never treated and untouched by the program.

    Estimator
        Σ over treated and donors, after less before: (−ω, 1/N₁)' Y (−λ, 1/T₁). ω makes the donors' mean run parallel to
        that of the treated before the start, with a ridge (N₁T₁)^¼ times the standard deviation of the donors' changes;
        λ makes the donors' weighted mean before their mean after, but for a constant. Both by Frank–Wolfe as in
        synthdid 0.0.9, small weights set to zero on the way. With several starts one block for each, all with the same
        never-treated donors (``sdid`` of Stata). Covariates: outcomes less what they predict among the never treated
        with unit and period effects (the "projected" way of ``sdid``).

    Standard errors
        ``own_variance`` is the jackknife of the paper (Algorithm 3), over units with the weights held; it needs two
        treated units at every start. Its interval is that of t with the degrees of freedom of Welch and Satterthwaite,
        for the variance rests on few treated units and few donors that count: with 8 treated of 40 the normal interval,
        which users of synthdid make, holds the truth in about 92 %. ``Placebo`` serves one treated unit,
        ``RefitBootstrap(cluster="student")`` is the paper's bootstrap, in which weights are sought again. There is no
        influence function.

    Edge cases
        Units with a gap in any period are left out and counted in ``facts``, as are units treated from the first period
        on. Design weights average the treated and start the search among donors; a pool of not-yet-treated units is
        used only as far as they are never treated. With one period before the start all donors weigh alike. More than
        2,000 units are refused: make a panel of schools first. ``facts`` holds the weights that are not zero.

    References
        Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), American Economic Review 111; Clarke, Pailañir, Athey &
        Imbens (2024), Stata Journal 24; Abadie, Diamond & Hainmueller (2010), JASA 105; Welch (1947), Biometrika 34.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "school": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
        ...         "year": [2022, 2023, 2024] * 4,
        ...         "start": [2024] * 6 + [None] * 6,
        ...         "absent": [19, 20, 16, 18, 19, 13, 9, 10, 11, 10, 8, 12],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(frame, unit="school", period="year", first_treated="start", outcomes=["absent"])
        >>> design = me.choose_design(panel)
        >>> effects = [me.SyntheticDid(method=m).fit(design, "absent").theta[0] for m in ("did", "synthetic_did")]
        >>> [float(effect.round(2)) for effect in effects]  # all weight on 2022: (14.5 - 18.5) - 2
        [-6.75, -6.0]
    """

    name: ClassVar[str] = "synthetic_did"
    compares_changes: ClassVar[bool] = True
    exempt: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"influence": "its weights are chosen by a search that no derivative follows"}
    )
    method: SyntheticMethod = "synthetic_did"
    covariates: tuple[str, ...] = ()

    def sees_changes(self) -> bool:
        """A synthetic control compares outcomes, which its weights made alike before the start."""
        return self.method != "synthetic_control"

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effect, one for each start where there are several; EffectError where there are no donors or gaps."""
        panel = design.panel
        if panel.is_cross_section:
            raise EffectError("This panel has one period, and synthetic_did needs periods before and after the start.")
        y, n_incomplete = _complete_outcomes(self, design, outcome)
        blocks = [_Block.of(design, y, int(cohort), self.method) for cohort in panel.cohorts]
        found = [block for block in blocks if block is not None]
        if not found:
            raise EffectError(
                "No start has both a treated and a never-treated unit whose outcome is known in every period, with a "
                "period before it. Fill the gaps, or shorten the panel to the periods that are complete."
            )
        return _assemble(self, design, outcome, found, n_incomplete)


@dataclass(frozen=True, eq=False)
class _Block:
    """Units of one start and their donors; arrays of m units, donors first.

    entry : (m,) entries of the design; unit : (m,) codes
    weights : (m,) of the treated by the design, of the donors as found; each arm sums to one
    mass : (m,) weight of each treated unit times periods from the start on; 0 for donors
    change : (m,) each unit's mean from the start on less its weighted mean before
    """

    cohort: int
    entry: IntArray
    unit: IntArray
    n_donors: int
    weights: FloatArray
    mass: FloatArray
    change: FloatArray
    found: SyntheticWeights

    @property
    def effect(self) -> float:
        """The double difference."""
        donors, n = self.weights * self.change, self.n_donors
        return float(donors[n:].sum() - donors[:n].sum())

    @property
    def without_one(self) -> FloatArray:
        """(m,) the effect without each unit; NaN where an arm is then empty."""
        n, share = self.n_donors, self.weights * self.change
        kept = leave_one_out(self.change[:n], self.weights[:n]), leave_one_out(self.change[n:], self.weights[n:])
        return np.concatenate([share[n:].sum() - kept[0], kept[1] - share[:n].sum()])

    @classmethod
    def of(cls, design: Design, y: FloatArray, cohort: int, method: SyntheticMethod) -> _Block | None:
        """The block of a start; None where an arm, or a period before or after, is missing."""
        baseline, clock = design.baseline, design.panel.timeline.clock
        entries = np.flatnonzero((baseline.cohort == cohort) & (design.weighting.weights > 0))
        entries = entries[~np.isnan(y[baseline.unit[entries]]).any(axis=1)]
        never = design.panel.start[baseline.unit[entries]] > clock[-1]
        treated, donors = entries[baseline.treated[entries]], entries[~baseline.treated[entries] & never]
        n_before = int(np.count_nonzero(clock < cohort))
        if not len(treated) or not len(donors) or n_before in (0, len(clock)):
            return None
        donors = donors[canonical_order(y[baseline.unit[donors]])]
        values, start = y[baseline.unit[donors]], _shares(design.weighting.weights[donors])
        weights = design.weighting.weights[treated]
        mean = _shares(weights) @ y[baseline.unit[treated]]
        found = synthesize(values, mean, len(treated), n_before, start, method)
        entry = np.concatenate([donors, treated])
        return cls(
            cohort=cohort,
            entry=entry,
            unit=baseline.unit[entry],
            n_donors=len(donors),
            weights=np.concatenate([found.unit, _shares(weights)]),
            mass=np.concatenate([np.zeros(len(donors)), weights * (len(clock) - n_before)]),
            change=y[baseline.unit[entry]] @ found.contrast(len(clock)),
            found=found,
        )


def _shares(weights: FloatArray) -> FloatArray:
    return np.asarray(weights / weights.sum())


def _complete_outcomes(estimator: SyntheticDid, design: Design, outcome: str) -> tuple[FloatArray, int]:
    """(n_units, n_periods) outcomes without what covariates predict, missing in units that do not take part, and the
    number of units of the design that are left out for a gap."""
    panel, baseline = design.panel, design.baseline
    used = np.unique(baseline.unit[design.weighting.weights > 0])
    if len(used) > MOST_UNITS:
        raise EffectError(
            f"synthetic_did builds its comparison out of whole units, such as schools, and this design has "
            f"{len(used):,} (at most {MOST_UNITS:,}). Make a panel of schools: one row for each school and period with "
            "the mean outcome of its students, panel_from_frame(..., unit='school')."
        )
    y = np.full((panel.n_units, len(panel.timeline.clock)), np.nan)
    y[used] = panel.outcome_matrix(outcome)[used]
    if estimator.covariates:
        X = np.stack([time_varying(design, name, estimator.name) for name in estimator.covariates], axis=2)
        y[np.isnan(X).any(axis=2)] = np.nan
    whole = used[~np.isnan(y[used]).any(axis=1)]
    if estimator.covariates:
        free = np.flatnonzero(panel.start[whole] > panel.timeline.clock[-1])
        if not len(free):
            raise EffectError("No never-treated unit is complete, so synthetic_did can not adjust for covariates.")
        y[whole] = partial_out(y[whole], X[whole], free)
    return y, len(used) - len(whole)


def _assemble(estimator: SyntheticDid, design: Design, outcome: str, blocks: list[_Block], n_incomplete: int) -> Fit:
    """One term for each start where there are several, and their average by treated unit-periods."""
    units = np.unique(np.concatenate([block.unit for block in blocks]))
    mass = np.array([block.mass.sum() for block in blocks])
    effects = np.array([block.effect for block in blocks])
    several = len(blocks) > 1
    theta = np.append(effects if several else [], mass @ effects / mass.sum())
    label, clusters = design.panel.timeline.label, unit_clusters(design)
    starts = [
        {"term": f"cohort={label(block.cohort)}", "cohort": label(block.cohort), **_count([block])} for block in blocks
    ]
    return Fit(
        design=design,
        outcome=outcome,
        estimator=estimator,
        terms=make_terms([*(starts if several else []), {"term": AVERAGE, **_count(blocks)}]),
        theta=theta,
        influence=None,
        clusters={name: codes[units] for name, codes in clusters.items()},
        entries=np.unique(np.concatenate([block.entry for block in blocks])),
        facts={
            "always_treated": n_always_treated(design.panel),
            "units_with_gaps": n_incomplete,
            "starts_left_out": len(design.panel.cohorts) - len(blocks),
            "donor_weights": tuple(row for block in blocks for row in _donor_weights(design, block)),
            "period_weights": tuple(row for block in blocks for row in _period_weights(design, block)),
        },
        own_variance=lambda: _jackknife(blocks, units),
    )


def _count(blocks: list[_Block]) -> dict[str, object]:
    """Distinct treated units, and distinct donors, of blocks."""
    treated = np.concatenate([block.unit[block.n_donors :] for block in blocks])
    donors = np.concatenate([block.unit[: block.n_donors] for block in blocks])
    return {"n_treated": len(np.unique(treated)), "n_comparison": len(np.unique(donors))}


def _donor_weights(design: Design, block: _Block) -> list[tuple[object, object, float]]:
    """Start, donor and weight of the donors that count, the heaviest first."""
    weight, labels = block.weights[: block.n_donors], design.panel.units[block.unit[: block.n_donors]]
    order = [int(i) for i in np.argsort(-weight, kind="stable") if weight[i] > 0]
    return [(design.panel.timeline.label(block.cohort), labels[i], float(weight[i])) for i in order]


def _period_weights(design: Design, block: _Block) -> list[tuple[object, object, float]]:
    """Start, period and weight of the periods before the start that count."""
    label, periods = design.panel.timeline.label, design.panel.timeline.periods
    pairs = zip(periods, block.found.period, strict=False)  # the weights end at the start
    return [(label(block.cohort), period, float(weight)) for period, weight in pairs if weight > 0]


def _jackknife(blocks: list[_Block], units: IntArray) -> StatedVariance:
    """(n − 1)/n Σ (θ₋ᵤ − mean)² over the units, the weights of the others held in proportion."""
    n = len(units)
    effects = np.array([np.full(n, block.effect) for block in blocks])
    mass = np.array([np.full(n, block.mass.sum()) for block in blocks])
    for row, block in enumerate(blocks):
        place = np.searchsorted(units, block.unit)
        effects[row, place] = block.without_one
        mass[row, place] -= block.mass
    if np.isnan(effects).any():
        raise EffectError(
            "The jackknife of synthetic_did leaves out one unit at a time, and some start has a single treated unit, "
            "or a comparison made of one donor. Use inference = Placebo(), which needs only never-treated units."
        )
    average = (mass * effects).sum(axis=0) / mass.sum(axis=0)
    drawn = np.vstack([effects if len(blocks) > 1 else np.empty((0, n)), average])
    away = drawn - drawn.mean(axis=1, keepdims=True)
    return StatedVariance((n - 1.0) / n * away @ away.T, _degrees_of_freedom(blocks, units, away), n, "student")


def _degrees_of_freedom(blocks: list[_Block], units: IntArray, away: FloatArray) -> FloatArray:
    """(k,) degrees of freedom of the jackknife (Welch 1947), from what each unit adds to k variances.

    away : (k, n) distances of the effects without each unit from their mean

    The donors are one arm and the treated of each start another. An arm has one degree less than the number of units
    of one weight that would have a mean as noisy, and at least one.
    """
    weights = np.zeros((len(blocks) + 1, len(units)))
    for row, block in enumerate(blocks):
        place, n = np.searchsorted(units, block.unit), block.n_donors
        weights[row, place[n:]] = block.weights[n:]
        weights[-1, place[:n]] += block.weights[:n] * block.mass.sum()
    effective = weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1)
    of_arm = away**2 @ (weights > 0).T
    return np.asarray(of_arm.sum(axis=1) ** 2 / (of_arm**2 @ (1.0 / np.maximum(effective - 1.0, 1.0))))
