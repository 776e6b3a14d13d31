"""Design: who is compared with whom, by what rule. It is chosen before anyone looks at an outcome."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, get_args

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, Estimand, FloatArray, IntArray
from mentoreval.design.baseline import Baseline, FlowStep, count_arms, stand_at_start
from mentoreval.design.eligibility import Eligibility
from mentoreval.errors import DesignError, OptionError, suggest
from mentoreval.panel.panel import Panel, Pool
from mentoreval.registry import Kind, make

if TYPE_CHECKING:
    from mentoreval.design.balance import Balance
    from mentoreval.numerics.two_samples import Denominator

__all__ = [
    "NO_SET",
    "Baseline",
    "Design",
    "DesignMethod",
    "FlowStep",
    "Weighting",
    "choose_design",
    "stand_at_start",
]

NO_SET = -1


@dataclass(frozen=True, eq=False)
class Weighting:
    """What a design method returns.

    weights : (m,) weight of each entry in the comparison; 0 = not in it
    matched_set : (m,) number of the matched set; NO_SET where there is none
    propensity : (m,) estimated probability of treatment; NaN where it was not estimated
    pairs : (p, 2) entry of the treated, entry of its comparison; empty where nobody was paired
    pair_distance : (p,) how far apart they are in what the method matches on
    considered : (m,) True where the entry was at risk and complete and so could have been chosen
    conditional : True where inference may take the weights as given
    facts : what the report says of the method: names and numbers
    """

    weights: FloatArray
    matched_set: IntArray
    propensity: FloatArray
    pairs: IntArray
    considered: BoolArray
    pair_distance: FloatArray = field(default_factory=lambda: np.empty(0))
    conditional: bool = True
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class DesignMethod(Kind):
    """A rule that chooses and weights the comparison students. One method to write: ``weigh``."""

    folder: ClassVar[str] = "mentoreval.design.methods:METHODS"

    @abstractmethod
    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        """Weights for the entries of a baseline; raises DesignError where no comparison can be built."""

    @property
    def covariates_needed(self) -> tuple[str, ...]:
        """Columns beside the covariates that the method reads, e.g. those to match exactly on."""
        return ()


@dataclass(frozen=True, eq=False)
class Design:
    """A comparison: panel, entries, weights, matched sets.

    ``weights`` and ``matched_sets`` are frames for people; estimators use the arrays of ``baseline`` and ``weighting``.
    ``pool`` and ``eligibility`` are as in ``choose_design``, so that the design can be chosen again on other students.
    """

    panel: Panel
    baseline: Baseline
    weighting: Weighting
    estimand: Estimand
    method: DesignMethod
    pool: Pool = "never_treated"
    eligibility: tuple[Eligibility, ...] = ()

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the covariates that the design makes alike."""
        return self.baseline.covariates

    @cached_property
    def weights(self) -> pd.DataFrame:
        """One row per entry with a weight above 0: unit, cohort, treated, weight, matched_set, propensity."""
        kept = np.flatnonzero(self.weighting.weights > 0)
        frame = self._entry_frame(kept)
        frame["weight"] = self.weighting.weights[kept]
        sets = self.weighting.matched_set[kept]
        frame["matched_set"] = pd.array(np.where(sets >= 0, sets, 0), dtype="Int64")
        frame.loc[sets < 0, "matched_set"] = pd.NA
        frame["propensity"] = self.weighting.propensity[kept]
        return frame

    @cached_property
    def matched_sets(self) -> pd.DataFrame:
        """One row per treated–comparison pair: cohort, treated and comparison unit, their propensities, distance."""
        pairs = self.weighting.pairs
        frame = self._entry_frame(pairs[:, 0])[["cohort", "unit"]].rename(columns={"unit": "treated"})
        frame["comparison"] = self._entry_frame(pairs[:, 1])["unit"]
        score = self.weighting.propensity
        frame["propensity_treated"], frame["propensity_comparison"] = score[pairs[:, 0]], score[pairs[:, 1]]
        frame["distance"] = self.weighting.pair_distance
        return frame

    def _entry_frame(self, entries: IntArray) -> pd.DataFrame:
        base, labels = self.baseline, self.panel.timeline.labels
        return pd.DataFrame(
            {
                "unit": self.panel.units[base.unit[entries]],
                "cohort": pd.Series(base.cohort[entries]).map(labels),
                "treated": base.treated[entries],
            }
        )

    @cached_property
    def flow(self) -> tuple[FlowStep, ...]:
        """The sample flow, in distinct units: in_panel, start_in_panel (seen before the start), eligible (if there are
        rules), at_risk (enrolled before and at the start), considered (covariates known), compared."""
        base, weighting = self.baseline, self.weighting
        # A method that considers everyone asks nobody to be enrolled at the start, so that step turns nobody away.
        at_risk = base.at_risk | weighting.considered
        masks = {"at_risk": at_risk, "considered": weighting.considered, "compared": weighting.weights > 0}
        steps = (count_arms(key, base.unit[mask], base.treated[mask]) for key, mask in masks.items())
        return base.screened + tuple(steps)

    def balance(
        self,
        covariates: Sequence[str] | None = None,
        *,
        by: str | None = None,
        denominator: Denominator | None = None,
        squares: bool = False,
        interactions: bool = False,
    ) -> Balance:
        """How alike the arms are before and after: ``measure_balance``; by default on the covariates of the design."""
        from mentoreval.design.balance import measure_balance

        return measure_balance(
            self, covariates, by=by, denominator=denominator, squares=squares, interactions=interactions
        )

    def __repr__(self) -> str:
        steps = {step.key: step for step in self.flow}
        first, end = steps["in_panel"], steps["compared"]
        return (
            f"Design: {self.method.name}, {self.estimand}; {end.n_treated:,} of {first.n_treated:,} treated "
            f"compared with {end.n_comparison:,} of {first.n_comparison:,} comparison units"
        )

    def _repr_html_(self) -> str:
        flow = pd.DataFrame([vars(step) for step in self.flow])
        return f"<p>{self!r}</p>{flow.to_html(index=False)}"


