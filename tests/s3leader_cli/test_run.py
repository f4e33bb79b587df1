"""`s3leader run`: exit codes, outcomes, the command's environment, and its checkpoint."""

from __future__ import annotations

import json
import signal

import pytest

from tests.s3leader_cli.wrapper import Wrapper

TICK = "2026-11-23T06:00:00Z"
HELD = "testing.election('nightly', store=store, candidate='other').campaign()"
DONE = f"testing.election('nightly', store=store).campaign({TICK!r}).resign()"
FAILED = f"testing.election('nightly', store=store).campaign({TICK!r}).resign('failed')"
SAVES = 'echo \'{"after": 7}\' > "$S3LEADER_STATE_FILE"'


@pytest.mark.parametrize(
    ("script", "code", "ended"),
    [
        ("exit 0", 0, ("completed", None)),
        ("exit 3", 3, ("failed", "the command exited with code 3")),
        ("exit 255", 255, ("failed", "the command exited with code 255")),
        ("kill -9 $$", 137, ("failed", "the command was ended by SIGKILL")),
        ("kill -TERM $$", 143, ("failed", "the command was ended by SIGTERM")),
    ],
)
def test_the_exit_code_of_the_command_is_kept_and_is_the_outcome(
    wrapper: Wrapper, script: str, code: int, ended: tuple[str, str | None]
) -> None:
    done = wrapper.run("--", "sh", "-c", script)
    assert (done.returncode, wrapper.ended(), done.stderr) == (code, ended, "")


def test_the_streams_are_those_of_the_command(wrapper: Wrapper) -> None:
    with wrapper.start("--", "sh", "-c", "cat; echo oops >&2") as process:
        out, err = process.communicate("given\n")
    assert (out, err) == ("given\n", "oops\n")


def test_a_command_that_writes_to_a_closed_pipe_is_ended_by_it(wrapper: Wrapper) -> None:
    with wrapper.start("--", "yes") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
    assert (process.returncode, wrapper.ended()[0]) == (128 + signal.SIGPIPE, "failed")


def test_output_that_the_command_closes_is_closed_for_its_reader(wrapper: Wrapper) -> None:
    with wrapper.start("--", "sh", "-c", "echo said; exec >&-; read reply; exit 5") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.read() == "said\n"
        process.stdin.write("go on\n")
        process.stdin.close()
    assert process.returncode == 5


def test_a_standard_output_that_is_closed_is_no_error(wrapper: Wrapper) -> None:
    words = wrapper.command("--", "sh", "-c", "exit 4")
    done = wrapper.run("--", "sh", "-c", '"$@" <&- >&- 2>&-', "sh", *words)
    assert done.returncode == 4


@pytest.mark.parametrize("code", ["0", "99"])
def test_a_lost_election_ends_with_the_code_that_was_asked_for(wrapper: Wrapper, code: str) -> None:
    done = wrapper.run("--if-lost", code, "--", "false", BEFORE=HELD)
    assert (done.returncode, "not elected: held" in done.stderr) == (int(code), True)


def test_a_completed_tick_is_not_run_again(wrapper: Wrapper) -> None:
    done = wrapper.run("--tick", TICK, "--json", "--", "false", BEFORE=DONE)
    report = json.loads(done.stderr)
    assert (done.returncode, report["event"], report["reason"]) == (0, "not_elected", "done")
    said = "nightly: not elected: done: the tick is completed; the last seen is term 1 of "
    assert report["message"].startswith(said)


def test_nothing_is_printed_of_a_lost_election_if_that_is_asked_for(wrapper: Wrapper) -> None:
    assert wrapper.run("--quiet", "--", "false", BEFORE=HELD).stderr == ""


def test_a_tick_has_as_many_attempts_as_allowed(wrapper: Wrapper) -> None:
    words = ("--max-attempts", "1", "--if-lost", "9", "--", "false")
    done = wrapper.run(*words, BEFORE=FAILED, S3LEADER_TICK=TICK)
    assert (done.returncode, "exhausted" in done.stderr) == (9, True)


@pytest.mark.parametrize(
    ("words", "more", "first"),
    [
        ((), {}, "List"),
        ((), {"S3LEADER_LONG_LEDGER": ""}, "List"),
        ((), {"S3LEADER_LONG_LEDGER": "false"}, "List"),
        ((), {"S3LEADER_LONG_LEDGER": "true"}, "Read"),
        (("--long-ledger",), {}, "Read"),
    ],
)
def test_a_candidate_of_a_long_ledger_reads_the_hint_first(
    wrapper: Wrapper, words: tuple[str, ...], more: dict[str, str], first: str
) -> None:
    asked = wrapper.folder / "asked"
    write = f"pathlib.Path({str(asked)!r}).write_text(str(store.requests))"
    kept = f"import atexit; atexit.register(lambda: {write})"
    done = wrapper.run(*words, "--", "true", BEFORE=kept, **more)
    assert (done.returncode, asked.read_text()[: len(first) + 2]) == (0, f"[{first}(")


