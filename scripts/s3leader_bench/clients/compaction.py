"""One backlog, compacted: `python -m s3leader_bench.clients.compaction VARIANT BUCKET`.

The variants are `compaction`, the example job, and two bare pools of readers, which do the same
work without its promises: no term, no manifest, nothing is fenced, a crash loses or repeats lines.
Prints the objects, wall and CPU time in seconds, and the peak of memory in MB.
"""

from __future__ import annotations

import gzip
import io
import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOCKS = "locks"
READERS = 32


def job(bucket: str) -> Callable[[], int]:
    """Return one term of the example job."""
    from compaction import compact  # noqa: PLC0415 - the pools do not import it
    from compaction.clients import connections  # noqa: PLC0415
    from s3leader import Election  # noqa: PLC0415

    client, manifest = connections(bucket)
    term = Election(bucket, bucket=LOCKS, lease=timedelta(hours=1)).campaign()
    if not term:
        raise SystemExit(f"expected to win, got {term}")
    return lambda: compact(term, bucket, client=client, manifest=manifest).objects


def pool(bucket: str, parsed: Callable[[bytes], bytes]) -> Callable[[], int]:
    """Return the bare pool: for each page of keys, read, parse, write a part, delete."""
    config = Config(
        max_pool_connections=READERS,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client = boto3.session.Session().client("s3", config=config)

    def read(key: str) -> bytes:
        return parsed(client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def run() -> int:
        total = 0
        with ThreadPoolExecutor(READERS) as readers:
            while keys := _page(client, bucket):
                part = io.BytesIO()
                with gzip.GzipFile(fileobj=part, mode="wb", compresslevel=6, mtime=0) as packed:
                    for lines in readers.map(read, keys):
                        packed.write(lines)
                client.put_object(Bucket=bucket, Key=f"parts/{total}.gz", Body=part.getvalue())
                deleted = [{"Key": key} for key in keys]
                client.delete_objects(Bucket=bucket, Delete={"Objects": deleted, "Quiet": True})  # type: ignore[typeddict-item]
                total += len(keys)
        return total

    return run


def _page(client: S3Client, bucket: str) -> list[str]:
    found = client.list_objects_v2(Bucket=bucket, Prefix="events/")
    return [item["Key"] for item in found.get("Contents", ())]


def parsed_alike() -> Callable[[bytes], bytes]:
    """Return the job's own parsing, with its checks of formats and lines."""
    from compaction import Limits  # noqa: PLC0415
    from compaction.lines import sort_lines  # noqa: PLC0415

    limits = Limits()

    def parsed(body: bytes) -> bytes:
        content = sort_lines([body], limits, at_most=limits.object_memory)
        content.good.seek(0)
        try:
            return content.good.read()
        finally:
            content.close()

    return parsed


def parsed_as_json(body: bytes) -> bytes:
    """Parse each line, and keep it."""
    for line in body.splitlines():
        json.loads(line)
    return body


def peak_mb() -> float:
    """Return the most memory that this process has had; not that of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) / 1024
    bytes_or_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return bytes_or_kb / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main(variant: str, bucket: str) -> None:
    """Prepare, then measure."""
    if variant == "compaction":
        run = job(bucket)
    else:
        run = pool(bucket, parsed_alike() if variant == "alike" else parsed_as_json)
    wall, cpu = time.perf_counter(), time.process_time()
    objects = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"objects": objects, "wall": wall, "cpu": cpu, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
