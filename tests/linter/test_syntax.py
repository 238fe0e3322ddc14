"""Functions and loops as clang's parser sees them, where the text has other forms than generated text has."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from hlsgen.linter.finding import Finding
from hlsgen.linter.lint import lint_texts
from hlsgen.linter.source import Kind, Source
from hlsgen.linter.syntax import opened_by_clang
from tests.linter.native import the_clang
from tests.linter.tiny import FILES, changed

KERNELS = "hlsgen/kernels.h"
FORMS = {
    "braces in the head": (("for (int i = 0; i < C::n; i++) {", "for (int i{0}; i < C::n; i++) {"),),
    "a macro for the head": (
        ("namespace hlsgen {\n", "#define EACH(i, n) for (int i = 0; i < (n); i++)\nnamespace hlsgen {\n"),
        ("for (int i = 0; i < C::n; i++) {", "EACH(i, C::n) {"),
    ),
    "a lambda": (
        ("sum[j] = 0;", "sum[j] = 0;\n            const auto add = [&](int j) {"),
        ("result.data[j] = sum[j];", "};\n            add(j);\n            result.data[j] = sum[j];"),
    ),
    "a constructor": (
        (
            "template <class C, class X> void twice",
            "struct counter {\n    int n;\n    counter() : n{0} {\n#pragma HLS INLINE\n    }\n};\n"
            "template <class C, class X> void twice",
        ),
        ("for (int p = 0; p < C::packs; p++) {", "for (counter c; c.n < C::packs; c.n++) {"),
    ),
    "a loop of another kind": (
        ("for (int p = 0; p < C::packs; p++) {", "int p = 0;\n    do {"),
        ("b.write(word);\n    }", "b.write(word);\n    } while (++p < C::packs);"),
    ),
    "text that is left out": (
        ("for (int p = 0; p < C::packs; p++) {", "#ifndef __SYNTHESIS__\n    {\n#else\n    for (int p = 0; p < C::packs; p++) {\n#endif"),
    ),
}  # fmt: skip
NOT_IN_TEXT = {"braces in the head", "a macro for the head", "a lambda", "a constructor"}
"""Sound forms that the reader of text takes for something else."""


def written(form: str, fault: tuple[str, str] | None = None) -> dict[str, str]:
    files = changed(KERNELS, *FORMS[form])
    if fault is not None:
        assert fault[0] in files[KERNELS], fault
        files[KERNELS] = files[KERNELS].replace(*fault)
    return files


def of_pragmas(files: dict[str, str], syntax: bool) -> list[Finding]:
    findings = lint_texts(files, None, syntax=syntax).findings
    return [finding for finding in findings if finding.rule == "pragma-place"]


@pytest.fixture
def libclang() -> Any:
    return pytest.importorskip("clang.cindex", reason="libclang is not installed")


@pytest.mark.parametrize("form", FORMS)
def test_sound_forms_have_no_fault(libclang: Any, form: str) -> None:
    assert not of_pragmas(written(form), syntax=True)


@pytest.mark.parametrize("form", FORMS)
def test_sound_forms_are_compiled(libclang: Any, form: str) -> None:
    report = lint_texts(written(form), the_clang())
    assert not [finding for finding in report.findings if finding.rule == "unroll"]
    assert {entry.step: entry.count for entry in report.multiplications} == {"twice": 0, "fc": 4, "join": 0}


@pytest.mark.parametrize("form", sorted(NOT_IN_TEXT))
def test_the_text_alone_takes_them_for_something_else(form: str) -> None:
    assert of_pragmas(written(form), syntax=False), "what a parser is asked for"


@pytest.mark.parametrize("form", FORMS)
def test_a_fault_in_them_is_found(libclang: Any, form: str) -> None:
    """INLINE in a loop; UNROLL in a function."""
    where = "constructor" if form == "a constructor" else "loop"
    fault = (
        ("#pragma HLS INLINE\n    }", "#pragma HLS UNROLL\n    }") if where == "constructor" else ("UNROLL", "INLINE")
    )
    findings = of_pragmas(written(form, fault), syntax=True)
    assert findings
    at = "function counter" if where == "constructor" else "loop"
    assert any(f"stands at the head of a {at}" in finding.found for finding in findings), findings


def test_generated_text_reads_the_same(libclang: Any) -> None:
    opened = opened_by_clang(FILES, "tiny")
    assert set(opened) == set(FILES)
    for name, text in FILES.items():
        known = Source(name, text, opened[name])
        for read, parsed in zip(Source(name, text).scopes, known.scopes, strict=True):
            assert (read.kind, read.body, read.end, read.name) == (parsed.kind, parsed.body, parsed.end, parsed.name)
    kinds = [one.kind for one in opened[KERNELS].values()]
    assert (kinds.count(Kind.FUNCTION), kinds.count(Kind.LOOP)) == (4, 6)


def test_offsets_are_letters(libclang: Any) -> None:
    """A comment in Greek is as long as it has letters."""
    files = changed(KERNELS, ("namespace hlsgen {", "// αβγ δεζ ηθι\nnamespace hlsgen {"))
    braces = opened_by_clang(files, "tiny")[KERNELS]
    assert braces and all(files[KERNELS][brace] == "{" for brace in braces)
    assert not lint_texts(files, None).findings


def test_text_that_clang_does_not_take_is_read_as_text(libclang: Any) -> None:
    files = changed(KERNELS, ("sum[j] = 0;", "sum[j] = nowhere;"))
    assert opened_by_clang(files, "tiny") == {}
    assert not lint_texts(files, None).findings


def test_without_libclang_the_text_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "clang":
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert opened_by_clang(FILES, "tiny") == {}
    assert not lint_texts(FILES, None).findings
