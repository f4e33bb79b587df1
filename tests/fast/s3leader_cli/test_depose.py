"""What an operator can do to a lock, and is warned of."""

import json

import pytest

from s3leader._core.requests import Create

from .test_cli import FIRST, Desk, desk

__all__ = ["desk"]  # the fixture


def outcome(desk: Desk) -> str | None:
    found: str | None = json.loads(desk.store.body(FIRST))["outcome"]
    return found


def test_a_lapsed_lock_is_deposed(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(34)
    code, _, _ = desk.run("depose", "--reason", "host is gone")
    assert (code, outcome(desk)) == (0, "deposed")


def test_the_reason_goes_into_the_ledger(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(34)
    desk.run("depose", "--reason", "host is gone")
    assert json.loads(desk.store.body(FIRST))["reason"] == "host is gone"


def test_a_good_lease_is_not_sealed_without_force(desk: Desk) -> None:
    desk.lead()
    code, _, err = desk.run("depose", "--reason", "impatience")
    assert (code, outcome(desk)) == (1, None)
    assert "is held by c1" in err


def test_a_good_lease_is_met_with_advice_for_this_command_line(desk: Desk) -> None:
    desk.lead()
    _, _, err = desk.run("depose", "--reason", "impatience")
    assert ("--force" in err, "force=True" in err) == (True, False)


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["depose", "--reason", "x"]])
def test_a_corrupt_lock_is_met_with_advice_for_this_command_line(
    desk: Desk, words: list[str]
) -> None:
    desk.corrupt()
    _, out, err = desk.run(*words)
    said = " ".join((out + err).split()).replace("\\u2026", "…")
    assert "`s3leader depose --reason … --force --done TICK`" in said
    assert ("force=True" in said, "done=" in said) == (False, False)


def test_forcing_warns_that_the_holder_is_not_stopped(desk: Desk) -> None:
    desk.lead()
    _, _, err = desk.run("depose", "--reason", "it hangs", "--force", "--yes")
    assert "it does not stop its holder" in err


def test_forcing_with_yes_seals_a_good_lease_without_asking(desk: Desk) -> None:
    desk.lead()
    code, _, _ = desk.run("depose", "--reason", "it hangs", "--force", "--yes", answer="no")
    assert (code, outcome(desk), desk.asked) == (0, "deposed", [])


def test_forcing_asks_a_person_first(desk: Desk) -> None:
    desk.lead()
    code, _, _ = desk.run("depose", "--reason", "it hangs", "--force", answer="yes")
    assert (code, outcome(desk), len(desk.asked)) == (0, "deposed", 1)


def test_forcing_spares_a_successor_that_began_while_the_person_was_asked(desk: Desk) -> None:
    term = desk.lead()

    def change_leaders() -> None:
        term.resign("failed")
        desk.lead("c2")

    desk.meanwhile = change_leaders
    code, out, _ = desk.run("depose", "--reason", "it hangs", "--force", answer="yes")
    assert (code, out.startswith("Nothing to depose"), desk.look()["leader"]) == (0, True, "c2")


@pytest.mark.parametrize("answer", ["", "no", "y", "YES!"])
def test_any_answer_but_yes_changes_nothing(desk: Desk, answer: str) -> None:
    desk.lead()
    code, _, _ = desk.run("depose", "--reason", "it hangs", "--force", answer=answer)
    assert (code, outcome(desk)) == (1, None)


def test_forcing_where_nobody_can_be_asked_needs_yes(desk: Desk) -> None:
    desk.lead()
    code, _, err = desk.run("depose", "--reason", "it hangs", "--force")
    assert (code, outcome(desk), "say --yes" in err) == (1, None, True)


def test_a_lapsed_lock_needs_no_warning_even_with_force(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(34)
    code, _, err = desk.run("depose", "--reason", "host is gone", "--force")
    assert (code, outcome(desk), err) == (0, "deposed", "")


def test_a_corrupt_lock_is_sealed_by_force_alone(desk: Desk) -> None:
    desk.corrupt()
    assert desk.run("depose", "--reason", "half a write")[0] == 1
    forced = ("depose", "--reason", "half a write", "--force", "--done", "none", "--yes")
    assert desk.run(*forced)[0] == 0
    assert outcome(desk) == "deposed"


def test_a_sealed_lock_leaves_nothing_to_do(desk: Desk) -> None:
    desk.lead().resign()
    code, out, _ = desk.run("depose", "--reason", "to be sure")
    assert (code, out) == (
        0,
        "Nothing to depose: the highest lock of nightly is sealed already.\n",
    )


def test_an_empty_reason_is_refused(desk: Desk) -> None:
    desk.store.perform(Create(FIRST, b'{"expired": false}'))
    code, _, err = desk.run("depose", "--reason", " ")
    assert (code, "reason is empty" in err) == (2, True)


def test_what_was_deposed_is_told_to_programs(desk: Desk) -> None:
    desk.lead()
    desk.stand_still(34)
    _, out, _ = desk.run("depose", "--reason", "host is gone", "--json")
    assert json.loads(out)["deposed"]["outcome"] == "deposed"


def test_nothing_deposed_is_null_to_programs(desk: Desk) -> None:
    desk.lead().resign()
    _, out, _ = desk.run("depose", "--reason", "to be sure", "--json")
    assert json.loads(out) == {"deposed": None}
