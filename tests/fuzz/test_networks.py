"""The networks have every layer that they are to have, and what says how far they may be from Keras can say no."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.source import LayerCall
from tests.fuzz.cases.base import WrongError
from tests.fuzz.cases.keras import check_against_keras
from tests.fuzz.describe import description, source_of
from tests.fuzz.files import STARTED
from tests.fuzz.networks import every_network
from tests.passes.builders import Net, project_of

LAYERS = """
    SimpleRNN LSTM GRU Bidirectional TimeDistributed ConvLSTM1D ConvLSTM2D QSimpleRNN QLSTM QGRU
    Attention AdditiveAttention MultiHeadAttention GroupQueryAttention Dot EinsumDense
    LayerNormalization RMSNormalization GroupNormalization UnitNormalization BatchNormalization
    Conv3D MaxPooling3D AveragePooling3D GlobalMaxPooling3D UpSampling3D ZeroPadding3D Cropping3D
    LocallyConnected1D LocallyConnected2D Resizing UpSampling2D AdaptiveMaxPooling2D AdaptiveAveragePooling1D
    ReLU ThresholdedReLU Softmax Embedding PReLU
""".split()
FUNCTIONS = """
    GetItem Take Flip Roll Sum Mean Max Min Argmax TopK Einsum Glu __operators__.getitem compat.v1.gather reverse roll
    math.reduce_sum math.reduce_mean math.reduce_max math.argmax math.top_k linalg.matmul
""".split()


def name_of(call: LayerCall) -> str:
    return str(call.config.get("function", call.class_name))


def test_networks_have_every_layer() -> None:
    drawn, forms = Counter[str](), Counter[str]()
    for seed in range(1200):
        source = every_network(seed)
        drawn.update(name_of(call) for call in source.calls)
        forms.update(f"{key} {call.arguments[key]}" for call in source.calls for key in call.arguments if key[0] == "u")
        forms.update(["shared"] * (len({call.layer_name for call in source.calls}) < len(source.calls)))
        forms.update(["initial state"] * any(c.class_name in STARTED and len(c.inputs) > 1 for c in source.calls))
        forms.update(f"{len(source.inputs)} inputs, {len(source.outputs)} outputs".split(", "))
        forms.update(str(call.config.get("data_format")) for call in source.calls)
    assert not {*LAYERS, *FUNCTIONS} - {*drawn}
    wanted = ("shared", "initial state", "2 inputs", "2 outputs", "channels_first", "use_causal_mask True")
    assert all(forms[form] >= 5 for form in wanted), forms


def test_networks_are_stored_whole() -> None:
    for seed in range(0, 60, 3):
        source = every_network(seed)
        again = source_of(description(source))
        assert description(again) == description(source)
        assert [node.name for node in build_graph(again)] == [node.name for node in build_graph(source)]


# -- how far from Keras --------------------------------------------------------------------------


def off_by(error: float, width: int) -> None:
    net = Net(3)
    net.call("Activation", "out", net.dense("fc", net.input((4,)), 4, 3), activation="tanh")
    project = project_of(net.source("out"), default_width=width)
    x = [np.random.default_rng(0).integers(-1024, 1025, (20, 4)).astype(np.float32) / 1024]
    fc = net.calls[0].weights
    check_against_keras(project, x, [np.tanh(x[0] @ fc["kernel"] + fc["bias"]) + error])


@pytest.mark.parametrize("width", [16, 6])
def test_what_the_types_explain_is_right(width: int) -> None:
    off_by(0.0, width)


@pytest.mark.parametrize("width", [16, 6])
def test_what_they_do_not_explain_is_wrong(width: int) -> None:
    with pytest.raises(WrongError, match="'out' is off by"):
        off_by(0.01, width)


def test_another_shape_is_wrong() -> None:
    net = Net(3)
    project = project_of(net.source(net.dense("fc", net.input((4,)), 4, 3)))
    with pytest.raises(WrongError, match="has shape"):
        check_against_keras(project, [np.zeros((2, 4), np.float32)], [np.zeros((2, 1))])
