"""`s3leader depose`: what it seals, what it asks, and what it warns of."""

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


def test_a_held_lock_is_not_sealed_without_force(cli: Cli) -> None:
    cli.lead()
    code, _, err = cli.run("depose", "--reason", "too slow")
    assert (code, outcome(cli)) == (1, None)
    assert "is held by c1" in err


def test_refusing_a_held_lock_names_the_option_of_this_command(cli: Cli) -> None:
    cli.lead()
    _, _, err = cli.run("depose", "--reason", "too slow")
    assert ("--force" in err, "force=True" in err) == (True, False)


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["depose", "--reason", "x"]])
def test_a_corrupt_lock_is_explained_with_the_options_of_this_command(
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


def test_forcing_with_yes_seals_a_held_lock_without_asking(cli: Cli) -> None:
    cli.lead()
    code, _, _ = cli.run("depose", "--reason", "it hangs", "--force", "--yes", answer="no")
    assert (code, outcome(cli), cli.asked) == (0, "deposed", [])


def test_forcing_asks_a_person_first(cli: Cli) -> None:
    cli.lead()
    code, _, _ = cli.run("depose", "--reason", "it hangs", "--force", answer="yes")
    assert (code, outcome(cli), len(cli.asked)) == (0, "deposed", 1)


def test_forcing_does_not_seal_a_term_that_began_during_the_question(cli: Cli) -> None:
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


def test_forcing_without_a_terminal_needs_yes(cli: Cli) -> None:
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


def test_a_sealed_lock_is_not_deposed(cli: Cli) -> None:
    cli.lead().resign()
    code, out, _ = cli.run("depose", "--reason", "to be sure")
    assert (code, out) == (
        0,
        "Nothing to depose: the highest lock of nightly is sealed already.\n",
    )


def test_an_empty_reason_is_refused(cli: Cli) -> None:
    cli.store.perform(Create(FIRST, b'{"expired": false}'))
    code, _, err = cli.run("depose", "--reason", " ")
    assert (code, "expected a reason" in err) == (2, True)


def test_json_shows_the_deposed_lock(cli: Cli) -> None:
    cli.lead()
    cli.pass_time(34)
    _, out, _ = cli.run("depose", "--reason", "host is gone", "--json")
    assert json.loads(out)["deposed"]["outcome"] == "deposed"


def test_json_shows_null_if_nothing_was_deposed(cli: Cli) -> None:
    cli.lead().resign()
    _, out, _ = cli.run("depose", "--reason", "to be sure", "--json")
    assert json.loads(out) == {"deposed": None}
