"""Multilevel: regression adjustment with random intercepts for schools, and for mentors among the treated alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import BoolArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit, LinearModel, StatedVariance
from mentoreval.effects.regression import fit_sample
from mentoreval.effects.sample import analytic_sample, outcome_at
from mentoreval.errors import EffectError, OptionError
from mentoreval.numerics.mixed_model import MixedFit, fit_mixed
from mentoreval.numerics.sandwich import count_clusters

Level = Literal["school", "mentor"]
ROUNDING = 1e-10
"""Share of the outcome's spread below which what a regression leaves of it is rounding."""


@dataclass(frozen=True)
class Multilevel(Estimator):
    """Linear mixed model with random intercepts; mentees of one mentor share one, comparison students share none.

    levels : that have random intercepts, of those that the panel names
    residual_variance : "by_arm", one for the treated and one for the comparison; "common", one for all
    event_time : periods since the start in which the outcome is taken; 0 in a cross-section
    covariates : of the model, read at the baseline; by default those of the design

    Estimand
        The effect on the outcome at the event time, one for all students and schools as the design weighs them.

    Assumptions
        Given the covariates, treatment is as good as random, also between schools: the random intercepts of schools
        must not go with treatment (``regression_adjustment`` with fixed effects of schools does not need that). The
        outcome is linear in the covariates. Schools, mentors and students are independent draws from distributions with
        one variance each, about normal.

    Estimator
        Restricted maximum likelihood (REML) of outcome = covariates + effect · treated + school + mentor · treated +
        residual: the partially nested model. Treated students without a mentor stand for themselves. Where a student
        stands in several rows, as a comparison of several cohorts, the student has a random intercept too. Design
        weights divide the residual variance, as ``weights`` of R's lme4 do. With several cohorts each has an intercept.

    Standard errors
        The estimator's own (``own_variance``): (X'V⁻¹X)⁻¹ at the estimated variances, t with Satterthwaite's degrees of
        freedom, as SAS PROC MIXED and R's lmerTest. In balanced data they are those of the analysis of variance: number
        of schools less 2 where whole schools are treated. There is no influence function, for the variances are those
        of all students together, so clusters can not be chosen besides; ``refit_bootstrap`` applies.

    Edge cases
        Complete cases, by the rule of ``regression_adjustment``, counted in ``facts``. A variance that would be
        negative is 0, and the level takes no part. A level of one group, or of as many as students, is left out and
        named in ``facts["levels_left_out"]``; a panel without a school or mentor is refused. ``facts`` holds the
        variances (``variance_school``, …, ``residual_variance_treated``), ``icc_school`` as a share of the variance of
        comparison students, and ``icc_mentor`` as a share of that of the treated.

    References
        Bauer, Sterba & Hallfors (2008), Multivariate Behavioral Research 43; Roberts & Roberts (2005), Clinical Trials
        2; Lohr, Schochet & Sanders (2014), Partially Nested Randomized Controlled Trials in Education Research, NCER
        2014-2000; Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67; Satterthwaite (1946),
        Biometrics Bulletin 2.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": range(8),
        ...         "mentored": [1, 1, 1, 1, 0, 0, 0, 0],
        ...         "mentor": ["Ana", "Ana", "Ben", "Ben", None, None, None, None],
        ...         "absent": [4, 6, 9, 11, 14, 12, 10, 12],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", treated="mentored", mentor="mentor", outcomes=["absent"]
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.Multilevel())
        >>> effect.frame[["estimate", "std_error"]].round(3).values.tolist()  # √(25 / 4 + 8 / 3 / 4)
        [[-4.5, 2.63]]
    """

    name: ClassVar[str] = "multilevel"
    exempt: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"influence": "its error comes from variances that all students share"}
    )
    levels: tuple[Level, ...] = ("school", "mentor")
    residual_variance: Literal["by_arm", "common"] = "by_arm"
    event_time: int = 0
    covariates: tuple[str, ...] | None = None

    def check(self) -> None:
        """At least one level."""
        if not self.levels:
            raise OptionError("Multilevel needs a level: school, mentor or both. Or use regression_adjustment.")

    def fit(self, design: Design, outcome: str) -> Fit:
        """The effect; its own variance instead of an influence."""
        response = outcome_at(design, outcome, self.event_time)
        sample = analytic_sample(design, response, self.event_time, self.adjusts_for(design))
        plain = fit_sample(self, sample, outcome, self.event_time)
        assert plain.linear is not None
        _refuse_exact(plain.linear, outcome)
        groups, left_out = self._groups(plain, sample.treated)
        second = sample.treated if self.residual_variance == "by_arm" else None
        X, y = plain.linear.regressors, plain.linear.response
        mixed = fit_mixed(X, y, sample.weights, list(groups.values()), second)
        effect = plain.linear.contrasts[0]
        cluster, n_clusters = _independent(groups, len(y))
        return replace(
            plain,
            theta=np.array([effect @ mixed.coefficients]),
            influence=None,
            linear=None,
            facts={**sample.facts, **_describe(mixed, tuple(groups)), "levels_left_out": left_out},
            own_variance=lambda: StatedVariance(
                vcov=np.array([[effect @ mixed.vcov @ effect]]),
                df=np.array([mixed.df(effect)]),
                n_clusters=n_clusters,
                cluster=cluster,
            ),
        )

    def _groups(self, fit: Fit, treated: BoolArray) -> tuple[dict[str, IntArray], tuple[str, ...]]:
        """Codes of the rows at each level that can be told from the others, and the levels left out."""
        wanted = [name for name in self.levels if name in fit.clusters]
        if not wanted:
            raise EffectError(
                f"multilevel has random intercepts for {' and '.join(self.levels)}, and this panel names none. Name "
                "the column when the panel is made, or use regression_adjustment."
            )
        groups: dict[str, IntArray] = {}
        for name in wanted:
            codes = fit.cluster_codes(name)
            inside = treated if name == "mentor" else np.ones(len(codes), dtype=bool)
            found = _number(codes, inside)
            if 0 < found.max() < int(inside.sum()) - 1:
                groups[name] = found
        student = fit.cluster_codes("student")
        if count_clusters(student) < len(student):
            groups["student"] = _number(student, np.ones(len(student), dtype=bool))
        return groups, tuple(name for name in self.levels if name not in groups)


