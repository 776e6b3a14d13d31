"""Mentors in one arm: mentees share a mentor, comparison students have none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from mentoreval.evidence.power_design import PowerDesign, Precision
from mentoreval.numerics.power import one_arm_parts, satterthwaite


@dataclass(frozen=True)
class MentorsInOneArm(PowerDesign):
    """Mentees nested in mentors, comparison students in none: the usual structure of a mentoring study.

    Var = ρ(1 − R²_2)/M + (1 − ρ)(1 − R²_1)(1/N_T + 1/N_C), which without covariates is (1/N_T + 1/N_C)·η with
    η = 1 + (n·N_C/N − 1)ρ (Hedges and Citkowicz 2015; What Works Clearinghouse). Degrees of freedom are Satterthwaite's
    of the two arms' means, with M − 1 and N_C − 1 − covariates (Lohr, Schochet and Sanders 2014).

    The effect is in total standard deviations of mentees, as with the What Works Clearinghouse. In those of comparison
    students, whom no mentor makes alike, it is 1/√(1 − ρ) times that, as in PowerUpR's ira_pn.

    mentors, mentees_per_mentor : M and n
    comparison_per_mentee : N_C / N_T
    icc : ρ, share of the variance of mentees that lies between mentors
    r2, r2_mentors : explained of the variance between students, and of that between mentors
    covariates : how many, of students
    """

    name: ClassVar[str] = "one_arm_mentors"
    size: ClassVar[str] = "mentors"
    counts: ClassVar[tuple[str, ...]] = ("mentees_per_mentor",)
    shares: ClassVar[tuple[str, ...]] = ("icc", "r2", "r2_mentors")
    mentors: int
    mentees_per_mentor: float
    icc: float
    comparison_per_mentee: float = 1.0
    r2: float = 0.0
    r2_mentors: float = 0.0
    covariates: int = 0

    def check(self) -> None:
        """Also refuse a study without comparison students."""
        super().check()
        self._require("comparison_per_mentee", lambda value: value > 0, "a number above 0")

    def precision(self) -> Precision:
        """As the class says."""
        treated = self.mentors * self.mentees_per_mentor
        comparison = treated * self.comparison_per_mentee
        parts = one_arm_parts(self.mentors, self.mentees_per_mentor, comparison, self.icc, self.r2, self.r2_mentors)
        degrees = (self.mentors - 1.0, comparison - 1.0 - self.covariates)
        df = satterthwaite(parts, degrees) if min(degrees) > 0 else min(degrees)
        return Precision(math.sqrt(sum(parts)), df, treated, comparison)
