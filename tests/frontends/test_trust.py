"""Files of Keras that would run something if Keras read them: none is run, and what they name is said."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hlsgen
from hlsgen.analysis.diagnosis.source import ReferenceWarning
from hlsgen.errors import InputError, ModelError, UnsupportedError
from hlsgen.frontends import keras
from hlsgen.frontends.keras import running
from hlsgen.frontends.keras.files import configuration_of
from hlsgen.frontends.keras.trust import stranger_in
from hlsgen.frontends.reference import source_values
from hlsgen.frontends.values import Batch, MayHoldCodeError, NotRunError
from tests.diagnosis.models import EXAMPLES, without_compiler

BATCH = Batch({"x": np.zeros((3, 4), np.float32)}, ((3,),))
TRACE = "trace_of_code"
"""The file that code in a model would write, in the folder where tests run."""
CODE = f"open({TRACE!r}, 'w')"
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """No process starts that would load a file, and nothing leaves a trace."""

    def started(*_: Any, **__: Any) -> None:
        raise AssertionError("a file was run")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "run", started)
    yield
    assert not Path(TRACE).exists()


def thing(module: str | None, class_name: str, registered: str | None = None, **config: Any) -> dict[str, Any]:
    """An object as Keras 3 writes it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": registered}


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def sound() -> dict[str, Any]:
    """A model of one Dense, with a nested model behind it."""
    x = thing("keras.layers", "InputLayer", name="x", batch_shape=[None, 4], dtype="float32")
    dense = thing("keras.layers", "Dense", name="fc", units=3, activation="relu", use_bias=True)
    dense["config"]["kernel_initializer"] = thing("keras.initializers", "GlorotUniform", seed=None)
    dense["build_config"] = {"input_shape": [None, 4]}
    inside = thing("keras.layers", "InputLayer", name="y", batch_shape=[None, 3], dtype="float32")
    nested = thing("keras", "Sequential", name="nested", layers=[inside, thing("keras.layers", "ReLU", name="relu")])
    return thing("keras", "Sequential", name="m", layers=[x, dense, nested])


def stored(folder: Path, model: dict[str, Any]) -> Path:
    """The model as a .keras archive."""
    with h5py.File(folder / "w.h5", "w") as file:
        file["layers/dense/vars/0"] = (np.arange(12).reshape(4, 3) / 8 - 0.5).astype(np.float32)
        file["layers/dense/vars/1"] = np.zeros(3, np.float32)
        file.create_group("layers/sequential/layers")
    path = folder / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.0"}))
        archive.write(folder / "w.h5", "model.weights.h5")
    return path


def stored_h5(folder: Path, model: dict[str, Any], version: str) -> Path:
    """The model as the HDF5 file of a whole model."""
    path = folder / "m.h5"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["model_config"] = version, json.dumps(model)
        file.create_group("model_weights").attrs["layer_names"] = np.array([], dtype="S8")
    return path


def layers(model: dict[str, Any]) -> list[Any]:
    return model["config"]["layers"]


def put(**options: Any) -> Edit:
    """Options of the Dense."""
    return lambda model: layers(model)[1]["config"].update(options)


def add(layer: dict[str, Any]) -> Edit:
    return lambda model: layers(model).append(layer)


def compiled(model: dict[str, Any]) -> None:
    layers(model)[2]["compile_config"] = {"optimizer": thing("evil.optimizers", "Adam"), "loss": "mse"}


def losses(model: dict[str, Any]) -> None:
    layers(model)[2]["compile_config"] = {"optimizer": "adam", "loss": {"a": ["mse", "get_file"]}}


def built(model: dict[str, Any]) -> None:
    layers(model)[1]["build_config"] = {"input_shape": function("os", "system")}


