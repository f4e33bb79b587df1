"""The SNS topic that alarms publish to, with checks that CloudWatch is allowed to publish."""

from __future__ import annotations

import json

from aws_cdk import Annotations, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as cloudwatch_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from s3leader_cdk._cdk_facts import (
    Once,
    place_at_deployment,
    place_of,
    region_of,
)
from s3leader_cdk._permissions.principals import known_to_differ

_PRINCIPAL = "cloudwatch.amazonaws.com"
_MANAGED_KEY = "alias/aws/sns"


def topic_action(scope: Construct, topic: sns.ITopic) -> cloudwatch.IAlarmAction:
    """Return the action that publishes alarms to `topic`.

    CloudWatch does not report a publish that is denied. So a topic that is known to fail is an
    error, and one whose policy this app cannot change is a warning.
    """
    _check_region(scope, topic)
    _check_key(scope, topic)
    # A topic with a policy of its own, such as one that requires TLS, lacks SNS's default policy,
    # which lets the account's alarms publish. `grant_publish` also grants the topic's key.
    action = _action_of(topic)
    if topic.node.default_child is None:
        _warn_of_imported(scope, topic)
    return action


def _allowed_action(topic: sns.ITopic) -> cloudwatch.IAlarmAction:
    same_account = {"StringEquals": {"aws:SourceAccount": place_at_deployment().account}}
    topic.grant_publish(iam.ServicePrincipal(_PRINCIPAL, conditions=same_account))
    return cloudwatch_actions.SnsAction(topic)


# A second grant, for another job of the app, would add the same statement.
_action_of: Once[sns.ITopic, cloudwatch.IAlarmAction] = Once(_allowed_action)


def _check_region(scope: Construct, topic: sns.ITopic) -> None:
    region, topic_region = region_of(scope), place_of(topic).region
    if known_to_differ(region, topic_region):
        raise ValueError(
            f"topic {topic.node.path} is in {topic_region}, and the alarms are in {region}:"
            f" alarms publish in their own Region only. Give a topic in {region}"
        )


def _check_key(scope: Construct, topic: sns.ITopic) -> None:
    key = topic.master_key if isinstance(topic, sns.TopicBase) else None
    if key is None:
        return
    if _MANAGED_KEY in json.dumps(Stack.of(topic).resolve(key.key_arn)):
        raise ValueError(
            f"topic {topic.node.path} is encrypted with {_MANAGED_KEY}, whose policy does not"
            " let CloudWatch publish: give the topic a customer managed key, or none"
        )
    if isinstance(key, kms.Alias):
        key = key.alias_target_key
    if not isinstance(key, kms.Key):
        Annotations.of(scope).add_warning_v2(
            "s3leader:alarm-topic-key",
            f"the key of topic {topic.node.path} is not created in this app, which cannot"
            f" change its policy: it has to allow kms:Decrypt and kms:GenerateDataKey* to the"
            f" service {_PRINCIPAL}, or alarms publish nothing",
        )


def _warn_of_imported(scope: Construct, topic: sns.ITopic) -> None:
    Annotations.of(scope).add_warning_v2(
        "s3leader:alarm-topic-policy",
        f"topic {topic.node.path} is not created in this app, which cannot change its"
        f" policy: it has to allow sns:Publish to the service {_PRINCIPAL} (SNS's default"
        " policy does for the topic's own account), and the policy of its key, if it has one, has"
        " to allow kms:Decrypt and kms:GenerateDataKey*, or alarms publish nothing",
    )
