"""A Lambda function's process: loads a decorated handler, and invokes it three times."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from types import SimpleNamespace


def _clock() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def main() -> None:
    """Print the seconds of the load and of each invocation: wall, CPU."""
    marks = [_clock()]
    from s3leader.aws_lambda import singleton  # noqa: PLC0415 - what is measured

    @singleton
    def handler(event: object, context: object, term: object) -> None:
        pass

    marks.append(_clock())
    for number in range(3):
        context = SimpleNamespace(
            function_name="bench",
            aws_request_id=f"request-{number}",
            invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:bench",
            memory_limit_in_mb=256,
            get_remaining_time_in_millis=lambda: 60_000,
        )
        result = handler({"tick": f"2026-11-26T06:0{number}:00Z"}, context)
        if not result["elected"]:
            raise SystemExit(f"expected to win, got {result}")
        marks.append(_clock())
    pairs = pairwise(marks)
    print("\n" + json.dumps([[b - a for a, b in zip(*pair, strict=True)] for pair in pairs]))


if __name__ == "__main__":
    main()
