"""Dose response: outcomes by how much of the program students got, among those who were in it. A description."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.design.design import Design
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, make_terms
from mentoreval.effects.note import Note
from mentoreval.effects.regression import fit_linear
from mentoreval.effects.sample import Sample, analytic_sample, model_matrix, outcome_at
from mentoreval.errors import EffectError, OptionError
from mentoreval.numerics.natural_spline import natural_cubic

QUANTILES = (0.1, 0.5, 0.9)
"""Where the knots of a spline are, among the mentored (Harrell 2015, table 2.3)."""


@dataclass(frozen=True)
class DoseResponse(Estimator):
    """A description of outcomes by dosage, never an effect: who gets much of a program is not as who gets little.

    shape : linear, one slope; bins, the mean outcome of each bin of dosage against the lowest; spline, a natural cubic
        spline, read at its knots against the lowest knot
    knots : for ``shape = "spline"``, three or more dosages; none = the 10th, 50th and 90th percentile of the mentored
    bins : for ``shape = "bins"``, the lower bounds of all bins but the lowest; none = terciles of the mentored
    event_time : periods since the start in which the outcome is taken; 0 in a cross-section
    covariates : to adjust for, read at the baseline; none by default
    with_comparison : count comparison students as of dosage 0, which mixes whether with how much; asked for by name

    Estimand
        None that is causal. linear: the difference in the outcome between mentored students who got one unit of dosage
        more; bins: between those of a bin and those of the lowest; spline: between those of a knot's dosage and those
        of the lowest knot's.

    Assumptions
        None that would make it an effect. Students who come often differ from those who do not, in ways that last
        year's records do not show, and students who leave school get less of everything. Dosage is measured after the
        start, so it is no covariate of any design either.

    Estimator
        Least squares with the design's weights among the treated, on dosage, bins or the columns of a spline that is
        straight beyond its outer knots, covariates and one intercept for each cohort. Dosage is the sum of the role
        ``dosage`` from the start to the period of the outcome.

    Standard errors
        From the scores of the regression; every method of inference for a regression applies.

    Edge cases
        Treated students without a known dosage are left out and counted as ``without_dosage``; one with dosage 0 stays.
        A comparison student with dosage above 0 is an error. Bins that are empty, fewer than three distinct knots,
        dosage that is one value, and covariates that tell dosage exactly are errors. With comparison students only the
        lowest bin has dosage 0 otherwise. n_treated counts the students of the slope, the curve or the bin,
        n_comparison those it is compared with.

    References
        Rosenbaum (1984), Journal of the Royal Statistical Society A 147, for why what comes after treatment is not
        adjusted for; Harrell (2015), Regression Modeling Strategies, for splines; Angrist & Pischke (2009), Mostly
        Harmless Econometrics, section 3.2.3.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 2, 3, 4, 5, 6],
        ...         "mentored": [1, 1, 1, 1, 0, 0],
        ...         "sessions": [2, 4, 6, 8, None, None],
        ...         "absent": [9, 9, 7, 7, 12, 11],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame, unit="student", treated="mentored", dosage="sessions", outcomes=["absent"]
        ... )
        >>> found = me.estimate_effect(me.choose_design(panel), "absent", me.DoseResponse())
        >>> float(found.frame["estimate"].round(6).iloc[0])  # (-3 * 1 - 1 * 1 + 1 * -1 + 3 * -1) / 20
        -0.4
    """

    name: ClassVar[str] = "dose_response"
    descriptive: ClassVar[bool] = True
    shape: Literal["linear", "bins", "spline"] = "linear"
    bins: tuple[float, ...] = ()
    event_time: int = 0
    covariates: tuple[str, ...] = ()
    with_comparison: bool = False
    knots: tuple[float, ...] = ()

    def check(self) -> None:
        """Bounds rise, are above 0, and are for bins; knots rise, are three or more, and are for splines."""
        if self.knots and (
            self.shape != "spline" or len(self.knots) < 3 or list(self.knots) != sorted(set(self.knots))
        ):
            raise OptionError(
                f"DoseResponse: knots are three or more rising numbers for shape = 'spline'; got {self.knots} for "
                f"{self.shape!r}."
            )
        if self.bins and (self.shape != "bins" or min(self.bins) <= 0 or list(self.bins) != sorted(set(self.bins))):
            raise OptionError(
                f"DoseResponse: bins are rising numbers above 0 for shape = 'bins'; got {self.bins} for {self.shape!r}."
            )

    def fit(self, design: Design, outcome: str) -> Fit:
        """The slope or the differences between bins, and each entry's influence on them."""
        response = outcome_at(design, outcome, self.event_time)
        whole = analytic_sample(design, response, self.event_time, self.covariates)
        dosage = _dosage(whole, self.event_time, self.with_comparison)
        known = ~np.isnan(dosage)
        inside = known & (whole.treated | self.with_comparison)
        sample = replace(
            whole,
            entries=whole.entries[inside],
            response=whole.response[inside],
            covariates=whole.covariates[inside].reset_index(drop=True),
        )
        columns, terms, contrasts = self._columns(dosage[inside], sample)
        cohort = np.unique(sample.cohort, return_inverse=True)[1]
        intercepts = np.eye(int(cohort.max()) + 1)[cohort]
        adjusted = model_matrix(sample.covariates)
        X = np.column_stack([columns, intercepts, adjusted.values])
        k, p = columns.shape[1], X.shape[1]
        names = (
            *(str(term["term"]) for term in terms),
            *(f"cohort {place + 1}" for place in range(intercepts.shape[1])),
            *(column.label for column in adjusted.columns),
        )
        linear = fit_linear(X, sample.response, sample.weights, names, (), contrasts @ np.eye(k, p))
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms(terms),
            theta=linear.effects,
            influence=linear.arrays.influence,
            clusters={name: codes[sample.unit] for name, codes in unit_clusters(design).items()},
            entries=sample.entries,
            linear=linear,
            facts={**whole.facts, "without_dosage": len(np.unique(whole.unit[whole.treated & ~known]))},
            notes=(Note("descriptive"),),
        )

    def _columns(self, dosage: FloatArray, sample: Sample) -> tuple[FloatArray, list[dict[str, object]], FloatArray]:
        """(m, k) regressors of the dosage, t terms, and these as contrasts (t, k) of the regressors.

        EffectError where dosage does not vary enough.
        """
        if not len(dosage) or np.ptp(dosage) == 0:
            what = f"is {dosage[0]:g} for all" if len(dosage) else "is known of none of the"
            raise EffectError(f"Dosage {what} {len(dosage):,} students, so outcomes can not be told by it.")
        shared: dict[str, object] = {"event_time": self.event_time}
        if self.shape == "linear":
            return dosage[:, None], [{**shared, "term": "dosage", **_of_all(sample)}], np.eye(1)
        if self.shape == "spline":
            knots = np.array(self.knots or np.unique(np.quantile(dosage[sample.treated], QUANTILES)))
            if len(knots) < 3:
                raise EffectError(
                    "Dosage has too few values for the knots of a spline. Use shape = 'bins' or 'linear'."
                )
            at_knots = natural_cubic(knots, knots)
            points = [{**shared, "term": f"dosage={knot:g}", **_of_all(sample)} for knot in knots[1:]]
            return natural_cubic(dosage, knots), points, at_knots[1:] - at_knots[0]
        bounds = np.array(self.bins) if self.bins else np.unique(np.quantile(dosage[sample.treated], [1 / 3, 2 / 3]))
        code = np.searchsorted(bounds, dosage, side="right")
        size = [len(np.unique(sample.unit[code == place])) for place in range(len(bounds) + 1)]
        if min(size) == 0:
            raise EffectError(
                f"Bins of dosage from {', '.join(f'{bound:g}' for bound in bounds)} on hold "
                f"{', '.join(map(str, size))} students; none may be empty. Choose other bins."
            )
        terms = [
            {**shared, "term": f"dosage>={bound:g}", "n_treated": size[place], "n_comparison": size[0]}
            for place, bound in enumerate(bounds, 1)
        ]
        return (code[:, None] == np.arange(1, len(bounds) + 1)).astype(float), terms, np.eye(len(bounds))


def _of_all(sample: Sample) -> dict[str, object]:
    """The numbers of students of a term that all of them tell."""
    n_units = len(np.unique(sample.unit))
    return {"n_treated": n_units, "n_comparison": n_units}


def _dosage(sample: Sample, event_time: int, with_comparison: bool) -> FloatArray:
    """(m,) dosage of each entry from its start to the period of the outcome; NaN where it is not known."""
    panel = sample.design.panel
    if panel.dosage is None:
        raise EffectError("dose_response needs the dosage, and this panel has none. Name its column with dosage =.")
    clock = panel.timeline.clock
    inside = (clock >= sample.cohort[:, None]) & (clock <= sample.cohort[:, None] + event_time)
    known = np.where(inside, panel.matrix(panel.dosage)[sample.unit], np.nan)
    total = np.where(np.isnan(known).all(axis=1), np.nan, np.nansum(known, axis=1))
    treated_anyway = ~sample.treated & (total > 0)
    if treated_anyway.any():
        raise EffectError(
            f"{int(treated_anyway.sum()):,} comparison students have dosage above 0, so they were in the program. Make "
            "them treated, or leave them out."
        )
    return np.where(~sample.treated, 0.0 if with_comparison else np.nan, total)
