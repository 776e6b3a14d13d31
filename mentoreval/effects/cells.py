"""Cells: which cohort, period and base period make up each group-time effect, and who is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.clusters import entry_of_unit, keeps_everyone
from mentoreval.errors import EffectError
from mentoreval.panel.timeline import Timeline

Control = Literal["never_treated", "not_yet_treated"]
BasePeriod = Literal["varying", "universal"]


@dataclass(frozen=True)
class Cell:
    """One group-time effect.

    cohort : clock time of the start
    period, base : positions in the timeline of the period of the effect and of the period it is compared with
    """

    cohort: int
    period: int
    base: int

    @property
    def is_reference(self) -> bool:
        """True where the period is its own base, so that the effect is zero by definition."""
        return self.period == self.base


@dataclass(frozen=True, eq=False)
class Members:
    """Who may take part in the cells of one cohort; arrays of m units, each once.

    until : (m,) clock time from which a unit compares no longer; NEVER for the treated and the never treated
    can_compare : whether the design has entries of both arms at this cohort's start
    """

    cohort: int
    unit: IntArray
    treated: BoolArray
    weights: FloatArray
    until: IntArray
    can_compare: bool


def plan_cells(timeline: Timeline, cohort: int, base_period: BasePeriod, anticipation: int) -> list[Cell]:
    """The cells of one cohort, in the order of their periods; none where no period comes before its start.

    From ``cohort - anticipation`` on the base is the last period before that. Before it, a varying base is the period
    before, a universal base the same for all.
    """
    clock = timeline.clock
    before = np.flatnonzero(clock < cohort - anticipation)
    if not len(before):
        return []
    last = int(before[-1])
    if base_period == "universal":
        return [Cell(cohort, period, last) for period in range(len(clock))]
    return [Cell(cohort, period, min(period - 1, last)) for period in range(1, len(clock))]


def members_of(design: Design, cohort: int, control: Control) -> Members:
    """The units of a cohort's entries with their weights.

    Not-yet-treated comparisons compare until their own start. In a design that leaves everyone the sampling weight,
    units that start before this cohort join as comparisons for the cells before their start.
    """
    panel, baseline, last = design.panel, design.baseline, design.panel.timeline.clock[-1]
    used = np.flatnonzero((design.weighting.weights > 0) & (baseline.cohort == cohort))
    if control == "never_treated":
        used = used[baseline.treated[used] | (panel.start[baseline.unit[used]] > last)]
    can_compare = bool(baseline.treated[used].any() and not baseline.treated[used].all())
    if control == "not_yet_treated" and keeps_everyone(design):
        own = entry_of_unit(design)
        earlier = own[(own >= 0) & (panel.start < cohort)]
        used = np.concatenate([used, earlier[baseline.treated[earlier]]])
    unit = baseline.unit[used]
    treated = panel.start[unit] == cohort
    until = np.where(treated, Timeline.NEVER, panel.start[unit])
    return Members(cohort, unit, treated, design.weighting.weights[used], until, can_compare)


def share_members(
    cells: list[Cell], members: Members, known: BoolArray, clock: IntArray, anticipation: int
) -> Iterator[tuple[IntArray, BoolArray]]:
    """Positions of the cells that have the same units, and those units as a mask (m,).

    A cell has the units whose outcome is known in both its periods, without comparisons that start, or anticipate
    their start, by the later one.

    known : (m, n_periods)
    """
    groups: dict[bytes, tuple[list[int], BoolArray]] = {}
    for place, cell in enumerate(cells):
        if cell.is_reference:
            continue
        later = clock[max(cell.period, cell.base)]
        mask = known[:, cell.period] & known[:, cell.base] & (members.until > later + anticipation)
        groups.setdefault(mask.tobytes(), ([], mask))[0].append(place)
    for places, mask in groups.values():
        yield np.array(places, dtype=np.int64), mask


def check_pool(design: Design, control: Control) -> None:
    """EffectError where the estimator wants comparisons that the design's pool does not have."""
    panel, baseline = design.panel, design.baseline
    last = panel.timeline.clock[-1]
    comparison = panel.start[baseline.unit[~baseline.treated]]
    never_only = design.pool == "never_treated" and not (comparison <= last).any()
    if control == "not_yet_treated" and len(panel.cohorts) > 1 and never_only:
        raise EffectError(
            "control = 'not_yet_treated', and this design compares with never-treated units only. Make it with "
            "choose_design(..., pool='not_yet_treated'), or set control = 'never_treated'."
        )
    if control == "never_treated" and not (comparison > last).any():
        raise EffectError(
            f"All {panel.n_units:,} units are treated by the last period, so nobody is never treated. Set "
            "control = 'not_yet_treated' and make the design with choose_design(..., pool='not_yet_treated')."
        )