def _number(codes: IntArray, inside: BoolArray) -> IntArray:
    """Codes 0 … groups − 1 of the rows inside, -1 of the others."""
    out = np.full(len(codes), -1, dtype=np.int64)
    out[inside] = np.unique(codes[inside], return_inverse=True)[1]
    return out


def _refuse_exact(linear: LinearModel, outcome: str) -> None:
    """EffectError where nothing is left to vary."""
    if np.abs(linear.residuals).max() <= ROUNDING * np.ptp(linear.response):
        raise EffectError(
            f"Treatment and covariates tell {outcome} exactly for all {len(linear.response):,} students, so there are "
            "no variances to estimate. Use regression_adjustment."
        )


def _describe(mixed: MixedFit, names: tuple[str, ...]) -> dict[str, object]:
    """The variances, and the shares of schools and mentors in those of their students."""
    of_level = dict(zip(names, mixed.variances, strict=True))
    comparison, treated = mixed.residual_variances
    facts: dict[str, object] = {f"variance_{name}": value for name, value in of_level.items()}
    facts |= {"residual_variance_treated": treated, "residual_variance_comparison": comparison}
    without_mentor = sum(value for name, value in of_level.items() if name != "mentor")
    if "school" in of_level:
        facts["icc_school"] = of_level["school"] / (without_mentor + comparison)
    if "mentor" in of_level:
        facts["icc_mentor"] = of_level["mentor"] / (without_mentor + of_level["mentor"] + treated)
    return facts


def _independent(groups: dict[str, IntArray], n: int) -> tuple[str, int]:
    """What is independent, and how many: schools, else mentors and comparison students, else rows."""
    if "school" in groups:
        return "school", int(groups["school"].max()) + 1
    if "mentor" in groups:
        return "mentor", int(groups["mentor"].max()) + 1 + int(np.count_nonzero(groups["mentor"] < 0))
    return "", n
