"""Keras model files: ``.keras``, full-model ``.h5``, and ``.json`` with an ``.h5`` of weights.

Nothing is extracted to disk, imported, unpickled or evaluated: JSON and numeric HDF5 datasets are all
that is read, each by its exact name.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hlsgen.errors import ModelError
from hlsgen.frontends.keras.config import ModelEntry, parse_model, plain
from hlsgen.frontends.keras.h5 import legacy_weights, path_weights
from hlsgen.frontends.keras.h5_file import Packed, Span, open_h5
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.frontends.keras.topology import Weights, build_source
from hlsgen.named_files import checked_file, content_of

MAX_PACKED = 1 << 30
"""Bytes that packed weights may become. Keras packs nothing: then they stay where they are until they are read."""
MAX_JSON = 16 << 20
"""Bytes of a configuration; that of NASNetLarge has one million."""
_PIECE = 1 << 20
_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, struct.error
)  # fmt: skip
_SUFFIXES = ".keras, .h5, .hdf5 or .json"
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def read_file(path: Path, weights: Path | None = None) -> SourceModel:
    """Read the model in ``path``; ``weights`` is the .h5 file that goes with a .json architecture."""
    suffix = path.suffix.lower()
    _check_file(path, f"a model file ({_SUFFIXES})", MAX_JSON if suffix == ".json" else None)
    if weights is not None and suffix != ".json":
        raise ModelError(
            f"{path}: weights= goes with a .json architecture file; a '{suffix}' file holds its own weights"
        )
    if suffix == ".keras":
        return _read_keras_zip(path)
    if suffix in (".h5", ".hdf5"):
        return _read_h5_model(path)
    if suffix == ".json":
        return _read_json_model(path, weights)
    raise ModelError(f"{path}: unknown kind of model file '{path.suffix}'; expected {_SUFFIXES}, .onnx or .pt2")


def configuration_of(path: Path) -> Any:
    """All that a file says about its architecture, plain: what Keras would make objects of. Raises ModelError."""
    suffix = path.suffix.lower()
    if suffix == ".keras":
        with _archive(path) as archive:
            return _json(f"{path}: {_CONFIG}", _member(path, archive, _CONFIG, MAX_JSON))
    if suffix == ".json":
        return _json(str(path), content_of(path, "the text of model.to_json()", ModelError, MAX_JSON))
    with open_h5(str(path), path) as root:
        return _json(f"{path}: model_config", root.text_attribute("model_config") or "null")


def _check_file(path: Path, expected: str, largest: int | None = None) -> None:
    advice = "of a SavedModel, load it in Keras and save it with model.save('model.keras')"
    checked_file(path, f"{expected}; {advice}", ModelError, largest)


# -- .keras ---------------------------------------------------------------------------------


def _read_keras_zip(path: Path) -> SourceModel:
    with _archive(path) as archive:
        config, metadata = (_member(path, archive, name, MAX_JSON) for name in (_CONFIG, _METADATA))
        info = _info(path, archive, _WEIGHTS)
    model = parse_model(_json(f"{path}: {_CONFIG}", config))
    facts = _json(f"{path}: {_METADATA}", metadata)
    flavour = _flavour(str(path), facts.get("keras_version") if isinstance(facts, dict) else None, model)
    with open_h5(str(path), _weights_of(path, info)) as root:
        found = path_weights(str(path), root, model, flavour, same_save=True)
    for _ in _pieces(path, info):  # to the end, where it is known whether they are those that were written
        pass
    return build_source(model, found, flavour)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever zipfile raises on damaged ones, here or later, becomes a ModelError."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _ZIP_ERRORS as error:
        raise ModelError(f"{path} is no readable .keras archive (truncated or damaged?): {error}") from error


def _info(path: Path, archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(name)
    except KeyError:
        have = ", ".join(archive.namelist()[:8]) or "nothing"
        raise ModelError(
            f"{path}: no '{name}' in the archive (it holds: {have}); expected a file saved by model.save()"
        ) from None


def _member(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    info = _info(path, archive, name)
    _check_size(path, info, limit)
    with archive.open(info) as member:
        return member.read(limit)


def _check_size(path: Path, info: zipfile.ZipInfo, limit: int) -> None:
    if info.file_size > limit:
        raise ModelError(
            f"{path}: member '{info.filename}' declares {info.file_size} bytes, more than the {limit} allowed"
        )


def _weights_of(path: Path, info: zipfile.ZipInfo) -> Span | Packed:
    """Where the weights are in the archive, if they are not packed."""
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        _check_size(path, info, MAX_PACKED)
        return Packed(info.file_size, _pieces(path, info))
    with (
        _archive(path) as archive,
        archive.open(info),
    ):  # which compares the header in front of the data with the directory
        pass
    with _archive(path), path.open("rb") as file:
        file.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
    return Span(path, info.header_offset + 30 + name + extra, info.file_size)


def _pieces(path: Path, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a member, of the size that it declares. Raises ModelError where it is another."""
    left = info.file_size
    with _archive(path) as archive, archive.open(info) as member:
        while piece := member.read(_PIECE):
            yield piece
            left -= len(piece)
        if left:
            raise EOFError(f"'{info.filename}' has {left} bytes less than it declares")


