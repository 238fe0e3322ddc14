"""YAML: what is read, what is refused and where, and that nothing makes it run for long."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
import yaml

from hlsgen.config import load_config
from hlsgen.errors import ConfigError
from hlsgen.strict_yaml import MAX_BYTES, parse, written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("a: null", {"a": None}),
        ("a: 12", {"a": 12}),
        ("a: -0", {"a": 0}),
        ("a: +5", {"a": 5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 1.5e-3", {"a": 0.0015}),
        ("a: -.5E+1", {"a": -5.0}),
        ("a: e3", {"a": "e3"}),
        ("a: .5", {"a": 0.5}),
        ("a: 5.", {"a": 5.0}),
        ("a: -.inf", {"a": float("-inf")}),
        ("a: True\nb: FALSE", {"a": True, "b": False}),
        ("a: '010'", {"a": "010"}),
        ('a: "yes"', {"a": "yes"}),
        ("a: |\n  010\n", {"a": "010\n"}),
        ("a: nullx", {"a": "nullx"}),
        ("a: fixed<16,6>", {"a": "fixed<16,6>"}),
        ("a: ../m.keras", {"a": "../m.keras"}),
        ("{a: [1, b, {c: 2.5}]}", {"a": [1, "b", {"c": 2.5}]}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("'1': x", {"1": "x"}),
        ("a: 🙂", {"a": "🙂"}),
    ],
)
def test_what_is_read(text: str, value: object) -> None:
    data = parse(text, "f").data
    assert repr(data) == repr(value)  # 1 is not True, 1.0 is not 1


AMBIGUOUS = "010 -017 08 0x10 0o10 0b11 1_000 1:30 190:20:30.15 05.5 yes No ON off 2024-01-01 .NaN = <<".split()


@pytest.mark.parametrize("word", [*AMBIGUOUS, "2001-12-14 21:59:43.10", "9" * 19, "1e4000", "-.5E+0001", "07e1"])
def test_a_word_of_two_meanings_is_refused_as_value_and_as_key(word: str) -> None:
    """Each means something else to another program; quoted, it is text to all."""
    with pytest.raises(ConfigError, match=r"^f, line 2, column 6: not valid YAML: .* is text to some"):
        parse(f"a:\n  b: {word}", "f")
    with pytest.raises(ConfigError, match=r"^f, line 2, column 1: not valid YAML: .* is text to some"):
        parse(f"a: 1\n{word}: 1", "f")
    assert parse(f"'{word}': '{word}'", "f").data == {word: word}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {c: 1, 'c': 2}", "line 2, column 11: .*the key 'c' stands twice, first on line 2, column 5"),
        ("1: x", "line 1, column 1: .*key has to be text, found '1'"),
        ("a: 1\n~: x", "line 2, column 1: .*key has to be text, found '~'"),
        ("true: x", "line 1, column 1: .*key has to be text"),
        ("? [a]\n: x", "line 1, column 3: .*key has to be text, found a list or mapping"),
        ("a: 1\n---\nb: 2", "line 2, column 1: .*single document"),
        ("a: !!int '5'", "line 1, column 4: .*the tag 'tag:yaml.org,2002:int' is not taken"),
        ("a: !!python/object/apply:os.system ['true']", "line 1, column 4: .*the tag .* is not taken"),
        ("!mine {}", "line 1, column 1: .*the tag '!mine' is not taken"),
        ("a: ! b", "line 1, column 4: .*the tag '!' is not taken"),
        ("a: *b", "line 1, column 4: .*undefined alias"),
        ("a: &b [1, *b]", "line 1, column 11: .*stands within what it repeats"),
        ("a: [1,\n  ", "line 2, column 3: "),
        ("a: \t1", "line 1, column 4: "),
        ("a: 1\n b: 2", "line 2, column 3: "),
        ("a: \0", "not valid YAML: .*#x0000"),
        (r'a: "\ud800"', "line 1, column 4: .*half of a character"),
        (r'a: "\UFFFFFFFF"', "line 1, column 7: "),
        ("%YAML 1." + "1" * 5000 + "\n--- a", "line 1, column 9: "),
    ],
)
def test_what_is_refused_names_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^f(, |: ){message}") as caught:
        parse(text, "f")
    assert len(str(caught.value)) < 400


def test_places_of_keys_and_values() -> None:
    document = parse("a: 1\nb:\n  c: [x, y]\nd: &n {e: 1}\nf: *n\n", "f")
    assert document.place(("b", "c")) == "line 3, column 6"
    assert document.place(("b", "c"), of_key=True) == "line 3, column 3"
    assert document.place(("b", "c", 1)) == "line 3, column 10"
    assert document.place(("f", "e")) == "line 4, column 11"
    assert document.place(("b", "nothing", "here")) == "line 3, column 3"  # where the value of b begins
    assert document.place(()) == "line 1, column 1"


def bomb(levels: int) -> str:
    """Each level repeats the one before ten times."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


def ladder(levels: int) -> str:
    """Each level is one deeper than the one before, though none is written deep."""
    return "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, levels))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 3000 + "]" * 3000, "nested more than 32 deep"),
        ("- " * 3000 + "a", "nested more than 32 deep"),
        ("? " * 3000, "nested more than 32 deep"),
        (bomb(12), "more than 200000 entries"),
        (ladder(60), "nested more than 32 deep"),
    ],
    ids=["flow", "lists", "keys", "bomb", "ladder"],
)
def test_no_depth_and_no_bomb(text: str, message: str) -> None:
    began = time.monotonic()
    with pytest.raises(ConfigError, match=message):
        parse(text, "f")
    assert time.monotonic() - began < 5


