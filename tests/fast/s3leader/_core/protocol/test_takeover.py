"""R3 and R4: a lapsed lock is first sealed and then succeeded; S3's clock decides if it lapsed."""

from __future__ import annotations

from dataclasses import replace

from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LEASE_MS,
    LIST,
    SKEW_MS,
    after,
    applied,
    at,
    conflict,
    create,
    found,
    held,
    known,
    listing,
    looked,
    lost,
    mine,
    missing,
    pause,
    put,
    read,
    sealed,
    won,
)

LAPSED_MS = LEASE_MS + SKEW_MS + 1
CRASHED = held(4, tick=EARLIER, renewals=2, state={"after": "x"}, swept=1)
SUCCESSOR = mine(5, "n2", state={"after": "x"}, swept=1, attempts={EARLIER: 1})
LOOK = looked(CRASHED, age_ms=LAPSED_MS, etag="E4")
# A term's start is its lock's Last-Modified while its body does not say.
STARTED = replace(CRASHED, started_at=at(-LAPSED_MS).replace(microsecond=999_000))
SEAL = put(
    STARTED.seal(nonce="n1", outcome="deposed", reason="lapsed; sealed by me", ended_at=at(0)), "E4"
)


def test_lapsed_lock_is_sealed_as_it_was_read_and_then_succeeded() -> None:
    assert won(*LOOK, (SEAL, applied()), (create(SUCCESSOR), applied())).took_over


def test_lock_has_not_lapsed_at_the_end_of_lease_and_allowance() -> None:
    assert lost(*looked(CRASHED, age_ms=LEASE_MS + SKEW_MS)).why == "held"


def test_no_host_clock_takes_part_in_judging_a_lock() -> None:
    """However long the requests took by the candidate's own monotonic clock."""
    slow = 20 * LEASE_MS
    lost((LIST, listing(4), slow), (read(4), found(CRASHED, age_ms=LEASE_MS), slow))


def test_late_renewal_beats_the_takeover() -> None:
    renewed = replace(CRASHED, nonce="r4b", renewals=3)
    result = lost(*LOOK, (SEAL, conflict()), (read(4), found(renewed)))
    assert (result.why, result.head.lock) == ("held", replace(renewed, started_at=at(-5000)))


def test_lock_that_is_gone_when_it_is_sealed_makes_the_candidate_list_again() -> None:
    lost(*LOOK, (SEAL, conflict()), (read(4), missing()), *looked(held(6)))


def test_winner_after_a_rivals_seal_took_nothing_over() -> None:
    theirs = (read(4), found(sealed(4, nonce="other", outcome="deposed")))
    create_5 = (create(mine(5, "n2")), applied())
    assert not won(*LOOK, (SEAL, conflict()), theirs, create_5).took_over


def test_winner_after_a_resigned_term_took_nothing_over_though_it_sealed_an_earlier_lock() -> None:
    result = won(
        *LOOK,
        (SEAL, applied()),
        (create(SUCCESSOR), conflict()),
        (read(5), found(sealed(5))),
        pause(50, 250),
        (after(5), listing()),
        (create(mine(6, "n3")), applied()),
        wait_ms=60_000,
    )
    assert not result.took_over


def test_remembered_lapsed_lock_is_read_again_before_it_is_sealed() -> None:
    memory = known(replace(CRASHED, modified_at=at(-LAPSED_MS), seen_at=at(0)))
    lost((read(4), found(CRASHED)), memory=memory)
