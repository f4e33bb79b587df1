"""What the sources of other libraries say and nobody would guess, tried: prints what happened.

It runs in the environment of `scripts/bench --peers`: `test_peers.py` starts it there.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.exceptions import ClientError
from dynalock import DynaLock
from dynamodblock import DynamoDBLock
from dyndbmutex.dyndbmutex import DynamoDbMutex
from python_dynamodb_lock.python_dynamodb_lock import DynamoDBLockClient
from stormlock.backends.dynamodb import DynamoDB


def dynalock_releases_the_lock_of_its_successor() -> bool:
    def lock(ttl: int) -> Any:
        return DynaLock("x", region_name="us-east-1", table_name="dynalock", ttl=ttl)

    late, successor, third = lock(-10), lock(60), lock(60)  # the first lease has ended long ago
    late._acquire_lock()
    successor._acquire_lock()
    late._release_lock()
    return bool(third._acquire_lock())


def dynamodblock_releases_only_once() -> bool:
    lock = DynamoDBLock("x", boto3.resource("dynamodb").Table("dynamodblock"))
    released = []
    for _ in range(2):
        lock.acquire()
        released.append(lock.release())
    return released == [True, False]


def python_dynamodb_lock_swallows_exceptions() -> bool:
    lock: Any = DynamoDBLockClient(boto3.resource("dynamodb")).acquire_lock("x")
    with lock:
        raise ValueError("lost")
    return True  # type: ignore[unreachable]


def stormlock_renews_with_a_wrong_lease() -> bool:
    backend = DynamoDB(table="stormlock")
    backend.lock("x", "principal", timedelta(seconds=60))
    backend.renew("x", "not the lease", timedelta(seconds=60))
    return True


def dyndbmutex_takes_an_error_for_a_win() -> bool:
    class Throttled:
        def put_item(self, **_: object) -> None:
            code = "ProvisionedThroughputExceededException"
            raise ClientError({"Error": {"Code": code}}, "PutItem")

    lock = DynamoDbMutex("x", region_name="us-east-1")
    lock.table.get_table = Throttled
    return bool(lock.lock())


def powertools_overwrites_the_record_of_its_successor() -> bool:
    started, second_ended = Event(), Event()

    def function(body: Any) -> Any:
        config = IdempotencyConfig()
        remaining: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: -1000)  # it is over
        config.register_lambda_context(remaining)

        @idempotent_function(  # type: ignore[untyped-decorator]
            data_keyword_argument="tick",
            config=config,
            persistence_store=DynamoDBPersistenceLayer("powertools"),
        )
        def run(*, tick: str) -> Any:
            return body()

        return run

    def slow() -> str:
        started.set()
        second_ended.wait()
        return "first"

    first = Thread(target=lambda: function(slow)(tick="x"))
    first.start()
    started.wait()
    function(lambda: "second")(tick="x")
    second_ended.set()
    first.join()
    found = boto3.client("dynamodb").scan(TableName="powertools")["Items"]
    return any(item["data"] == {"S": '"first"'} for item in found)


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: globals()[name]() for name in sys.argv[1:]}))
    sys.stdout.flush()
    os._exit(0)  # python-dynamodb-lock's threads go on