LAMBDA = thing("keras.layers", "Lambda", name="code", function=thing(None, "__lambda__", code=CODE))
TYPESPEC = {"class_name": "__typespec__", "spec_name": "Popen", "module": "subprocess", "registered_name": None}
HOSTILE: dict[str, tuple[Edit, str]] = {
    "lambda": (add(LAMBDA), "'Lambda'"),
    "lambda in a wrapper": (add(thing("keras.layers", "TimeDistributed", name="t", layer=LAMBDA)), "'Lambda'"),
    "lambda of bytecode": (
        add(thing("keras.layers", "Lambda", name="l", function=["4wAAAAA=", None, None])),
        "'Lambda'",
    ),
    "lambda as an activation": (put(activation=thing(None, "__lambda__", value=CODE)), "__lambda__"),
    "class of any module": (put(kernel_initializer=thing("subprocess", "Popen", args=["touch", TRACE])), "subprocess"),
    "function of any module": (put(kernel_initializer=function("os", "system")), "'function' of 'os'"),
    "builtin": (put(bias_regularizer=function("builtins", "exec")), "'exec'"),
    "class of Python": (put(bias_regularizer=thing("builtins", "sum")), "'builtins'"),
    "gadget as a class": (put(bias_constraint=thing("keras.utils", "get_file", origin="http://x")), "get_file"),
    "gadget as a function": (put(bias_constraint=function("keras.utils", "get_file")), "keras.utils"),
    "gadget by a builtin": (put(activity_regularizer=function("builtins", "get_file")), "'get_file'"),
    "gadget by a known name": (put(bias_constraint=thing("keras.src.utils.file_utils", "Dense")), "file_utils"),
    "module by a prefix": (put(bias_constraint=thing("keras.layers\nevil", "Dense")), "evil"),
    "module that only begins so": (put(bias_constraint=thing("keras_evil.layers", "Dense")), "keras_evil"),
    "compiled nested model": (compiled, "evil.optimizers"),
    "losses of a nested model": (losses, "'get_file'"),
    "build_config": (built, "'os'"),
    "registered elsewhere": (add(thing("evil.layers", "Dense", "evil>Dense", name="e")), "evil.layers"),
    "registered name alone": (add(thing("keras.layers", "Dense", "evil>Dense", name="e")), "evil>Dense"),
    "registered as another": (
        put(bias_constraint=thing("keras.constraints", "NonNeg", "keras>Lambda")),
        "keras>Lambda",
    ),
    "program of another framework": (add(thing("keras.layers", "TFSMLayer", name="t", filepath="x")), "TFSMLayer"),
    "policy": (put(dtype=thing("evil", "DTypePolicy", name="float32")), "'evil'"),
    "type": (put(kernel_initializer=TYPESPEC), "__typespec__"),
    "class that is no text": (put(kernel_initializer={"class_name": ["Popen"], "config": {}}), "Popen"),
    "module that is no text": (put(kernel_initializer=thing(["os"], "Ones")), "'os'"),  # type: ignore[arg-type]
    "module without a class": (put(kernel_initializer={"module": "os", "config": "system"}), "'os'"),
    "text for an initializer": (put(kernel_initializer="serialize_keras_object"), "serialize_keras_object"),
    "text that QKeras calls": (put(kernel_quantizer=f"exec({CODE})"), "exec"),
    "text inside of a quantiser": (put(kernel_quantizer="quantized_bits(4, get_quantizer(1))"), "get_quantizer"),
    "text of an initializer of QKeras": (
        put(kernel_initializer=thing("qkeras.qlayers", "QInitializer", quantizer="importlib('evil')")),
        "importlib",
    ),
    "list of texts": (put(activation=["relu", "eval"]), "'eval'"),
}


