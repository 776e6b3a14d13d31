"""Difference in differences: units followed for some periods before the start and some after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mentoreval.evidence.power_design import PowerDesign, Precision
from mentoreval.numerics.power import before_after_variance, clustered_variance


@dataclass(frozen=True)
class DifferenceInDifferences(PowerDesign):
    """Students or schools followed over periods, some of which start at the same time.

    The estimate is the change of the mean in the program less the change elsewhere. An outcome in one period is what
    lasts (share λ of its variance; it cancels) and the rest, which is AR(1) with φ. With v(λ, φ) = (1 − λ)·w'Φw the
    variance of a unit's change (Burlig, Preonas and Woerman 2020, equation 2, for AR(1)), J units of n students have
    Var = [ρ(1 − R²_2)·v(λ, φ) + (1 − ρ)(1 − R²_1)·u/n] / (p(1−p)J), where u is v(λ, φ) for the same students in every
    period and 1/m + 1/r for others in each. The test clusters by unit: J − covariates − 2 degrees of freedom. A start
    in several cohorts is less precise than this; ``simulate_power`` is for that.

    units : J students, or J schools with ``students_per_unit`` students in a period
    before, after : periods, m and r
    lasting : λ, share of the variance in one period that stays with a unit; between two years apart, their correlation
        in the long run
    serial_correlation : φ of the rest from one period to the next
    icc : ρ, share of the variance in one period between schools; plays no part for students
    same_students : in every period, for schools
    share : of the units in the program
    r2, r2_units : explained of the students' and the schools' variance by what changes over time
    covariates : how many
    """

    name: ClassVar[str] = "difference_in_differences"
    size: ClassVar[str] = "units"
    counts: ClassVar[tuple[str, ...]] = ("students_per_unit", "before", "after")
    shares: ClassVar[tuple[str, ...]] = ("icc", "lasting", "r2", "r2_units")
    units: int
    before: int
    after: int
    lasting: float = 0.5
    serial_correlation: float = 0.3
    students_per_unit: float = 1.0
    icc: float = 0.0
    same_students: bool = True
    share: float = 0.5
    r2: float = 0.0
    r2_units: float = 0.0
    covariates: int = 0

    def check(self) -> None:
        """Also refuse a correlation beyond −1 and 1."""
        super().check()
        self._require("serial_correlation", lambda value: -1 < value < 1, "a number between -1 and 1")

    def precision(self) -> Precision:
        """As the class says."""
        of_units = before_after_variance(self.before, self.after, self.lasting, self.serial_correlation)
        of_students = of_units if self.same_students else before_after_variance(self.before, self.after, 0.0, 0.0)
        between = clustered_variance(self.units, self.students_per_unit, self.share, self.icc, 1.0, self.r2_units)
        within = clustered_variance(self.units, self.students_per_unit, self.share, self.icc, self.r2, 1.0)
        n = self.units * self.students_per_unit
        return Precision(
            math.sqrt(between * of_units + within * of_students),
            self.units - self.covariates - 2,
            self.share * n,
            (1 - self.share) * n,
        )
