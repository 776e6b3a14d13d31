"""Cohort trends: for each cohort a line of its own before the start, and what changes in it from the start on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.effects.unit_periods import UnitPeriods, compares_untreated
from mentoreval.errors import EffectError


@dataclass(frozen=True, eq=False)
class CohortTrends:
    """Unit-periods of cohorts whose trend before the start is known, and of what they are compared with.

    cohorts : (c,) clock times of the starts
    code : (n,) cohort of each treated row, before its start too; -1 for comparison rows
    changes : (c,) True where the cohort is seen from its start on
    bends : (c,) True where it is seen at two times or more from then on, so that a change of slope can be seen
    left_out : labels of the cohorts whose trend before the start is not known
    """

    rows: UnitPeriods
    cohorts: IntArray
    code: IntArray
    changes: BoolArray
    bends: BoolArray
    left_out: tuple[object, ...]

    @cached_property
    def labels(self) -> list[str]:
        """(c,) the cohorts as words."""
        return [str(self.rows.design.panel.timeline.label(cohort)) for cohort in self.cohorts]

    def own_lines(self, *, levels: bool, slopes: bool) -> tuple[FloatArray, list[str]]:
        """Levels and slopes in which the cohorts differ from the comparison, and their names."""
        each = self._indicators(np.ones(len(self.cohorts), dtype=bool))
        parts = [("level", each)] * levels + [("slope", each * self.rows.event_time[:, None])] * slopes
        names = [f"{what} of cohort {label}" for what, _ in parts for label in self.labels]
        return np.column_stack([np.empty((len(self.code), 0)), *(values for _, values in parts)]), names

    def seasons(self, turn: int) -> tuple[FloatArray, list[str]]:
        """Calendar effects of each cohort: one column for each season of the turn that it is seen in, but its first."""
        season = self.rows.clock % turn
        columns, names = [np.empty((len(self.code), 0))], []
        for cohort, label in enumerate(self.labels):
            own = self.code == cohort
            for one in np.unique(season[own])[1:]:
                columns.append((own & (season == one)).astype(float)[:, None])
                names.append(f"season {one + 1} of cohort {label}")
        return np.column_stack(columns), names

    def departures(self) -> tuple[FloatArray, list[str]]:
        """Changes of level from the start on, then changes of slope, and their names."""
        level = self._indicators(self.changes) * self.rows.started[:, None]
        slope = self._indicators(self.bends) * (self.rows.started * self.rows.event_time)[:, None]
        names = [f"{what} of cohort {label}" for what, has in self._kinds for label in np.array(self.labels)[has]]
        return np.column_stack([level, slope]), names

    @property
    def _kinds(self) -> tuple[tuple[str, BoolArray], ...]:
        """The two departures, and the cohorts that have them."""
        return (("level change", self.changes), ("slope change", self.bends))

    def _indicators(self, chosen: BoolArray) -> FloatArray:
        """(n, chosen cohorts) one column for each chosen cohort."""
        return np.asarray(self.code[:, None] == np.flatnonzero(chosen), dtype=float)


@dataclass(frozen=True, eq=False)
class Average:
    """A departure from the trends, averaged over treated rows.

    name : of the term; event_time where it is of one
    chosen : (n,) rows it is the average over
    level, slope : whether the change of level counts, and how many periods of the change of slope (n,)
    """

    name: str
    chosen: BoolArray
    level: float
    slope: FloatArray
    event_time: int | None = None


def find_trends(observed: UnitPeriods) -> CohortTrends:
    """The trends of a design's unit-periods; EffectError where no cohort is seen at two times before its start.

    Treated rows of periods in which nobody is untreated are left out, for nothing there tells a shock from an effect.
    Where everyone is treated in the end, the last cohort, until its start, is what the others are compared with.
    """
    known = _has_trend(observed)
    untreated = np.zeros(int(observed.period_effect.max()) + 1, dtype=bool)
    untreated[observed.period_effect[known & ~observed.started]] = True
    rows = observed.keep(known & untreated[observed.period_effect])
    cohorts = np.unique(rows.cohort[rows.treated])
    if rows.treated.all():
        cohorts = cohorts[:-1]
    place = np.minimum(np.searchsorted(cohorts, rows.cohort), max(len(cohorts) - 1, 0))
    own = rows.treated & np.isin(rows.cohort, cohorts)
    code = np.where(own, place, -1)
    times = np.array([len(np.unique(rows.clock[rows.started & (code == one)])) for one in range(len(cohorts))])
    if not (times > 0).any():
        raise EffectError(
            "No cohort is seen in more than one period before its start, and after it beside untreated units, so there "
            "is no trend before the program to depart from. Use did_2x2 or callaway_santanna, or earlier periods."
        )
    left_out = np.setdiff1d(observed.cohort[observed.treated], rows.cohort[rows.treated])
    label = rows.design.panel.timeline.label
    return CohortTrends(rows, cohorts, code, times > 0, times > 1, tuple(label(cohort) for cohort in left_out))


def _has_trend(rows: UnitPeriods) -> BoolArray:
    """(n,) True but in treated rows of a cohort that is not seen at two times before its start."""
    before = rows.treated & ~rows.started
    seen = np.unique(np.column_stack([rows.cohort[before], rows.clock[before]]), axis=0)
    cohorts, times = np.unique(seen[:, 0], return_counts=True)
    return ~rows.treated | np.isin(rows.cohort, cohorts[times > 1])


def averages(trends: CohortTrends, year: int | None) -> list[Average]:
    """The terms: change of level and of slope, effects by event time, at the end of year one, and over all of them.

    year : periods in a year; None leaves the end of year one out
    """
    rows, code = trends.rows, trends.code
    since = rows.event_time.astype(float)
    started = rows.started & (code >= 0)
    first = _first_of_unit(rows, started)
    none = np.zeros(len(code))
    at_start = np.array([bend or _is_at_start(rows, started & (code == c)) for c, bend in enumerate(trends.bends)])
    terms = [
        Average("level change", first & at_start[code], 1.0, none),
        Average("slope change", first & trends.bends[code], 0.0, none + 1.0),
    ]
    for time in np.unique(rows.event_time[started]):
        terms.append(Average(f"event_time={time}", started & (rows.event_time == time), 1.0, since, int(time)))
    if year is not None:
        chosen = started & (rows.event_time == year - 1)
        terms.append(Average("end of year one", chosen, 1.0, since, year - 1))
    terms.append(Average("average", started, 1.0, since))
    return [term for term in terms if term.chosen.any()]


def _first_of_unit(rows: UnitPeriods, started: BoolArray) -> BoolArray:
    """(n,) True in one started row of each treated unit."""
    where = np.flatnonzero(started)
    out = np.zeros(len(started), dtype=bool)
    out[where[np.unique(rows.unit_effect[where], return_index=True)[1]]] = True
    return out


def _is_at_start(rows: UnitPeriods, chosen: BoolArray) -> bool:
    """Whether the one time at which a cohort is seen is that of its start."""
    return bool(chosen.any() and (rows.event_time[chosen] == 0).all())


def average_changes(trends: CohortTrends, terms: list[Average], changes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(k, q) weights of the q departures in each average, and (n, k) influence of rows through the cohorts' shares.

    changes : (q,) coefficients of ``departures``

    The shares are those of the rows an average is taken over, by the weights of the design.
    """
    level = np.where(trends.changes, np.cumsum(trends.changes) - 1, 0)
    slope = np.where(trends.bends, trends.changes.sum() + np.cumsum(trends.bends) - 1, -1)
    contrasts, noise = np.zeros((len(terms), len(changes))), np.zeros((len(trends.code), len(terms)))
    for j, term in enumerate(terms):
        rows = np.flatnonzero(term.chosen)
        share = trends.rows.weights[rows] / trends.rows.weights[rows].sum()
        cohort = trends.code[rows]
        np.add.at(contrasts[j], level[cohort], share * term.level)
        bent = trends.bends[cohort]
        np.add.at(contrasts[j], slope[cohort][bent], (share * term.slope[rows])[bent])
        own = term.level * changes[level[cohort]] + np.where(bent, term.slope[rows] * changes[slope[cohort]], 0.0)
        noise[rows, j] = len(trends.code) * share * (own - contrasts[j] @ changes)
    return contrasts, noise


def describe(trends: CohortTrends, terms: list[Average]) -> list[dict[str, object]]:
    """The rows of the terms: names, event times, and distinct units behind them."""
    rows = trends.rows
    n_comparison = rows.n_units(compares_untreated(rows))
    found: list[dict[str, object]] = []
    for term in terms:
        cohorts = np.unique(trends.code[term.chosen])
        units = rows.n_units(term.chosen)
        one = {"cohort": rows.design.panel.timeline.label(trends.cohorts[cohorts[0]])} if len(cohorts) == 1 else {}
        found.append(
            {"term": term.name, "event_time": term.event_time, **one, "n_treated": units, "n_comparison": n_comparison}
        )
    return found