def test_an_unknown_value_of_long_ledger_is_refused(wrapper: Wrapper) -> None:
    done = wrapper.run("--", "true", S3LEADER_LONG_LEDGER="long")
    assert (done.returncode, "'long' is not a valid boolean" in done.stderr) == (78, True)
    assert "S3LEADER_LONG_LEDGER" in done.stderr


def test_a_wait_ends_when_the_other_leader_resigns(wrapper: Wrapper) -> None:
    before = f"import threading; threading.Timer(3, {HELD}.resign).start()"
    assert wrapper.run("--wait", "600", "--", "sh", "-c", "exit 6", BEFORE=before).returncode == 6


def test_the_command_finds_the_facts_of_its_term_in_its_environment(wrapper: Wrapper) -> None:
    done = wrapper.run("--", "env", BEFORE=FAILED, S3LEADER_TICK=TICK)
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    file, deadline = found.pop("S3LEADER_STATE_FILE"), found.pop("S3LEADER_DEADLINE")
    assert (file.startswith(str(wrapper.folder)), deadline[-1]) == (True, "Z")
    assert {name: text for name, text in found.items() if name.startswith("S3LEADER_")} == {
        "S3LEADER_BUCKET": "locks",
        "S3LEADER_PREFIX": "elections/",
        "S3LEADER_ELECTION": "nightly",
        "S3LEADER_TERM": "2",
        "S3LEADER_FENCING_TOKEN": "2",
        "S3LEADER_TICK": TICK,
        "S3LEADER_ATTEMPT": "2",
        "S3LEADER_LEG": "1",
        "S3LEADER_LAST_COMPLETED": "",
    }


def test_a_scheduler_s_tick_can_be_ignored(wrapper: Wrapper) -> None:
    done = wrapper.run(
        "--tick", "none", "--", "sh", "-c", "echo [$S3LEADER_TICK]", S3LEADER_TICK=TICK
    )
    assert (done.stdout, wrapper.lock()["tick"]) == ("[]\n", None)


@pytest.mark.parametrize(("rest", "outcome"), [("", "completed"), ("; exit 2", "failed")])
def test_a_checkpoint_that_the_command_writes_is_saved_at_the_end(
    wrapper: Wrapper, rest: str, outcome: str
) -> None:
    wrapper.run("--", "sh", "-c", SAVES + rest)
    assert (wrapper.lock()["state"], wrapper.ended()[0]) == ({"after": 7}, outcome)


def test_a_checkpoint_is_saved_with_the_next_renewal(wrapper: Wrapper) -> None:
    """The command waits until the lock has it, by the file that the test program writes."""
    before = """
save = type(store).perform
def perform(self, request):
    answer = save(self, request)
    if b'"after"' in getattr(request, "body", b""):
        pathlib.Path(os.environ["LOCK"]).with_name("saved").touch()
    return answer
type(store).perform = perform
"""
    waits = f"{SAVES}; until [ -e {wrapper.folder}/saved ]; do sleep 0.05; done; kill -9 $$"
    wrapper.run("--lease", "2", "--", "sh", "-c", waits, BEFORE=before)
    assert wrapper.lock()["state"] == {"after": 7}


def test_the_command_reads_the_checkpoint_of_the_term_before(wrapper: Wrapper) -> None:
    before = "t = election.campaign(); t.save({'after': 7}); t.resign()"
    done = wrapper.run("--", "sh", "-c", 'cat "$S3LEADER_STATE_FILE"', BEFORE=before)
    assert json.loads(done.stdout) == {"after": 7}


@pytest.mark.parametrize("text", ["[]", "half {", "", '{"a": NaN}'])
def test_a_command_that_leaves_an_unusable_checkpoint_has_failed(
    wrapper: Wrapper, text: str
) -> None:
    done = wrapper.run("--", "sh", "-c", f"printf '%s' '{text}' > $S3LEADER_STATE_FILE")
    assert (done.returncode, wrapper.ended()[0], wrapper.lock()["state"]) == (65, "failed", {})


def test_no_checkpoint_s_file_is_left(wrapper: Wrapper) -> None:
    wrapper.run("--", "true")
    wrapper.run("--", "false", BEFORE=HELD)
    assert list(wrapper.folder.glob("s3leader-*")) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--", "no-such-command"), 127, "'no-such-command' is not found"),
        (("--", "/no/such/command"), 127, "'/no/such/command' is not found"),
        (("--", "/etc/passwd"), 126, "cannot be executed"),
        ((), 78, "expected `-- COMMAND …`"),
        (("--",), 78, "expected `-- COMMAND …`"),
        (("job.sh",), 78, "expected `--` before COMMAND: -- job.sh"),
        (("--tick", "floor:5", "--", "true"), 78, "--tick floor:N"),
        (("--tick", "noon", "--", "true"), 78, "noon"),
        (
            ("--lease", "no", "--", "true"),
            78,
            "expected a duration from 0 to 36500d, in seconds or as 90s, 30m, 2h or 7d, got 'no'",
        ),
        (("--lease", "0.1", "--", "true"), 78, "lease is"),
        (
            ("--wait", "-1", "--", "true"),
            78,
            "expected a duration from 0 to 36500d, in seconds or as 90s, 30m, 2h or 7d, got '-1'",
        ),
        (("--if-lost", "256", "--", "true"), 78, "is not in the range 0<=x<=255"),
        (("--max-attempts", "0", "--", "true"), 78, "is not in the range x>=1"),
        (("--bucket", "s3://locks", "--", "true"), 78, "is not a bucket's name"),
    ],
)
def test_a_command_line_that_cannot_be_used_starts_no_term(
    wrapper: Wrapper, words: tuple[str, ...], code: int, said: str
) -> None:
    done = wrapper.run(*words)
    assert (done.returncode, said in done.stderr) == (code, True)
    assert not wrapper.has_lock()


