"""Visit every state, breadth first, so that the first counterexample is a shortest one."""

from __future__ import annotations

import itertools
import json
from collections import deque
from dataclasses import dataclass
from itertools import islice

from s3leader._core.candidate import CandidateConfig
from s3leader._core.lock import decode_lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Won, campaign
from s3leader._core.requests import Reply, Wait, Waited
from s3leader.errors import BucketUnusable

from .candidates import FOLDER
from .model import Budget, Model, State
from .s3 import Bucket, Violation, lock_fields

MOST_REQUESTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A property that does not hold, and the moves that lead there."""

    violation: str
    trace: tuple[str, ...]
    path: tuple[int, ...]

    def __str__(self) -> str:
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.trace, 1)]
        path = ".".join(str(choice) for choice in self.path)
        return "\n".join([f"{self.violation}:", *lines, f"(replay: {path})"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """The number of distinct states and transitions; `whole` if none was left out."""

    states: int
    transitions: int
    depth: int
    nodes: int
    whole: bool
    counterexample: Counterexample | None


def explore(
    model: Model, budget: Budget, *, at_most: int | None = None, liveness: int = 1
) -> Explored:
    """Visit every state that can be reached within `budget`, or the first `at_most` of them.

    Liveness is checked in every state, or in one of `liveness` (0: none).
    """
    state = model.start(budget)
    origin: dict[int, tuple[int, int] | None] = {hash(state): None}
    queue = deque([(state, 0)])
    transitions = depth = 0
    while queue:
        state, depth = queue.popleft()
        here = hash(state)
        try:
            model.check_leaders(state)
            if liveness and here % liveness == 0:
                check_progress(model, state)
            for choice, (_, after) in enumerate(model.transitions(state)):
                transitions += 1
                there = hash(after)
                if there not in origin:
                    origin[there] = (here, choice)
                    queue.append((after, depth + 1))
        except Violation:
            path = _path(origin, here)
            counterexample = replay(model, budget, path, liveness=liveness)
            return _explored(model, origin, transitions, depth, counterexample, whole=False)
        if at_most is not None and len(origin) >= at_most:
            return _explored(model, origin, transitions, depth, None, whole=False)
    return _explored(model, origin, transitions, depth, None, whole=True)


def replay(
    model: Model, budget: Budget, path: tuple[int, ...], *, liveness: int = 1
) -> Counterexample:
    """Return the trace of a path, and the violation that is found where it ends."""
    state = model.start(budget)
    trace: list[str] = []
    for choice in path:
        describe, after = next(islice(model.transitions(state), choice, None))
        trace.append(f"{state.now_ms:>6} ms  {describe}")
        state = after
    try:
        model.check_leaders(state)
        if liveness:
            check_progress(model, state)
        for _ in model.transitions(state):
            pass
    except Violation as violation:
        if violation.transition:
            trace.append(f"{state.now_ms:>6} ms  {violation.transition}")
        return Counterexample(violation=str(violation), trace=tuple(trace), path=path)
    return Counterexample(violation="no violation", trace=tuple(trace), path=path)


def _path(origin: dict[int, tuple[int, int] | None], here: int) -> tuple[int, ...]:
    path: list[int] = []
    while (came := origin[here]) is not None:
        here, choice = came
        path.append(choice)
    return tuple(reversed(path))


def _explored(
    model: Model,
    origin: dict[int, tuple[int, int] | None],
    transitions: int,
    depth: int,
    counterexample: Counterexample | None,
    *,
    whole: bool,
) -> Explored:
    return Explored(
        states=len(origin),
        transitions=transitions,
        depth=depth,
        nodes=len(model.machine.nodes),
        whole=whole,
        counterexample=counterexample,
    )


def check_progress(model: Model, state: State) -> None:
    """Check liveness: if all candidates crash and faults stop, a new candidate leads soon.

    It comes when the lease and the allowance are over, and must win within a bounded number of
    requests. Writes in flight are applied first. If the highest lock is continued, a candidate for
    its tick leads at once (R10).
    """
    try:
        _newcomer(model, state, Work(), model.lease_ms + model.clock_skew_ms + 1000)
        if (rest := _continued(state.bucket)) is not None and not state.late:
            _newcomer(model, state, rest, 0)
    except Violation as violation:
        transition = (
            "all candidates crash; when lease and allowance are over, a new candidate campaigns"
        )
        raise Violation(str(violation), transition) from None


def _continued(bucket: Bucket) -> Work | None:
    """Return what the next leg is for, if the highest lock is continued."""
    locks = [lock_fields(item.body) for item in bucket.objects if "/lock_" in item.key]
    if not locks or locks[-1].get("outcome") != "continued":
        return None
    lock = decode_lock(json.dumps(locks[-1]).encode(), key="", term=int(str(locks[-1]["term"])))
    return Work(tick=lock.tick, leg=lock.leg + 1, repeat=lock.repeat)


def _newcomer(model: Model, state: State, work: Work, later_ms: int) -> None:
    apply, bucket, now_ms = model.service.apply, state.bucket, state.now_ms
    for write in state.late:
        bucket, _ = apply(bucket, write, now_ms)
    numbers = itertools.count()
    rules = CandidateConfig(
        folder=FOLDER,
        candidate="newcomer",
        nonce=lambda: f"newcomer#{next(numbers)}",
        lease_ms=model.lease_ms,
        clock_skew_ms=model.clock_skew_ms,
    )
    now_ms += later_ms
    steps = campaign(rules, work, wait_ms=0, known=None, now_ms=now_ms)
    request, requests = next(steps), 0
    try:
        while requests < MOST_REQUESTS:
            if isinstance(request, Wait):
                request = steps.send(Reply(Waited(), now_ms, now_ms))
                continue
            bucket, answer = apply(bucket, request, now_ms)
            requests += 1
            if isinstance(answer, BucketUnusable):
                request = steps.throw(answer)
                continue
            request = steps.send(Reply(answer, now_ms, now_ms))
    except StopIteration as stop:
        if isinstance(stop.value, Won):
            return
        raise Violation(f"a newcomer does not lead though nobody does: {stop.value.why}") from None
    raise Violation(f"a newcomer does not lead within {MOST_REQUESTS} requests")
