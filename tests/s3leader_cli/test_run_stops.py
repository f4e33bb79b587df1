"""`s3leader run` is asked to end, or its command leaves processes: none of them works on.

All of them have the wrapper's standard output, and the wrapper has not: so its end is theirs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.s3leader_cli.wrapper import Wrapper, line

LONG = "sleep 1000 & echo ready; wait"
STUBBORN = "trap '' TERM; sleep 1000 & echo ready; wait; wait"
POLITE = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done"
DAEMON = "setsid sh -c 'trap \"\" TERM; echo ready; sleep 1000' & wait"
STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
linux = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"),  # noqa: PTH110 - as the code
    reason="only Linux hands over orphans",
)


def read_to_end(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.read()


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    """Send a signal once the command is ready; return the rest of its output."""
    assert line(process) == "ready\n"
    process.send_signal(number)
    return read_to_end(process)


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_ends_the_command_s_group_and_resigns(
    wrapper: Wrapper, number: signal.Signals
) -> None:
    with wrapper.start("--", "sh", "-c", LONG) as process:
        stop(process, number)
    assert process.returncode == 128 + signal.SIGTERM
    assert wrapper.ended() == ("resigned", f"stopped by {number.name}")


def test_the_exit_code_of_a_command_that_ends_by_itself_is_kept(wrapper: Wrapper) -> None:
    with wrapper.start("--", "sh", "-c", POLITE) as process:
        assert stop(process) == "bye\n"
    assert (process.returncode, wrapper.ended()[0]) == (7, "resigned")


def test_a_command_that_ignores_sigterm_gets_sigkill_after_the_grace(wrapper: Wrapper) -> None:
    with wrapper.start("--grace", "0.3", "--json", "--", "sh", "-c", STUBBORN) as process:
        stop(process)
        assert process.stderr is not None
        last = json.loads(process.stderr.readlines()[-1])
    assert (process.returncode, wrapper.ended()[0], last["killed"]) == (137, "resigned", True)


def test_the_lease_is_renewed_during_the_grace(wrapper: Wrapper) -> None:
    with wrapper.start("--grace", "4", "--lease", "2", "--", "sh", "-c", STUBBORN) as process:
        stop(process)
    assert (process.returncode, wrapper.ended()[0]) == (137, "resigned")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_was_ignored_stays_ignored(wrapper: Wrapper, number: signal.Signals) -> None:
    """As under nohup, and for SIGINT in a background job; the command inherits it too."""
    before = f"trap '' {number.value}; exec \"$@\""
    script = f"kill -{number.value} $$ $PPID; echo ready; read reply; exit 5"
    words = ["sh", "-c", before, "sh", *wrapper.command("--", "sh", "-c", script)]
    with subprocess.Popen(
        words, text=True, env=wrapper.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert line(process) == "ready\n"
        process.send_signal(number)
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
    assert process.returncode == 5


@pytest.mark.parametrize("when", ["os.kill(os.getpid(), 15)", "", "import threading"])
def test_a_signal_before_the_command_starts_leaves_no_term(wrapper: Wrapper, when: str) -> None:
    """It comes before the campaign, just after it is won, or while another candidate leads."""
    won = (
        "campaign = election.campaign\n"
        "election.campaign = lambda *a, **k: (campaign(*a, **k), os.kill(os.getpid(), 15))[0]"
    )
    led = "testing.election('nightly', store=store).campaign()\n"
    waits = f"{led}import threading\nthreading.Timer(1, os.kill, (os.getpid(), 15)).start()"
    before = {"": won, "import threading": waits}.get(when, when)
    done = wrapper.run("--wait", "600", "--", "echo", "ran", BEFORE=before)
    assert (done.returncode, done.stdout) == (143, "")
    if when.startswith("os.kill"):
        assert not wrapper.has_lock()
    else:
        assert wrapper.ended()[0] == ("resigned" if when == "" else None)


@linux
@pytest.mark.parametrize(
    ("script", "code"),
    [
        (f"{LONG.replace('wait', 'exit 3')}", 3),
        ("setsid sh -c 'echo ready; sleep 1000' & exit 3", 3),
        ("(setsid sh -c 'trap \"\" TERM; echo ready; sleep 1000 & wait; wait' &) ; exit 3", 3),
    ],
)
def test_what_a_command_leaves_in_the_background_ends_before_its_term(
    wrapper: Wrapper, script: str, code: int
) -> None:
    with wrapper.start("--grace", "0.3", "--", "sh", "-c", script) as process:
        read_to_end(process)
    assert (process.returncode, wrapper.ended()[0]) == (code, "failed")


@linux
def test_a_daemon_that_has_left_the_group_ends_too(wrapper: Wrapper) -> None:
    with wrapper.start("--grace", "0.3", "--", "sh", "-c", DAEMON) as process:
        stop(process)
    assert wrapper.ended()[0] == "resigned"


def test_a_signal_to_the_guard_ends_nothing(wrapper: Wrapper) -> None:
    with wrapper.start("--", "sh", "-c", "kill -TERM $PPID; kill -INT $PPID; exit 4") as process:
        pass
    assert process.returncode == 4


@linux
@pytest.mark.parametrize("script", [STUBBORN, DAEMON])
def test_the_command_ends_with_its_guard(wrapper: Wrapper, script: str) -> None:
    script = "echo $PPID; " + script
    with wrapper.start("--", "sh", "-c", script) as process:
        guard = int(line(process))
        assert line(process) == "ready\n"
        os.kill(guard, signal.SIGKILL)
        read_to_end(process)
    assert (process.returncode, wrapper.ended()[0]) == (137, "failed")


@linux
def test_the_command_of_a_guard_that_is_stopped_ends_before_the_lease(wrapper: Wrapper) -> None:
    script = "echo $PPID; " + LONG
    with wrapper.start("--grace", "0", "--lease", "3", "--", "sh", "-c", script) as process:
        guard = int(line(process))
        os.kill(guard, signal.SIGSTOP)
        stop(process)
    assert (process.returncode, wrapper.ended()[0]) == (137, "resigned")
