"""R6: a leader tags only locks below its own, also those that crashed leaders left untagged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.holding import resign
from s3leader._core.requests import Answer, Create, Read, Replace
from s3leader.errors import BucketUnusable
from tests.fast.s3leader._core.protocol.script import (
    HINT,
    LEASE_MS,
    LOST,
    Exchange,
    applied,
    at,
    completed,
    config,
    conflict,
    found,
    holding,
    mine,
    missing,
    play,
    put,
    resigned,
    tag,
)

TAGGED = applied(etag="")
REFUSAL = BucketUnusable("no", action="s3:PutObjectTagging", resource="arn", code="AccessDenied")


def swept(
    term: int, before: int, *requests: Exchange, swept: int, now_ms: int = 0
) -> BucketUnusable | None:
    """Let the leader of `term` resign: its lock says `swept=before`, and `swept` in the end."""
    seal = completed(mine(term, "n0", swept=swept), ms=(now_ms - 10) // 1000 * 1000)
    leader = holding(mine(term, "n0", swept=before))
    return resigned(leader, *requests, (seal, applied()), now_ms=now_ms).sweep_error


@pytest.mark.parametrize(
    ("term", "before", "tagged"),
    [
        pytest.param(7, 4, range(5, 7), id="from the last tagged lock to the one before its own"),
        pytest.param(1, 0, range(0), id="first term"),
        pytest.param(7, 6, range(0), id="all are tagged"),
        pytest.param(7, 99, range(0), id="swept is higher than its own term"),
        pytest.param(100, 10, range(11, 61), id="no more than fifty"),
    ],
)
def test_locks_below_its_own_are_tagged_once(term: int, before: int, tagged: range) -> None:
    last = tagged[-1] if tagged else term - 1
    assert swept(term, before, *((tag(number), TAGGED) for number in tagged), swept=last) is None


def test_locks_that_are_gone_count_as_swept() -> None:
    assert swept(7, 4, (tag(5), missing()), (tag(6), TAGGED), swept=6) is None


def test_unanswered_tag_ends_the_sweep_and_is_left_to_the_next_term() -> None:
    assert swept(9, 4, (tag(5), TAGGED), (tag(6), LOST), swept=5) is None


def test_leader_that_may_not_tag_can_resign() -> None:
    assert swept(9, 4, (tag(5), TAGGED), (tag(6), REFUSAL), swept=5) is REFUSAL


def test_no_lock_is_tagged_past_the_deadline() -> None:
    assert swept(9, 4, swept=4, now_ms=LEASE_MS) is None


def test_leader_tags_up_to_its_last_millisecond() -> None:
    assert swept(9, 4, (tag(5), TAGGED), swept=5, now_ms=LEASE_MS - 1) is None


@pytest.mark.parametrize(("early_ms", "last"), [(0, 5), (1, 6)])
@pytest.mark.parametrize(
    ("lease_ms", "stop_ms"), [(8_000, 6_000), (20_000, 15_000), (60_000, 55_000)]
)
def test_sweep_leaves_a_quarter_of_the_lease_or_five_seconds_to_resign(
    lease_ms: int, stop_ms: int, early_ms: int, last: int
) -> None:
    lock = mine(9, "n0", swept=4)
    tags: list[Exchange] = [(tag(5), TAGGED, stop_ms - early_ms), (tag(6), TAGGED)]
    seal = lock.seal(nonce="n1", outcome="completed", ended_at=at(-1000))
    steps = resign(
        replace(config(), lease_ms=lease_ms),
        holding(lock, deadline_ms=lease_ms),
        outcome="completed",
        reason=None,
        now_ms=0,
    )
    play(steps, *tags[: last - 4], (put(replace(seal, swept=last), "E1"), applied()))


BODY = b'{"term": 500}'
CREATE, REPLACE = Create(HINT, BODY), Replace(HINT, BODY, "H")


def hint(body: bytes) -> Answer:
    return found(body, etag="H")


@pytest.mark.parametrize(
    ("shown", "writes", "error"),
    [
        pytest.param(missing(), ((CREATE, applied()),), None, id="created"),
        pytest.param(hint(b'{"term": 499}'), ((REPLACE, conflict()),), None, id="replaced"),
        pytest.param(hint(b"?"), ((REPLACE, applied()),), None, id="corrupt"),
        pytest.param(hint(BODY), (), None, id="this term's"),
        pytest.param(hint(b'{"term": 1000}'), (), None, id="a later term's"),
        pytest.param(LOST, (), None, id="not answered"),
        # S3 may answer 403 for a missing object.
        pytest.param(REFUSAL, ((CREATE, applied()),), None, id="read denied"),
        pytest.param(REFUSAL, ((CREATE, REFUSAL),), REFUSAL, id="write denied"),
    ],
)
def test_leader_of_every_500th_term_writes_the_hint_unless_it_is_newer(
    shown: Answer | BucketUnusable, writes: tuple[Exchange, ...], error: BucketUnusable | None
) -> None:
    assert swept(500, 499, (Read(HINT), shown), *writes, swept=499) is error


def test_leader_of_any_other_term_leaves_the_hint_alone() -> None:
    assert swept(499, 498, swept=498) is None
