"""What an operator has to say before a corrupt lock is sealed, and what is said to an operator."""

import pytest

from s3leader import NotElected, Term
from s3leader._core.requests import Found, Read, Replace

from .test_cli import FIRST, SECOND, TICK, Desk, desk

__all__ = ["desk"]  # the fixture
EARLIER = "2026-11-23T05:00:00Z"


@pytest.fixture(params=[False, True], ids=["before is there", "before is gone"])
def torn(desk: Desk, request: pytest.FixtureRequest) -> Desk:
    """Two ticks are completed; the last byte of the highest lock is missing."""
    for tick in (EARLIER, TICK):
        term = desk.election().campaign(tick=tick)
        assert isinstance(term, Term)
        term.save({"after": 41})
        term.resign("completed")
    if request.param:
        desk.store.expire_superseded()
    written = desk.store.perform(Read(SECOND))
    assert isinstance(written, Found)
    desk.store.perform(Replace(SECOND, written.body[:-1], written.etag))
    return desk


def force(desk: Desk, *more: str, answer: str | None = None) -> tuple[int, str, str]:
    return desk.run("depose", "--reason", "half a write", "--force", *more, answer=answer)


def is_gone(desk: Desk) -> bool:
    return FIRST not in desk.store.keys()  # noqa: SIM118 - no dict


def test_it_is_not_sealed_without_the_latest_completed_tick(torn: Desk) -> None:
    before = torn.store.body(SECOND)
    code, _, err = force(torn, "--yes")
    assert (code, "--done TICK" in err, torn.store.body(SECOND)) == (2, True, before)


def test_what_is_legible_of_it_is_shown(torn: Desk) -> None:
    assert f'"tick": "{TICK}"' in force(torn, "--yes")[2]


def test_what_the_lock_before_it_knows_is_shown(torn: Desk) -> None:
    known = "the checkpoint is lost" if is_gone(torn) else f"latest completed tick {EARLIER}"
    assert known in force(torn, "--yes")[2]


def test_a_tick_that_is_said_to_be_done_is_not_led_again(torn: Desk) -> None:
    force(torn, "--done", TICK, "--yes")
    result = torn.election().campaign(tick=TICK)
    assert isinstance(result, NotElected)
    assert result.reason == "done"


def test_what_the_next_term_begins_with_is_said(torn: Desk) -> None:
    state = "an empty checkpoint" if is_gone(torn) else "the checkpoint of the lock before it"
    code, out, _ = force(torn, "--done", TICK, "--yes")
    assert (code, f"Ticks up to {TICK} are done. The next term begins with {state}" in out) == (
        0,
        True,
    )


def test_a_person_is_not_asked_about_what_will_be_refused(desk: Desk) -> None:
    desk.corrupt()
    assert (force(desk, answer="yes")[0], desk.asked) == (2, [])


def test_a_person_sees_that_the_first_term_has_no_lock_before_it(desk: Desk) -> None:
    desk.corrupt()
    assert "no earlier lock knows anything" in force(desk, "--done", "none", answer="no")[2]


@pytest.mark.parametrize("done", ["yesterday", "2026-11-23T06:00:00", "9999-01-01T00:00:00Z"])
def test_a_tick_that_cannot_have_been_completed_is_a_usage_error(desk: Desk, done: str) -> None:
    desk.corrupt()
    assert (force(desk, "--done", done, "--yes")[0], desk.store.body(FIRST)) == (2, b"[]")


@pytest.mark.parametrize("words", [["--done", TICK], ["--done", TICK, "--force", "--yes"]])
def test_done_is_refused_where_the_lock_can_be_read(desk: Desk, words: list[str]) -> None:
    desk.lead()
    assert desk.run("depose", "--reason", "it hangs", *words)[0] == 2
    assert desk.look()["standing"] == "held"


def test_done_does_not_matter_where_the_lock_is_sealed_already(desk: Desk) -> None:
    desk.lead().resign()
    before = desk.store.body(FIRST)
    code, out, err = force(desk, "--done", "none", "--yes")
    assert (code, out.startswith("Nothing to depose"), err) == (0, True, "")
    assert desk.store.body(FIRST) == before


def test_done_does_not_matter_where_there_is_no_lock(desk: Desk) -> None:
    code, out, err = force(desk, "--done", "none", "--yes")
    assert (code, out.startswith("Nothing to depose"), err) == (3, True, "")
