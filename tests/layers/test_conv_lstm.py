"""ConvLSTM: a loop whose step has convolutions; every executor agrees, and it is what Keras says it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ModelError, UnsupportedError
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, grid, project_of

SHAPE = (3, 4, 3, 2)


def recurrent(**options: Any) -> Net:
    """One channel, a kernel of 2 x 3."""
    net = Net(7)
    net.input(SHAPE)
    weights = {
        "kernel": net.dyadic(2, 3, 2, 4) / 2,
        "recurrent_kernel": net.dyadic(2, 3, 1, 4) / 2,
        "bias": net.dyadic(4),
    }
    given = {"filters": 1, "kernel_size": [2, 3], "recurrent_activation": "sigmoid", **options}
    net.call("ConvLSTM2D", "lstm", "x", weights, **given)
    return net


def written_out(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """The output of the last step, without padding of the input."""

    def convolved(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return np.einsum("nhwcij,ijcf->nhwf", np.lib.stride_tricks.sliding_window_view(image, (2, 3), (1, 2)), kernel)

    def sigmoid(v: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-v))

    h = c = np.zeros((len(x), 3, 1, 1))
    for step in range(x.shape[1]):
        framed = np.pad(h, ((0, 0), (0, 1), (1, 1), (0, 0)))  # 'same': the odd row is behind
        sums = convolved(x[:, step], weights["kernel"]) + convolved(framed, weights["recurrent_kernel"])
        write, keep, candidate, show = np.split(sums + weights["bias"], 4, axis=-1)
        c = sigmoid(keep) * c + sigmoid(write) * np.tanh(candidate)
        h = sigmoid(show) * np.tanh(c)
    return h


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_written_out(io_type: str) -> None:
    net, data = recurrent(), grid(SHAPE, 9)
    project = project_of(net.source("lstm"), input_precision="fixed<7,3>", io_type=io_type)
    executors_agree(project, data)
    expected = written_out(data, dict(net.calls[0].weights))
    assert np.abs(project.evaluate(data)["lstm"] - expected).max() < 2.0**-10


def test_states_kept_between_calls_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="stateful=True"):
        project_of(recurrent(stateful=True).source("lstm"))


def test_a_window_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match=r"a window of \(2, 3\) does not fit"):
        project_of(recurrent(dilation_rate=2).source("lstm"))
