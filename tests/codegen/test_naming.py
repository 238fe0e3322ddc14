"""Identifiers and comments: whatever a layer is called, the C++ stays what it was meant to be."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlsgen.backends.hls.naming import PROJECT_NAMES, WIRE_NAMES, Identifiers, comment
from tests.passes.builders import Net, grid, project_of

IDENTIFIER = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")
CPP_KEYWORDS = """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class compl
    concept const const_cast consteval constexpr constinit continue co_await co_return co_yield decltype default delete do
    double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
    new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
    short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
    typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq main linux unix null nan eof
""".split()
HOSTILE = [
    "int", "INT", "../x", "..", "/etc/passwd", 'a"; system("x', "卷积层", "свёртка", "naïve", "", " ", "1st", "_", "__x__",
    "_Upper", "a__b", "a.b", "a-b", "a/b", "a\nb", "a\\", "x" * 300, "std", "hlsgen", "ap_fixed", "std::cout", "NULL",
    "x_t", "x_word", "fc1_config", "a_w", "b_b", "\u0130stanbul", "ﬁ", "²", "\u202egnirts", "a\x00b", "%s", "{{ plan }}", "con", "é",
]  # fmt: skip


@pytest.mark.parametrize("name", [*HOSTILE, *CPP_KEYWORDS])
def test_an_identifier_is_safe(name):
    made = Identifiers().make(name)
    assert IDENTIFIER.fullmatch(made), made
    assert made.lower() not in CPP_KEYWORDS
    assert len(made) <= 60
    assert "__" not in made and not made.startswith("_"), "reserved for the implementation"


@pytest.mark.parametrize("name", ["input", "output", "signal", "in", "out", "Wire", "reg", "BUFFER", "table", "entity"])
def test_no_name_is_a_word_of_the_hardware(name):
    """Vitis HLS calls a port ``input`` ``input_r``: header, block design and drivers would not be true of it."""
    assert Identifiers().make(name) == f"n_{name}"


@settings(max_examples=300)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=12))
def test_identifiers_are_unique_ignoring_case(names):
    identifiers = Identifiers(WIRE_NAMES)
    made = [identifiers.make(name) for name in names]
    assert len({m.lower() for m in made}) == len(made)
    for m in made:
        assert IDENTIFIER.fullmatch(m) and m.lower() not in CPP_KEYWORDS and m.lower() not in WIRE_NAMES


@pytest.mark.parametrize(
    "pair", [("fc", "FC"), ("a b", "a_b"), ("fc_2", "fc"), ("é", "e"), ("卷", "积"), ("x" * 60, "x" * 61)]
)
def test_collisions(pair):
    for names in (pair, pair[::-1], (*pair, *pair)):
        identifiers = Identifiers()
        made = [identifiers.make(n).lower() for n in names]
        assert len(set(made)) == len(names), made


def test_generated_suffixes_belong_to_the_generator():
    """``fc_w`` is the weight array of ``fc``; a layer of that name becomes something else."""
    for suffix in ("_t", "_word", "_config", "_w", "_b", "_packs", "_parts", "_port"):
        assert not Identifiers().make(f"fc{suffix}").endswith(suffix)


@settings(max_examples=500)
@given(st.text(max_size=200))
def test_a_comment_stays_a_comment(text):
    made = comment(text)
    assert len(made.splitlines()) <= 1 and "\n" not in made and "\r" not in made
    assert "\\" not in made
    assert "??" not in made, "no trigraph, in particular no ??/"
    assert all(c.isprintable() for c in made)


@pytest.mark.parametrize(
    "text",
    [
        "a\nint x;",
        "a\r\nb",
        "a\\",
        "a??/",
        "??????/",
        "a?\x00?/",
        "a\u2028b",
        "a\x0bb",
        "a\x0cb",
        "a\x85b",
        "\u202e",
        "??\\/",
    ],
)
def test_comment_cannot_break_out(text):
    made = comment(text)
    assert len(f"// {made}".splitlines()) == 1
    assert "??/" not in made and not made.endswith("\\")


# -- whole designs ---------------------------------------------------------------------------------


def project_named(*names: str, io_type: str = "io_parallel", **settings):
    """A chain of Dense layers of these names."""
    net = Net(name=settings.pop("model", "net"))
    x = net.input((3,), settings.pop("input_name", "x"))
    for name in names:
        x = net.dense(name, x, 3, 3)
    return project_of(net.source(x), io_type=io_type, **settings)


GROUPS = [
    ["fc1", "fc1_w", "fc1_b", "fc1_config", "fc1_t", "fc1_word"],
    ["x_t", "x_word", "x", "X", "input", "inputs", "out", "run", "bind", "constants", "load", "chunk"],
    ["int", "../x", 'a"; system("x', "卷积层", "", "a\nint y;", "a\\", "??/", "*/", "{{ plan.top }}", "%d"],
    ["fc", "FC", "Fc", "fc_2", "fc_w_2", "fc 2", "fc-2"],
    ["x_branch", "x_copy", "x_repacked", "relu_copy", "types", "weights", "parameters", "design", "net", "NET_H", "NET_TYPES_H"],
    ["hls", "ap_int", "std", "hlsgen", "emu", "store", "describe", "this_design", "port", "bits", "sound", "main", "errno", "linux", "NULL", "HLSGEN_MODULE", "HLSGEN_PASTE", "AP_INT_MAX_W", "ap_q_mode"],
]  # fmt: skip


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
@pytest.mark.parametrize("names", GROUPS, ids=lambda g: g[0])
def test_any_names_compile_and_trace(names, io_type):
    project = project_named(*names, io_type=io_type)
    x = grid((3,), samples=5)
    reference = project.evaluate(x, raw=True)
    assert set(reference) >= set(names), "trace keys are the model's own names"
    np.testing.assert_array_equal(project.predict(x, raw=True), reference[names[-1]])
    identifiers = [w.name for w in [*project.plan.inputs, *project.plan.wires, *project.plan.outputs]]
    assert len({i.lower() for i in identifiers}) == len(identifiers)


def test_original_names_are_in_comments_and_summary():
    project = project_named("卷积层", "int")
    text = project.files[f"firmware/{project.name}.cpp"]
    assert "卷积层" in text and "layer 'int'" in text
    assert "卷积层" in project.summary()


@pytest.mark.parametrize(
    "name", ["int", "../../x", "types", "stdio", "design", "", "weights", "网络", "a b", "C" * 200, "main", "con"]
)
def test_project_names(name):
    project = project_named("fc", model=name)
    assert IDENTIFIER.fullmatch(project.name) and project.name not in PROJECT_NAMES
    assert all(".." not in file and not file.startswith("/") for file in project.files)
    x = grid((3,), samples=4)
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["fc"])


def test_layer_called_as_the_project_and_its_input():
    project = project_named("net", "net_test", input_name="net")
    x = grid((3,), samples=4)
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["net_test"])
