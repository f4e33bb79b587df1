"""What the writer does when S3 refuses a request, or loses, delays or repeats one."""

from __future__ import annotations

import io
from hashlib import sha256
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from compaction.writer import KeyTaken, Writer
from s3leader import BucketUnusable, LeadershipLost, StoreUnavailable
from tests.compaction.fake_s3 import FakeS3, Perform, s3_error
from tests.compaction.world import BUCKET, At, FakeTerm, echo

OURS = {"sha256": sha256(b"body").hexdigest()}
THEIRS = {"sha256": sha256(b"another body").hexdigest()}
TIMEOUT = ReadTimeoutError(endpoint_url="s3")
PUT, HEAD = "put_object", "head_object"
DENIED_PUT = s3_error("PutObject", "AccessDenied", 403)
DENIED_HEAD = s3_error("HeadObject", "403", 403)


def writer(s3: FakeS3, term: FakeTerm | None = None) -> Writer:
    return Writer(s3.client(), BUCKET, (term or FakeTerm(1)).led())


def create(s3: FakeS3, term: FakeTerm | None = None) -> None:
    digest = OURS["sha256"]
    writer(s3, term).create("part", io.BytesIO(b"body"), sha256=digest, content_type="text/plain")


@pytest.mark.parametrize(
    "error",
    [
        TIMEOUT,
        s3_error("PutObject", "InternalError", 500),
        s3_error("PutObject", "SlowDown", 503),
        s3_error("PutObject", "ServiceUnavailable", 503),
        s3_error("PutObject", "ConditionalRequestConflict", 409),
        *(s3_error("PutObject", str(status), status) for status in (408, 421, 425, 429)),
    ],
    ids=str,
)
@pytest.mark.parametrize(("applied", "log"), [(False, [PUT]), (True, [PUT, PUT, HEAD])])
def test_create_of_unknown_outcome_is_sent_again_until_it_is_settled(
    error: Exception, *, applied: bool, log: list[str]
) -> None:
    s3 = FakeS3()

    def lose(name: str, perform: Perform) -> Any:
        if applied:
            perform()
        raise error

    At(s3, 0, lose)
    create(s3)
    assert (s3.body("part"), s3.metadata("part"), s3.log) == (b"body", OURS, log)


@pytest.mark.parametrize(
    ("there", "on", "error", "end", "log"),
    [
        pytest.param(OURS, None, None, None, [PUT, HEAD], id="ours"),
        pytest.param(OURS, HEAD, TIMEOUT, None, [PUT, PUT, HEAD], id="ours, HEAD lost"),
        pytest.param(
            OURS, HEAD, s3_error("H", "500", 500), None, [PUT, PUT, HEAD], id="ours, HEAD fails"
        ),
        pytest.param(
            OURS, HEAD, s3_error("H", "404", 404), None, [PUT, PUT, HEAD], id="ours, not seen"
        ),
        pytest.param(THEIRS, None, None, KeyTaken, [PUT, HEAD], id="theirs"),
        pytest.param({}, None, None, KeyTaken, [PUT, HEAD], id="without a digest"),
        pytest.param(THEIRS, PUT, TIMEOUT, KeyTaken, [PUT, HEAD], id="theirs, PUT lost"),
        pytest.param(THEIRS, PUT, DENIED_PUT, BucketUnusable, [], id="PUT denied"),
        pytest.param(THEIRS, HEAD, DENIED_HEAD, BucketUnusable, [PUT], id="HEAD denied"),
    ],
)
def test_create_overwrites_nothing_and_recognises_its_own_earlier_write(
    there: dict[str, str],
    on: str | None,
    error: Exception | None,
    end: type[Exception] | None,
    log: list[str],
) -> None:
    s3 = FakeS3()
    s3.put("part", b"what was there", there)
    if on is not None and error is not None:
        s3.fail(on, error, times=1)
    caught: type[Exception] | None = None
    try:
        create(s3)
    except (KeyTaken, BucketUnusable) as raised:
        caught = type(raised)
    assert (caught, s3.body("part"), s3.log) == (end, b"what was there", log)


def test_create_that_is_sent_twice_recognises_its_own_write() -> None:
    """The client or an intermediary sends a second copy; the answer received is its 412."""
    s3 = FakeS3()
    At(s3, 0, echo)
    create(s3)
    assert (s3.body("part"), s3.log) == (b"body", [PUT, PUT, HEAD])


def test_create_whose_first_copy_arrives_late_is_applied_once() -> None:
    s3, late = FakeS3(), list[Perform]()

    def delay(name: str, perform: Perform) -> Any:
        late.append(perform)
        raise TIMEOUT

    At(s3, 0, delay)
    create(s3)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        late.pop()()
    assert (s3.body("part"), s3.log) == (b"body", [PUT, PUT])


