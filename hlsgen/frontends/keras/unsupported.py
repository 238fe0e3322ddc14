"""Why a layer of Keras is refused, and what to use in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hlsgen.errors import nearest

_RECURRENT = "of recurrent layers SimpleRNN, LSTM and GRU are, and Bidirectional of them"
_SAMPLE_STATISTICS = (
    "it divides by statistics of each sample; use BatchNormalization, whose statistics are constants after training"
)
_THREE_AXES = "volumes are not implemented; fold one axis into the channels and use the 2D layer"
_ATTENTION = "it multiplies two computed matrices, which is not implemented; Dense, Conv and pooling layers are"
_MASK = "masks are not implemented, and ignoring one would change what later layers compute; pad and train without"
_LOOKUP = "inputs are numbers on a fixed-point grid, not indices; look words up outside of the model"
_HOST = "it prepares raw data; do this before the model, in software"

_REASONS: dict[str, str] = {
    "RNN ConvLSTM1D ConvLSTM2D ConvLSTM3D StackedRNNCells SimpleRNNCell LSTMCell GRUCell": _RECURRENT,
    "LayerNormalization GroupNormalization UnitNormalization RMSNormalization": _SAMPLE_STATISTICS,
    "SpectralNormalization": "remove the wrapper after training: the weights of the layer in it are normalised then",
    "Conv3D Conv3DTranspose DepthwiseConv3D SeparableConv3D MaxPooling3D AveragePooling3D GlobalMaxPooling3D "
    "GlobalAveragePooling3D ZeroPadding3D Cropping3D UpSampling3D AdaptiveAveragePooling3D AdaptiveMaxPooling3D": (
        _THREE_AXES
    ),
    "Attention AdditiveAttention MultiHeadAttention GroupedQueryAttention": _ATTENTION,
    "EinsumDense": "its equation is not analysed; write it with Reshape, Permute and Dense",
    "LocallyConnected1D LocallyConnected2D": "unshared weights are not implemented; use a Conv or a Dense layer",
    "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveMaxPooling1D AdaptiveMaxPooling2D": (
        "windows of unequal size are not implemented; use AveragePooling or MaxPooling with a fixed size"
    ),
    "Masking": _MASK,
    "Embedding ReversibleEmbedding": _LOOKUP,
    "Resizing CenterCrop Discretization CategoryEncoding Hashing HashedCrossing IntegerLookup StringLookup "
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
    return f"no such layer is known{suggestion(class_name, known)}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """The nearest name, or where to look; the list of all is too long for a message."""
    text = nearest(name, known)
    return text if "did you mean" in text else "; docs/layers.md lists what is"


def wrapped_class(config: Mapping[str, Any]) -> str | None:
    """The class of the layer that a wrapper holds; None for a layer that is no wrapper."""
    inner = config.get("layer")
    return str(inner.get("class_name")).rpartition(">")[2] if isinstance(inner, Mapping) else None
