"""One fault in a sound project is one finding at its line: the checks can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hlsgen
from hlsgen.errors import OutputDirError, ToolError
from hlsgen.linter import lint as module
from hlsgen.linter.finding import Finding, Severity
from hlsgen.linter.lint import lint_texts
from hlsgen.linter.source import Source
from hlsgen.tools import find_clang
from tests.compiled import write_files
from tests.linter.native import the_clang
from tests.linter.tiny import FILES, changed

TOP, KERNELS, TYPES = "tiny.cpp", "hlsgen/kernels.h", "types.h"

# Name: the file, what is replaced by what, the rule, words of what was found, words of the line that is named.
IN_THE_TEXT = {
    "no such directive": (KERNELS, "PIPELINE II=1", "PIPLINE II=1", "pragma-unknown", "PIPLINE", "PIPLINE"),
    "not HLS": (KERNELS, "#pragma HLS PIPELINE", "#pragma HSL PIPELINE", "pragma-tool", "HSL", "HSL"),
    "no such option": (KERNELS, "variable=sum", "variables=sum", "pragma-grammar", "variables", "variables"),
    "no such value": (KERNELS, "sum complete", "sum type=full", "pragma-grammar", "type=full", "type=full"),
    "no such word": (KERNELS, "sum complete", "sum completely", "pragma-grammar", "completely", "completely"),
    "option twice": (KERNELS, "II=1", "II=1 II=2", "pragma-grammar", "twice", "II=1 II=2"),
    "option left out": (TOP, "variable=fc depth=2", "depth=2", "pragma-grammar", "no 'variable'", "STREAM depth=2"),
    "interval of nothing": (KERNELS, "II=1", "II=0", "pragma-grammar", "II=0", "II=0"),
    "option of another mode": (TOP, "axis port=x,y", "axis port=x,y bundle=b", "pragma-grammar", "'bundle'", "bundle"),
    "no factor": (KERNELS, "sum complete", "sum cyclic", "pragma-grammar", "without a factor", "sum cyclic"),
    "a factor of all": (KERNELS, "sum complete", "sum complete factor=2", "pragma-grammar", "with a factor", "factor=2"),
    "no such variable": (KERNELS, "variable=sum", "variable=summ", "pragma-grammar", "'summ'", "variable=summ"),
    "no such port": (TOP, "port=x,y", "port=x,z", "pragma-grammar", "'z'", "port=x,z"),
    "behind a statement": (KERNELS, "Y result;", "Y result;\n#pragma HLS PIPELINE II=1", "pragma-place", "PIPELINE", "II=1"),
    "UNROLL of no loop": (KERNELS, "#pragma HLS INLINE\n", "#pragma HLS UNROLL\n", "pragma-place", "function", "UNROLL"),
    "INLINE in a loop": (KERNELS, "#pragma HLS UNROLL", "#pragma HLS INLINE", "pragma-place", "INLINE", "INLINE"),
    "outside": (KERNELS, "namespace hlsgen {", "#pragma HLS INLINE\nnamespace hlsgen {", "pragma-place", "outside", "INLINE"),
    "misspelt operator": (
        KERNELS, "#pragma HLS PIPELINE II=1", '_Pragma("HLS PIPLINE II=1")', "pragma-unknown", "PIPLINE", "PIPLINE"),
    "operator of another tool": (KERNELS, "#pragma HLS INLINE\n", '_Pragma("omp simd")\n', "pragma-tool", "omp", "omp"),
    "operator in the wrong place": (
        KERNELS, "Y result;", 'Y result; _Pragma("HLS UNROLL")', "pragma-place", "within a loop", "UNROLL"),
    "port read twice": (TOP, "(fc, short_way, y)", "(fc, x, y)", "dataflow", "'x' is used by 2", "join<"),
    "port not used": (TOP, "(fc, short_way, y)", "(fc, short_way, fc)", "dataflow", "'y' is used by 0", "void tiny"),
    "two consumers": (TOP, "(fc, short_way, y)", "(fc, long_way, y)", "dataflow", "'long_way' has 2 cons", "> long_way"),
    "no consumer": (TOP, "(fc, short_way, y)", "(fc, fc, y)", "dataflow", "'short_way' has 0 consumers", "> short_way"),
    "two producers": (TOP, "(x, long_way, short_way)", "(x, fc, short_way)", "dataflow", "'fc' has 2 producers", "> fc("),
    "bypass": (TOP, "#pragma HLS STREAM variable=short_way depth=4", "", "dataflow", "passes 1 processes", "> short_way"),
    "a statement": (TOP, "    // layer", "    int count = 0;\n    // layer", "dataflow", "int count = 0", "int count"),
    "a process under a condition": (
        TOP, "    hlsgen::join<", "    if (fc_w[0]) hlsgen::join<", "dataflow", "'if (fc_w[0]) hlsgen::join", "if ("),
    "a process in a branch": (
        TOP, "hlsgen::join<join_config>(fc, short_way, y);",
        "if (fc_w[0]) {\n        hlsgen::join<join_config>(fc, short_way, y);\n    }", "dataflow", "'if (fc_w[0]) {", "if ("),
    "a process in a loop": (
        TOP, "    hlsgen::join<", "    for (int i = 0; i < 1; i++) hlsgen::join<", "dataflow", "'for (int i = 0'", "for ("),
    "copies without end": (
        KERNELS, "#pragma HLS UNROLL\n            sum", "#pragma HLS UNROLL factor=5000\n            sum", "limit",
        "5,000 copies of a loop's body", "factor=5000"),
    "parts without end": (
        KERNELS, "sum complete", "sum cyclic factor=4097", "limit", "4,097 parts of an array", "factor=4097"),
    "words too wide": (TYPES, "pack<y_t, 2> y", "pack<y_t, 293> y", "limit", "4,102 bits", "INTERFACE"),
}  # fmt: skip
IN_THE_CIRCUIT = {
    "division by a constant": (
        KERNELS, "w[j * C::n + i]", "w[(j * C::n + i + p) % 3]", "division", "remainder of i32 by 3", "% 3"),
    "division of data": (
        KERNELS, "sum[j] = 0;", "sum[j] = word.data[j] / word.data[1];", "division", "by a variable", "word.data[j] /"),
    "a double": (
        KERNELS, "sum[j] = 0;", "sum[j] = double(p + j) * 0.3;", "floating-point", "floating point", "double(p + j)"),
    "a static guard": (
        KERNELS, "sum[j] = 0;", "static const int k = w[3]; sum[j] = k;", "static-guard", "when it is first met",
        "static const int k"),
    "filled at start-up": (
        TOP, "void tiny(", "extern int start();\nint started = start();\nvoid tiny(", "static-constructor",
        "initialised at start-up", "#include"),
    "a library call": (KERNELS, "sum[j] = 0;", "sum[j] = rand();", "foreign-call", "'rand'", "rand()"),
    "recursion": (
        KERNELS, "template <class C, class X> void twice", "template <int n> int deep(int d) {\n#pragma HLS INLINE off\n"
        "    return d > 0 ? deep<n>(d - 1) + deep<n>(d - 2) : n;\n}\ntemplate <class C, class X> void twice",
        "recursion", "calls itself", "deep<n>(d - 1)"),
    "a sum behind a multiplexer": (
        KERNELS, "sum[j] += word", "sum[(j + p) & 1] += word", "multiplexer", "read, changed and written back", "sum[(j + p)"),
    "a large multiplexer": (
        KERNELS, "result.data[j] = sum[j];", "result.data[j] = sum[(unsigned char)w[0]];", "multiplexer",
        "of 200 (hlsgen/kernels.h:30) are read by an index that changes, one of up to 200", "sum[(unsigned char)w[0]]"),
    "more registers than there are": (
        KERNELS, "sum[C::n];", "sum[C::n * 2049];", "limit", "more than 4,096 elements", "variable=sum complete"),
    "a loop without a number": (
        KERNELS, "i < C::n;", "i < C::n - (w[0] & 1);", "unroll", "cannot be unrolled", "i < C::n"),
    "a product of counters": (
        KERNELS, "const X word = x.read();\n        Y", "const X word = x.read();\n        const int q = p * w[1];\n        Y",
        "counter-product", "i32", "p * w[1]"),
    "other products than stated": (
        TOP, "4 multipliers", "5 multipliers", "products", "fc multiplies 4 times", "dense<"),
}  # fmt: skip

LOOP = """static void tiny_samples(hls::stream<x_word>& long_way, hls::stream<y_word>& fc, const int samples) {
Sample:
    for (int sample = 0; sample < samples; sample++) {
#pragma HLS DATAFLOW
        hls::stream<x_word> copy("copy");
        hls::stream<x_word> other("other");
#pragma HLS STREAM variable=other depth=4
        hlsgen::twice<twice_config>(long_way, copy, other);
        //   4 multipliers a position
        hls::stream<y_word> sum("sum");
        hlsgen::dense<fc_config>(copy, sum, fc_w);
        hlsgen::join<join_config>(sum, other, fc);
    }
}

