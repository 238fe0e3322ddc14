"""``hlsgen sweep best``, ``show`` and ``page`` as a user calls them."""

from __future__ import annotations

import csv
import os
import sqlite3
import threading

import pytest
import yaml

from hlsgen.explore.storage import Storage
from tests.explore.studies import stored, study
from tests.test_cli import call  # noqa: F401  (a fixture)


@pytest.fixture
def db(tmp_path):
    return stored(study(60), tmp_path / "sweep.db")


def test_the_best_is_printed_or_written(call, db, tmp_path):  # noqa: F811
    wanted = study(60).best({"lut": 500, "latency": 400.0}, {"accuracy": 0.25})
    limits = ["--max", "lut=0.5k", "--max", "latency=0.4 us", "--min", "accuracy=25%"]
    printed = call("sweep", "best", db, *limits)
    assert printed.status == 0 and yaml.safe_load(printed.out)["layers"] == wanted.config["layers"]
    assert printed.out.startswith(f"# trial {wanted.number} of sweep.db, by hlsgen 1.0: accuracy ")
    result = call("sweep", "best", db, *limits, "-o", tmp_path / "best.yml")
    assert result.status == 0 and f"trial {wanted.number} of sweep.db: accuracy" in result.out
    assert yaml.safe_load((tmp_path / "best.yml").read_text())["layers"] == wanted.config["layers"]
    by = call("sweep", "best", db, *limits, "--by", "bits")
    assert f"# trial {study(60).best({'lut': 500, 'latency': 400.0}, {'accuracy': 0.25}, 'bits').number} of" in by.out


@pytest.mark.parametrize(
    "words, status, message",
    [
        (["--max", "lutt=5"], 2, "--max: 'lutt' is no objective of this study; did you mean 'lut'?"),
        (["--min", "lut"], 2, "--min: expected an objective and a number, as 'lut=20000', found 'lut'"),
        (["--max", "latency=5 parsec"], 2, "--max: latency: expected a number in ns, found '5 parsec'"),
        (["--max", "lut=20K"], 2, "--max: lut: expected a number, found '20K'; also as '20k', '1.5M' or '97%'"),
        (["--max", "lut=5", "--max", "lut=6"], 2, "--max: 'lut' has two limits; give one"),
        (["--by", "luts"], 2, "--by: 'luts' is no objective of this study; did you mean 'lut'?"),
        (["--max", "lut=5"], 1, "lut at most 5: excludes"),
        (["-o", "{}/sweep.db"], 1, "ends in .db, expected .yml"),
        (["-o", "{}/nowhere/best.yml"], 1, "cannot be written (No such file or directory)"),
    ],
)
def test_what_is_refused(call, db, tmp_path, words, status, message):  # noqa: F811
    result = call("sweep", "best", db, *(word.format(tmp_path) for word in words))
    assert result.status == status and message in result.err and "Traceback" not in result.err and not result.out


def test_a_table_a_page_and_figures(call, db, tmp_path):  # noqa: F811
    pytest.importorskip("matplotlib")
    shown = call(
        "sweep", "show", db, "--csv", tmp_path / "t.csv", "--plot", tmp_path / "a.png", "--parallel", tmp_path / "b.svg"
    )
    assert shown.status == 0 and shown.out.startswith(str(study(60)))
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG" and "<svg" in (tmp_path / "b.svg").read_text()
    assert len(list(csv.DictReader((tmp_path / "t.csv").open(newline="")))) == 60
    assert call("sweep", "show", db, "--all").out.strip() == study(60).all_text
    page = call("sweep", "page", db)
    assert page.status == 0 and page.out == f"written to {tmp_path / 'sweep.html'}\n"
    assert call("sweep", "page", db, "-o", tmp_path / "t.csv").status == 1


@pytest.mark.parametrize("command", ["best", "show", "page"])
def test_files_that_are_no_studies(call, tmp_path, command):  # noqa: F811
    foreign, text, cut = tmp_path / "f.db", tmp_path / "t.db", tmp_path / "c.db"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE trials (x)")
    text.write_text("trial,bits\n" * 100)
    whole = stored(study(60), tmp_path / "whole.db").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    for file, message in (
        (foreign, "an SQLite database, but no study of hlsgen"),
        (text, "this is no SQLite database"),
        (cut, "damaged"),
        (tmp_path / "none.db", "cannot be read (it does not exist); expected the file of a study"),
        (tmp_path, "cannot be read (it is a directory); expected the file of a study"),
    ):
        result = call("sweep", command, file)
        assert result.status == 1 and message in result.err and "Traceback" not in result.err, (file, result)


def test_a_study_that_grows_can_be_looked_at(call, db, tmp_path):  # noqa: F811
    """While another thread has the file open to add to it, which its lock is for."""
    more, read, done = study(200), threading.Event(), threading.Event()

    def add() -> None:
        with Storage(db) as storage:
            for trial in more.trials[60:65]:
                storage.add(trial)
            done.set()
            read.wait(60)

    adding = threading.Thread(target=add)
    adding.start()
    try:
        assert done.wait(60)
        result = call("sweep", "page", db, "-o", tmp_path / "live.html")
    finally:
        read.set()
        adding.join()
    assert result.status == 0 and "65 trials" in (tmp_path / "live.html").read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_only_be_read(call, db):  # noqa: F811
    db.chmod(0o400)
    assert call("sweep", "show", db).status == 0
