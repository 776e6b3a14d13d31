"""The inference methods, by the name that study files use."""

from __future__ import annotations

from mentoreval.effects.inference import Inference
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.heteroskedasticity_robust import HeteroskedasticityRobust
from mentoreval.effects.inference_methods.multiplier_bootstrap import MultiplierBootstrap
from mentoreval.effects.inference_methods.wild_cluster_bootstrap import WildClusterBootstrap

INFERENCE_METHODS: dict[str, type[Inference]] = {
    "cluster_robust": ClusterRobust,
    "heteroskedasticity_robust": HeteroskedasticityRobust,
    "multiplier_bootstrap": MultiplierBootstrap,
    "wild_cluster_bootstrap": WildClusterBootstrap,
}

__all__ = [
    "INFERENCE_METHODS",
    "ClusterRobust",
    "HeteroskedasticityRobust",
    "MultiplierBootstrap",
    "WildClusterBootstrap",
]
