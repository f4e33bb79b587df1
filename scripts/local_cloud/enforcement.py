# It stands inside the emulator, whose parts have no types, no public names and many arguments.
# ruff: noqa: ANN401, PLR0917, SLF001
"""Adds to the emulator's IAM checks what ministack 1.5.33 leaves out under AUTH.

ministack checks each request to its API against the policies of the caller's role and of the
resource. This module adds the following; ministack's own evaluator makes each decision.

Condition keys of S3: `s3:if-match` and `s3:if-none-match` of a PutObject, and the tags that a
    PutObjectTagging or PutObject sets. Without these keys, a policy that requires a conditional
    write refuses all writes, and one that requires a tag refuses all tags.
EventBridge Scheduler invokes a target without checking the schedule's role. Here it acts in that
    role, if the role trusts it. It needs `lambda:InvokeFunction` for the function, or else
    `sqs:SendMessage` to send the event to the dead-letter queue, with the cause in its attributes
    (at once; AWS first retries as the schedule's retry policy says).
Lambda delivers to a failure destination (a queue) and writes logs without checking the function's
    role. Here it needs `sqs:SendMessage`, `logs:CreateLogStream` and `logs:PutLogEvents`; what is
    refused is left out.
Policies of buckets deny requests without TLS. Here each request counts as sent over TLS.

Each decision on a role's session is logged in a file (see `decisions`).
"""

import importlib
import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from local_cloud.decisions import Decision

_LOOPBACK = "127.0.0.1"
_SESSION_SECONDS = 900
_CONDITIONAL = ("if-match", "if-none-match")
_SCHEDULER = "scheduler.amazonaws.com"


