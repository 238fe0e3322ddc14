"""What a quantiser does to constants and to data, whichever library it comes from.

The neutral meaning only: an :class:`Activation` on integers, :class:`Quantized` constants, and the
:class:`Quantizer` that yields both. A library's own spellings, defaults and arithmetic are a subpackage of
their own (:mod:`hlsgen.quantizers.qkeras`), which imports from here and never the other way round.
"""

from __future__ import annotations

from hlsgen.quantizers.base import Activation, PowersOfTwo, Quantized, Quantizer

__all__ = ["Activation", "PowersOfTwo", "Quantized", "Quantizer"]
