"""Visit every state, breadth first, so that the first counterexample is a shortest one."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from s3leader._core.lock import decode_lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Won, campaign
from s3leader._core.requests import Answer, Reply, Wait, Waited
from s3leader.errors import BucketUnusable

from .candidates import Plan, candidate_config
from .model import Model, State
from .s3 import Bucket, Violation, lock_fields
from .scenario import Scenario

MOST_REQUESTS = 12
CRASH = "all candidates crash; when lease and allowance are over, a new candidate campaigns"


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A property that does not hold, and the moves that lead there."""

    violation: str
    trace: tuple[str, ...]
    path: tuple[int, ...]

    def __str__(self) -> str:
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.trace, 1)]
        path = ".".join(str(choice) for choice in self.path)
        return "\n".join([f"{self.violation}:", *lines, f"(replay: {path})"])


@dataclass(slots=True)
class Explored:
    """The number of distinct states and transitions; `whole` if none was left out."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    whole: bool = False
    counterexample: Counterexample | None = None


def explore(scenario: Scenario, *, at_most: int | None = None, liveness: int = 1) -> Explored:
    """Visit every state that can be reached within its budget, or the first `at_most` of them.

    Liveness is checked in every state, or in one of `liveness` (0: none).
    """
    model, explored = Model(scenario), Explored()
    start = model.start()
    origin: dict[int, tuple[int, int] | None] = {hash(start): None}
    queue = deque([(start, hash(start), 0)])
    while queue and (at_most is None or len(origin) < at_most):
        state, here, explored.depth = queue.popleft()
        try:
            model.check_leaders(state)
            if liveness and here % liveness == 0:
                check_progress(model, state)
            for choice, (_, after) in enumerate(model.transitions(state)):
                explored.transitions += 1
                there = hash(after)
                if there not in origin:
                    origin[there] = (here, choice)
                    queue.append((after, there, explored.depth + 1))
        except Violation:
            explored.counterexample = replay(scenario, _path(origin, here), liveness=liveness)
            break
    explored.states = len(origin)
    explored.whole = not queue and explored.counterexample is None
    return explored


def replay(scenario: Scenario, path: tuple[int, ...], *, liveness: int = 1) -> Counterexample:
    """Return the trace of a path, and the violation that is found where it ends, if any."""
    model = Model(scenario)
    state = model.start()
    trace: list[str] = []
    for choice in path:
        describe, after = next(islice(model.transitions(state), choice, None))
        trace.append(f"{state.now_ms:>6} ms  {describe}")
        state = after
    found = "no violation"
    try:
        model.check_leaders(state)
        if liveness:
            check_progress(model, state)
        deque(model.transitions(state), maxlen=0)
    except Violation as violation:
        found = str(violation)
        if violation.transition:
            trace.append(f"{state.now_ms:>6} ms  {violation.transition}")
    return Counterexample(found, tuple(trace), path)


def _path(origin: Mapping[int, tuple[int, int] | None], here: int) -> tuple[int, ...]:
    path: list[int] = []
    while (came := origin[here]) is not None:
        here, choice = came
        path.append(choice)
    return tuple(reversed(path))


def check_progress(model: Model, state: State) -> None:
    """Check liveness: if all candidates crash and faults stop, a new candidate leads soon.

    It comes when the lease and the allowance are over, and must win within a bounded number of
    requests. Writes in flight are applied first. If the highest lock is continued, a candidate for
    its tick leads at once (R10).
    """
    if not model.scenario.expect_progress:
        return
    try:
        _let_a_newcomer_lead(model, state, Work(), at_once=False)
        if (rest := _continued(state.bucket)) is not None and not state.late:
            _let_a_newcomer_lead(model, state, rest, at_once=True)
    except Violation as violation:
        raise Violation(str(violation), CRASH) from None


def _continued(bucket: Bucket) -> Work | None:
    """Return what the next leg is for, if the highest lock is continued."""
    locks = [lock_fields(item.body) for item in bucket.objects if "/lock_" in item.key]
    if not locks or locks[-1].get("outcome") != "continued":
        return None
    lock = decode_lock(json.dumps(locks[-1]).encode(), key="", term=int(str(locks[-1]["term"])))
    return Work(tick=lock.tick, leg=lock.leg + 1, repeat=lock.repeat)


def _let_a_newcomer_lead(model: Model, state: State, work: Work, *, at_once: bool) -> None:
    bucket, now_ms, plans = state.bucket, state.now_ms, model.scenario.plans
    for write in state.late:
        bucket, _ = model.apply(bucket, write, now_ms)
    lease_ms = max(plan.lease_ms for plan in plans)
    skew_ms = max(plan.clock_skew_ms for plan in plans)
    newcomer = Plan("newcomer", lease_ms=lease_ms, clock_skew_ms=skew_ms)
    numbers = itertools.count()
    config = candidate_config(newcomer, lambda: str(next(numbers)))
    if not at_once:
        now_ms += lease_ms + skew_ms + 1000  # of one second's grain
    steps = campaign(config, work, wait_ms=0, known=None, now_ms=now_ms)
    request, requests = next(steps), 0
    answer: Answer | BucketUnusable
    try:
        while requests < MOST_REQUESTS:
            if isinstance(request, Wait):
                answer = Waited()
            else:
                bucket, answer = model.apply(bucket, request, now_ms)
                requests += 1
            if isinstance(answer, BucketUnusable):
                request = steps.throw(answer)
            else:
                request = steps.send(Reply(answer, now_ms, now_ms))
    except StopIteration as stop:
        if isinstance(stop.value, Won):
            return
        raise Violation(f"a newcomer does not lead though nobody does: {stop.value.why}") from None
    raise Violation(f"a newcomer does not lead within {MOST_REQUESTS} requests")
