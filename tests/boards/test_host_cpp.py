"""The host in C++ on stubs of XRT whose kernel is the generated top function with the vendor's headers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.program import Port
from hlsgen.ir.types import FixedType
from hlsgen.project import Project
from hlsgen.tools import vendor_headers
from tests.boards.model import load
from tests.boards.test_driver import data
from tests.boards.test_host import two_ports
from tests.compiled import program
from tests.passes.builders import Net, project_of
from tests.passes.test_input_features import SIZES, first_layer

pytestmark = pytest.mark.filterwarnings(
    "ignore::hlsgen.project.UnexpectedInputWarning",
    "ignore::hlsgen.project.ClippedInputWarning",
    "ignore::hlsgen.project.InaccurateWarning",
)
STUBS = Path(__file__).parent / "stubs"
WARNINGS = ("-Wall", "-Wextra", "-Werror")
HOST_OPTIONS = ("-std=c++17", "-O0", *WARNINGS, f"-I{STUBS}", "-I.")
KERNEL = """
#include <cstdlib>
#include <string>
#include <vector>

#include "firmware/{top}.h"
#include <xrt/xrt_kernel.h>

const char* const stub_name = "{top}";
const int stub_buffers = {ports};

// Memory to words and back, a bit at a time.
template <int N> static std::vector<ap_uint<N> > words(const unsigned char* bytes, int count) {{
    std::vector<ap_uint<N> > found(count);
    for (int i = 0; i < count * N; i++) found[i / N][i % N] = bool(bytes[i / 8] >> i % 8 & 1);
    return found;
}}

template <int N> static void store(const std::vector<ap_uint<N> >& words, unsigned char* bytes) {{
    for (int i = 0; i < int(words.size()) * N; i++)
        bytes[i / 8] = (unsigned char)((bytes[i / 8] & ~(1 << i % 8)) | int(bool(words[i / N][i % N])) << i % 8);
}}

void stub_compute(const std::vector<unsigned char*>& memory, int samples) {{
    {read}
    {top}({arguments}, samples);
    {store}
    if (const char* flip = std::getenv("FLIP")) {{  // a bit of the first output
        const int bit = std::atoi(flip);
        memory[{first_output}][bit / 8] ^= (unsigned char)(1 << bit % 8);
    }}
}}

ert_cmd_state stub_end() {{ return std::getenv("FAIL") ? ERT_CMD_STATE_ABORT : ERT_CMD_STATE_COMPLETED; }}
"""
PREDICT = """
#include <iomanip>
#include <iostream>

#include "board/design.h"

// Reads samples a call, a number of samples and real values in hexadecimal, input after input; prints mantissas and
// real values of all outputs.
int main() {
    std::size_t bytes = 0, samples = 0;
    std::cin >> bytes >> samples;
    board::Design design("binary", 0, bytes);
    board::Values x;
    std::string word;
    for (const board::Port& port : board::inputs()) {
        x.emplace_back();
        for (std::size_t i = 0; i < samples * port.size && std::cin >> word; i++) x.back().push_back(std::strtod(word.c_str(), nullptr));
    }
    board::Mantissas given(x.size());
    for (std::size_t n = 0; n < x.size(); n++)
        for (std::size_t i = 0; i < x[n].size(); i++) given[n].push_back(quantize(board::inputs()[n], x[n][i], i % board::inputs()[n].size));
    try {
        for (const std::vector<board::Mantissa>& y : design.run(given)) {
            for (const board::Mantissa mantissa : y) std::cout << board::text(mantissa) << ' ';
            std::cout << '\\n';
        }
        for (const std::vector<double>& y : design.predict(x)) {
            for (const double value : y) std::cout << std::hexfloat << value << ' ';
            std::cout << '\\n';
        }
    } catch (const std::exception& error) {
        std::cout << "ERROR: " << error.what() << '\\n';
    }
}
"""


def kernel(project: Project) -> str:
    """The top function of a project as the stubs' kernel."""
    ports = project.plan.ports
    read, store = [], []
    for n, port in enumerate(ports):
        read.append(
            f"std::vector<ap_uint<{port.bits}> > port{n} = words<{port.bits}>(memory[{n}], {port.words} * samples);"
        )
        if not port.is_input:
            store.append(f"store<{port.bits}>(port{n}, memory[{n}]);")
    arguments = ", ".join(f"port{n}.data()" for n in range(len(ports)))
    first_output = sum(port.is_input for port in ports)
    return KERNEL.format(
        top=project.name, ports=len(ports), read="\n    ".join(read), store="\n    ".join(store), arguments=arguments,
        first_output=first_output,
    )  # fmt: skip


def host_texts(project: Project) -> dict[str, str]:
    return {name: text for name, text in project.files.items() if name.startswith("board/")}