def choose_design(
    panel: Panel,
    method: DesignMethod | None = None,
    *,
    estimand: Estimand = "ATT",
    covariates: Sequence[str] | None = None,
    pool: Pool = "never_treated",
    eligibility: Sequence[Eligibility] = (),
) -> Design:
    """Choose the comparison for a panel, from its baseline alone.

    Parameters
    ----------
    panel : the panel
    method : how to choose; by default everyone is compared with everyone (``Unadjusted``)
    estimand : whose effect: ATT those who were mentored
    covariates : what to make alike; by default the panel's covariates and, where there is a period before the start,
        the outcomes in it (``prior_<outcome>``)
    pool : comparison units may be those never treated, or also those not yet treated at a cohort's start
    eligibility : rules that both arms must meet at the baseline, before anything else

    Raises
    ------
    DesignError : no entry is left in one arm, or the method can not serve the estimand.
    OptionError : a method or an estimand that does not exist.
    """
    method = method or make(DesignMethod, "unadjusted")  # type: ignore[type-abstract]
    _check_request(method, estimand, covariates)
    names = tuple(panel.default_covariates if covariates is None else covariates)
    baseline = stand_at_start(panel, names, pool, eligibility)
    weighting = method.weigh(baseline, estimand)
    for arm, mask in (("treated", baseline.treated), ("comparison", ~baseline.treated)):
        if not (weighting.weights[mask] > 0).any():
            raise DesignError(
                f"The design {method.name!r} leaves no {arm} unit: {int(mask.sum()):,} entries before it, "
                f"{int((weighting.considered & mask).sum()):,} with complete covariates, 0 after it. Loosen the "
                "caliper or the exact matching, or give fewer covariates."
            )
    return Design(panel, baseline, weighting, estimand, method, pool, tuple(eligibility))


def _check_request(method: object, estimand: str, covariates: object) -> None:
    if not isinstance(method, DesignMethod):
        raise OptionError(f"A design takes a method such as Nearest() or Unadjusted(), not {method!r}.")
    if estimand not in get_args(Estimand):
        raise OptionError(f"There is no estimand {estimand!r}.{suggest(estimand, get_args(Estimand))}")
    if isinstance(covariates, str):
        raise OptionError(f"covariates takes a list of names, not the text {covariates!r}: write [{covariates!r}].")
