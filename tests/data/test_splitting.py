"""Parts: seeded, exact in size, stratified, and the same on every machine."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hlsgen import data
from hlsgen.errors import InputError


def samples(count: int = 100) -> data.Data:
    y = np.arange(count) % 5
    return data.Data(np.arange(2.0 * count).reshape(count, 2), y, ("a", "b"), tuple("vwxyz"), source="jets.csv")


def test_rows_go_to_one_part_each_in_order() -> None:
    parts = samples().split(train=0.6, calibration=0.1, test=0.3, seed=1)
    rows = [part.rows.tolist() for part in parts.values()]
    assert [len(found) for found in rows] == [60, 10, 30]
    assert sorted(itertools.chain(*rows)) == list(range(100)) and all(found == sorted(found) for found in rows)
    assert np.array_equal(parts.train.x[:, 0], 2.0 * parts.train.rows) and parts["test"] is parts.test
    assert [part.part for part in parts.values()] == ["train", "calibration", "test"]


def test_the_rows_are_those_of_every_machine() -> None:
    """Drawn once; PCG64's sequence is guaranteed."""
    parts = samples(12).split(train=0.5, test=0.5, seed=7)
    assert parts.test.rows.tolist() == THE_ROWS
    assert samples(12).split(train=0.5, test=0.5, seed=8).test.rows.tolist() != parts.test.rows.tolist()


THE_ROWS = [0, 1, 2, 5, 7, 8]


def test_classes_are_shared_out() -> None:
    y = np.repeat([0, 1, 2], [70, 25, 5])
    found = data.Data(np.ones((100, 1)), y).split(train=0.6, test=0.4, seed=3, stratify=True)
    assert found.train.class_counts() == {"0": 42, "1": 15, "2": 3}
    assert found.test.class_counts() == {"0": 28, "1": 10, "2": 2}
    small = data.Data(np.ones((100, 1)), y).split(train=0.9, calibration=0.05, test=0.05, seed=3, stratify=True)
    assert [part.class_counts()["2"] for part in small.values()] == [3, 1, 1]
    by_hand = data.Data(np.ones((4, 1)), np.array([0.5, 1.5, 2.5, 3.5])).split(
        a=0.5, b=0.5, seed=0, stratify=np.array([0, 1, 0, 1])
    )
    assert sorted(np.concatenate([by_hand.a.rows % 2, by_hand.b.rows % 2])) == [0, 0, 1, 1]
    assert sorted(by_hand.a.rows % 2) == [0, 1]


def test_lost_classes_are_noted() -> None:
    y = np.array([0] * 30 + [1])
    parts = data.Data(np.ones((31, 1)), y, classes=("g", "q")).split(train=0.5, test=0.5, seed=1)
    lost = "test" if 30 in parts.train.rows else "train"
    assert f"part '{lost}' has no sample of class 'q'; stratify=True shares them out" in str(parts)


def test_what_is_left_is_noted() -> None:
    parts = samples().split(train=0.25, test=0.25, seed=1)
    assert "50 samples are in no part" in str(parts) and list(parts) == ["train", "test"]
    assert "test" in parts and "more" not in parts and len(parts) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "name the parts and their shares"),
        ({"train": 0.6, "test": 0.6}, "the shares are 1.2 in sum, expected 1 at most"),
        ({"train": 60}, "the share of part 'train' is 60, expected a number above 0 up to 1"),
        ({"train": True}, "the share of part 'train' is True"),
        ({"train": float("nan")}, "the share of part 'train' is nan"),
        ({"train": 0.999, "test": 0.001}, "part 'test' gets none of 100 samples"),
        ({"keys": 0.5}, "a part cannot be called 'keys'"),
        ({"train": 0.5, "seed": -1}, "seed is -1"),
        ({"train": 0.5, "seed": 1.5}, "seed is 1.5"),
    ],
)
def test_what_cannot_be_split(arguments: dict[str, float], words: str) -> None:
    with pytest.raises(InputError) as refused:
        samples().split(**{"seed": 1, **arguments})
    assert words in str(refused.value)


def test_what_cannot_be_stratified() -> None:
    for given, words in (
        (data.Data(np.ones((4, 1))), "has no labels to stratify by"),
        (data.Data(np.ones((4, 1)), np.array([0.5, 1, 2, 3])), "stratify needs a class of each of 4 samples"),
        (data.Data(np.ones((4, 1)), np.array([0, 0, 0, 1]), classes=("g", "q")), "has 1 of class 'q', too few for 2"),
    ):
        with pytest.raises(InputError) as refused:
            given.split(train=0.5, test=0.5, seed=1, stratify=True)
        assert words in str(refused.value)


def test_parts_are_named() -> None:
    parts = samples().split(train=0.5, test=0.5, seed=1)
    with pytest.raises(AttributeError, match="there is no part 'tests'; did you mean 'test'?"):
        parts.tests  # noqa: B018
    with pytest.raises(KeyError, match="there is no part 'tests'"):
        parts["tests"]


def test_rows_are_taken() -> None:
    whole = samples(6)
    assert whole.take([4, 1]).x.tolist() == [[8.0, 9.0], [2.0, 3.0]]
    assert whole.take(np.array([True, False] * 3)).take([1]).rows.tolist() == [2]
    for rows in ([0.5], [6], np.ones((2, 2), dtype=int), [True]):
        with pytest.raises(InputError, match=r"take\(\)"):
            whole.take(rows)


def test_data_are_printed_and_checked() -> None:
    text = str(samples())
    assert "jets.csv: 100 samples of 2, float64" in text and "'v'" in text and "20.0 %" in text
    with pytest.raises(InputError, match="3 names of features, x has 2"):
        data.Data(np.ones((4, 2)), features=("a", "b", "c"))
    with pytest.raises(InputError, match="y has 3 labels, x 4 samples"):
        data.Data(np.ones((4, 2)), np.ones(3))
    with pytest.raises(InputError, match="y holds other numbers than those of its 2 classes"):
        data.Data(np.ones((2, 2)), np.array([0, 2]), classes=("a", "b"))