def built(project: Project, main: str, texts: dict[str, str] | None = None) -> Path:
    """A program of the project's host and kernel; ``main`` is one of its texts or of ``texts``."""
    firmware = {name: text for name, text in project.files.items() if name.startswith("firmware/")}
    headers = vendor_headers()
    assert headers is not None, "no vendor headers: install hls4ml or set HLSGEN_VENDOR_HEADERS"
    of_kernel = ["-Wno-unknown-pragmas", "-Wno-unused-label", "-fwrapv", "-shared", "-fPIC", f"-isystem{headers}"]
    units = ["kernel.cpp", f"firmware/{project.name}.cpp"]
    files = {**firmware, "kernel.cpp": kernel(project)}
    library = program(files, units, [*HOST_OPTIONS, *of_kernel, "-Ifirmware"])
    return program({**host_texts(project), **(texts or {})}, [main], [*HOST_OPTIONS, f"-Wl,--no-as-needed,{library}"])


def predicted(project: Project, x: Sequence[Any], bytes_of_call: int, **env: str) -> tuple[list[Any], list[Any]]:
    """Mantissas and real values of each output by the host."""
    made = built(project, "predict.cpp", {"predict.cpp": PREDICT})
    values = " ".join(float(value).hex() for array in x for value in np.ravel(array))
    given = f"{bytes_of_call} {len(x[0])} {values}"
    done = subprocess.run([str(made)], input=given, capture_output=True, text=True, timeout=120, env=env)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stdout, done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    outputs = len(project.design.outputs)
    raw = [np.array([int(word) for word in line], dtype=object) for line in lines[:outputs]]
    return raw, [np.array([float.fromhex(word) for word in line]) for line in lines[outputs:]]


def check(project: Project, x: Sequence[Any], bytes_of_call: int) -> None:
    given = dict(zip((t.name for t in project.design.inputs), x, strict=True))
    rights = project.predict(given, raw=True), project.predict(given)
    if len(project.design.outputs) == 1:
        rights = [rights[0]], [rights[1]]
    for found, right in zip(predicted(project, x, bytes_of_call), rights, strict=True):
        for values, expected in zip(found, right, strict=True):
            assert values.tolist() == np.ravel(expected).tolist()


@pytest.mark.parametrize("bytes_of_call", [1, 64, 1 << 22])
def test_equals_predict(bytes_of_call: int, tmp_path: Path) -> None:
    """Elements that straddle bytes, words of several of them, one call and several."""
    project = two_ports(tmp_path, input_precision="fixed<33,9,RND_CONV,SAT>")
    check(project, [data(1, 6, 3, 5), data(2, 6, 3, 5)], bytes_of_call)


def test_layers_with_weights(tmp_path: Path) -> None:
    """Images and vectors of other types, a convolution and a dense layer in turns; words that hold a part of a pixel."""
    net = Net(3, "mixed")
    a, b = net.input((4, 3, 3), "image"), net.input((5,), "side")
    net.conv("conv", a, 3, 3, padding="same")
    net.dense("fc", b, 5, 5)
    layers = {
        "conv": {"precision": {"result": "ufixed<13,5,TRN,SAT>"}},
        "fc": {"strategy": "resource", "reuse_factor": 5},
    }
    project = project_of(
        net.source("conv", "fc"), board="u280", port_width=64, layers=layers, output_dir=tmp_path,
        input_precision={"image": "fixed<17,4>", "side": "ufixed<7,3>"},
    )  # fmt: skip
    rng = np.random.default_rng(4)
    check(project, [rng.normal(size=(7, 4, 3, 3)) * 4, rng.uniform(0, 8, size=(7, 5))], 200)


WORDS = """
#include <iostream>

#include "board/ports.h"

// Prints the words of the first input, byte by byte, for a sample of real values.
int main() {
    using namespace board;
    const Port& port = inputs()[0];
    std::vector<Mantissa> x;
    std::string word;
    while (std::cin >> word) x.push_back(quantize(port, std::strtod(word.c_str(), nullptr), x.size() % port.size));
    std::vector<unsigned char> bytes(port.bytes());
    for (std::size_t first = 0; first < x.size(); first += port.size) {
        pack(port, &x[first], bytes.data());
        for (const unsigned char byte : bytes) std::cout << int(byte) << ' ';
    }
}
"""


def test_exponents(tmp_path: Path) -> None:
    """Words are those of the host in Python, whose results are compared with predict."""
    source = first_layer("sequence")
    x = np.random.default_rng(1).normal(size=(200, *source.inputs[0].shape)) * SIZES
    calibration = {source.inputs[0].name: x}
    project = project_of(source, calibration, output_dir=tmp_path, board="u200", default_width=12)
    assert project.design.inputs[0].exponents is not None
    made = program({**host_texts(project), "words.cpp": WORDS}, ["words.cpp"], HOST_OPTIONS)
    values = " ".join(float(value).hex() for value in x[:9].reshape(-1))
    done = subprocess.run([str(made)], input=values, capture_output=True, text=True, timeout=60)
    packing, ports = (load(project.write(), name) for name in ("packing", "ports"))
    (port,) = ports.INPUTS
    assert list(map(int, done.stdout.split())) == packing.pack(port, packing.quantize(port, x[:9])).reshape(-1).tolist()


