"""Panel: one row per unit and period, and the role of each column, said once for the whole analysis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import DataError, suggest
from mentoreval.panel.arms import check_arms
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.identifiers import factorize_runs
from mentoreval.panel.roles import after_the_start, check_frame, check_roles, checked_pretests, tidy_frame, with_start
from mentoreval.panel.timeline import Timeline
from mentoreval.records.records import Ledger

Pool = Literal["never_treated", "not_yet_treated"]
Assignment = Literal["observed", "random"]
PRIOR = "prior_"
_OF_ROWS = ("_unit_factor", "timeline", "row_period", "_first_row_of_unit", "row_of", "_school_text", "_school_code")
_LASTING = (*_OF_ROWS, "unit_weight")
"""What a panel works out once and that other starts do not change."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A long frame and its roles.

    frame : one row per unit × period; units in the order in which the user's frame first names them, so that other
        labels for the same units change nothing, and periods in time within a unit
    unit : column of the unit: a student, or a school for a program of whole schools
    period : column of the period
    first_treated : column with the period in which the unit's program starts; missing = never
    covariates : columns known before the program starts; they are read at the baseline, the last period before the
        start. ``prior_<outcome>`` is the outcome's own value at the baseline and needs no column.
    outcomes : columns that the program may change
    pretests : for an outcome, the covariate that measures the same thing before the program, where that is not
        ``prior_<outcome>``
    measures : for each outcome its unit, direction and WWC domain, where known
    status : column of 0/1, whether the program acts on the unit in the period, where it ends for some unit; None = it
        goes on from its start
    no_baseline : periods that are never a baseline, such as years of closed schools; the one before them is
    participated : column of 0/1, whether the unit took part in the period, where the arm says what it was offered
    dosage : column of how much of the program the unit got in the period
    assignment : how units came into the arms; "random" = by a lottery whose outcome the arms are, taken up or not
    """

    frame: pd.DataFrame
    unit: str
    period: str
    first_treated: str
    covariates: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    school: str | None = None
    mentor: str | None = None
    weight: str | None = None
    pretests: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, MeasureFacts] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    status: str | None = None
    no_baseline: tuple[object, ...] = ()
    participated: str | None = None
    dosage: str | None = None
    assignment: Assignment = "observed"

    # ------------------------------------------------------------------ labels and codes
    @cached_property
    def _unit_factor(self) -> tuple[IntArray, pd.Index]:
        return factorize_runs(self.frame[self.unit])

    @property
    def units(self) -> pd.Index:
        """The unit labels in the order of the frame; position = unit code."""
        return self._unit_factor[1]

    @property
    def row_unit(self) -> IntArray:
        """(rows,) unit code of each row."""
        return self._unit_factor[0]

    @cached_property
    def timeline(self) -> Timeline:
        """The periods in order, and whole numbers that measure the distance between them."""
        return Timeline.of(self.frame[self.period], self._start_label)

    @cached_property
    def row_period(self) -> IntArray:
        """(rows,) position of each row's period in ``timeline.periods``."""
        return self.timeline.position(self.frame[self.period])

    @cached_property
    def start(self) -> IntArray:
        """(n_units,) clock time at which each unit's program starts; ``Timeline.NEVER`` for never in these periods."""
        return self.timeline.clock_of(self._start_label)

    @property
    def _start_label(self) -> pd.Series[Any]:
        """(n_units,) the start of each unit as its first row has it."""
        return self.frame[self.first_treated].iloc[self._first_row_of_unit]

    @cached_property
    def _first_row_of_unit(self) -> IntArray:
        return np.append(0, np.flatnonzero(self.row_unit[1:] != self.row_unit[:-1]) + 1)

    @cached_property
    def cohorts(self) -> IntArray:
        """Clock times at which some unit starts, in order; without those of units treated in every period they have."""
        starts: IntArray = np.unique(self.start)
        first, last = int(self.timeline.clock[0]), int(self.timeline.clock[-1])
        has_before = starts >= first if self.is_cross_section else starts > first
        return starts[has_before & (starts <= last)]

    @property
    def is_cross_section(self) -> bool:
        """True where there is one period only, so that before and after can not be told apart."""
        return len(self.timeline.periods) == 1

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.units)

    # ------------------------------------------------------------------ values
    @cached_property
    def row_of(self) -> IntArray:
        """(n_units, n_periods) row of the frame for each unit and period; -1 where there is none."""
        shape = (self.n_units, len(self.timeline.periods))
        place, rows = self.row_unit * shape[1] + self.row_period, np.arange(len(self.frame))
        if len(rows) == shape[0] * shape[1] and np.array_equal(place, rows):  # every unit is there in every period
            return rows.reshape(shape)
        grid = np.full(shape, -1, dtype=np.int64)
        grid.ravel()[place] = rows
        return grid

    def matrix(self, column: str) -> FloatArray:
        """(n_units, n_periods) values of a numeric column; NaN where the unit has no row or no value."""
        values = np.append(pd.to_numeric(self.frame[column]).to_numpy(dtype=float, na_value=np.nan), np.nan)
        return values[self.row_of]

    def outcome_matrix(self, outcome: str) -> FloatArray:
        """As ``matrix``, for an outcome; a DataError names the outcomes that exist."""
        if outcome not in self.outcomes:
            raise DataError(f"{outcome!r} is not an outcome of this panel. Outcomes: {', '.join(self.outcomes)}.")
        return self.matrix(outcome)

    @cached_property
    def unit_weight(self) -> FloatArray:
        """(n_units,) sampling weight, from the unit's first row; ones where the panel has none."""
        if self.weight is None:
            return np.ones(self.n_units)
        return self.frame[self.weight].to_numpy(dtype=float)[self._first_row_of_unit]

    @cached_property
    def acts(self) -> BoolArray:
        """(n_units, n_periods) True where the program acts on the unit; a unit without a row stays as it was before."""
        if self.status is None:
            return np.asarray(self.timeline.clock >= self.start[:, None])
        known = self.matrix(self.status)
        latest = np.maximum.accumulate(np.where(np.isnan(known), -1, np.arange(known.shape[1])), axis=1)
        return np.asarray((latest >= 0) & (np.take_along_axis(known, np.maximum(latest, 0), axis=1) == 1))

    @cached_property
    def n_ended(self) -> int:
        """Number of units that are no longer treated in some period after their start."""
        return int((~self.acts & (self.timeline.clock >= self.start[:, None])).any(axis=1).sum())

    def rows_at(self, units: IntArray, clock: IntArray) -> IntArray:
        """(m,) row of each unit at each clock time; -1 where there is none."""
        position = self.timeline.position_of_clock(clock)
        return np.where(position >= 0, self.row_of[units, np.maximum(position, 0)], np.int64(-1))

    def baseline_clock(self, cohort: IntArray) -> IntArray:
        """(m,) clock time of the last period before each cohort's start; the only period of a cross-section."""
        return cohort if self.is_cross_section else self.timeline.before(cohort, self.no_baseline)

    def rows_at_start(self, units: IntArray, cohort: IntArray) -> IntArray:
        """(m,) row of each unit in the first period at or after each cohort's start; -1 where there is none."""
        return self.rows_at(units, self.timeline.from_on(cohort))

    def rows_before(self, units: IntArray, cohort: IntArray) -> IntArray:
        """(m,) row of each unit in the baseline period of each cohort; -1 where there is none."""
        return self.rows_at(units, self.baseline_clock(cohort))

    def covariates_at_baseline(self, units: IntArray, cohort: IntArray, names: Iterable[str]) -> pd.DataFrame:
        """(m, names) covariates of units as they were before the start of a cohort; missing where there is no row.

        ``prior_<outcome>`` is that outcome in the baseline period. Nothing from the start of the program or after it
        can be had through this method, save in a cross-section, whose covariates are by definition of the only period,
        and the school, which is the one at the start: it is settled before anybody is chosen there. A school is a text
        even where it is written as a number.
        """
        before = self.rows_before(units, cohort)
        columns = {}
        for name in names:
            rows = self.rows_at_start(units, cohort) if name == self.school else before
            column = self._school_text if name == self.school else self.frame[self.check_covariate(name)]
            taken = column.take(np.maximum(rows, 0)).reset_index(drop=True)
            columns[name] = taken.mask(rows < 0) if (rows < 0).any() else taken
        return pd.DataFrame(columns, index=pd.RangeIndex(len(units)), copy=False)

    @cached_property
    def _school_text(self) -> pd.Series[Any]:
        """(rows,) the school as a text, also where it is written as a number; each distinct one is made only once."""
        codes, distinct = pd.factorize(self.frame[self.school])
        text = np.array([*map(str, distinct), None], dtype=object)
        return pd.Series(text[codes], dtype=object)

    def school_at_start(self, units: IntArray, cohort: IntArray) -> IntArray:
        """(m,) code of the school at the start of the cohort, or in the last row before it; -1 where it is missing."""
        if self.school is None:
            return np.full(len(units), -1, dtype=np.int64)
        before, at_start = self.rows_before(units, cohort), self.rows_at_start(units, cohort)
        first = self._first_row_of_unit[units]
        return self._school_code[np.where(at_start >= 0, at_start, np.where(before >= 0, before, first))]

    @cached_property
    def _school_code(self) -> IntArray:
        """(rows,) code of the school in the order of their names; -1 where it is missing."""
        return pd.factorize(self.frame[self.school], sort=True)[0].astype(np.int64)

    def check_covariate(self, name: str) -> str:
        """The column that holds a covariate; a DataError explains a name that is no covariate."""
        if name in self.covariates or name == self.school:
            return name
        outcome = name.removeprefix(PRIOR)
        if name.startswith(PRIOR) and outcome in self.outcomes and not self.is_cross_section:
            return outcome
        raise DataError(self._unknown_covariate(name))

    def _unknown_covariate(self, name: str) -> str:
        if name in (self.dosage, self.participated):
            return after_the_start(name)
        if name in self.outcomes:
            return (
                f"{name!r} is an outcome and can not be a covariate: the program may have changed it. "
                f"To compare students with the same {name} before the program, name {PRIOR + name!r}."
            )
        if name.startswith(PRIOR) and name.removeprefix(PRIOR) in self.outcomes:
            return f"{name!r} needs a period before the program, and this panel has one period only."
        return f"There is no covariate {name!r} in this panel.{suggest(name, self._names_for_designs)}"

    @property
    def _names_for_designs(self) -> tuple[str, ...]:
        return self.default_covariates + ((self.school,) if self.school else ())

    def pretest(self, outcome: str) -> str | None:
        """The covariate that measures the outcome before the program; None where there is none."""
        return self.pretests.get(outcome, None if self.is_cross_section else PRIOR + outcome)

    @property
    def default_covariates(self) -> tuple[str, ...]:
        """What a design balances when nothing is named: covariates and, with a period before, prior outcomes."""
        return self.covariates + (() if self.is_cross_section else tuple(PRIOR + o for o in self.outcomes))

    def with_starts(self, start: IntArray, columns: Mapping[str, Any]) -> Panel:
        """The panel as if its units had started at other times; what does not hang on that is not worked out again.

        start : (n_units,) clock times among those of the timeline; NEVER for never
        columns : (rows,) other values of an outcome or of the mentor

        Nothing is known of ends, of taking part, or of a dose of these starts.
        """
        frame = self.frame.copy(deep=False)
        clocks, codes = np.unique(start, return_inverse=True)
        known = clocks[clocks != Timeline.NEVER]
        labels = pd.Series([self.timeline.label(clock) for clock in known], dtype=frame[self.first_treated].dtype)
        code = np.where(start == Timeline.NEVER, -1, codes)[self.row_unit]
        frame[self.first_treated] = labels.array.take(code, allow_fill=True)
        for name, values in columns.items():
            frame[name] = values
        again = replace(self, frame=frame, status=None, participated=None, dosage=None)
        vars(again).update({name: vars(self)[name] for name in _LASTING if name in vars(self)}, start=start)
        return again

    # ------------------------------------------------------------------ how it shows itself
    def __repr__(self) -> str:
        treated = int((self.start <= self.timeline.clock[-1]).sum())
        return (
            f"Panel: {self.n_units:,} units × {len(self.timeline.periods)} periods, {len(self.frame):,} rows; "
            f"{treated:,} treated in {len(self.cohorts)} cohorts; outcomes {', '.join(self.outcomes)}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.frame.head().to_html(index=False)}"


def panel_from_frame(  # noqa: PLR0913 (one keyword for each role)
    df: pd.DataFrame,
    *,
    unit: str,
    outcomes: Iterable[str],
    period: str | None = None,
    first_treated: str | None = None,
    treated: str | None = None,
    covariates: Iterable[str] = (),
    school: str | None = None,
    mentor: str | None = None,
    weight: str | None = None,
    pretests: Mapping[str, str] | None = None,
    measures: Mapping[str, MeasureFacts] | None = None,
    ledger: Ledger | None = None,
    participated: str | None = None,
    dosage: str | None = None,
    assignment: Assignment = "observed",
) -> Panel:
    """A panel from a researcher's own long frame: one row per unit and period, or one row per unit.

    Parameters
    ----------
    df : the frame; it is copied, never changed. The order in which it names the units is kept, and breaks ties
    unit : column of the student (or of the school, for a program of whole schools)
    period : column of the period: whole numbers, or texts that sort in time such as "2003-04"; None for one period
    first_treated : column with the period in which the program starts for the unit, constant within a unit;
        missing = never
    treated : instead of first_treated: a column of 0/1 or True/False, with several periods whether the program acts on
        the unit in that period. The start is the first 1; where a 0 follows a 1 the program ends, which
        ``DeChaisemartinDHaultfoeuille`` follows and other estimators do not
    covariates, outcomes, school, mentor, weight : columns with these roles
    pretests : for an outcome, the covariate that measures the same thing before the program; ``prior_<outcome>`` is
        known without being named
    measures : for an outcome its unit, direction and domain
    participated : column of 0/1, whether the unit took part, where first_treated or treated is what it was offered
    dosage : column of how much of the program the unit got in the period, such as sessions; never a covariate
    assignment : "random" where the arms are those of a lottery, whoever took up the offer; else "observed"

    Raises
    ------
    DataError : a column is missing or not numeric where it must be, a unit × period stands twice, first_treated
        changes within a unit, no unit is treated or none is left to compare with.
    """
    roles = check_roles(
        df,
        unit=unit,
        period=period,
        first_treated=first_treated,
        treated=treated,
        covariates=covariates,
        outcomes=outcomes,
        school=school,
        mentor=mentor,
        weight=weight,
        participated=participated,
        dosage=dosage,
        assignment=assignment,
    )
    started, roles = (df, roles) if treated is None else with_start(df, roles, treated)
    tidy = tidy_frame(started, roles)
    check_frame(tidy, roles)
    panel = Panel(
        frame=tidy.frame,
        unit=roles.unit,
        period=roles.period,
        first_treated=roles.first_treated,
        covariates=roles.covariates,
        outcomes=roles.outcomes,
        school=roles.school,
        mentor=roles.mentor,
        weight=roles.weight,
        pretests=checked_pretests(pretests or {}, roles),
        measures=dict(measures or {}),
        ledger=ledger or Ledger(),
        status=roles.status,
        participated=roles.participated,
        dosage=roles.dosage,
        assignment=assignment,
    )
    vars(panel).update(_unit_factor=(tidy.unit, tidy.units), row_period=tidy.period)
    check_arms(panel)
    return panel
