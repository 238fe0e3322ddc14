"""PyTorch models: modules with example inputs, and programs of ``torch.export``.

PyTorch's own exporter makes ONNX of them, in memory, which the frontend of ONNX reads; layers get the names of their
modules. Of PyTorch's files a ``.pt2`` is read once it was looked through; the others are refused, for to read one is to
run what it holds. docs/pytorch.md says what users see.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.errors import HlsgenError, ModelError
from hlsgen.frontends.classes import classes_of
from hlsgen.frontends.values import Batch, MayHoldCodeError, NotRunError, SourceValues
from hlsgen.ir.graph import Graph

_SUFFIXES = (".pt", ".pth", ".pt2")
_KINDS = ("Module", "ExportedProgram")
_ONNX = (
    "torch.onnx.export(module.eval(), (x,), 'model.onnx', dynamo=True, dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))"
)


@dataclass(frozen=True, eq=False)
class Example:
    """A model with the tensors that it is traced on."""

    model: Any
    inputs: Any


def accepts(model: Any) -> bool:
    """Whether this is a file or an object of PyTorch, or whatever was given with example inputs."""
    if isinstance(model, str | os.PathLike):
        return Path(os.fsdecode(model)).suffix.lower() in _SUFFIXES
    return isinstance(model, Example) or _kind(model) != ""


def read(model: Any, weights: Path | None = None) -> Graph:
    """Build the graph of a model. Raises ModelError and UnsupportedError."""
    if weights is not None:
        raise ModelError("weights= goes with a .json architecture of Keras; a PyTorch model holds its own weights")
    path = Path(os.fsdecode(model)) if isinstance(model, str | os.PathLike) else None
    if path is not None and path.suffix.lower() != ".pt2":
        raise ModelError(_refused_file(path))
    inputs = None
    if isinstance(model, Example):
        model, inputs = model.model, model.inputs
        if _kind(model) != "Module":
            raise ModelError(
                "example_inputs= goes with a torch.nn.Module; a file, a torch.export.ExportedProgram and models of "
                "other frameworks have the shapes of their inputs"
            )
    try:
        import onnx  # noqa: F401
        import onnx_ir  # noqa: F401
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise ModelError(f"to read PyTorch models, install the extra: pip install 'hlsgen[torch]' ({error})") from error
    from hlsgen.frontends.onnx.build import build_graph
    from hlsgen.frontends.onnx.model import checked_model
    from hlsgen.frontends.torch.archive import read_program
    from hlsgen.frontends.torch.exporting import exported_module, is_quantised, onnx_of, quantised_model

    if path is not None:
        return build_graph(checked_model(onnx_of(read_program(path), str(path)), str(path)))
    where = f"the PyTorch model {type(model).__name__}" if _kind(model) == "Module" else "the exported program"
    if _kind(model) == "Module" and is_quantised(model):
        return build_graph(checked_model(quantised_model(model, inputs, where), where))
    program = model if _kind(model) == "ExportedProgram" else exported_module(model, inputs, where)
    return build_graph(checked_model(onnx_of(program, where), where))


def run(model: Any, batch: Batch) -> SourceValues:
    """The values of a batch by PyTorch (:mod:`hlsgen.frontends.reference`). Raises ModelError."""
    from hlsgen.frontends.torch.archive import read_program
    from hlsgen.frontends.torch.running import run_module, run_program

    given = model.model if isinstance(model, Example) else model
    if isinstance(given, str | os.PathLike):
        path = Path(os.fsdecode(given))
        if path.suffix.lower() != ".pt2":
            raise MayHoldCodeError(f"'{path}'", f"a '{path.suffix}' file is a pickle, which may hold code")
        try:
            read(path)  # whole: of what hlsgen does not know, nothing is run
        except HlsgenError as error:
            raise NotRunError(f"'{path}'", f"hlsgen does not read it ({error})", "give the live module") from error
        return run_program(read_program(path), f"'{path}'", batch)
    if _kind(given) == "ExportedProgram":
        return run_program(given, "the exported program", batch)
    return run_module(given, batch)


def _kind(model: Any) -> str:
    """What of PyTorch an object is, without importing it; empty for anything else."""
    return next((kind.__name__ for kind in classes_of(model, ["torch"]) if kind.__name__ in _KINDS), "")


def _refused_file(path: Path) -> str:
    """What to do instead of giving a file of PyTorch."""
    return (
        f"{path}: a '{path.suffix}' file is a pickle, which runs code when it is read; give the module itself, "
        f"hlsgen.convert(module, example_inputs=(x,)), or make an ONNX model of it: {_ONNX}"
    )
