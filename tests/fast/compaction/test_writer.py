"""What the writer does when S3 refuses a request, or loses, delays or repeats one."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from compaction.writer import KeyTaken, Writer
from s3leader import BucketUnusable, LeadershipLost, StoreUnavailable
from s3leader._io.driver import Driver
from tests.fast.compaction.fake_s3 import FakeS3, Perform, s3_error
from tests.fast.compaction.world import BUCKET, WITHOUT_PAUSES, At, FakeTerm, echo

OURS = sha256(b"body").hexdigest()
THEIRS = sha256(b"another body").hexdigest()
TIMEOUT = ReadTimeoutError(endpoint_url="s3")


def writer(
    s3: FakeS3, term: FakeTerm | None = None, driver: Callable[..., Driver] = WITHOUT_PAUSES
) -> Writer:
    return Writer(s3.client(), BUCKET, (term or FakeTerm(1)).led(), driver=driver)


def create(writer: Writer) -> None:
    writer.create("part", io.BytesIO(b"body"), sha256=OURS, content_type="text/plain")


def failing(
    s3: FakeS3, error: Exception, *, times: int = 1, on: str = "put_object", after: bool = False
) -> None:
    """Let the next requests `on` end in `error`, `after` they have been performed or without."""
    left = times

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        nonlocal left
        if left == 0 or name != on:
            return perform()
        left -= 1
        if after:
            perform()
        raise error

    s3.hook = hook


# ----------------------------------------------------------------------------- creating


@pytest.mark.parametrize(
    "error",
    [
        TIMEOUT,
        s3_error("PutObject", "InternalError", 500),
        s3_error("PutObject", "SlowDown", 503),
        s3_error("PutObject", "ConditionalRequestConflict", 409),
        *(s3_error("PutObject", str(status), status) for status in (408, 421, 425, 429)),
    ],
    ids=str,
)
@pytest.mark.parametrize("after", [False, True])
def test_create_of_unknown_outcome_is_sent_again(error: Exception, *, after: bool) -> None:
    s3 = FakeS3()
    failing(s3, error, after=after)
    create(writer(s3))
    assert (s3.body("part"), s3.metadata("part")) == (b"body", {"sha256": OURS})


def test_create_gives_up_after_a_minute_of_tries() -> None:
    s3, now_ms = FakeS3(), 0

    def sleep(seconds: float) -> None:
        nonlocal now_ms
        now_ms += round(seconds * 1000)

    failing(s3, TIMEOUT, times=10_000)
    with pytest.raises(StoreUnavailable, match="part"):
        create(writer(s3, driver=partial(Driver, sleep=sleep, clock_ms=lambda: now_ms)))
    assert 60_000 <= now_ms < 70_000


def test_create_that_s3_denies_is_not_sent_again() -> None:
    s3 = FakeS3()
    failing(s3, s3_error("PutObject", "AccessDenied", 403))
    with pytest.raises(BucketUnusable, match="AccessDenied") as denied:
        create(writer(s3))
    facts = (denied.value.action, denied.value.resource, denied.value.code)
    assert facts == ("s3:PutObject", "arn:aws:s3:::data/part", "AccessDenied")


def test_create_is_not_sent_again_once_leadership_is_lost() -> None:
    s3, term = FakeS3(), FakeTerm(1)

    def depose(name: str, perform: Perform) -> Any:
        term.held = False
        raise TIMEOUT

    At(s3, 0, depose)
    with pytest.raises(LeadershipLost):
        create(writer(s3, term))
    assert s3.list_keys() == []


def test_create_recognises_its_own_earlier_write() -> None:
    """The client may have retried by itself, so the first answer that is received may be a 412."""
    s3 = FakeS3()
    create(writer(s3))
    create(writer(s3))
    assert s3.log == ["put_object", "put_object", "head_object"]


def test_create_that_an_intermediary_sends_twice_is_applied() -> None:
    """The first answer that is received is the 412 to the second copy."""
    s3 = FakeS3()
    At(s3, 0, echo)
    create(writer(s3))
    assert (s3.body("part"), s3.log) == (b"body", ["put_object"] * 2 + ["head_object"])


def test_create_whose_first_copy_arrives_late_is_applied_once() -> None:
    s3, late = FakeS3(), list[Perform]()

    def delay(name: str, perform: Perform) -> Any:
        late.append(perform)
        raise TIMEOUT

    At(s3, 0, delay)
    create(writer(s3))
    with pytest.raises(ClientError, match="PreconditionFailed"):
        late.pop()()
    assert (s3.body("part"), s3.log) == (b"body", ["put_object"] * 2)


@pytest.mark.parametrize("error", [TIMEOUT, s3_error("HeadObject", "500", 500)], ids=str)
def test_create_is_settled_though_the_read_after_a_conflict_fails_at_first(
    error: Exception,
) -> None:
    s3 = FakeS3()
    create(writer(s3))
    failing(s3, error, on="head_object")
    create(writer(s3))
    assert s3.body("part") == b"body"


@pytest.mark.parametrize("metadata", [{"sha256": THEIRS}, {}], ids=str)
def test_create_never_overwrites_another_object(metadata: dict[str, str]) -> None:
    s3 = FakeS3()
    s3.put("part", b"another body", metadata)
    with pytest.raises(KeyTaken, match="expected no object at part"):
        create(writer(s3))
    assert s3.body("part") == b"another body"


def test_create_finds_another_object_though_its_first_answer_was_lost() -> None:
    s3 = FakeS3()
    s3.put("part", b"another body", {"sha256": THEIRS})
    failing(s3, TIMEOUT, after=False)
    with pytest.raises(KeyTaken):
        create(writer(s3))


# ----------------------------------------------------------------------------- deleting


def denying(s3: FakeS3, code: str, *, times: int) -> None:
    """Let deletions of the key `b` fail so many times, each with an answer of 200."""
    left = times

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        nonlocal left
        if name != "delete_objects" or left == 0:
            return perform()
        left -= 1
        kept = s3.body("b")
        answer = perform()
        s3.put("b", kept)
        return {**answer, "Errors": [*answer["Errors"], {"Key": "b", "Code": code}]}

    s3.hook = hook


def filled(*keys: str) -> FakeS3:
    s3 = FakeS3()
    for key in keys:
        s3.put(key, b"")
    return s3


def test_a_key_that_could_not_be_deleted_is_tried_again() -> None:
    s3 = filled("a", "b", "c")
    denying(s3, "InternalError", times=2)
    refused = writer(s3).delete(["a", "b", "c"])
    assert (s3.list_keys(), refused) == ([], {})


def test_keys_that_cannot_be_deleted_are_reported_by_name() -> None:
    s3 = filled("a", "b", "c")
    denying(s3, "InternalError", times=9)
    assert writer(s3).delete(["a", "b", "c"]) == {"b": "InternalError"}


def test_a_deletion_that_is_denied_is_not_tried_again() -> None:
    s3 = filled("a", "b")
    denying(s3, "AccessDenied", times=9)
    refused = writer(s3).delete(["a", "b"])
    assert (refused, s3.log) == ({"b": "AccessDenied"}, ["delete_objects"])


def test_a_refusal_of_one_key_does_not_keep_others_from_being_tried_again() -> None:
    s3 = filled("a", "b", "c")
    denying(s3, "InternalError", times=2)
    s3.undeletable["a"] = "AccessDenied"
    assert (writer(s3).delete(["a", "b", "c"]), s3.list_keys()) == ({"a": "AccessDenied"}, ["a"])


def test_a_key_that_xml_cannot_say_and_that_is_denied_is_reported_by_name() -> None:
    s3 = filled("a", "b\x01", "c\n")
    s3.undeletable["b\x01"] = "AccessDenied"
    assert writer(s3).delete(s3.list_keys()) == {"b\x01": "AccessDenied"}


def test_a_request_that_is_denied_as_a_whole_is_a_refusal_of_each_key() -> None:
    s3 = filled("a", "b")
    failing(s3, s3_error("DeleteObjects", "AccessDenied", 403), on="delete_objects")
    assert writer(s3).delete(["a", "b"]) == dict.fromkeys("ab", "AccessDenied")


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("ExpiredToken", 400)])
def test_a_request_that_fails_whatever_its_keys_is_raised(code: str, status: int) -> None:
    s3 = filled("a")
    failing(s3, s3_error("DeleteObjects", code, status), on="delete_objects")
    with pytest.raises(ClientError, match=code):
        writer(s3).delete(["a"])


def test_a_key_that_is_gone_counts_as_deleted() -> None:
    s3 = filled("a", "b")
    denying(s3, "NoSuchKey", times=1)
    refused = writer(s3).delete(["a", "b"])
    assert (refused, s3.log) == ({}, ["delete_objects"])


def test_more_than_a_thousand_keys_are_deleted_in_pages() -> None:
    s3 = filled(*(str(n) for n in range(2001)))
    writer(s3).delete(s3.list_keys())
    assert (s3.list_keys(), s3.log) == ([], ["delete_objects"] * 3)


def test_keys_that_xml_cannot_say_are_deleted_one_by_one() -> None:
    s3 = filled("a", "b\x01", "c\n", "d")
    writer(s3).delete(s3.list_keys())
    assert s3.list_keys() == []
