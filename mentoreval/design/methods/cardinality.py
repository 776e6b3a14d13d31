"""Cardinality: the largest sample in which the arms are alike on average."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mentoreval.aliases import BoolArray, Estimand, FloatArray
from mentoreval.design.covariate_matrix import CovariateMatrix
from mentoreval.design.design import NO_SET, Baseline, DesignMethod, Weighting
from mentoreval.design.matched_sets import NO_PAIRS, PAIR_ESTIMANDS, exact_strata, refuse_empty
from mentoreval.design.propensity import known_covariates
from mentoreval.design.reweighting import refuse_estimand
from mentoreval.errors import DesignError, OptionError, suggest
from mentoreval.numerics.cardinality import LargestSample, largest_balanced_sample


@dataclass(frozen=True)
class Cardinality(DesignMethod):
    """The largest sample in which no covariate's standardized mean difference is above a bound; everybody counts 1.

    Balance is asked for, not hoped for, and the price is paid in students, who may come from either arm. No pairs are
    made. In every cohort, and every stratum to match exactly on, the sample has ``ratio`` comparison students for each
    treated one (ATT), or the other way round (ATC); the means are compared over all of them, not within each stratum as
    MatchIt (R) does. Bounds hold before sampling weights are applied. An integer program of one variable for each
    distinct student, by HiGHS: memory grows as students × covariates. To prove that no sample is larger can take long
    and is limited; of more than 2,000 distinct students the answer may fall a little short of the largest.

    bounds : largest difference of the means of each covariate (each level of a text), in standard deviations of the
        arm whose effect is asked for, before matching (for 0/1 √(p(1 − p)))
    covariate_bounds : the same for single covariates that have another one: {prior_gpa = 0.01, age = 0.1}
    ratio : comparison students for each treated one
    exact : covariates, or the school at the start, of whose values the arms must have the same numbers
    time_limit : seconds after which the best sample found so far is taken. The facts say so: ``proven_largest`` is
        False, and ``optimality_gap`` how much larger a sample may exist

    References: Zubizarreta, Paredes & Rosenbaum (2014), Annals of Applied Statistics 8:204; Visconti & Zubizarreta
    (2018), Observational Studies 4:217.
    """

    name: ClassVar[str] = "cardinality"
    estimands: ClassVar[tuple[Estimand, ...]] = PAIR_ESTIMANDS
    bounds: float = 0.05
    ratio: int = 1
    exact: tuple[str, ...] = ()
    time_limit: float = 30.0
    covariate_bounds: Mapping[str, float] | tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        """A table of bounds becomes a sorted tuple, so that the method can be hashed and nobody can change it."""
        if isinstance(self.covariate_bounds, Mapping):
            object.__setattr__(self, "covariate_bounds", tuple(sorted(self.covariate_bounds.items())))
        super().__post_init__()

    def check(self) -> None:
        """Refuse numbers out of range."""
        if self.ratio < 1:
            raise OptionError(f"Cardinality: ratio is the number of comparison students, at least 1; got {self.ratio}.")
        for name, bound in (("bounds", self.bounds), *dict(self.covariate_bounds).items()):
            if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not 0 <= bound < np.inf:
                what = "bounds" if name == "bounds" else f"the bound of {name!r}"
                raise OptionError(f"Cardinality: {what} is a standardized difference, 0 or more; got {bound!r}.")
        if not 0 < self.time_limit < np.inf:
            raise OptionError(f"Cardinality: time_limit is a number of seconds above 0; got {self.time_limit}.")

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """The columns to match exactly on."""
        return self.exact

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """The sample; DesignError for the ATE and ATO, and where no sample, or none in time, meets the bounds."""
        refuse_estimand(self.name, self.estimands, estimand)
        considered = baseline.comparable(self.exact)
        rows = np.flatnonzero(considered)
        seekers = baseline.treated[rows] == (estimand == "ATT")
        strata = exact_strata(baseline, rows, self.exact)
        named = ", ".join(("cohort", *self.exact))
        refuse_empty(strata, seekers, f"strata of {named}", "Match exactly on fewer or coarser columns.")
        covariates = known_covariates(baseline, considered)
        deviation = _deviations(covariates, seekers)
        found = largest_balanced_sample(
            covariates.values / deviation,
            seekers,
            strata,
            ratio=self.ratio,
            bounds=self._bounds(covariates),
            time_limit=self.time_limit,
        )
        self._refuse_nobody(found)
        weights = np.zeros(baseline.size)
        weights[rows] = found.chosen * baseline.weight[rows]
        return Weighting(
            weights=weights,
            matched_set=np.full(baseline.size, NO_SET, dtype=np.int64),
            propensity=np.full(baseline.size, np.nan),
            pairs=NO_PAIRS,
            considered=considered,
            facts=_facts(found, seekers),
        )

    @property
    def _within(self) -> str:
        """The bounds as a message names them."""
        return ", ".join(
            [f"{self.bounds:g}", *(f"{bound:g} ({name})" for name, bound in dict(self.covariate_bounds).items())]
        )

    def _bounds(self, covariates: CovariateMatrix) -> FloatArray:
        """(k,) the bound of each column; OptionError for a bound on what is no covariate."""
        own, names = dict(self.covariate_bounds), [column.covariate for column in covariates.columns]
        unknown = [name for name in own if name not in names]
        if unknown:
            raise OptionError(
                f"Cardinality: {unknown[0]!r} has a bound but is not a covariate of the design."
                f"{suggest(unknown[0], names)}"
            )
        return np.array([own.get(name, self.bounds) for name in names], dtype=np.float64)

    def _refuse_nobody(self, found: LargestSample) -> None:
        if found.chosen.any():
            return
        if found.proven:
            raise DesignError(
                f"No sample has all standardized differences within {self._within}, not even one treated student "
                f"with {self.ratio} other(s). Widen the bounds, or give fewer covariates."
            )
        raise DesignError(
            f"No sample with all standardized differences within {self._within} was found in {self.time_limit:g} "
            "seconds. Raise time_limit, widen the bounds, or give fewer covariates."
        )


def _facts(found: LargestSample, seekers: BoolArray) -> dict[str, object]:
    n_matched = int((seekers & found.chosen).sum())
    return {
        "n_to_match": int(seekers.sum()),
        "n_matched": n_matched,
        "n_unmatched": int(seekers.sum()) - n_matched,
        "share_matched": n_matched / int(seekers.sum()),
        "n_neighbours_used": int((found.chosen & ~seekers).sum()),
        "optimality_gap": found.gap,
        "proven_largest": found.proven,
    }


def _deviations(covariates: CovariateMatrix, seekers: BoolArray) -> FloatArray:
    """(k,) standard deviation of each column in the arm that is asked about; of everybody where it has none there.

    Columns are sorted before they are added up, so that the order of the students does not even change the rounding.
    """
    binary = np.array([column.binary for column in covariates.columns])
    own = np.sort(covariates.values[seekers], axis=0)
    share = own.mean(axis=0)
    spread = np.where(binary, np.sqrt(np.maximum(share * (1 - share), 0)), own.std(axis=0, ddof=1))
    overall = np.sort(covariates.values, axis=0).std(axis=0, ddof=1)
    return np.asarray(np.where(spread > 0, spread, overall), dtype=np.float64)
