"""Inference: from a fit to an estimate with its uncertainty."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.absorbed import MOST_LEVELS, spelt_out
from mentoreval.effects.estimator import Fit, LinearModel
from mentoreval.errors import EffectError
from mentoreval.numerics.sandwich import count_clusters
from mentoreval.registry import Kind, make

if TYPE_CHECKING:
    from mentoreval.effects.estimate import Estimate

MANY_CLUSTERS = 40
"""From this many clusters on a plain cluster-robust error does what it says (Cameron & Miller 2015, section VI)."""

FEW_CLUSTERS = 10
"""Below this many clusters a plain cluster-robust error is too small more often than it says."""


@dataclass(frozen=True)
class Inference(Kind):
    """A rule for standard errors, degrees of freedom and intervals. One method to write: ``apply``."""

    folder: ClassVar[str] = "mentoreval.effects.inference_methods:INFERENCE_METHODS"

    refits: ClassVar[bool] = False
    """Whether the design is chosen again, so that the noise of estimated weights is counted."""

    @abstractmethod
    def apply(self, fit: Fit, confidence: float = 0.95) -> Estimate:
        """The estimate; raises EffectError where the method does not apply to this fit, naming one that does."""


def natural_cluster(fit: Fit) -> str:
    """The highest level at which students share fate in this design: school, else matched set, else student.

    A school counts where there are at least two; in a design without schools, matched sets share a comparison.
    """
    for name in ("school", "matched_set"):
        codes = fit.clusters.get(name)
        if codes is not None and count_clusters(codes[codes >= 0]) > 1:
            return name
    if "student" not in fit.clusters:
        raise EffectError(f"{fit.estimator.name} names no clusters; choose an inference method that needs none.")
    return "student"


def default_inference(fit: Fit) -> tuple[Inference, str]:
    """The inference for a fit for which none was named, and the key of its reason.

    own_variance : the estimator's own, where it has no influence function
    many_clusters : CR1 from MANY_CLUSTERS on
    some_clusters : CR2 with Satterthwaite degrees of freedom
    some_clusters_large : the wild cluster bootstrap, where CR2 would need a column for each of MOST_LEVELS effects in
        which weights differ, such as matched sets within schools
    few_clusters : the wild cluster bootstrap below FEW_CLUSTERS, where a plain cluster-robust error is not taken
    some_clusters_no_regression, few_clusters_no_regression : CR1 with t(G − 1) for estimators that are not one
        regression, or whose effects are there to be pooled, which the corrections of a regression do not follow;
        below FEW_CLUSTERS ``Estimate.notes`` says that it may be too small

    None of them chooses the design again. Matched sets may be taken as given (Abadie & Spiess 2022, JASA 117). Where
    weights were estimated, ``Estimate.notes`` says that they are taken as given: too large an error as a rule for the
    ATE (Hirano, Imbens & Ridder 2003, Econometrica 71; Lunceford & Davidian 2004, Statistics in Medicine 23), for other
    estimands too small or too large. RefitBootstrap counts them; it is slow, and taken only where it is named.
    """
    if fit.influence is None and fit.own_variance is not None:
        return _make("own_variance"), "own_variance"
    cluster = fit.cluster_codes(natural_cluster(fit))
    n_clusters = count_clusters(cluster)
    if n_clusters >= MANY_CLUSTERS:
        return _make("cluster_robust"), "many_clusters"
    size = "few_clusters" if n_clusters < FEW_CLUSTERS else "some_clusters"
    if fit.linear is None or _is_pooled(fit) or spelt_out(fit.linear, cluster) > MOST_LEVELS:
        return _make("cluster_robust"), f"{size}_no_regression"
    if size == "few_clusters":
        return _make("wild_cluster_bootstrap"), size
    if spelt_out(fit.linear, cluster, even=True) > MOST_LEVELS:
        return _make("wild_cluster_bootstrap"), "some_clusters_large"
    return _make("cluster_robust", small_sample="CR2"), size


def _make(kind: str, **options: str) -> Inference:
    made: Inference = make(Inference, {"kind": kind, **options})  # type: ignore[type-abstract]
    return made


def _is_pooled(fit: Fit) -> bool:
    """Whether effects are averages that carry the noise of cohort shares, or are there to be averaged so."""
    return fit.pooled_by is not None or fit.group_time is not None


def find_clusters(fit: Fit, name: str | None) -> tuple[str, IntArray, int]:
    """The name, the (n,) codes and the number of the clusters to use; by default those of ``natural_cluster``.

    Raises EffectError where this fit has none of that name, or only one cluster.
    """
    chosen = name or natural_cluster(fit)
    codes = fit.cluster_codes(chosen)
    n_clusters = count_clusters(codes)
    if n_clusters < 2:
        others = [other for other, levels in fit.clusters.items() if count_clusters(levels[levels >= 0]) > 1]
        raise EffectError(
            f"All students of this comparison are in one {chosen}, and one {chosen} can not carry cluster-robust "
            f"errors: nothing tells how much {chosen}s differ. Cluster by {' or '.join(others) or 'nothing'} and say "
            f"in the report that the result is about this {chosen} only, or add {chosen}s."
        )
    return chosen, codes, n_clusters


def find_regression(fit: Fit, method: str) -> LinearModel:
    """The one regression behind a fit; EffectError, naming what serves instead, where there is none."""
    if fit.linear is None or fit.pooled_by is not None:
        raise EffectError(
            f"{method} needs the regression itself, and {fit.estimator.name} is not one regression. Use "
            "ClusterRobust or MultiplierBootstrap, or an estimator that is one, such as did_2x2 or event_study."
        )
    return fit.linear


def corrected_by(fit: Fit) -> LinearModel | None:
    """The regression whose coefficients and leverages the corrections for small samples count; None without one."""
    return fit.second_stage if fit.linear is None else fit.linear


def find_leverages(fit: Fit, method: str) -> LinearModel:
    """The regression whose leverages CR2 and CR3 take, that of a second stage too; EffectError where there is none."""
    return find_regression(fit, method) if fit.second_stage is None else fit.second_stage


def find_influence(fit: Fit, method: str) -> FloatArray:
    """(n, k) influence of a fit; EffectError where its estimator has none."""
    if fit.influence is None:
        reason = fit.estimator.exempt.get("influence")
        instead = "RefitBootstrap" if fit.own_variance is None else "OwnVariance"
        raise EffectError(
            f"{method} needs an influence function, and {fit.estimator.name} has none"
            f"{f', for {reason}' if reason else ''}. Use {instead}."
        )
    return fit.influence
