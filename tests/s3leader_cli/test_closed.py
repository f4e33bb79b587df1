"""The notes that close a ledger: no command deposes one, or says to."""

import pytest

from s3leader_cli.check.doctor.locks import check_highest, head_of
from tests.s3leader_cli.check.examined import ExaminedMemory
from tests.s3leader_cli.command_line import SECOND, START, TICK, Cli

SKIP = ("skip", "2026-11-23T07:00:00Z", "--reason", "r", "--yes")
NOTES = {
    "moved": '"this ledger was moved to s3://new/elections/nightly/ - never depose this lock (a)"',
    "restarts": '"the numbers of this ledger restart above this one (a)"',
}
FORCE = ("depose", "--reason", "r", "--force", "--yes", "--done", TICK)


@pytest.mark.parametrize(
    ("note", "said"),
    [("moved", "moved to s3://new/elections/nightly/"), ("restarts", "run the same command")],
)
@pytest.mark.parametrize("words", [("status",), ("depose", "--reason", "r"), FORCE, SKIP], ids=str)
def test_no_command_deposes_the_note_that_closes_a_ledger_or_says_to(
    cli: Cli, note: str, said: str, words: tuple[str, ...]
) -> None:
    """Two ledgers would go on with the same numbers, which are fencing tokens."""
    cli.lead().resign()
    cli.store.put(SECOND, NOTES[note].encode())
    code, out, err = cli.run(*words, answer="yes")
    text = " ".join((out + err).split())
    assert (code, cli.store.body(SECOND)) == (1, NOTES[note].encode())
    assert (said in text, "--force" in text) == (True, False)


def test_doctor_does_not_say_to_depose_it(cli: Cli) -> None:
    cli.lead().resign()
    cli.store.put(SECOND, NOTES["moved"].encode())
    election = cli.election()
    found, *_ = check_highest(election, head_of(election), ExaminedMemory(cli.store, START))
    assert (found.level, "--force" in found.do) == ("problem", False)
    assert "moved to s3://new/elections/nightly/" in found.do
