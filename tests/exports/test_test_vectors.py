"""Export "test-vectors": what is read back are the integers of the design, and what the source's framework says."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ConfigError, InputError, UnsupportedError
from hlsgen.exports.source_outputs import source_outputs
from hlsgen.frontends.values import NotRunError
from hlsgen.project import Project
from tests.exports.networks import dense, mixed
from tests.passes.builders import Net, grid, project_of


@pytest.fixture(scope="module")
def project() -> Project:
    return mixed()


def read_hex(path: Path, entry: dict[str, Any]) -> np.ndarray:
    """As $readmemh: comments apart, an element each; signs by the type's width."""
    words = [int(w, 16) for w in re.sub(r"//.*", "", path.read_text("ascii")).split()]
    assert max(words) < 1 << entry["width"]
    top = 1 << entry["width"] - 1
    return np.array([w - 2 * top if entry["signed"] and w & top else w for w in words], dtype=object)


def index_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "test_vectors.json").read_text("utf-8"))


def read_back(folder: Path) -> dict[str, np.ndarray]:
    """Every value by its name, from .npy and from .hex alike."""
    found = {}
    for entry in index_of(folder)["values"]:
        spelt = read_hex(folder / entry["hex"], entry)
        if entry["npy"] is None:
            assert entry["width"] > 64
            found[entry["name"]] = spelt
            continue
        stored = np.load(folder / entry["npy"], allow_pickle=False)
        np.testing.assert_array_equal(stored.reshape(-1), spelt)
        found[entry["name"]] = stored
    return found


def test_every_value(project: Project, tmp_path: Path) -> None:
    x = grid((6, 5, 4), 7)
    folder = project.export("test-vectors", tmp_path / "out", x=x)
    found, index = read_back(folder), index_of(folder)
    wanted = project.trace(x, raw=True)
    assert index["samples"] == 7 and {tensor.name for tensor in project.design.tensors} == set(found)
    layers = {layer: entry["name"] for entry in index["values"] for layer in entry["layers"]}
    assert set(layers) == set(wanted), "every layer of the source, by its name there"
    for layer, name in layers.items():
        np.testing.assert_array_equal(found[name], wanted[layer])
    assert [entry["value"] for entry in index["outputs"]] == ["fc"]
    np.testing.assert_array_equal(found["fc"], project.predict(x, raw=True))
    np.testing.assert_array_equal(np.load(folder / index["inputs"][0]["given"]), x)


def test_files_have_safe_names(project: Project, tmp_path: Path) -> None:
    folder = project.export("test-vectors", tmp_path / "place" / "out")
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["out"]
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]+)?\.(npy|hex|json)", name) for name in files), files


