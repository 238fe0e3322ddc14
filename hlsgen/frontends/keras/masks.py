"""Masks of Keras: which steps of a sequence count. A design has none, so layers that would use one are refused.

``Embedding(mask_zero=True)`` and ``Masking`` begin one, which goes along with their results from layer to layer. Most
layers only hand it on, or lose it; what they compute does not depend on it.
"""

from __future__ import annotations

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.source import LayerCall, SourceModel

_USING = frozenset(
    f"{q}{name}"
    for q in ("", "Q")
    for name in (
        "SimpleRNN LSTM GRU RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D TimeDistributed GlobalAveragePooling1D "
        "Softmax Attention AdditiveAttention MultiHeadAttention GroupQueryAttention GroupedQueryAttention"
    ).split()
)
"""Layers whose results depend on the mask of what they are given."""
_LOSING = frozenset(
    f"{q}{name}"
    for q in ("", "Q")
    for name in (
        "Conv1D Conv2D SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D Conv1DTranspose Conv2DTranspose "
        "MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D"
    ).split()
)
"""Layers that know no masks, in Keras 3 and in Keras 2: theirs end there."""


def check_masks(source: SourceModel) -> None:
    """Raise UnsupportedError for a layer that would use a mask."""
    masked: dict[str, str] = {}
    for call in source.calls:
        begun = [masked[tensor.call] for tensor in call.inputs if tensor.call in masked]
        bare = call.class_name.removeprefix("hgq>")
        if begun and bare in _USING and not call.is_operation:
            raise UnsupportedError(
                f"layer '{call.shown}' ({call.class_name}): it would leave out the steps that '{begun[0]}' masks, "
                "which is not implemented; pad and train without a mask (mask_zero=False, no Masking layer)"
            )
        if _begins(call):
            masked[call.name] = call.name
        elif begun and bare not in _LOSING:
            masked[call.name] = begun[0]


def _begins(call: LayerCall) -> bool:
    if call.is_operation:
        return False
    return call.class_name == "Masking" or (call.class_name == "Embedding" and bool(call.config.get("mask_zero")))
