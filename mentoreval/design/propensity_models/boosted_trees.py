"""Boosted trees: a propensity score that finds curves and interactions by itself, fitted on other students."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import logit

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Baseline
from mentoreval.design.propensity import PropensityModel, Scores, known_covariates
from mentoreval.design.score_fitting import NEAREST_TO_CERTAIN, scores_of
from mentoreval.design.separation import refuse_separation
from mentoreval.errors import DesignError, OptionError


@dataclass(frozen=True)
class BoostedTrees(PropensityModel):
    """Gradient boosting of small trees on the log odds of treatment, cross-fitted, with sampling weights.

    Units are dealt into folds, and each gets its score from trees grown on the other folds: trees fitted on the same
    students would predict their arm too well, and leave nobody to compare them with. Cohorts share the trees and are a
    covariate in them. Needs scikit-learn, the extra ``trees``.

    n_trees, depth, learning_rate, min_leaf : of the boosting; no stopping rule, so that nothing is tuned on the fly
    folds : parts of the students; seed : of the deal, which follows the order of the units in the panel

    References: McCaffrey, Ridgeway & Morral (2004), Psychological Methods 9:403; Chernozhukov et al. (2018),
    Econometrics Journal 21:C1.
    """

    name: ClassVar[str] = "boosted_trees"
    n_trees: int = 150
    depth: int = 3
    learning_rate: float = 0.05
    min_leaf: int = 20
    folds: int = 5
    seed: int = 0

    def check(self) -> None:
        """Refuse numbers that make no trees or no folds."""
        if min(self.n_trees, self.depth, self.min_leaf) < 1 or not 0 < self.learning_rate <= 1 or self.folds < 2:
            raise OptionError(
                "BoostedTrees: n_trees, depth and min_leaf are 1 or more, learning_rate is above 0 and at most 1, and "
                f"folds is 2 or more; got {self}."
            )

    def score(self, baseline: Baseline, considered: BoolArray, within: tuple[str, ...] = ()) -> Scores:
        """Cross-fitted probabilities; DesignError without scikit-learn, for separation, and for too few students."""
        ensemble = _scikit_learn()
        covariates = known_covariates(baseline, considered)
        treated = baseline.treated[considered]
        refuse_separation(covariates, treated, within)
        fold = self._deal(baseline.unit[considered], treated)
        cohort = baseline.cohort[considered].astype(float)
        X, weight = np.column_stack([covariates.values, cohort]), baseline.weight[considered]
        probability = np.empty(len(treated))
        for held_out in range(self.folds):
            here = fold == held_out
            grown = self._grow(ensemble, X[~here], treated[~here], weight[~here])
            probability[here] = grown.predict_proba(X[here])[:, 1]
        probability = np.clip(probability, NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
        facts = {"propensity_model": self.name, "n_trees": self.n_trees, "folds": self.folds, "seed": self.seed}
        return scores_of(considered, probability, logit(probability), facts)

    def _deal(self, unit: IntArray, treated: BoolArray) -> IntArray:
        """(n,) fold of each entry: all of a unit's are in one, and those ever treated are spread evenly."""
        units, place = np.unique(unit, return_inverse=True)
        ever = np.bincount(place, treated) > 0
        smaller = min(int(ever.sum()), int((~ever).sum()))
        if smaller < self.folds:
            raise DesignError(
                f"BoostedTrees deals students into {self.folds} folds, and one arm has {smaller:,}. Use fewer folds, "
                "or another propensity model: trees need hundreds of students."
            )
        rng = np.random.default_rng(self.seed)
        fold = np.empty(len(units), dtype=np.int64)
        for arm in (ever, ~ever):
            fold[arm] = rng.permutation(np.arange(int(arm.sum())) % self.folds)
        return fold[place]

    def _grow(self, ensemble: Any, X: FloatArray, treated: BoolArray, weight: FloatArray) -> Any:
        trees = ensemble.HistGradientBoostingClassifier(
            learning_rate=self.learning_rate,
            max_iter=self.n_trees,
            max_depth=self.depth,
            min_samples_leaf=self.min_leaf,
            early_stopping=False,
            random_state=self.seed,
        )
        return trees.fit(X, treated, sample_weight=weight)


def _scikit_learn() -> Any:
    """The module with the trees; DesignError naming the extra where scikit-learn is not installed."""
    try:
        return importlib.import_module("sklearn.ensemble")
    except ModuleNotFoundError as missing:
        raise DesignError(
            "The propensity model 'boosted_trees' needs scikit-learn, which is not installed. Install it with "
            "`pip install 'mentoreval[trees]'`, or use another propensity model, such as 'logit'."
        ) from missing
