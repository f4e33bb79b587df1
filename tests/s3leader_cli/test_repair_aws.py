"""`s3leader repair policy`, `highest` and `forget`, on moto."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from s3leader import Election, Term
from s3leader.fencing import FencedObject
from s3leader_cli.__main__ import main
from s3leader_cli.aws.bucket_policy import read_policy
from s3leader_cli.aws.environments import VARIABLE, log_group
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.used_numbers import highest_lock, hinted
from s3leader_cli.operate.options import Jobs
from tests.dated_moto import mock_dated_aws
from tests.s3leader_cli.operate.stubs import PLACE, TASK_JOB, replace_client, stubbed

TICK = "2025-11-23T06:00:00Z"
ROLE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


class Account:
    """One lock bucket, in which term 1 has completed a tick, and a data bucket."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.s3: Any = boto3.client("s3")
        for bucket in ("locks", "data"):
            self.s3.create_bucket(Bucket=bucket)
        term = Election("nightly", bucket="locks").campaign(TICK)
        assert isinstance(term, Term)
        term.resign()

    def run(self, *words: str, answer: str | None = "yes") -> tuple[int, str, str]:
        ask = None if answer is None else lambda _: answer
        code = main(["repair", *words, "--bucket", "locks"], ask=ask)
        return code, *self.capsys.readouterr()

    def policy(self) -> Any:
        return json.loads(self.s3.get_bucket_policy(Bucket="locks")["Policy"])

    def function(self) -> Any:
        arn = boto3.client("iam").create_role(
            RoleName="job", AssumeRolePolicyDocument=json.dumps(ROLE)
        )["Role"]["Arn"]
        client: Any = boto3.client("lambda")
        client.create_function(
            FunctionName="job",
            Role=arn,
            Handler="main.handler",
            Runtime="python3.13",
            Code={"ZipFile": b"nothing"},
            Environment={"Variables": {"KEPT": "1"}},
        )
        return client


@pytest.fixture
def account(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Account]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "S3LEADER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    with mock_dated_aws():
        yield Account(capsys)


def test_a_missing_policy_is_shown_and_put_back(account: Account) -> None:
    code, out, err = account.run("policy")
    assert (code, out) == (0, "Added 3 statements to the policy of locks.\n")
    assert "DenyDeletesOfLocks" in err
    assert len(account.policy()["Statement"]) == 3


def test_a_policy_that_is_complete_asks_nobody(account: Account) -> None:
    account.run("policy")
    code, out, _ = account.run("policy", answer=None)
    assert (code, out) == (0, "Nothing to do: the policy of locks protects its locks.\n")