# -- .h5 and .json --------------------------------------------------------------------------


def _read_h5_model(path: Path) -> SourceModel:
    with open_h5(str(path), path) as root:
        text = root.text_attribute("model_config")
        if text is None:
            raise ModelError(
                f"{path} holds no architecture (no 'model_config'), only weights; "
                "pass the architecture .json (model.to_json()) as the model and this file as weights="
            )
        if len(text) > MAX_JSON:
            raise ModelError(f"{path}: model_config has {len(text)} characters, more than the {MAX_JSON} allowed")
        model = parse_model(_json(f"{path}: model_config", text))
        stored = root.group("model_weights")
        if stored is None:
            raise ModelError(f"{path}: no 'model_weights' group; the file is damaged")
        flavour = _flavour(str(path), root.text_attribute("keras_version"), model)
        weights = legacy_weights(str(path), stored, model, flavour)
    return build_source(model, weights, flavour)


def _read_json_model(path: Path, weights: Path | None) -> SourceModel:
    raw = _json(str(path), content_of(path, "the text of model.to_json()", ModelError, MAX_JSON))
    if not isinstance(raw, dict) or "config" not in raw:
        raise ModelError(f"{path} is no Keras architecture; expected the text of model.to_json()")
    model = parse_model(raw)
    if weights is None:
        raise ModelError(f"{path} holds the architecture only; pass the file of model.save_weights(...) as weights=")
    flavour = _flavour(str(path), raw.get("keras_version"), model)
    return build_source(model, _weights_file(weights, model, flavour), flavour)


def _weights_file(path: Path, model: ModelEntry, flavour: str) -> Weights:
    _check_file(path, "a weights file (.h5 from model.save_weights(...))")
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise ModelError(
            f"{path}: unknown kind of weights file '{path.suffix}'; expected .h5 from model.save_weights(...)"
        )
    where = str(path)
    with open_h5(where, path) as root:
        if root.has_names("layer_names"):
            return legacy_weights(where, root, model, flavour)
        full = root.group("model_weights")
        if full is not None and full.has_names("layer_names"):
            return legacy_weights(where, full, model, flavour)
        if root.group("layers") is not None or root.group("_layer_checkpoint_dependencies") is not None:
            return path_weights(where, root, model, flavour, same_save=False)
    raise ModelError(f"{path}: no Keras weights in this file; expected one written by model.save_weights(...)")


# -- shared ---------------------------------------------------------------------------------


def _json(where: str, text: bytes | str) -> Any:
    """The text as plain values. Raises ModelError."""
    try:
        return plain(json.loads(text))
    except ValueError as error:
        raise ModelError(f"{where} is no valid JSON (truncated or damaged?): {error}") from error
    except RecursionError as error:
        raise ModelError(f"{where}: nested absurdly deep; the file is damaged") from error
    except ModelError as error:
        raise ModelError(f"{where}: {error}") from error


def _flavour(where: str, version: object, model: ModelEntry) -> str:
    """Which Keras wrote a model: by the version that the file names, and by what only one of them writes.

    ``hard_sigmoid``, for one, is another function in Keras 3. Raises ModelError where the two contradict each other.
    """
    major = re.match(r"([0-9]{1,3})\.", version) if isinstance(version, str) else None
    told = set() if major is None else {"keras3" if int(major[1]) >= 3 else "keras2"}
    flavours = told | _writers(model)
    if len(flavours) > 1:
        spellings = " and ".join(sorted(_writers(model)))
        named = f"it says that Keras {version} wrote it, but " if told else ""
        raise ModelError(
            f"{where}: {named}shapes of its inputs are written as by {spellings}, which differ in what layers compute; "
            "the file is damaged, or was changed; save the model again"
        )
    return flavours.pop() if flavours else "keras3"  # whose to_json() names no version


def _writers(model: ModelEntry) -> set[str]:
    """The flavours by which shapes of inputs are spelt, where there are any."""
    old = {"keras2" for layer in model.everything() if "batch_input_shape" in layer.config}
    return old | {"keras3" for layer in model.everything() if layer.is_input and "batch_shape" in layer.config}
