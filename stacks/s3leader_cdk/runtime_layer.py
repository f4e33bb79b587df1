"""The runtime library as a Lambda layer, for functions with code of their own."""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from s3leader_cdk._cdk_facts import stack_of
from s3leader_cdk._packaging.asset import (
    ARCHITECTURES,
    RUNTIMES,
    layer_code,
    runtime_names,
)
from s3leader_cdk._packaging.errors import unwrapped

_SHARED = "S3LeaderRuntime"


class RuntimeLayer(lambda_.LayerVersion):
    """The runtime library and its pinned dependencies, for each supported Python of Lambda.

    A copy of `s3leader` in a function's own code takes precedence.
    """

    def __init__(self, scope: Construct, id: str) -> None:  # noqa: A002 - what every construct calls it
        with unwrapped():
            super().__init__(
                scope,
                id,
                code=layer_code(),
                compatible_runtimes=list(RUNTIMES),
                compatible_architectures=list(ARCHITECTURES),
                description="s3leader, leader election on Amazon S3, with its dependencies",
                license="Apache-2.0",
            )


def runtime_layer_for(function: lambda_.Function) -> lambda_.ILayerVersion:
    """Return the layer that all functions of a stack share, or raise `ValueError`."""
    if function.runtime.name == lambda_.Runtime.FROM_IMAGE.name:
        raise ValueError(
            f"function {function.node.path} is a container image, which takes no layers: install"
            " s3leader[lambda] in the image, and use grant_candidate or SingletonJob"
        )
    names = runtime_names()
    if function.runtime.name not in names:
        raise ValueError(
            f"function {function.node.path} runs {function.runtime.name}, but the runtime layer"
            f" needs one of {', '.join(names)}: use one of them"
        )
    stack = stack_of(function)
    found = stack.node.try_find_child(_SHARED)
    return found if isinstance(found, lambda_.LayerVersion) else RuntimeLayer(stack, _SHARED)