@pytest.mark.parametrize(("edit", "said"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ["keras", "h5", "json"])
def test_what_is_in_no_list_is_not_run(tmp_path: Path, edit: Edit, said: str, kind: str) -> None:
    """Of every format: the object is named, and what to do."""
    model = sound()
    edit(model)
    path = stored(tmp_path, model) if kind == "keras" else stored_h5(tmp_path, model, "3.15.0")
    if kind == "json":
        path = tmp_path / "m.json"
        path.write_text(json.dumps(model))
    with pytest.raises(MayHoldCodeError, match="may hold code; if you trust it, load it yourself") as found:
        keras.run(path, BATCH)
    assert said in str(found.value)


KERAS2: dict[str, tuple[list[dict[str, Any]], str]] = {
    "custom class": ([{"class_name": "MyLayer", "config": {"name": "l"}}], "MyLayer"),
    "registered class": ([{"class_name": "Evil>Layer", "config": {"name": "l"}}], "Evil>Layer"),
    "custom namesake": ([{"class_name": "Evil>Dense", "config": {"name": "l", "units": 3}}], "Evil>Dense"),
    "lambda": ([{"class_name": "Lambda", "config": {"name": "l", "function": ["4wA=", None, None]}}], "'Lambda'"),
    "operation": ([{"class_name": "TFOpLambda", "config": {"name": "l", "function": "io.write_file"}}], "write_file"),
    "graph": ([{"class_name": "TensorFlowOpLayer", "config": {"name": "l", "node_def": {}}}], "TensorFlowOpLayer"),
}


@pytest.mark.parametrize(("more", "said"), KERAS2.values(), ids=KERAS2)
def test_of_keras_2(tmp_path: Path, more: list[dict[str, Any]], said: str) -> None:
    """The same where nobody reads the result: Keras makes the layer all the same."""
    dense = {"class_name": "Dense", "config": {"name": "fc", "units": 3, "batch_input_shape": [None, 4]}}
    config = {"name": "m", "layers": [dense, *more]}
    path = stored_h5(tmp_path, {"class_name": "Sequential", "config": config}, "2.15.0")
    with pytest.raises(MayHoldCodeError) as found:
        keras.run(path, BATCH)
    assert said in str(found.value)


def test_sound_files_are_known(tmp_path: Path) -> None:
    paths = [*EXAMPLES.glob("*/*.keras"), stored(tmp_path, sound())]
    assert len(paths) > 8 and [stranger_in(configuration_of(path)) for path in paths] == [None] * len(paths)


@pytest.mark.parametrize("name", [".pt", ".pth", ".pkl", ".joblib", ".skops"])
def test_pickles_are_not_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"m{name}"
    path.write_bytes(b"cos\nsystem\n(S'touch trace_of_code'\ntR.")
    with pytest.raises(MayHoldCodeError, match="may hold code"):
        source_values(path, BATCH)


def test_what_hlsgen_does_not_read_is_not_run(tmp_path: Path) -> None:
    """Though all names are known."""
    model = sound()
    put(dtype="float16")(model)
    with pytest.raises(NotRunError, match="hlsgen does not read it.*'float16' is not supported"):
        keras.run(stored(tmp_path, model), BATCH)


def test_the_graph_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default, which is said; whoever names the file is told why not. All who compare say the same."""
    without_compiler(monkeypatch)
    model = sound()
    put(kernel_initializer=function("os", "system"))(model)
    path = stored(tmp_path, model)
    x = np.random.default_rng(0).integers(-8, 9, (60, 4)) / 4
    project = hlsgen.convert(path, {"layers": {"fc": {"precision": {"result": "fixed<6,1>"}}}})
    why = "as it names the object 'function' of 'os' in 'fc', which may hold code"
    with pytest.warns(ReferenceWarning, match="compared with the graph in real numbers, as it names"):
        found = project.diagnose(x)
    assert found is not None and found.reference == f"the graph in real numbers, {why}" and why in str(found)
    with pytest.raises(ModelError, match="'os'.*load it yourself and give the live model, or compare with reference="):
        project.diagnose(x, str(path))
    with pytest.raises(UnsupportedError, match="source=True: it names the object 'function' of 'os'"):
        project.export("test-vectors", tmp_path / "out", x=x, source=True)
    monkeypatch.setattr(project, "predict", lambda x: x["x"][:, :3])
    assert project.compare(None, x).reference == f"in real numbers, computed by hlsgen, {why}"
    with pytest.raises(InputError, match="'os'.*give the live model, or its outputs as an array"):
        project.compare(str(path), x)
