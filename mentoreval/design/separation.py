"""Separation: a covariate that tells the arms apart, so that a propensity score has no finite value."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.design.covariate_matrix import Column, CovariateMatrix
from mentoreval.errors import DesignError
from mentoreval.numerics.logit import LogitFit
from mentoreval.numerics.separation import find_separation, looks_separated


def refuse_separation(covariates: CovariateMatrix, treated: BoolArray, within: tuple[str, ...] = ()) -> None:
    """DesignError for a covariate of which one value, or one side of a value, is found in one arm only.

    covariates : (n, k) every level, also those that a model leaves out, for they may be the ones to blame
    treated : (n,)
    within : covariates that may do so, because students are compared within their values anyway
    """
    rows = np.flatnonzero(treated)
    for column, values in zip(covariates.columns, covariates.values.T, strict=True):
        own = values[rows]
        low, high = own.min(), own.max()
        if values.min() < low and high < values.max():  # the others reach beyond both ends, so no value separates
            continue
        others = values[~treated]
        if (high <= others.min() or others.max() <= low) and column.covariate not in within:
            raise DesignError(_explain_one(column, values, treated))


def refuse_combined_separation(
    model: CovariateMatrix, treated: BoolArray, fit: LogitFit, within: tuple[str, ...] = ()
) -> None:
    """DesignError for covariates that tell the arms apart together, none of them alone.

    model : (n, k) columns of the fit, its intercept among them
    """
    found = find_separation(model.values, treated) if looks_separated(fit, model.values) else None
    if found is None:
        return
    columns = [model.columns[place] for place in found.columns]
    if not all(column.covariate in within for column in columns):
        raise DesignError(_explain_several(columns))


def _explain_several(columns: list[Column]) -> str:
    named = ", ".join(repr(column.label) for column in columns)
    return (
        f"The covariates {named} predict treatment perfectly together: a weighted sum of them is at least as high for "
        "every treated student as for any other. No propensity score can be had from all of them. Drop or coarsen "
        "one, or, if students were chosen by a rule on them, make that rule one of eligibility for both arms."
    )


def _explain_one(column: Column, values: FloatArray, treated: BoolArray) -> str:
    """Which covariate, and which level of it, tells the arms apart, how many students it touches, and what to do."""
    return (
        f"Covariate {column.covariate!r} predicts treatment perfectly: {_how(column, values, treated)}. No propensity "
        f"score can be estimated with it, and such students have nobody to be compared with. Drop "
        f"{column.covariate!r} from the covariates, coarsen it, match exactly on it (exact = [{column.covariate!r}]), "
        "or make its rule one of eligibility for both arms."
    )


def _how(column: Column, values: FloatArray, treated: BoolArray) -> str:
    if not column.binary:
        ranges = (f"{values[arm].min():g} to {values[arm].max():g}" for arm in (treated, ~treated))
        return "{} among the treated and {} among the others".format(*ranges)
    for value, name in ((1.0, column.label), (0.0, f"another {column.covariate} than {column.level}")):
        holders = values == value
        who = {0: "none", int(holders.sum()): "each"}.get(int((holders & treated).sum()))
        if who is not None:
            name = name if column.level is not None else f"{column.covariate} = {value:g}"
            break
    return f"{who} of the {int(holders.sum()):,} students with {name} is treated"
