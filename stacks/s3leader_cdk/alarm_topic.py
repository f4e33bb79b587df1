"""A topic that alarms publish to, and whether they can."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import Annotations, Aws, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

_PRINCIPAL = "cloudwatch.amazonaws.com"
_MANAGED_KEY = "alias/aws/sns"


def alarm_actions(
    scope: Construct, topic: sns.ITopic | None, others: Sequence[cloudwatch.IAlarmAction]
) -> list[cloudwatch.IAlarmAction]:
    """Return what alarms do: publish to `topic`, if there is one, and `others`.

    CloudWatch says nothing where it may not publish. So what is known to fail is refused, and what
    cannot be granted from here is warned of.
    """
    if topic is None:
        return list(others)
    _check_region(scope, topic)
    _check_key(scope, topic)
    # A topic with a policy of its own, such as one for TLS only, has lost SNS's default policy,
    # which lets the account's alarms publish. With the grant goes one on the topic's key.
    here = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    topic.grant_publish(iam.ServicePrincipal(_PRINCIPAL, conditions=here))
    if topic.node.default_child is None:
        _warn_of_imported(scope, topic)
    return [cloudwatch_actions.SnsAction(topic), *others]


def _check_region(scope: Construct, topic: sns.ITopic) -> None:
    here, there = Stack.of(scope).region, topic.env.region
    if not Token.is_unresolved(here) and not Token.is_unresolved(there) and here != there:
        raise ValueError(
            f"alarm_topic {topic.node.path} is in {there}, and the alarms are in {here}: alarms"
            " publish in their own Region only. Give a topic there, and subscribe to both"
        )


def _check_key(scope: Construct, topic: sns.ITopic) -> None:
    made = topic.node.default_child
    key = topic.master_key if isinstance(topic, sns.TopicBase) else None
    used = made.kms_master_key_id if isinstance(made, sns.CfnTopic) else None
    if key is not None:
        used = key.key_arn
    if used is not None and _MANAGED_KEY in json.dumps(Stack.of(topic).resolve(used)):
        raise ValueError(
            f"alarm_topic {topic.node.path} is encrypted with {_MANAGED_KEY}, whose policy does not"
            " let CloudWatch publish: give the topic a key of yours, or none"
        )
    if isinstance(key, kms.Alias):
        key = key.alias_target_key
    if key is not None and not isinstance(key, kms.Key):
        Annotations.of(scope).add_warning_v2(
            "s3leader:alarm-topic-key",
            f"the key of alarm_topic {topic.node.path} is not made in this app, so that nothing can"
            f" be added to its policy: it has to allow kms:Decrypt and kms:GenerateDataKey* to the"
            f" service {_PRINCIPAL}, or alarms publish nothing",
        )


def _warn_of_imported(scope: Construct, topic: sns.ITopic) -> None:
    Annotations.of(scope).add_warning_v2(
        "s3leader:alarm-topic-policy",
        f"alarm_topic {topic.node.path} is not made in this app, so that nothing can be added to"
        f" its policy: it has to allow sns:Publish to the service {_PRINCIPAL} (SNS's default"
        " policy does for the topic's own account), and the policy of its key, if it has one, has"
        " to allow kms:Decrypt and kms:GenerateDataKey*, or alarms publish nothing",
    )