void tiny("""
IN_A_LOOP = {
    "from one": ("int sample = 0", "int sample = 1", "a loop with DATAFLOW is 'for (int sample = 1", "for ("),
    "by two": ("sample++", "sample += 2", "a loop with DATAFLOW is", "for ("),
    "to an expression": ("< samples;", "< samples * 2;", "a loop with DATAFLOW is", "for ("),
    "to what is no argument": ("< samples;", "< count;", "a loop with DATAFLOW is", "for ("),
    "not alone, before": ("Sample:", "    int count = samples;\nSample:", "is not alone in 'tiny_samples'", "for ("),
    "not alone, behind": ("    }\n}\n\nvoid", "    }\n    samples--;\n}\n\nvoid", "is not alone", "for ("),
    "in a loop": ("    for (", "    for (int i = 0; i < 2; i++) for (", "a loop with DATAFLOW is", "for ("),
    "bypass": ("#pragma HLS STREAM variable=other depth=4\n", "", "'other' passes 1 processes by", "> other"),
    "a statement": (
        "hls::stream<x_word> copy",
        "int count = sample;\n        hls::stream<x_word> copy",
        "'int count",
        "int co",
    ),
    "a port read twice": ("(sum, other, fc)", "(sum, long_way, fc)", "'long_way' is used by 2", "join<"),
    "no consumer": ("(sum, other, fc)", "(sum, sum, fc)", "'other' has 0 consumers", "> other"),
}
"""What is replaced in the loop by what, words of what was found, words of the line that is named."""
BESIDE = {
    "recursion": ("sum[j] = 0;", "sum[j] = deep<3>(w[1]);"),
    "a library call": ("namespace hlsgen {", 'extern "C" int rand();\nnamespace hlsgen {'),
    "a large multiplexer": ("sum[C::n];", "sum[200];"),
    "a product of counters": ("sum[j] = 0;", "sum[j] = q;"),
}
"""What else it takes, in the same file."""


def found_in(files: dict[str, str], *, built: bool) -> tuple[Finding, ...]:
    return lint_texts(files, the_clang() if built else None).findings


def test_the_project_has_no_fault() -> None:
    report = lint_texts(FILES, the_clang(), constants=True)
    assert not report.findings and not report.notes
    (fc,) = [entry for entry in report.multiplications if entry.step == "fc"]
    assert (fc.function, fc.count, fc.widths) == ("dense", 4, ((13, 4),)), "8 by 5 bits"
    assert fc.left == 2, "zero and a power of two cost no multiplication"
    assert not any(entry.count for entry in report.multiplications if entry.step != "fc")


@pytest.mark.parametrize("name", [*IN_THE_TEXT, *IN_THE_CIRCUIT])
def test_a_fault_is_found(name: str) -> None:
    built = name in IN_THE_CIRCUIT
    file, old, new, rule, said, line = (IN_THE_CIRCUIT if built else IN_THE_TEXT)[name]
    files = changed(file, (old, new), *([BESIDE[name]] if name in BESIDE else []))
    findings = [finding for finding in found_in(files, built=built) if finding.rule == rule and said in finding.found]
    assert findings, f"not found: {rule}, {said}; but {[str(f) for f in found_in(files, built=built)]}"
    lines = [files[f.file.removeprefix("firmware/")].splitlines()[f.line - 1] for f in findings]
    assert any(line in text for text in lines), f"another line: {lines}"
    assert all(finding.severity is Severity.ERROR and finding.expected for finding in findings)


def with_loop(old: str, new: str) -> dict[str, str]:
    """The project whose dense layer has become a region of its own, a loop."""
    assert LOOP.count(old) == 1, old
    files = changed(TOP, ("void tiny(", LOOP.replace(old, new)))
    text = files[TOP].replace("hlsgen::dense<fc_config>(long_way, fc, fc_w);", "tiny_samples(long_way, fc, 3);")
    return {**files, TOP: text.replace("\n    //   4 multipliers a position\n", "\n")}


def test_a_loop_with_dataflow_has_no_fault() -> None:
    report = lint_texts(with_loop("Sample:", "Sample:"), the_clang())
    assert not report.findings
    assert {entry.step: entry.count for entry in report.multiplications} == {"twice": 0, "fc": 4, "join": 0}


@pytest.mark.parametrize("name", IN_A_LOOP)
def test_a_fault_in_a_loop_is_found(name: str) -> None:
    old, new, said, line = IN_A_LOOP[name]
    files = with_loop(old, new)
    findings = [finding for finding in found_in(files, built=False) if said in finding.found]
    assert findings, f"not found: {said}; but {[str(f) for f in found_in(files, built=False)]}"
    assert any(line in files[TOP].splitlines()[finding.line - 1] for finding in findings)


def test_old_clangs_see_the_same() -> None:
    """With ``i8*`` for pointers and without wide integers: Debian's, where it is installed."""
    try:
        old = find_clang("clang-14")
    except ToolError:
        pytest.skip("no clang-14 on PATH")
    assert not lint_texts(FILES, old).findings
    for name in (
        "division by a constant",
        "a double",
        "a static guard",
        "a library call",
        "other products than stated",
    ):
        file, before, after, rule, said, _ = IN_THE_CIRCUIT[name]
        beside = [BESIDE[name]] if name in BESIDE else []
        findings = lint_texts(changed(file, (before, after), *beside), old).findings
        assert any(f.rule == rule and said in f.found for f in findings), f"{name}: {findings}"


def test_too_many_products_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PRODUCTS", 3)
    (finding,) = found_in(FILES, built=True)
    assert finding.severity is Severity.WARNING and "4 times" in finding.found and "reuse factor" in finding.expected


def test_arrays_that_pass_processes_by_are_a_warning() -> None:
    """They are two buffers deep: no deadlock, but a wait."""
    text = FILES["tiny.cpp"].replace('hls::stream<x_word> short_way("short_way");', "x_t short_way[10];")
    files = {**FILES, "tiny.cpp": text.replace("#pragma HLS STREAM variable=short_way depth=4", "")}
    files[KERNELS] = files[KERNELS].replace(
        "hls::stream<X>& x, hls::stream<X>& a, hls::stream<X>& b", "hls::stream<X>& x, hls::stream<X>& a, x_t b[10]"
    )
    files[KERNELS] = files[KERNELS].replace("hls::stream<B>& b, hls", "const B b[10], hls")
    (finding,) = [f for f in found_in(files, built=False) if f.rule == "dataflow"]
    assert finding.severity is Severity.WARNING and "'short_way' passes 1" in finding.found


def test_constants_that_say_how_something_is_built_are_known() -> None:
    """A structure is not hidden as words are: an index from it is a constant, and no multiplexer."""
    files = changed(KERNELS, ("sum[j] = 0;", "sum[s.place[j]] = 0;"), ("sum[j] += ", "sum[s.place[j]] += "))
    files[KERNELS] = files[KERNELS].replace("const typename C::weight_word w[C::n * C::n])", "WORDS)")
    known = files[KERNELS].replace("WORDS", "const typename C::weight_word w[C::n * C::n], const swapped& s")
    known = known.replace(
        "template <class T, class M> T number",
        "struct swapped { int place[2]; };\ntemplate <class T, class M> T number",
    )
    files[KERNELS] = known
    files["weights.h"] += "static const hlsgen::swapped fc_s = {{1, 0}};\n"
    files[TOP] = files[TOP].replace("(long_way, fc, fc_w)", "(long_way, fc, fc_w, fc_s)")
    report = lint_texts(files, the_clang())
    assert not report.findings, report
    assert {entry.step: entry.count for entry in report.multiplications} == {"twice": 0, "fc": 4, "join": 0}


def test_without_a_clang_the_text_is_looked_at() -> None:
    report = lint_texts(changed(KERNELS, ("PIPELINE", "PIPLINE")), None)
    assert [finding.rule for finding in report.findings] == ["pragma-unknown"]
    (note,) = report.notes
    assert "no clang" in note and "pip install" in note and not report.multiplications


def test_text_that_does_not_compile() -> None:
    with pytest.raises(ToolError, match=r"clang cannot compile the design: .*undeclared"):
        lint_texts(changed(KERNELS, ("sum[j] = 0;", "sum[j] = nothing;")), the_clang())


def test_a_folder(tmp_path: Path) -> None:
    write_files(tmp_path, {f"firmware/{name}": text for name, text in FILES.items()})
    with pytest.raises(OutputDirError, match="no project of hlsgen's"):
        hlsgen.lint(tmp_path)
    (tmp_path / "hlsgen.json").write_text("{}")
    assert not hlsgen.lint(tmp_path).findings
    with pytest.raises(ToolError, match="no clang that can be started"):
        hlsgen.lint(tmp_path, clang=str(tmp_path / "clang"))
    (tmp_path / "firmware" / "tiny.cpp").unlink()
    with pytest.raises(OutputDirError, match="no top function"):
        hlsgen.lint(tmp_path)


def unreadable(folder: Path, kind: str) -> None:
    odd = folder / "firmware" / "odd.h"
    match kind:
        case "bytes":
            odd.write_bytes(b"\xff\xfe\x00\x01")
        case "folder":
            odd.mkdir()
        case "link to nothing":
            odd.symlink_to("nothing.h")
        case "link to itself":
            odd.symlink_to("odd.h")


@pytest.mark.parametrize("kind", ["bytes", "folder", "link to nothing", "link to itself"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, kind: str) -> None:
    write_files(tmp_path, {f"firmware/{name}": text for name, text in FILES.items()} | {"hlsgen.json": "{}"})
    unreadable(tmp_path, kind)
    with pytest.raises(OutputDirError, match=r"firmware/odd\.h: .*expected a text of the firmware; write the project"):
        hlsgen.lint(tmp_path)


@pytest.mark.parametrize("folder", [None, 5, b"project"], ids=str)
def test_a_folder_is_a_path(folder: Any) -> None:
    with pytest.raises(OutputDirError, match="expected the path of the folder of a project, found"):
        hlsgen.lint(folder)


def test_a_source_beside_the_top_function_is_none(tmp_path: Path) -> None:
    texts = {**FILES, "another.cpp": "int another_number;\n"}
    assert not lint_texts(texts, None).findings


def test_pragmas_as_operators_are_pragmas() -> None:
    """``_Pragma("HLS ...")``, of which several may stand at one head; comments with the word are none."""
    two = '_Pragma("HLS INLINE off") /* _Pragma("HLS UNROLL") */ _Pragma ( "HLS  FUNCTION_INSTANTIATE variable=x" )\n'
    files = changed(KERNELS, ("#pragma HLS INLINE off\n", two))
    assert not found_in(files, built=False)
    source = Source(KERNELS, files[KERNELS])
    assert [p.directive for p in source.functions("twice")[0].pragmas] == ["INLINE", "FUNCTION_INSTANTIATE"]


@pytest.mark.parametrize("text", ['_Pragma("HLS UNROLL")', "_Pragma(#x)"])
def test_a_pragma_in_a_macro_is_a_warning(text: str) -> None:
    (finding,) = found_in(
        changed(KERNELS, ("namespace hlsgen {", f"#define SAY(x) {text}\nnamespace hlsgen {{")), built=False
    )
    assert (finding.rule, finding.severity) == ("pragma-place", Severity.WARNING)
    assert "a pragma stands in a macro" in finding.found
