"""What a refusal of DynamoDB says."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

from s3leader._io.dynamodb_refusals import explained


def test_the_endpoint_of_a_refused_table_is_named_without_its_password() -> None:
    client = boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url="http://user:secret@127.0.0.1:1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    answer: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": "not found"}}
    text = str(explained(ClientError(answer, "PutItem"), client, ["fences"]))
    assert "'fences' in Region 'eu-west-1' (http://127.0.0.1:1)" in text
    assert "secret" not in text
