"""A bucket or an election given as a URL, an ARN or a key is refused."""

import pytest

from s3leader import Election, testing
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.__main__ import main
from s3leader_cli.options import ElectionPlace

ACCESS_POINT = "arn:aws:s3:eu-west-1:123456789012:accesspoint/locks"


def elect(options: ElectionPlace) -> Election:
    return testing.election(options.election, prefix=options.prefix, store=MemoryStore())


def run(
    capsys: pytest.CaptureFixture[str], election: str, *more: str, bucket: str = "locks"
) -> tuple[int, str]:
    code = main(["status", election, "--bucket", bucket, *more], elect=elect)
    out, err = capsys.readouterr()
    return code, out + err


@pytest.mark.parametrize(
    "bucket",
    [
        "s3://locks/jobs/",
        "locks/",
        "arn:aws:s3:::locks",
        "arn:aws:sqs:eu-west-1:123456789012:locks",
        "https://locks.s3.eu-west-1.amazonaws.com/jobs/",
        "",
        "two words",
    ],
)
def test_what_is_not_a_buckets_name_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], bucket: str
) -> None:
    code, said = run(capsys, "nightly", bucket=bucket)
    assert (code, "and a folder of elections with --prefix" in said, said.count("\n")) == (
        2,
        True,
        1,
    )


@pytest.mark.parametrize("bucket", ["locks", "my.locks-1", "Old_Bucket", ACCESS_POINT])
def test_a_possible_bucket_name_is_left_to_s3(
    capsys: pytest.CaptureFixture[str], bucket: str
) -> None:
    assert run(capsys, "nightly", bucket=bucket)[0] == 3


@pytest.mark.parametrize(
    "election",
    [
        "",
        " ",
        "nightly/",
        "/nightly",
        "nightly/lock_0000000001.json",
        "hint.json",
        "s3://locks/elections/nightly",
        "arn:aws:s3:::locks/elections/nightly",
    ],
)
def test_what_is_not_an_elections_name_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], election: str
) -> None:
    code, said = run(capsys, election)
    assert (code, "give the name alone" in said, said.count("\n")) == (2, True, 1)


def test_a_prefix_in_the_name_is_allowed_with_a_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = run(capsys, "elections/nightly", "--json")
    assert (code, "The prefix elections/ is added to the name: perhaps nightly?" in said) == (
        3,
        True,
    )


@pytest.mark.parametrize("prefix", ["/elections/", "elections", "a//b/"])
def test_an_invalid_prefix_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], prefix: str
) -> None:
    code, said = run(capsys, "nightly", "--prefix", prefix)
    assert (code, f"prefix {prefix!r}" in said) == (2, True)
