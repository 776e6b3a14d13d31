"""De Chaisemartin–D'Haultfœuille: effects of switches, where a program also ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.cells import Control, members_of
from mentoreval.effects.clusters import entry_of_unit, keeps_everyone, unit_clusters
from mentoreval.effects.cohort_cells import Shares
from mentoreval.effects.estimator import Estimator, Fit, make_terms
from mentoreval.effects.pooling import AVERAGE
from mentoreval.errors import EffectError, OptionError
from mentoreval.numerics.switchers import Ratio, ratio_of_totals, total_effect
from mentoreval.panel.panel import Panel
from mentoreval.panel.timeline import Timeline

REFERENCE = -1


@dataclass(frozen=True)
class DeChaisemartinDHaultfoeuille(Estimator):
    """Event-study effects of the first switch, on or off, whatever the program does afterwards.

    effects : number of periods from the switch on, also behind ``average``; None = all
    placebos : number of periods before it; None = all, 0 = none
    normalized : each effect over the periods of treatment gained by then, so that it is an effect of one of them
    shares : "estimated" holds who switches when as drawn with the units; "fixed" as given, with the deviations and the
        small-sample factor of did_multiplegt_dyn

    Estimand
        For each distance from the first switch, the average effect on the switchers of having had their treatment path
        instead of their first status all along; a switch off counts with its sign turned, as the effect of treatment.
        ``average`` is the total effect over the total of treatment gained, per unit of treatment.

    Assumptions
        Units with the same status in the first period would have moved alike had nobody switched; no anticipation. What
        past treatment does may differ between units and last.

    Estimator
        S · (Y(F−1+ℓ) − Y(F−1)) of switchers less the weighted mean of it among units of the same first status that have
        not switched by F−1+ℓ, averaged over switchers; F is the first switch, S is 1 on and −1 off. In event time the
        effect ℓ is ``event_time=ℓ−1``; the placebo ℓ is Y(F−1−ℓ) − Y(F−1), ``event_time=−ℓ−1``, of units that have
        also an effect ℓ. Comparison units are those of the design's pool: with pool="never_treated" those that never
        switch, with "not_yet_treated" also those that switch later, as in did_multiplegt_dyn. Where the program never
        ends this is Callaway–Sant'Anna by event time.

    Standard errors
        Influence functions, one row for each unit. With shares="fixed", ``ClusterRobust("student", "CR0")`` gives the
        numbers of did_multiplegt_dyn without clusters; clustered ones differ in its small-sample factor.

    Edge cases
        A program that ends is told by ``panel_from_frame(..., treated=...)`` with 0 and 1 in every period; else it is
        held to go on. A missing row has the status of the row before. Each distance uses units whose outcome is
        known there and at the reference. Units treated from the first period on take part, as switchers off and as
        their comparison, where the design keeps everyone; at least one unit must switch on. Distances where nobody is
        left to compare with are not estimated; ``facts["switches_left_out"]`` counts cohorts without any.

    References
        de Chaisemartin & D'Haultfœuille (2024), Review of Economics and Statistics, "Difference-in-differences
        estimators of intertemporal treatment effects"; the numbers of did_multiplegt_dyn.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
        ...         "year": [2022, 2023, 2024] * 4,
        ...         "mentored": [0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0],
        ...         "absent": [20, 15, 18, 18, 14, 12, 9, 9, 9, 10, 11, 10],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(frame, unit="student", period="year", treated="mentored", outcomes=["absent"])
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.DeChaisemartinDHaultfoeuille())
        >>> effect.frame[["term", "estimate"]].round(6).values.tolist()  # average: (2 · −5 + 2 · −4) / (2 + 1)
        [['reference event_time=-1', 0.0], ['event_time=0', -5.0], ['event_time=1', -4.0], ['average', -6.0]]
    """

    name: ClassVar[str] = "de_chaisemartin_dhaultfoeuille"
    compares_changes: ClassVar[bool] = True
    follows_ends: ClassVar[bool] = True
    effects: int | None = None
    placebos: int | None = None
    normalized: bool = False
    shares: Shares = "estimated"

    def check(self) -> None:
        """At least one effect, and no negative number of placebos."""
        if self.effects is not None and self.effects < 1:
            raise OptionError(
                f"DeChaisemartinDHaultfoeuille: effects = {self.effects} is not allowed. It is 1 or more."
            )
        if self.placebos is not None and self.placebos < 0:
            raise OptionError(
                f"DeChaisemartinDHaultfoeuille: placebos = {self.placebos} is not allowed. It is 0 or more."
            )

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effects at each distance from the switch, and each unit's influence on them."""
        panel = design.panel
        if panel.is_cross_section:
            raise EffectError(
                "This panel has one period, and de_chaisemartin_dhaultfoeuille needs periods before and after a switch."
            )
        y = panel.outcome_matrix(outcome)
        cohorts = list(_cohorts(design))
        cells = [list(_cells(panel, cohort, y, self)) for cohort in cohorts]
        distances: dict[int, list[_Cell]] = {}
        for cell in (cell for own in cells for cell in own):
            distances.setdefault(cell.event_time, []).append(cell)
        if not any(time >= 0 for time in distances):
            raise EffectError(
                "No switch can be compared: no switcher and no unit of the same first status that has not switched "
                "have a known outcome before and after. Check the outcomes, or make the design with "
                "choose_design(..., pool='not_yet_treated')."
            )
        facts: dict[str, object] = {
            "switches_left_out": sum(not own for own in cells),
            "switched_off": len({int(u) for own in cells for cell in own if cell.sign < 0 for u in cell.switchers}),
            "ended": panel.n_ended,
        }
        return _assemble(self, design, outcome, distances, facts)


