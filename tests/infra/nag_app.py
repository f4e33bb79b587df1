"""The app under cdk-nag's rules; run by test_rules.py, since the rules need validation on."""

import sys

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from app import compose, create_app

if __name__ == "__main__":
    checked = create_app()
    checked.node.set_context("aws:cdk:bundling-stacks", [])
    stack = compose(checked)
    if "with-a-plain-queue" in sys.argv:
        sqs.Queue(stack, "Plain")
    cdk.Validations.of(checked).add_plugins(AwsSolutionsChecks(checked))
    checked.synth()
