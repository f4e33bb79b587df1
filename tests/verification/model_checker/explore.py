"""Walk everything that can happen, breadth first, so that the first fault has a shortest story."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from itertools import islice

from s3leader._core.candidate import CandidateConfig
from s3leader._core.protocol import Won, campaign
from s3leader._core.requests import Reply, Wait, Waited
from s3leader.errors import BucketUnusable

from .candidates import FOLDER
from .s3 import Fault
from .world import Budget, Physics, World

MOST_REQUESTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A property that does not hold, and the moves that lead there."""

    fault: str
    story: tuple[str, ...]
    path: tuple[int, ...]

    def __str__(self) -> str:
        lines = [f"{number:3}. {step}" for number, step in enumerate(self.story, 1)]
        path = ".".join(str(choice) for choice in self.path)
        return "\n".join([f"{self.fault}:", *lines, f"(replay: {path})"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """How many distinct states and moves there were; `whole` if none was left out."""

    states: int
    moves: int
    depth: int
    nodes: int
    whole: bool
    finding: Finding | None


def explore(
    physics: Physics, budget: Budget, *, at_most: int | None = None, liveness: int = 1
) -> Explored:
    """Visit every state that can be reached within `budget`, or the first `at_most` of them.

    Liveness is checked in every state, or in one of `liveness` (0: none).
    """
    world = physics.start(budget)
    origin: dict[int, tuple[int, int] | None] = {hash(world): None}
    queue = deque([(world, 0)])
    moves = depth = 0
    while queue:
        world, depth = queue.popleft()
        here = hash(world)
        try:
            physics.check_leaders(world)
            if liveness and here % liveness == 0:
                check_gets_on(physics, world)
            for choice, (_, after) in enumerate(physics.moves(world)):
                moves += 1
                there = hash(after)
                if there not in origin:
                    origin[there] = (here, choice)
                    queue.append((after, depth + 1))
        except Fault:
            path = _path(origin, here)
            finding = tell(physics, budget, path, liveness=liveness)
            return _explored(physics, origin, moves, depth, finding, whole=False)
        if at_most is not None and len(origin) >= at_most:
            return _explored(physics, origin, moves, depth, None, whole=False)
    return _explored(physics, origin, moves, depth, None, whole=True)


def tell(physics: Physics, budget: Budget, path: tuple[int, ...], *, liveness: int = 1) -> Finding:
    """Return the story of a path, and of the fault that is found where it ends."""
    world = physics.start(budget)
    story: list[str] = []
    for choice in path:
        words, after = next(islice(physics.moves(world), choice, None))
        story.append(f"{world.now_ms:>6} ms  {words}")
        world = after
    try:
        physics.check_leaders(world)
        if liveness:
            check_gets_on(physics, world)
        for _ in physics.moves(world):
            pass
    except Fault as fault:
        if fault.move:
            story.append(f"{world.now_ms:>6} ms  {fault.move}")
        return Finding(fault=str(fault), story=tuple(story), path=path)
    return Finding(fault="nothing is wrong", story=tuple(story), path=path)


def _path(origin: dict[int, tuple[int, int] | None], here: int) -> tuple[int, ...]:
    path: list[int] = []
    while (came := origin[here]) is not None:
        here, choice = came
        path.append(choice)
    return tuple(reversed(path))


def _explored(
    physics: Physics,
    origin: dict[int, tuple[int, int] | None],
    moves: int,
    depth: int,
    finding: Finding | None,
    *,
    whole: bool,
) -> Explored:
    return Explored(
        states=len(origin),
        moves=moves,
        depth=depth,
        nodes=len(physics.machine.nodes),
        whole=whole,
        finding=finding,
    )


def check_gets_on(physics: Physics, world: World) -> None:
    """From here on nothing goes wrong any more, but everybody dies: a newcomer leads soon.

    It comes when the lease and the allowance are over, and must win within a bounded number of
    requests. What was under way lands first.
    """
    try:
        _newcomer(physics, world)
    except Fault as fault:
        move = "everybody dies; when lease and allowance are over, a newcomer campaigns"
        raise Fault(str(fault), move) from None


def _newcomer(physics: Physics, world: World) -> None:
    apply, bucket, now_ms = physics.service.apply, world.bucket, world.now_ms
    for write in world.late:
        bucket, _ = apply(bucket, write, now_ms)
    numbers = itertools.count()
    rules = CandidateConfig(
        folder=FOLDER,
        candidate="newcomer",
        nonce=lambda: f"newcomer#{next(numbers)}",
        lease_ms=physics.lease_ms,
        clock_skew_ms=physics.clock_skew_ms,
    )
    now_ms += physics.lease_ms + physics.clock_skew_ms + 1000  # of one second's grain
    steps = campaign(rules, tick=None, wait_ms=0, known=None, now_ms=now_ms)
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
        raise Fault(f"a newcomer does not lead though nobody does: {stop.value.why}") from None
    raise Fault(f"a newcomer does not lead within {MOST_REQUESTS} requests")
