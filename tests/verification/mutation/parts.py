"""Which modules of the package are mutated, and which tests should notice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`modules` of the package's `folder` (empty: itself), and patterns of their tests' paths.

    No two parts have a module of one name.
    """

    folder: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


_FAST: Final = "tests/fast/s3leader"
PARTS: Final = (
    Part(
        folder="_core",
        modules=(
            "attempts", "candidate", "checkpoint", "conditional_write", "create_lock", "depose",
            "holding", "ledger", "lock", "lost_lock", "next_lock", "notes", "protocol",
            "store_proof", "strict_json", "sweep", "times", "tokens", "waiting",
        ),
        tests=(
            f"{_FAST}/_core/test_*.py",
            f"{_FAST}/_core/protocol/test_*.py",
            "tests/fast/hostile_ledgers/test_*.py",
            f"{_FAST}/test_continue_later.py",
            f"{_FAST}/test_election*.py",
            f"{_FAST}/test_repair.py",
            f"{_FAST}/test_term*.py",
            f"{_FAST}/fencing/test_*.py",
        ),
    ),
    Part(
        folder="_core",
        modules=("fenced_body", "fenced_item", "fenced_object", "fencing_header", "sql_fence"),
        tests=(
            f"{_FAST}/_core/test_fenc*.py",
            f"{_FAST}/_core/test_sql_fence.py",
            f"{_FAST}/_io/test_token_gate.py",
            f"{_FAST}/fencing/test_*.py",
        ),
    ),
    Part(
        folder="_io",
        modules=(
            "driver", "election_state", "renewal", "term_facts",
            "term_state",
        ),
        tests=(
            f"{_FAST}/_io/test_*driver.py",
            f"{_FAST}/_io/test_*renewal.py",
            f"{_FAST}/test_aio*.py",
            "tests/interruptions/test_*.py",
            f"{_FAST}/test_aws_lambda*.py",
            f"{_FAST}/test_continue_later.py",
            f"{_FAST}/test_election*.py",
            f"{_FAST}/test_errors.py",
            f"{_FAST}/test_leader_elector.py",
            f"{_FAST}/test_observer*.py",
            f"{_FAST}/test_term*.py",
            f"{_FAST}/_lambda/test_continuation.py",
        ),
    ),
    Part(
        folder="_io",
        modules=("token_gate",),
        tests=(f"{_FAST}/_io/test_token_gate.py", f"{_FAST}/fencing/test_*.py"),
    ),
    Part(
        folder="_io",
        modules=("s3_refusals",),
        tests=(
            f"{_FAST}/_io/test_s3_*.py",
            "tests/contract/s3_store/test_http_client.py",
            "tests/contract/s3_store/test_s3_*.py",
        ),
    ),
    Part(
        folder="_partitions",
        modules=("assignment", "members", "watch"),
        tests=(f"{_FAST}/_partitions/test_*.py", f"{_FAST}/test_partitions.py"),
    ),
)  # fmt: skip