class Enforcement:
    """Functions of the emulator's IAM: see the module's docstring."""

    def __init__(self, notes: Path) -> None:
        """Look up the emulator's functions; `notes` is the file for the decisions."""
        self._notes = notes
        self._noting = threading.Lock()
        self._app = _module("app")
        self._evaluator = _module("core.iam_evaluator")
        self._actions = _module("core.iam_actions")
        self._responses = _module("core.responses")
        self._runtime = _module("core.lambda_runtime")
        self._iam, self._sts = _module("services.iam"), _module("services.sts")
        self._sqs, self._lambda = _module("services.sqs"), _module("services.lambda_svc")
        self._enforce_original = self._evaluator.enforce
        self._s3_keys_original = self._actions.s3_service_context
        self._tag_keys_original = self._actions.request_tag_context
        self._fail_original = self._lambda._route_async_failure
        self._log_original = self._lambda._emit_lambda_logs
        self._pin_original = self._app.pin_request_origin

    def install(self) -> None:
        """Replace the emulator's functions."""
        self._evaluator.enforce = self.enforce
        self._actions.s3_service_context = self.s3_keys
        self._actions.request_tag_context = self.tag_keys
        self._lambda._route_async_failure = self.route_failure
        self._lambda._emit_lambda_logs = self.write_logs
        self._app.pin_request_origin = lambda address, _: self._pin_original(address, True)

    def enforce(
        self,
        key_id: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        """Decide as the original does, and log the decision."""
        verdict = self._enforce_original(
            key_id, action, service, region, resource_arn, service_context
        )
        if not self._evaluator.is_root_access_key(key_id):
            self._note(key_id, action, resource_arn, verdict)
        return verdict

    def s3_keys(
        self, action: str, query: Any, path: str = "", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the condition keys of an S3 request, with those of a conditional write."""
        keys: dict[str, Any] = self._s3_keys_original(action, query, path, headers)
        if action == "s3:PutObject" and headers:
            keys |= {f"s3:{name}": headers[name] for name in _CONDITIONAL if name in headers}
            keys |= _tags(parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True))
        return keys

    def tag_keys(self, service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
        """Return the condition keys of the tags in a request, with those that S3 has in XML."""
        keys: dict[str, Any] = self._tag_keys_original(service, action, body, params)
        if action == "s3:PutObjectTagging":
            found = self._actions.fromstring(body).iterfind(".//{*}Tag")
            keys |= _tags([(tag.findtext("{*}Key"), tag.findtext("{*}Value")) for tag in found])
        return keys

    def undelivered(self, schedule: Mapping[str, Any], target: Any, event: str) -> str | None:
        """Return why a schedule's role may not invoke its target; send the event to its queue."""
        key_id = self._session(target["RoleArn"], _SCHEDULER, self._group_arn(schedule))
        if key_id is None:
            return f"{target['RoleArn']} does not trust {_SCHEDULER} with {schedule['Arn']}"
        refused = self._refusal(key_id, "lambda:InvokeFunction", target["Arn"])
        queue = self._sqs._queue_by_arn(target.get("DeadLetterConfig", {}).get("Arn", ""))
        if refused is None or queue is None:
            return refused
        if lost := self._refusal(key_id, "sqs:SendMessage", queue["attributes"]["QueueArn"]):
            return f"{refused}; and {lost}"
        cause = {
            "ERROR_CODE": "AWSLambda.AccessDeniedException",
            "ERROR_MESSAGE": refused,
            "RETRY_ATTEMPTS": "0",
            "SCHEDULE_ARN": schedule["Arn"],
            "TARGET_ARN": target["Arn"],
        }
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in cause.items()
        }
        letter = {"MessageBody": event, "MessageAttributes": attributes}
        self._sqs._act_send_message(letter, queue["url"])
        return refused

    def route_failure(self, target: str, name: str, event: Any, result: Any) -> None:
        """Deliver an event that a function failed on, if its role may; only queues are checked."""
        config = self._lambda._functions[name]["config"]
        if ":sqs:" in target and self._refused(config, "sqs:SendMessage", target):
            return
        self._fail_original(target, name, event, result)

    def write_logs(self, func: Any, request: str, *output: Any, **more: Any) -> None:
        """Write an invocation's logs, if the function's role may."""
        config = func.get("config") or func
        group = config.get("LoggingConfig", {}).get("LogGroup") or (
            f"/aws/lambda/{config['FunctionName']}"
        )
        region, account = self._responses.get_region(), self._responses.get_account_id()
        stream = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{request}"
        if self._refused(config, "logs:CreateLogStream", stream):
            return
        if self._refused(config, "logs:PutLogEvents", stream):
            return
        self._log_original(func, request, *output, **more)

    def _refused(self, config: Any, action: str, resource: str) -> bool:
        credentials = self._runtime.execution_credentials(config)
        return self._refusal(credentials["AWS_ACCESS_KEY_ID"], action, resource) is not None

    def _refusal(self, key_id: str, action: str, resource: str) -> str | None:
        self._pin_original(_LOOPBACK, True)  # AWS's own services use TLS
        service, region = action.partition(":")[0], self._responses.get_region()
        verdict = self.enforce(key_id, action, service, region, resource)
        return None if verdict is None else f"{self._principal(key_id)} may not {action} {resource}"

    def _session(self, role_arn: str, service: str, source_arn: str) -> str | None:
        """Start a session in a role as an AWS service does, and return its key; None if refused."""
        account = self._responses.get_account_id()
        name = role_arn.rpartition("/")[2]
        role = self._iam._roles.get_scoped(account, None, name) or {}
        asked = self._evaluator.EvalContext(
            principal_arn="*",
            principal_type="Service",
            principal_account="",
            action="sts:AssumeRole",
            resource_arn=role_arn,
            region=self._responses.get_region(),
            service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
        )
        trust = role.get("AssumeRolePolicyDocument")
        verdict = self._evaluator.evaluate_resource_policy(trust, asked, service=service)
        if verdict.decision != "Allow":
            return None
        key_id = f"ASIA{secrets.token_hex(8).upper()}"
        session = {
            "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{service.partition('.')[0]}",
            "UserId": f"{name}:{service}",
            "SecretAccessKey": secrets.token_hex(20),
            "SessionToken": secrets.token_hex(20),
            "Expiration": time.time() + _SESSION_SECONDS,
        }
        self._sts.register_session(key_id, session)
        return key_id

    def _group_arn(self, schedule: Mapping[str, Any]) -> str:
        region, account = self._responses.get_region(), self._responses.get_account_id()
        return f"arn:aws:scheduler:{region}:{account}:schedule-group/{schedule['GroupName']}"

    def _principal(self, key_id: str) -> str:
        found = self._evaluator.resolve_credential(key_id, self._responses.get_account_id())
        return str(getattr(found, "principal_arn", "unknown"))

    def _note(self, key_id: str, action: str, resource: str, verdict: Any) -> None:
        decision = Decision(
            principal=self._principal(key_id),
            action=action,
            resource=resource,
            allowed=verdict is None,
            reason="" if verdict is None else str(getattr(verdict, "reason", verdict)),
        )
        with self._noting, self._notes.open("a") as file:
            file.write(decision.to_json())


def _module(name: str) -> Any:
    return importlib.import_module(f"ministack.{name}")


def _tags(tags: list[tuple[Any, Any]]) -> dict[str, Any]:
    if not tags:
        return {}
    each = {f"s3:RequestObjectTag/{key}": value for key, value in tags}
    return {"s3:RequestObjectTagKeys": [key for key, _ in tags], **each}
