"""Dead-letter queues: for events that were never processed."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

import jsii
from aws_cdk import Acknowledgment, Annotations, Duration, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._cdk_facts import (
    arn_of_queue,
    made_in,
    place_of,
    region_of,
    resource_of,
)
from s3leader_cdk._permissions.principals import known_to_differ

_KEPT = Duration.days(14)
_made_here: WeakSet[sqs.IQueue] = WeakSet()  # which are encrypted by no key that needs a grant


def dead_letter_queue(scope: Construct, queue_id: str) -> sqs.Queue:
    """Return an encrypted queue, over TLS only, that keeps events for 14 days."""
    queue = sqs.Queue(
        scope,
        queue_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=_KEPT,
    )
    made_in(scope, queue)
    _made_here.add(queue)
    Validations.of(queue).acknowledge(
        Acknowledgment(
            id="AwsSolutions-SQS3",
            reason="It is a dead-letter queue itself: Lambda and EventBridge Scheduler send to it,"
            " and only people read it.",
        )
    )
    return queue


def check_queue(scope: Construct, queue: sqs.IQueue) -> None:
    """Raise `ValueError` for a queue that Scheduler and Lambda are known not to send to."""
    if queue.fifo:
        raise ValueError(
            f"dead_letters {queue.node.path} is a FIFO queue, which Lambda and EventBridge"
            " Scheduler do not send to: give a standard queue"
        )
    here, there = region_of(scope), place_of(queue).region
    if known_to_differ(here, there):
        raise ValueError(
            f"dead_letters {queue.node.path} is in {there}, and the job in {here}: Lambda and"
            " EventBridge Scheduler send within their own Region only. Give a queue there"
        )
    if resource_of(queue) is None and queue.encryption_master_key is None:
        Annotations.of(scope).add_warning_v2(
            "s3leader:dead-letters-key",
            f"dead_letters {queue.node.path} is not made in this app: if a key of yours encrypts"
            " it, import it with Queue.from_queue_attributes(key_arn=…); otherwise nothing is"
            " granted on the key, and dead letters are lost",
        )


def grant_send(queue: sqs.IQueue, grantee: iam.IGrantable) -> None:
    """Let `grantee` send to `queue`; CDK's own grant also allows reading its attributes."""
    iam.Grant.add_to_principal_or_resource(
        grantee=grantee,
        resource=queue,
        actions=["sqs:SendMessage"],
        resource_arns=[arn_of_queue(queue)],
    )
    if queue in _made_here:
        return
    key = queue.encryption_master_key
    if key is not None:
        key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")


@jsii.implements(lambda_.IDestination)
class DeadLetters:
    """The destination of events that a function gave up on."""

    def __init__(self, queue: sqs.IQueue, *, sender: iam.IGrantable | None = None) -> None:
        self._queue, self._sender = queue, sender

    def bind(
        self,
        scope: Construct,
        fn: lambda_.IFunction,
        options: Any = None,  # noqa: ANN401 - jsii's shape
        **_: Any,  # noqa: ANN401 - the same
    ) -> lambda_.DestinationConfig:
        """Let `sender`, by default the function's role, send to the queue, and name the queue."""
        grant_send(self._queue, self._sender or fn)
        return lambda_.DestinationConfig(destination=arn_of_queue(self._queue))
