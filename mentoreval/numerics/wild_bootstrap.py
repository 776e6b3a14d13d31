"""The wild cluster bootstrap from the moments of clusters.

A draw multiplies the residuals of each cluster g by a weight v_g and fits the regression again. Nothing of that needs
the rows: with X the regressors that are not absorbed, q_g = X_g'W_g û_g and M_g = X_g'W_g X_g, the effect of a draw and
its cluster-robust variance are sums over clusters of v_g times numbers that are known before any draw. A factor may
stay absorbed if each of its levels lies in one cluster, for then taking it out and multiplying by v_g commute; the
others, such as periods, join X as indicators, of which too only the moments are made.

The hypothesis θ = θ̂ − d moves the residuals along one line, û + d·Xa/(c'Bc) with a = Bc. So the effect of a draw is
n₀ + d·n₁ and its squared error e₀ + 2d·e₁ + d²·e₂: five numbers for each draw give the p-value of every hypothesis, and
an interval by inversion costs no new draw. Roodman, MacKinnon, Nielsen & Webb (2019), Stata Journal 19.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.numerics.absorb import cross_table, is_nested
from mentoreval.numerics.draws import Multiplier, canonical_order, multiplier_blocks, sign_blocks
from mentoreval.numerics.sandwich import Regression

TIE = 1e-9
"""Share by which a draw's statistic must exceed that of the data to count as greater; less is rounding."""

ALIASED = 1e-10
"""Share of the largest eigenvalue below which indicators of absorbed effects repeat each other."""


@dataclass(frozen=True, eq=False)
class ClusterMoments:
    """What the bootstrap of k effects needs to know of G clusters and P regressors.

    scores : (G, P) q_g = X_g'W_g û_g
    toward : (k, G, P) M_g a for each effect
    bread : (P, P)
    own : (k, G) a'q_g
    pull : (k, G) a'M_g a / c'Bc, which sum to one; zeros for a reference
    spread : (k,) c'Bc, 0 for a reference
    """

    scores: FloatArray
    toward: FloatArray
    bread: FloatArray
    own: FloatArray
    pull: FloatArray
    spread: FloatArray

    @property
    def n_clusters(self) -> int:
        """G."""
        return len(self.scores)


@dataclass(frozen=True, eq=False)
class Draws:
    """For each of B draws the effect n0 + d·n1 and its squared error e0 + 2d·e1 + d²·e2; each (B,).

    error : Σ (a'q_g)², the squared error in the data
    """

    n0: FloatArray
    n1: FloatArray
    e0: FloatArray
    e1: FloatArray
    e2: FloatArray
    error: float

    def p_value(self, distance: float, restricted: bool = True) -> float:
        """Share of the draws whose |t| exceeds that of the data when the effect is the estimate less a distance.

        restricted : whether residuals are those under the hypothesis; else those of the estimate
        """
        if not restricted:
            greater = self.n0**2 * self.error > (1.0 + TIE) * distance**2 * self.e0
            return np.count_nonzero(greater) / len(greater)
        excess = self._excess[0] * distance
        for coefficient in self._excess[1:-1]:
            excess += coefficient
            excess *= distance
        excess += self._excess[-1]
        return np.count_nonzero(excess > 0) / len(excess)

    @cached_property
    def _excess(self) -> tuple[FloatArray, ...]:
        """Five arrays (B,): (n0 + d·n1)² error − (1 + TIE) d² (e0 + 2d·e1 + d²·e2) by falling powers of d.

        An interval asks for some hundred p-values, and this polynomial is what each of them costs.
        """
        n0, n1, least = self.n0, self.n1, -(1.0 + TIE)
        return (
            least * self.e2,
            2.0 * least * self.e1,
            n1**2 * self.error + least * self.e0,
            2.0 * self.error * n0 * n1,
            n0**2 * self.error,
        )


def cluster_moments(model: Regression, cluster: IntArray, absorbed: Sequence[IntArray] = ()) -> ClusterMoments:
    """Moments of the clusters (n,), in an order that no label decides.

    model : its columns are residuals on the absorbed factors
    absorbed : codes (n,) of each absorbed factor
    """
    codes = (np.cumsum(np.bincount(cluster) > 0) - 1)[cluster]
    kept = _kept(absorbed, codes)
    shown = [levels for levels in absorbed if levels is not kept]
    along = model.contrasts @ model.bread
    reach = model.X @ along.T
    weighted = model.weights * model.residuals
    scores = _sums(model.X, shown, codes, weighted)
    toward = np.stack([_sums(model.X, shown, codes, model.weights * column) for column in reach.T])
    p = model.X.shape[1]
    own, pull = along @ scores[:, :p].T, np.einsum("kp,kgp->kg", along, toward[:, :, :p])
    spread = np.einsum("kp,kp->k", along, model.contrasts)
    pull /= np.where(spread > 0, spread, 1.0)[:, None]
    order = canonical_order(np.column_stack([own.T, pull.T]))
    bread = np.zeros((scores.shape[1],) * 2)
    bread[:p, :p] = model.bread
    if shown:
        bread[p:, p:] = _inverse_of_indicators(shown, kept, model.weights)
    return ClusterMoments(scores[order], toward[:, order], bread, own[:, order], pull[:, order], spread)


