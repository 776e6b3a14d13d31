"""Which estimator and which inference is held to which world, and what must come out.

A case that ``holds`` has its assumptions met: no bias, and intervals that hold the truth as often as they say. One that
misses has them broken, and must be seen to miss. Cases of one world share its draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import mentoreval as me
from mentoreval.aliases import FloatArray
from mentoreval.design.design import Design, DesignMethod
from mentoreval.effects.estimate import Estimate, PoolBy
from mentoreval.effects.estimator import Estimator
from mentoreval.effects.inference import Inference

from . import worlds
from .worlds import Draw


@dataclass(frozen=True)
class Answer:
    """What a case says of one draw; arrays (k,), of which an interval must hold all k truths at once."""

    truth: FloatArray
    estimate: FloatArray
    low: FloatArray
    high: FloatArray


Answerer = Callable[[Draw], Answer]


@dataclass(frozen=True)
class Case:
    """One line of the truth table.

    estimator, inference : as readers know them
    world : makes the draws
    answer : one draw
    unbiased : whether the mean estimate must be the truth; if not, it must be off
    covers : whether intervals must hold the truth as often as they say; if not, at most in ``at_most`` of the draws
    cautious : why intervals may hold the truth more often than they say; "" where they may not
    refits : whether each draw takes long, for the analysis is carried out again and again in it
    """

    estimator: str
    inference: str
    world: Callable[[np.random.Generator], Draw]
    answer: Answerer
    unbiased: bool = True
    covers: bool = True
    at_most: float = 0.8
    cautious: str = ""
    refits: bool = False

    @property
    def label(self) -> str:
        """Estimator, inference and world."""
        return f"{self.estimator} · {self.inference} · {self.world.__name__}"


# ---- ways to answer


@dataclass(frozen=True)
class Headline:
    """The one effect of an estimator in a design, by its default inference where none is named."""

    estimator: Estimator
    truth: str = "effect"
    inference: Inference | None = None
    pool: PoolBy | None = None
    method: DesignMethod | None = None
    covariates: tuple[str, ...] = ()
    estimand: str = "ATT"
    eligibility: tuple[me.Eligibility, ...] = ()
    compared: str = "never_treated"

    def __call__(self, draw: Draw) -> Answer:
        """Estimate, interval and truth."""
        row = self.estimate(draw).headline()
        values = (draw.truths[self.truth], row["estimate"], row["conf_low"], row["conf_high"])
        return Answer(*(np.array([value], dtype=float) for value in values))

    def design(self, draw: Draw) -> Design:
        """The design that the effect is estimated in."""
        return me.choose_design(
            draw.panel,
            self.method,
            covariates=self.covariates,
            estimand=self.estimand,  # type: ignore[arg-type]
            eligibility=self.eligibility,
            pool=self.compared,  # type: ignore[arg-type]
        )

    def estimate(self, draw: Draw) -> Estimate:
        """The estimate with its errors."""
        return me.estimate_effect(self.design(draw), "y", self.estimator, inference=self.inference, pool=self.pool)


def band_of_all_cells(draw: Draw) -> Answer:
    """The uniform band over all effects by cohort and year, those before the start included."""
    inference = me.MultiplierBootstrap(cluster="student", draws=499)
    design = me.choose_design(draw.panel, covariates=())
    frame = me.estimate_effect(design, "y", me.CallawaySantAnna(), inference=inference).frame
    names = [f"cell_{row.cohort}_{row.period}" for row in frame.itertuples()]
    columns = (frame[name].to_numpy(dtype=float) for name in ("estimate", "band_low", "band_high"))
    return Answer(np.array([draw.truths[name] for name in names]), *columns)


def before_and_after(draw: Draw) -> Answer:
    """The change of the mentored alone, with the interval of a paired t test: what mentoreval never calls an effect."""
    from scipy import stats

    y = draw.panel.outcome_matrix("y")[draw.panel.start <= draw.panel.timeline.clock[-1]]
    change = y[:, 1] - y[:, 0]
    half = stats.t.ppf(0.975, len(change) - 1) * change.std(ddof=1) / np.sqrt(len(change))
    values = (draw.truths["effect"], change.mean(), change.mean() - half, change.mean() + half)
    return Answer(*(np.array([value]) for value in values))


# ---- the table

CONSERVATIVE_JACKKNIFE = "the jackknife errs on the side of too large errors"
FIXED_UNITS = "its error takes units as the same and effects as alike, so it is conservative where effects differ"
BAD_FIRST_YEAR = (me.Eligibility("prior_y", at_least=15.0),)

CHOSEN = [
    Case("difference_in_means", "default", worlds.lottery, Headline(me.DifferenceInMeans())),
    Case("difference_in_means", "default", worlds.chosen_by_need, Headline(me.DifferenceInMeans(), "att"),
         unbiased=False, covers=False),
    Case("regression_adjustment", "default", worlds.lottery, Headline(me.RegressionAdjustment(), covariates=("x",))),
    Case("regression_adjustment (interacted)", "default", worlds.chosen_by_need,
         Headline(me.RegressionAdjustment(interacted=True), "sample_att", covariates=("x",))),
    Case("doubly_robust", "default", worlds.chosen_by_need, Headline(me.DoublyRobust(), "att", covariates=("x",))),
    Case("doubly_robust (ATE)", "default", worlds.chosen_by_need,
         Headline(me.DoublyRobust(), "ate", covariates=("x",), estimand="ATE")),
    Case("abadie_imbens", "own_variance", worlds.chosen_by_need,
         Headline(me.AbadieImbens(bias_adjust=True), "att", covariates=("x",))),
    Case("negative_binomial", "default", worlds.counted_days,
         Headline(me.NegativeBinomial(exposure="enrolled", covariates=("x",)), "att")),
    Case("multilevel", "own_variance", worlds.mentors_in_schools, Headline(me.Multilevel())),
    Case("complier_effect", "default", worlds.offered, Headline(me.ComplierEffect())),
    Case("regression_adjustment", "default", worlds.bad_year,
         Headline(me.RegressionAdjustment(), covariates=("prior_y",), eligibility=BAD_FIRST_YEAR)),
    Case("before and after of the mentored", "paired t", worlds.bad_year, before_and_after,
         unbiased=False, covers=False),
]  # fmt: skip

OVER_TIME = [
    Case("did_2x2", "default", worlds.one_start, Headline(me.Did2x2(), "first")),
    Case("event_study", "default", worlds.one_start, Headline(me.EventStudy(), "average")),
    Case("twfe", "default", worlds.one_start, Headline(me.Twfe(), "average")),
    Case("twfe", "default", worlds.staggered_alike, Headline(me.Twfe(), "average")),
    Case("twfe", "default", worlds.staggered, Headline(me.Twfe(), "average"), unbiased=False, covers=False),
    Case("callaway_santanna", "default", worlds.staggered, Headline(me.CallawaySantAnna(), "average", pool="simple")),
    Case("callaway_santanna (not yet treated)", "default", worlds.staggered,
         Headline(me.CallawaySantAnna(control="not_yet_treated"), "average", pool="simple",
                  compared="not_yet_treated")),
    Case("sun_abraham", "default", worlds.staggered, Headline(me.SunAbraham(), "average", pool="simple")),
    Case("imputation", "default", worlds.staggered, Headline(me.Imputation(), "average", pool="simple")),
    Case("imputation (fixed shares)", "default", worlds.staggered,
         Headline(me.Imputation(shares="fixed"), "sample_average"), cautious=FIXED_UNITS),
    Case("gardner_two_stage", "default", worlds.staggered, Headline(me.GardnerTwoStage(), "average")),
    Case("extended_twfe", "default", worlds.staggered, Headline(me.ExtendedTwfe(), "average", pool="simple")),
    Case("stacked", "default", worlds.staggered, Headline(me.Stacked(weights="trimmed_aggregate"), "two_years")),
    Case("de_chaisemartin_dhaultfoeuille", "default", worlds.staggered,
         Headline(me.DeChaisemartinDHaultfoeuille(), "average")),
    Case("de_chaisemartin_dhaultfoeuille", "default", worlds.program_ends,
         Headline(me.DeChaisemartinDHaultfoeuille(), "average")),
    Case("callaway_santanna", "default", worlds.broken_trends,
         Headline(me.CallawaySantAnna(), "average", pool="simple"), unbiased=False, covers=False),
    Case("comparative_interrupted_time_series", "CR2 by school", worlds.own_slopes,
         Headline(me.ComparativeInterruptedTimeSeries(), "average", me.ClusterRobust("school", "CR2"))),
    Case("event_study", "CR2 by school", worlds.own_slopes,
         Headline(me.EventStudy(), "average", me.ClusterRobust("school", "CR2")), unbiased=False, covers=False),
    Case("triple_difference", "default", worlds.for_some_only, Headline(me.TripleDifference(group="meant"))),
    Case("did_2x2", "default", worlds.for_some_only, Headline(me.Did2x2()), unbiased=False, covers=False),
    Case("synthetic_did", "own_variance", worlds.common_factor, Headline(me.SyntheticDid())),
    Case("twfe", "default", worlds.common_factor, Headline(me.Twfe()), covers=False),
]  # fmt: skip

MEANS = me.DifferenceInMeans()
INFERENCE = [
    Case("difference_in_means", "HC2, 12 of 48 treated", worlds.uneven_lottery,
         Headline(MEANS, inference=me.HeteroskedasticityRobust("HC2"))),
    Case("difference_in_means", "CR2, 14 schools", worlds.whole_schools,
         Headline(MEANS, inference=me.ClusterRobust("school", "CR2"))),
    Case("difference_in_means", "wild cluster bootstrap, 9 schools", worlds.nine_schools,
         Headline(MEANS, inference=me.WildClusterBootstrap("school", draws=999))),
    Case("difference_in_means", "CR0, 6 schools", worlds.six_schools,
         Headline(MEANS, inference=me.ClusterRobust("school", "CR0")), covers=False),
    Case("difference_in_means", "CR1, 6 schools", worlds.six_schools,
         Headline(MEANS, inference=me.ClusterRobust("school", "CR1")), covers=False, at_most=0.88),
    Case("difference_in_means", "CR2, 6 schools", worlds.six_schools,
         Headline(MEANS, inference=me.ClusterRobust("school", "CR2"))),
    Case("difference_in_means", "students independent, 6 schools", worlds.six_schools,
         Headline(MEANS, inference=me.HeteroskedasticityRobust("HC2")), covers=False),
    Case("difference_in_means", "randomization, 10 schools", worlds.ten_schools_by_lot,
         Headline(MEANS, inference=me.RandomizationInference(level="school"))),
    Case("difference_in_means", "randomization, 12 students", worlds.tiny_lottery,
         Headline(MEANS, inference=me.RandomizationInference())),
    Case("difference_in_means", "one-arm clustering, 12 mentors", worlds.mentors,
         Headline(MEANS, inference=me.OneArmClustering())),
    Case("difference_in_means", "CR2 by mentor, 12 mentors", worlds.mentors,
         Headline(MEANS, inference=me.ClusterRobust("mentor", "CR2"))),
    Case("difference_in_means", "students independent, 12 mentors", worlds.mentors,
         Headline(MEANS, inference=me.HeteroskedasticityRobust("HC2")), covers=False),
    Case("difference_in_means", "two-way, 25 schools × 25 mentors", worlds.visiting_mentors,
         Headline(MEANS, inference=me.TwoWayClusterRobust("school", "mentor"))),
    Case("difference_in_means", "by school alone, 25 × 25", worlds.visiting_mentors,
         Headline(MEANS, inference=me.ClusterRobust("school")), covers=False, at_most=0.88),
    Case("callaway_santanna", "multiplier bootstrap", worlds.staggered,
         Headline(me.CallawaySantAnna(), "average", me.MultiplierBootstrap("student", draws=499), pool="simple")),
    Case("callaway_santanna", "uniform band over all cells", worlds.staggered_many, band_of_all_cells),
    Case("callaway_santanna", "uniform band over all cells", worlds.staggered, band_of_all_cells, covers=False,
         at_most=0.93),
    Case("difference_in_means", "jackknife, 16 schools", worlds.pairs_of_schools,
         Headline(MEANS, inference=me.Jackknife("school")), cautious=CONSERVATIVE_JACKKNIFE, refits=True),
    Case("inverse_probability (ATE)", "refit bootstrap", worlds.chosen_by_need,
         Headline(MEANS, "ate", me.RefitBootstrap("student", draws=40), method=me.InverseProbability(),
                  covariates=("x",), estimand="ATE"), refits=True),
    Case("synthetic_did", "placebo", worlds.common_factor,
         Headline(me.SyntheticDid(), inference=me.Placebo(draws=40)), refits=True),
]  # fmt: skip

CASES = [*CHOSEN, *OVER_TIME, *INFERENCE]
