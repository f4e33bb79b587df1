"""Prints what a verification tool finds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from textwrap import indent

from bird_strikes.checks import Check

print_line = partial(print, flush=True)


def counts(words: Iterable[str]) -> str:
    """Return how often each word comes up."""
    return ", ".join(f"{word} {times}" for word, times in sorted(Counter(words).items()))


def print_checks(checks: Sequence[Check]) -> int:
    """Print each claim and what speaks against it; return 1 if anything does, as an exit code."""
    for one in checks:
        print_line(f"{'holds' if one.holds else 'FAILS'}  {one.claim}")
        for violation in one.violations:
            print_line(indent(violation.rstrip(), " " * 9))
    failed = sum(not one.holds for one in checks)
    print_line(
        f"{failed} of {len(checks)} claims fail" if failed else f"all {len(checks)} claims hold"
    )
    return 1 if failed else 0
