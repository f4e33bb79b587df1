"""What the writer does when S3 refuses a request, or performs one twice."""

from __future__ import annotations

import io
from hashlib import sha256
from itertools import count

import pytest
from botocore.exceptions import ClientError

from compaction.writer import KeyTaken, Writer
from tests.fast.compaction.fake_s3 import FakeS3, s3_error
from tests.fast.compaction.world import BUCKET, At, FakeTerm, echo

OURS = sha256(b"body").hexdigest()
THEIRS = sha256(b"another body").hexdigest()


def writer(s3: FakeS3) -> Writer:
    return Writer(s3.client(), BUCKET, FakeTerm(1).led())


def create(s3: FakeS3) -> None:
    writer(s3).create("part", io.BytesIO(b"body"), sha256=OURS, content_type="text/plain")


def test_create_that_is_sent_twice_recognises_its_own_write() -> None:
    """The client or an intermediary sends a second copy; the answer received is its 412."""
    s3 = FakeS3()
    At(s3, 0, echo)
    create(s3)
    assert (s3.body("part"), s3.metadata("part")) == (b"body", {"sha256": OURS})
    assert s3.log == ["put_object", "put_object", "head_object"]


@pytest.mark.parametrize("metadata", [{"sha256": THEIRS}, {}], ids=str)
def test_create_never_overwrites_another_object(metadata: dict[str, str]) -> None:
    s3 = FakeS3()
    s3.put("part", b"another body", metadata)
    with pytest.raises(KeyTaken, match="expected no object at part"):
        create(s3)
    assert s3.body("part") == b"another body"


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
