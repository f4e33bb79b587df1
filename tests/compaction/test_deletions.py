"""An input that S3 refuses to delete is committed once, and does not delay other inputs."""

from __future__ import annotations

from itertools import count

import pytest
from botocore.exceptions import ClientError

from compaction import InputsWithheld, Limits
from tests.compaction.fake_s3 import s3_error
from tests.compaction.world import FakeTerm, World, crash_before

HELD = "events/audit"
DENIED = s3_error("HeadObject", "403", 403)


@pytest.fixture
def held() -> World:
    """A world with an input that S3 refuses to delete."""
    world = World(limits=Limits(batch_objects=2, readers=1, manifest_parts=2))
    world.produce("audit", [b'"audit"', b"X"])
    world.s3.undeletable[HELD] = "AccessDenied"
    return world


@pytest.fixture
def crashed(held: World) -> World:
    """The same, after a term that crashed between its commit and its deletions."""
    held.lead_with(crash_before, 0, counts={"delete_objects"})
    return held


def lead_once_deletions_are_allowed(world: World) -> None:
    world.s3.undeletable.clear()
    world.lead()


def test_inputs_of_later_terms_are_committed_and_the_undeleted_one_only_once(held: World) -> None:
    for day in range(8):
        held.produce(f"day{day}", [b'"%d"' % day, b"1", b"X"])
        held.fail_to_lead()
    assert (held.committed(), held.rejected()) == (held.good, held.bad)
    assert held.s3.list_keys("events/") == [HELD]


def test_undeleted_inputs_are_reported_logged_and_saved_in_the_lock(
    held: World, caplog: pytest.LogCaptureFixture
) -> None:
    term = FakeTerm(1)
    with pytest.raises(InputsWithheld, match=r"did not delete 1 inputs .*events/audit \(Acc"):
        held.lead(term)
    assert f"committed input {HELD} could not be deleted: AccessDenied" in caplog.messages
    saved = (term.state["undeleted"], term.state["undeleted_first"])
    assert saved == (1, {HELD: "AccessDenied"})


def test_undeleted_input_is_deleted_and_forgotten_once_s3_allows_it(held: World) -> None:
    held.fail_to_lead()
    held.fail_to_lead()
    lead_once_deletions_are_allowed(held)
    assert (held.faults(), held.manifest().undeleted) == ([], {})


def test_undeleted_input_is_forgotten_once_an_operator_has_moved_it(held: World) -> None:
    held.fail_to_lead()
    held.s3.delete(HELD)
    held.lead()
    assert held.manifest().undeleted == {}


@pytest.mark.parametrize(
    "error",
    [None, s3_error("HeadObject", "InternalError", 500)],
    ids=["HEAD shows it", "HEAD fails at first"],
)
def test_undeleted_input_that_was_written_again_is_neither_deleted_nor_compacted(
    held: World, error: Exception | None
) -> None:
    """A HEAD that fails does not show the object's ETag, so the deletion is not tried."""
    held.fail_to_lead()
    held.s3.put(HELD, b'"another"')
    held.s3.undeletable.clear()
    if error is not None:
        held.s3.fail("head_object", error, keys=[HELD], times=1)
    assert held.fail_to_lead().undeleted_first == {HELD: "ChangedSinceCommitted"}
    assert (held.s3.body(HELD), held.committed()) == (b'"another"', held.good)


def test_undeleted_input_is_remembered_while_s3_denies_even_its_head(held: World) -> None:
    held.fail_to_lead()
    held.s3.fail("head_object", DENIED, keys=[HELD])
    assert held.fail_to_lead().undeleted_first == {HELD: "403"}
    held.s3.hook = None
    lead_once_deletions_are_allowed(held)
    assert not held.faults()


def test_undeleted_input_is_deleted_later_even_if_its_etag_was_never_known(crashed: World) -> None:
    crashed.s3.fail("head_object", DENIED, times=1)
    crashed.fail_to_lead()
    lead_once_deletions_are_allowed(crashed)
    assert not crashed.faults()


def test_input_that_was_deleted_despite_an_error_is_not_remembered(crashed: World) -> None:
    crashed.s3.before("delete_objects", lambda: crashed.s3.delete(HELD))
    assert crashed.lead().undeleted == 0


def test_undeleted_input_is_remembered_if_only_the_next_term_is_refused(crashed: World) -> None:
    crashed.fail_to_lead()
    crashed.produce("later", [b"1"])
    crashed.fail_to_lead()
    assert crashed.committed() == crashed.good


def test_versions_that_would_compact_it_again_do_not_accept_the_manifest(held: World) -> None:
    held.fail_to_lead()
    first = held.manifest().value()["format"]
    lead_once_deletions_are_allowed(held)
    assert (first, held.manifest().value()["format"]) == (2, 1)


def test_error_that_has_passed_when_the_term_ends_fails_no_term(held: World) -> None:
    held.s3.undeletable[HELD] = "InternalError"
    requests = count()

    def allow_the_fourth() -> None:
        if next(requests) == 3:
            held.s3.undeletable.clear()

    held.s3.before("delete_objects", allow_the_fourth)
    assert held.lead().undeleted == 0
    assert not held.faults()


def test_deletions_that_fail_whatever_the_key_are_finished_by_the_next_term() -> None:
    world = World()
    world.produce_some(3)
    world.s3.fail("delete_objects", s3_error("DeleteObjects", "SlowDown", 503))
    with pytest.raises(ClientError, match="SlowDown"):
        world.lead()
    world.s3.hook = None
    world.lead()
    assert not world.faults()


def test_no_further_batch_is_committed_while_too_many_inputs_are_remembered() -> None:
    world = World(limits=Limits(batch_objects=3, readers=2, undeleted_inputs=4))
    for number in range(20):
        key = world.produce(f"{number:02}", [b"%d" % number])
        world.s3.undeletable[key] = "AccessDenied"
    for _ in range(3):
        assert world.fail_to_lead().stopped_early
    assert (len(world.manifest().undeleted), world.committed().total()) == (6, 6)
    lead_once_deletions_are_allowed(world)
    assert not world.faults()
