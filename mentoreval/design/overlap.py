"""Overlap: whether each arm has students in the other who were as likely to be treated, before and after a design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, Verdict
from mentoreval.design.design import Design
from mentoreval.design.propensity import PropensityModel
from mentoreval.errors import OptionError
from mentoreval.registry import make

BINS = 20
ENOUGH, TOO_LITTLE = 0.95, 0.80
"""Share of an arm with somebody as likely in the other: from the first on overlap is enough, below the second it fails.
They are this package's own: no standard of the field sets such a line."""

ROUND = 20
"""Histograms begin and end at a multiple of one twentieth."""

ARMS = ("treated", "comparison")
BIN_COLUMNS = ("when", "arm", "low", "high", "n", "share")


@dataclass(frozen=True)
class OverlapOpinion:
    """Whether those whom the question is about have anybody to be compared with.

    verdict : pass, caution, or fail where fewer than TOO_LITTLE of an arm lie in the other's range
    reason : a message key: "enough", "some_have_nobody_alike", "many_have_nobody_alike"
    arm : the arm in which most have nobody
    share : of that arm, within the range of the other
    """

    verdict: Verdict
    reason: str
    arm: str
    share: float


@dataclass(frozen=True, eq=False)
class Overlap:
    """How the propensity scores of the arms lie over each other.

    frame : BIN_COLUMNS, one row for each of ``when`` ("before", "after"), arm and bin of the propensity score, from the
        lowest score to the highest in round numbers: n entries, and their share of the weight of the arm at that time
    n : rows "before" and "after". low and high of each arm, and of the range that both have (``common``; low above
        high where they have none); ``inside_<arm>``: the share of the arm's weight within the range of the other;
        ``outside_<arm>``: entries beyond it; ``overlapping``: the share of the two histograms that lies over the other
        (1 = the same, 0 = apart)
    estimand : whom the question is about, and so whose overlap decides
    """

    frame: pd.DataFrame
    n: pd.DataFrame
    estimand: str

    def number(self, when: str, name: str) -> float:
        """One of the numbers of ``n``."""
        return float(self.n[name].to_numpy()[self.n.index.get_loc(when)])

    @property
    def opinion(self) -> OverlapOpinion:
        """By the entries that the design considered: whether those asked about lie in the range of the others."""
        asked = {"ATT": ARMS[:1], "ATC": ARMS[1:]}.get(self.estimand, ARMS)
        share, arm = min((self.number("before", f"inside_{arm}"), arm) for arm in asked)
        if share >= ENOUGH:
            return OverlapOpinion("pass", "enough", arm, share)
        if share >= TOO_LITTLE:
            return OverlapOpinion("caution", "some_have_nobody_alike", arm, share)
        return OverlapOpinion("fail", "many_have_nobody_alike", arm, share)

    def __repr__(self) -> str:
        opinion = self.opinion
        said = f"Overlap: {opinion.verdict}; {opinion.share:.1%} of the {opinion.arm} arm in the range of the other"
        return f"{said}\n{self.n.T.to_string(float_format='{:.3f}'.format)}"

    def _repr_html_(self) -> str:
        return f"<p>Overlap: {self.opinion.verdict}</p>{self.n.T.to_html(float_format='{:.3f}'.format)}"


def measure_overlap(design: Design, *, propensity: PropensityModel | None = None, bins: int = BINS) -> Overlap:
    """Measure how the propensity scores of the arms overlap, before a design and after it.

    Before: the entries that the method considered, with their sampling weights. After: the entries with a weight, and
    it, be they matched or weighted. An entry without one of the covariates has no score and does not count.

    design : from ``choose_design``
    propensity : the model of the scores; by default the design's own scores, and a logit where it has none
    bins : of the histogram

    Raises OptionError for fewer than two bins, DesignError where the model can not be estimated.
    """
    if bins < 2:
        raise OptionError(f"An overlap needs at least 2 bins; got {bins}.")
    base, weighting = design.baseline, design.weighting
    score = weighting.propensity
    if propensity is not None or np.isnan(score).all():
        model = propensity or make(PropensityModel, "logit")  # type: ignore[type-abstract]
        score = model.score(base, weighting.considered & base.complete).probability
    known = ~np.isnan(score)
    before = np.where(weighting.considered, base.weight, 0.0)[known]
    scored = _Scored(score[known], base.treated[known], _edges(score[known], bins))
    parts = {"before": scored.under(before), "after": scored.under(weighting.weights[known])}
    frame = pd.concat([part.bins.assign(when=when) for when, part in parts.items()], ignore_index=True)
    numbers = pd.DataFrame({when: part.numbers for when, part in parts.items()}).T
    return Overlap(frame[list(BIN_COLUMNS)], numbers, design.estimand)


@dataclass(frozen=True, eq=False)
class _Part:
    """Under one set of weights: the bins of both arms, and numbers by name."""

    bins: pd.DataFrame
    numbers: dict[str, float]


@dataclass(frozen=True, eq=False)
class _Scored:
    """Scores (n,) of both arms, and the edges of the bins."""

    score: FloatArray
    treated: BoolArray
    edges: FloatArray

    def under(self, weights: FloatArray) -> _Part:
        """Histograms and ranges with these weights (n,); rows without weight do not count."""
        arms = {
            arm: (self.score[mask], weights[mask])
            for arm, mask in zip(ARMS, (self.treated & (weights > 0), ~self.treated & (weights > 0)), strict=True)
        }
        ranges = {arm: _range(score) for arm, (score, _) in arms.items()}
        low, high = max(one for one, _ in ranges.values()), min(one for _, one in ranges.values())
        histograms = [self._histogram(arm, *arms[arm]) for arm in ARMS]
        numbers = {f"{end}_{arm}": ranges[arm][place] for arm in ARMS for place, end in enumerate(("low", "high"))}
        numbers |= {"low_common": low, "high_common": high}
        for arm, other in (ARMS, ARMS[::-1]):
            score, weight = arms[arm]
            inside = (score >= ranges[other][0]) & (score <= ranges[other][1])
            numbers[f"inside_{arm}"] = float(weight[inside].sum() / weight.sum()) if len(weight) else float("nan")
            numbers[f"outside_{arm}"] = float(np.count_nonzero(~inside))
        shares = [histogram["share"].to_numpy() for histogram in histograms]
        numbers["overlapping"] = float(np.minimum(*shares).sum())
        return _Part(pd.concat(histograms, ignore_index=True), numbers)

    def _histogram(self, arm: str, score: FloatArray, weight: FloatArray) -> pd.DataFrame:
        bins = len(self.edges) - 1
        place = np.clip(np.searchsorted(self.edges, score, side="right") - 1, 0, bins - 1)
        total = weight.sum() if len(weight) else np.nan
        return pd.DataFrame(
            {
                "arm": arm,
                "low": self.edges[:-1],
                "high": self.edges[1:],
                "n": np.bincount(place, minlength=bins),
                "share": np.bincount(place, weights=weight, minlength=bins) / total,
            }
        )


def _edges(score: FloatArray, bins: int) -> FloatArray:
    low, high = np.floor(score.min() * ROUND) / ROUND, np.ceil(score.max() * ROUND) / ROUND
    return np.linspace(low, max(high, low + 1 / ROUND), bins + 1)


def _range(score: FloatArray) -> tuple[float, float]:
    return (float(score.min()), float(score.max())) if len(score) else (float("nan"), float("nan"))
