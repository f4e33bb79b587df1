"""Whatever ends `s3leader run`, its command ends before the lease does.

The commands ignore SIGTERM where that makes it harder. That all have ended is seen by the end of
their common output, which the wrapper has closed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import timedelta

import pytest

from s3leader import Term
from tests.contract.run_command.conftest import (
    LEASE_S,
    Machine,
    line,
    seconds_until_all_have_ended,
)

STUBBORN = "trap '' TERM; sleep 1000 & echo $PPID; wait"
# The requests of an election's first term: a list, the create, two probes; then renewals.
CREATE, RENEWAL = 2, 5


def events(process: subprocess.Popen[str]) -> list[str]:
    assert process.stderr is not None
    return [json.loads(text)["event"] for text in process.stderr]


def can_be_led(machine: Machine) -> bool:
    """Whether another candidate leads, at the latest when the lock has lapsed."""
    return isinstance(machine.election().campaign(wait=timedelta(minutes=5)), Term)


@pytest.mark.parametrize(
    ("request_number", "later_s"),
    [*((number, 0.0) for number in range(1, RENEWAL + 1)),
     *((CREATE + 2, 0.01 * 2**n) for n in range(8)), (RENEWAL, 0.05), (RENEWAL + 1, 0.0)],
)  # fmt: skip
def test_a_wrapper_that_is_killed_leaves_no_command_that_works_on(
    machine: Machine, request_number: int, later_s: float
) -> None:
    """It is killed when a request arrives, or some time later: as it starts the guard, say."""
    with machine.start(script=STUBBORN) as process:
        machine.proxy.wait_for_requests(request_number)
        time.sleep(later_s)
        process.kill()
        assert seconds_until_all_have_ended(process) < LEASE_S


def test_the_checkpoint_s_file_of_a_wrapper_that_is_killed_is_removed(machine: Machine) -> None:
    with machine.start(script=STUBBORN) as process:
        line(process)
        process.kill()
        seconds_until_all_have_ended(process)
    while list(machine.folder.glob("s3leader-*")):
        time.sleep(0.01)


@pytest.mark.parametrize("with_guard", [False, True], ids=["wrapper", "wrapper and guard"])
def test_a_command_ends_with_the_wrapper_and_its_guard(machine: Machine, with_guard: bool) -> None:  # noqa: FBT001
    with machine.start(script="trap '' TERM; echo $PPID; exec sleep 1000") as process:
        guard = int(line(process))
        if with_guard:
            os.kill(guard, signal.SIGSTOP)  # so that it does nothing between the two
        process.kill()
        if with_guard:
            os.kill(guard, signal.SIGKILL)
        assert seconds_until_all_have_ended(process) < LEASE_S


def test_the_command_of_a_wrapper_that_is_stopped_ends_before_the_lease(machine: Machine) -> None:
    with machine.start(script=STUBBORN) as process:
        line(process)
        process.send_signal(signal.SIGSTOP)
        assert seconds_until_all_have_ended(process) < LEASE_S
        process.send_signal(signal.SIGCONT)
    assert (process.returncode, machine.outcome()) == (76, "resigned")


def test_the_command_ends_before_the_lease_if_s3_does_not_answer(machine: Machine) -> None:
    with machine.start(script=STUBBORN) as process:
        line(process)
        machine.proxy.wait_for_requests(RENEWAL)
        machine.proxy.hangs.set()
        assert seconds_until_all_have_ended(process) < LEASE_S
        assert "lost" in events(process)
    assert process.returncode == 76
    assert can_be_led(machine)


def test_a_command_gets_sigterm_before_the_lease_ends(machine: Machine) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    with machine.start(script=script) as process:
        line(process)
        machine.proxy.hangs.set()
        assert line(process) == "bye\n"
    assert process.returncode == 76


def test_a_leader_that_is_deposed_stops_its_command(machine: Machine) -> None:
    with machine.start(script=STUBBORN) as process:
        line(process)
        machine.election().depose(reason="test", force=True)
        assert seconds_until_all_have_ended(process) < LEASE_S
        assert "lost" in events(process)
    assert (process.returncode, machine.outcome()) == (76, "deposed")


def test_a_result_that_comes_after_a_deposal_is_not_recorded(machine: Machine) -> None:
    with machine.start(script="echo ready; read reply; exit 0") as process:
        line(process)
        machine.election().depose(reason="test", force=True)
        process.communicate("\n")
    assert (process.returncode, machine.outcome()) == (76, "deposed")


def test_sigterm_ends_the_command_and_the_next_candidate_leads_at_once(machine: Machine) -> None:
    with machine.start(script="sleep 1000 & echo ready; wait") as process:
        line(process)
        process.terminate()
        seconds_until_all_have_ended(process)
    assert (process.returncode, machine.outcome()) == (143, "resigned")
    assert isinstance(machine.election().campaign(), Term)


def test_of_several_machines_one_runs_the_command_of_a_tick(machine: Machine) -> None:
    words = ("--tick", "2026-11-23T06:00:00Z", "--wait", "60", "--if-lost", "9")
    processes = [machine.start(*words, script="echo ran") for _ in range(4)]
    said = [process.communicate()[0] for process in processes]
    assert sorted(said) == ["", "", "", "ran\n"]
    assert sorted(process.returncode for process in processes) == [0, 9, 9, 9]


def test_a_lease_is_renewed_as_long_as_the_command_runs(machine: Machine) -> None:
    with machine.start(script="echo ready; read reply; exit 5") as process:
        line(process)
        machine.proxy.wait_for_more(5)  # longer than a lease
        process.communicate("\n")
    assert (process.returncode, machine.outcome()) == (5, "failed")


def test_s3_that_cannot_be_reached_is_a_temporary_failure(machine: Machine) -> None:
    machine.proxy.close()
    with machine.start("--lease", "1", script="echo ran") as process:
        out, err = process.communicate()
    assert (process.returncode, out, '"error"' in err) == (75, "", True)


def test_a_bucket_that_is_missing_is_a_configuration_error(machine: Machine) -> None:
    with machine.start("--bucket", "no-such-bucket", script="echo ran") as process:
        out, _ = process.communicate()
    assert (process.returncode, out) == (78, "")
