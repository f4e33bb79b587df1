"""What an operator has to say before a corrupt lock is sealed, and what is said to an operator."""

import pytest

from s3leader import NotElected, Term
from s3leader._core.requests import Found, Read, Replace
from tests.fast.s3leader_cli.command_line import FIRST, SECOND, TICK, Cli

EARLIER = "2026-11-23T05:00:00Z"


@pytest.fixture(params=[False, True], ids=["before is there", "before is gone"])
def torn(cli: Cli, request: pytest.FixtureRequest) -> Cli:
    """Two ticks are completed; the last byte of the highest lock is missing."""
    for tick in (EARLIER, TICK):
        term = cli.election().campaign(tick=tick)
        assert isinstance(term, Term)
        term.save({"after": 41})
        term.resign("completed")
    if request.param:
        cli.store.expire_superseded()
    written = cli.store.perform(Read(SECOND))
    assert isinstance(written, Found)
    cli.store.perform(Replace(SECOND, written.body[:-1], written.etag))
    return cli


def force(cli: Cli, *more: str, answer: str | None = None) -> tuple[int, str, str]:
    return cli.run("depose", "--reason", "half a write", "--force", *more, answer=answer)


def is_gone(cli: Cli) -> bool:
    return FIRST not in cli.store.keys()  # noqa: SIM118 - no dict


def test_it_is_not_sealed_without_the_latest_completed_tick(torn: Cli) -> None:
    before = torn.store.body(SECOND)
    code, _, err = force(torn, "--yes")
    assert (code, "--done TICK" in err, torn.store.body(SECOND)) == (2, True, before)


def test_the_readable_part_of_a_corrupt_lock_is_shown(torn: Cli) -> None:
    assert f'"tick": "{TICK}"' in force(torn, "--yes")[2]


def test_the_lock_before_it_is_shown(torn: Cli) -> None:
    known = "the checkpoint is lost" if is_gone(torn) else f"latest completed tick {EARLIER}"
    assert known in force(torn, "--yes")[2]


def test_a_tick_that_is_said_to_be_done_is_not_led_again(torn: Cli) -> None:
    force(torn, "--done", TICK, "--yes")
    result = torn.election().campaign(tick=TICK)
    assert isinstance(result, NotElected)
    assert result.reason == "done"


def test_the_checkpoint_of_the_next_term_is_named(torn: Cli) -> None:
    state = "an empty checkpoint" if is_gone(torn) else "the checkpoint of the lock before it"
    code, out, _ = force(torn, "--done", TICK, "--yes")
    assert (code, f"Ticks up to {TICK} are done. The next term begins with {state}" in out) == (
        0,
        True,
    )


def test_a_person_is_not_asked_about_what_will_be_refused(cli: Cli) -> None:
    cli.corrupt()
    assert (force(cli, answer="yes")[0], cli.asked) == (2, [])


def test_a_person_sees_that_the_first_term_has_no_lock_before_it(cli: Cli) -> None:
    cli.corrupt()
    assert "there is no earlier lock" in force(cli, "--done", "none", answer="no")[2]


@pytest.mark.parametrize("done", ["yesterday", "2026-11-23T06:00:00", "9999-01-01T00:00:00Z"])
def test_a_tick_that_cannot_have_been_completed_is_a_usage_error(cli: Cli, done: str) -> None:
    cli.corrupt()
    assert (force(cli, "--done", done, "--yes")[0], cli.store.body(FIRST)) == (2, b"[]")


@pytest.mark.parametrize("words", [["--done", TICK], ["--done", TICK, "--force", "--yes"]])
def test_done_is_refused_where_the_lock_can_be_read(cli: Cli, words: list[str]) -> None:
    cli.lead()
    assert cli.run("depose", "--reason", "it hangs", *words)[0] == 2
    assert cli.status()["standing"] == "held"


def test_done_does_not_matter_where_the_lock_is_sealed_already(cli: Cli) -> None:
    cli.lead().resign()
    before = cli.store.body(FIRST)
    code, out, err = force(cli, "--done", "none", "--yes")
    assert (code, out.startswith("Nothing to depose"), err) == (0, True, "")
    assert cli.store.body(FIRST) == before


def test_done_does_not_matter_where_there_is_no_lock(cli: Cli) -> None:
    code, out, err = force(cli, "--done", "none", "--yes")
    assert (code, out.startswith("Nothing to depose"), err) == (3, True, "")
