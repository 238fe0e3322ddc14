"""Why a layer of Keras is refused, and what to use in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hlsgen.errors import nearest

_RECURRENT = "of recurrent layers SimpleRNN, LSTM and GRU are, and Bidirectional of them"
_THREE_AXES = "that of volumes is not implemented; UpSampling3D and Conv3D are, and the layers of images"
_LOOKUP = "its table is used in both directions; write it as an Embedding and a Dense"
_HOST = "it prepares raw data; do this before the model, in software"

_REASONS: dict[str, str] = {
    "RNN ConvLSTM3D StackedRNNCells SimpleRNNCell LSTMCell GRUCell": _RECURRENT,
    "SpectralNormalization": "remove the wrapper after training: the weights of the layer in it are normalised then",
    "Conv3DTranspose DepthwiseConv3D SeparableConv3D": _THREE_AXES,
    "ReversibleEmbedding": _LOOKUP,
    "CenterCrop Discretization CategoryEncoding Hashing HashedCrossing IntegerLookup StringLookup "
    "TextVectorization RandomCrop MelSpectrogram STFTSpectrogram": _HOST,
    "Lambda": "a Lambda holds Python code, which is never run; write it with supported layers",
    "TFSMLayer TorchModuleWrapper JaxLayer FlaxLayer": "it holds another framework's program, which is never run",
}
_REASON_OF = {name: reason for names, reason in _REASONS.items() for name in names.split()}


def why_refused(class_name: str, config: Mapping[str, Any], known: Iterable[str]) -> str:
    """What to say behind "is not supported: " about a class that no reader is registered for."""
    if class_name in _REASON_OF:
        return _REASON_OF[class_name]
    inner = wrapped_class(config)
    if inner:
        return f"it wraps {inner}: {_REASON_OF.get(inner, 'wrappers other than TimeDistributed are not implemented')}"
    if class_name.startswith("hgq>"):
        return "this layer of HGQ2 is not read; docs/hgq.md lists those that are"
    if ">" in class_name:
        return "it is of your own, and its code is never run; say what it is with hlsgen.register_layer"
    return f"no such layer is known{suggestion(class_name, known)}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """The nearest name, or where to look; the list of all is too long for a message."""
    text = nearest(name, known)
    return text if "did you mean" in text else "; docs/layers.md lists what is"


def wrapped_class(config: Mapping[str, Any]) -> str | None:
    """The class of the layer that a wrapper holds; None for a layer that is no wrapper."""
    inner = config.get("layer")
    return str(inner.get("class_name")).rpartition(">")[2] if isinstance(inner, Mapping) else None
