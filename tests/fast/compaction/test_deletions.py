"""An input that S3 refuses to delete is committed once, and does not delay other inputs."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from compaction import InputsWithheld, Limits, Summary
from compaction.manifest import Manifest
from s3leader import S3LeaderError
from tests.fast.compaction.fake_s3 import REQUESTS, Perform, s3_error
from tests.fast.compaction.world import (
    ENDS,
    At,
    Crashed,
    FakeTerm,
    World,
    crash_after,
    crash_before,
    echo,
    lose_answer,
    lose_request,
)

HELD = "events/audit"


def held(*, limits: Limits | None = None) -> World:
    """Return a world with an input that S3 refuses to delete."""
    world = World(limits=limits or Limits(batch_objects=2, readers=1, manifest_parts=2))
    world.produce("audit", [b'"audit"', b"X"])
    world.s3.undeletable[HELD] = "AccessDenied"
    return world


def failed(world: World, term: FakeTerm | None = None) -> Summary:
    """Lead a term that ends with some inputs withheld or not deleted."""
    with pytest.raises(InputsWithheld) as caught:
        world.lead(term)
    return caught.value.summary


def manifest(world: World) -> dict[str, Any]:
    snapshot = world.document().read()
    assert snapshot is not None
    return snapshot.value


def test_the_inputs_of_later_terms_are_committed_and_it_is_committed_once() -> None:
    world = held()
    for day in range(8):
        world.produce(f"day{day}", [b'"%d"' % day, b"1", b"X"])
        failed(world)
    assert (world.committed(), world.rejected()) == (world.good, world.bad)
    assert world.s3.list_keys("events/") == [HELD]


def test_the_term_says_which_inputs_s3_did_not_delete() -> None:
    world = held()
    with pytest.raises(InputsWithheld, match=r"did not delete 1 inputs .*events/audit \(Acc"):
        world.lead()


def test_each_of_them_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    failed(held())
    assert f"committed input {HELD} could not be deleted: AccessDenied" in caplog.messages


def test_they_are_in_the_lock() -> None:
    term = FakeTerm(1)
    failed(held(), term)
    said = (term.state["undeleted"], term.state["undeleted_first"])
    assert said == (1, {HELD: "AccessDenied"})


def test_it_is_deleted_and_forgotten_once_s3_allows_it() -> None:
    world = held()
    failed(world)
    failed(world)
    world.s3.undeletable.clear()
    world.lead()
    assert not world.faults()
    assert manifest(world)["undeleted"] == {}


def test_it_is_forgotten_once_an_operator_has_moved_it() -> None:
    world = held()
    failed(world)
    world.s3.delete(HELD)
    world.lead()
    assert manifest(world)["undeleted"] == {}


def test_what_was_written_again_under_its_name_is_neither_deleted_nor_compacted() -> None:
    world = held()
    failed(world)
    world.s3.put(HELD, b'"another"')
    world.s3.undeletable.clear()
    assert failed(world).undeleted_first == {HELD: "ChangedSinceCommitted"}
    assert (world.s3.body(HELD), world.committed()) == (b'"another"', world.good)


def test_what_was_written_again_is_not_deleted_though_s3_did_not_show_it_at_first() -> None:
    """A HEAD that fails does not show the object's ETag, so the deletion is not tried."""
    world = held()
    failed(world)
    world.s3.put(HELD, b'"another"')
    world.s3.undeletable.clear()
    heads = count()

    def fail_once(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "head_object" and given["Key"] == HELD and next(heads) == 0:
            raise s3_error("HeadObject", "InternalError", 500)
        return perform()

    world.s3.hook = fail_once
    failed(world)
    assert world.s3.body(HELD) == b'"another"'


def test_it_is_remembered_while_s3_does_not_even_show_it() -> None:
    world = held()
    failed(world)

    def deny(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "head_object" and given["Key"] == HELD:
            raise s3_error("HeadObject", "403", 403)
        return perform()

    world.s3.hook = deny
    assert failed(world).undeleted_first == {HELD: "403"}
    world.s3.hook = None
    world.s3.undeletable.clear()
    world.lead()
    assert not world.faults()


def test_it_is_deleted_later_even_if_its_etag_was_never_known() -> None:
    """The term that committed it crashed, and the one that finished was not shown it."""
    world = held()
    At(world.s3, 0, crash_before, counts={"delete_objects"})
    with pytest.raises(Crashed):
        world.lead()

    def deny(name: str, perform: Perform) -> Any:
        raise s3_error("HeadObject", "403", 403)

    At(world.s3, 0, deny, counts={"head_object"})
    failed(world)
    world.s3.undeletable.clear()
    world.lead()
    assert not world.faults()


def test_an_input_that_is_gone_after_all_is_not_remembered() -> None:
    """S3 deleted it and answered with an error."""
    world = held()
    world.s3.undeletable[HELD] = "InternalError"
    At(world.s3, 0, crash_before, counts={"delete_objects"})
    with pytest.raises(Crashed):
        world.lead()

    def delete(name: str, perform: Perform) -> Any:
        world.s3.delete(HELD)
        return perform()

    At(world.s3, 0, delete, counts={"delete_objects"})
    assert world.lead().undeleted == 0


def test_it_is_remembered_if_only_the_next_term_is_refused() -> None:
    """A term crashed between its commit and its deletions, which the next one finishes."""
    world = held()
    At(world.s3, 0, crash_before, counts={"delete_objects"})
    with pytest.raises(Crashed):
        world.lead()
    failed(world)
    world.produce("later", [b"1"])
    failed(world)
    assert world.committed() == world.good


def test_versions_that_would_compact_it_again_do_not_accept_the_manifest() -> None:
    world = held()
    failed(world)
    first = manifest(world)["format"]
    world.s3.undeletable.clear()
    world.lead()
    assert (first, manifest(world)["format"]) == (2, 1)


def test_an_error_that_has_passed_when_the_term_ends_fails_no_term() -> None:
    world = held()
    world.s3.undeletable[HELD] = "InternalError"
    batches = 0

    def pass_later(name: str, given: dict[str, Any], perform: Perform) -> Any:
        nonlocal batches
        batches += name == "delete_objects"
        if batches > 3:
            world.s3.undeletable.clear()
        return perform()

    world.s3.hook = pass_later
    assert world.lead().undeleted == 0
    assert not world.faults()


def test_deletions_that_fail_whatever_the_key_are_finished_by_the_next_term() -> None:
    world = World()
    world.produce_some(3)

    def slow_down(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "delete_objects":
            raise s3_error("DeleteObjects", "SlowDown", 503)
        return perform()

    world.s3.hook = slow_down
    with pytest.raises(ClientError, match="SlowDown"):
        world.lead()
    world.s3.hook = None
    world.lead()
    assert not world.faults()


# ------------------------------------------------------------------------------ the bound


def denied_throughout() -> World:
    world = World(limits=Limits(batch_objects=3, readers=2, undeleted_inputs=4))
    for number in range(20):
        key = world.produce(f"{number:02}", [b"%d" % number])
        world.s3.undeletable[key] = "AccessDenied"
    return world


def test_no_further_batch_is_committed_when_too_many_are_remembered() -> None:
    world = denied_throughout()
    for _ in range(3):
        assert failed(world).stopped_early
    remembered = Manifest.parsed(manifest(world)).undeleted
    assert (len(remembered), world.committed().total()) == (6, 6)


def test_all_the_others_are_compacted_once_deletions_are_allowed() -> None:
    world = denied_throughout()
    failed(world)
    world.s3.undeletable.clear()
    world.lead()
    assert not world.faults()


# ------------------------------------------------------------- crashes and stale leaders


def world_after(fault: Callable[[str, Perform], Any], nth: int) -> World | None:
    """Return a world after a term with a fault at its `nth` request; None if it has fewer.

    An earlier term could not delete one input, and the term itself cannot delete another.
    """
    world = held()
    failed(world)
    world.produce_some(5)
    world.s3.undeletable["events/0001"] = "AccessDenied"
    at = At(world.s3, nth, fault, counts=REQUESTS)
    with contextlib.suppress(*ENDS):
        world.lead()
    world.s3.hook = None
    return world if at.injected else None


def faults(world: World) -> list[str]:
    """Return the violations while deletions are refused, and once they are allowed."""
    failed(world)
    double = world.committed() - world.good
    kept = Counter({"double": double.total(), "lost": (world.good - world.committed()).total()})
    world.s3.undeletable.clear()
    world.lead()
    world.lead()
    return [*world.faults(), *kept.elements()]


@pytest.mark.parametrize(
    "fault", [crash_before, crash_after, lose_answer, lose_request, echo], ids=lambda x: x.__name__
)
def test_each_line_is_committed_once_after_a_fault_at_any_request(
    fault: Callable[[str, Perform], Any],
) -> None:
    for nth in count():
        world = world_after(fault, nth)
        if world is None:
            assert nth > 20, "a term has more requests than that"
            return
        assert not faults(world), f"request {nth}"


@pytest.mark.parametrize("lifted", [False, True])
def test_a_stale_leader_neither_forgets_nor_deletes_what_is_not_its_own(*, lifted: bool) -> None:
    def successor_leads(name: str, perform: Perform) -> Any:
        world = worlds[-1]
        undeletable = dict(world.s3.undeletable)
        if lifted:
            world.s3.undeletable.clear()
        world.produce("0002-late", [b'"late"', b"X"])
        with contextlib.suppress(InputsWithheld):
            world.lead()
        world.s3.undeletable.update(undeletable)
        return perform()

    worlds: list[World] = []
    for nth in count():
        world = held()
        worlds.append(world)
        failed(world)
        stale = FakeTerm(world.terms + 1)
        world.terms += 1
        world.produce_some(5)
        world.s3.undeletable["events/0001"] = "AccessDenied"
        pause = At(world.s3, nth, successor_leads, counts=REQUESTS)
        with contextlib.suppress(S3LeaderError, InputsWithheld):
            world.lead(stale)
        world.s3.hook = None
        if not pause.injected:
            assert nth > 20, "a term has more requests than that"
            return
        world.s3.undeletable.clear()
        world.lead()
        world.lead()
        assert not world.faults(), f"request {nth}"
