"""Data that are not what the model was made for, and references that are another model or none."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import hlsgen
from hlsgen.analysis.diagnosis.result import Kind
from hlsgen.analysis.diagnosis.source import ReferenceWarning
from hlsgen.errors import InputError, ModelError
from tests.diagnosis.models import EXAMPLES, cube, example, normalised, onnx_images, without_compiler

GRAPH = "graph"


@pytest.fixture(autouse=True)
def _exact(monkeypatch: pytest.MonkeyPatch) -> None:
    without_compiler(monkeypatch)


def test_channels_first() -> None:
    """The fix takes them so, and what is computed is the same."""
    model, x = example("mnist_cnn_bn")
    project, other = hlsgen.convert(model), x.transpose(0, 3, 1, 2)
    found = project.diagnose(other)
    assert found is not None and (found.layer, found.kind) == ("image", Kind.LAYOUT)
    assert "(samples, 1, 28, 28)" in found.cause and "transpose((0, 2, 3, 1))" in found.advice
    assert found.fix == "input_layout: channels_first\n" and found.before is None
    assert found.after is not None and found.after.top1 == 1.0 and found.reference == "Keras"
    repaired = project.with_fix(found)
    assert repaired.diagnose(other) is None
    mine, theirs = repaired.evaluate(other[:20]), project.evaluate(x[:20])
    assert all((mine[key] == theirs[key]).all() for key in theirs if key != "image")


def test_channels_last() -> None:
    """Of an ONNX model, whose channels come first."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model, x = onnx_images()
    project = hlsgen.convert(model)
    found = project.diagnose(x.transpose(0, 2, 3, 1))
    assert found is not None and found.kind is Kind.LAYOUT and found.fix == "input_layout: channels_last\n"
    assert project.with_fix(found).diagnose(x.transpose(0, 2, 3, 1)) is None


def test_calibration_has_the_layout_that_is_given() -> None:
    model, x = example("mnist_cnn_bn")
    first = hlsgen.convert(model, input_layout="channels_first", calibration=x.transpose(0, 3, 1, 2))
    assert [str(t.type) for t in first.design.tensors] == [
        str(t.type) for t in hlsgen.convert(model, calibration=x).design.tensors
    ]


def test_layout_that_fits_by_chance() -> None:
    """Four channels of 4x4: labels tell."""
    model, x, y = cube()
    project = hlsgen.convert(model)
    other = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    assert project.diagnose(other) is None and project.diagnose(x, y=y) is None
    found = project.diagnose(other, y=y)
    assert found is not None and found.kind is Kind.LAYOUT and found.numbers["accuracy of the others"] == 1.0
    assert found.fix == "input_layout: channels_first\n"
    assert project.with_fix(found).diagnose(other, y=y) is None


@pytest.mark.parametrize("settings", [{}, {"input_precision": "ufixed<8,0>"}], ids=["default", "stated"])
def test_pixels_that_are_not_normalised(settings: dict[str, str]) -> None:
    """The types are at fault if the data are right: with the fix the design does with them what the model does."""
    model, x = example("mnist_cnn_bn")
    found = hlsgen.convert(model, settings).diagnose(255 * x, GRAPH)
    assert found is not None and (found.layer, found.kind) == ("image", Kind.NOT_NORMALISED)
    assert "x / 255" in found.advice and found.fix is not None
    assert hlsgen.convert(model, settings).with_fix(found).diagnose(255 * x, GRAPH) is None


def test_pixels_that_calibration_did_not_know() -> None:
    """What lies behind the input was placed for smaller data, too: one fix for all."""
    model, x = example("mnist_cnn_bn")
    project = hlsgen.convert(model, input_precision="ufixed<8,0>", calibration=x)
    found = project.diagnose(255 * x, GRAPH)
    assert found is not None and found.kind is Kind.NOT_NORMALISED
    assert project.with_fix(found).diagnose(255 * x, GRAPH) is None


@pytest.mark.parametrize("times", [8, 30])
def test_data_larger_than_those_results_were_placed_by(times: int) -> None:
    """The input's type holds them, the types behind it do not: it is the input that is not as expected."""
    model, x = normalised()
    project = hlsgen.convert(model, input_precision="fixed<24,8>", calibration=x)
    assert project.diagnose(x, GRAPH) is None
    found = project.diagnose(times * x, GRAPH)
    assert found is not None and (found.layer, found.role, found.kind) == ("x", "input", Kind.NOT_NORMALISED)
    assert "times larger than those by which results were placed (calibration)" in found.cause
    assert found.numbers["times larger"] == pytest.approx(times, rel=0.01)


def test_larger_data_without_calibration() -> None:
    """One setting for the input places everything behind it anew."""
    model, x = normalised()
    project = hlsgen.convert(model)
    found = project.diagnose(14 * x[np.abs(x).max(axis=1) < 2.2], GRAPH)
    assert found is not None and (found.layer, found.kind) == ("x", Kind.NOT_NORMALISED)
    assert found.fix is not None and project.with_fix(found).diagnose(14 * x, GRAPH) is None


def test_labels_tell_that_data_are_not_normalised() -> None:
    """A design that is wide enough agrees with a model that is wrong: only labels show that."""
    model, x = example("iris_mlp")
    y = np.load(EXAMPLES / "iris_mlp" / "y.npy")
    project = hlsgen.convert(model, input_precision="fixed<24,12>")
    assert project.diagnose(x, GRAPH, y=y) is None
    found = project.diagnose(x / 255, GRAPH, y=y)
    assert found is not None and found.kind is Kind.NOT_NORMALISED and found.numbers["instead"] == "255 * x"


