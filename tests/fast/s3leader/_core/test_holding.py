"""What a holder recognises as its own."""

from __future__ import annotations

from tests.fast.s3leader._core.protocol.script import holding, mine


def test_holder_recognises_the_body_it_wrote_last_and_those_it_may_have_written() -> None:
    held = holding(mine(5, "n0"), doubtful=frozenset({"d"}))
    assert held.own_nonces == {"n0", "d"}


def test_body_without_a_nonce_is_nobodys_own() -> None:
    held = holding(mine(5, None), doubtful=frozenset({"d"}))  # type: ignore[arg-type]
    assert held.own_nonces == {"d"}


def test_win_that_nobody_leads_by_is_no_attempt() -> None:
    assert holding(mine(5, attempt=3)).without_attempt().lock.attempt == 2