def ended(program: Path, folder: Path, *arguments: str, **env: str) -> tuple[int, str]:
    done = subprocess.run([str(program), *arguments], cwd=folder, capture_output=True, text=True, timeout=120, env=env)
    return done.returncode, done.stdout + done.stderr


def test_self_test(tmp_path: Path) -> None:
    """It passes; one bit of a later sample that is disturbed is found, and so is one above the elements."""
    project = two_ports(tmp_path, input_precision="fixed<33,9,RND_CONV,SAT>")
    host, folder = built(project, "board/host.cpp"), project.write() / "board"
    assert ended(host, folder, "binary") == (0, "10 samples are right\n")
    port = next(port for port in project.plan.ports if not port.is_input)
    code, said = ended(host, folder, "binary", FLIP=str(bit_of(port, sample=4, element=2)))
    assert code == 1 and f"{port.wire.name} is wrong; the first element is 2 of sample 4: found" in said
    code, said = ended(host, folder, "binary", "../tb_data", FLIP=str(port.bits - 1))
    assert code == 1 and "bits above the elements" in said
    code, said = ended(host, folder, "binary", FAIL="1")
    assert code == 1 and "a call of the kernel has failed" in said
    code, said = ended(host, folder, "binary", str(tmp_path))
    assert code == 1 and "inputs.dat: cannot be read" in said
    assert ended(host, folder)[0] == 2
    for text, why in (("", "holds no sample"), ("1 2\n", "too short"), ("1 x\n", "no integer: 'x'")):
        (tmp_path / "inputs.dat").write_text(text)
        code, said = ended(host, folder, "binary", str(tmp_path))
        assert code == 1 and why in said, said


def bit_of(port: Port, sample: int, element: int) -> int:
    """The lowest bit of an element in memory."""
    word, place = divmod(element, port.elements)
    return (sample * port.words + word) * port.bits + place * port.wire.type.width


QUANTIZE = """
#include <iostream>

#include "board/packing.h"

// Ports as `width fraction signed rounding overflow`, and values; prints mantissas, and again when packed and unpacked.
int main() {
    using namespace board;
    int width, fraction, is_signed, rounding, overflow, count;
    while (std::cin >> width >> fraction >> is_signed >> rounding >> overflow >> count) {
        const Port port = {"x", std::size_t(count), width, fraction, is_signed != 0, Rounding(rounding), Overflow(overflow),
                           1, std::size_t((width + 7) / 8 * 8), std::size_t(count), {}};
        std::vector<Mantissa> x, again(count);
        std::string word;
        for (int i = 0; i < count && std::cin >> word; i++) x.push_back(quantize(port, std::strtod(word.c_str(), nullptr), i));
        std::vector<unsigned char> bytes(port.bytes());
        pack(port, x.data(), bytes.data());
        unpack(port, bytes.data(), again.data());
        for (int i = 0; i < count; i++) std::cout << text(parsed(text(x[i]))) << (again[i] == x[i] ? " " : " other ");
        std::cout << '\\n';
    }
}
"""
ROUNDING = ["RND", "RND_MIN_INF", "RND_ZERO", "RND_INF", "RND_CONV", "TRN", "TRN_ZERO"]
OVERFLOW = ["WRAP", "SAT", "SAT_ZERO", "SAT_SYM"]
WIDTHS = [
    (8, 8, True),
    (8, 3, False),
    (64, 40, True),
    (64, 64, False),
    (1, 1, True),
    (1, 0, False),
    (5, 9, True),
    (120, 60, True),
]


def test_rounds_and_limits_as_the_types_do(tmp_path: Path) -> None:
    """Every mode of every kind of type, on values where they differ."""
    packing = two_ports(tmp_path, input_precision="fixed<7,3>").files["board/packing.h"]
    made = program(
        {"board/packing.h": packing, "quantize.cpp": QUANTIZE},
        ["quantize.cpp"],
        ["-std=c++17", "-O1", *WARNINGS, "-I."],
    )
    rng = np.random.default_rng(7)
    half = 0.5 - 2.0**-54
    hard = [0.5, -0.5, 1.5, -1.5, half, -half, 1e-320, -1e-320, 0, np.inf, -np.inf, 1e300, -3e18, 2.0**62, -(2.0**63)]
    drawn = rng.normal(size=60) * 2.0 ** rng.integers(-20, 130, 60)
    x = np.concatenate([hard, drawn, rng.integers(-99, 99, 40) / 4])
    given, rights = [], []
    for width, integer, signed in WIDTHS:
        for r, rounding in enumerate(ROUNDING):
            for o, overflow in enumerate(OVERFLOW):
                text = f"{'' if signed else 'u'}fixed<{width},{integer},{rounding},{overflow}>"
                fixed = FixedType.parse(text)
                values = " ".join(float(value).hex() for value in x)
                given.append(f"{width} {fixed.frac} {int(signed)} {r} {o} {len(x)} {values}\n")
                rights.append((text, fixed.quantize(x).tolist()))
    done = subprocess.run([str(made)], input="".join(given), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for line, (text, right) in zip(done.stdout.splitlines(), rights, strict=True):
        assert line.split() == [str(int(value)) for value in right], text
