"""ONNX models: files and ``ModelProto`` objects.

Their tensors have the channels first, those of hlsgen the channels last. Nothing is transposed for that: of every
tensor it is known where its axes lie (:mod:`hlsgen.frontends.onnx.layout`), and weights are brought into that order.
docs/onnx.md says what users see of it, and which operators are read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hlsgen.errors import ModelError
from hlsgen.frontends.values import Batch, SourceValues
from hlsgen.ir.graph import Graph

_SUFFIX = ".onnx"


def accepts(model: Any) -> bool:
    """Whether this is an ``.onnx`` file or a ModelProto."""
    if isinstance(model, str | os.PathLike):
        return Path(os.fsdecode(model)).suffix.lower() == _SUFFIX
    return (type(model).__module__.partition(".")[0], type(model).__name__) == ("onnx", "ModelProto")


def read(model: Any, weights: Path | None = None) -> Graph:
    """Build the graph of a model. Raises ModelError and UnsupportedError."""
    if weights is not None:
        raise ModelError("weights= goes with a .json architecture of Keras; an ONNX model holds its own weights")
    try:
        import onnx  # noqa: F401
        import onnx_ir  # noqa: F401
    except ImportError as error:
        raise ModelError(f"to read ONNX models, install the extra: pip install 'hlsgen[onnx]' ({error})") from error
    from hlsgen.frontends.onnx.build import build_graph
    from hlsgen.frontends.onnx.files import read_proto
    from hlsgen.frontends.onnx.model import checked_model

    return build_graph(checked_model(*read_proto(model)))


def run(model: Any, batch: Batch) -> SourceValues:
    """The values of a batch by ONNX Runtime (:mod:`hlsgen.frontends.reference`). Raises ModelError."""
    from hlsgen.frontends.onnx.files import read_proto
    from hlsgen.frontends.onnx.running import run_proto

    return run_proto(*read_proto(model), batch)
