"""An app under cdk-nag; test_template_rules.py runs it, because the rules need validation on.

It holds the example's stacks, a stack with all options if there is no context, and a queue that
breaks a rule.
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
    checked, context = create_app(), json.loads(sys.argv[1])
    for name, value in {**UNBUNDLED, **context}.items():
        checked.node.set_context(name, value)
    compose(checked)
    if not context:  # once is enough
        fill(cdk.Stack(checked, "AllOptions"))
    sqs.Queue(cdk.Stack(checked, "Broken"), "Plain")
    cdk.Validations.of(checked).add_plugins(AwsSolutionsChecks(checked))
    checked.synth()
