"""Clustered: whole schools are in the program or not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mentoreval.evidence.power_design import PowerDesign, Precision
from mentoreval.numerics.power import clustered_variance


@dataclass(frozen=True)
class ClusteredAssignment(PowerDesign):
    """Whole schools in the program or not, measured by their students.

    SE = √(ρ(1 − R²_2)/(p(1−p)J) + (1 − ρ)(1 − R²_1)/(p(1−p)Jn)) with J − covariates − 2 degrees of freedom: PowerUp!
    model CRA2_2r (Dong and Maynard 2013). More schools help; more students in the same schools soon do not.

    schools, students_per_school : J, and n (the harmonic mean where schools differ)
    share : of the schools in the program
    icc : ρ, share of the outcome's variance between schools
    r2, r2_schools : explained of the variance within schools, and of that between them
    covariates : how many, of schools
    """

    name: ClassVar[str] = "clustered"
    size: ClassVar[str] = "schools"
    counts: ClassVar[tuple[str, ...]] = ("students_per_school",)
    shares: ClassVar[tuple[str, ...]] = ("icc", "r2", "r2_schools")
    schools: int
    students_per_school: float
    icc: float
    share: float = 0.5
    r2: float = 0.0
    r2_schools: float = 0.0
    covariates: int = 0

    def precision(self) -> Precision:
        """As the class says."""
        variance = clustered_variance(
            self.schools, self.students_per_school, self.share, self.icc, self.r2, self.r2_schools
        )
        n = self.schools * self.students_per_school
        return Precision(math.sqrt(variance), self.schools - self.covariates - 2, self.share * n, (1 - self.share) * n)
