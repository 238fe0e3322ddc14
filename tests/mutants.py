"""Mutants of the program: small wrong changes that some test has to notice.

``python -m tests.mutants`` applies one after the other in a copy of the repository, runs the tests named with it and
says which were caught; the exit status is 1 if any survived. ``python -m tests.mutants NAME ...`` tries some,
``--list`` prints all.

The text to be replaced is searched for below a folder, so that it may move between files; it has to occur there
exactly once (``tests/test_mutants.py`` sees to that).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
COPIED = (
    "hlsgen",
    "hls_templates",
    "tests",
    "configs",
    "example-models",
    "docs",
    "benchmarks",
    "pyproject.toml",
    "README.md",
)
SUFFIXES = (".py", ".h", ".cpp", ".v", ".j2")
_SECONDS = 1800


class MutantError(Exception):
    """The list of mutants does not fit the program."""


@dataclass(frozen=True)
class Mutant:
    """``old`` becomes ``new`` in the one file below ``where`` that has it; ``tests`` have to fail then."""

    name: str
    where: str
    old: str
    new: str
    tests: tuple[str, ...]

    def file(self, root: Path = REPOSITORY) -> Path:
        """The file to change. Raises MutantError unless ``old`` occurs exactly once."""
        base = root / self.where
        files = [base] if base.is_file() else [p for p in sorted(base.rglob("*")) if p.suffix in SUFFIXES]
        found = {path: count for path in files if (count := path.read_text(encoding="utf-8").count(self.old))}
        if sum(found.values()) != 1:
            places = ", ".join(f"{path.relative_to(root)} ({count})" for path, count in found.items()) or "nowhere"
            raise MutantError(f"mutant '{self.name}': expected {self.old!r} once below {self.where}, found it {places}")
        return next(iter(found))


# -- Python --------------------------------------------------------------------------------------

MUTANTS = (
    Mutant(
        "host code that a compiler may contract",
        "hls_templates/data/functions.h.j2",
        "volatile double value = raw;",
        "double value = raw;",
        ("tests/data/test_host_code.py::test_nothing_is_contracted",),
    ),
    Mutant(
        "what wraps many times around loses that it was beyond its type",
        "hls_templates/data/functions.h.j2",
        "magnitude |= (uint64_t)beyond << 62;",
        "(void)beyond;",
        ("tests/data/test_host_code.py::test_c_makes_many_types",),
    ),
    Mutant(
        "a tie of whole numbers in host code",
        "hls_templates/data/prepare.py.j2",
        "(rest == half) & (down > 0)",
        "(rest == half)",
        ("tests/data/test_host_code.py::test_python_makes_every_type",),
    ),
    Mutant(
        "a line beyond one of its bounds",
        "hlsgen/data/integer_form.py",
        "(least + most) // 2",
        "most + 1",
        ("tests/data/test_integer_form.py::test_every_raw_number",),
    ),
    Mutant(
        "a pipeline that is fitted on test samples",
        "hlsgen/data/pipeline.py",
        "if name and name not in _TRAINING",
        "if name and name in _TRAINING[3:]",
        ("tests/data/test_pipeline.py::test_only_the_training_part_is_seen",),
    ),
    Mutant(
        "rows whose order depends on the version of NumPy",
        "hlsgen/data/splitting.py",
        'np.argsort(np.random.PCG64(int(seed)).random_raw(samples), kind="stable")',
        "np.random.default_rng(int(seed)).permutation(samples)",
        ("tests/data/test_splitting.py::test_the_rows_are_those_of_every_machine",),
    ),
    Mutant(
        "words of CSV that Python takes for numbers",
        "hlsgen/data/csv_files.py",
        'if joined.isascii() and "_" not in joined:',
        "if joined:",
        ("tests/data/test_loading.py::test_bad_csv_says_where",),
    ),
    Mutant(
        "digits of a constant that are counted by its double",
        "hlsgen/estimation",
        "magnitudes ^ (3 * magnitudes)",
        "magnitudes ^ (2 * magnitudes)",
        ("tests/estimation/test_counting.py",),
    ),
    Mutant(
        "equal products of different inputs that are counted once",
        "hlsgen/estimation",
        "(rows[1:] != rows[:-1]) | (constants[1:] != constants[:-1])",
        "constants[1:] != constants[:-1]",
        ("tests/estimation/test_counting.py",),
    ),
    Mutant(
        "a pipeline that waits longer than it takes",
        "hlsgen/estimation",
        "interval=min(interval, latency.latency + 1)",
        "interval=interval",
        ("tests/estimation/test_fit.py::test_intervals_hold_networks_left_out",),
    ),
    Mutant(
        "multipliers that are shared beyond what the program allows",
        "hlsgen/estimation",
        "built = min(hard, max(limit, 1))",
        "built = min(hard, max(limit, 2))",
        ("tests/estimation/test_fit.py::test_dsps_of_every_module_are_exact",),
    ),
    Mutant(
        "a comparison without its carry",
        "hlsgen/estimation",
        "compared * (2 * bits + _CARRIED)",
        "compared * (2 * bits)",
        ("tests/estimation/test_estimate.py::test_windows_at_a_border_have_fewer_cells",),
    ),
    Mutant(
        "an interval that no kernel can be done before",
        "hlsgen/estimation",
        "min(low, self._slowest_kernel)",
        "low",
        ("tests/estimation/test_estimate.py::test_an_interval_may_be_that_of_the_slowest_kernel",),
    ),
    Mutant(
        "a stream that takes a word too many",
        "hls_templates",
        "count >= state->depth",
        "count > state->depth",
        ("tests/emulation/test_stream_check.py",),
    ),
    Mutant(
        "a window that is complete a turn too early",
        "hlsgen",
        "(self.turns - 1) * (number + 1)",
        "(self.turns - 1) * number",
        ("tests/backends/test_timing.py",),
    ),
    Mutant(
        "a call that computes a sample too many",
        "hls_templates/project/top.cpp.j2",
        "i < samples;",
        "i <= samples;",
        ("tests/ladder/test_ports.py::test_several_samples_in_a_call", "tests/codegen/test_interface.py"),
    ),
    Mutant(
        "a host that waits for each call before it prepares the next",
        "hls_templates/board/alveo/host.py",
        "self._slots[(number + 1) % 2].finish()",
        "self._slots[number % 2].finish()",
        ("tests/boards/test_host.py::test_a_batch_in_several_calls",),
    ),
    Mutant(
        "a host in C++ that takes values beyond every float for infinities",
        "hls_templates/board/alveo/packing.h",
        "if (std::isfinite(x) && std::fabs(scaled) > giant)",
        "if (false)",
        ("tests/boards/test_host_cpp.py::test_rounds_and_limits_as_the_types_do",),
    ),
    Mutant(
        "steps beside a loop with DATAFLOW are not looked at",
        "hlsgen/linter/dataflow.py",
        """_LABEL.sub("", before).strip() or behind.strip()""",
        "False",
        ("tests/linter/test_defects.py::test_a_fault_in_a_loop_is_found",),
    ),
    Mutant(
        "a shortcut that holds no lag",
        "hlsgen",
        "holds = needed[wire.name] if wire.name in meeting else None",
        "holds = None",
        ("tests/backends/test_fifos.py",),
    ),
    Mutant(
        "a sum that is held without its lowest bits forgets them",
        "hls_templates/emulation",
        "if constexpr (S::notes_rest) total |= ((low[r] & rest) + rest) >> S::product_bits;",
        "",
        ("tests/vendor/test_kernels.py",),
    ),
    Mutant(
        "a run of inputs that is too long for 32 bits",
        "hls_templates/emulation",
        "if (largest * heaviest > limit) return run;",
        "if (largest * heaviest > 4 * limit) return run;",
        ("tests/vendor/test_kernels.py",),
    ),
    Mutant(
        "tie of RND",
        "hlsgen",
        "            up = rest >= half\n",
        "            up = rest > half\n",
        ("tests/ir/test_types.py",),
    ),
    Mutant(
        "tie of RND_CONV",
        "hlsgen",
        "(rest > half) | ((rest == half) & (floor % 2 == 1))",
        "(rest > half) | ((rest == half) & (floor % 2 == 0))",
        ("tests/ir/test_types.py",),
    ),
    Mutant(
        "symmetric saturation keeps the lowest value",
        "hlsgen",
        "return low + 1 if self.overflow is Overflow.SAT_SYM and self.width > 1 else low",
        "return low",
        ("tests/ir/test_types.py",),
    ),
    Mutant(
        "the quick way to quantise floats rounds ties down",
        "hlsgen",
        "floor + (scaled - floor >= 0.5)",
        "floor + (scaled - floor > 0.5)",
        ("tests/ir/test_types.py",),
    ),
    Mutant(
        "a covering type forgets the sign bit",
        "hlsgen",
        "(~low).bit_length() if signed else 0) + signed\n",
        "(~low).bit_length() if signed else 0)\n",
        ("tests/ir/test_types.py",),
    ),
    Mutant(
        "the argument of a function is rounded to its result's grid, whatever its slope",
        "hlsgen/layers/fit_pieces.py",
        "_SLACK = 4.0\n",
        "_SLACK = 0.5\n",
        ("tests/layers/test_functions.py",),
    ),
    Mutant(
        "a function never gets flat on its other side",
        "hlsgen/layers/piecewise.py",
        "(None if self.lines.negative else widest.min), (None if self.lines.positive else widest.max)",
        "(None if self.lines.positive else widest.min), (None if self.lines.negative else widest.max)",
        ("tests/layers/test_functions.py",),
    ),
    Mutant(
        "bent pieces turn back where rounding rules",
        "hlsgen/layers/interpolate.py",
        "    return np.where(turns, limited, bend), np.where(turns, 0.0, turn)\n",
        "    return np.where(turns, bend, bend), np.where(turns, turn, turn)\n",
        ("tests/layers/test_functions.py",),
    ),
    Mutant(
        "values of a standardisation are rounded to the result's own step",
        "hlsgen/layers/standardise_plan.py",
        "wanted = frac + _GUARD_SCALED + ceil(log2(gain(measure, n)))",
        "wanted = frac + ceil(log2(gain(measure, n)))",
        ("tests/layers/test_standardise.py",),
    ),
    Mutant(
        "a permutation in front of a dense layer is undone the wrong way",
        "hlsgen/passes/cancel_permutes.py",
        "rows = np.argsort(places.transpose(before.layer.order).reshape(-1))",
        "rows = places.transpose(before.layer.order).reshape(-1)",
        ("tests/passes/test_cancel_permutes.py",),
    ),
    Mutant(
        "exponentials of a softmax forget how many they are",
        "hlsgen/layers/exponentials.py",
        "grid = max(frac + GUARD + ceil(log2(errors * (n + 1))), 1)",
        "grid = max(frac + GUARD + ceil(log2(errors * 2)), 1)",
        ("tests/layers/test_softmax.py",),
    ),
    Mutant(
        "bounds of a sum ignore negative weights",
        "hlsgen",
        "reach = exact_matmul(exact_sum(self.high, -self.low), np.abs(weights))",
        "reach = exact_matmul(exact_sum(self.high, -self.low), weights)",
        ("tests/ir/test_interval.py",),
    ),
    Mutant(
        "padding is no zero",
        "hlsgen",
        "return Interval(np.minimum(self.low, 0), np.maximum(self.high, 0), self.frac)",
        "return Interval(self.low, self.high, self.frac)",
        ("tests/passes/test_infer_types.py", "tests/ir/test_interval.py"),
    ),
    Mutant(
        "the accumulator is a bit short",
        "hlsgen",
        "        return self.exact.type()\n",
        "        return (t := self.exact.type()).__class__(max(t.width - 1, 1), t.integer - 1, t.signed)\n",
        ("tests/passes/test_infer_types.py",),
    ),
    Mutant(
        "a user's accumulator is passed over",
        "hlsgen",
        "node.wish.accum or layer.accumulator(full)",
        "layer.accumulator(full)",
        ("tests/passes/test_infer_types.py",),
    ),
    Mutant(
        "a fused scale loses its sign",
        "hlsgen",
        "weight = Constant.of(self.weight.effective * self.per_output(s))",
        "weight = Constant.of(self.weight.effective * self.per_output(np.abs(s)))",
        ("tests/passes/test_fuse_batchnorm.py",),
    ),
    Mutant(
        "a fused scale leaves the bias alone",
        "hlsgen",
        "bias=Constant.of(self.bias.effective * s + t, added)",
        "bias=Constant.of(self.bias.effective + t, added)",
        ("tests/passes/test_fuse_batchnorm.py",),
    ),
    Mutant(
        "BatchNormalization without epsilon",
        "hlsgen",
        "scale = gamma / np.sqrt(variance + epsilon)",
        "scale = gamma / np.sqrt(variance)",
        ("tests/layers/test_against_keras.py::test_means_what_keras_means[bn epsilon-keras]",),
    ),
    Mutant(
        "same padding puts the odd cell in front",
        "hlsgen",
        "return total // 2, total - total // 2",
        "return total - total // 2, total // 2",
        ("tests/layers/test_against_keras.py",),
    ),
    Mutant(
        "causal padding forgets dilation",
        "hlsgen",
        "pads = (0, 0, reach[1] - 1, 0)",
        "pads = (0, 0, kernel[1] - 1, 0)",
        ("tests/layers/test_against_keras.py",),
    ),
    Mutant(
        "rows move by the stride of columns",
        "hlsgen",
        "taken = spans[:, :: self.stride[0], :: self.stride[1],",
        "taken = spans[:, :: self.stride[1], :: self.stride[1],",
        ("tests/layers/test_against_keras.py",),
    ),
    Mutant(
        "QKeras's ties are rounded away from zero",
        "hlsgen",
        "result: Floats = x + (-x + np.rint(x))",
        "result: Floats = x + (-x + np.trunc(x + np.copysign(np.float32(0.5), x)))",
        ("tests/quantizers/test_qkeras.py",),
    ),
    Mutant(
        "the type of a layer's class goes before its name's",
        "hlsgen",
        "        if name in self.layers:\n            yield self.layers[name]\n        if class_name in self.layer_types:\n"
        "            yield self.layer_types[class_name]\n",
        "        if class_name in self.layer_types:\n            yield self.layer_types[class_name]\n"
        "        if name in self.layers:\n            yield self.layers[name]\n",
        ("tests/test_config.py",),
    ),
    Mutant(
        "the model's default goes before the layer's class",
        "hlsgen",
        "(self.config.layer_types.get(node.source.class_name), self.config.defaults)",
        "(self.config.defaults, self.config.layer_types.get(node.source.class_name))",
        ("tests/test_config.py", "tests/passes/test_infer_types.py"),
    ),
    Mutant(
        "frozen variables of an HDF5 file come in the other order",
        "hlsgen",
        "        return mine + own + [s for part in self.parts",
        "        return own + mine + [s for part in self.parts",
        ("tests/frontends/test_sources_keras2.py",),
    ),
    Mutant(
        "frozen variables go first in files of Keras 3",
        "hlsgen",
        "[slot for slot, trained in slots if trained] + [slot for slot, trained in slots if not trained]",
        "[slot for slot, trained in slots if not trained] + [slot for slot, trained in slots if trained]",
        ("tests/frontends/test_sources_keras3.py",),
    ),
    Mutant(
        "the flags are not in the digest",
        "hlsgen",
        "        compiler.version,\n        *flags,\n",
        "        compiler.version,\n",
        ("tests/emulation/test_cache.py",),
    ),
    Mutant(
        "a damaged file of the cache is loaded",
        "hlsgen",
        "if seal != _seal(path, content):",
        "if False:",
        ("tests/emulation/test_cache.py::test_damaged_files_are_not_used",),
    ),
    Mutant(
        "a design is mapped from its file",
        "hlsgen",
        "        with in_memory(name, content) as place:\n",
        "        with contextlib.nullcontext(str(stored)) as place:\n",
        ("tests/emulation/test_cache.py::test_two_designs_have_modules_of_their_own",),
    ),
    Mutant(
        "a full disk is a bug of hlsgen",
        "hlsgen",
        'cause = self._cause(f"{said}\\n{log}") or self._fault()',
        "cause = self._fault()",
        ("tests/emulation/test_cache.py::test_what_is_no_bug_of_hlsgen_is_not_called_one",),
    ),
    Mutant(
        "overflow beyond the lower end is not counted",
        "hlsgen",
        "outside = (rounded < self.type.min_mantissa) | (rounded > self.type.max_mantissa)",
        "outside = rounded > self.type.max_mantissa",
        ("tests/analysis/test_overflow.py",),
    ),
    Mutant(
        "a cast that only rounds is left out of the counting design",
        "hlsgen",
        "for stage in stages if any(map(_overflows, stages)) else ():",
        "for stage in filter(_overflows, stages):",
        ("tests/analysis/test_overflow_counts.py",),
    ),
    Mutant(
        "the modes that are written for a constant are ignored",
        "hlsgen",
        "mantissas=fixed.quantize(self.values), given=False",
        "mantissas=fixed.with_modes(*CONSTANT_MODES).quantize(self.values), given=False",
        ("tests/passes/test_written_modes.py",),
    ),
    Mutant(
        "the report takes the best latency for the worst",
        "hlsgen",
        'count_at(element, f"{place}/Worst-caseLatency")',
        'count_at(element, f"{place}/Best-caseLatency")',
        ("tests/analysis/test_report.py",),
    ),
    Mutant(
        "the summary counts one element a word",
        "hlsgen",
        "interface.bits(elements * width)",
        "interface.bits(width)",
        ("tests/test_project.py::test_summary",),
    ),
    Mutant(
        "words of ports are filled from the top",
        "hls_templates",
        "word.range(width * i + width - 1, width * i) = bits;",
        "word.range(N - 1 - width * i, N - width - width * i) = bits;",
        ("tests/ladder/test_ports.py",),
    ),
    Mutant(
        "bits above the elements of a word are ones",
        "hls_templates",
        "ap_uint<N> word = 0;",
        "ap_uint<N> word = ~ap_uint<N>(0);",
        ("tests/ladder/test_ports.py",),
    ),
    Mutant(
        "a packet ends with its first word",
        "hls_templates",
        "word.last = p == words - 1;",
        "word.last = p == 0;",
        ("tests/ladder/test_ports.py",),
    ),
    Mutant(
        "wrong use ends with status 1",
        "hlsgen",
        "sys.exit(2 if isinstance(error, ConfigError) else 1)",
        "sys.exit(1)",
        ("tests/test_cli.py::test_wrong_configuration_is_wrong_use",),
    ),
    Mutant(
        "low agreement is no failure",
        "hlsgen",
        "return float(np.mean(_top(outputs) == labels.reshape(-1)))",
        "return 1.0",
        ("tests/test_cli.py::test_build_fails_below_the_wanted_agreement",),
    ),
    Mutant(
        "a foreign folder is written into",
        "hlsgen",
        "if not former.is_project and any(",
        "if former.is_project and any(",
        ("tests/test_project.py::test_foreign_folder_is_refused_and_untouched",),
    ),
    Mutant(
        "a file that the user changed is replaced",
        "hlsgen",
        "if found and (known or (name in names and (overwrite or not former.has_list))):",
        "if found and (known or name in names):",
        ("tests/backends/test_writer.py::test_a_changed_file_is_not_replaced",),
    ),
    Mutant(
        "a folder with files of others changes places as a whole",
        "hlsgen",
        'else f"{within}{entry.name}" in self.own',
        "else True",
        ("tests/backends/test_writer.py::test_what_is_not_of_hlsgen_is_not_touched",),
    ),
    Mutant(
        "a move that fails leaves those before it",
        "hlsgen",
        "                while self._undo:\n",
        "                while False:\n",
        ("tests/backends/test_writer.py::test_a_change_that_is_refused_half_way_is_undone",),
    ),
    Mutant(
        "a lock is left to whoever was forked meanwhile",
        "hlsgen/files.py",
        "        fcntl.flock(descriptor, fcntl.LOCK_UN)\n",
        "        pass\n",
        ("tests/test_files.py::test_a_lock_ends_with_its_holder_whoever_was_forked_meanwhile",),
    ),
    Mutant(
        "progress is shown by the processes that another one started",
        "hlsgen/progress",
        "    return multiprocessing.parent_process() is not None\n",
        "    return False\n",
        ("tests/progress/test_terminal.py::test_a_worker_shows_nothing",),
    ),
    Mutant(
        "a name of a model moves the cursor",
        "hlsgen/progress/terminal.py",
        'letter if letter.isprintable() else "\\N{REPLACEMENT CHARACTER}"',
        "letter",
        ("tests/progress/test_terminal.py::test_names_move_no_cursor",),
    ),
    Mutant(
        "a log that does not make what is shown go",
        "hlsgen/progress/watcher.py",
        "            self._draw([])\n",
        "",
        ("tests/progress/test_task.py::test_beside_what_is_shown",),
    ),
    Mutant(
        "what an interrupt left open stays",
        "hlsgen/progress/__init__.py",
        "        while self in tasks:",
        "        if self in tasks:",
        ("tests/progress/test_task.py::test_an_exception_closes_what_was_open_within",),
    ),
    Mutant(
        "the number of samples is not told while a batch runs",
        "hls_templates/emulation/bindings.cpp",
        "if (!report.is_none()) report(samples);",
        "",
        ("tests/progress/test_task.py::test_a_large_batch_says_how_far_it_is",),
    ),
    Mutant(
        "the cache removes what is merely called alike",
        "hlsgen/native/store.py",
        '_DIGEST = "[0-9a-f]{32}"\n',
        '_DIGEST = ".*"\n',
        ("tests/test_cli.py::test_cache",),
    ),
    Mutant(
        "a pattern within one input is looked for backwards",
        "hls_templates/adders",
        "row <= other ?",
        "row < other ?",
        ("tests/adders/test_adders.py",),
    ),
    Mutant(
        "the depth of a graph forgets what is shared already",
        "hls_templates/adders",
        "used_ += load_of(depth(made)) - load_of(depth(first)) - load_of(depth(second));",
        "used_ += 0;",
        ("tests/adders/test_adders.py::test_the_depth_is_kept",),
    ),
    Mutant(
        "the bits of a subtracted operand pass through an adder",
        "hlsgen/adders/cost.py",
        "result.top - right.zeros",
        "result.top - upper.zeros",
        ("tests/adders/test_adders.py",),
    ),
    Mutant(
        "an archive is unpacked whatever it holds",
        "hlsgen/design/array_files.py",
        "if total > max(MAX_UNPACKED, file.stat().st_size):",
        "if False:",
        ("tests/design/test_arrays.py::test_archives_are_looked_at_before_they_are_unpacked",),
    ),
    Mutant(
        "masks are looked for in lists and tuples only",
        "hlsgen/design/arrays.py",
        "issubclass(kind, Sequence | np.ma.MaskedArray)",
        "issubclass(kind, list | tuple | np.ma.MaskedArray)",
        ("tests/design/test_arrays.py",),
    ),
    Mutant(
        "settings that are assigned are refused in pydantic's words",
        "hlsgen/config.py",
        "raise _refusal(error, _Origin(type(self).__name__), type(self)) from error",
        "raise",
        ("tests/test_config.py::test_parts_of_a_configuration_are_changed_as_strictly",),
    ),
    Mutant(
        "names change before the content is on the disk",
        "hlsgen",
        '    sync_all([staged, *staged.rglob("*")])\n',
        "",
        ("tests/backends/test_writer.py::test_all_is_on_the_disk_before_names_change",),
    ),
    Mutant(
        "what is killed between two moves is forgotten",
        "hlsgen",
        "for path in paths for name in (STAGED, FORMER))",
        "for path in paths for name in ())",
        ("tests/backends/test_writer.py::test_killed_at_any_step_the_next_write_completes_what_is_between",),
    ),
    Mutant(
        "keywords stay names",
        "hlsgen",
        "return word in _KEYWORDS | _MACROS | _HARDWARE or",
        "return word in _MACROS | _HARDWARE or",
        ("tests/codegen/test_naming.py",),
    ),
    Mutant(
        "words of the RTL stay names of ports",
        "hlsgen",
        "return word in _KEYWORDS | _MACROS | _HARDWARE or",
        "return word in _KEYWORDS | _MACROS or",
        ("tests/codegen/test_naming.py",),
    ),
    Mutant(
        "a flat pipeline limits multipliers to those of a position",
        "hlsgen",
        "-(-self.multipliers * self.positions * self.reuse_factor // (interval * pixels))",
        "-(-self.multipliers * self.reuse_factor // (interval * pixels))",
        ("tests/backends/test_balance.py",),
    ),
    Mutant(
        "packs are never regrouped",
        "hlsgen",
        "if not self.plan.stream or pack is None or wire.pack == pack:",
        "if not self.plan.stream or pack is None or wire.pack != pack:",
        ("tests/ladder/test_pools_and_shapes.py::test_packs_of_other_sizes",),
    ),
    Mutant(
        "weights of a dense layer go input by input",
        "hlsgen",
        "constants = _constants(layer, layer.weight.fixed[0].T, turns)",
        "constants = _constants(layer, layer.weight.fixed[0], turns)",
        ("tests/ladder/test_dense.py",),
    ),
    Mutant(
        "constants of any shape are joined to a graph",
        "hlsgen",
        "if not fits(needed[name], array.shape, known):",
        "if not fits(needed[name], array.shape, known) and array.size > 1:",
        ("tests/layers/test_fit.py",),
    ),
    Mutant(
        "weights are compared with each other but not with the input",
        "hlsgen",
        'known = f"its input of shape {given}", {CHANNELS: given[-1]}',
        'known = f"its input of shape {given}", dict[str, int]()',
        ("tests/frontends/test_mismatches.py::test_message",),
    ),
    Mutant(
        "a compiled design of another plan is taken",
        "hlsgen",
        "        if expected != other:\n            raise DesignError",
        "        if expected != other and not names:\n            raise DesignError",
        ("tests/emulation/test_fit.py",),
    ),
    # -- C++ and Tcl ---------------------------------------------------------------------------------
    Mutant(
        "a kernel takes fewer biases than it reads",
        "hls_templates/firmware",
        "rom<typename C::scale_word, C::channels> s, rom<typename C::bias_word, C::channels> b) {\n#pragma HLS PIPELINE",
        "rom<typename C::scale_word, C::channels> s, const typename C::bias_word* b) {\n#pragma HLS PIPELINE",
        ("tests/ladder/test_sizes_of_constants.py",),
    ),
    Mutant(
        "any number of words is bound",
        "hls_templates/emulation",
        "if (data.count != N)",
        "if (data.count < 0)",
        ("tests/vendor/test_bindings.py::test_a_design_that_reads_more_than_it_says_cannot_be_loaded",),
    ),
    Mutant(
        "words of a bit too many are bound",
        "hls_templates/emulation",
        "const int128 above = v >> (c.width - c.is_signed);",
        "const int128 above = v >> c.width;",
        ("tests/vendor/test_bindings.py::test_constants_that_are_not_of_the_design",),
    ),
    Mutant(
        "the emulation rounds ties to zero downwards",
        "hls_templates/emulation",
        "return (t + E(half - 1) - sign) >> Shift;",
        "return (t + E(half - 1)) >> Shift;",
        ("tests/vendor/test_proof.py::test_a_seeded_selection_agrees",),
    ),
    Mutant(
        "the emulation saturates to zero one step early",
        "hls_templates/emulation",
        "keep &= (vec<E>)(v <= broadcast<E>(top));",
        "keep &= (vec<E>)(v < broadcast<E>(top));",
        ("tests/vendor/test_proof.py::test_a_seeded_selection_agrees",),
    ),
    Mutant(
        "inputs round ties to even towards the odd",
        "hls_templates/emulation",
        "case AP_RND_CONV: return half && (odd || rest);",
        "case AP_RND_CONV: return half && (!odd || rest);",
        ("tests/vendor/test_bindings.py::test_inputs_are_quantised_as_in_python",),
    ),
    Mutant(
        "the kernel reads weights by columns",
        "hls_templates/firmware",
        "from_mantissa<typename C::weight_t>(w[j * C::n_in + i])",
        "from_mantissa<typename C::weight_t>(w[i * C::n_out + j])",
        ("tests/ladder/test_dense.py",),
    ),
    Mutant(
        "a shared multiplier takes the wrong input",
        "hls_templates/firmware",
        "part[m] = mux<C::turns>(x, m * C::turns, turn.number);",
        "part[m] = mux<C::turns>(x, m, turn.number);",
        ("tests/ladder/test_dense.py",),
    ),
    Mutant(
        "the sums of a multiplier's rows move too late",
        "hls_templates/firmware",
        "if (turn.begins_row()) {\n            Move:",
        "if (turn.ends_row()) {\n            Move:",
        ("tests/ladder/test_strategies.py::test_same_integers",),
    ),
    Mutant(
        "a lane begins where the one before it did",
        "hlsgen",
        "part = places[first : first + turns]",
        "part = places[:turns]",
        ("tests/ladder/test_strategies.py::test_lanes_hold_each_product_once",),
    ),
    Mutant(
        "auto reuse takes the next factor but one",
        "hlsgen",
        "factors[max(fitting - 1, 0)]",
        "factors[max(fitting - 2, 0)]",
        ("tests/backends/test_balance.py",),
    ),
    Mutant(
        "a reuse factor for all is that of every layer, valid or not",
        "hlsgen",
        "reuse_factor=nearest_factor(hardware.reuse_factor, valid),",
        "reuse_factor=hardware.reuse_factor,",
        ("tests/passes/test_choose_hardware.py",),
    ),
    Mutant(
        "the second clone comes from nowhere",
        "hls_templates/firmware",
        "        y0.write(word);\n        y1.write(word);",
        "        y0.write(word);\n        y1.write(p == 0 ? word : X());",
        ("tests/ladder/test_merges.py::test_merges_of_two_to_four",),
    ),
    Mutant(
        "a regrouped pack begins with its word",
        "hls_templates/firmware",
        "rest.data[i] = rest.data[i + step];",
        "rest.data[i] = rest.data[i];",
        ("tests/ladder/test_pools_and_shapes.py::test_packs_of_other_sizes",),
    ),
    Mutant(
        "a window is one cell off to the right",
        "hls_templates/firmware",
        "const int image_column = column + k * G::column_step - G::pad_left;",
        "const int image_column = column + k * G::column_step - G::pad_right;",
        ("tests/ladder/test_convolutions.py::test_conv1d_windows",),
    ),
    Mutant(
        "the script forgets the clock",
        "hls_templates/project",
        "create_clock -period {{ clock_period }} -name default",
        "create_clock -period 10 -name default",
        ("tests/codegen/test_golden.py",),
    ),
    Mutant(
        "co-simulation has no data",
        "hls_templates/project",
        '{ $command -argv "$here/tb_data" }',
        "{ $command }",
        ("tests/codegen/test_golden.py",),
    ),
    Mutant(
        "with_weights: sums may need more than holds them",
        "hlsgen/precision/keep_types.py",
        "if both.type() != typing.sum_type:",
        "if False:",
        ("tests/ladder/test_weights_at_ports.py::test_any_weights_of_their_types_can_be_loaded",),
    ),
    Mutant(
        "with_weights: a slope is a weight",
        "hlsgen/ir/same_architecture.py",
        'return "constant", float(single)',
        'return "constant", 0.0',
        ("tests/test_with_weights.py::test_the_slope_of_a_rectifier_is_an_option",),
    ),
    Mutant(
        "weights from outside: sums of a window hold one of its cells",
        "hlsgen/layers/linear.py",
        ".sum()) * taps for v",
        ".sum()) for v",
        ("tests/ladder/test_loaded_weights.py::test_any_weights_of_their_types_can_be_loaded",),
    ),
    Mutant(
        "weights from outside: biases stay constants",
        "hlsgen/backends/hls/kernels/linear.py",
        "return weights, replace(biases, source=weights.source)",
        "return weights, biases",
        ("tests/ladder/test_weights_at_ports.py::test_the_bits_are_those_of_constants",),
    ),
    Mutant(
        "weights in memory: rows are packed from the top of a byte",
        "hlsgen/backends/hls/loading.py",
        'bitorder="little"',
        'bitorder="big"',
        ("tests/ladder/test_loaded_weights.py::test_the_file_has_the_words",),
    ),
    Mutant(
        "weights in memory: a row is complete with its first word",
        "hls_templates/firmware/hlsgen/loading.h",
        "if (k == words_of_row - 1) rows[b][r] = row[b];",
        "if (k == 0) rows[b][r] = row[b];",
        ("tests/ladder/test_loaded_weights.py::test_what_was_loaded_last_is_used",),
    ),
    Mutant(
        "weights in memory: every sample takes words",
        "hls_templates/project/loading.j2",
        "    if (loads.read() != 0) {",
        "    loads.read();\n    {",
        ("tests/ladder/test_loaded_weights.py::test_what_was_loaded_last_is_used",),
    ),
    Mutant(
        "weights in memory: the next layer is told when this one is done",
        "hlsgen/backends/hls/loading.py",
        "last, number + 3)",
        "last, 2)",
        ("tests/ladder/test_loaded_weights.py::test_every_sample_under_way_can_be_told",),
    ),
    Mutant(
        "weights in memory: numbers begin with their byte",
        "hls_templates/firmware/hlsgen/byte_rows.h",
        "low = W * i % 8;",
        "low = 0;",
        ("tests/ladder/test_loaded_weights.py::test_what_was_loaded_last_is_used",),
    ),
    Mutant(
        "weights in memory: control stays wires",
        "hlsgen/backends/hls/ports.py",
        "return replace(self, registers=True)",
        "return self",
        ("tests/ladder/test_loaded_weights.py::test_ports_are_described",),
    ),
    Mutant(
        "the driver of a board takes the highest bit for a number",
        "hls_templates/board/packing.py",
        "weights[-1] = -weights[-1]",
        "weights[-1] = weights[-1]",
        ("tests/boards/test_driver.py",),
    ),
    Mutant(
        "the driver of a board rounds ties up, whatever the type says",
        "hls_templates/board/packing.py",
        '"RND_MIN_INF": np.floor',
        '"RND_MIN_INF": np.ceil',
        ("tests/boards/test_driver.py",),
    ),
    Mutant(
        "a scaled layer keeps its bias",
        "hlsgen",
        "bias if bias.mantissas is not None else bias.times(scale)",
        "bias",
        ("tests/passes/test_equalise_channels.py",),
    ),
    Mutant(
        "readers do not take offsets back",
        "hlsgen",
        "Constant.of(layer.bias.effective + summed - behind.offsets, layer.bias.added)",
        "Constant.of(layer.bias.effective - behind.offsets, layer.bias.added)",
        ("tests/passes/test_hold_channels.py",),
    ),
    Mutant(
        "offsets pass zeros that are added",
        "hlsgen",
        "return not self._channels_moved(shapes[0])[2].size",
        "return True",
        ("tests/passes/test_hold_functions.py",),
    ),
    Mutant(
        "channels of a sum are moved apart",
        "hlsgen",
        'return None if self.op == "multiply" else straight(shapes[0], inputs=2)',
        'return None if self.op == "multiply" else straight(shapes[0])',
        ("tests/passes/test_equalise_channels.py", "tests/layers/test_declarations.py"),
    ),
    Mutant(
        "ports take values as the model means them, whatever they hold",
        "hlsgen",
        "held: Array = np.ldexp(enough, np.array(exponents))",
        "held: Array = enough",
        ("tests/passes/test_input_features.py",),
    ),
    Mutant(
        "reports: an entity is declared and replaced",
        "hlsgen/backends/vitis/reports/safe_xml.py",
        "    parser.StartDoctypeDeclHandler = refuse\n    parser.EntityDeclHandler = refuse\n",
        "",
        ("tests/backends/vendor_reports/test_forms.py::test_csynth_that_is_none",),
    ),
    Mutant(
        "reports: a tile of block RAM is one block",
        "hlsgen/backends/vitis/reports/hardware.py",
        '_TILE if ours == "BRAM" else 1',
        "1",
        ("tests/backends/vendor_reports/test_forms.py::test_utilization",),
    ),
    Mutant(
        "reports: modules within a layer's are counted again",
        "hlsgen/backends/vitis/reports/layers.py",
        "            yield step, instance.module\n        else:\n            yield from",
        "            yield step, instance.module\n        if True:\n            yield from",
        ("tests/backends/vendor_reports/test_builds.py::test_figures_by_layer",),
    ),
    Mutant(
        "reports: a layer's name that ends another's is taken for it",
        "hlsgen/backends/vitis/reports/layers.py",
        "found = own or inner or plain",
        "found = inner or plain",
        ("tests/backends/vendor_reports/test_builds.py::test_the_step_of_a_module",),
    ),
    Mutant(
        "synthesize: a failed step hides that an integer was wrong",
        "hlsgen/backends/vitis/backend.py",
        "            _look_for_mismatch(job, folder, steps, failed)\n",
        "",
        ("tests/backends/test_vitis.py::test_another_integer_than_the_emulators",),
    ),
    Mutant(
        "synthesize: outputs of a former run are compared",
        "hlsgen/backends/vitis/leftovers.py",
        '        *(folder / "tb_data" / file for file in OUTPUTS.values()),\n',
        "",
        ("tests/backends/test_vitis.py::test_outputs_of_a_former_run_are_not_taken",),
    ),
    Mutant(
        "lint: the line of a kernel belongs to every layer",
        "hlsgen/linter/blame.py",
        "return _once(step.layer for step in self.steps if unit in self._reached[step])",
        "return _once(step.layer for step in self.steps)",
        ("tests/linter/test_layers.py::test_layers_of_a_finding",),
    ),
    Mutant(
        "lint: nobody asks clang's parser",
        "hlsgen/linter/source.py",
        "        known = self.opened.get(place)\n",
        "        known = None\n",
        ("tests/linter/test_syntax.py::test_sound_forms_have_no_fault",),
    ),
    Mutant(
        "lint: an unrolled loop is unrolled",
        "hlsgen/linter/obey.py",
        'return f"unroll_count({factor})" if factor else "unroll(full)"',
        "return None",
        ("tests/linter/test_defects.py",),
    ),
    Mutant(
        "lint: a sum behind a multiplexer",
        "hlsgen/linter/multiplexers.py",
        "(most > 1 and pointer in stored)",
        "False",
        ("tests/linter/test_defects.py",),
    ),
    Mutant(
        "lint: numbers are as wide as in hardware",
        "hlsgen/linter/compile.py",
        '"--target=spir64-unknown-unknown", ',
        "",
        ("tests/linter/test_designs.py",),
    ),
    Mutant(
        "lint: ties are rounded to even",
        "hls_templates/lint",
        "half && (odd || rest)",
        "half",
        ("tests/linter/test_headers.py",),
    ),
    Mutant(
        "a FIFO of a circuit without room for what is on its way back",
        "hlsgen/backends/verilog",
        "return -(-(self.latency + 1) // self.interval)",
        "return -(-(self.latency - 1) // self.interval)",
        ("tests/rtl/test_networks.py",),
    ),
    Mutant(
        "a pixel in the place of one that is not read yet",
        "hls_templates/verilog",
        "in_place < place)",
        "in_place <= place)",
        ("tests/rtl/test_windows.py",),
    ),
    Mutant(
        "columns of the last row in the padding in front of the next",
        "hls_templates/verilog",
        "starts ? {{ fill }} : column",
        "column",
        ("tests/rtl/test_windows.py",),
    ),
    Mutant(
        "ties of a circuit that go to odd",
        "hlsgen/backends/verilog",
        'up = logic.choose(logic.bits(floor, 0, 1, "odd"), from_(half), from_(half + 1), "up")',
        'up = logic.choose(logic.bits(floor, 0, 1, "odd"), from_(half + 1), from_(half), "up")',
        ("tests/rtl/test_casts.py",),
    ),
    Mutant(
        "a board takes frames whose checksum is wrong",
        "hls_templates/verilog/board",
        "count == 2'd3 && crc == GOOD;",
        "count == 2'd3 && (crc == GOOD || held[0]);",
        ("tests/board/test_board.py",),
    ),
    Mutant(
        "a board keeps what was no frame",
        "hls_templates/verilog/board",
        "written <= drop ? kept : written_then;",
        "written <= written_then;",
        ("tests/board/test_board.py",),
    ),
    Mutant(
        "an answer ends with the first result of its last samples",
        "hls_templates/verilog/board",
        "last_result && ended && owed == 16'd1",
        "last_result && ended",
        ("tests/board/test_board.py",),
    ),
    Mutant(
        "a break is not noticed",
        "hls_templates/verilog/board",
        "broken <= !bit_now;",
        "broken <= 1'b0;",
        ("tests/board/test_board.py",),
    ),
    Mutant(
        "frames that were refused are not sent again",
        "hlsgen/board",
        "self._to_send.extendleft(",
        "_ = (",
        ("tests/board/test_host.py",),
    ),
    Mutant(
        "an export takes the place of another kind",
        "hlsgen/backends",
        "if new is not None and kind != new.export",
        "if new is None",
        ("tests/exports/test_exports.py::test_other_kinds_and_projects_are_never_replaced",),
    ),
    Mutant(
        "an exported word keeps its rest at the wrong end",
        "hlsgen/exports",
        'margins = (free, 0) if self.first == "high" else (0, free)',
        "margins = (0, free)",
        ("tests/exports/test_weights.py::test_everything_reads_back",),
    ),
    Mutant(
        "exported planes are not turned round",
        "hlsgen/exports",
        'if self.first == "high" and self.group > 1:',
        'if self.first == "high" and self.group > 1 and not self.planes:',
        ("tests/exports/test_weights.py::test_everything_reads_back",),
    ),
    Mutant(
        "a depthwise layer has one group",
        "hlsgen/layers/depthwise_conv2d.py",
        "return Kernel(self.window, self.weight.shape[2], (*self.window.size, 1, self.n_out))",
        "return Kernel(self.window, 1, (*self.window.size, 1, self.n_out))",
        ("tests/exports/test_config_table.py::test_an_engine_computes_every_convolution",),
    ),
    Mutant(
        "a runtime's samples are taken for its first axis",
        "hlsgen/frontends/onnx/running.py",
        "        axis = samples_axis(what, port.shape, data.shape[1:])",
        "        axis = 0",
        ("tests/exports/test_test_vectors.py::test_onnx_runtime_with_the_samples_elsewhere",),
    ),
    Mutant(
        "a file of Keras is run whatever it names",
        "hlsgen/frontends/keras/running.py",
        "        if stranger is not None:",
        "        if False:",
        ("tests/frontends/test_trust.py",),
    ),
    Mutant(
        "registered names of strangers are not looked at",
        "hlsgen/frontends/keras/trust.py",
        '    return registered == "" or (package in _PACKAGES and bare == name)',
        "    return True",
        ("tests/frontends/test_trust.py",),
    ),
    Mutant(
        "texts that Keras makes objects of are not looked at",
        "hlsgen/frontends/keras/trust.py",
        '        return None if not named or _known_text(value) else f"{brief(value)}{where}"',
        "        return None",
        ("tests/frontends/test_trust.py",),
    ),
    Mutant(
        "memory of C is shared by values that meet",
        "hlsgen/exports/c/memory.py",
        "return self.first <= other.last and other.first <= self.last",
        "return self.first < other.last and other.first < self.last",
        ("tests/exports/test_c.py::test_places_do_not_meet",),
    ),
    Mutant(
        "what a loop of C reads is overwritten in its first step",
        "hlsgen/exports/c",
        "read = self._spans[op.loop.name][1] if outside and op.loop is not None else moment",
        "read = moment",
        ("tests/exports/test_c.py::test_loops",),
    ),
    Mutant(
        "a result of C takes the place of what is read later",
        "hlsgen/exports/c",
        "if block is None or self._last[root] != moment or self._lives_on(root):",
        "if block is None or self._lives_on(root):",
        ("tests/exports/test_c.py::test_values_that_are_read_later_stay",),
    ),
    Mutant(
        "a sum of C has no room for its products",
        "hlsgen/exports/c",
        "ranges = (within(largest), within(with_bias))",
        "ranges = ()",
        ("tests/exports/test_c.py::test_partial_sums_have_room",),
    ),
    Mutant(
        "ties of C go to odd numbers",
        "hls_templates/c/helpers.c.j2",
        '" || (rest == half && (down & 1) != 0)"',
        '" || (rest == half && (down & 1) == 0)"',
        ("tests/exports/test_c.py::test_every_cast",),
    ),
    Mutant(
        "two tables of C of one size are taken for one",
        "hlsgen/exports/c",
        "return self.values.shape, str(self.values.reshape(-1).tolist())",
        'return self.values.shape, ""',
        ("tests/exports/test_c.py::test_loops",),
    ),
    Mutant(
        "ties do not count in areas under curves",
        "hlsgen/analysis",
        "int(p) * (2 * int(b) + int(o))",
        "int(p) * (2 * int(b))",
        ("tests/analysis/test_metrics.py",),
    ),
    Mutant(
        "a suggested width may have a wider one that loses more",
        "hlsgen/analysis",
        "if point.value is None or not self._within(point.value, loss):\n                break",
        "if point.value is None or not self._within(point.value, loss):\n                continue",
        ("tests/analysis/test_sensitivity.py",),
    ),
    Mutant(
        "narrow types in a sweep keep the margin of wide ones",
        "hlsgen/analysis",
        "expected = replace(expected, reach=expected.largest * margin)",
        "expected = replace(expected, reach=max(expected.reach, expected.largest * margin))",
        ("tests/analysis/test_sensitivity.py",),
    ),
    Mutant(
        "weights of a sweep stay where those are that a scale was fused into",
        "hlsgen/analysis",
        "fixed = again  # with a type of its own",
        "break  # with a type of its own",
        ("tests/analysis/test_sensitivity.py",),
    ),
    Mutant(
        "a sweep forgets what else is configured for a layer",
        "hlsgen/analysis",
        "for name in own.precision.model_fields_set} | {role: spelled}",
        "for name in ()} | {role: spelled}",
        ("tests/analysis/test_sensitivity.py",),
    ),
    Mutant(
        "a profile counts what rounds to the end of a type as outside",
        "hlsgen/analysis",
        "(real > high + slack * step)",
        "(real > high)",
        ("tests/analysis/test_profile.py",),
    ),
    Mutant(
        "a profile counts what readers do not see",
        "hlsgen/analysis",
        "seen = _within(real, typing.demand)",
        "seen = real",
        ("tests/analysis/test_profile.py",),
    ),
    Mutant(
        "what the source model means is cast to types of the configuration",
        "hlsgen/analysis",
        "if tensor.typing.reason is not Reason.MODEL:\n        return values",
        "if tensor.typing.reason not in (Reason.MODEL, Reason.CONFIGURATION):\n        return values",
        ("tests/analysis/test_profile.py",),
    ),
    Mutant(
        "names of a model are HTML in a report",
        "hlsgen/pages",
        "html=True",
        "html=False",
        ("tests/pages/test_page.py",),
    ),
    Mutant(
        "texts of a report's data end its script",
        "hlsgen/pages",
        '.replace("<", "\\\\u003c")',
        "",
        ("tests/pages/test_page.py",),
    ),
    Mutant(
        "any script runs in a report",
        "hlsgen/pages",
        "script-src {allowed}",
        "script-src 'unsafe-inline' {allowed}",
        ("tests/pages/test_page.py",),
    ),
    Mutant(
        "notes stand above faults in a report",
        "hlsgen/pages",
        "key=lambda remark: remark.weight.order",
        "key=lambda remark: -remark.weight.order",
        ("tests/pages/test_page.py", "tests/pages/test_report.py"),
    ),
    Mutant(
        "a report replaces any file",
        "hlsgen/named_files.py",
        "if overwrite or not file.exists() or (first is not None and _begins(file, first)):",
        "if True:",
        ("tests/pages/test_report.py::test_a_report_is_replaced_and_nothing_else",),
    ),
    Mutant(
        "saturation that the model means is a warning",
        "hlsgen/pages",
        "Weight.NOTE if of_model else Weight.WARNING",
        "Weight.WARNING",
        ("tests/pages/test_report.py",),
    ),
    Mutant(
        "limits of a sweep exclude what is just at them",
        "hlsgen/explore",
        "self.excess(trial) <= 0",
        "self.excess(trial) < 0",
        ("tests/explore/test_choice.py",),
    ),
    Mutant(
        "numbers of limits are rounded",
        "hlsgen/explore",
        "float(Decimal(match[1]) * Decimal(repr(factor)))",
        "float(match[1]) * factor",
        ("tests/explore/test_choice.py",),
    ),
    Mutant(
        "a configuration that wins names its files as the sweep does",
        "hlsgen/explore",
        "os.path.relpath(file, folder.resolve())",
        "name",
        ("tests/explore/test_looking.py",),
    ),
    Mutant(
        "equal trials are on a front of two twice",
        "hlsgen/plots",
        "key(y, place) < least",
        "key(y, place) <= least",
        ("tests/explore/test_looking.py",),
    ),
    Mutant(
        "numbers without a point are written with an exponent",
        "hlsgen/strict_yaml.py",
        """f"{mantissa}.0e{power}" if exponent and "." not in mantissa else text""",
        "text",
        ("tests/test_strict_yaml.py",),
    ),
)


# -- running -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mutants_") as name:
        root = Path(name)
        for item in COPIED:
            source = REPOSITORY / item
            if source.is_dir():
                shutil.copytree(source, root / item, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
            elif source.is_file():
                shutil.copy2(source, root / item)
        yield root


def _run_tests(root: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", *tests]
    places = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
    )


def attempt(root: Path, mutant: Mutant) -> tuple[bool, str]:
    """Apply a mutant, run its tests, take it back; return whether they failed, and pytest's last line.

    Raises MutantError if the tests did not run.
    """
    path = mutant.file(root)
    text = path.read_text(encoding="utf-8")
    try:
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        done = _run_tests(root, mutant.tests)
    finally:
        path.write_text(text, encoding="utf-8")
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    if done.returncode not in (0, 1):
        raise MutantError(f"mutant '{mutant.name}': pytest ended with status {done.returncode}\n{done.stdout[-2000:]}")
    return done.returncode == 1, lines[-1]


def _check_imports(root: Path) -> None:
    """Raise MutantError unless the copy is what Python imports: an installed hlsgen must not stand in for it."""
    code = "import hlsgen, hlsgen.tools; print(hlsgen.__file__); print(hlsgen.tools.templates_dir())"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    for line in found.stdout.splitlines():
        if not Path(line).resolve().is_relative_to(root.resolve()):
            raise MutantError(f"the copy in {root} is not what Python imports: {line}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="mutants to try; all if none is given")
    parser.add_argument("--list", action="store_true", help="print the names and where they belong")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        parser.error(f"no mutant {', '.join(sorted(unknown))}; see --list")
    chosen = [mutant for mutant in MUTANTS if not given.names or mutant.name in given.names]
    if given.list:
        for mutant in chosen:
            print(f"{mutant.name:55} {mutant.file().relative_to(REPOSITORY)}")
        return 0
    survivors = []
    with _copy() as root:
        _check_imports(root)
        for mutant in chosen:
            began = time.perf_counter()
            caught, last = attempt(root, mutant)
            survivors += [] if caught else [mutant.name]
            seconds = time.perf_counter() - began
            print(f"{'caught' if caught else 'SURVIVED':9} {seconds:6.1f} s  {mutant.name}: {last}", flush=True)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MutantError as error:
        sys.exit(f"error: {error}")
