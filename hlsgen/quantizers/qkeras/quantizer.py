"""What QKeras's quantisers have that others have not: a second nature as a kernel's quantiser."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.quantizers.base import Quantizer


@dataclass(frozen=True)
class QKerasQuantizer(Quantizer):
    """One quantiser of QKeras. Subclasses hold its options; see :func:`hlsgen.quantizers.qkeras.parse_quantizer`."""

    def trainable(self) -> QKerasQuantizer:
        """The quantiser a QKeras layer makes of this one when given as its *kernel's*: no ``alpha``
        becomes ``auto_po2`` (a saved model already says so)."""
        return self
