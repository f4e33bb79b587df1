"""What CDK's objects say that does not change, each asked once.

CDK runs in another process, and each property that is read goes there and back. A job asks the same
of a few objects many times: where its stack is, what its bucket is called, which path it has.

Nothing is kept of an object that Python no longer has. CDK makes new Python objects of constructs
that Python did not make, so those are asked again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from aws_cdk import Aws, ConstructSelector, Duration, IConstructSelector, IResource, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct, Node

_T = TypeVar("_T")
_V = TypeVar("_V")


class Once(Generic[_T, _V]):
    """A question that each object is asked once."""

    def __init__(self, ask: Callable[[_T], _V]) -> None:
        self._ask = ask
        self._answers: WeakKeyDictionary[_T, _V] = WeakKeyDictionary()

    def __call__(self, of: _T) -> _V:
        try:
            if of in self._answers:
                return self._answers[of]
        except TypeError:  # an object of the user's own that has no hash or no weak references
            return self._ask(of)
        answer = self._ask(of)
        if answer is not None:  # what is missing may be added
            self._answers[of] = answer
        return answer

    def set(self, of: _T, answer: _V) -> None:
        """Let `of` not be asked, because the answer is known."""
        self._answers[of] = answer


class Place(NamedTuple):
    """An account and a Region; each may be a token."""

    account: str
    region: str


node_of: Once[IConstruct, Node] = Once(lambda construct: construct.node)
path_of: Once[IConstruct, str] = Once(lambda construct: str(node_of(construct).path))
root_of: Once[IConstruct, IConstruct] = Once(lambda construct: node_of(construct).root)
stack_of: Once[IConstruct, Stack] = Once(Stack.of)
place_of_stack: Once[Stack, Place] = Once(lambda stack: Place(stack.account, stack.region))
partition_of: Once[Stack, str] = Once(lambda stack: stack.partition)
place_of: Once[IResource, Place] = Once(
    lambda resource: Place((env := resource.env).account, env.region)
)
principal_of: Once[iam.IGrantable, iam.IPrincipal] = Once(lambda grantee: grantee.grant_principal)
# The CfnBucket of a Bucket, the CfnFunction of a Function; None for what is imported.
resource_of: Once[IConstruct, IConstruct | None] = Once(
    lambda construct: node_of(construct).default_child
)

name_of_runtime: Once[lambda_.Runtime, str] = Once(lambda runtime: runtime.name)
arn_of_function: Once[lambda_.IFunction, str] = Once(lambda function: function.function_arn)
arn_of_bucket: Once[s3.IBucket, str] = Once(lambda bucket: bucket.bucket_arn)
name_of_bucket: Once[s3.IBucket, str] = Once(lambda bucket: bucket.bucket_name)
arn_of_queue: Once[sqs.IQueue, str] = Once(lambda queue: queue.queue_arn)


class _Noted(NamedTuple):
    construct: IConstruct
    notes: dict[str, Any]


_notes: WeakKeyDictionary[IConstruct, dict[str, _Noted]] = WeakKeyDictionary()


def app_of(construct: IConstruct) -> IConstruct:
    """Return the root of the tree that a construct is in; asked once for each stack."""
    return root_of(stack_of(construct))


def region_of(construct: IConstruct) -> str:
    """Return the Region of the stack that a construct is in, which may be a token."""
    return place_of_stack(stack_of(construct)).region


def notes_of(construct: IConstruct) -> dict[str, Any]:
    """Return what was noted of a construct: the same dictionary for all its Python objects.

    Unlike metadata of a construct, it is read without asking CDK, and is not in the output. A
    construct that replaces another at its path has no notes yet.
    """
    of_app, path = _notes.setdefault(app_of(construct), {}), path_of(construct)
    noted = of_app.get(path)
    if noted is None or (noted.construct is not construct and _is_found_itself(construct)):
        noted = of_app[path] = _Noted(construct, {})
    return noted.notes


def _is_found_itself(construct: IConstruct) -> bool:
    """Return whether CDK finds this very Python object at its path: so Python made it."""
    node = node_of(construct)
    scope = node.scope
    return scope is not None and scope.node.try_find_child(node.id) is construct


def resources_in(scope: IConstruct, kind: str) -> list[IConstruct]:
    """Return the resources of a CloudFormation type; CDK itself walks through the tree."""
    return _selector(kind).select(scope)


@cache
def _selector(kind: str) -> IConstructSelector:
    return ConstructSelector.resources_of_type(kind)


def has(value: object, attribute: str) -> bool:
    """Return whether `value` has an attribute, without reading it if its class shows that."""
    return hasattr(type(value), attribute) or hasattr(value, attribute)


def made_in(scope: Construct, construct: Any) -> None:  # noqa: ANN401 - a construct or a resource
    """Note that `construct` was just made in `scope`, so it is in the same stack."""
    stack = stack_of(scope)
    stack_of.set(construct, stack)
    place_of.set(construct, place_of_stack(stack))


def is_unresolved(value: object) -> bool:
    """Return whether `value` is or contains a token."""
    return _is_token_text(value) if isinstance(value, str) else Token.is_unresolved(value)


@cache
def _is_token_text(text: str) -> bool:
    return Token.is_unresolved(text)


# A duration of any unit in seconds.
seconds: Once[Duration, float] = Once(lambda given: float(given.to_milliseconds()) / 1000)


@cache
def place_at_deployment() -> Place:
    """Return the tokens for the account and the Region that a stack is deployed to."""
    return Place(Aws.ACCOUNT_ID, Aws.REGION)


def of_seconds(number: float) -> Duration:
    """Return `number` seconds: the same object each time."""
    return _duration(float(number))


@cache
def _duration(number: float) -> Duration:
    duration = Duration.seconds(number)
    seconds.set(duration, number)
    return duration
