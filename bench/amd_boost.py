"""Gradient boosted trees of a fixed depth, in numpy: logistic loss, features in bins.

Small on purpose: complete trees of depth 4 are what `fastpath.amd` walks without a branch.

The same rows are the same trees on every processor. numpy's exp, log and sums differ in their last
bits with the width of its vectors, and where two cuts gain the same that chose between them. So
what they give is rounded to DIGITS; all else is whole numbers, or done one by one.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

DEPTH: Final = 4
BINS: Final = 64
NEVER: Final = 1e9  # a question that nothing answers with yes
DIGITS: Final = 11

Array = NDArray[np.float64]


class Tree(NamedTuple):
    """Questions by node (children of i: 2i+1, 2i+2), then log-odds by leaf."""

    feature: list[int]
    above: list[float]
    leaf: list[float]


def edges_of(values: Array) -> Array:
    """Where a feature is cut: between its quantiles, at most BINS - 1."""
    found = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    return found[found < values.max()] if len(found) else found


def binned(x: Array, edges: list[Array]) -> NDArray[np.int64]:
    """Each value as the number of edges below it."""
    columns = [np.searchsorted(edges[k], x[:, k], side="left") for k in range(x.shape[1])]
    return np.stack(columns, axis=1)


def best_cuts(
    bins: NDArray[np.int64],
    node: NDArray[np.int64],
    nodes: int,
    grad: Array,
    hess: Array,
    l2: float,
) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """For each node of a level: gain, feature and bin of its best cut."""
    gain = np.zeros(nodes)
    feature, cut = np.zeros(nodes, np.int64), np.full(nodes, BINS, np.int64)
    for k in range(bins.shape[1]):
        where = node * BINS + bins[:, k]
        g = np.bincount(where, grad, nodes * BINS).reshape(nodes, BINS).cumsum(1)
        h = np.bincount(where, hess, nodes * BINS).reshape(nodes, BINS).cumsum(1)
        g_all, h_all = g[:, -1:], h[:, -1:]
        right_h = h_all - h
        found = g**2 / (h + l2) + (g_all - g) ** 2 / (right_h + l2) - g_all**2 / (h_all + l2)
        found[(h < 4) | (right_h < 4)] = 0  # too little weight to say anything
        at = found.argmax(1)
        better = found[np.arange(nodes), at] > gain
        gain[better] = found[np.arange(nodes), at][better]
        feature[better], cut[better] = k, at[better]
    return gain, feature, cut


def grow(
    bins: NDArray[np.int64], edges: list[Array], grad: Array, hess: Array, rate: float, l2: float
) -> tuple[Tree, Array]:
    """One tree, and what it adds to each row."""
    questions: list[tuple[int, float]] = []
    node = np.zeros(len(bins), np.int64)
    for level in range(DEPTH):
        nodes = 1 << level
        gain, feature, cut = best_cuts(bins, node, nodes, grad, hess, l2)
        for k in range(nodes):
            if gain[k] <= 1e-9 or cut[k] >= len(edges[feature[k]]):
                feature[k], cut[k] = 0, BINS
                questions.append((0, NEVER))
            else:
                questions.append((int(feature[k]), float(edges[feature[k]][cut[k]])))
        asked = bins[np.arange(len(bins)), feature[node]]
        node = 2 * node + (asked > cut[node])
    g = np.bincount(node, grad, 1 << DEPTH)
    h = np.bincount(node, hess, 1 << DEPTH)
    leaf = -rate * g / (h + l2)
    tree = Tree([q[0] for q in questions], [q[1] for q in questions], leaf.tolist())
    return tree, leaf[node]


def boost(
    x: Array, y: Array, weight: Array, trees: int, rate: float = 0.15, l2: float = 8.0
) -> tuple[float, list[Tree]]:
    """Log-odds before any tree, and the trees. y: 0 or 1."""
    edges = [edges_of(x[:, k]) for k in range(x.shape[1])]
    bins = binned(x, edges)
    mean = math.fsum(y * weight) / math.fsum(weight)
    bias = round(math.log(mean / (1 - mean)), DIGITS)
    odds = np.full(len(y), bias)
    made = []
    for _ in range(trees):
        p = np.round(1 / (1 + np.exp(-odds)), DIGITS)
        tree, step = grow(bins, edges, weight * (p - y), weight * p * (1 - p), rate, l2)
        odds += step
        made.append(tree)
    return bias, made


def predict(x: Array, bias: float, trees: list[Tree]) -> Array:
    """The log-odds of each row."""
    odds = np.full(len(x), bias)
    rows = np.arange(len(x))
    for tree in trees:
        feature, above = np.array(tree.feature), np.array(tree.above)
        at = np.zeros(len(x), np.int64)
        for _ in range(DEPTH):
            at = 2 * at + 1 + (x[rows, feature[at]] > above[at])
        odds += np.array(tree.leaf)[at - (1 << DEPTH) + 1]
    return odds
