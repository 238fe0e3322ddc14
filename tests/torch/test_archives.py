"""``.pt2`` files: the same design as of the module, and nothing in them is run."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, ModelError, UnsupportedError
from tests.torch.nets import made, torch

MODEL = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"


def saved(path: Path, name: str) -> tuple[Any, Path]:
    """A module, and the file of its program for any number of samples."""
    module, shapes = made(name)
    module.eval()
    inputs = tuple(torch.randn(2, *shape) for shape in shapes)
    program = torch.export.export(module, inputs, dynamic_shapes=[{0: torch.export.Dim.DYNAMIC} for _ in inputs])
    file = path / "net.pt2"
    torch.export.save(program, file)
    return module, file


@pytest.mark.parametrize(
    "name", ["chain", "residual", "functional", "branches", "lstm", "rnn", "heads", "averages of parts"]
)
def test_the_design_is_that_of_the_module(tmp_path: Path, name: str) -> None:
    module, file = saved(tmp_path, name)
    _, shapes = made(name)
    ours = hlsgen.convert(file)
    theirs = hlsgen.convert(module, example_inputs=tuple(torch.randn(2, *shape) for shape in shapes))
    assert set(theirs.trace_keys()) - set(ours.trace_keys()) <= {op.name for op in theirs.design.ops}
    x = [np.random.default_rng(i).integers(-16, 17, (5, *shape)) / 8 for i, shape in enumerate(shapes)]
    first, second = (p.predict(x if len(x) > 1 else x[0], raw=True) for p in (ours, theirs))
    np.testing.assert_array_equal(first, second)


def changed(file: Path, member: str, change: Callable[[Any], Any]) -> Path:
    """The same archive with one file of JSON changed, or bytes in its place."""
    other = file.with_name("changed.pt2")
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(other, "w", zipfile.ZIP_STORED) as written:
        for info in archive.infolist():
            content = archive.read(info)
            if info.filename.endswith(member):
                made_of = change(json.loads(content) if member.endswith("json") else content)
                content = made_of if isinstance(made_of, bytes) else json.dumps(made_of).encode()
            written.writestr(info.filename, content)
    return other


class Touch:
    """What runs when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


def with_target(target: str) -> Callable[[Any], Any]:
    def change(model: Any) -> Any:
        model["graph_module"]["graph"]["nodes"][0]["target"] = target
        return model

    return change


def with_expression(text: str) -> Callable[[Any], Any]:
    def change(model: Any) -> Any:
        sizes = next(
            v["sizes"] for v in model["graph_module"]["graph"]["tensor_values"].values() if "as_expr" in str(v["sizes"])
        )
        sizes[0]["as_expr"]["expr_str"] = text
        return model

    return change


def with_pickled_weights(index: Any) -> Any:
    next(iter(index["config"].values()))["use_pickle"] = True
    return index


def with_structure(kind: str) -> Callable[[Any], Any]:
    def change(model: Any) -> Any:
        signature = model["graph_module"]["module_call_graph"][0]["signature"]
        signature["in_spec"] = signature["in_spec"].replace("builtins.tuple", kind)
        return model

    return change


@pytest.mark.parametrize(
    ("member", "change", "message"),
    [
        (MODEL, with_target("torch.os.system"), "calls 'torch.os.system'"),
        (MODEL, with_target("torch.hub.load"), "calls"),
        (MODEL, with_target("torch.ops.aten.__init__.__globals__"), "calls"),
        (MODEL, with_target("torch.ops.aten.from_file.default"), "calls"),
        (MODEL, with_target("torch.ops.mine.op.default"), "calls"),
        (MODEL, with_target("_operator.methodcaller"), "calls"),
        (MODEL, with_expression("__import__('os').system('true')"), "no expression of sizes"),
        (MODEL, with_expression("().__class__"), "no expression of sizes"),
        (MODEL, with_expression("Pow(Integer(9), Integer(999999999))"), "no expression of sizes"),
        (MODEL, with_expression("[s0 for s0 in 's']"), "no expression of sizes"),
        (MODEL, with_expression("Symbol('s0', positive=print())"), "no expression of sizes"),
        (MODEL, with_structure("collections.namedtuple"), "tuples, lists and dictionaries"),
        (WEIGHTS, with_pickled_weights, "kept as a pickle"),
    ],
)
def test_what_could_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str, change: Any, message: str
) -> None:
    _, file = saved(tmp_path, "chain")
    monkeypatch.setattr(torch.export, "load", lambda _: pytest.fail("PyTorch was asked to read it"))
    with pytest.raises(UnsupportedError, match=message):
        hlsgen.convert(changed(file, member, change))


def test_pickled_inputs_and_guards_are_left_out(tmp_path: Path) -> None:
    _, file = saved(tmp_path, "chain")
    mark = tmp_path / "ran"

    def with_guard(model: Any) -> Any:
        model["guards_code"] = [f"open({str(mark)!r}, 'w')"]
        return model

    for member, change in (("model.pt", lambda _: pickle.dumps(Touch(mark))), (MODEL, with_guard)):
        project = hlsgen.convert(changed(file, member, change))
        assert [op.layer.kind for op in project.design.ops] == ["Input", "Dense", "Relu", "Dense"]
        project.evaluate(np.zeros((1, 6)))
        assert not mark.exists()


def test_damaged_files(tmp_path: Path) -> None:
    _, file = saved(tmp_path, "chain")
    content = file.read_bytes()
    other = tmp_path / "other.pt2"
    for cut in (0, 1, 100, len(content) // 2, len(content) - 30):
        other.write_bytes(content[:cut])
        with pytest.raises(ModelError, match="damaged or no zip archive|holds 0 programs"):
            hlsgen.convert(other)
    with pytest.raises(ModelError, match="does not exist"):
        hlsgen.convert(tmp_path / "none.pt2")
    with pytest.raises(ModelError, match="is no JSON"):
        hlsgen.convert(changed(file, MODEL, lambda _: b"{"))
    with pytest.raises(ModelError, match=r"describes no program|nested too deeply"):
        hlsgen.convert(changed(file, MODEL, lambda _: []))
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as written:
        for name in archive.namelist():
            written.writestr(name, archive.read(name))
    with pytest.raises(ModelError, match="are compressed"):
        hlsgen.convert(other)


def test_any_change_of_a_file_is_an_error_of_our_own(tmp_path: Path) -> None:
    """Bytes of the description, one after the other; what is still read has the shape that it says."""
    _, file = saved(tmp_path, "chain")
    rng = np.random.default_rng(3)
    for _ in range(30):

        def change(content: Any) -> bytes:
            text = bytearray(json.dumps(content).encode())
            text[int(rng.integers(len(text)))] = int(rng.integers(32, 127))
            return bytes(text)

        try:
            project = hlsgen.convert(changed(file, MODEL, change))
        except HlsgenError:
            continue
        assert project.design.outputs
