"""Networks that people use, as ONNX's library has them: read as they are, and the real numbers of ONNX Runtime.

The library's files have no weights but their shapes; these are drawn here, and small enough that nothing overflows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.frontends import read_model
from tests.onnx.nets import numpy_helper, onnx, runtime
from tests.passes.test_every_pass import real_outputs

pytestmark = pytest.mark.slow

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
READ = ("densenet121", "inception_v2", "resnet50", "shufflenet", "squeezenet")
REFUSED = {"bvlc_alexnet": "LRN", "inception_v1": "LRN", "zfnet512": "LRN"}


def loaded(name: str) -> Any:
    path = FOLDER / f"light_{name}.onnx"
    if not path.exists():
        pytest.skip("this onnx comes without its networks")
    return onnx.load(path)


def with_weights(model: Any) -> Any:
    """The model with seeded weights in the place of shapes that are filled with one number."""
    rng = np.random.default_rng(0)
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape" or node.input[0] not in shapes:
            kept.append(node)
            continue
        shape = [int(extent) for extent in shapes[node.input[0]]]
        spread = np.sqrt(1.0 / max(np.prod(shape[1:]), 1))
        drawn = rng.normal(size=shape) * spread if len(shape) > 1 else rng.uniform(0.5, 1.0, shape)
        model.graph.initializer.append(numpy_helper.from_array(drawn.astype(np.float32), node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [entry for entry in model.graph.input if entry.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(given)
    model.ir_version = max(model.ir_version, 4)  # from which on weights are no inputs
    return model


@pytest.mark.parametrize("name", READ)
def test_the_runtime_says_the_same(name: str) -> None:
    model = with_weights(loaded(name))
    graph = read_model(model)
    (value,) = graph.inputs
    assert value.order == (1, 2, 0)
    x = np.random.default_rng(1).normal(size=(1, 3, *value.shape[:2])).astype(np.float32)
    (found,) = real_outputs(graph, {value.name: x.transpose(0, 2, 3, 1).astype(np.float64)})
    (right,) = runtime(model, [x])
    assert found.shape == right.shape
    assert np.ptp(right) > 0
    assert np.abs(found - right).max() <= 1e-4 * np.abs(right).max()


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_layer_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"\({REFUSED[name]}\) is not supported"):
        read_model(loaded(name))
