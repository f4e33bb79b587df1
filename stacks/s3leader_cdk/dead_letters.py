"""Queues for events that came to nothing."""

from __future__ import annotations

from typing import Any

import jsii
from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct


def dead_letter_queue(scope: Construct, queue_id: str) -> sqs.Queue:
    """Return an encrypted queue, over TLS only, that keeps what it gets for 14 days."""
    queue = sqs.Queue(
        scope,
        queue_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    Validations.of(queue).acknowledge(
        Acknowledgment(
            id="AwsSolutions-SQS3",
            reason="It is a dead-letter queue itself: Lambda and EventBridge Scheduler send to it,"
            " and nothing consumes it but a person.",
        )
    )
    return queue


def grant_send(queue: sqs.IQueue, grantee: iam.IGrantable) -> None:
    """Let `grantee` send to `queue`: CDK's own grant lets it look at the queue, too."""
    iam.Grant.add_to_principal_or_resource(
        grantee=grantee,
        resource=queue,
        actions=["sqs:SendMessage"],
        resource_arns=[queue.queue_arn],
    )
    if queue.encryption_master_key is not None:
        queue.encryption_master_key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")


@jsii.implements(lambda_.IDestination)
class DeadLetters:
    """Where Lambda sends the events that a function gave up on."""

    def __init__(self, queue: sqs.IQueue) -> None:
        self._queue = queue

    def bind(
        self,
        scope: Construct,
        fn: lambda_.IFunction,
        options: Any = None,  # noqa: ANN401 - jsii's shape
        **_: Any,  # noqa: ANN401 - the same
    ) -> lambda_.DestinationConfig:
        """Let the function's role send to the queue, and name the queue."""
        grant_send(self._queue, fn)
        return lambda_.DestinationConfig(destination=self._queue.queue_arn)
