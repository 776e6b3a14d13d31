"""Estimate: what was found and how sure we are. One result type for every estimator."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.inference import FEW_CLUSTERS, Inference, default_inference
from mentoreval.effects.note import Note
from mentoreval.effects.pooling import Window, pool_fit
from mentoreval.errors import EffectError
from mentoreval.registry import make

ESTIMATE_COLUMNS = (
    "outcome", "term", "cohort", "period", "event_time", "estimate", "std_error", "statistic", "p_value",
    "conf_low", "conf_high", "band_low", "band_high", "df", "n_treated", "n_comparison", "n_clusters",
)  # fmt: skip
ROUNDING = 1e-12
"""Share of the largest outcome below which a standard error is rounding."""

PoolBy = Literal["simple", "event_time", "cohort", "period"]


@dataclass(frozen=True)
class JointTest:
    """A Wald test that several effects are all zero.

    statistic : θ'V⁻¹θ
    df : number of effects
    df_denominator : of the F distribution of statistic · scale / df; infinity = chi-squared
    scale : (η − df + 1)/η where the variance is CR2 and η its degrees of freedom (Hotelling's T²), else 1
    """

    statistic: float
    df: int
    p_value: float
    terms: tuple[str, ...]
    df_denominator: float = math.inf
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """Effects with their uncertainty.

    vcov : (k, k) variance of theta; a row and column of zeros for a reference term that is zero by definition
    df : (k,) degrees of freedom of the reference distribution; infinity = normal
    critical : (k,) half width of the confidence interval in standard errors; of one that is not symmetric half its
        length
    band : half width in standard errors of a band that holds every term at once; None where the method gives none
    n_clusters : number of independent clusters behind the variance
    cluster : their name, "" for independent rows
    p_values : (k,) where they come from draws and not from the t distribution; None otherwise
    limits : (k, 2) of the confidence intervals, where they come from inverting a test; None otherwise
    joint_df : degrees of freedom of the variance of several effects together, given by their places, where the method
        has them (CR2); None otherwise
    reason : key of the reason for which this inference was taken where none was named; "" where one was
    """

    fit: Fit
    vcov: FloatArray
    df: FloatArray
    critical: FloatArray
    inference: Inference
    confidence: float
    n_clusters: int
    cluster: str
    band: float | None = None
    p_values: FloatArray | None = None
    limits: FloatArray | None = None
    joint_df: Callable[[IntArray], float] | None = None
    reason: str = ""

    @property
    def design(self) -> Design:
        """The design behind the estimate."""
        return self.fit.design

    @property
    def outcome(self) -> str:
        """The outcome."""
        return self.fit.outcome

    @property
    def few_clusters(self) -> bool:
        """Whether the variance rests on fewer clusters than it needs, so that a report must say so."""
        return bool(self.cluster) and self.n_clusters < FEW_CLUSTERS

    @cached_property
    def std_error(self) -> FloatArray:
        """(k,) standard errors."""
        return np.sqrt(np.maximum(np.diag(self.vcov), 0.0))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per effect with ESTIMATE_COLUMNS; where uncertainty is missing, ``notes`` says why.

        band_low and band_high hold every term at once with the stated confidence; conf_low and conf_high one at a time.
        """
        theta, error = self.fit.theta, np.where(self.is_reference | self.is_certain, np.nan, self.std_error)
        statistic = theta / error
        frame = self.fit.terms.copy()
        frame.insert(0, "outcome", self.fit.outcome)
        frame["estimate"], frame["std_error"], frame["statistic"] = theta, error, statistic
        frame["p_value"] = two_sided_p(statistic, self.df) if self.p_values is None else self._known(self.p_values)
        low, high = theta - self.critical * error, theta + self.critical * error
        if self.limits is not None:
            low, high = self._known(self.limits[:, 0]), self._known(self.limits[:, 1])
        frame["conf_low"], frame["conf_high"] = low, high
        band = np.nan if self.band is None else self.band
        frame["band_low"], frame["band_high"] = theta - band * error, theta + band * error
        frame["df"], frame["n_clusters"] = self.df, self.n_clusters
        return frame[list(ESTIMATE_COLUMNS)]

    def _known(self, values: FloatArray) -> FloatArray:
        """(k,) values, missing where a term has no uncertainty."""
        return np.where(self.is_reference | self.is_certain, np.nan, values)

    @cached_property
    def is_reference(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(k,) True for terms that are zero by definition, such as the period before the start in an event study."""
        return np.asarray(self.fit.terms["term"].astype(str).str.startswith("reference"), dtype=bool)

    @cached_property
    def is_certain(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(k,) True for effects whose error is zero but for rounding: nothing varies, and no error can be estimated."""
        values = self.design.panel.frame[self.outcome].to_numpy(dtype=float, na_value=np.nan)
        scale = float(np.nanmax(np.abs(values)))
        return np.asarray(~self.is_reference & (self.std_error <= ROUNDING * scale), dtype=bool)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """Why numbers are missing in ``frame``, and what else its reader must know; those of the estimator first.

        A note is a key, the terms that it is about and numbers: ``Note("no_bound", ("att",), {"confidence": 0.95})``.
        Its sentence is the key of that name in the section [note] of each language, with ``terms`` and the numbers as
        placeholders. An estimator that has something to say gives ``Fit(..., notes=(Note(...),))``.

        zero_by_definition, no_error_can_be_estimated, no_bound : of some terms, why numbers are missing
        program_ends : for some units, and the estimator does not follow the end
        few_clusters : errors may be too small
        weights_as_given, weights_as_given_ate : the design estimated its weights, and the errors do not count that
        """
        notes = [Note.of(note) for note in self.fit.notes]
        for key, which in (
            ("zero_by_definition", self.is_reference),
            ("no_error_can_be_estimated", self.is_certain),
        ):
            if which.any():
                notes.append(Note(key, self._names(which)))
        if self._unbounded.any():
            notes.append(Note("no_bound", self._names(self._unbounded), {"confidence": self.confidence}))
        if self.design.panel.status is not None and not self.fit.estimator.follows_ends:
            notes.append(Note("program_ends", numbers={"count": self.design.panel.n_ended}))
        if self.few_clusters:
            notes.append(Note("few_clusters", numbers={"count": self.n_clusters, "cluster": self.cluster}))
        if not (self.design.weighting.conditional or self.inference.refits):
            everyone = self.design.estimand == "ATE"
            notes.append(Note("weights_as_given_ate" if everyone else "weights_as_given"))
        return tuple(notes)

    def _names(self, which: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[str, ...]:
        """Names of some terms."""
        return tuple(self.fit.terms["term"][which].astype(str))

    @property
    def _unbounded(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(k,) True where a limit is infinite."""
        if self.limits is None:
            return np.zeros(len(self.fit.theta), dtype=bool)
        return np.asarray(np.isinf(self.limits).any(axis=1) & ~self.is_reference & ~self.is_certain, dtype=bool)

    def pool(
        self,
        by: PoolBy = "simple",
        *,
        earliest: int | None = None,
        latest: int | None = None,
        balance: int | None = None,
    ) -> Estimate:
        """Average group-time effects over cohorts and periods, with the noise of the estimated cohort shares.

        by : "simple" one number over all treated cells; "event_time" by periods since the start, "cohort", "period";
            each of the latter also has the term "average" over its non-negative event times, cohorts or periods
        earliest, latest : event times that are averaged, whatever ``by``; None = all (did's ``min_e`` and ``max_e``)
        balance : only the cohorts that are seen at this event time, up to it, so that all averages from the start on
            are over the same cohorts (did's ``balance_e``)
        """
        asked = by, Window(earliest, latest, balance)
        if asked not in self._pooled:
            found = self.inference.apply(pool_fit(self.fit, *asked), self.confidence)
            self._pooled[asked] = replace(found, reason=self.reason)
        return self._pooled[asked]

    @cached_property
    def _pooled(self) -> dict[tuple[PoolBy, Window], Estimate]:
        """What was pooled so far: reports ask for the same several times, and some inference draws or fits again."""
        return {}

    def joint_test(self, terms: list[str] | None = None) -> JointTest:
        """Wald test that the named terms, by default those before the start, are all zero.

        Chi-squared, or F with the degrees of freedom of the errors; with CR2 the F of Hotelling's T², whose degrees of
        freedom are those of all the terms together, "HTZ" of clubSandwich.
        """
        from mentoreval.effects.pooling import wald_test

        return wald_test(self, terms)

    def headline(self) -> pd.Series:
        """The one row that answers the question: the only term, or the pooled average over all treated cells."""
        if len(self.fit.theta) == 1:
            return self.frame.iloc[0]
        if self.fit.group_time is not None and self.fit.pooled_by is None:
            return self.pool("simple").frame.iloc[0]
        average = self.frame[self.frame["term"] == "average"]
        if average.empty:
            raise EffectError(f"{self.fit.estimator.name} gives {len(self.fit.theta)} effects and no average of them.")
        return average.iloc[0]

    @property
    def headline_event_time(self) -> int:
        """Periods since the start that the headline is about; 0 for an average over several, and without periods."""
        # A description may have several terms and no headline; they are about one period.
        row = self.frame.iloc[0] if self.fit.estimator.descriptive else self.headline()
        event_time = row["event_time"]
        return 0 if pd.isna(event_time) else int(event_time)

    def __repr__(self) -> str:
        lines = [
            f"{self.fit.estimator.name} on {self.outcome}",
            self.frame.to_string(index=False),
            *map(str, self.notes),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{escape(str(note))}</p>" for note in self.notes)
        return f"{self.frame.to_html(index=False)}{notes}"


def two_sided_p(statistic: FloatArray, df: FloatArray) -> FloatArray:
    """Two-sided p-values of t statistics; infinite df is the normal distribution."""
    from scipy import special

    tail = np.where(
        np.isinf(df),
        special.ndtr(-np.abs(statistic)),
        special.stdtr(np.where(np.isinf(df), 1.0, df), -np.abs(statistic)),
    )
    return np.asarray(2.0 * tail, dtype=float)


def critical_value(confidence: float, df: FloatArray) -> FloatArray:
    """(k,) half width of a two-sided interval in standard errors."""
    from scipy import special

    upper = 0.5 + confidence / 2
    return np.asarray(
        np.where(np.isinf(df), special.ndtri(upper), special.stdtrit(np.where(np.isinf(df), 1.0, df), upper)),
        dtype=float,
    )


def estimate_effect(
    design: Design,
    outcome: str,
    estimator: Estimator | None = None,
    *,
    inference: Inference | None = None,
    confidence: float = 0.95,
    pool: PoolBy | None = None,
) -> Estimate:
    """Estimate the effect on one outcome.

    design : from ``choose_design``
    outcome : an outcome of the panel
    estimator : by default regression adjustment on the design's covariates
    inference : by default what suits the number of clusters at the highest level at which students share fate
        (school, matched set or student), see ``default_inference``; ``Estimate.reason`` says why
    confidence : of the intervals
    pool : average group-time effects so at once, as ``Estimate.pool`` does afterwards, which spares a bootstrap of
        effects that nobody asked for

    Raises EffectError where the design does not identify the effect, DataError for an unknown outcome.
    """
    if not 0.5 <= confidence < 1:
        raise EffectError(f"confidence is a share between 0.5 and 1, such as 0.95; got {confidence}.")
    chosen: Estimator = estimator or make(Estimator, "regression_adjustment")  # type: ignore[type-abstract]
    fit = chosen.fit(design, outcome)
    if pool is not None:
        fit = pool_fit(fit, pool)
    method, reason = (inference, "") if inference is not None else default_inference(fit)
    return replace(method.apply(fit, confidence), reason=reason)
