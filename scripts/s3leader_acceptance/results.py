"""What a check is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from s3leader_acceptance.deployment import Deployment

Outcome: TypeAlias = Literal["pass", "fail", "not checked"]
Evidence: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Result:
    """The outcome of one check; `why` says what failed, or why nothing could be said."""

    outcome: Outcome
    why: str = ""
    evidence: Evidence = field(default_factory=dict)


def passed(**evidence: object) -> Result:
    """Return that the assumption held."""
    return Result(outcome="pass", evidence=evidence)


def failed(why: str, **evidence: object) -> Result:
    """Return that the assumption did not hold."""
    return Result(outcome="fail", why=why, evidence=evidence)


def not_checked(why: str, **evidence: object) -> Result:
    """Return that this run cannot tell."""
    return Result(outcome="not checked", why=why, evidence=evidence)


Run: TypeAlias = Callable[["Deployment"], Generator[None, None, Result]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check of one assumption.

    Attributes:
        name: for `--only` and the report.
        assumption: what it checks, quoted from docs/verification.md.
        run: starts what takes time, yields, and then waits for it and returns the result. So the
            waits of all checks overlap. Its docstring begins with a sentence for users.
    """

    name: str
    assumption: str
    run: Run

    @property
    def does(self) -> str:
        """What it does, in one sentence."""
        return " ".join((self.run.__doc__ or "").partition("\n\n")[0].split())


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A check with its result and the seconds for which it was waited for."""

    check: Check
    result: Result
    seconds: float
