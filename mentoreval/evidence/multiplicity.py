"""Several results of one study: families of outcomes, and p-values adjusted within them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.clusters import NO_CLUSTER
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.inference import find_influence
from mentoreval.effects.pooling import pool_fit
from mentoreval.errors import EffectError, OptionError, first_few, suggest
from mentoreval.numerics.multiplicity import benjamini_hochberg, critical_values, holm, romano_wolf
from mentoreval.numerics.multiplier import draw_deviations
from mentoreval.panel.facts import MeasureFacts

Adjustment = Literal["benjamini_hochberg", "holm", "romano_wolf"]
ADJUSTED_COLUMNS = (
    "name", "outcome", "family", "family_size", "p_value", "p_adjusted", "rank", "critical_value", "significant",
    "significant_adjusted", "method",
)  # fmt: skip


class SeveralEstimates(Protocol):
    """What answers a study's questions: an evaluation, or anything with the same two properties."""

    @property
    def main_estimates(self) -> Mapping[str, Estimate]:
        """The headline estimates by name."""

    @property
    def families(self) -> Mapping[str, str]:
        """The family of each of them, by name, where the study names one."""


def adjust_p_values(
    estimates: SeveralEstimates | Mapping[str, Estimate],
    method: Adjustment = "benjamini_hochberg",
    *,
    families: Mapping[str, str] | None = None,
    level: float = 0.05,
    draws: int = 9_999,
    seed: int = 0,
) -> pd.DataFrame:
    """p-values of headline results, adjusted within families of outcomes.

    Parameters
    ----------
    estimates : an evaluation, or estimates by name; of each the headline row counts
    method : "benjamini_hochberg" holds down the share of false discoveries (what the What Works Clearinghouse uses
        within a domain); "holm" and "romano_wolf" the chance of one false claim or more. Romano and Wolf's draws the
        estimates jointly from their influence by cluster, so that outcomes that go together cost less
    families : for names of estimates the family; by default what the study says, else the outcome's WWC domain
    level : at which results are called significant
    draws, seed : of romano_wolf

    Returns
    -------
    One row for each estimate with ADJUSTED_COLUMNS, in the order given. critical_value is k · level / m, for
    benjamini_hochberg. A result without a p-value has none adjusted and is not counted in its family.

    Raises
    ------
    OptionError : a method or a name that does not exist. EffectError : romano_wolf on estimates that have no influence,
    are of different panels, or whose clusters are not the same.
    """
    if method not in get_args(Adjustment):
        raise OptionError(f"There is no adjustment {method!r}.{suggest(str(method), get_args(Adjustment))}")
    named, stated = _named(estimates)
    table = _family_table(named, {**stated, **dict(families or {})})
    table["method"] = method
    for _, rows in table[table["p_value"].notna()].groupby("family", sort=False):
        p = rows["p_value"].to_numpy(dtype=float)
        if method == "romano_wolf" and len(p) > 1:
            adjusted = romano_wolf(p, _joint_draws([named[name] for name in rows["name"]], draws, seed))
        else:
            adjusted = (benjamini_hochberg if method == "benjamini_hochberg" else holm)(p)
        rank = np.argsort(np.argsort(p, kind="stable"), kind="stable")
        table.loc[rows.index, "p_adjusted"] = adjusted
        table.loc[rows.index, "rank"] = rank + 1
        table.loc[rows.index, "family_size"] = len(p)
        if method == "benjamini_hochberg":
            table.loc[rows.index, "critical_value"] = critical_values(len(p), level)[rank]
    table["significant"] = table["p_value"] <= level
    table["significant_adjusted"] = table["p_adjusted"] <= level
    return table.astype({"family_size": "Int64", "rank": "Int64"})[list(ADJUSTED_COLUMNS)]


def default_family(estimate: Estimate) -> str:
    """The WWC domain of an estimate's outcome; "other" where nothing is known of it."""
    return estimate.design.panel.measures.get(estimate.outcome, MeasureFacts()).domain


def _named(
    estimates: SeveralEstimates | Mapping[str, Estimate],
) -> tuple[Mapping[str, Estimate], Mapping[str, str]]:
    """Estimates by name, and the families that are stated."""
    if isinstance(estimates, Mapping):
        return estimates, {}
    return estimates.main_estimates, estimates.families


def _family_table(named: Mapping[str, Estimate], families: Mapping[str, str]) -> pd.DataFrame:
    unknown = [name for name in families if name not in named]
    if unknown:
        raise OptionError(f"families names {first_few(unknown)}.{suggest(unknown[0], named)}")
    if not named:
        raise OptionError("There is no estimate whose p-value could be adjusted.")
    return pd.DataFrame(
        {
            "name": list(named),
            "outcome": [estimate.outcome for estimate in named.values()],
            "family": [families.get(name) or default_family(estimate) for name, estimate in named.items()],
            "family_size": 0,
            "p_value": [float(estimate.headline()["p_value"]) for estimate in named.values()],
            "p_adjusted": np.nan,
            "rank": pd.array([pd.NA] * len(named), dtype="Int64"),
            "critical_value": np.nan,
        }
    )


# ---------------------------------------------------------------- joint draws
@dataclass(frozen=True, eq=False)
class HeadlineInfluence:
    """Influence (m,) of a headline number on the rows that have a cluster, their codes (m,), and all n rows."""

    values: FloatArray
    cluster: IntArray
    n: int


def _joint_draws(estimates: list[Estimate], draws: int, seed: int) -> FloatArray:
    """(draws, m) deviations of headline numbers: one random weight for each cluster, the same for all estimates."""
    if len({id(estimate.design.panel) for estimate in estimates}) > 1:
        raise EffectError("romano_wolf draws estimates jointly, and these are of different panels. Use holm.")
    name = _shared_cluster(estimates)
    parts = [headline_influence(estimate, name) for estimate in estimates]
    n_clusters = 1 + max(int(part.cluster.max()) for part in parts)
    sums = np.zeros((n_clusters, len(parts)))
    for column, part in enumerate(parts):
        sums[:, column] = np.bincount(part.cluster, part.values, minlength=n_clusters) / part.n
    kept = sums[np.any(sums != 0, axis=1)]
    return draw_deviations(kept, "webb", draws, np.random.default_rng(seed))


def _shared_cluster(estimates: list[Estimate]) -> str:
    """The cluster of which all estimates know the same ones: that of their errors, students where they are by row."""
    names = {estimate.cluster or "student" for estimate in estimates}
    if len(names) > 1:
        raise EffectError(
            f"romano_wolf draws whole clusters, and these estimates have errors by {' and by '.join(sorted(names))}. "
            "Cluster them alike, or use holm."
        )
    (name,) = names
    designs = {id(estimate.design) for estimate in estimates}
    if name not in ("school", "student") and len(designs) > 1:
        raise EffectError(f"Each design has a {name} of its own, so that they can not be drawn jointly. Use holm.")
    return name


def headline_influence(estimate: Estimate, cluster: str) -> HeadlineInfluence:
    """Influence on the headline number of an estimate, with clusters of a name; EffectError where there is none."""
    fit = estimate.fit
    if len(fit.theta) > 1 and fit.group_time is not None and fit.pooled_by is None:
        fit = pool_fit(fit, "simple")
    influence = find_influence(fit, "romano_wolf")
    column = 0 if influence.shape[1] == 1 else int(np.flatnonzero(fit.terms["term"] == "average")[0])
    codes = fit.cluster_codes(cluster)
    inside = codes != NO_CLUSTER
    return HeadlineInfluence(influence[inside, column], codes[inside], len(codes))
