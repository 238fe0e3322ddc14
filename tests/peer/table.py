"""All scenarios, and what of the other tool's tests has none: the rows of README.md."""

from __future__ import annotations

from collections import Counter

from tests.peer import convolutions, networks, qkeras_models, recurrent, shapes
from tests.peer.refusals import REFUSED
from tests.peer.scenario import QKERAS

TABLE = [
    *convolutions.SCENARIOS,
    *shapes.SCENARIOS,
    *recurrent.SCENARIOS,
    *networks.SCENARIOS,
    *qkeras_models.SCENARIOS,
]

SETTINGS = {
    "bram_factor": 1,
    "dense_unrolled": 2,
    "keras_h5_loader": 1,
    "pointwiseconv": 1,
    "repack_stream": 1,
    "time_distributed": 2,
    "trace": 1,
    "weight_writer": 30,
}
"""Cases about settings and files: tests/peer/test_settings.py."""

NOT_TOLD = {
    "auto_precision": "bits that single constants need; here `FixedType.covering`, tests/ir",
    "conv1d": "a trained model in files that are not at hand; Conv1D has scenarios above",
    "dense_fused": "a strategy, compared with another one of the same tool; here tests/ladder/test_strategies.py",
    "graph": "nodes inserted, removed and replaced by functions of that tool; here tests/ir",
    "keras_v3_profiling, boxplot": "plots of weights",
    "max_precision, types, precision_parsing": "classes of that tool; here tests/ir, and `max_width` in tests/passes",
    "multi_graph": "a design in several parts; the model is a scenario",
    "report, fifo_depth, build_*": "need synthesis tools; here `check_streams`",
    "softmax": "leaving out a softmax by a setting: cut it off the model; that is the scenario",
    "external_parameters, bram_manifest": "the manifest of a file format; here docs/interface.md, tests/ladder",
    "hgq_*, hgq2_*, bit_exact_*, proxy_model": "layers of HGQ, which are neither Keras's nor QKeras's",
    "optimization/*, da_custom_layer, flows, ccs_*": "pruning, passes and other strategies of that tool",
    "*_pytorch, *_onnx, brevitas_*, interaction_network, sr": "no Keras",
}
"""Files of the other tool, or parts of them, without a scenario, and why."""


def document() -> str:
    """The text of README.md."""
    told, refused = Counter(s.source for s in TABLE), Counter(row.source for row in REFUSED)
    lines = [
        "# The test cases of hls4ml, told again",
        "",
        "Models of our own with the layers, options, shapes and distributions of inputs that the tests of hls4ml",
        "(`test/pytest/test_<file>.py`) have for Keras and QKeras, at their tolerances or tighter. Each is converted by",
        "default types and, where a test there fixes a type, by that one, with arrays and streams, and compared with",
        "Keras; one of each file is compiled. Backends, strategies, reuse factors, sizes of tables and kinds of",
        "convolution that a test there goes through are one case here: no bit depends on them.",
        "",
        f"{len(TABLE)} scenarios ({sum(QKERAS in s.libraries for s in TABLE)} of QKeras), {sum(SETTINGS.values())} cases of "
        f"settings and files, {len(REFUSED)} that are refused by name.",
        "",
        "| file | scenarios | settings | refused |",
        "|---|---|---|---|",
    ]
    for source in sorted({*told, *refused, *SETTINGS}):
        counts = [table.get(source, 0) or "" for table in (told, SETTINGS, refused)]
        lines.append(f"| {source} | " + " | ".join(map(str, counts)) + " |")
    rest = [f"- `{files}`: {why}." for files, why in NOT_TOLD.items()]
    return "\n".join([*lines, "", "Without a scenario:", "", *rest, ""])
