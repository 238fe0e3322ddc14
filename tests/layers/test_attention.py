"""Attention layers: what they mean, all executors, and masks; no framework is needed."""

from __future__ import annotations

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from hlsgen.frontends.attention import causal, window
from tests.ladder.harness import ladder
from tests.passes.builders import Net, project_of

ROLES = ("query", "key", "value", "output")


def heads(net, name, inputs, channels, count=2, size=3, **options):
    """A MultiHeadAttention of ``count`` heads with random weights."""
    shapes = [(channels, count, size)] * 3 + [(count, size, channels)]
    weights = {f"{role}/kernel": net.dyadic(*shape) for role, shape in zip(ROLES, shapes, strict=True)}
    weights |= {f"{role}/bias": net.dyadic(*shape[1:]) for role, shape in zip(ROLES[:3], shapes, strict=False)}
    weights["output/bias"] = net.dyadic(channels)
    return net.call("MultiHeadAttention", name, inputs, weights, num_heads=count, key_dim=size, **options)


def meant(weights, query, other, mask):
    """The same in real numbers."""
    q, k, v = (
        np.einsum("zpc,chd->zphd", x, weights[f"{role}/kernel"]) + weights[f"{role}/bias"]
        for x, role in zip((query, other, other), ROLES, strict=False)
    )
    scores = np.einsum("zqhd,zkhd->zhqk", q, k) / np.sqrt(q.shape[-1])
    shares = np.exp(np.where(mask, scores, -np.inf))
    shares /= shares.sum(axis=-1, keepdims=True)
    result = np.einsum("zhqk,zkhd->zqhd", shares, v)
    return np.einsum("zqhd,hdc->zqc", result, weights["output/kernel"]) + weights["output/bias"]


def test_all_executors_agree_on_heads_with_a_mask():
    net = Net(5)
    x, other = net.input((4, 3)), net.input((5, 3), "other")
    y = heads(net, "mha", [x, other], 3, use_causal_mask=True)
    data = [np.random.default_rng(seed).uniform(-2, 2, (24, n, 3)) for seed, n in ((1, 4), (2, 5))]
    project = ladder(net.source(y), data)
    wanted = meant(net.calls[-1].weights, *data, causal(4, 5))
    np.testing.assert_allclose(project.predict(data), wanted, atol=np.abs(wanted).max() * 2**-10)


def test_every_executor_agrees_on_sums_of_queries_and_keys():
    net = Net(6)
    q, v = net.input((2, 3)), net.input((3, 3), "v")
    y = net.call("AdditiveAttention", "additive", [q, v], {"scale": net.dyadic(3)}, use_scale=True)
    ladder(net.source(y), [np.random.default_rng(n).uniform(-2, 2, (24, n, 3)) for n in (2, 3)], vendor=False)


def test_what_does_not_count_is_zero_whatever_it_holds():
    net = Net()
    x = net.input((4, 4))
    y = net.call("Attention", "a", [x, x], use_causal_mask=True, return_attention_scores=True)
    project = project_of(net.source(y), input_precision="fixed<16,6>")
    data = np.random.default_rng(0).uniform(-32, 32, (50, 4, 4))
    (shares,) = [v for k, v in project.evaluate(data).items() if k.startswith("a_shares") or k == "a:1"][:1]
    assert not shares[:, ~causal(4, 4)].any()
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=2**-12)


def test_masks():
    np.testing.assert_array_equal(causal(2, 3), [[1, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(window(3, 3, 2), [[1, 1, 0], [1, 1, 1], [0, 1, 1]])


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ([[[True, False], [False, False]]], "mha.*leaves a query no key"),
        ([[True] * 3] * 2, r"attention_mask of shape \(2, 3\) is not supported"),
        ([[[True, True]] * 2] * 3, r"attention_mask of shape \(3, 2, 2\)"),
    ],
)
def test_masks_that_are_refused(mask, words):
    net = Net()
    x = net.input((2, 3))
    y = heads(net, "mha", [x, x], 3, attention_mask=mask)
    with pytest.raises(UnsupportedError, match=words):
        project_of(net.source(y))


def test_a_mask_that_leaves_out_nothing_costs_nothing():
    net = Net()
    x = net.input((1, 3))
    project = project_of(net.source(heads(net, "mha", [x, x], 3, use_causal_mask=True)))
    (softmax,) = (op.layer for op in project.design if op.layer.kind == "Softmax")
    assert softmax.mask is None


def test_streams_of_an_attention_are_deep_enough():
    """Queries wait while keys are collected, and what goes past the attention waits for its result."""
    net = Net(5)
    x = net.input((6, 4))
    net.call("Add", "sum", [x, heads(net, "mha", [x, x], 4)])
    project = project_of(net.source("sum"), io_type="io_stream")
    project.check_streams()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_transformer_block_chooses_as_keras_does(seed):
    """With 16 bits, without calibration data."""
    keras = pytest.importorskip("keras")
    layers = keras.layers
    keras.utils.set_random_seed(seed)
    x = source = keras.Input((16, 32))
    for causal_mask in (False, True):
        x = layers.Add()([x, layers.MultiHeadAttention(4, 8)(x, x, use_causal_mask=causal_mask)])
        x = layers.BatchNormalization()(x)
        x = layers.Add()([x, layers.Dense(32)(layers.Dense(64, activation="gelu")(x))])
    model = keras.Model(source, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
    data = np.random.default_rng(seed).normal(size=(1000, 16, 32)).astype(np.float32)
    found, wanted = hlsgen.convert(model).predict(data), model.predict(data, verbose=0)
    assert (found.argmax(axis=1) == wanted.argmax(axis=1)).mean() >= 0.99
