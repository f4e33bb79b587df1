"""Queues for events that came to nothing."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, Validations
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
