"""An app under cdk-nag; test_template_rules.py runs it, because the rules need validation on.

It holds the example's stacks, one stack with all options, and a queue that breaks a rule.
"""

import json
import sys

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from app import compose, create_app
from tests.infra.all_options import fill
from tests.infra.synth import UNBUNDLED

if __name__ == "__main__":
    checked = create_app()
    for name, value in {**UNBUNDLED, **json.loads(sys.argv[1])}.items():
        checked.node.set_context(name, value)
    compose(checked)
    all_options = cdk.Stack(checked, "AllOptions")
    fill(all_options)
    sqs.Queue(all_options, "Plain")
    cdk.Validations.of(checked).add_plugins(AwsSolutionsChecks(checked))
    checked.synth()