@dataclass(frozen=True, eq=False)
class _Cohort:
    """Units that switch at the same time from the same status, and their comparison; arrays of m units.

    switch : clock time of the switch
    sign : 1 on, −1 off
    until : (m,) clock time from which a unit compares no longer
    """

    switch: int
    sign: int
    unit: IntArray
    switches: BoolArray
    weights: FloatArray
    until: IntArray


def _cohorts(design: Design) -> Iterator[_Cohort]:
    """Every cohort of switchers on that the design compares, then of switchers off among those treated at first."""
    panel = design.panel
    control: Control = "not_yet_treated" if design.pool == "not_yet_treated" else "never_treated"
    for clock in panel.cohorts:
        members = members_of(design, int(clock), control)
        yield _Cohort(int(clock), 1, members.unit, members.treated, members.weights, members.until)
    if panel.status is None or not keeps_everyone(design):
        return
    treated_first = np.flatnonzero((panel.start <= panel.timeline.clock[0]) & (panel.unit_weight > 0))
    end = _first_end(panel)[treated_first]
    for clock in np.unique(end[end != Timeline.NEVER]):
        chosen = (end == clock) | (end == Timeline.NEVER) | (control == "not_yet_treated")
        unit, until = treated_first[chosen], end[chosen]
        switches = until == clock
        until = np.where(switches, Timeline.NEVER, until)
        yield _Cohort(int(clock), -1, unit, switches, panel.unit_weight[unit], until)


def _first_end(panel: Panel) -> IntArray:
    """(n_units,) clock time of the first period after the start in which the program no longer acts; NEVER if none."""
    clock = panel.timeline.clock
    off = ~panel.acts & (clock > panel.start[:, None])
    return np.where(off.any(axis=1), clock[off.argmax(axis=1)], Timeline.NEVER)


@dataclass(frozen=True, eq=False)
class _Cell:
    """One cohort at one distance; arrays of its units (m,), zero in ``dose`` and ``present`` for the comparison.

    total, moving, within : as ``numerics.switchers.SwitchTotal``
    dose : weight times the treatment gained up to that distance; of a placebo up to its mirror image
    present : weight times the treatment gained in that period alone
    """

    event_time: int
    sign: int
    unit: IntArray
    switches: BoolArray
    weights: FloatArray
    total: float
    moving: FloatArray
    within: FloatArray
    dose: FloatArray
    present: FloatArray

    @property
    def switchers(self) -> IntArray:
        """Units that switch."""
        return self.unit[self.switches]


def _cells(panel: Panel, cohort: _Cohort, y: FloatArray, options: DeChaisemartinDHaultfoeuille) -> Iterator[_Cell]:
    """The distances of a cohort at which both kinds of units are known."""
    timeline, clock = panel.timeline, panel.timeline.clock
    if cohort.switch <= clock[0]:
        return
    base, first = int(np.searchsorted(clock, cohort.switch)) - 1, int(np.searchsorted(clock, cohort.switch))
    acts = panel.acts[cohort.unit]
    gained = np.where(cohort.switches[:, None], acts != (cohort.sign < 0), False)
    for place in range(len(clock)):
        ahead = int(clock[place]) - cohort.switch if place > base else int(clock[base] - clock[place]) - 1
        mirror = int(timeline.position_of_clock(np.array([cohort.switch + ahead]))[0])
        most = options.effects if place > base else options.placebos
        if place == base or mirror < first or (most is not None and ahead >= most):
            continue
        known = ~np.isnan(y[cohort.unit][:, [base, place, mirror]]).any(axis=1)
        known &= (cohort.until > clock[mirror]) & (cohort.weights > 0)
        switches = cohort.switches[known]
        if not switches.any() or switches.all():
            continue
        unit, weights = cohort.unit[known], cohort.weights[known]
        found = total_effect(y[unit, place] - y[unit, base], switches, weights, cohort.sign)
        yield _Cell(
            event_time=ahead if place > base else -ahead - 2,
            sign=cohort.sign,
            unit=unit,
            switches=switches,
            weights=weights,
            total=found.total,
            moving=found.moving,
            within=found.within,
            dose=weights * gained[known, first : mirror + 1].sum(axis=1),
            present=weights * gained[known, mirror],
        )


