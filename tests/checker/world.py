"""Candidates around a small S3, and everything that can happen next.

Time is true time in milliseconds and moves in steps. The time stamps that S3 gives are of
one-second grain, and the `Date` of an answer may come from a front end that is ahead of the others
by up to `skew_ms`. Stopwatches run true. Each kind of misfortune has a budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from s3leader.store import (
    Answer,
    Create,
    List,
    Read,
    Replace,
    Reply,
    StoreRequest,
    Tag,
    Unknown,
    Wait,
    Waited,
)

from .machine import Answers, Choose, Disclaims, Leads, Machine, Now, Retires
from .s3 import Bucket, Fault, Thing, apply, check_disclaimer, delete, words

DAY_MS = 24 * 60 * 60 * 1000
LOST = Unknown("lost")
REQUESTS = (List, Read, Create, Replace, Tag)


class Actor(NamedTuple):
    """A candidate: where its life stands, and what is on its way to or from S3."""

    node: int
    sent_ms: int | None = None  # a request under way, not yet applied unless `answer` is there
    answer: Answer | None = None
    leads: Leads | None = None
    alive: bool = True


class Budget(NamedTuple):
    """How often each misfortune may still happen."""

    lost: int = 0  # an answer or a request lost, 5xx, 409, a write that lands later
    slow: int = 0  # a request or an answer that is overtaken by time and others
    deaths: int = 0
    skewed: int = 0  # answers dated by a front end that is ahead
    days: int = 0  # everything sleeps for two days, and the lifecycle rule may do its work
    steps: int = 0  # steps of time


class World(NamedTuple):
    """One state of everything. `won` is the highest term that anybody took himself to lead."""

    now_ms: int
    bucket: Bucket
    actors: tuple[Actor, ...]
    late: tuple[Create | Replace, ...]
    budget: Budget
    won: int = 0


Moves = Iterator[tuple[str, World]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Physics:
    """How long one step of time is, how far S3's front ends are apart, and how it all begins."""

    machine: Machine
    step_ms: int = 500
    skew_ms: int = 500
    things: tuple[Thing, ...] = ()
    begin_ms: int = 0
    won: int = 0

    def start(self, budget: Budget) -> World:
        """Return the world in which every life has run to its first request, choice or wait."""
        actors = tuple(Actor(node) for node in self.machine.starts)
        world = World(self.begin_ms, Bucket(self.things), actors, (), budget, self.won)
        for index, actor in enumerate(actors):
            world = self._run(world, index, actor.node)
        return world

    def moves(self, world: World) -> Moves:
        """Yield everything that can happen next, each with a few words; raise `Fault`."""
        for index, actor in enumerate(world.actors):
            asks = self.machine.nodes[actor.node].asks
            if not actor.alive or asks is None:
                continue
            try:
                yield from self._actor_moves(world, index, actor)
            except Fault as fault:
                what = words(asks) if isinstance(asks, REQUESTS) else "goes on"
                raise Fault(str(fault), f"{self.machine.names[index]}: {what}") from None
        for index, write in enumerate(world.late):
            bucket, answer = apply(world.bucket, write, world.now_ms)
            rest = world.late[:index] + world.late[index + 1 :]
            what = f"{words(write)}, given up for lost, lands: {words(answer)}"
            yield what, world._replace(bucket=bucket, late=rest)
        for thing in world.bucket.things:
            if thing.tagged and world.now_ms - thing.modified_ms >= DAY_MS:
                bucket = delete(world.bucket, thing)
                yield f"the lifecycle rule deletes {words(thing)}", world._replace(bucket=bucket)
        yield from self._time_moves(world)

    def _time_moves(self, world: World) -> Moves:
        budget = world.budget
        if not any(actor.alive for actor in world.actors):
            return
        if budget.steps:
            later = world.now_ms + self.step_ms
            spent = budget._replace(steps=budget.steps - 1)
            yield f"{self.step_ms} ms pass", world._replace(now_ms=later, budget=spent)
        if budget.days:
            later = world.now_ms + 2 * DAY_MS
            spent = budget._replace(days=budget.days - 1)
            yield "two days pass", world._replace(now_ms=later, budget=spent)

    def _actor_moves(self, world: World, index: int, actor: Actor) -> Moves:
        name, asks = self.machine.names[index], self.machine.nodes[actor.node].asks
        if world.budget.deaths:
            yield from self._deaths(world, index, actor)
        if isinstance(asks, Choose):
            for option in asks.options:
                yield f"{name} chooses to {option}", self._reply(world, index, option)
        elif isinstance(asks, Wait):
            reply = Reply(Waited(), world.now_ms, world.now_ms)
            yield f"{name} has waited", self._reply(world, index, reply)
        elif isinstance(asks, REQUESTS):
            if actor.answer is not None:
                reply = Reply(actor.answer, actor.sent_ms or 0, world.now_ms)
                what = f"{name}: {words(asks)}: hears at last {words(actor.answer)}"
                yield what, self._reply(world, index, reply)
                return
            yield from self._answered(world, index, actor, asks)
            if actor.sent_ms is None:
                yield from self._slowly(world, index, actor, asks)
                yield from self._unanswered(world, index, asks)

    def _deaths(self, world: World, index: int, actor: Actor) -> Moves:
        name, asks = self.machine.names[index], self.machine.nodes[actor.node].asks
        budget = world.budget._replace(deaths=world.budget.deaths - 1)
        dead = with_actor(world._replace(budget=budget), index, Actor(actor.node, alive=False))
        yield f"{name} dies", dead
        under_way = actor.sent_ms is not None and actor.answer is None
        if under_way and isinstance(asks, Create | Replace):
            late = dead._replace(late=(*dead.late, asks))
            yield f"{name} dies, its request under way", late

    def _answered(self, world: World, index: int, actor: Actor, asks: StoreRequest) -> Moves:
        """S3 applies the request now, and the answer is heard at once."""
        what, now_ms, budget = self._what(index, asks), world.now_ms, world.budget
        sent_ms = now_ms if actor.sent_ms is None else actor.sent_ms
        bucket, answer = apply(world.bucket, asks, now_ms)
        after = world._replace(bucket=bucket)
        heard = self._reply(after, index, Reply(answer, sent_ms, now_ms))
        yield f"{what}: {words(answer)}", heard
        if budget.skewed and isinstance(asks, List | Read | Create):
            _, ahead = apply(world.bucket, asks, now_ms, now_ms + self.skew_ms)
            if ahead != answer:
                spent = after._replace(budget=budget._replace(skewed=budget.skewed - 1))
                heard = self._reply(spent, index, Reply(ahead, sent_ms, now_ms))
                yield f"{what}: {words(ahead)}, dated ahead", heard

    def _slowly(self, world: World, index: int, actor: Actor, asks: StoreRequest) -> Moves:
        """The request or its answer takes its time."""
        if not world.budget.slow:
            return
        what, now_ms = self._what(index, asks), world.now_ms
        spent = world._replace(budget=world.budget._replace(slow=world.budget.slow - 1))
        bucket, answer = apply(world.bucket, asks, now_ms)
        waiting = actor._replace(sent_ms=now_ms, answer=answer)
        applied = with_actor(spent._replace(bucket=bucket), index, waiting)
        yield f"{what}: {words(answer)}, but slowly", applied
        if isinstance(asks, Create | Replace):
            waiting = actor._replace(sent_ms=now_ms)
            yield f"{what}: sent, but slowly", with_actor(spent, index, waiting)

    def _unanswered(self, world: World, index: int, asks: StoreRequest) -> Moves:
        """The candidate hears nothing of use."""
        if not world.budget.lost:
            return
        what, reply = self._what(index, asks), Reply(LOST, world.now_ms, world.now_ms)
        spent = world._replace(budget=world.budget._replace(lost=world.budget.lost - 1))
        yield f"{what}: is lost (or 409)", self._reply(spent, index, reply)
        if isinstance(asks, Create | Replace | Tag):
            bucket, answer = apply(world.bucket, asks, world.now_ms)
            applied = spent._replace(bucket=bucket)
            yield f"{what}: {words(answer)}, unheard", self._reply(applied, index, reply)
        if isinstance(asks, Create | Replace):
            pending = spent._replace(late=(*world.late, asks))
            yield f"{what}: given up, still under way", self._reply(pending, index, reply)

    def _what(self, index: int, asks: StoreRequest) -> str:
        return f"{self.machine.names[index]}: {words(asks)}"

    def _reply(self, world: World, index: int, reply: Answers) -> World:
        return self._run(world, index, self.machine.step(world.actors[index].node, reply))

    def _run(self, world: World, index: int, node: int) -> World:
        """Let a candidate go on until it asks S3 or the scheduler for something."""
        leads, won = world.actors[index].leads, world.won
        while True:
            asks = self.machine.nodes[node].asks
            if isinstance(asks, Now):
                node = self.machine.step(node, world.now_ms)
                continue
            if isinstance(asks, Leads):
                if leads is None and asks.term <= won:
                    raise Fault(f"term {asks.term} is won after term {won}")
                if leads is not None and leads.deadline_ms <= world.now_ms < asks.deadline_ms:
                    raise Fault(f"term {asks.term} is led again after its deadline")
                leads, won = asks, max(won, asks.term)
                self.check_leaders(with_actor(world, index, Actor(node, leads=leads)))
            elif isinstance(asks, Retires):
                leads = None
            elif isinstance(asks, Disclaims):
                check_disclaimer(world.bucket, self.machine.names[index], asks.term)
            else:
                break
            node = self.machine.step(node, None)
        leads = None if asks is None else leads
        world = with_actor(world._replace(won=won), index, Actor(node, leads=leads))
        self.check_leaders(world)
        return world

    def check_leaders(self, world: World) -> None:
        """At most one candidate leads, by true time and its own deadline."""
        leading = [
            f"{self.machine.names[index]} (term {actor.leads.term})"
            for index, actor in enumerate(world.actors)
            if actor.leads is not None and world.now_ms < actor.leads.deadline_ms
        ]
        if len(leading) > 1:
            raise Fault(f"two leaders: {' and '.join(leading)}")


def with_actor(world: World, index: int, actor: Actor) -> World:
    """Return the world with one candidate changed."""
    actors = (*world.actors[:index], actor, *world.actors[index + 1 :])
    return world._replace(actors=actors)
