"""What progress leaves on a terminal: nothing; and what it shows meanwhile, and to whom."""

from __future__ import annotations

import subprocess

import pytest

from tests.progress.terminal import on_terminal, program, screen

SHOWN = """
    with task("sweeping", total=4) as step:
        for number in range(4):
            step.say(f"design {number}")
            look()
            step.advance()
    print("result")
"""


def test_the_screen_of_these_tests() -> None:
    assert screen("one\n\rtwo\n\rthree\r\x1b[1A\x1b[2K\x1b[31mfour\x1b[0m\n\r\x1b[2Kx") == ["one", "four", "x"]
    assert screen("abc\rX\n\r\n\r") == ["Xbc"]


def test_shown_and_gone() -> None:
    session = on_terminal(program(SHOWN))
    for text in ("sweeping", "design 1", "2/4"):
        assert text in session.sent
    assert session.screen == [] and session.has_cursor
    assert session.stdout == "result\n"


@pytest.mark.parametrize(
    "env", [{"TERM": "dumb"}, {"HLSGEN_PROGRESS": "off"}, {"HLSGEN_PROGRESS": "OFF", "FORCE_COLOR": "1"}]
)
def test_not_where_it_is_not_wanted(env: dict[str, str]) -> None:
    assert on_terminal(program(SHOWN), env).sent == ""


def test_not_after_show_progress_false() -> None:
    assert (
        on_terminal(program("import hlsgen\nhlsgen.show_progress(False)\n" + SHOWN.replace("\n    ", "\n"))).sent == ""
    )


def test_no_colour() -> None:
    session = on_terminal(program(SHOWN), {"NO_COLOR": "1"})
    assert "design 1" in session.sent and "\x1b[3" not in session.sent


def test_nothing_in_a_pipe() -> None:
    """Even where rich is told to take it for a terminal."""
    for env in ({}, {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1"}):
        run = subprocess.run(program(SHOWN), capture_output=True, text=True, check=True, env={**_environment(), **env})
        assert (run.stdout, run.stderr) == ("result\n", "")


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


def test_an_error_leaves_its_traceback_alone() -> None:
    session = on_terminal(
        program("""
            with task("compiling"):
                look()
                raise ValueError("no")
        """)
    )
    assert "compiling" in session.sent and session.status == 1 and session.has_cursor
    assert session.screen[0].startswith("Traceback") and session.screen[-1] == "ValueError: no"
    assert not any("compiling" in line for line in session.screen if 'task("compiling")' not in line)


def test_ctrl_c() -> None:
    session = on_terminal(
        program("""
            try:
                with task("compiling"):
                    time.sleep(60)
            except KeyboardInterrupt:
                print("interrupted")
        """),
        interrupt_at="compiling",
    )
    assert session.stdout == "interrupted\n" and session.screen == [] and session.has_cursor


def test_the_log_stays_whole() -> None:
    session = on_terminal(
        program("""
            import logging
            with task("compiling"):
                for number in range(3):
                    look()
                    logging.getLogger("hlsgen.test").info("line %d", number)
                look()
        """),
        {"HLSGEN_LOG": "info"},
    )
    assert "compiling" in session.sent
    assert [line.split(" ", 1)[1] for line in session.screen] == [
        *(f"INFO hlsgen.test: line {number}" for number in range(3)),
        session.screen[-1].split(" ", 1)[1],
    ]
    assert "INFO hlsgen.progress: compiling: " in session.screen[-1]


def test_names_move_no_cursor() -> None:
    session = on_terminal(
        program(r"""
            with task("compiling") as step:
                step.say("\x1b[2J[bold]layer[/]\x07\n")
                look()
        """)
    )
    assert "\x1b[2J" not in session.sent and "\x07" not in session.sent
    assert "�[2J[bold]layer[/]��" in session.sent


def test_threads_and_forked_processes() -> None:
    """Threads have a line each; a process that was forked or spawned shows none."""
    session = on_terminal(
        program("""
            import multiprocessing, os, threading

            def work(name):
                with task(name):
                    look()

            threads = [threading.Thread(target=work, args=(f"thread {n}",)) for n in range(3)]
            for thread in threads: thread.start()
            with task("parent"):
                look()
                child = os.fork()
                if not child:
                    with task("child"):
                        time.sleep(0.3)
                    os._exit(7)
                _, status = os.waitpid(child, 0)
                other = multiprocessing.get_context("fork").Process(target=work, args=("child",))
                other.start()
                other.join()
            for thread in threads: thread.join()
            print(os.waitstatus_to_exitcode(status), other.exitcode)
        """)
    )
    assert session.stdout == "7 0\n" and session.screen == []
    assert "parent" in session.sent and "child" not in session.sent
    assert all(f"thread {number}" in session.sent for number in range(3))


def test_a_worker_shows_nothing() -> None:
    """Whoever shares work between processes that begin anew has the terminal."""
    session = on_terminal(
        program("""
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor

            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool, task("parent"):
                look()
                print(visible(), pool.submit(visible).result())
        """)
    )
    assert session.stdout == "True False\n"
    assert "parent" in session.sent and session.screen == []


def test_a_terminal_that_goes_away() -> None:
    """Work goes on when what it is shown on is closed."""
    session = on_terminal(
        program("""
            import os
            with task("compiling") as step:
                look()
                os.close(2)
                look()
            with task("writing"):
                look()
            print("result")
        """)
    )
    assert "compiling" in session.sent and session.stdout == "result\n" and session.status == 0


def test_another_display_of_rich_is_left_alone() -> None:
    session = on_terminal(
        program("""
            from rich.console import Console
            from rich.live import Live
            with Live("theirs", console=Console(stderr=True)), task("compiling"):
                look()
        """)
    )
    assert "theirs" in session.sent and "compiling" not in session.sent


def test_a_conversion_names_its_stages(repository: object) -> None:
    session = on_terminal(
        program("""
            import hlsgen
            from hlsgen.passes.fuse_batchnorm import FuseBatchnorm
            run = FuseBatchnorm.run
            FuseBatchnorm.run = lambda self, graph: (look(), run(self, graph))[1]
            hlsgen.convert("example-models/xor_mlp/model.keras")
        """)
    )
    assert "converting" in session.sent and "fuse_batchnorm" in session.sent and session.screen == []
