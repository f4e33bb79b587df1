"""A check of S3: conditional writes in races."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from s3leader_acceptance.account import Client
from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.results import Result, failed, passed

_RACERS = 6


def races(deployment: Deployment) -> Generator[None, None, Result]:
    """Let writers race to create a key and to replace it, and count 200, 409 and 412."""
    yield
    folder = f"races/{secrets.token_hex(4)}/"
    keys = [f"{folder}{number:03d}" for number in range(8 if deployment.fast else 40)]
    answers: Counter[str] = Counter()
    problems: list[str] = []
    # The answer to a request that was sent again may be the one to the first.
    clients = [deployment.account.client("s3", retries=1) for _ in range(_RACERS)]
    with ThreadPoolExecutor(_RACERS) as pool:
        for key in keys:
            created = _race(pool, clients, deployment.bucket, key, {"IfNoneMatch": "*"})
            problems += _problems(deployment, key, created, answers)
            if any(code == "200" for code in created.values()):
                tag = deployment.s3.head_object(Bucket=deployment.bucket, Key=key)["ETag"]
                replaced = _race(pool, clients, deployment.bucket, key, {"IfMatch": tag})
                problems += _problems(deployment, key, replaced, answers)
    pages = deployment.s3.get_paginator("list_objects_v2").paginate(
        Bucket=deployment.bucket, Prefix=folder
    )
    listed = [each["Key"] for page in pages for each in page.get("Contents", [])]
    if listed != keys:
        problems.append(f"{len(keys)} keys were created, and LIST shows {len(listed)} in its order")
    evidence = {
        "races": 2 * len(keys),
        "writers in each": _RACERS,
        "answers": dict(sorted(answers.items())),
    }
    return failed("; ".join(problems[:5]), **evidence) if problems else passed(**evidence)


def _race(
    pool: ThreadPoolExecutor,
    clients: list[Client],
    bucket: str,
    key: str,
    condition: dict[str, str],
) -> dict[bytes, str]:
    """Return the code of the answer to each body."""
    bodies = [f"{time.monotonic_ns()} by {number}".encode() for number in range(len(clients))]

    def put(client: Client, body: bytes) -> str:
        return code_of(lambda: client.put_object(Bucket=bucket, Key=key, Body=body, **condition))

    return dict(zip(bodies, pool.map(put, clients, bodies), strict=True))


def _problems(
    deployment: Deployment, key: str, race: dict[bytes, str], answers: Counter[str]
) -> list[str]:
    answers.update(race.values())
    winners = [body for body, code in race.items() if code == "200"]
    body = deployment.s3.get_object(Bucket=deployment.bucket, Key=key)["Body"].read()
    unknown = [each for each, code in race.items() if code not in {"200", "412", "409"}]
    if len(winners) > 1:
        return [f"{len(winners)} writers of one race were answered 200"]
    if not winners and not unknown:
        return ["no writer of a race was answered 200"]
    if body not in (winners or unknown):
        return ["GET after a race does not show what its winner wrote"]
    return []


def code_of(request: Callable[[], Any]) -> str:
    """Return the status of the answer to a request, or the kind of error if there is none."""
    try:
        answer = request()
    except ClientError as error:
        answer = error.response
        code = answer["Error"]["Code"]
        return {"PreconditionFailed": "412", "ConditionalRequestConflict": "409"}.get(code, code)
    except BotoCoreError as error:
        return type(error).__name__
    return str(answer["ResponseMetadata"]["HTTPStatusCode"])
