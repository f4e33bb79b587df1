"""The constructs are tested by their templates."""

import os

# Before aws_cdk starts its Node process, which inherits them.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("CDK_VALIDATION", "false")  # half the time; test_template_rules.py has it on

import pytest

from tests.infra.all_options import fill
from tests.infra.synth import Synthesized, synthesize, synthesize_app


@pytest.fixture(scope="session")
def compaction() -> Synthesized:
    """The app's stack as it is by default."""
    return synthesize_app()


@pytest.fixture(scope="session")
def throwaway() -> Synthesized:
    """The app's temporary stack, with other context too."""
    return synthesize_app(throwaway="true", contenders="2", schedule="rate(1 minute)")


@pytest.fixture(scope="session")
def all_options() -> Synthesized:
    """A stack with every optional property of the constructs."""
    return synthesize(fill)