def test_default_samples_are_seeded(project: Project, tmp_path: Path) -> None:
    first = project.export("test-vectors", tmp_path / "a", samples=3)
    second = project.export("test-vectors", tmp_path / "b", samples=3)
    assert index_of(first)["samples"] == 3
    for path in first.rglob("*.*"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_samples_of_the_configuration(examples: Path, tmp_path: Path) -> None:
    folder = examples / "iris_mlp"
    vectors = {"x": str(folder / "x.npy"), "y": str(folder / "y.npy")}
    project = hlsgen.convert(folder / "model.keras", test_vectors=vectors)
    made = project.export("test-vectors", tmp_path / "out", samples=4)
    given = np.load(made / index_of(made)["inputs"][0]["given"])
    np.testing.assert_array_equal(given, np.load(folder / "x.npy")[:4])


def test_samples_of_a_file(project: Project, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", grid((6, 5, 4), 3))
    folder = project.export("test-vectors", tmp_path / "out", x=str(tmp_path / "x.npy"))
    np.testing.assert_array_equal(read_back(folder)["fc"], project.evaluate(grid((6, 5, 4), 3), raw=True)["fc"])


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    net = Net(3)
    a, b = net.input((4,), "left"), net.input((2, 3), "right side")
    net.dense("sum", net.call("Concatenate", "joined", [a, net.call("Flatten", "flat", b)], axis=-1), 10, 2)
    net.dense("side", a, 4, 5)
    project = project_of(net.source("sum", "side"))
    x = {"left": grid((4,), 5), "right side": grid((2, 3), 5)}
    folder = project.export("test-vectors", tmp_path / "out", x=x)
    index, found = index_of(folder), read_back(folder)
    assert [entry["name"] for entry in index["inputs"]] == ["left", "right side"]
    for entry, wanted in zip(index["outputs"], project.predict(x, raw=True), strict=True):
        np.testing.assert_array_equal(found[entry["value"]], wanted)


@pytest.mark.parametrize("precision", ["ufixed<64,4>", "fixed<64,4>", "fixed<65,4>", "fixed<1,1>", "ufixed<1,1>"])
def test_words_of_every_width(tmp_path: Path, precision: str) -> None:
    """Beyond 64 bits there is no .npy; the .hex has them all."""
    net = Net()
    net.dense("fc", net.input((4,)), 4, 3)
    project = project_of(net.source("fc"), layers={"fc": {"precision": {"result": f"{precision[:-1]},RND,SAT>"}}})
    x = np.array([[1e9] * 4, [-1e9] * 4, [0.25, -1, 3, 0]])
    folder = project.export("test-vectors", tmp_path / "out", x=x)
    wanted = project.evaluate(x, raw=True)["fc"]
    assert read_back(folder)["fc"].reshape(-1).tolist() == wanted.reshape(-1).tolist()


def test_loops_and_inner_steps(examples: Path, tmp_path: Path) -> None:
    project = hlsgen.convert(examples / "mnist_gru" / "model.keras")
    x = np.load(examples / "mnist_gru" / "x.npy")[:2]
    folder = project.export("test-vectors", tmp_path / "out", x=x, inner=True)
    wanted, found = project.evaluate(x, raw=True, inner=True), read_back(folder)
    index = index_of(folder)
    inside = [entry for entry in index["values"] if entry.get("loop")]
    assert inside and any("." in entry["name"] for entry in index["values"])
    assert set(wanted) <= {n for e in index["values"] for n in [e["name"], *e.get("layers", [])]}
    for entry in index["values"]:
        for name in {entry["name"], *entry.get("layers", [])} & set(wanted):
            np.testing.assert_array_equal(found[entry["name"]], wanted[name])
    for entry in inside:
        assert found[entry["name"]].shape == (2, entry["loop"]["steps"], *entry["shape"])


def test_large_batches_are_computed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hlsgen.exports import test_vectors

    project = dense(4, 3, np.eye(4, 3), np.ones(3), "fixed<8,4>")
    x = grid((4,), 50)
    monkeypatch.setattr(test_vectors, "_CELLS", 30)
    folder = project.export("test-vectors", tmp_path / "out", x=x)
    np.testing.assert_array_equal(read_back(folder)["fc"], project.evaluate(x, raw=True)["fc"])


WRONG = [
    ({"samples": 0}, ConfigError, "samples is 0"),
    ({"samples": 2.5}, ConfigError, r"samples is 2\.5"),
    ({"inner": "no"}, ConfigError, "inner is 'no'"),
    ({"source": "onnx"}, ConfigError, "source is 'onnx'"),
    ({"x": np.zeros((3, 6, 5))}, InputError, "shape"),
    ({"x": np.zeros((0, 6, 5, 4))}, InputError, "no samples"),
    ({"x": np.full((1, 6, 5, 4), np.nan)}, InputError, "NaN"),
    ({"x": "nowhere.npy"}, InputError, "does not exist"),
    ({"source": True}, UnsupportedError, "source=True: the source model is not known"),
]


@pytest.mark.parametrize(("options", "error", "said"), WRONG, ids=[said for _, _, said in WRONG])
def test_refused(project: Project, tmp_path: Path, options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        project.export("test-vectors", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


# -- the source's framework ------------------------------------------------------------------------


def source_of(project: Project, folder: Path, **options: Any) -> tuple[dict[str, Any], list[np.ndarray]]:
    made = project.export("test-vectors", folder, **options)
    facts = index_of(made)["source"]
    return facts, [np.load(made / entry["npy"]) for entry in facts.get("outputs", ())]


def test_a_file_of_keras_is_run_elsewhere(examples: Path, tmp_path: Path) -> None:
    """It can hold no code (tests/frontends/test_trust.py: those that may are not run)."""
    keras = pytest.importorskip("keras", reason="Keras is not installed (extra keras)")
    folder = examples / "iris_mlp"
    x = np.load(folder / "x.npy")[:20]
    project = hlsgen.convert(folder / "model.keras")
    facts, (found,) = source_of(project, tmp_path / "out", x=x, source=True)
    assert facts["framework"] == f"keras {keras.__version__}"
    np.testing.assert_array_equal(found, keras.models.load_model(folder / "model.keras").predict(x, verbose=0))
    assert source_of(project, tmp_path / "third", source=False)[0]["reason"] == "not asked for"


@pytest.mark.parametrize("samples", ["N", None, 1, 4])
@pytest.mark.parametrize("as_file", [False, True])
def test_onnx_runtime(tmp_path: Path, samples: Any, as_file: bool) -> None:
    """Any number of samples, however many the model was exported for, channels first."""
    from tests.onnx.nets import Net as OnnxNet
    from tests.onnx.nets import runtime

    net = OnnxNet(samples=samples)
    x = net.input(2, 5, 4)
    conv = net("Conv", x, net.weight(3, 2, 3, 3), net.weight(3), pads=[1, 1, 1, 1])
    flat = net("Flatten", net("Relu", conv))
    net.output(net("Gemm", flat, net.weight(60, 7), net.weight(7)), conv)
    model = net.model()
    data = (np.random.default_rng(0).integers(-8, 9, (7, 2, 5, 4)) / 4).astype(np.float32)
    step = samples if isinstance(samples, int) else 7
    padded = np.concatenate([data, np.zeros((-7 % step, 2, 5, 4), np.float32)])
    parts = [runtime(model, [padded[at : at + step]]) for at in range(0, len(padded), step)]
    wanted = [np.concatenate(part)[:7] for part in zip(*parts, strict=True)]
    given: Any = model
    if as_file:
        given = tmp_path / "net.onnx"
        given.write_bytes(model.SerializeToString())
    project = hlsgen.convert(given, input_precision="fixed<16,6>")
    facts, found = source_of(project, tmp_path / "out", x=data, source=True)
    assert facts["framework"].startswith("ONNX Runtime ")
    for result, expected, computed in zip(found, wanted, project.predict(data), strict=True):
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(computed, expected)


def test_onnx_runtime_with_the_samples_elsewhere(tmp_path: Path) -> None:
    """An LSTM reads its steps in front; arrays have the samples there all the same."""
    from tests.onnx.nets import Net as OnnxNet
    from tests.onnx.nets import TensorProto, helper, runtime

    net = OnnxNet()
    net.inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, "N", 3]))
    states, last, _ = net("LSTM", "x", net.weight(1, 16, 3), net.weight(1, 16, 4), hidden_size=4, outputs=3)
    net.output(net("Squeeze", states, net.whole(1)), net("Squeeze", last, net.whole(0)))
    model = net.model()
    data = np.random.default_rng(1).normal(size=(5, 5, 3)).astype(np.float32)
    steps, final = runtime(model, [data.transpose(1, 0, 2)])
    facts, found = source_of(hlsgen.convert(model), tmp_path / "out", x=data)
    assert facts["framework"] is not None, facts
    np.testing.assert_array_equal(found[0], steps.transpose(1, 0, 2))
    np.testing.assert_array_equal(found[1], final)


def test_operators_that_the_runtime_lacks(tmp_path: Path) -> None:
    """QONNX's Quant: the reason is in the index, and an error if the source has to be there."""
    from tests.onnx.nets import Net as OnnxNet
    from tests.onnx.nets import helper

    net = OnnxNet()
    x = net.input(4)
    names = [net.scalar(0.25), net.scalar(0.0), net.scalar(4.0)]
    node = helper.make_node(
        "Quant",
        [x, *names],
        ["q"],
        "quant",
        domain="qonnx.custom_op.general",
        signed=1,
        narrow=0,
        rounding_mode="ROUND",
    )
    net.nodes.append(node)
    net.output(net("Gemm", "q", net.weight(4, 3), net.weight(3)))
    project = hlsgen.convert(net.model())
    facts, found = source_of(project, tmp_path / "out")
    assert facts["framework"] is None and "its framework fails" in facts["reason"] and not found
    with pytest.raises(UnsupportedError, match="its framework fails"):
        project.export("test-vectors", tmp_path / "other", source=True)


def test_onnx_runtime_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tests.onnx.nets import Net as OnnxNet

    net = OnnxNet()
    net.output(net("Relu", net.input(4)))
    project = hlsgen.convert(net.model())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert source_of(project, tmp_path / "out")[0]["reason"] == "onnxruntime is not installed"


def test_a_live_keras_model(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="Keras is not installed (extra keras)")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu")])
    x = (np.random.default_rng(0).integers(-8, 9, (6, 4)) / 8).astype(np.float32)
    project = hlsgen.convert(model)
    facts, found = source_of(project, tmp_path / "out", x=x, source=True)
    assert facts["framework"] == f"keras {keras.__version__}"
    np.testing.assert_array_equal(found[0], model.predict(x, verbose=0))
    again = project.with_settings(default_width=12)
    np.testing.assert_array_equal(source_of(again, tmp_path / "again", x=x)[1][0], found[0])


def test_a_model_of_another_layout() -> None:
    """It gets its own axes, whatever users give the design; with its layers or without."""
    keras = pytest.importorskip("keras", reason="Keras is not installed (extra keras)")
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2D(3, 2, name="conv"), keras.layers.Flatten()])
    x = (np.random.default_rng(0).integers(-8, 9, (5, 4, 4, 2)) / 8).astype(np.float32)
    project = hlsgen.convert(model, input_layout="channels_first")
    name, wanted = project.design.inputs[0].name, model.predict(x, verbose=0)
    for layers in (False, True):
        found = source_outputs(project.design, model, {name: np.moveaxis(x, -1, 1)}, layers=layers)
        np.testing.assert_array_equal(found.outputs[0], wanted)
    assert found.layers["conv"].shape == (5, 3, 3, 3)


