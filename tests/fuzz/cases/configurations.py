"""Configurations as text: read as they are written, or refused with the place."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

import hlsgen
from hlsgen.config import load_config
from hlsgen.errors import HlsgenError
from hlsgen.frontends.keras.source import SourceModel
from tests.fuzz.cases.base import Case, WrongError, refusal
from tests.fuzz.cases.evaluated import check_project
from tests.fuzz.damage.base import RAN, chosen
from tests.fuzz.damage.tree import CONFIGURATION, tree_damage
from tests.fuzz.files import write_model
from tests.fuzz.fixed_types import any_type, broken_text
from tests.passes.builders import Net

NUMBER = re.compile(rb": ([1-9][0-9]*)$", re.MULTILINE)


def base_configuration(rng: random.Random) -> dict[str, Any]:
    """A configuration for :func:`small_model` in which every key may stand."""
    return {
        "model": "model.keras",
        "output_dir": "made",
        "project_name": rng.choice(("dut", "int", "a b", "1")),
        "part": "xcu250-figd2104-2L-e",
        "clock_period": 4.5,
        "clock_uncertainty": 12.5,
        "io_type": rng.choice(("io_parallel", "io_stream")),
        "interface": "axi_master",
        "control": "ap_ctrl_chain",
        "axi_lite": True,
        "tlast": False,
        "batch": True,
        "port_width": 64,
        "input_precision": rng.choice(("auto", str(any_type(rng, 16)))),
        "default_width": 12,
        "max_width": rng.choice((None, 24)),
        "percentile": 99.5,
        "defaults": {"precision": str(any_type(rng, 16)), "strategy": "latency", "reuse_factor": 1},
        "layer_types": {"Dense": {"weight_granularity": "channel"}},
        "layers": {"fc": {"precision": {"result": "fixed<12,4,RND,SAT>", "accum": "auto"}, "strategy": "resource", "reuse_factor": 3}},
        "fuse_quantized": False,
        "skip_passes": ["fuse_padding"],
    }  # fmt: skip


def small_model() -> SourceModel:
    net = Net(0)
    net.dense("fc", net.input((3,)), 3, 2)
    net.call("ReLU", "relu", "fc")
    return net.source("relu")


# -- damage to the text ----------------------------------------------------------------------------


def _doubled_key(rng: random.Random, text: bytes) -> bytes:
    """One key a second time, with another value."""
    lines = text.splitlines()
    keyed = [i for i, line in enumerate(lines) if re.fullmatch(rb" *\w+: [^\s].*", line)]
    place = rng.choice(keyed)
    key = lines[place].partition(b":")[0]
    return b"\n".join([*lines[: place + 1], key + b": 2", *lines[place + 1 :]])


def _number_as(spelling: Callable[[bytes], bytes]) -> Callable[[random.Random, bytes], bytes]:
    """A whole number, written otherwise."""

    def change(rng: random.Random, text: bytes) -> bytes:
        found = rng.choice(list(NUMBER.finditer(text)))
        return text[: found.start(1)] + spelling(found[1]) + text[found.end(1) :]

    return change


MISREAD: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "twice": _doubled_key,
    "octal": _number_as(lambda number: b"010"),
    "truth": _number_as(lambda number: b"true"),
    "sexagesimal": _number_as(lambda number: b"1:30"),
}
"""What YAML reads as something else than most people write it for: to be refused."""

_BOMB = b"a0: &a0 [x, x]\n" + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (i, i, i - 1, i - 1) for i in range(1, 41))
HOSTILE: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "bomb": lambda rng, text: _BOMB + b"skip_passes: *a40\n",
    "cycle": lambda rng, text: b"layers: &a {fc: *a}\n",
    "cycle of lists": lambda rng, text: b"skip_passes: &a [*a]\n",
    "code": lambda rng, text: text + f"part: !!python/object/apply:os.system ['touch {RAN}']\n".encode(),
    "tag": lambda rng, text: text.replace(b"true", b"!!binary x").replace(b"12", b"!!float nan"),
    "deep": lambda rng, text: b"layers: " + b"[" * rng.choice((50, 3000, 100_000)),
    "deep blocks": lambda rng, text: b"skip_passes:\n  " + b"- " * rng.choice((50, 3000)) + b"x\n",
    "merge": lambda rng, text: text + b"x: &x {default_width: 4}\n<<: *x\n",
    "nothing": lambda rng, text: rng.choice((b"", b"---\n---\n", b"3", b"[]", b"null", b"\xff\xfe", b"a: b: c", b"\t", b"%YAML 9.9\n---\n")),
    "keys": lambda rng, text: text + rng.choice((b"1: 2\n", b"null: 2\n", b"[1]: 2\n", b"true: 2\n", b"2024-01-01: 2\n", b"? {a: 1}\n: 2\n")),
    "digits": lambda rng, text: text.replace(b"12", b"1" + b"0" * rng.choice((30, 400, 5000))),
    "date": lambda rng, text: text.replace(b"dut", b"2024-02-31").replace(b"4.5", b"2024-01-01"),
    "long": lambda rng, text: text.replace(b"model.keras", b"m" * 5000),
    "nul": lambda rng, text: text.replace(b"model.keras", b'"a\\0b"').replace(b"made", b'"a\\0b"'),
    "elsewhere": lambda rng, text: text.replace(b"model.keras", rng.choice((b"~nobody/x", b"/dev/zero", b"/", b"..", b"/proc/self/mem"))),
    "type": lambda rng, text: text.replace(b"fixed<12,4,RND,SAT>", repr(broken_text(rng)).encode()),
}  # fmt: skip


@dataclass(frozen=True)
class ConfigurationCase(Case):
    """A YAML file beside a small model. ``refused``: it has to be."""

    kind = "configuration"
    text: str
    """Latin-1: a byte a character."""
    refused: bool = False
    right: bool = False

    @classmethod
    def draw(cls, rng: random.Random) -> Self:
        tree = base_configuration(rng)
        plain = yaml.safe_dump(tree, sort_keys=False).encode()
        match rng.choice(("right", *("tree",) * 5, "misread", *("hostile",) * 2, "bytes")):
            case "right":
                return cls(plain.decode("latin-1"), right=True)
            case "misread":
                return cls(MISREAD[rng.choice(list(MISREAD))](rng, plain).decode("latin-1"), refused=True)
            case "hostile":
                return cls(HOSTILE[rng.choice(list(HOSTILE))](rng, plain).decode("latin-1"))
            case "bytes":
                data = bytearray(plain)
                for _ in range(rng.choice((1, 2, 5))):
                    place = rng.randrange(len(data))
                    data[place : place + rng.randrange(3)] = rng.choice(
                        (b"", b":", b"\n", b"-", b"\x00", b"\xc3", b"&a ", b"*a ", b"!", b"{", b"#")
                    )
                return cls(bytes(data).decode("latin-1"))
            case _:
                for _ in range(rng.choice((1, 1, 2))):
                    for done in chosen(CONFIGURATION, [tree_damage(rng, tree)]):
                        tree = done(tree)
                return cls(
                    yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
                    .encode("utf-8", "replace")
                    .decode("latin-1")
                )

    def prepare(self, folder: Path) -> Path:
        write_model(small_model(), folder, "keras")
        path = folder / "config.yml"
        path.write_bytes(self.text.encode("latin-1"))
        return path

    def check(self, prepared: Path, folder: Path) -> str:
        try:
            config = load_config(prepared)
            project = hlsgen.convert(config.model or folder / "model.keras", prepared)
            check_project(project, folder, emulate=False, write=False)
        except HlsgenError as error:
            if self.right:
                raise WrongError("refused", str(error)) from error
            return refusal(error)
        if self.refused:
            raise WrongError("misread", "accepted, though YAML reads it otherwise than it is written")
        again = folder / "again.yml"
        again.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_unset=True)), encoding="utf-8")
        if load_config(again) != config:
            raise WrongError("printed", "a configuration that is printed and read again is another")
        return "right"

    def simpler(self) -> Iterator[Self]:
        lines = self.text.split("\n")
        for i in range(len(lines)):
            yield self.with_fields(text="\n".join(lines[:i] + lines[i + 1 :]))
