"""Files of ONNX models, and the tensors that they keep beside them.

Nothing but protobuf messages is parsed. Data beside the model are read from regular files inside of its folder only:
a path in a model is a stranger's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from hlsgen.errors import ModelError, brief
from hlsgen.frontends.limits import MAX_WEIGHTS
from hlsgen.named_files import checked_file, content_of

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

MAX_FILE = 2**31 - 1
"""Bytes of a protobuf message; larger models keep their tensors beside it."""
_EXPECTED = "an ONNX model (.onnx)"
MAX_OUTSIDE = 4 * MAX_WEIGHTS
"""Bytes of all tensors beside a model: float32 numbers."""


def read_proto(model: Any) -> tuple[ModelProto, str]:
    """The message of a model with all its tensors, and what errors call it. Raises ModelError."""
    if not isinstance(model, str | os.PathLike):
        given: ModelProto = model
        if outside := next(_external(given), None):
            raise ModelError(
                f"the model keeps tensor {brief(outside.name)} in a file beside it, and comes without its path; give "
                "the path of the .onnx file, or load it with onnx.load(path)"
            )
        return given, "the ONNX model"
    path = Path(os.fsdecode(model))
    proto = _parsed(path)
    left = MAX_OUTSIDE
    for tensor in _external(proto):
        left -= _load(path, tensor, left)
    return proto, str(path)


def _parsed(path: Path) -> ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    content = content_of(checked_file(path, _EXPECTED, ModelError, MAX_FILE), _EXPECTED, ModelError, MAX_FILE)
    try:
        proto = ModelProto.FromString(content)
    except (DecodeError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: it is no ONNX model, or a damaged one ({error}); export it again") from error
    if not proto.HasField("graph"):
        raise ModelError(f"{path}: it holds no graph; it is no ONNX model, or was cut off; export it again")
    return proto


# -- tensors outside of the message ------------------------------------------------------------------


def _external(proto: ModelProto) -> Iterator[TensorProto]:
    """All tensors of a model whose data are in files."""
    from onnx import TensorProto

    graphs = [proto.graph]
    nodes = [node for function in proto.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            nodes += graph.node
            yield from (t for t in graph.initializer if t.data_location == TensorProto.EXTERNAL)
        else:
            tensors, inner = _of_attributes(nodes.pop())
            graphs += inner
            yield from (t for t in tensors if t.data_location == TensorProto.EXTERNAL)


def _of_attributes(node: NodeProto) -> tuple[list[TensorProto], list[GraphProto]]:
    tensors, graphs = [], []
    for attribute in node.attribute:
        tensors += [attribute.t, *attribute.tensors]
        graphs += [attribute.g] if attribute.HasField("g") else []
        graphs += attribute.graphs
    return tensors, graphs


def _load(path: Path, tensor: TensorProto, most: int) -> int:
    """Put the data of a tensor, of ``most`` bytes, into the message; returns how many they are.

    Raises ModelError for a file outside of the model's folder, and for more data.
    """
    from onnx import TensorProto

    where = f"{path}: tensor {brief(tensor.name)}"
    entries = {entry.key: entry.value for entry in tensor.external_data}
    file = _inside(path.parent, entries.get("location", ""), where)
    offset, length = (_whole(entries.get(key), where, key) for key in ("offset", "length"))
    size = file.stat().st_size
    start = offset or 0
    count = size - start if length is None else length
    if start > size or count > size - start or count < 0:
        raise ModelError(f"{where}: bytes {start} to {start + count} of {file.name}, which has {size}; export it again")
    if count > most:
        raise ModelError(f"{where}: with its {count} bytes, weights have more than the {MAX_OUTSIDE} allowed in all")
    with file.open("rb") as stream:
        stream.seek(start)
        tensor.raw_data = stream.read(count)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
    return count


def _inside(folder: Path, location: str, where: str) -> Path:
    """A regular file inside of a folder, also behind all links."""
    parts = PurePosixPath(location).parts
    outside = PurePosixPath(location).is_absolute() or PureWindowsPath(location).drive or "\\" in location
    if not location or outside or ".." in parts or "\0" in location:
        raise ModelError(
            f"{where}: its data are in {brief(location)}, expected the name of a file in the model's folder; save the "
            "model with onnx.save(..., save_as_external_data=True, location='weights.bin')"
        )
    file = checked_file(folder / location, "the data of an ONNX model", ModelError)
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ModelError(f"{where}: its data are in {brief(location)}, a link that leads out of the model's folder")
    return file


def _whole(text: str | None, where: str, key: str) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise ModelError(f"{where}: {key} {brief(text)} of its data is no whole number; the file is damaged")
    return int(text)
