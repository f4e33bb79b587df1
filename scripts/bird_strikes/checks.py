"""Check that each line was committed or rejected once, and each tick completed once.

Pure functions over the evidence; nothing here reads a bucket.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bird_strikes.sent_log import ExpectedCounts

_SHOWN = 3
_UNSEEN = "by no process that was observed"


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A record of a malformed line, as the job wrote it."""

    key: str
    line: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class TermRecord:
    """A term as recorded in its lock."""

    number: int
    tick: str | None
    outcome: str | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was found after everything had stopped."""

    events: Counter[bytes]
    rejections: Sequence[Rejection]
    inputs_left: Sequence[str]
    terms: Sequence[TermRecord]
    fired_ticks: Iterable[str]
    wins: Iterable[int]
    killed: Sequence[int] = ()


@dataclass(frozen=True)
class Check:
    """A claim, and what violates it; it holds if nothing does."""

    claim: str
    violations: tuple[str, ...] = field(default=())

    @property
    def holds(self) -> bool:
        """Whether there are no violations."""
        return not self.violations


def check_evidence(expected: ExpectedCounts, found: Evidence) -> list[Check]:
    """Return the check of each claim; all must hold."""
    return [
        *_check_events(expected, found),
        *_check_rejections(expected, found),
        _check("no input object is left behind", [f"{key} is left" for key in found.inputs_left]),
        *_check_terms(found),
    ]


def _check_events(expected: ExpectedCounts, found: Evidence) -> list[Check]:
    lost, extra = expected.events - found.events, found.events - expected.events
    total, objects = expected.events.total(), expected.objects
    doubled = Counter({line: times for line, times in extra.items() if line in expected.events})
    return [
        _check(f"none of {total:,} events from {objects:,} objects is lost", _of("lost", lost)),
        _check(f"none of {total:,} events is committed twice", _of("doubled", doubled)),
        _check("no event is committed that was never sent", _of("unknown", extra - doubled)),
    ]


def _check_rejections(expected: ExpectedCounts, found: Evidence) -> list[Check]:
    rejected = Counter((rejection.key, rejection.line) for rejection in found.rejections)
    differences = [
        *(f"not rejected: line {line} of {key}" for key, line in expected.malformed - rejected),
        *(f"rejected wrongly: line {line} of {key}" for key, line in rejected - expected.malformed),
        *(
            f"rejected without a reason: line {rejection.line} of {rejection.key}"
            for rejection in found.rejections
            if not rejection.reason
        ),
    ]
    count = expected.malformed.total()
    claim = f"each of {count} malformed lines is rejected once, with its place and a reason"
    return [_check(claim, differences)]


def _check_terms(found: Evidence) -> list[Check]:
    numbers = [term.number for term in found.terms]
    completed = Counter(term.tick for term in found.terms if term.outcome == "completed")
    ticks = sorted(set(found.fired_ticks))
    wins = Counter(found.wins)
    return [
        _check(
            f"each of {len(ticks)} ticks has exactly one completed term",
            [f"tick {tick} has {completed[tick]}" for tick in ticks if completed[tick] != 1],
        ),
        _check(
            f"term numbers rise strictly, from 1 to {len(numbers)} without a gap",
            []
            if numbers == list(range(1, len(numbers) + 1))
            else [f"they are {', '.join(map(str, numbers))}"],
        ),
        _check(
            "every term was won once, by one contender",
            [
                f"term {term} was won {f'{wins[term]} times' if wins[term] else _UNSEEN}"
                for term in sorted({*wins, *numbers})
                if wins[term] != 1
            ],
        ),
        *_check_killed(found),
        _check(
            "every term is sealed",
            [f"term {term.number} is not" for term in found.terms if term.outcome is None],
        ),
    ]


def _check_killed(found: Evidence) -> list[Check]:
    deposed = {term.number for term in found.terms if term.outcome == "deposed"}
    claim = f"each of {len(found.killed)} leaders killed mid-job was deposed by its successor"
    missed = [f"term {term} was not" for term in found.killed if term not in deposed]
    return [_check(claim, missed)] if found.killed else []


def _of(word: str, lines: Counter[bytes]) -> list[str]:
    return [
        f"{word}{f' {times} times' if times > 1 else ''}: {line.decode(errors='replace')[:100]}"
        for line, times in lines.items()
    ]


def _check(claim: str, violations: Sequence[str]) -> Check:
    shown = list(violations[:_SHOWN])
    if len(violations) > _SHOWN:
        shown.append(f"and {len(violations) - _SHOWN} more")
    return Check(claim, tuple(shown))
