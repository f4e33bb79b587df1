"""Grants to jobs and attached functions are complete too, or rejected at synth."""

import pytest
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket, RuntimeLayer
from tests.infra.jobs import build
from tests.infra.permissions.test_access import HERE, THERE, here, imported
from tests.infra.permissions.test_grants import function
from tests.infra.synth import new_app, new_stack


@pytest.mark.parametrize("imports", [True, False])
def test_a_runtime_layer_of_another_region_is_refused(*, imports: bool) -> None:
    arn = f"arn:aws:lambda:eu-west-1:{HERE}:layer:runtime:1"
    app = new_app()
    stack, away = here(app=app), new_stack("Away", app, account=HERE, region="eu-west-1")
    layer = (
        lambda_.LayerVersion.from_layer_version_arn(away, "Layer", arn)
        if imports
        else RuntimeLayer(away, "Layer")
    )
    with pytest.raises(ValueError, match=r"is in eu-west-1, but function .* is in us-east-1"):
        LockBucket(stack, "Locks").attach(function(stack), election="one", layer=layer)


def test_an_attached_function_on_a_bucket_of_another_account_is_refused() -> None:
    stack = here()
    locks = LockBucket(stack, "Locks", bucket=imported(stack, account=THERE))
    with pytest.raises(ValueError, match="to the policy of bucket their-locks"):
        locks.attach(function(stack), election="one")


def test_a_job_on_a_bucket_of_another_account_is_refused_before_it_is_deployed() -> None:
    stack = here()
    locks = LockBucket(stack, "Locks", bucket=imported(stack, account=THERE))
    with pytest.raises(ValueError, match="to the policy of bucket their-locks"):
        build(stack, lock_bucket=locks)