def test_other_statements_stay_and_those_that_are_there_are_not_added_again(
    account: Account,
) -> None:
    account.run("policy", "--shared")
    own = {
        "Sid": "Own",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::locks/public/*",
    }
    kept = [own, *account.policy()["Statement"][1:]]
    account.s3.put_bucket_policy(
        Bucket="locks", Policy=json.dumps({"Version": "2012-10-17", "Statement": kept})
    )
    said = json.loads(account.run("policy", "--shared", "--json")[1])
    assert [each["Sid"][:21] for each in said["added"]] == ["DenyLocksOverPlainHttp"[:21]]
    assert account.policy()["Statement"] == [*kept, *said["added"]]


def test_no_statement_is_added_without_a_yes(account: Account) -> None:
    assert account.run("policy", answer="no")[0] == 1
    with pytest.raises(account.s3.exceptions.ClientError):
        account.policy()


def test_a_policy_that_was_changed_during_the_question_is_not_overwritten(
    account: Account,
) -> None:
    def change(_: str) -> str:
        assert main(["repair", "policy", "--bucket", "locks", "--shared", "--yes"]) == 0
        return "yes"

    assert main(["repair", "policy", "--bucket", "locks"], ask=change) == 1
    assert len(account.policy()["Statement"]) == 3


def test_the_highest_number_is_found_wherever_it_is_recorded(account: Account) -> None:
    FencedObject("reports/latest.json", bucket="data").claim(7)
    for key in ("out/term_0000000041/a", "out/longterm_99/b", "out/term_12.csv"):
        account.s3.put_object(Bucket="data", Key=key, Body=b"")
    account.s3.put_object(Bucket="locks", Key="elections/nightly/hint.json", Body=b'{"term": 3}')
    code, out, _ = account.run(
        *("highest", "nightly", "--fenced", "s3://data/reports/latest.json"),
        *("--labelled", "s3://data/out/"),
    )
    assert code == 0
    assert [line.split() for line in out.splitlines()[:4]] == [
        ["1", "locks", "that", "are", "left"],
        ["3", "hint"],
        ["7", "s3://data/reports/latest.json"],
        ["41", "s3://data/out/"],
    ]
    assert f"repair restart-numbers nightly --above 41 --done {TICK}" in out


def test_a_place_that_is_not_a_fenced_object_is_a_finding(account: Account) -> None:
    account.s3.put_object(Bucket="data", Key="x", Body=b"{}")
    code, out, _ = account.run("highest", "nightly", "--fenced", "s3://data/x", "--json")
    said = json.loads(out)
    assert (code, said["highest"], said["places"][-1]["problem"] is None) == (1, 1, False)


def test_an_election_of_which_nothing_is_recorded_is_a_finding(account: Account) -> None:
    code, out, _ = account.run("highest", "weekly")
    assert (code, "No number is recorded there" in out) == (1, True)


def test_a_missing_bucket_is_one_line(account: Account) -> None:
    code, _, err = account.run("highest", "nightly", "--labelled", "s3://missing/x")
    assert (code, err.count("\n"), "NoSuchBucket" in err) == (1, 1, True)


@pytest.mark.parametrize("words", [["--fenced", "data/x"], ["--labelled", "s3://data"]])
def test_an_address_that_is_none_is_a_usage_error(account: Account, words: list[str]) -> None:
    assert account.run("highest", "nightly", *words)[0] == 2


def test_a_variable_of_each_function_is_changed_and_the_others_stay(account: Account) -> None:
    client = account.function()
    code, out, _ = account.run("forget", "nightly", "--function", "us-east-1/job")
    variables = client.get_function_configuration(FunctionName="job")["Environment"]["Variables"]
    assert (code, "us-east-1/job" in out) == (0, True)
    assert variables.keys() == {"KEPT", VARIABLE}


def test_a_function_that_does_not_exist_is_one_line(account: Account) -> None:
    code, _, err = account.run("forget", "nightly", "--function", "us-east-1/none", "--yes")
    assert (code, "us-east-1" in err, "Traceback" in err) == (1, True, False)


class UnreadableFunction:
    """A function whose variables are encrypted with a key that these credentials may not use."""

    def __init__(self) -> None:
        self.exceptions = boto3.client("lambda").exceptions
        self.written: list[dict[str, Any]] = []

    def get_waiter(self, _: str) -> Any:
        return self

    def wait(self, **_: str) -> None: ...

    def get_function_configuration(self, **_: str) -> dict[str, Any]:
        error = {"ErrorCode": "AccessDeniedException", "Message": "KMS access was denied"}
        return {"RevisionId": "1", "Environment": {"Error": error}}

    def update_function_configuration(self, **call: Any) -> None:
        self.written.append(call)


def test_variables_that_cannot_be_read_are_not_replaced_by_one(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda answers with an error in their place, and takes what is written as all of them."""
    function = UnreadableFunction()
    replace_client(monkeypatch, "environments", **{"lambda": function})
    code, _, err = account.run("forget", "nightly", "--function", "us-east-1/job")
    assert (code, function.written, "kms:Decrypt" in err) == (1, [], True)


def test_a_job_without_functions_is_not_said_to_have_forgotten(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = Jobs(place=PLACE, found=(TASK_JOB,))
    monkeypatch.setattr("s3leader_cli.repair.deployed.Wanted.find", lambda _: tasks)
    code, out, err = account.run("forget", "nightly", answer=None)
    assert (code, "remember" in out, "no function" in out, err) == (0, False, True, "")


def denied(monkeypatch: pytest.MonkeyPatch, module: str, service: str, operation: str) -> None:
    """Let a module of s3leader_cli.aws have no right to an operation of a service."""
    client, stubber = stubbed(service)
    stubber.add_client_error(operation, "AccessDenied", "no")
    replace_client(monkeypatch, module, **{service: client})


@pytest.mark.parametrize(
    ("call", "module", "operation", "statement"),
    [
        (lambda: read_policy("b", "p/", None, shared=False), "bucket_policy", "get_bucket_policy",
         '"Action": "s3:GetBucketPolicy", "Resource": "arn:aws:s3:::b"'),
        (lambda: highest_lock("b", "p/", None), "used_numbers", "list_objects_v2",
         '"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"'),
        (lambda: hinted("b", "p/", None), "used_numbers", "get_object",
         '"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/p/hint.json"'),
        (lambda: log_group("us-east-1", "job"), "environments", "get_function_configuration",
         '"Resource": "arn:aws:lambda:us-east-1:*:function:job"'),
    ],
)  # fmt: skip
def test_a_missing_right_is_named_by_the_statement_that_gives_it(
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[], object],
    module: str,
    operation: str,
    statement: str,
) -> None:
    denied(monkeypatch, module, "lambda" if module == "environments" else "s3", operation)
    with pytest.raises(RequestFailed) as refused:
        call()
    assert statement in refused.value.message
