"""A small network for searches, made without a framework: two dense layers, each with a rectifier."""

from __future__ import annotations

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.ir.graph import Graph
from hlsgen.project import Project
from tests.passes.builders import Net, graph_of


def small_graph() -> Graph:
    net = Net(seed=1)
    rng = np.random.default_rng(5)
    x = net.input((6,))
    weights = {"kernel": rng.normal(0, 0.6, (6, 8)), "bias": rng.normal(0, 0.2, 8)}
    x = net.call("ReLU", "relu1", net.call("Dense", "fc1", x, weights, units=8))
    weights = {"kernel": rng.normal(0, 0.5, (8, 3)), "bias": rng.normal(0, 0.2, 3)}
    x = net.call("ReLU", "relu.2", net.call("Dense", "fc2", x, weights, units=3))
    return graph_of(net.source(x))


def small_project(**settings: object) -> Project:
    from hlsgen.config import make_config

    return Project(small_graph(), make_config(None, **settings))


def samples(count: int = 200, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(0, 1, (count, 6))


def labels(count: int = 200, seed: int = 0) -> Array:
    """What the network itself says in wide types, but for some."""
    found = small_project(default_width=24).evaluate(samples(count, seed))["relu.2"].argmax(axis=1)
    rng = np.random.default_rng(seed + 1)
    return np.where(rng.random(count) < 0.1, rng.integers(0, 3, count), found)
