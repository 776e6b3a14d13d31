"""Power: what a study could find, before there are data.

Mentoring moves attendance and grades by a twentieth to a fifth of a standard deviation. A study that can not find so
little says nothing when it finds nothing, so its plan is the time to know.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from mentoreval.errors import OptionError, suggest
from mentoreval.evidence.power_design import PowerDesign
from mentoreval.evidence.power_plan import make_plan
from mentoreval.numerics.power import detectable, detection_power
from mentoreval.registry import spec_of

Unit = Literal["days", "share", "points"]
POWER_COLUMNS = ("size", "n_treated", "n_comparison", "std_error", "df", "mdes", "mdes_in_unit")
PLAUSIBLE = (0.05, 0.20)
"""Effects of mentoring in school that are likely, as g: from absences in the federal trial (Bernstein et al. 2009) to
the mean over all outcomes of mentoring (Raposa et al. 2019)."""

CURVE_POINTS = 25
SMALLEST_OF_CURVE, LARGEST_OF_CURVE = 0.25, 4.0
"""The curve goes from a quarter of the planned size to four times it, which halves the smallest detectable effect."""

LARGEST_SIZE = 10**8


@dataclass(frozen=True)
class PublishedEffect:
    """What a study of mentoring found, with its source.

    value : in ``unit``, in the direction that was published; g : in standard deviations, NaN where it is not known
    units : of outcomes with which it is shown; none for every outcome
    verified : against what the number was checked: "table", "abstract" or "wwc_page"
    """

    name: str
    study: str
    program: str
    outcome: str
    value: float
    unit: str
    source: str
    verified: str
    units: tuple[str, ...] = ()
    g: float = math.nan


@dataclass(frozen=True, eq=False)
class PowerAnalysis:
    """What a planned study could find.

    design : the plan
    power, alpha : with which chance, in a two-sided test at which level
    std_error, df : of the effect in standard deviations, and of its test
    mdes : smallest detectable effect in standard deviations (g)
    n_treated, n_comparison : students
    frame : POWER_COLUMNS, one row for each size of the study, in units of ``design.size``
    sd, unit : standard deviation of the outcome in its unit, NaN and None where they were not given. Days are days,
        shares lie between 0 and 1, points are grade points
    """

    design: PowerDesign
    power: float
    alpha: float
    std_error: float
    df: float
    mdes: float
    n_treated: float
    n_comparison: float
    frame: pd.DataFrame
    sd: float = math.nan
    unit: Unit | None = None

    @property
    def mdes_in_unit(self) -> float:
        """Smallest detectable effect in the unit of the outcome; NaN where its standard deviation was not given."""
        return self.mdes * self.sd

    def power_for(self, effect: float) -> float:
        """Probability that the study finds an effect of that many standard deviations, in a two-sided test."""
        return detection_power(effect, self.std_error, self.df, self.alpha)

    def size_for(self, effect: float) -> int:
        """Smallest size, in units of ``design.size``, whose ``mdes`` is at most this many standard deviations.

        PowerUp! rounds to the nearest size, which can be one less.
        Raises OptionError for an effect that is not above 0, and for one that no study of this plan would find.
        """
        if not (math.isfinite(effect) and effect > 0):
            raise OptionError(f"An effect to plan for is a number above 0, in standard deviations; got {effect}.")
        low, high = 0, 2
        while self._mdes_at(high) > effect:
            low, high = high, 2 * high
            if high > LARGEST_SIZE:
                raise OptionError(f"No study of this plan, whatever its size, would find an effect of {effect:g}.")
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._mdes_at(middle) <= effect else (middle, high)
        return high

    def at(self, size: int) -> PowerAnalysis:
        """The same analysis of a study of another size, with the same frame; OptionError where it is too small."""
        design = self.design.of_size(size)
        if design.obstacle:
            raise OptionError(design.obstacle)
        found = design.precision()
        return replace(
            self, design=design, std_error=found.std_error, df=found.df, n_treated=found.n_treated,
            mdes=detectable(found.std_error, found.df, self.power, self.alpha), n_comparison=found.n_comparison,
        )  # fmt: skip

    def _mdes_at(self, size: int) -> float:
        row = _row(self.design.of_size(size), self.power, self.alpha, self.sd)
        return math.inf if row is None else row["mdes"]

    def __repr__(self) -> str:
        in_unit = "" if self.unit is None else f", or {self.mdes_in_unit:.3g} ({self.unit})"
        return (
            f"{spec_of(self.design)}: {self.n_treated:,.0f} students in the program, "
            f"{self.n_comparison:,.0f} compared; smallest detectable effect {self.mdes:.3f} "
            f"standard deviations{in_unit} with power {self.power:.0%}, "
            f"two-sided at {self.alpha:g}\n{self.frame.to_string(index=False)}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{repr(self).splitlines()[0]}</p>{self.frame.to_html(index=False)}"


def power(
    design: PowerDesign | Mapping[str, Any] | str,
    *,
    power: float = 0.8,
    alpha: float = 0.05,
    sd: float | None = None,
    unit: Unit | None = None,
    sizes: Sequence[int] | None = None,
    **options: Any,
) -> PowerAnalysis:
    """The smallest effect that a planned study could find, and how it falls with the study's size.

    design : a plan such as ``ClusteredAssignment(...)``, or its name ("individual", "blocked", "clustered",
        "one_arm_mentors", "difference_in_differences") with its options as further arguments, or its table
    power : chance of finding the effect; alpha : level of the two-sided test
    sd, unit : the outcome's standard deviation between students in one period, and its unit: "days" (the default),
        "share" (0 to 1, shown in percentage points) or "points" (of a grade)
    sizes : for the frame and its curve; by default from a quarter of the plan's to four times it

    Errors: OptionError for an unknown plan, an option out of its range, and a study too small for any test.

    >>> round(power("clustered", schools=40, students_per_school=100, icc=0.15, r2=0.40, r2_schools=0.53).mdes, 2)
    0.25
    """
    plan = _plan(design, options)
    _require_between(power=power, alpha=alpha)
    if power <= alpha:
        raise OptionError(f"power = {power} is not above alpha = {alpha}: chance alone would find as much.")
    spread, known = _spread(sd, unit)
    if plan.obstacle:
        raise OptionError(plan.obstacle)
    rows = [_row(plan.of_size(size), power, alpha, spread) for size in _sizes(plan, sizes)]
    frame = pd.DataFrame([row for row in rows if row is not None], columns=list(POWER_COLUMNS))
    planned = plan.precision()
    return PowerAnalysis(
        plan, power, alpha, planned.std_error, planned.df, detectable(planned.std_error, planned.df, power, alpha),
        planned.n_treated, planned.n_comparison, frame, spread, known,
    )  # fmt: skip


@lru_cache
def published_effects() -> tuple[PublishedEffect, ...]:
    """What studies of mentoring in school found, where the number could be checked; file ``published.toml``."""
    text = files("mentoreval.evidence").joinpath("published.toml").read_text(encoding="utf-8")
    return tuple(
        PublishedEffect(**{**entry, "units": tuple(entry["units"])}) for entry in tomllib.loads(text)["effect"]
    )


def _plan(design: PowerDesign | Mapping[str, Any] | str, options: Mapping[str, Any]) -> PowerDesign:
    if isinstance(design, PowerDesign):
        if options:
            raise OptionError(f"Options ({', '.join(options)}) go with the name of a plan; this one is already made.")
        return design
    spec = {"kind": design} if isinstance(design, str) else dict(design)
    return make_plan({**spec, **options})


def _require_between(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise OptionError(f"{name} = {value} is not allowed. It takes a number between 0 and 1.")


def _spread(sd: float | None, unit: Unit | None) -> tuple[float, Unit | None]:
    """Standard deviation and unit of the outcome, NaN and None where there is none."""
    if unit is not None and unit not in get_args(Unit):
        raise OptionError(f"There is no unit {unit!r} for a standard deviation.{suggest(unit, get_args(Unit))}")
    if sd is None:
        if unit is not None:
            raise OptionError(f"unit = {unit!r} needs an sd, the outcome's standard deviation in that unit.")
        return math.nan, None
    if not (math.isfinite(sd) and sd > 0):
        raise OptionError(f"sd = {sd} is not allowed. It takes a number above 0.")
    return float(sd), unit or "days"


def _row(design: PowerDesign, power: float, alpha: float, sd: float) -> dict[str, float] | None:
    """POWER_COLUMNS of a plan; None where it is too small for a test."""
    if design.obstacle:
        return None
    found = design.precision()
    mdes = detectable(found.std_error, found.df, power, alpha)
    return {
        "size": design.size_now, "n_treated": found.n_treated, "n_comparison": found.n_comparison,
        "std_error": found.std_error, "df": found.df, "mdes": mdes, "mdes_in_unit": mdes * sd,
    }  # fmt: skip


def _sizes(design: PowerDesign, sizes: Sequence[int] | None) -> list[int]:
    """Sizes for the frame, in rising order, the plan's own among them where none are given."""
    if sizes is None:
        ends = SMALLEST_OF_CURVE * design.size_now, LARGEST_OF_CURVE * design.size_now
        spaced = np.geomspace(max(ends[0], 1), ends[1], CURVE_POINTS)
        return sorted({*(round(size) for size in spaced), design.size_now})
    wrong = [size for size in sizes if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1]
    if wrong or not len(sizes):
        raise OptionError(f"sizes is a list of whole numbers, 1 or more; got {wrong or list(sizes)}.")
    return sorted({int(size) for size in sizes})
