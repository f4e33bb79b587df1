import pytest

from tests.infra.synth import Synthesized

DATA = "<Data666C94C7.Arn>"


def test_data_is_private_and_encrypted(compaction: Synthesized) -> None:
    bucket = compaction.one("AWS::S3::Bucket", "Data")
    names = ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
    assert bucket["PublicAccessBlockConfiguration"] == dict.fromkeys(names, True)
    assert "BucketEncryption" in bucket


def test_data_travels_over_tls_only(compaction: Synthesized) -> None:
    (statement,) = compaction.statements("AWS::S3::BucketPolicy", "DataPolicy")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_nothing_of_value_goes_with_the_stack(compaction: Synthesized) -> None:
    kinds = ("AWS::S3::Bucket", "AWS::Logs::LogGroup")
    policies = [each["DeletionPolicy"] for kind in kinds for each in compaction.resources(kind)]
    assert policies == ["Retain"] * 3


def test_everything_goes_with_a_throwaway_stack(throwaway: Synthesized) -> None:
    policies = {each.get("DeletionPolicy") for each in throwaway.json["Resources"].values()}
    assert "Retain" not in policies


def test_a_throwaway_stack_may_be_emptied(throwaway: Synthesized) -> None:
    statements = throwaway.statements("AWS::S3::BucketPolicy", "Locks")
    assert "DenyDeletesOfLocks" not in [each.get("Sid") for each in statements]


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_job_has_exactly_its_rights_on_data(compaction: Synthesized) -> None:
    everything = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    ours = {"StringEquals": {"aws:ResourceAccount": "<AWS::AccountId>"}}
    rights = [
        (each["Action"], resource, each.get("Condition"))
        for each in compaction.statements("AWS::IAM::Policy", "CompactionRole")
        for resource in as_list(each["Resource"])
        if DATA in resource
    ]
    assert sorted(rights, key=lambda right: right[1]) == [
        ("s3:ListBucket", DATA, ours),
        (["s3:GetObject", "s3:PutObject"], f"{DATA}/compacted/manifest.json", ours),
        (everything, f"{DATA}/compacted/term_*", ours),
        (["s3:DeleteObject", "s3:GetObject"], f"{DATA}/events/*", ours),
        (everything, f"{DATA}/rejected/term_*", ours),
    ]


def test_the_function_knows_its_bucket_and_its_handler(compaction: Synthesized) -> None:
    found = [compaction.variables()[name] for name in ("DATA_BUCKET", "S3LEADER_HANDLER")]
    assert found == ["<Data666C94C7>", "compaction.handler.handler"]


@pytest.mark.parametrize(
    ("which", "count", "expression"),
    [("compaction", 3, "cron(0/5 * * * ? *)"), ("throwaway", 2, "cron(* * * * ? *)")],
)
def test_schedule_and_contenders_come_from_context(
    which: str, count: int, expression: str, request: pytest.FixtureRequest
) -> None:
    template: Synthesized = request.getfixturevalue(which)
    schedules = template.properties("AWS::Scheduler::Schedule")
    assert [each["ScheduleExpression"] for each in schedules] == [expression] * count


def test_outputs_say_where_to_look(compaction: Synthesized) -> None:
    outputs = {name: each["Value"] for name, each in compaction.json["Outputs"].items()}
    assert outputs == {
        "LockBucketName": {"Ref": "LocksBucket941BDB31"},
        "DataBucketName": {"Ref": "Data666C94C7"},
        "FunctionName": {"Ref": compaction.ids("AWS::Lambda::Function")[0]},
        "ElectionName": "compaction",
    }
