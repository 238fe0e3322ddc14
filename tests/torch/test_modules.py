"""Modules of PyTorch: what PyTorch computes in double precision, names of modules, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, ModelError, UnsupportedError
from tests.ladder.harness import grid_input
from tests.onnx.nets import onnx
from tests.torch.nets import MODULES, Functional, Recurrent, Residual, functional, made, nn, torch

FORMAT = "fixed<8,4>"


def outputs_of(project: Any, x: Any) -> list[np.ndarray]:
    by_key, keys = project.evaluate(x), project.trace_keys()
    return [next(by_key[k] for k, tensor in keys.items() if tensor is value) for value in project.design.outputs]


def in_double(module: Any, inputs: list[np.ndarray]) -> np.ndarray:
    with torch.no_grad():
        return module.eval().double()(*(torch.from_numpy(x).double() for x in inputs)).numpy()


def examples(shapes: list[tuple[int, ...]], samples: int = 1) -> tuple[Any, ...]:
    return tuple(torch.randn(samples, *shape) for shape in shapes)


def names(project: hlsgen.Project) -> list[str]:
    return list(dict.fromkeys(node.source.name for node in project.graph if not node.is_input))


@pytest.mark.parametrize("name", MODULES)
def test_it_computes_what_pytorch_does(name: str) -> None:
    module, shapes = made(name)
    project = hlsgen.convert(module, example_inputs=examples(shapes), input_precision=FORMAT)
    x = [grid_input(shape, seed=i, bound=16, samples=20) for i, shape in enumerate(shapes)]
    right = in_double(module, x)
    (got,) = outputs_of(project, x if len(x) > 1 else x[0])
    assert got.shape == right.shape
    assert np.abs(got - right).max() <= 2.0**-10 * max(1.0, float(np.abs(right).max()))


def test_steps_in_front_of_the_samples() -> None:
    """Arrays have the samples in front, also where the module has them behind the steps."""
    torch.manual_seed(1)
    module = Recurrent("LSTM", batch_first=False)
    project = hlsgen.convert(module, example_inputs=(torch.randn(6, 2, 3),), input_precision=FORMAT)
    x = grid_input((6, 3), seed=2, bound=16, samples=20)
    (got,) = outputs_of(project, x)
    np.testing.assert_allclose(got, in_double(module, [x.transpose(1, 0, 2)]), rtol=0, atol=2.0**-10)


def test_every_executor_computes_the_same() -> None:
    module, shapes = made("residual")
    project = hlsgen.convert(module, example_inputs=examples(shapes), input_precision=FORMAT)
    x = grid_input(shapes[0], seed=3, bound=16, samples=10)
    np.testing.assert_array_equal(project.predict(x), outputs_of(project, x)[0])


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("residual", "features.0 features.1 features.2 features.3 second normal relu add head"),
        ("functional", "conv relu max_pool2d head softmax"),
        ("twice", "relu shared relu_1 shared_1"),
        ("lstm", "steps select head linear"),
    ],
)
def test_layers_have_the_names_of_modules(name: str, expected: str) -> None:
    module, shapes = made(name)
    assert names(hlsgen.convert(module, example_inputs=examples(shapes))) == expected.split()


def test_configuration_and_traces_use_them() -> None:
    module, shapes = made("residual")
    inputs = examples(shapes)
    layers = {"features.0": {"precision": {"result": "fixed<20,8>"}}, "head": {"precision": {"result": "fixed<18,7>"}}}
    project = hlsgen.convert(module, example_inputs=inputs, layers=layers)
    assert project.name == "Residual"
    assert str(project.trace_keys()["head"].type) == "fixed<18,7>"
    assert set(layers) <= set(hlsgen.default_config(module, "name", example_inputs=inputs).layers)


# -- the same design by every way ----------------------------------------------------------------------


def facts(project: hlsgen.Project) -> list[Any]:
    return [
        (op.layer.kind, [(role, c.fixed[0].tolist()) for role, c in op.layer.constants().items()], op.output.shape)
        for op in project.design
        if not op.layer.renames
    ]


def test_modules_programs_and_onnx_files_are_one_design(tmp_path: Path) -> None:
    module, shapes = made("residual")
    module.eval()
    inputs = examples(shapes, samples=2)
    shape = ({0: torch.export.Dim("batch")},)
    program = torch.export.export(module, inputs, dynamic_shapes=shape)
    file = tmp_path / "net.onnx"
    torch.onnx.export(module, inputs, file, dynamo=True, dynamic_shapes=shape, optimize=False, verbose=False)
    assert onnx.load(file).graph.node
    x = grid_input(shapes[0], seed=4, bound=16, samples=10)
    first, *others = (
        hlsgen.convert(module, example_inputs=inputs, input_precision=FORMAT),
        hlsgen.convert(program, input_precision=FORMAT),
        hlsgen.convert(file, input_precision=FORMAT),
    )
    assert names(others[0]) == names(first)
    for other in others:
        assert facts(other) == facts(first)
        np.testing.assert_array_equal(outputs_of(other, x)[0], outputs_of(first, x)[0])


def test_other_weights_go_into_a_project() -> None:
    module, shapes = made("chain")
    inputs = examples(shapes)
    project = hlsgen.convert(module, example_inputs=inputs, input_precision=FORMAT)
    with torch.no_grad():
        module[2].bias *= 0.5
    again = project.with_weights(module, example_inputs=inputs)
    x = grid_input(shapes[0], seed=5, bound=16, samples=10)
    right = in_double(module, [x])
    np.testing.assert_allclose(outputs_of(again, x)[0], right, rtol=0, atol=2.0**-9)


# -- what it leaves as it was, and what it refuses -----------------------------------------------------


def test_a_module_in_training_is_read_for_inference_and_stays_in_training() -> None:
    module, shapes = made("residual")
    module.train()
    module.normal.eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    fast = torch.backends.mha.get_fastpath_enabled()
    project = hlsgen.convert(module, example_inputs=examples(shapes), input_precision=FORMAT)
    assert module.training and module.drop.training and not module.normal.training
    assert torch.backends.mha.get_fastpath_enabled() == fast
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    x = grid_input(shapes[0], seed=6, bound=16, samples=10)
    np.testing.assert_allclose(outputs_of(project, x)[0], in_double(module, [x]), rtol=0, atol=2.0**-9)


class Calling(nn.Module):
    """A layer, and a function."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.head, self.function = nn.Linear(4, 4), function

    def forward(self, x: Any) -> Any:
        return self.function(self.head(x))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x - x.mean(dim=0), ["samples"]),
        (lambda x: x / (1 + x * x), ["'div'", "quotient"]),
        (lambda x: x if x.sum() > 0 else -x, ["Calling", "torch.export cannot trace"]),
        (lambda x: torch.linalg.inv(x.reshape(-1, 2, 2)), ["Calling", "torch.onnx.export cannot"]),
        (lambda x: x.double() * 2, ["DOUBLE"]),
    ],
)
def test_what_is_no_design_is_refused(function: Any, words: list[str]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        hlsgen.convert(Calling(function), example_inputs=(torch.randn(2, 4),))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (nn.BatchNorm2d(3), ["layer '1.batch_norm'", "training=True"]),
        (nn.Dropout(0.5), ["layer '1.dropout'", "train=True"]),
        (nn.Sequential(nn.Flatten(2), nn.MultiheadAttention(9, 3, dropout=0.5, batch_first=True)), ["training mode"]),
    ],
)
def test_a_program_in_training_is_refused(layer: Any, words: list[str]) -> None:
    class Attends(nn.Module):
        def forward(self, x: Any) -> Any:
            y = layer[0](x)
            return layer[1](y, y, y, need_weights=False)[0]

    last = Attends() if isinstance(layer, nn.Sequential) else layer
    module = nn.Sequential(nn.Conv2d(2, 3, 3), last).train()
    program = torch.export.export(module, (torch.randn(2, 2, 5, 5),))
    with pytest.raises(UnsupportedError) as caught:
        hlsgen.convert(program)
    assert all(word in str(caught.value) for word in words)