def test_create_gives_up_when_the_lease_has_run_out() -> None:
    s3, term = FakeS3(), FakeTerm(1)
    began_ms = term.clock.ms
    s3.fail(PUT, TIMEOUT)
    with pytest.raises(StoreUnavailable, match=r"whether part was written .*ReadTimeoutError"):
        create(s3, term)
    assert 30_000 <= term.clock.ms - began_ms <= 32_000


@pytest.mark.parametrize(("on", "error"), [(PUT, DENIED_PUT), (HEAD, DENIED_HEAD)], ids=str)
def test_refusal_of_a_create_says_which_permission_is_missing_and_what_to_do(
    on: str, error: ClientError
) -> None:
    s3 = FakeS3()
    s3.put("part", b"body", OURS)
    s3.fail(on, error)
    with pytest.raises(BucketUnusable, match=r"failed for part: .* next term compacts") as denied:
        create(s3)
    action = "s3:PutObject" if on == PUT else "s3:GetObject"
    assert (denied.value.action, denied.value.resource, denied.value.code) == (
        action,
        "arn:aws:s3:::data/part",
        error.response["Error"]["Code"],
    )


def test_create_is_not_sent_again_once_leadership_is_lost() -> None:
    s3, term = FakeS3(), FakeTerm(1)

    def depose(name: str, perform: Perform) -> Any:
        term.held = False
        raise TIMEOUT

    At(s3, 0, depose)
    with pytest.raises(LeadershipLost):
        create(s3, term)
    assert (s3.list_keys(), s3.log) == ([], [])


def denying(s3: FakeS3, code: str, *, times: int) -> None:
    """Let so many deletions of the key `b` fail, each with an answer of 200."""
    s3.undeletable["b"] = code
    tries = count()
    s3.before("delete_objects", lambda: next(tries) < times or s3.undeletable.pop("b", None))


def filled(*keys: str) -> FakeS3:
    s3 = FakeS3()
    for key in keys:
        s3.put(key, b"")
    return s3


@pytest.mark.parametrize(
    ("code", "times", "refused", "requests"),
    [
        pytest.param("InternalError", 2, {}, 3, id="transient"),
        pytest.param("InternalError", 9, {"b": "InternalError"}, 3, id="always"),
        pytest.param("AccessDenied", 9, {"b": "AccessDenied"}, 1, id="denied"),
        pytest.param("NoSuchKey", 1, {}, 1, id="gone"),
    ],
)
def test_deletion_of_a_key_is_tried_again_only_after_a_transient_error(
    code: str, times: int, refused: dict[str, str], requests: int
) -> None:
    s3 = filled("a", "b", "c")
    denying(s3, code, times=times)
    assert writer(s3).delete(["a", "b", "c"]) == refused
    assert s3.log == ["delete_objects"] * requests


def test_refusal_of_one_key_does_not_keep_others_from_being_tried_again() -> None:
    s3 = filled("a", "b", "c")
    denying(s3, "InternalError", times=2)
    s3.undeletable["a"] = "AccessDenied"
    assert (writer(s3).delete(["a", "b", "c"]), s3.list_keys()) == ({"a": "AccessDenied"}, ["a"])


def test_keys_that_xml_cannot_say_are_deleted_one_by_one_or_reported_by_name() -> None:
    s3 = filled("a", "b\x01", "c\n", "d")
    s3.undeletable["b\x01"] = "AccessDenied"
    refused = writer(s3).delete(s3.list_keys())
    assert (refused, s3.list_keys()) == ({"b\x01": "AccessDenied"}, ["b\x01"])


def test_request_that_is_denied_as_a_whole_is_a_refusal_of_each_key() -> None:
    s3 = filled("a", "b")
    s3.fail("delete_objects", s3_error("DeleteObjects", "AccessDenied", 403))
    assert writer(s3).delete(["a", "b"]) == dict.fromkeys("ab", "AccessDenied")


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("ExpiredToken", 400)])
def test_request_that_fails_whatever_its_keys_is_raised(code: str, status: int) -> None:
    s3 = filled("a")
    s3.fail("delete_objects", s3_error("DeleteObjects", code, status))
    with pytest.raises(ClientError, match=code):
        writer(s3).delete(["a"])


def test_more_than_a_thousand_keys_are_deleted_in_pages() -> None:
    s3 = filled(*(str(n) for n in range(2001)))
    writer(s3).delete(s3.list_keys())
    assert (s3.list_keys(), s3.log) == ([], ["delete_objects"] * 3)