def test_another_model() -> None:
    model, x = normalised()
    project = hlsgen.convert(model)
    keras = pytest.importorskip("keras", reason="keras is not installed (extra keras)")
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    layer = other.get_layer("out")
    layer.set_weights([-w for w in layer.get_weights()])
    found = project.diagnose(x, other)
    assert found is not None and (found.layer, found.kind, found.fix) == ("out", Kind.OTHER_MODEL, None)
    with pytest.raises(hlsgen.HlsgenError, match="no fix"):
        project.with_fix(found)


def test_qkeras_file() -> None:
    """By QKeras itself, whichever Keras this process has."""
    pytest.importorskip("qkeras", reason="qkeras is not installed (extra qkeras)")
    model, x = example("digits_mlp")
    settings = {"input_precision": "ufixed<5,1>", "layers": {"logits": {"precision": {"result": "fixed<8,3>"}}}}
    found = hlsgen.convert(model, settings).diagnose(x[:100])
    assert found is not None and (found.layer, found.kind) == ("logits", Kind.WRAP)
    assert found.reference in ("Keras", "QKeras")
    assert [row.layer for row in found.layers] == ["pixels", "fc1", "relu1", "fc2", "relu2", "logits", "softmax"]


def test_scikit_learn() -> None:
    network = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    model = network.MLPClassifier((6,), max_iter=500, random_state=0).fit(x, (x.sum(axis=1) > 0).astype(int))
    assert hlsgen.convert(model).diagnose(x) is None
    found = hlsgen.convert(model, input_precision="fixed<8,1>").diagnose(x)
    assert found is not None and found.kind is Kind.INPUT_CLIPPED and found.reference == "scikit-learn"


def test_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra torch)")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra torch)")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    x = np.random.default_rng(0).normal(size=(80, 5)).astype(np.float32)
    options = {"example_inputs": (torch.zeros(2, 5),)}
    assert hlsgen.convert(model, **options).diagnose(x) is None
    settings = {"layers": {"0": {"precision": {"weight": "fixed<4,3>"}}}}
    found = hlsgen.convert(model, settings, **options).diagnose(x)
    assert found is not None and (found.layer, found.kind, found.reference) == ("0", Kind.CONSTANT, "PyTorch")
    assert found.fix is not None and hlsgen.convert(model, settings, **options).with_fix(found).diagnose(x) is None


def test_missing_runtime_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = onnx_images()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    project = hlsgen.convert(model)
    with pytest.raises(ModelError, match="onnxruntime is not installed.*pip install onnxruntime.*reference='graph'"):
        project.diagnose(x, model)
    with pytest.warns(ReferenceWarning, match="the graph in real numbers, as onnxruntime is not installed"):
        assert project.diagnose(x) is None
    assert project.diagnose(x, GRAPH) is None


@pytest.mark.parametrize("reference", [3, "model.txt"])
def test_what_is_no_reference(reference: object) -> None:
    model, x = example("iris_mlp")
    with pytest.raises(ModelError):
        hlsgen.convert(model).diagnose(x, reference)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(150) % 3 + 90, "y holds 90, which is no class.*0 to 2"),
        (np.full(150, -1), "y holds -1"),
        (np.full(150, np.nan), "y holds nan"),
        (np.full(150, 0.5), "y holds 0.5.*regression"),
        (np.ones((150, 3)), "rows of y are not one of each class"),
        (np.full((150, 3), np.nan), "rows of y are not one of each class"),
        (np.eye(2)[np.zeros(150, dtype=int)], "one label for each of 150"),
        (np.full(150, "setosa"), "give class numbers from 0 to 2"),
    ],
)
def test_labels_that_are_no_classes(labels: np.ndarray, message: str) -> None:
    model, x = example("iris_mlp")
    with pytest.raises(InputError, match=message):
        hlsgen.convert(model).diagnose(x, GRAPH, y=labels)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinities_are_refused(value: float) -> None:
    model, x = example("iris_mlp")
    x = x.copy()
    x[7, 2] = value
    with pytest.raises(InputError, match="'features' holds an infinity in sample 7"):
        hlsgen.convert(model).diagnose(x, GRAPH)


@pytest.mark.parametrize("fixed", ["ufixed<12,3>", "ufixed<16,1,RND,SAT>", "ufixed<12,3,RND,WRAP>"])
def test_negative_data_in_an_unsigned_type(fixed: str) -> None:
    model, x = normalised()
    found = hlsgen.convert(model, input_precision=fixed).diagnose(x, GRAPH)
    assert found is not None and (found.layer, found.kind) == ("x", Kind.INPUT_CLIPPED)
    assert "negative values; the type is unsigned: it holds 0 to" in found.cause
    assert hlsgen.convert(model, input_precision=fixed).with_fix(found).diagnose(x, GRAPH) is None


def test_data_that_never_fit() -> None:
    model, x = example("iris_mlp")
    project = hlsgen.convert(model)
    with pytest.raises(InputError, match="no samples"):
        project.diagnose(x[:0], GRAPH)
    with pytest.raises(InputError, match="shape"):
        project.diagnose(x[:, :2], GRAPH)
    with pytest.raises(InputError, match="one label for each of 150"):
        project.diagnose(x, GRAPH, y=np.zeros(3, dtype=int))