def test_aliases_within_the_limits_are_written_out() -> None:
    data = parse(bomb(4), "f").data
    assert str(data["a3"]).count("x") == 2000
    assert data["a1"][0] == data["a0"]
    data["a1"][0].append("y")
    assert data["a0"] == ["x", "x"]  # each is a copy


def test_damaged_texts_are_read_or_refused() -> None:
    seeds = [bomb(3), "a: 1\nb: {c: [x, 'y', 2.5e3]}\n# note\n", 'k: "\\x41\\u00e9"\nl: |\n  text\nm: >-\n  more\n']
    choice, characters = random.Random(0), "{}[]:,-?&*!|>'\"%@`#\n\t ~01x\0\x85\ufeff\u2028é🙂\\"
    refusals = 0
    for _ in range(1500):
        text = list(choice.choice(seeds))
        for _ in range(choice.randint(1, 4)):
            at = choice.randrange(len(text) + 1)
            text[at : at + choice.randint(0, 2)] = choice.choice(characters)
        try:
            parse("".join(text), "f")
        except ConfigError as error:
            refusals += 1
            assert str(error).startswith("f")
    assert 100 < refusals < 1500


def test_plain_texts_mean_what_they_mean_to_everybody() -> None:
    """Whatever is read has the value that PyYAML gives it, but for floats without a point, of which it makes text."""
    choice = random.Random(1)
    read = 0
    for _ in range(3000):
        word = "".join(choice.choices("0123456789.eExo_:-+abtrueyNn ", k=choice.randint(1, 6))).strip()
        try:
            data = parse(f"a: {word}", "f").data
        except ConfigError:
            continue
        if isinstance(data["a"], float):
            assert data["a"] == float(word)
            continue
        read += 1
        assert repr(data) == repr(yaml.safe_load(f"a: {word}"))
    assert read > 500


def test_the_size_of_a_file_is_limited(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("#" * (MAX_BYTES + 1))
    with pytest.raises(
        ConfigError, match=r"c.yml: cannot be read \(it has 1048577 bytes, more than the 1048576 allowed"
    ):
        load_config(tmp_path / "c.yml")


WORDS = [
    *("yes", "010", "1e3", "0o10", "~", "null", "true", "On", "n", "Null", ".inf", "1.5", "0x1f", "1_000", "1:30", "<<"),
    *("2020-01-01", "a: b", "#x", " x", "x ", "", "a b", "[x]", "{", "!t", "&a", "*a", "|", ">", "%", "@", "`", "?", "="),
    *("fixed<8,2,RND>", "../a/b", "./x", "..", "/", "_", "-", "- a", "a,b", "'", '"', "\\", "a\nb", "\t", "\x7f", "\x85"),
    *("\u2028", "\ufeff", "\U0001f600", "Ünï", "e5", "\x07"),
]  # fmt: skip


def drawn(rng: random.Random, depth: int = 0):
    kind = rng.random()
    if depth < 3 and kind < 0.3:
        return {rng.choice(WORDS) + rng.choice(["", "x"]): drawn(rng, depth + 1) for _ in range(rng.randrange(4))}
    if depth < 3 and kind < 0.45:
        return [drawn(rng, depth + 1) for _ in range(rng.randrange(4))]
    numbers = [rng.randrange(-(10**6), 10**6), rng.random() * 10.0 ** rng.randrange(-12, 12), 1e-5, 1e22, -0.5, 0.0]
    return rng.choice([rng.choice(WORDS), rng.choice(numbers), True, False, None])


def test_what_is_written_is_read_as_the_same_by_all() -> None:
    rng = random.Random(11)
    for _ in range(1500):
        data = {rng.choice(WORDS) + str(k): drawn(rng) for k in range(3)}
        text = written(data)
        assert repr(parse(text, "x").data) == repr(data), text
        assert repr(yaml.safe_load(text)) == repr(data), text
        escaped = written(data, ascii_only=True)
        assert escaped.isascii()
        assert repr(parse(escaped, "x").data) == repr(yaml.safe_load(escaped)) == repr(data), escaped


def test_long_lists_go_on_in_the_next_line() -> None:
    rng = random.Random(12)
    for size in (1, 20, 200, 2000):
        data = {"layers": {"a": {"b": [rng.random() for _ in range(size)]}, "c": {"d": ["x, y"] * size}}, "e": size}
        text = written(data)
        assert repr(parse(text, "x").data) == repr(yaml.safe_load(text)) == repr(data)
        assert max(map(len, text.splitlines())) <= 120
    assert written({"a": {"b": [10**8] * 25}}) == (
        "a:\n  b: [\n    " + "100000000, " * 9 + "100000000,\n    " + "100000000, " * 9 + "100000000,\n    "
        "100000000, 100000000, 100000000, 100000000, 100000000]\n"
    )


def test_what_is_written_is_plain_where_it_can_be() -> None:
    data = {
        "model": "../m.keras",
        "layers": {"fc1": {"precision": "fixed<8,2>"}},
        "skip_passes": ["a_b", "c d"],
        "x": {},
    }
    assert written(data) == (
        'model: ../m.keras\nlayers:\n  fc1:\n    precision: fixed<8,2>\nskip_passes: [a_b, "c d"]\nx: {}\n'
    )
