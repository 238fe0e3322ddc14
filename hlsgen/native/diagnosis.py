"""Why a compilation failed: the machine, the compiler, or, if neither, hlsgen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hlsgen.errors import ToolError
from hlsgen.tools import Compiler, run

_CAUSES = (
    (
        r"No space left on device|Disk quota exceeded|File too large|File size limit exceeded|ended by signal 25\b",
        "there was no room to write: make room in {cache}, or set HLSGEN_CACHE to another folder",
    ),
    (
        r"Killed signal|ended by signal 9\b|memory exhausted|[Oo]ut of memory|[Cc]annot allocate memory|bad_alloc",
        "the memory was not enough, or the compiler was ended from outside: end other programs, then try again",
    ),
    (
        r"Read-only file system|Permission denied|Input/output error|Stale file handle|Too many open files",
        "the system refused a file: see to {cache}, or set HLSGEN_CACHE to another folder",
    ),
    (
        r"internal compiler error|ended by signal 11\b",
        "the compiler failed by itself: update it, or set HLSGEN_CXX to another",
    ),
)
"""What is found in what a compiler prints (in English, see ``tools.run``), and what it means."""
_PROGRAM = """\
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>
int main(int n, char** words) {
    try {
        std::vector<std::string> texts(words, words + n);
        if (texts.empty()) throw std::runtime_error("empty");
        return static_cast<std::int8_t>(texts.size());
    } catch (const std::exception&) {
        return 1;
    }
}
"""
"""C++ with its library, in a few lines."""


@dataclass(frozen=True)
class Toolchain:
    """A compiler with its flags, at work in a workspace of the cache."""

    compiler: Compiler
    flags: Sequence[str]
    folder: Path
    own_headers: Sequence[str] = ()
    """Of kernels that were registered from outside."""

    def check(self) -> None:
        """Compile a small program. Raises ToolError, in half a second, for what is no C++ compiler for us."""
        fault = self._fault()
        if fault:
            raise ToolError(fault)

    def explained(self, what: str, error: ToolError, kept: Path) -> ToolError:
        """The error to raise when ``what`` does not compile: whose fault it is, and what to do.

        If it is ours, all that the compiler printed goes to ``kept``.
        """
        if not self.folder.is_dir():
            return ToolError(f"{self.folder}: was removed while a compiler worked there; leave it alone and try again")
        log = "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.folder.glob("*.log")))
        said = _said(error)
        cause = self._cause(f"{said}\n{log}") or self._fault()
        if cause:
            return ToolError(f"{what} was not compiled: {cause}\n{said}")
        try:
            kept.write_text(f"{said}\n\n{log}", encoding="utf-8")
        except OSError:
            return ToolError(f"{what} does not compile; {self._whose('this')}\n{said}\n{log}")
        return ToolError(f"{what} does not compile; {self._whose(f'it with {kept}')}\n{said}")

    def _whose(self, report: str) -> str:
        if self.own_headers:
            return (
                f"look first at what was registered with hlsgen.register_layer: {', '.join(self.own_headers)} "
                f"(docs/kernels.md has the rules of kernels); if it is not that, please report {report}"
            )
        return f"this is a bug of hlsgen, please report {report}"

    def not_loaded(self, what: str, error: ImportError) -> ToolError:
        """The error to raise when the system does not load what was compiled well."""
        cause = self._fault() or (
            "is the cache on a file system without programs (noexec), or is a library missing? Set HLSGEN_CACHE to "
            "another folder, or HLSGEN_CXX to the compiler that belongs to this Python"
        )
        return ToolError(f"{what} was compiled, but cannot be loaded ({error}): {cause}")

    def _cause(self, said: str) -> str | None:
        """A cause that shows in what a compiler printed."""
        cache = self.folder.parent
        return next((text.format(cache=cache) for pattern, text in _CAUSES if re.search(pattern, said)), None)

    def _fault(self) -> str | None:
        """What the compiler has to say against a small program, if anything."""
        options = ["-pthread", "probe.cpp", "-o", "probe"]
        try:
            (self.folder / "probe.cpp").write_text(_PROGRAM, encoding="utf-8")
            done = run(
                [*self.compiler.command, *self.flags, *options],
                cwd=self.folder,
                log_file=self.folder / "probe.log",
                timeout=300,
                env={"TMPDIR": str(self.folder)},
            )
        except OSError as error:
            return self._cause(str(error)) or str(error)
        except ToolError as error:
            return self._cause(str(error)) or self._no_compiler(_said(error))
        if not (self.folder / "probe").is_file():
            return self._no_compiler(f"it made no file; it said: {done.output}")
        return None

    def _no_compiler(self, said: str) -> str:
        return (
            f"{' '.join(self.compiler.command)} ({self.compiler.version}) does not compile a small C++17 program; it "
            f"takes g++ 11 or newer (g++, not gcc): check HLSGEN_CXX and CXX. It failed with:\n{said}"
        )


def _said(error: ToolError) -> str:
    """Its text without the place of the log, which goes with the workspace."""
    return re.sub(r"\nfull log: .*", "", str(error))
