"""The inference methods, by the name that study files use."""

from __future__ import annotations

from mentoreval.effects.inference import Inference
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.heteroskedasticity_robust import HeteroskedasticityRobust
from mentoreval.effects.inference_methods.jackknife import Jackknife
from mentoreval.effects.inference_methods.multiplier_bootstrap import MultiplierBootstrap
from mentoreval.effects.inference_methods.one_arm_clustering import OneArmClustering
from mentoreval.effects.inference_methods.own_variance import OwnVariance
from mentoreval.effects.inference_methods.placebo import Placebo
from mentoreval.effects.inference_methods.randomization import RandomizationInference
from mentoreval.effects.inference_methods.refit_bootstrap import RefitBootstrap
from mentoreval.effects.inference_methods.two_way_cluster_robust import TwoWayClusterRobust
from mentoreval.effects.inference_methods.wild_cluster_bootstrap import WildClusterBootstrap

INFERENCE_METHODS: dict[str, type[Inference]] = {
    "cluster_robust": ClusterRobust,
    "heteroskedasticity_robust": HeteroskedasticityRobust,
    "two_way_cluster_robust": TwoWayClusterRobust,
    "wild_cluster_bootstrap": WildClusterBootstrap,
    "multiplier_bootstrap": MultiplierBootstrap,
    "refit_bootstrap": RefitBootstrap,
    "jackknife": Jackknife,
    "placebo": Placebo,
    "randomization_inference": RandomizationInference,
    "one_arm_clustering": OneArmClustering,
    "own_variance": OwnVariance,
}

__all__ = [
    "INFERENCE_METHODS",
    "ClusterRobust",
    "HeteroskedasticityRobust",
    "Jackknife",
    "MultiplierBootstrap",
    "OneArmClustering",
    "OwnVariance",
    "Placebo",
    "RandomizationInference",
    "RefitBootstrap",
    "TwoWayClusterRobust",
    "WildClusterBootstrap",
]
