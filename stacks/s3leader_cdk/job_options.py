"""The options of a `SingletonJob`, grouped: when it is started, how another contender
takes over, and what happens to failures.

A *contender* is an invocation that campaigns, a candidate of the election.

Each group checks its own values when it is made. The checks that need more than the group knows
(the interval between ticks, the function's timeout) are methods, which `SingletonJob` calls.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

from s3leader_cdk._cdk_facts import of_seconds, seconds
from s3leader_cdk._election.candidate_environment import checked_lease_seconds
from s3leader_cdk._option_ranges import check_whole
from s3leader_cdk._option_types import check_fields
from s3leader_cdk._schedule.expressions import named_expressions
from s3leader_cdk._schedule.ledger_length import ledger_variables

MAX_CONTENDERS, MAX_RETRIES = 10, 2
CatchUp: TypeAlias = Literal["latest", "each"]
_LEASE_OF_LEGS_S = 30
_CLOCK_SKEW_S = 3  # the default of the library s3leader


@dataclass(frozen=True, kw_only=True)
class TriggerOptions:
    """How the schedules start contenders.

    Args:
        contenders: how many invocations each tick starts, 1 to 10. Default: 2, so that one lost
            delivery loses no tick.
        time_zone: of crons and one-time schedules given as text. Default: UTC.
        flexible_window: how long after a tick EventBridge may start its contenders, in whole
            minutes, at most the time between two ticks. Contenders still get the scheduled time as
            their tick. Default: none.
        max_tick_age: how old a tick may be when a term for it begins: at least `flexible_window` +
            `TakeoverOptions.wait` + 2 minutes, at most `flexible_window` + 24 hours. Default:
            `flexible_window` + `wait` + 1 hour. It is divided into the maximum event ages of
            EventBridge Scheduler and of Lambda (`event_ages.py`).
        catch_up: "latest" leads the current tick only; with "each", a leader first leads the missed
            ticks, those of the schedule that no term has completed: oldest first, each in a term of
            its own. Default: "latest".
        max_catch_up: how many missed ticks one invocation leads with "each", 1 or more. Default:
            10.
        enabled: whether the schedules are switched on. A job that is off has no alarm
            `not_completed`. Default: True.
    """

    contenders: int = 2
    time_zone: TimeZone | None = None
    flexible_window: Duration | None = None
    max_tick_age: Duration | None = None
    catch_up: CatchUp = "latest"
    max_catch_up: int | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        """Check each value."""
        check_fields(self)
        check_whole("contenders", self.contenders, least=1, most=MAX_CONTENDERS)
        check_window(self.flexible_window)
        if self.catch_up not in get_args(CatchUp):
            raise ValueError(f"expected catch_up 'latest' or 'each', got {self.catch_up!r}")
        if self.max_catch_up is not None:
            check_whole("max_catch_up", self.max_catch_up, least=1)
            if self.catch_up != "each":
                raise ValueError(
                    f"max_catch_up {self.max_catch_up} was given, but catch_up is"
                    f" {self.catch_up!r}: give catch_up='each', or leave max_catch_up out"
                )

    def variables(
        self, expressions: Sequence[scheduler.ScheduleExpression], *, history: Duration | None
    ) -> dict[str, str]:
        """Return the environment variables for the schedules, for catching up with them, and for
        the length of the ledger that the lock bucket's `history` leaves.
        """
        schedules = named_expressions(expressions)
        variables = {"S3LEADER_SCHEDULES": json.dumps(schedules)}
        variables |= ledger_variables(schedules, history)
        if self.catch_up == "each":
            variables["S3LEADER_CATCH_UP"] = self.catch_up
        if self.max_catch_up is not None:
            variables["S3LEADER_MAX_CATCH_UP"] = str(int(self.max_catch_up))
        return variables

    def check_interval(self, interval: Duration | None) -> None:
        """Raise `ValueError` if the window is longer than the time between two ticks."""
        if interval is None or self.flexible_window is None:
            return
        window_s, apart_s = seconds(self.flexible_window), seconds(interval)
        if window_s > apart_s:
            raise ValueError(
                f"flexible_window {window_s:g} s is longer than the {apart_s:g} s between two"
                " ticks: all contenders of a tick could start after those of the next tick, and"
                " their own tick would then count as completed. Give a window no longer than that"
            )


@dataclass(frozen=True, kw_only=True)
class TakeoverOptions:
    """How another contender takes over from a leader that crashed.

    By default a lock is good for as long as its invocation can run, nothing is renewed, and
    Lambda's retry of the crashed leader's event leads the tick again.

    Args:
        lease: how long a lock stays good, in whole seconds, 5 or more and less than the function's
            timeout. The leader renews it while it works, so a crash is noticed sooner. Default:
            the invocation's remaining time plus two seconds; 30 seconds with `max_continuations`.
        wait: how long a contender waits while another works on the same tick. If the other crashes,
            it takes over. Must be more than `lease` plus 3 seconds for clock skew, and less than
            the timeout. Waiting is billed. Default: none.
        max_attempts: how many attempts a tick may take, 1 or more. Default: no limit but
            `FailureOptions.retry_attempts`.
        max_continuations: how often the handler may call `term.continue_later`, so that another
            invocation goes on with the tick at once. The function is then granted permission to
            invoke itself. Default: 0.
    """

    lease: Duration | None = None
    wait: Duration | None = None
    max_attempts: int | None = None
    max_continuations: int = 0

    def __post_init__(self) -> None:
        """Check each value, and that a wait is long enough for a lease to lapse."""
        check_fields(self)
        if self.lease is not None:
            checked_lease_seconds(self.lease)
        if self.max_attempts is not None:
            check_whole("max_attempts", self.max_attempts, least=1)
        check_whole("max_continuations", self.max_continuations, least=0)
        if self.wait is None:
            return
        if self.lease is None:
            raise ValueError(
                f"wait {seconds(self.wait):g} s was given without a lease: locks are good for as"
                " long as their invocations can run, so nobody could take over sooner. Give a"
                " lease, such as Duration.seconds(30)"
            )
        lapsed_after_s = _CLOCK_SKEW_S + seconds(self.lease)
        if seconds(self.wait) <= lapsed_after_s:
            raise ValueError(
                f"wait {seconds(self.wait):g} s cannot be used: a lock lapses after"
                f" {lapsed_after_s:g} s (lease and allowance for clock skew). Give a longer"
                " wait"
            )

    def for_function(self, timeout: Duration, retry_attempts: int) -> TakeoverOptions:
        """Return these options, checked, with the lease that suits a job that is continued.

        If a leg is killed, only Lambda's retry, a minute later, can go on with the tick. So the
        lock must have lapsed by then.
        """
        self.check_timeout(timeout)
        if not self.max_continuations:
            return self
        if not retry_attempts:
            raise ValueError(
                f"retry_attempts 0 was given with max_continuations {self.max_continuations}: if"
                " the next leg is not started, only Lambda's retry goes on with the tick. Give"
                " FailureOptions(retry_attempts=…) 1 or 2"
            )
        needs_short_lease = self.lease is None and seconds(timeout) > _LEASE_OF_LEGS_S
        if not needs_short_lease:
            return self
        return replace(self, lease=of_seconds(_LEASE_OF_LEGS_S))

    def check_timeout(self, timeout: Duration) -> None:
        """Raise `ValueError` for a lease or a wait that is not shorter than the timeout."""
        timeout_s = seconds(timeout)
        if self.lease is not None and seconds(self.lease) >= timeout_s:
            raise ValueError(
                f"lease {seconds(self.lease):g} s is not shorter than the timeout of"
                f" {timeout_s:g} s: leave the lease out, and a lock is good for just as long as its"
                " invocation can run"
            )
        if self.wait is not None and seconds(self.wait) >= timeout_s:
            raise ValueError(
                f"wait {seconds(self.wait):g} s is not shorter than the timeout of {timeout_s:g} s,"
                " which leaves no time to work: give a shorter wait"
            )

    def variables(self) -> dict[str, str]:
        """Return the environment variables for `wait` and the limits."""
        variables = {}
        if self.max_attempts is not None:
            variables["S3LEADER_MAX_ATTEMPTS"] = str(int(self.max_attempts))
        if self.max_continuations:
            variables["S3LEADER_MAX_CONTINUATIONS"] = str(int(self.max_continuations))
        if self.wait is not None:
            variables["S3LEADER_WAIT_SECONDS"] = f"{seconds(self.wait):g}"
        return variables


@dataclass(frozen=True, kw_only=True)
class FailureOptions:
    """What happens to invocations that fail and to events that are never processed.

    Args:
        retry_attempts: how often Lambda runs a failed invocation again, 0 to 2. Default: 2.
        dead_letters: a queue for events that never reached the function and for events that
            Lambda gave up on. Default: two queues, one for each kind.
    """

    retry_attempts: int = MAX_RETRIES
    dead_letters: sqs.IQueue | None = None

    def __post_init__(self) -> None:
        """Check each value."""
        check_fields(self)
        check_whole("retry_attempts", self.retry_attempts, least=0, most=MAX_RETRIES)


def check_window(flexible_window: Duration | None) -> None:
    """Raise `ValueError` for a window that EventBridge Scheduler does not take."""
    if flexible_window is not None:
        minutes = seconds(flexible_window) / 60
        check_whole("flexible_window in minutes", minutes, least=1, most=1440)
