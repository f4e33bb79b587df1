import json
from datetime import UTC, datetime

import pytest

from s3leader_acceptance.checks.table import CHECKS
from s3leader_acceptance.redaction import Redactor, masked
from s3leader_acceptance.report import Report
from s3leader_acceptance.results import Finding, Result, failed, not_checked, passed

ACCOUNT, BUCKET = "123456789012", "stack-bucket-83908e77"
REDACTOR = Redactor(ACCOUNT, [BUCKET])
SECRETS = {
    ACCOUNT: "<account>",
    "the account 210987654321.": "the account <account>.",
    "1234-5678-9012": "<account>",
    "arn:aws:iam::123456789012:role/admin failed": "<arn> failed",
    "arn:aws-us-gov:s3:::other-bucket/key": "<arn>",
    "https://sqs.eu-west-1.amazonaws.com/123456789012/queue": "<url>",
    f"s3://{BUCKET}/elections/": "s3://<bucket>/elections/",
    "AKIAIOSFODNN7EXAMPLE": "<key id>",
    "ASIAIOSFODNN7EXAMPLE": "<key id>",
    "request 8f3c5a0e-1b2c-4d5e-8f90-a1b2c3d4e5f6": "request 8f3c…",
}


@pytest.mark.parametrize(("text", "expected"), SECRETS.items())
def test_what_identifies_an_account_is_replaced(text: str, expected: str) -> None:
    assert REDACTOR.text(text) == expected


@pytest.mark.parametrize(
    "text", ["1795723818062", "2026-11-26T20:10:42Z", "lock_0000000042.json", "412", "eu-west-1"]
)
def test_times_and_counts_stay(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_values_are_redacted_at_any_depth() -> None:
    value = {BUCKET: [{"account": int(ACCOUNT), "n": 3, "ok": True, "none": None}]}
    expected = {"<bucket>": [{"account": "<account>", "n": 3, "ok": True, "none": None}]}
    assert REDACTOR.value(value) == expected


def test_terminal_shows_the_end_of_the_number() -> None:
    assert masked(ACCOUNT) == "********9012"


def report(*results: Result, redactor: Redactor = REDACTOR) -> Report:
    findings = [
        Finding(check=check, result=result, seconds=1.0)
        for check, result in zip(CHECKS, results, strict=False)
    ]
    began = datetime(2026, 11, 26, tzinfo=UTC)
    return Report(
        findings=findings, region="eu-west-1", endpoint=False, began=began, redactor=redactor
    )


LEAKY = failed(f"s3://{BUCKET} of {ACCOUNT} is closed", queue=next(iter(SECRETS)), ids=[*SECRETS])


@pytest.mark.parametrize("text", [report(LEAKY).json(), report(LEAKY).markdown()])
def test_report_has_no_account_and_no_bucket(text: str) -> None:
    hidden = (ACCOUNT, BUCKET, "210987654321", "AKIA", "arn:", "a1b2c3d4e5f6")
    assert [each for each in hidden if each in text] == []


@pytest.mark.parametrize(
    ("results", "failing"),
    [
        ([passed(), not_checked("no policies here")], False),
        ([passed(), failed("denied")], True),
        ([], False),
    ],
)
def test_report_fails_if_one_check_does(results: list[Result], *, failing: bool) -> None:
    assert report(*results).failed is failing


def test_report_counts_outcomes_and_says_why() -> None:
    found = json.loads(report(passed(), not_checked("no policies here"), passed()).json())
    assert (found["outcomes"], found["checks"][1]["why"]) == (
        {"pass": 2, "fail": 0, "not checked": 1},
        "no policies here",
    )


def test_long_evidence_is_whole_in_json_alone() -> None:
    long = report(passed(texts=["x" * 400]))
    assert ("x" * 400 in long.json(), "x" * 400 in long.markdown()) == (True, False)
