"""A bucket or an election given as a URL, an ARN or a key is refused with what to write instead."""

import argparse

import pytest

from s3leader import Election, testing
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.__main__ import main

ACCESS_POINT = "arn:aws:s3:eu-west-1:123456789012:accesspoint/locks"


def elect(options: argparse.Namespace) -> Election:
    return testing.election(options.election, prefix=options.prefix, store=MemoryStore())


def run(
    capsys: pytest.CaptureFixture[str], election: str, *more: str, bucket: str = "locks"
) -> tuple[int, str]:
    code = main(["status", election, "--bucket", bucket, "--json", *more], elect=elect)
    out, err = capsys.readouterr()
    return code, out + err


@pytest.mark.parametrize(
    ("bucket", "instead"),
    [
        ("s3://locks", "write --bucket locks"),
        ("s3://locks/jobs/", "write --bucket locks --prefix jobs/"),
        ("/locks/", "write --bucket locks"),
        ("locks/elections", "write --bucket locks --prefix elections/"),
        ("arn:aws-cn:s3:::locks/elections/*", "write --bucket locks --prefix elections/"),
        ("https://locks.s3.eu-west-1.amazonaws.com/jobs/", "write --bucket locks --prefix jobs/"),
        ("https://s3.eu-west-1.amazonaws.com/locks", "write --bucket locks"),
        (
            "s3://locks/jobs/e/lock_0000000042.json",
            "write e --bucket locks --prefix jobs/",
        ),
        ("s3://locks/e/hint.json", "write e --bucket locks --prefix ''"),
        ("", "give 3 to 63 of the characters"),
        ("arn:aws:sqs:eu-west-1:123456789012:locks", "give 3 to 63 of the characters"),
    ],
)
def test_what_is_not_a_buckets_name_is_a_usage_error_that_says_what_to_write(
    capsys: pytest.CaptureFixture[str], bucket: str, instead: str
) -> None:
    code, said = run(capsys, "nightly", bucket=bucket)
    assert (code, instead in said, "regex" in said, said.count("\n")) == (2, True, False, 1)
    assert said.rstrip().endswith(instead) or not instead.startswith("write")


@pytest.mark.parametrize("bucket", ["locks", "my.locks-1", "Old_Bucket", ACCESS_POINT])
def test_a_possible_bucket_name_is_left_to_s3(
    capsys: pytest.CaptureFixture[str], bucket: str
) -> None:
    assert run(capsys, "nightly", bucket=bucket)[0] == 3


def test_a_bucket_from_the_environment_is_checked_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_BUCKET", "s3://locks")
    code = main(["status", "nightly", "--json"], elect=elect)
    assert (code, "write --bucket locks" in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize(
    ("election", "instead"),
    [
        (" ", "is empty: give the election's name"),
        ("/nightly", "give the election's name, 'nightly'"),
        ("elections/nightly/", "give the election's name, 'nightly'"),
        ("nightly/lock_0000000001.json", "give the election's name, 'nightly'"),
        ("elections/a/b/lock_0000000001.json", "give the election's name, 'a/b'"),
        ("lock_0000000001.json", "which is a key: give the election's name\n"),
        ("s3://locks/elections/nightly", "and the bucket's with --bucket"),
        ("arn:aws:s3:::locks/elections/nightly", "and the bucket's with --bucket"),
    ],
)
def test_what_is_not_an_elections_name_is_a_usage_error_that_says_what_to_write(
    capsys: pytest.CaptureFixture[str], election: str, instead: str
) -> None:
    code, said = run(capsys, election)
    assert (code, instead in said, said.count("\n")) == (2, True, 1)


def test_a_prefix_in_the_name_is_allowed_with_a_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = run(capsys, "elections/nightly")
    note = "The prefix elections/ is added to the name: perhaps nightly?"
    assert (code, note in said) == (3, True)


@pytest.mark.parametrize("prefix", ["/elections/", "elections", "a//b/"])
def test_an_invalid_prefix_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    code, said = run(capsys, "nightly", "--prefix", prefix)
    assert (code, f"prefix {prefix!r}" in said) == (2, True)
