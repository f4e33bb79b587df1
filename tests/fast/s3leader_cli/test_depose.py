"""What an operator can do to a lock, and is warned of."""

import json

import pytest

from s3leader._core.requests import Create
from tests.fast.s3leader_cli.command_line import FIRST, Cli


def outcome(cli: Cli) -> str | None:
    found: str | None = json.loads(cli.store.body(FIRST))["outcome"]
    return found


def test_a_lapsed_lock_is_deposed(cli: Cli) -> None:
    cli.lead()
    cli.pass_time(34)
    code, _, _ = cli.run("depose", "--reason", "host is gone")
    assert (code, outcome(cli)) == (0, "deposed")


def test_the_reason_goes_into_the_ledger(cli: Cli) -> None:
    cli.lead()
    cli.pass_time(34)
    cli.run("depose", "--reason", "host is gone")
    assert json.loads(cli.store.body(FIRST))["reason"] == "host is gone"


def test_a_good_lease_is_not_sealed_without_force(cli: Cli) -> None:
    cli.lead()
    code, _, err = cli.run("depose", "--reason", "impatience")
    assert (code, outcome(cli)) == (1, None)
    assert "is held by c1" in err


def test_a_good_lease_is_met_with_advice_for_this_command_line(cli: Cli) -> None:
    cli.lead()
    _, _, err = cli.run("depose", "--reason", "impatience")
    assert ("--force" in err, "force=True" in err) == (True, False)


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["depose", "--reason", "x"]])
def test_a_corrupt_lock_is_met_with_advice_for_this_command_line(
    cli: Cli, words: list[str]
) -> None:
    cli.corrupt()
    _, out, err = cli.run(*words)
    said = " ".join((out + err).split()).replace("\\u2026", "…")
    assert "`s3leader depose --reason … --force --done TICK`" in said
    assert ("force=True" in said, "done=" in said) == (False, False)


def test_forcing_warns_that_the_holder_is_not_stopped(cli: Cli) -> None:
    cli.lead()
    _, _, err = cli.run("depose", "--reason", "it hangs", "--force", "--yes")
    assert "it does not stop its holder" in err


def test_forcing_with_yes_seals_a_good_lease_without_asking(cli: Cli) -> None:
    cli.lead()
    code, _, _ = cli.run("depose", "--reason", "it hangs", "--force", "--yes", answer="no")
    assert (code, outcome(cli), cli.asked) == (0, "deposed", [])


def test_forcing_asks_a_person_first(cli: Cli) -> None:
    cli.lead()
    code, _, _ = cli.run("depose", "--reason", "it hangs", "--force", answer="yes")
    assert (code, outcome(cli), len(cli.asked)) == (0, "deposed", 1)


def test_forcing_spares_a_successor_that_began_while_the_person_was_asked(cli: Cli) -> None:
    term = cli.lead()

    def change_leaders() -> None:
        term.resign("failed")
        cli.lead("c2")

    cli.meanwhile = change_leaders
    code, out, _ = cli.run("depose", "--reason", "it hangs", "--force", answer="yes")
    assert (code, out.startswith("Nothing to depose"), cli.status()["leader"]) == (0, True, "c2")


@pytest.mark.parametrize("answer", ["", "no", "y", "YES!"])
def test_any_answer_but_yes_changes_nothing(cli: Cli, answer: str) -> None:
    cli.lead()
    code, _, _ = cli.run("depose", "--reason", "it hangs", "--force", answer=answer)
    assert (code, outcome(cli)) == (1, None)


def test_forcing_where_nobody_can_be_asked_needs_yes(cli: Cli) -> None:
    cli.lead()
    code, _, err = cli.run("depose", "--reason", "it hangs", "--force")
    assert (code, outcome(cli), "add --yes" in err) == (1, None, True)


def test_a_lapsed_lock_needs_no_warning_even_with_force(cli: Cli) -> None:
    cli.lead()
    cli.pass_time(34)
    code, _, err = cli.run("depose", "--reason", "host is gone", "--force")
    assert (code, outcome(cli), err) == (0, "deposed", "")


def test_a_corrupt_lock_is_sealed_by_force_alone(cli: Cli) -> None:
    cli.corrupt()
    assert cli.run("depose", "--reason", "half a write")[0] == 1
    forced = ("depose", "--reason", "half a write", "--force", "--done", "none", "--yes")
    assert cli.run(*forced)[0] == 0
    assert outcome(cli) == "deposed"


def test_a_sealed_lock_leaves_nothing_to_do(cli: Cli) -> None:
    cli.lead().resign()
    code, out, _ = cli.run("depose", "--reason", "to be sure")
    assert (code, out) == (
        0,
        "Nothing to depose: the highest lock of nightly is sealed already.\n",
    )


def test_an_empty_reason_is_refused(cli: Cli) -> None:
    cli.store.perform(Create(FIRST, b'{"expired": false}'))
    code, _, err = cli.run("depose", "--reason", " ")
    assert (code, "reason is empty" in err) == (2, True)


def test_what_was_deposed_is_told_to_programs(cli: Cli) -> None:
    cli.lead()
    cli.pass_time(34)
    _, out, _ = cli.run("depose", "--reason", "host is gone", "--json")
    assert json.loads(out)["deposed"]["outcome"] == "deposed"


def test_nothing_deposed_is_null_to_programs(cli: Cli) -> None:
    cli.lead().resign()
    _, out, _ = cli.run("depose", "--reason", "to be sure", "--json")
    assert json.loads(out) == {"deposed": None}