def test_a_file_that_only_looks_executable_fails_its_term(wrapper: Wrapper) -> None:
    job = wrapper.folder / "job"
    job.write_text("no program")
    job.chmod(0o755)
    done = wrapper.run("--", str(job))
    assert (done.returncode, "Exec format error" in done.stderr) == (126, True)
    assert wrapper.ended() == ("failed", "the command cannot be executed: Exec format error")


def test_without_a_temporary_folder_no_term_starts(wrapper: Wrapper) -> None:
    """Python tries other folders, and at last the working folder: none can be written."""
    break_it = "import tempfile; tempfile._get_default_tempdir = "
    program = wrapper.program.read_text()
    wrapper.program.write_text(
        f"{break_it}lambda *_: (_ for _ in ()).throw(OSError('none'))\n{program}"
    )
    done = wrapper.run("--", "true")
    assert (done.returncode, "set TMPDIR" in done.stderr, wrapper.has_lock()) == (78, True, False)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("s3leader.StoreUnavailable('no answer')", 75),
        ("s3leader.BucketUnusable('no', action='', resource='', code='')", 78),
        ("s3leader.CorruptLock(key='k', term=1, problem='p')", 78),
    ],
)
def test_an_error_of_the_store_has_its_exit_code(wrapper: Wrapper, fault: str, code: int) -> None:
    before = f"import s3leader\ndef fail(*_, **__): raise {fault}\nelection.campaign = fail"
    done = wrapper.run("--json", "--", "true", BEFORE=before)
    assert (done.returncode, json.loads(done.stderr)["event"]) == (code, "error")


def test_each_event_is_a_line_of_json(wrapper: Wrapper) -> None:
    done = wrapper.run("--json", "--tick", TICK, "--", "true")
    first, last = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["event"], first["term"], first["tick"]) == ("elected", 1, TICK)
    assert (last["event"], last["outcome"], last["status"]) == ("ended", "completed", 0)


def test_each_line_of_json_has_what_metrics_are_made_of(wrapper: Wrapper) -> None:
    done = wrapper.run("--json", "--tick", TICK, "--", "true", S3LEADER_CONTENDER="2")
    first, last = (json.loads(line) for line in done.stderr.splitlines())
    for line in (first, last):
        assert (line["bucket"], line["election"], line["contender"]) == ("locks", "nightly", "2")
    assert first["taken_over"] is False
    assert (last["requests"], last["behind_s"], last["duration_ms"] >= 0) == (5, 0, True)


def test_a_line_of_json_says_how_far_behind_a_loser_found_the_election(wrapper: Wrapper) -> None:
    later = TICK.replace("06:00", "06:01")
    before = f"{DONE}; {HELD.replace('campaign()', f'campaign({later!r})')}"
    lost = json.loads(wrapper.run("--json", "--tick", later, "--", "true", BEFORE=before).stderr)
    assert (lost["reason"], lost["behind_s"], lost["requests"]) == ("held", 60, 2)


def test_an_error_s_line_of_json_names_its_class(wrapper: Wrapper) -> None:
    fails = "import s3leader; raise s3leader.CorruptLock(key='k', term=1, problem='p')"
    line = json.loads(wrapper.run("--json", "--", "true", BEFORE=fails).stderr)
    assert (line["event"], line["error"]) == ("error", "CorruptLock")


NO_PROCESS = """
import subprocess
def start(*_, **__):
    raise BlockingIOError(11, "no process is left")
subprocess.Popen = start
"""


@pytest.mark.parametrize(
    ("before", "why"),
    [("import tempfile; tempfile.tempdir = '/gone'", "No such file"), (NO_PROCESS, "no process")],
    ids=["no temporary folder", "no process"],
)
def test_term_is_over_at_once_if_this_machine_cannot_start_the_command(
    wrapper: Wrapper, before: str, why: str
) -> None:
    """Else all candidates wait for its lease, and the exit code 1 seems to be the command's."""
    done = wrapper.run("--", "true", BEFORE=before)
    outcome, reason = wrapper.ended()
    assert (done.returncode, outcome, why in (reason or "")) == (126, "failed", True)
    assert done.stderr.startswith("s3leader: the command was not started: ")
