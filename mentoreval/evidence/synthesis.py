"""Synthesis: one answer from several sites or studies, how much they differ, and what to expect in the next one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray
from mentoreval.effects.estimate import ROUNDING, Estimate, critical_value, two_sided_p
from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.evidence.effect_table import SITE_COLUMNS, read_effects
from mentoreval.evidence.wwc import effect_size
from mentoreval.numerics.meta_analysis import (
    between_variance,
    between_variance_interval,
    knapp_hartung_error,
    q_statistic,
    typical_variance,
    weighted_mean,
)
from mentoreval.panel.facts import MeasureFacts

Model = Literal["random", "fixed"]
Scale = Literal["outcome", "standardized"]
Effects = Sequence[Estimate] | Mapping[str, Estimate] | pd.DataFrame | str | Path

FEWEST_FOR_PREDICTION = 3


@dataclass(frozen=True, eq=False)
class Synthesis:
    """The pooled effect of several sites or studies.

    frame : one row for each, SITE_COLUMNS, then weight (share of the pooled effect), and shrunken: the best guess of
        the site's own effect, which borrows from the others. A row that could not be pooled says why in ``reason``
    model : "random" where sites may differ, "fixed" where all share one effect
    scale : "outcome" in the outcome's unit, "standardized" in standard deviations
    estimate, std_error, df, p_value, conf_low, conf_high : of the mean effect; t with k − 1 degrees of freedom after
        Hartung and Knapp in the random model, normal in the fixed one
    prediction_low, prediction_high : where the true effect of one further site is expected; NaN in the fixed model and
        below FEWEST_FOR_PREDICTION sites, where it would hang on one or two differences
    between_sd : standard deviation of the true effects between sites; between_low, between_high is its interval
    i_squared : share of the scatter that is not sampling error, 0 to 1
    q, q_p_value : test that all sites share one effect
    measure : what is known of the outcome, where the effects are in its unit
    """

    frame: pd.DataFrame
    model: Model
    scale: Scale
    confidence: float
    estimate: float
    std_error: float
    df: float
    p_value: float
    conf_low: float
    conf_high: float
    prediction_low: float
    prediction_high: float
    between_sd: float
    between_low: float
    between_high: float
    i_squared: float
    q: float
    q_p_value: float
    measure: MeasureFacts | None = None

    @property
    def n_pooled(self) -> int:
        """How many sites or studies are in the mean."""
        return int(self.frame["pooled"].sum())

    def __repr__(self) -> str:
        numbers = (
            f"{self.model} model, {self.n_pooled} of {len(self.frame)} pooled: {self.estimate:.4g} "
            f"[{self.conf_low:.4g}, {self.conf_high:.4g}], between sites {self.between_sd:.3g}, I² {self.i_squared:.0%}"
        )
        return f"{numbers}\n{self.frame.to_string(index=False)}"

    def _repr_html_(self) -> str:
        return f"<p>{self.__repr__().splitlines()[0]}</p>{self.frame.to_html(index=False)}"


def synthesize(
    effects: Effects,
    *,
    model: Model = "random",
    scale: Scale | None = None,
    several: Literal["refuse", "average"] = "refuse",
    confidence: float = 0.95,
) -> Synthesis:
    """Pool the effects of several sites or studies.

    effects : Estimates of one outcome, best as a mapping from the site's name; or a table, or the path of a CSV, with a
        label ("label", "site" or "study"), an effect ("estimate", or "effect_size_g") and its uncertainty: "std_error",
        or "conf_low" and "conf_high", or a "p_value", from which the standard error is worked out as |effect| / z. A
        row without any of these is kept in ``frame`` and not pooled
    model : "random" (between-site variance by restricted maximum likelihood, interval after Hartung and Knapp) or
        "fixed"
    scale : of Estimates: "outcome" (the default) or "standardized", which brings different outcomes to Hedges' g or
        Cox's index. A table is taken as it stands
    several : what to do where one label has several rows. They share students, so pooling them as if they did not
        counts these twice: "refuse", or "average" their effects with the mean of their standard errors, as if
        perfectly correlated

    Raises OptionError for an unknown option, DataError where fewer than two effects can be pooled or the table is not
    as described.

    >>> trials = pd.DataFrame({"site": ["A", "B", "C"], "estimate": [0.1, 0.3, 0.2], "std_error": [0.1, 0.1, 0.2]})
    >>> round(synthesize(trials, model="fixed").estimate, 3)
    0.2
    """
    _check_options(model, several, confidence)
    if isinstance(effects, (pd.DataFrame, str, Path)):
        if scale is not None:
            raise OptionError("scale is for Estimates; the effects of a table are taken as they stand. Leave it out.")
        table = read_effects(effects, several, confidence)
        scale = "standardized" if table.attrs.get("standardized") else "outcome"
    else:
        scale = scale or "outcome"
        table = _of_estimates(effects, scale, confidence)
    measure = table.attrs.get("measure")
    pooled = table["pooled"].to_numpy(dtype=bool)
    if pooled.sum() < 2:
        raise DataError(
            f"{pooled.sum()} of {len(table)} effects can be pooled; a synthesis needs two or more, each with a "
            "standard error, an interval or an exact p-value."
        )
    return replace(_pooled(table, pooled, model, scale, confidence), measure=measure)


def _check_options(model: str, several: str, confidence: float) -> None:
    for name, value, allowed in (("model", model, get_args(Model)), ("several", several, ("refuse", "average"))):
        if value not in allowed:
            raise OptionError(f"{name} = {value!r} is not allowed.{suggest(value, allowed)}")
    if not 0.5 <= confidence < 1:
        raise OptionError(f"confidence is a share between 0.5 and 1, such as 0.95; got {confidence}.")


def _of_estimates(effects: Sequence[Estimate] | Mapping[str, Estimate], scale: str, confidence: float) -> pd.DataFrame:
    """SITE_COLUMNS of the headline of each estimate."""
    if scale not in get_args(Scale):
        raise OptionError(f"scale = {scale!r} is not allowed.{suggest(scale, get_args(Scale))}")
    named = dict(effects) if isinstance(effects, Mapping) else {str(n): one for n, one in enumerate(effects, start=1)}
    strangers = [name for name, one in named.items() if not isinstance(one, Estimate)]
    if strangers:
        raise DataError(f"{len(strangers)} of {len(named)} effects are no Estimates (first: {strangers[0]!r}).")
    outcomes = sorted({one.outcome for one in named.values()})
    if scale == "outcome" and len(outcomes) > 1:
        raise DataError(
            f"These estimates are of different outcomes ({', '.join(outcomes)}), which share no unit. "
            'Pool one outcome, or take scale = "standardized".'
        )
    rows = pd.DataFrame([_row(name, one, scale) for name, one in named.items()])
    table = read_effects(rows, "refuse", confidence)
    if scale == "outcome":
        table.attrs["measure"] = next(iter(named.values())).design.panel.measures.get(outcomes[0])
    return table


def _row(name: str, estimate: Estimate, scale: str) -> dict[str, object]:
    if scale == "standardized":
        size = effect_size(estimate)
        return {"label": name, "estimate": size.value, "std_error": size.std_error}
    head = estimate.headline()
    return {"label": name, "estimate": float(head["estimate"]), "std_error": float(head["std_error"])}


def _pooled(
    table: pd.DataFrame,
    pooled: np.ndarray[tuple[int], np.dtype[np.bool_]],
    model: Model,
    scale: Scale,
    confidence: float,
) -> Synthesis:
    """The numbers of a Synthesis from SITE_COLUMNS."""
    from scipy import stats

    values: FloatArray = table.loc[pooled, "estimate"].to_numpy(dtype=float)
    variances: FloatArray = np.square(table.loc[pooled, "std_error"].to_numpy(dtype=float))
    k = len(values)
    between = between_variance(values, variances) if model == "random" else 0.0
    weights = 1 / (variances + between)
    mean = weighted_mean(values, weights)
    error = knapp_hartung_error(values, weights) if model == "random" else 1 / math.sqrt(weights.sum())
    if error <= ROUNDING * float(np.abs(values).max()):
        raise DataError(
            f"The {k} effects are equal to the last digit, so that their scatter gives the random model no error. "
            'Check that they are of different sites; if they are, take model = "fixed".'
        )
    df = float(k - 1) if model == "random" else math.inf
    (half,) = critical_value(confidence, np.array([df]))
    predicts = model == "random" and k >= FEWEST_FOR_PREDICTION
    reach = half * math.sqrt(between + error**2) if predicts else math.nan
    low, high = between_variance_interval(values, variances, confidence)
    q = q_statistic(values, variances)
    frame = table[list(SITE_COLUMNS)].copy()
    frame["weight"] = _placed(pooled, weights / weights.sum())
    frame["shrunken"] = _placed(pooled, (between * values + variances * mean) / (variances + between))
    return Synthesis(
        frame=frame.reset_index(drop=True), model=model, scale=scale, confidence=confidence,
        estimate=mean, std_error=error, df=df, p_value=float(two_sided_p(np.array([mean / error]), np.array([df]))[0]),
        conf_low=mean - half * error, conf_high=mean + half * error,
        prediction_low=mean - reach, prediction_high=mean + reach,
        between_sd=math.sqrt(between), between_low=math.sqrt(low), between_high=math.sqrt(high),
        i_squared=between / (between + typical_variance(variances)), q=q, q_p_value=float(stats.chi2.sf(q, k - 1)),
    )  # fmt: skip


def _placed(where: np.ndarray[tuple[int], np.dtype[np.bool_]], values: FloatArray) -> FloatArray:
    """The values at the rows that were pooled, NaN elsewhere."""
    placed = np.full(len(where), np.nan)
    placed[where] = values
    return placed
