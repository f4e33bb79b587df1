"""The `s3leader` command as a process: pipes, full disks, encodings, terminals and signals."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# The name of the election decides what its ledger holds.
PROGRAM = """
import signal, sys
from s3leader import testing
from s3leader import Election
from s3leader._io.memory_store import MemoryStore
from s3leader._core.requests import Create
from s3leader_cli.__main__ import main
from s3leader_cli.observe import elections

def elect(options):
    store = MemoryStore()
    election = testing.election(options.election, store=store, candidate="höst-7…")
    if options.election == "corrupt":
        store.perform(Create("elections/corrupt/lock_0000000001.json", b"?"))
    elif options.election == "hangs":
        print("ready", file=sys.stderr, flush=True)
        signal.pause()
    elif options.election != "vacant":
        for _ in range(60):
            election.campaign().resign("failed", reason="außer Betrieb " * 5)
    return election

elections.names_in = lambda _: []  # names like a mistyped one
sys.exit(main(elect=elect))
"""
STATUS, HISTORY = ("status", "nightly"), ("history", "nightly", "--limit", "60")
AT_LENGTH = [STATUS, HISTORY, (*STATUS, "--json"), (*HISTORY, "--json")]
DEPOSE = ("depose", "nightly", "--reason", "x")


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return [sys.executable, str(path)]


def environment(**more: str | None) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    kept |= {"PYTHONPATH": os.pathsep.join(sys.path), "S3LEADER_BUCKET": "locks"}
    return kept | {name: value for name, value in more.items() if value is not None}


def run(program: list[str], *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run(
        [*program, *words], check=False, text=True, encoding="utf-8", env=environment(), **given
    )


@pytest.mark.parametrize(
    ("words", "stream", "code"),
    [
        *((words, "stdout", 0) for words in (*AT_LENGTH, DEPOSE, ("--help",))),
        (("status", "corrupt"), "stdout", 1),
        (("status", "vacant"), "stdout", 3),
        (("status", "a key/"), "stderr", 2),
    ],
)
def test_a_pipe_that_its_reader_has_closed_does_not_change_the_exit_code(
    program: list[str], words: tuple[str, ...], stream: str, code: int
) -> None:
    """The other stream stays empty."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(program, *words, **{stream: writing})
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr if stream == "stdout" else done.stdout) == (code, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")  # noqa: PTH110 - a device
@pytest.mark.parametrize("words", [*AT_LENGTH, DEPOSE, ("--help",)])
def test_a_full_disk_gives_one_line_and_exit_code_1(
    program: list[str], words: tuple[str, ...]
) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = run(program, *words, stdout=full)
    said = "s3leader: standard output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def closed(program: list[str], redirection: str, *words: str) -> subprocess.CompletedProcess[str]:
    return run(["bash", "-c", f'"$@" {redirection}', "bash", *program], *words)


@pytest.mark.parametrize("words", [*AT_LENGTH, DEPOSE])
def test_a_closed_standard_output_is_refused_before_anything_is_done(
    program: list[str], words: tuple[str, ...]
) -> None:
    done = closed(program, ">&-", *words)
    assert (done.returncode, "standard output is closed" in done.stderr) == (1, True)


def test_errors_do_not_go_to_standard_output_instead(program: list[str]) -> None:
    done = closed(program, "2>&-", "status", "a key/")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "settings",
    [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C"}],
    ids=str,
)
@pytest.mark.parametrize("words", AT_LENGTH)
def test_an_encoding_without_a_character_escapes_it(
    program: list[str], words: tuple[str, ...], settings: dict[str, str]
) -> None:
    done = subprocess.run(
        [*program, *words], check=False, env=environment(**settings), capture_output=True
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.search(rb"h(\xc3\xb6|\xf6|\\xf6|\\u00f6)st-7", done.stdout)


def on_terminal(program: list[str], *words: str, **settings: str | None) -> tuple[int, str]:
    """Run it on a terminal that says it has no columns, and return its code and what is shown."""
    ours, theirs = pty.openpty()
    env = environment(**{"TERM": "xterm", **settings})
    with subprocess.Popen([*program, *words], stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4096):
                shown += part
        except OSError:  # Linux raises this when the other end is closed
            pass
        finally:
            os.close(ours)
    return process.returncode, shown.decode()


@pytest.mark.parametrize("columns", [None, "0", "1", "5", "-3", "wide"])
@pytest.mark.parametrize("words", [STATUS, HISTORY])
def test_a_terminal_of_any_width_shows_the_holder(
    program: list[str], words: tuple[str, ...], columns: str | None
) -> None:
    code, shown = on_terminal(program, *words, COLUMNS=columns, TERM="dumb")
    assert (code, "höst" in shown) == (0, True)


@pytest.mark.parametrize("settings", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_without_colours_gets_none(program: list[str], settings: dict[str, str]) -> None:
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", on_terminal(program, *STATUS, **settings)[1])


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_signal_ends_it_with_the_exit_code_of_that_signal(
    program: list[str], number: signal.Signals, code: int
) -> None:
    words = [*program, "status", "hangs", "--json"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"ready\n"
        process.send_signal(number)
        said = process.stderr.read().decode()
    assert (process.returncode, "Traceback" in said) == (code, False)
