"""Where the events go that a job's function gives up on.

Lambda keeps one configuration of asynchronous invocations for each function, alias and version. The
user's own stays, with its destinations; the job adds what it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from aws_cdk import Annotations, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from s3leader_cdk._cdk_facts import app_of, node_of, path_of, resources_in, seconds, stack_of
from s3leader_cdk.dead_letters import DeadLetters, dead_letter_queue, grant_send

_CONFIG = lambda_.CfnEventInvokeConfig
_RETRIES = "maximum_retry_attempts"
_AGE = "maximum_event_age_in_seconds"
# How many configurations an app's jobs made. If it has no others, none has to be looked at.
_made: WeakKeyDictionary[IConstruct, int] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class FailedEvents:
    """How Lambda retries the events of `function`, and the queue of those that it gives up on."""

    job: Construct
    function: lambda_.IFunction
    underlying: lambda_.Function
    retry_attempts: int
    max_event_age: Duration
    dead_letters: sqs.IQueue | None

    def configure(self) -> sqs.IQueue | None:
        """Return the queue; None if the function has a destination that is no queue of this app."""
        own = self._own_config()
        if own is not None:
            return self._complete(own)
        queue, app = self._create(), app_of(self.job)
        _made[app] = _made.get(app, 0) + 1
        return queue

    def _create(self) -> sqs.IQueue:
        queue = self._queue()
        if self._is_in_this_stack():
            self.function.configure_async_invoke(
                on_failure=DeadLetters(queue),
                retry_attempts=self.retry_attempts,
                max_event_age=self.max_event_age,
            )
            return queue
        # In the job's stack: the function's stack must not need the queue, as the job's stack
        # needs the function.
        config = lambda_.EventInvokeConfig(
            self.job,
            "EventInvokeConfig",
            function=self.underlying,
            qualifier=self._qualifier(),
            on_failure=DeadLetters(queue, sender=(policy := self._policy())),
            retry_attempts=self.retry_attempts,
            max_event_age=self.max_event_age,
        )
        # Lambda checks that the alias exists, and that the function may send to the queue.
        config.node.add_dependency(self.function, policy)
        return queue

    def _complete(self, own: lambda_.CfnEventInvokeConfig) -> sqs.IQueue | None:
        """Set what the user's configuration leaves out, and keep its destinations."""
        self._set(own, _RETRIES, self.retry_attempts, "FailureOptions(retry_attempts=…)")
        self._set(own, _AGE, seconds(self.max_event_age), "TriggerOptions(max_tick_age=…)")
        given = own.destination_config
        if given is not None and not isinstance(given, _CONFIG.DestinationConfigProperty):
            return self._find_queue(None)  # a token, which may well have one
        failure = None if given is None else given.on_failure
        if failure is not None:
            return self._find_queue(getattr(failure, "destination", None))
        if not self._is_in_this_stack():
            raise ValueError(
                f"function {self.underlying.node.path} has its own handling of failed invocations,"
                f" {own.node.path}, without on_failure, and the queue of job {self.job.node.path}"
                " is in another stack, which needs the function: give it an on_failure, too, or"
                " make the job in the function's stack"
            )
        queue = self._queue()
        grant_send(queue, self.function)
        own.destination_config = _CONFIG.DestinationConfigProperty(
            on_success=None if given is None else given.on_success,
            on_failure=_CONFIG.OnFailureProperty(destination=queue.queue_arn),
        )
        return queue

    def _set(self, own: lambda_.CfnEventInvokeConfig, name: str, value: float, option: str) -> None:
        given = getattr(own, name)
        if given is not None and given != value:
            raise ValueError(
                f"{name} of {own.node.path} is {given:g}, and the job sets {value:g}: leave it out"
                f" there, and give SingletonJob {option}"
            )
        setattr(own, name, value)

    def _own_config(self) -> lambda_.CfnEventInvokeConfig | None:
        """Return the app's configuration of this function, alias or version, if there is one."""
        app = app_of(self.job)
        found = resources_in(app, "AWS::Lambda::EventInvokeConfig")
        beside = node_of(self.function).try_find_child("EventInvokeConfig")
        if beside is None and len(found) == _made.get(app, 0):
            return None  # all of them are those of other jobs
        qualifiers = ["$LATEST" if self.function is self.underlying else self._qualifier()]
        stack, name = stack_of(self.underlying), self.underlying.function_name
        here, resolved = path_of(stack), stack.resolve(name)
        beside_path = beside and f"{beside.node.path}/"
        for each in found:
            if not isinstance(each, _CONFIG):
                continue
            if beside_path and each.node.path.startswith(beside_path):
                return each
            its_name = each.function_name
            same = its_name == name or (
                # A name of another stack cannot always be resolved in this one.
                path_of(stack_of(each)) == here and stack.resolve(its_name) == resolved
            )
            if same and each.qualifier in qualifiers:
                return each
        return None

    def _qualifier(self) -> str | None:
        if isinstance(self.function, lambda_.Alias):
            return str(self.function.alias_name)
        return str(self.function.version) if isinstance(self.function, lambda_.Version) else None

    def _queue(self) -> sqs.IQueue:
        return self.dead_letters or dead_letter_queue(self.job, "Unprocessed")

    def _policy(self) -> iam.Policy:
        role = self.underlying.role
        if role is None:
            raise ValueError(f"function {self.underlying.node.path} has no role to grant rights to")
        policy = iam.Policy(self.job, "FailedEvents")
        policy.attach_to_role(role)
        return policy

    def _is_in_this_stack(self) -> bool:
        here = path_of(stack_of(self.job))
        places = {stack_of(each) for each in (self.function, self.underlying)}
        return all(path_of(each) == here for each in places)

    def _find_queue(self, arn: str | None) -> sqs.IQueue | None:
        """Return the queue with that ARN; if none of this app has it, say so."""
        for each in self.job.node.root.node.find_all():
            if isinstance(each, sqs.Queue) and each.queue_arn == arn:
                return each
        Annotations.of(self.job).add_info(
            f"events that function {self.underlying.node.path} gives up on go to its own"
            " destination, which is not a queue of this app, so the job has no alarm 'unprocessed'"
        )
        return None
