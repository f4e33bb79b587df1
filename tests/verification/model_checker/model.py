"""Candidates around a small S3, and everything that can happen next.

Time is true time in milliseconds and moves in steps. The time stamps that S3 gives are of
one-second grain, and the `Date` of an answer may come from a front end that is ahead of the others
by up to `APART_MS`. Each stopwatch has a rate. Each kind of fault has a budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from s3leader._core.lock import lock_name, parse_lock_name
from s3leader._core.requests import (
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
from s3leader.errors import BucketUnusable

from .candidates import FOLDER, candidate_program
from .machine import AnswerToProgram, Choose, Leads, Machine, Now, StopsLeading
from .reports import Report
from .s3 import Bucket, S3Object, Violation, delete, describe, find_object, lock_fields
from .scenario import DAY_MS, Budget, Scenario

APART_MS: Final = 500
LOST: Final = Unknown("lost")
REQUESTS = (List, Read, Create, Replace, Tag)


class Actor(NamedTuple):
    """A candidate: where its life stands, and what is on its way to or from S3."""

    node: int
    sent_ms: int | None = None  # a request under way, not yet applied unless `answer` is there
    answer: Answer | BucketUnusable | None = None
    leads: Leads | None = None
    alive: bool = True


class State(NamedTuple):
    """One state of everything. `won` is the highest term that a candidate believed it led, `led`
    the tick of each, where attempts are counted.
    """

    now_ms: int
    bucket: Bucket
    actors: tuple[Actor, ...]
    late: tuple[Create | Replace, ...]
    budget: Budget
    won: int
    led: tuple[str, ...] = ()

    def spend(self, fault: str) -> State:
        """Return this state with one less of a fault to come."""
        left = getattr(self.budget, fault) - 1
        return self._replace(budget=self.budget._replace(**{fault: left}))

    def with_actor(self, index: int, actor: Actor) -> State:
        """Return this state with one candidate changed."""
        actors = (*self.actors[:index], actor, *self.actors[index + 1 :])
        return self._replace(actors=actors)


Transitions = Iterator[tuple[str, State]]


class Model:
    """The states of a scenario, and how they follow each other.

    If an operator deposes by force, a holder whose lock was deposed does not count as a leader.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.apply = scenario, scenario.service.apply
        self.machine = Machine({plan.name: candidate_program(plan) for plan in scenario.plans})
        self._forced = any(plan.force for plan in scenario.plans)

    def watch(self, index: int, now_ms: int) -> int:
        """What the stopwatch of a candidate shows."""
        rate = self.scenario.plans[index].rate
        return now_ms if rate == 1 else int(now_ms * rate)

    def start(self) -> State:
        """Return the state in which every program has run to its first request, choice or wait."""
        it, actors = self.scenario, tuple(Actor(node) for node in self.machine.starts)
        terms = (parse_lock_name(item.key.removeprefix(FOLDER)) or 0 for item in it.objects)
        won = max(terms, default=0)
        state = State(it.begin_ms, Bucket(it.objects), actors, (), it.budget, won)
        for index, actor in enumerate(actors):
            state = self._run(state, index, actor.node)
        return state

    def transitions(self, state: State) -> Transitions:
        """Yield every next state with a description of the transition; raise `Violation`."""
        for index, actor in enumerate(state.actors):
            asks = self.machine.nodes[actor.node].asks
            if not actor.alive or asks is None:
                continue
            try:
                yield from self._actor_transitions(state, index, actor)
            except Violation as violation:
                what = describe(asks) if isinstance(asks, REQUESTS) else "goes on"
                raise Violation(str(violation), f"{self.machine.names[index]}: {what}") from None
        for index, write in enumerate(state.late):
            bucket, answer = self.apply(state.bucket, write, state.now_ms)
            rest = state.late[:index] + state.late[index + 1 :]
            what = f"{describe(write)}, given up as lost, is applied: {describe(answer)}"
            yield what, state._replace(bucket=bucket, late=rest)
        for item in state.bucket.objects:
            if item.tagged and state.now_ms - item.modified_ms >= DAY_MS:
                bucket = delete(state.bucket, item)
                yield f"the lifecycle rule deletes {describe(item)}", state._replace(bucket=bucket)
        if any(actor.alive for actor in state.actors):
            if state.budget.steps:
                later = state.now_ms + self.scenario.step_ms
                what = f"{self.scenario.step_ms} ms pass"
                yield what, state.spend("steps")._replace(now_ms=later)
            if state.budget.days:
                later = state.now_ms + 2 * DAY_MS
                yield "two days pass", state.spend("days")._replace(now_ms=later)

    def _actor_transitions(self, state: State, index: int, actor: Actor) -> Transitions:
        name, asks = self.machine.names[index], self.machine.nodes[actor.node].asks
        if state.budget.deaths:
            dead = state.spend("deaths").with_actor(index, Actor(actor.node, alive=False))
            yield f"{name} dies", dead
            under_way = actor.sent_ms is not None and actor.answer is None
            if under_way and isinstance(asks, Create | Replace):
                late = dead._replace(late=(*dead.late, asks))
                yield f"{name} dies, its request under way", late
        if isinstance(asks, Choose):
            for option in asks.options:
                yield f"{name} chooses to {option}", self._reply(state, index, option)
        elif isinstance(asks, Wait):
            yield f"{name} has waited", self._hear(state, index, Waited())
        elif isinstance(asks, REQUESTS):
            what = f"{name}: {describe(asks)}"
            if actor.answer is not None:
                heard = self._hear(state, index, actor.answer)
                yield f"{what}: hears at last {describe(actor.answer)}", heard
                return
            yield from self._answered(what, state, index, asks)
            if actor.sent_ms is None:
                yield from self._slowly(what, state, index, asks)
                yield from self._unanswered(what, state, index, asks)
                yield from self._echoed(what, state, index, asks)

    def _answered(self, what: str, state: State, index: int, asks: StoreRequest) -> Transitions:
        """S3 applies the request now, and the answer is heard at once."""
        bucket, answer = self.apply(state.bucket, asks, state.now_ms)
        after = state._replace(bucket=bucket)
        yield f"{what}: {describe(answer)}", self._hear(after, index, answer)
        if state.budget.skewed and isinstance(asks, List | Read | Create):
            _, ahead = self.apply(state.bucket, asks, state.now_ms, state.now_ms + APART_MS)
            if ahead != answer:
                heard = self._hear(after.spend("skewed"), index, ahead)
                yield f"{what}: {describe(ahead)}, dated ahead", heard

    def _slowly(self, what: str, state: State, index: int, asks: StoreRequest) -> Transitions:
        """The request or its answer takes its time."""
        if not state.budget.slow:
            return
        spent, sent = state.spend("slow"), state.actors[index]._replace(sent_ms=state.now_ms)
        bucket, answer = self.apply(state.bucket, asks, state.now_ms)
        applied = spent._replace(bucket=bucket).with_actor(index, sent._replace(answer=answer))
        yield f"{what}: {describe(answer)}, but slowly", applied
        if isinstance(asks, Create | Replace):
            yield f"{what}: sent, but slowly", spent.with_actor(index, sent)

    def _unanswered(self, what: str, state: State, index: int, asks: StoreRequest) -> Transitions:
        """The candidate hears nothing of use."""
        if not state.budget.lost:
            return
        spent = state.spend("lost")
        yield f"{what}: is lost (or 409)", self._hear(spent, index, LOST)
        if isinstance(asks, Create | Replace | Tag):
            bucket, answer = self.apply(state.bucket, asks, state.now_ms)
            applied = spent._replace(bucket=bucket)
            yield f"{what}: {describe(answer)}, unheard", self._hear(applied, index, LOST)
        if isinstance(asks, Create | Replace):
            pending = spent._replace(late=(*state.late, asks))
            yield f"{what}: given up, still under way", self._hear(pending, index, LOST)

    def _echoed(self, what: str, state: State, index: int, asks: StoreRequest) -> Transitions:
        """Something on the way sends a write twice, and hands back the answer to either copy."""
        if not state.budget.echoes or not isinstance(asks, Create | Replace):
            return
        bucket, answer = self.apply(state.bucket, asks, state.now_ms)
        applied = state.spend("echoes")._replace(bucket=bucket)
        sent = state.actors[index]._replace(sent_ms=state.now_ms)
        what = f"{what}: {describe(answer)}"
        yield f"{what}, unheard, and sent a second time", applied.with_actor(index, sent)
        pending = applied._replace(late=(*state.late, asks))
        yield f"{what}, and sent a second time", self._hear(pending, index, answer)

    def _hear(self, state: State, index: int, answer: Answer | BucketUnusable) -> State:
        """Let a candidate hear an answer now, by its own stopwatch."""
        if isinstance(answer, BucketUnusable):
            return self._reply(state, index, answer)
        sent_ms, heard_ms = state.actors[index].sent_ms, self.watch(index, state.now_ms)
        sent_ms = heard_ms if sent_ms is None else self.watch(index, sent_ms)
        return self._reply(state, index, Reply(answer, sent_ms, heard_ms))

    def _reply(self, state: State, index: int, reply: AnswerToProgram) -> State:
        return self._run(state, index, self.machine.step(state.actors[index].node, reply))

    def _run(self, state: State, index: int, node: int) -> State:
        """Let a candidate go on until it asks S3 or the scheduler for something."""
        leads, name = state.actors[index].leads, self.machine.names[index]
        while True:
            reply = None
            match asks := self.machine.nodes[node].asks:
                case Now():
                    reply = self.watch(index, state.now_ms)
                case Leads():
                    state = self._led(state, index, leads, asks)
                    leads = asks
                    self.check_leaders(state.with_actor(index, Actor(node, leads=leads)))
                case StopsLeading():
                    leads = None
                case Report():
                    asks.check(self.scenario.service, state.bucket, name)
                case _:
                    break
            node = self.machine.step(node, reply)
        leads = None if asks is None else leads
        state = state.with_actor(index, Actor(node, leads=leads))
        self.check_leaders(state)
        return state

    def _led(self, state: State, index: int, before: Leads | None, now: Leads) -> State:
        """Check and record that a candidate takes itself for the leader, anew or still."""
        if before is not None:
            if before.deadline_ms <= self.watch(index, state.now_ms) < now.deadline_ms:
                raise Violation(f"term {now.term} is led again after its deadline")
            return state
        if self.scenario.nobody_leads:
            raise Violation(f"term {now.term} is led on a store that keeps no conditions")
        if now.term <= state.won:
            raise Violation(f"term {now.term} is won after term {state.won}")
        led = state.led
        if self.scenario.max_attempts is not None:
            below = find_object(state.bucket, FOLDER + lock_name(now.term - 1))
            if below is not None and _is_continued(below, now.tick):
                return state._replace(won=now.term)  # another leg of the same attempt (R10)
            led = tuple(sorted((*led, now.tick)))
            if led.count(now.tick) > self.scenario.max_attempts:
                raise Violation(f"tick {now.tick} is attempted {led.count(now.tick)} times")
        return state._replace(won=now.term, led=led)

    def check_leaders(self, state: State) -> None:
        """At most one candidate leads, by true time and its own deadline."""
        leading = [
            f"{self.machine.names[index]} (term {actor.leads.term})"
            for index, actor in enumerate(state.actors)
            if actor.leads is not None
            and self.watch(index, state.now_ms) < actor.leads.deadline_ms
            and not (self._forced and _deposed(state.bucket, actor.leads.term))
        ]
        if len(leading) > 1:
            raise Violation(f"two leaders: {' and '.join(leading)}")


def _is_continued(item: S3Object, tick: str) -> bool:
    lock = lock_fields(item.body)
    return lock.get("outcome") == "continued" and lock["tick"] == tick


def _deposed(bucket: Bucket, term: int) -> bool:
    item = find_object(bucket, FOLDER + lock_name(term))
    return item is not None and lock_fields(item.body)["outcome"] == "deposed"