def test_a_dict_of_outputs_is_refused() -> None:
    keras = pytest.importorskip("keras", reason="Keras is not installed (extra keras)")
    x = keras.Input((4,))
    model = keras.Model(x, {"b": keras.layers.Dense(3)(x), "a": keras.layers.Dense(3)(x)})
    project = hlsgen.convert(model)
    inputs = {project.design.inputs[0].name: np.zeros((2, 4), np.float32)}
    for layers in (False, True):
        with pytest.raises(NotRunError, match="it returns a dict, whose order says nothing"):
            source_outputs(project.design, model, inputs, layers=layers)


@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("kind", ["MLPClassifier", "SGDClassifier", "LinearRegression", "StandardScaler"])
def test_estimators(tmp_path: Path, classes: int, kind: str) -> None:
    """What the design computes, as columns, alone or behind a scaler."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra dev)")
    from sklearn.linear_model import LinearRegression, SGDClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    x = rng.integers(-8, 9, (60, 4)) / 4
    estimators = {
        "MLPClassifier": MLPClassifier((5,), max_iter=5, random_state=0),
        "SGDClassifier": SGDClassifier(loss="log_loss", random_state=0),
        "LinearRegression": LinearRegression(),
        "StandardScaler": StandardScaler(),
    }
    labels = x[:, : max(classes, 2)].argmax(axis=1) if classes > 1 else (x[:, :2] > 0).astype(int)
    if classes == 1 and kind == "SGDClassifier":
        labels = labels[:, 0]
    model = make_pipeline(StandardScaler(), estimators[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, labels)
    project = hlsgen.convert(model, calibration=x)
    facts, (found,) = source_of(project, tmp_path / "out", x=x, source=True)
    assert facts["framework"].startswith("scikit-learn ")
    np.testing.assert_allclose(project.predict(x), found, rtol=0, atol=2.0**-8 * max(1, np.abs(found).max()))


def test_other_weights_are_their_models(tmp_path: Path) -> None:
    """Of a project with other weights, the source is the model that they came from."""
    from tests.onnx.nets import Net as OnnxNet

    models = []
    for seed in (0, 1):
        net = OnnxNet(seed=seed)
        net.output(net("Gemm", net.input(4), net.weight(4, 3), net.weight(3)))
        models.append(net.model())
    x = (np.random.default_rng(0).integers(-8, 9, (6, 4)) / 4).astype(np.float32)
    project = hlsgen.convert(models[0], input_precision="fixed<16,6>", precision="fixed<16,8>")
    other = project.with_weights(models[1])
    first, second = (source_of(p, tmp_path / n, x=x)[1][0] for n, p in (("a", project), ("b", other)))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(second, other.predict(x))
