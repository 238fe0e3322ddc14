"""How large a model may be: beyond these numbers a file is damaged, or the design is none that a chip holds.

They bound time and memory of a conversion, whatever a file says. All are far above what fits an FPGA.
"""

from __future__ import annotations

MAX_TENSOR = 2**24
"""Elements of a tensor between two layers: 224 x 224 x 334, or 1000 x 1000 x 16."""
MAX_WINDOW = 2**16
"""Cells of a window: 256 x 256. Pooling of the whole image has no window."""
MAX_WEIGHT = 2**27
"""Numbers in one weight: the largest of VGG16, 25088 x 4096, has 2**26.6."""
MAX_WEIGHTS = 2**29
"""Numbers in all weights of a model."""
MAX_RANK = 16
"""Axes of a tensor between two layers; no layer of Keras makes more than eight, and NumPy knows 32."""
MAX_CALLS = 8_000
"""Calls of layers and the tensors that they read, those of a model that is called several times each time."""
MAX_PARTS = 512
"""Tensors that one layer reads or yields, and that a model does."""
MAX_NODES = MAX_CALLS
"""Operations that all calls become."""
