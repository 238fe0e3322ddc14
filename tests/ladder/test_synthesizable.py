"""Nothing in a design asks for more than arithmetic, streams and memory: checked with headers that only declare.

The vendor's own headers pull in iostream and cannot show this. With ``stubs/`` the object file of the
top function may have no undefined symbol but those of the stubs and a few the compiler itself emits.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers as kl

from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.texts import firmware_files
from hlsgen.tools import find_compiler, run
from tests.compiled import write_files
from tests.ladder.harness import ALL, STAND_INS, WARNINGS, Variant, convert, dyadic_weights
from tests.ladder.test_settings import every_kind
from tests.passes.builders import Net, project_of

STUBS = Path(__file__).parent / "stubs"
COMPILER_OWN = {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}
STUB = re.compile(r"(?:ap_|hls::stream<|(?:bool |)operator|bool ap_)|.*\boperator[-+*]<ap_")


def shapes_and_tables() -> Any:
    x = keras.Input((4, 3, 2), name="image")
    side = keras.Input((1, 1, 2), name="side")
    line = kl.Reshape((6, 4), name="line")(x)
    outputs = [
        kl.UpSampling2D((2, 1), name="up")(x),
        kl.Conv2DTranspose(2, 3, strides=2, name="transposed")(x),
        kl.MaxPooling2D(2, name="pool")(kl.ZeroPadding2D(1, name="pad")(x)),
        kl.Permute((3, 1, 2), name="turn")(x),
        kl.PReLU(name="slopes")(x),
        kl.ReLU(threshold=0.5, name="gate")(x),
        kl.Activation("log_softmax", name="logarithms")(x),
        kl.Activation("sparsemax", name="sparse")(x),
        kl.Multiply(name="broadcast")([x, side]),
        kl.Minimum(name="least")([x, side]),
        kl.Concatenate(axis=2, name="cat")([x, x]),
        kl.GlobalMaxPooling2D(name="gmax")(x),
        kl.SeparableConv2D(2, 2, dilation_rate=2, padding="same", name="separable")(x),
        kl.Conv1D(3, 3, padding="causal", name="causal")(line),
        kl.MultiHeadAttention(2, 2, name="heads")(line, line, use_causal_mask=True),
        kl.Dense(2, activation="gelu", name="rank3")(x),
        kl.LayerNormalization(axis=[2, 3], name="standardised")(x),
        keras.ops.take(x, [2, 0, 2], axis=1),
        x[:, ::2],
        *keras.ops.top_k(x, 2),
        kl.Embedding(5, 2, name="rows")(keras.ops.argmin(x, axis=2)),
        kl.Dense(3, activation="softmax", name="fc")(kl.Flatten(name="flat")(x)),
    ]
    model = keras.Model([x, side], outputs)
    dyadic_weights(model)
    return model


@pytest.fixture(scope="module", params=[every_kind, shapes_and_tables], ids=["arithmetic", "shapes"])
def model(request):
    return request.param()


@pytest.mark.parametrize(
    ("variant", "words"),
    [*((variant, ()) for variant in ALL), (ALL[-1], ("-DHLSGEN_EXACT_WORDS",))],
    ids=[*map(str, ALL), f"{ALL[-1]}, exact words"],
)
def test_undefined_symbols(model, variant: Variant, words: tuple[str, ...], tmp_path: Path):
    check_symbols(convert(model, variant, input_precision="fixed<9,4>").plan, tmp_path, words)


PORTS = {
    "packets": {"io_type": "io_stream", "tlast": True},
    "memory": {"interface": "axi_master"},
    "memory of several samples": {"interface": "axi_master", "batch": True},
    "parts of packs": {"io_type": "io_stream", "port_width": 24},
    "arrays": {},
}


@pytest.mark.parametrize("name", PORTS)
def test_undefined_symbols_of_ports(name: str, tmp_path: Path):
    net = Net(4, "ported")
    net.conv("conv", net.input((16, 16, 3), "image"), 3, 2)
    project = project_of(net.source("conv"), input_precision="fixed<9,4>", **PORTS[name])
    assert project.plan.stream
    check_symbols(project.plan, tmp_path)


def test_undefined_symbols_of_adders(tmp_path: Path):
    net = Net(4, "added")
    net.conv("conv", net.input((5, 5, 3), "image"), 3, 2)
    settings = {"strategy": "distributed_arithmetic", "io_type": "io_stream"}
    check_symbols(project_of(net.source("conv"), input_precision="fixed<9,4>", **settings).plan, tmp_path)


def check_symbols(plan: Plan, tmp_path: Path, words: tuple[str, ...] = ()) -> None:
    """Compile the top function and look at what its object file lacks and has."""
    write_files(tmp_path, firmware_files(plan))
    compiler = find_compiler()
    stubs = [f"-isystem{STUBS}", f"-isystem{STAND_INS}"]
    flags = ["-std=c++14", "-O1", "-fno-exceptions", *WARNINGS, *words, *stubs, "-I."]
    run([*compiler.command, *flags, "-c", f"{plan.top}.cpp", "-o", "top.o"], cwd=tmp_path)
    names = [line.split()[-1] for line in run(["nm", "-u", "top.o"], cwd=tmp_path).output.splitlines()]
    plain = run(["c++filt", *names], cwd=tmp_path).output.splitlines()
    foreign = sorted({symbol for symbol in plain if symbol not in COMPILER_OWN and not STUB.match(symbol)})
    assert not foreign, f"not synthesizable: {foreign}"
    everything = run(["nm", "top.o"], cwd=tmp_path).output
    assert "_ZGV" not in everything, "a static local with an initialisation guard"
    assert "_GLOBAL__sub_I" not in everything, "constants are computed at run time"


def test_the_check_finds_what_it_should(tmp_path: Path):
    """The same compilation of a function that does what it must not."""
    shutil.copy(STUBS / "ap_int.h", tmp_path)
    (tmp_path / "bad.cpp").write_text(
        "#include <cmath>\n#include <cstdlib>\n#include <cstdio>\n"
        'int start();\nint bad(double x) { static int s = start(); std::printf("%d", s); return int(std::exp(x)); }\n'
    )
    run([*find_compiler().command, "-O1", "-c", "bad.cpp", "-o", "bad.o"], cwd=tmp_path)
    names = {line.split()[-1] for line in run(["nm", "-u", "bad.o"], cwd=tmp_path).output.splitlines()}
    assert {"exp", "__cxa_guard_acquire"} <= names
    assert not any(STUB.match(n) or n in COMPILER_OWN for n in ("exp", "printf", "__cxa_guard_acquire"))
