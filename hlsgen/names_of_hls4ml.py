"""What has another name in hls4ml, for the errors of who writes it; nothing here is ever read as a setting.

Names are compared without regard to case and underscores, so those that differ in nothing else (``ReuseFactor``) need
no line: the ordinary advice finds them.
"""

from __future__ import annotations

from collections.abc import Collection

KEYS = {
    "HLSConfig": "leave it out: 'Model' is 'defaults' here, its 'LayerType' 'layer_types', its 'LayerName' 'layers'",
    "Model": "what hls4ml has below it stands below 'defaults' ('model' is the path of the model)",
    "LayerType": "its name is 'layer_types'",
    "LayerName": "its name is 'layers'",
    "KerasModel": "its name is 'model'",
    "KerasJson": "its name is 'model', and 'weights' is the .h5 that goes with it",
    "KerasH5": "its name is 'model', or, of an .h5 that goes with a .json, 'weights'",
    "Device": "its name is 'part'",
    "XilinxPart": "its name is 'part'",
    "InputData": "its name is 'test_vectors', with 'x'",
    "InputDataTb": "its name is 'test_vectors', with 'x'",
    "OutputPredictions": "its name is 'test_vectors', with 'y'",
    "OutputDataTb": "its name is 'test_vectors', with 'y'",
    "PipelineStyle": "its name is 'pipeline': 'flat' is one pipeline, 'dataflow' processes",
    "PipelineInterval": "its name is 'interval'",
    "TargetCycles": "give an 'interval', and 'reuse_factor' 'auto'",
    "BramFactor": "give 'weights' 'bram_port' below a layer, a type of layers or 'defaults'",
    "ConvImplementation": "leave it out, since io_stream has line buffers",
    "Compression": "give 'strategy' 'unrolled', where weights that are zero cost nothing",
    "TableSize": "leave it out, since the size of a table follows from the types",
    "TableT": "leave it out, since the types of a table follow from those of its input and result",
    "ExpTableT": "leave it out, since the types of a table follow from those of its input and result",
    "InvTableT": "leave it out, since the types of a table follow from those of its input and result",
    "Implementation": "leave it out, since there is one softmax, which is stable",
    "Trace": "leave it out, since project.trace() needs no setting",
    "TraceOutput": "leave it out, since project.trace() needs no setting",
    "BitExact": "leave it out, since inferred types always hold what is computed",
    "Granularity": "leave it out, since 'layers' names only those with settings of their own",
    "Optimizers": "passes that can be left off stand in 'skip_passes'",
    "SkipOptimizers": "its name is 'skip_passes'",
    "Driver": "leave it out, since it comes with a 'board'",
}
"""What to do instead, by key."""

KEYS_OF_PRECISION = {
    "Default": "write its type alone, as 'precision', or give it to 'weight', 'bias' and 'result'",
    "Maximum": "its name is 'max_width', of the whole configuration",
    "Table": "leave it out, since the types of a table follow from those of its input and result",
}
"""The same of those below ``precision``, which mean something else at other places."""

VALUES = {
    ("strategy", "resource_unrolled"): "unrolled",
    ("strategy", "compressed"): "unrolled",
    ("pipeline", "pipeline"): "flat",
    ("interface", "axi_stream"): "axis",
}
"""What a value is called here, by key (as it is here) and value."""


def advice_on_key(key: str, of_precision: bool) -> str | None:
    """What to do instead of a key of hls4ml's; None for one that it does not have, or whose name is nearly ours."""
    keys = {**KEYS, **KEYS_OF_PRECISION} if of_precision else KEYS
    found = {_plain(name): advice for name, advice in keys.items()}.get(_plain(key))
    return None if found is None else f"; if it is hls4ml's: {found}"


def advice_on_value(key: str, value: str, valid: Collection[str]) -> str:
    """Which of the valid words is meant by one of hls4ml's, or by one that only looks otherwise; empty if none is."""
    alike = {_plain(word): word for word in valid} | {_plain(w): ours for (k, w), ours in VALUES.items() if k == key}
    found = alike.get(_plain(value))
    return "" if found is None else f"; did you mean '{found}'?"


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
