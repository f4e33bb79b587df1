"""An app under cdk-nag; test_template_rules.py runs it, because the rules need validation on."""

import json
import sys

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from app import compose, create_app
from tests.infra.all_options import fill

if __name__ == "__main__":
    what, context = sys.argv[1], json.loads(sys.argv[2])
    checked = create_app()
    for name, value in {"aws:cdk:bundling-stacks": [], **context}.items():
        checked.node.set_context(name, value)
    if what == "zoo":
        fill(cdk.Stack(checked, "Zoo"))
    else:
        stack, *_ = compose(checked)
        if what == "app-with-a-plain-queue":
            sqs.Queue(stack, "Plain")
    cdk.Validations.of(checked).add_plugins(AwsSolutionsChecks(checked))
    checked.synth()