def test_a_function_that_is_always_in_training_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="training mode"):
        hlsgen.convert(Calling(functional.dropout), example_inputs=(torch.randn(2, 4),))


def test_nn_rnn_is_one_layer() -> None:
    """And no steps one by one, as PyTorch's own exporter has it."""
    project = hlsgen.convert(Recurrent("RNN"), example_inputs=(torch.randn(2, 6, 3),))
    assert {"steps", "head"} <= set(project.trace_keys())
    assert {op.loop.steps for op in project.design.ops if op.loop is not None} == {6}


def test_attention_with_steps_in_front_is_refused() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    with pytest.raises(UnsupportedError, match="self_attn"):
        hlsgen.convert(layer, example_inputs=(torch.randn(5, 2, 8),))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (None, "example_inputs"),
        ((), "expected a tuple of tensors"),
        (np.zeros((1, 6)), "expected a tuple of tensors"),
        ((torch.zeros(6),), r"shape \(6,\), expected \(samples, ...\)"),
        ((torch.zeros(0, 6),), "at least one sample"),
    ],
)
def test_example_inputs_are_checked(inputs: Any, message: str) -> None:
    module, _ = made("chain")
    with pytest.raises(ModelError, match=message):
        hlsgen.convert(module, example_inputs=inputs)


def test_inputs_that_a_module_does_not_take() -> None:
    with pytest.raises(UnsupportedError, match=r"Functional: torch.export cannot trace it on inputs of \(2, 3, 8, 6\)"):
        hlsgen.convert(Functional(), example_inputs=(torch.zeros(1, 3, 8, 6),))


def test_other_numbers_than_float32_are_refused() -> None:
    with pytest.raises(HlsgenError, match="DOUBLE"):
        hlsgen.convert(Residual().double(), example_inputs=(torch.zeros(1, 2, 8, 6).double(),))


def test_functional_is_what_the_nets_use() -> None:
    """A module without any layer is read, too."""

    class Bare(nn.Module):
        def forward(self, x: Any) -> Any:
            return functional.relu(x)

    project = hlsgen.convert(Bare(), example_inputs=(torch.zeros(1, 4),), input_precision=FORMAT)
    x = grid_input((4,), seed=8, bound=16, samples=5)
    np.testing.assert_array_equal(outputs_of(project, x)[0], np.maximum(x, 0))