@dataclass(frozen=True, eq=False)
class _Sums:
    """Totals (j,) of the distances, and each unit's parts (n, j)."""

    totals: FloatArray
    moving: FloatArray
    within: FloatArray
    count: FloatArray
    dose: FloatArray
    present: FloatArray

    @classmethod
    def of(cls, distances: list[list[_Cell]], row: IntArray, n: int) -> _Sums:
        """The sums of cells over cohorts; ``row`` gives the row of each unit."""
        parts = {name: np.zeros((n, len(distances))) for name in ("moving", "within", "count", "dose", "present")}
        for column, cells in enumerate(distances):
            for cell in cells:
                own = row[cell.unit]
                for name in ("moving", "within", "dose", "present"):
                    parts[name][own, column] += getattr(cell, name)
                parts["count"][own, column] += np.where(cell.switches, cell.weights, 0.0)
        return cls(np.array([sum(cell.total for cell in cells) for cells in distances]), **parts)

    def ratio(self, chosen: IntArray, denominator: FloatArray, shares: Shares) -> Ratio:
        """Totals of the chosen distances over a denominator (n, j)."""
        parts = self.moving if shares == "estimated" else self.within
        return ratio_of_totals(self.totals[chosen], parts[:, chosen], denominator[:, chosen], fixed=shares == "fixed")


def _assemble(
    estimator: DeChaisemartinDHaultfoeuille,
    design: Design,
    outcome: str,
    distances: dict[int, list[_Cell]],
    facts: dict[str, object],
) -> Fit:
    """One row for each unit that is in some cell, one column for each distance, and the average."""
    panel, times = design.panel, sorted(distances)
    units = np.unique(np.concatenate([cell.unit for cells in distances.values() for cell in cells]))
    row = np.full(panel.n_units, -1, dtype=np.int64)
    row[units] = np.arange(len(units))
    sums = _Sums.of([distances[time] for time in times], row, len(units))
    below = sums.dose if estimator.normalized else sums.count
    ratios = {time: sums.ratio(np.array([j]), below, estimator.shares) for j, time in enumerate(times)}
    after = np.flatnonzero(np.array(times) >= 0)
    average = sums.ratio(after, sums.present, estimator.shares)
    zero = Ratio(0.0, np.zeros(len(units)))
    shown = sorted([*times, REFERENCE])
    columns = [*(ratios.get(time, zero) for time in shown), average]
    rows = [_term(time, distances.get(time, distances[times[after[0]]])) for time in shown]
    every = [cell for time in times if time >= 0 for cell in distances[time]]
    entry = entry_of_unit(design)[units]
    return Fit(
        design=design,
        outcome=outcome,
        estimator=estimator,
        terms=make_terms([*rows, {"term": AVERAGE, **_count(every)}]),
        theta=np.array([column.value for column in columns]),
        influence=len(units) * np.column_stack([column.influence for column in columns]),
        clusters=_clusters(design, units),
        entries=np.unique(entry[entry >= 0]),
        facts=facts,
    )


def _term(time: int, cells: list[_Cell]) -> dict[str, object]:
    """The term of one distance; the reference counts the units of the first effect."""
    prefix = "reference " if time == REFERENCE else ""
    return {"term": f"{prefix}event_time={time}", "event_time": time, **_count(cells)}


def _count(cells: list[_Cell]) -> dict[str, object]:
    """Distinct switchers, and distinct units that they are compared with."""
    compared = np.concatenate([cell.unit[~cell.switches] for cell in cells])
    switchers = np.concatenate([cell.switchers for cell in cells])
    return {"n_treated": len(np.unique(switchers)), "n_comparison": len(np.unique(compared))}


def _clusters(design: Design, units: IntArray) -> dict[str, IntArray]:
    """Clusters of the units; those treated from the first period on, which no entry names, have the school of it."""
    clusters = {name: codes[units] for name, codes in unit_clusters(design).items()}
    at_first = np.flatnonzero(design.panel.start[units] <= design.panel.timeline.clock[0])
    if len(at_first) and "school" in clusters:
        clock = np.full(len(at_first), design.panel.timeline.clock[0])
        clusters["school"][at_first] = design.panel.school_at_start(units[at_first], clock)
    return clusters
