"""The variance between clusters that lie in blocks, beyond what chance puts there."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import FloatArray, IntArray


def nested_variance(values: FloatArray, cluster: IntArray, block: IntArray) -> float:
    """Variance between the clusters of a block, at least 0, by analysis of variance; 0 where it can not be told.

    values : (n,)
    cluster, block : (n,) codes; a cluster in two blocks counts as two

    The expected mean square between clusters is σ² + n₀τ², with n₀ = (n − Σ_b Σ_c n_bc² / n_b) / (M − B) for M clusters
    in B blocks; with one block that is the one-way analysis (Searle, Casella & McCulloch 1992, Variance Components,
    sections 3.6 and 5.6).
    """
    blocks = np.unique(block, return_inverse=True)[1]
    clusters, first, codes = np.unique(
        np.column_stack([block, cluster]), axis=0, return_index=True, return_inverse=True
    )
    codes = codes.ravel()
    of_cluster = blocks[first]
    size, size_block = np.bincount(codes).astype(float), np.bincount(blocks).astype(float)
    n, n_clusters, n_blocks = len(values), len(clusters), len(size_block)
    if n_clusters in (n_blocks, n):
        return 0.0
    mean, mean_block = np.bincount(codes, values) / size, np.bincount(blocks, values) / size_block
    within = float(np.sum((values - mean[codes]) ** 2)) / (n - n_clusters)
    between = float(size @ (mean - mean_block[of_cluster]) ** 2) / (n_clusters - n_blocks)
    typical = (n - float(np.sum(size**2 / size_block[of_cluster]))) / (n_clusters - n_blocks)
    return max((between - within) / typical, 0.0)
