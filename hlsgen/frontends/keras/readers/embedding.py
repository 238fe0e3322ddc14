"""Embedding and Masking: rows of a table, and steps that count for nothing.

Masks themselves are no tensors here: who would use one is refused beforehand (``hlsgen.frontends.keras.masks``).
"""

from __future__ import annotations

from hlsgen.errors import UnsupportedError
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import NUMBER, SWITCH
from hlsgen.frontends.permuting import add_reshape
from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Value
from hlsgen.layers.embedding import Embedding


@reads("Embedding")
def read_embedding(call: Call) -> Value:
    """Fractions are cut off, as Keras does; numbers beyond the rows take the first or the last (Keras raises, or counts
    from the end)."""
    call.ignore("embeddings_initializer", "embeddings_regularizer", "embeddings_constraint", "output_dim")
    call.take("mask_zero", SWITCH, False)
    numbers = add_reshape(call, call.input, (*call.input.shape, 1))
    return call.add(Embedding(Constant.of(call.weight("embeddings"))), [numbers])


@reads("Masking")
def read_masking(call: Call) -> Value:
    """Steps of ``mask_value`` alone become zero, which those of zeros are."""
    if call.take("mask_value", NUMBER, 0.0) != 0:
        raise UnsupportedError(
            f"{call.where}: mask_value other than 0 is not supported; mark what is to be masked by zeros, and train so"
        )
    return call.input