def _kept(absorbed: Sequence[IntArray], cluster: IntArray) -> IntArray | None:
    """The factor with the most levels among those whose levels lie in one cluster each."""
    nested = [codes for codes in absorbed if is_nested(codes, cluster)]
    return max(nested, key=lambda codes: int(codes.max()), default=None)


def _sums(X: FloatArray, shown: Sequence[IntArray], cluster: IntArray, values: FloatArray) -> FloatArray:
    """(G, P) sums over each cluster of values (n,) times the columns of X and the indicators of the shown factors."""
    size = int(cluster.max()) + 1
    parts = [np.bincount(cluster, column * values, minlength=size)[:, None] for column in X.T]
    for codes in shown:
        levels = int(codes.max()) + 1
        parts.append(np.bincount(cluster * levels + codes, values, minlength=size * levels).reshape(size, levels))
    return np.hstack(parts)


def _inverse_of_indicators(shown: Sequence[IntArray], kept: IntArray | None, weights: FloatArray) -> FloatArray:
    """(T, T) generalized inverse of the moments of indicators, once the factor that stays absorbed is taken out."""
    moments = np.block([[_full(cross_table(left, right, weights)) for right in shown] for left in shown])
    if kept is not None:
        share = weights / np.bincount(kept, weights)[kept]
        sums = [cross_table(kept, codes, weights) for codes in shown]
        means = [cross_table(kept, codes, share) for codes in shown]
        moments -= np.block([[_full(left.T @ right) for right in means] for left in sums])
    values, vectors = np.linalg.eigh(moments)
    alive = values > ALIASED * values[-1]
    return np.asarray((vectors[:, alive] / values[alive]) @ vectors[:, alive].T)


def _full(table: Any) -> FloatArray:
    """A table, which may be sparse, as an array."""
    return np.asarray(table if isinstance(table, np.ndarray) else table.toarray(), dtype=float)


def enumerates(kind: Multiplier, draws: int, clusters: int) -> bool:
    """Whether all vectors of signs are no more than the draws, so that each is taken once."""
    return kind == "rademacher" and clusters < 60 and 2**clusters <= draws


def draw_effects(moments: ClusterMoments, kind: Multiplier, draws: int, rng: np.random.Generator) -> list[Draws | None]:
    """For each effect, what each draw makes of it; None for a reference. All effects share the weights."""
    chosen = [j for j, spread in enumerate(moments.spread) if spread > 0]
    out: list[Draws | None] = [None] * len(moments.spread)
    if not chosen:
        return out
    right = np.hstack([moments.scores @ moments.bread, *(_columns(moments, j) for j in chosen)])
    squares = np.hstack([_squares(moments, j) for j in chosen])
    products, squared = [], []
    for _, weights in _blocks(moments.n_clusters, kind, draws, right.shape[1], rng):
        products.append((weights @ right).T)
        if kind != "rademacher":
            squared.append((weights**2 @ squares).T)
    product = np.hstack(products)
    square = np.hstack(squared) if squared else squares.sum(axis=0)[:, None]
    for place, j in enumerate(chosen):
        out[j] = _combine(moments, j, product, square[3 * place : 3 * place + 3], place)
    return out


def _blocks(
    clusters: int, kind: Multiplier, draws: int, columns: int, rng: np.random.Generator
) -> Iterator[tuple[slice, FloatArray]]:
    if enumerates(kind, draws, clusters):
        return sign_blocks(clusters, columns)
    return multiplier_blocks(kind, draws, clusters, columns, rng)


def _columns(moments: ClusterMoments, j: int) -> FloatArray:
    """(G, 2 + 3P) what is summed with the weights for one effect."""
    own, pull, toward = moments.own[j][:, None], moments.pull[j][:, None], moments.toward[j]
    refitted = toward @ moments.bread / moments.spread[j]
    return np.hstack([own, pull, refitted, own * toward, pull * toward])


def _squares(moments: ClusterMoments, j: int) -> FloatArray:
    """(G, 3) what is summed with the squared weights."""
    own, pull = moments.own[j], moments.pull[j]
    return np.column_stack([own**2, own * pull, pull**2])


def _combine(moments: ClusterMoments, j: int, product: FloatArray, square: FloatArray, place: int) -> Draws:
    """The scores of a draw are v_g(own + d·pull) − toward'(z0 + d·z1), with z the coefficients fitted again.

    product : (P + effects · (2 + 3P), B); square : (3, B), or (3, 1) where squared weights are all one
    """
    size = moments.scores.shape[1]
    start = size + place * (2 + 3 * size)
    n0, n1 = product[start], product[start + 1]
    z0 = product[:size]
    z1, own_toward, pull_toward = product[start + 2 : start + 2 + 3 * size].reshape(3, size, -1)
    cross = moments.toward[j].T @ moments.toward[j]
    inner1 = cross @ z1
    return Draws(
        n0=n0,
        n1=n1,
        e0=square[0] + _dot(cross @ z0 - 2.0 * own_toward, z0),
        e1=square[1] + _dot(inner1 - pull_toward, z0) - _dot(own_toward, z1),
        e2=square[2] + _dot(inner1 - 2.0 * pull_toward, z1),
        error=float(moments.own[j] @ moments.own[j]),
    )


def _dot(left: FloatArray, right: FloatArray) -> FloatArray:
    """(B,) sums over the first axis of the product of two arrays (P, B)."""
    return np.asarray((left * right).sum(axis=0))
