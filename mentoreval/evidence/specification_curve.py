"""Specification curve: one question answered in every reasonable way, to see what hangs on the way.

Source: Simonsohn, Simmons and Nelson (2020), Specification curve analysis, Nature Human Behaviour 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.aliases import Estimand, IntArray
from mentoreval.design.design import Design, DesignMethod, choose_design
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.propensity import PropensityModel
from mentoreval.effects.clusters import own_school
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimator import Estimator
from mentoreval.effects.inference import Inference
from mentoreval.errors import EffectError, MentorevalError, OptionError
from mentoreval.panel.panel import Panel, Pool
from mentoreval.registry import make

CHOICES = ("design", "estimator", "covariates", "sample")
SPECIFICATION_COLUMNS = (
    *CHOICES, "estimate", "std_error", "conf_low", "conf_high", "p_value", "n_treated", "n_comparison", "reason",
)  # fmt: skip
SIGNIFICANT = 0.05
STRATA = 5
"""Students change places in a permutation within fifths of the propensity score: five classes remove about nine tenths
of the bias from what the score holds (Rosenbaum and Rubin 1984)."""

FEWEST_THAT_WORK = 0.5
"""Share of the specifications that must give an estimate in a permutation for it to count."""


@dataclass(frozen=True)
class Specifications:
    """What is varied: every combination of one entry of each.

    methods, estimators, covariates, samples : by name; ``covariates`` are those of the design and of estimators that
        take the design's, ``samples`` are rules that both arms meet
    """

    methods: Mapping[str, DesignMethod]
    estimators: Mapping[str, Estimator]
    covariates: Mapping[str, tuple[str, ...]]
    samples: Mapping[str, tuple[Eligibility, ...]]

    def __post_init__(self) -> None:
        empty = [name for name in ("methods", "estimators", "covariates", "samples") if not getattr(self, name)]
        if empty:
            raise OptionError(
                f"A specification curve needs at least one entry in {', '.join(empty)}. For no choice give one, such "
                "as samples = {everyone = []}."
            )

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return len(self.methods) * len(self.estimators) * len(self.covariates) * len(self.samples)


@dataclass(frozen=True, eq=False)
class SpecificationCurve:
    """Every specification's answer.

    frame : SPECIFICATION_COLUMNS from the smallest estimate to the largest; those that gave none come last, with the
        reason
    median : of the estimates
    share_same_sign : of the estimates, that point the way of the median
    share_significant : of the estimates, that also have p below .05
    p_median, p_significant : share of permutations with a median as far from zero, and with as large a share
        significant in one direction, the data themselves counted as one; None where there were none
    n_permutations : that gave estimates
    """

    outcome: str
    frame: pd.DataFrame
    median: float
    share_same_sign: float
    share_significant: float
    p_median: float | None = None
    p_significant: float | None = None
    n_permutations: int = 0

    @property
    def n_estimated(self) -> int:
        """How many specifications gave an estimate."""
        return int(self.frame["estimate"].notna().sum())

    def __repr__(self) -> str:
        permuted = "" if self.p_median is None else f"; permutation p {self.p_median:.3f} (median)"
        return (
            f"{self.n_estimated} of {len(self.frame)} specifications on {self.outcome}: median {self.median:+.4g}, "
            f"{self.share_same_sign:.0%} of one sign, {self.share_significant:.0%} significant{permuted}\n"
            f"{self.frame.to_string(index=False)}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{repr(self).splitlines()[0]}</p>{self.frame.to_html(index=False)}"


def specification_curve(  # noqa: PLR0913 (what is varied is one argument; the others are those of a single estimate)
    panel: Panel,
    outcome: str,
    specifications: Specifications,
    *,
    estimand: Estimand = "ATT",
    pool: Pool = "never_treated",
    inference: Inference | None = None,
    confidence: float = 0.95,
    permutations: int = 0,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> SpecificationCurve:
    """Estimate one effect in every way that is listed.

    permutations : how often students change places to see what curve chance makes. They do within their school, where
        all schools have both arms, and within fifths of a propensity score on all covariates that are listed, so that
        the covariates tell the arms apart as they do in the data. Each runs every specification again

    Raises EffectError where no specification gives an estimate; one that gives none is kept with its reason.
    """
    if permutations < 0:
        raise OptionError(f"permutations is 0 or more; got {permutations}.")
    say = progress or (lambda step: None)
    run = _Run(outcome, specifications, estimand, pool, inference, confidence)
    frame = pd.DataFrame(run.rows(panel), columns=list(SPECIFICATION_COLUMNS))
    if frame["estimate"].isna().all():
        raise EffectError(
            f"None of {len(frame)} specifications gives an estimate. The first says: {frame['reason'][0]}"
        )
    frame = frame.sort_values("estimate", kind="stable", na_position="last", ignore_index=True)
    curve = _summarized(outcome, frame)
    if not permutations:
        return curve
    rng = np.random.default_rng(seed)
    strata = _strata(panel, specifications)
    drawn = []
    for number in range(permutations):
        say(f"Permutation {number + 1} of {permutations}")
        again = pd.DataFrame(run.rows(_exchanged(panel, strata, rng)), columns=list(SPECIFICATION_COLUMNS))
        if again["estimate"].notna().mean() >= FEWEST_THAT_WORK:
            drawn.append(_summarized(outcome, again))
    return _tested(curve, drawn)


@dataclass(frozen=True, eq=False)
class _Run:
    """All that is the same in every specification."""

    outcome: str
    specifications: Specifications
    estimand: Estimand
    pool: Pool
    inference: Inference | None
    confidence: float

    def rows(self, panel: Panel) -> Iterator[dict[str, Any]]:
        """SPECIFICATION_COLUMNS of every combination; a design serves all its estimators."""
        lists = self.specifications
        for method, names, sample in product(lists.methods, lists.covariates, lists.samples):
            chosen = {"design": method, "covariates": names, "sample": sample}
            try:
                design = choose_design(
                    panel, lists.methods[method], estimand=self.estimand, covariates=lists.covariates[names],
                    pool=self.pool, eligibility=lists.samples[sample],
                )  # fmt: skip
            except MentorevalError as error:
                yield from ({**chosen, "estimator": name, "reason": str(error)} for name in lists.estimators)
                continue
            for name, estimator in lists.estimators.items():
                yield {**chosen, "estimator": name, **self._answer(design, estimator)}

    def _answer(self, design: Design, estimator: Estimator) -> dict[str, Any]:
        try:
            estimate = estimate_effect(
                design, self.outcome, estimator, inference=self.inference, confidence=self.confidence
            )
            head = estimate.headline()
        except MentorevalError as error:
            return {"reason": str(error)}
        wanted = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "n_treated", "n_comparison")
        return {**{column: head[column] for column in wanted}, "reason": ""}


def _summarized(outcome: str, frame: pd.DataFrame) -> SpecificationCurve:
    known = frame.dropna(subset=["estimate"])
    median = float(known["estimate"].median())
    way = np.sign(known["estimate"]) == np.sign(median)
    return SpecificationCurve(
        outcome, frame, median, float(way.mean()), float((way & (known["p_value"] < SIGNIFICANT)).mean())
    )


def _tested(curve: SpecificationCurve, drawn: Sequence[SpecificationCurve]) -> SpecificationCurve:
    """With permutation p-values; the data count as one permutation, so that none is 0."""
    as_far = sum(abs(each.median) >= abs(curve.median) for each in drawn)
    as_many = sum(each.share_significant >= curve.share_significant for each in drawn)
    total = len(drawn) + 1
    return replace(curve, p_median=(as_far + 1) / total, p_significant=(as_many + 1) / total, n_permutations=len(drawn))


def _strata(panel: Panel, specifications: Specifications) -> IntArray:
    """(n_units,) classes in which units may change places."""
    names = tuple(dict.fromkeys(name for group in specifications.covariates.values() for name in group))
    design = choose_design(panel, covariates=names or None)
    base = design.baseline
    score = np.full(panel.n_units, np.nan)
    if base.covariates:
        model = make(PropensityModel, "logit")  # type: ignore[type-abstract]
        comparable = base.comparable()
        score[base.unit] = np.where(comparable, model.score(base, comparable).probability, np.nan)
    known = score[~np.isnan(score)]
    fifths = np.unique(np.quantile(known, np.arange(1, STRATA) / STRATA)) if len(known) else np.empty(0)
    classes = np.where(np.isnan(score), STRATA, np.searchsorted(fifths, score, side="right"))
    school = own_school(panel)
    treated = np.isin(panel.start, panel.cohorts)
    shares = pd.Series(treated).groupby(school).mean()
    if (school >= 0).all() and shares.between(0, 1, inclusive="neither").all():
        classes = classes + (STRATA + 1) * school
    return classes.astype(np.int64)


def _exchanged(panel: Panel, strata: IntArray, rng: np.random.Generator) -> Panel:
    """The panel with starts (and what goes with them) handed to other units of the same class."""
    source = np.arange(panel.n_units)
    for code in np.unique(strata):
        members = np.flatnonzero(strata == code)
        source[members] = rng.permutation(members)
    first_row = np.unique(panel.row_unit, return_index=True)[1]
    frame = panel.frame.copy()
    start = frame[panel.first_treated].to_numpy(dtype=object)[first_row][source]
    frame[panel.first_treated] = pd.Series(start[panel.row_unit], index=frame.index).astype(
        frame[panel.first_treated].dtype
    )
    return replace(panel, frame=frame, mentor=None)
